"""A session's version changes with each change of its state or sign-in, and only then."""

from datetime import timedelta

from pwsh_kernels.sessions.moment import now
from pwsh_kernels.sessions.session import DeviceCode, Session, SignIn, SignInFailure
from pwsh_kernels.sessions.views.version import list_version, session_version
from tests.sessions.views.session_steps import END, make_session


def test_each_step_of_a_sign_in_is_a_version_of_its_own() -> None:
    session = make_session("signed_out")
    seen = [session_version(session)]
    session.begin_sign_in(SignIn(session.module.routes["device_code"], END, END))
    seen.append(session_version(session))
    session.show_code(DeviceCode("ABCD12345", "https://login.example"))
    seen.append(session_version(session))
    session.refuse(SignInFailure("sign_in_declined", "The person declined."))
    seen.append(session_version(session))
    session.become("lost", "it died")
    seen.append(session_version(session))
    assert len(set(seen)) == len(seen)


def test_use_is_no_change() -> None:
    session = make_session("signed_out", "signing_in", "signed_in")
    before = session_version(session)
    session.use("conversation")
    session.last_used = now() + timedelta(hours=1)
    assert session_version(session) == before


def test_a_version_tells_nothing_of_a_code() -> None:
    first, second = make_session("signed_out"), make_session("signed_out")
    second.created_at = first.created_at
    for session, code in ((first, "AAAA11111"), (second, "BBBB22222")):
        session.begin_sign_in(SignIn(session.module.routes["device_code"], END, END))
        session.show_code(DeviceCode(code, "https://login.example"))
    assert session_version(first) == session_version(second)


def test_the_list_has_another_version_when_a_session_comes_or_goes_and_none_by_order() -> None:
    one, other = make_session("signed_out"), make_session("signed_out", "signing_in", "signed_in")
    sessions: list[list[Session]] = [[], [one], [other], [one, other]]
    assert len({list_version(each) for each in sessions}) == len(sessions)
    assert list_version([other, one]) == list_version([one, other])
