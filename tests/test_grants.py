"""Grants: the kernel takes a message once, in time, and only as the server has signed it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pwsh_kernels.errors import NotGranted
from pwsh_kernels.grants import FREE, KEY, VALID_S, Grant, Signer, Verifier, digest, principal_of
from pwsh_kernels.messages import CLIENT_MESSAGES

NOW = 1_000.0
Message = dict[str, Any]


class Clock:
    """A clock that a test sets."""

    def __init__(self, now: float = NOW) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def message(code: str = "1", msg_id: str = "m-1", **content: Any) -> Message:
    """Return an execute request."""
    return {
        "header": {"msg_id": msg_id, "msg_type": "execute_request"},
        "msg_id": msg_id,
        "msg_type": "execute_request",
        "parent_header": {},
        "metadata": {"cellId": "c"},
        "content": {"code": code, "silent": False, "user_expressions": {}, **content},
    }


def granted(signer: Signer, one: Message) -> Message:
    return {**one, "metadata": signer.granted(one, "agent:claude", "r-1")}


def refusal(verifier: Verifier, one: Message) -> str:
    with pytest.raises(NotGranted) as refused:
        verifier.admit(one)
    return refused.value.reason


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def signer(clock: Clock) -> Signer:
    return Signer(Signer.new().private, clock)


@pytest.fixture
def verifier(signer: Signer, clock: Clock) -> Verifier:
    return Verifier(signer.public, clock)


def test_a_granted_message_is_taken_and_its_grant_says_for_whom(
    signer: Signer, verifier: Verifier
) -> None:
    one = granted(signer, message())
    assert verifier.admit(one) == Grant(
        "agent:claude", "r-1", "execute_request", "m-1", digest(message()), NOW + VALID_S
    )
    assert principal_of(one["metadata"]) == "agent:claude"


def test_a_later_server_goes_on_with_the_key(signer: Signer, verifier: Verifier) -> None:
    assert verifier.admit(granted(Signer(signer.private, lambda: NOW), message())) is not None


CHANGES: list[Message] = [
    {"content": {"code": "2", "silent": False, "user_expressions": {}}},
    {"content": {"code": "1", "silent": False, "user_expressions": {"x": "Remove-Item y"}}},
    {"content": {"code": "1", "silent": True, "user_expressions": {}}},
    {"content": {"code": "1", "silent": False}},
    {"parent_header": {"msg_id": "another question"}},
]


@pytest.mark.parametrize("change", CHANGES)
def test_nothing_in_a_granted_message_can_be_another(
    signer: Signer, verifier: Verifier, change: Message
) -> None:
    assert refusal(verifier, {**granted(signer, message()), **change}) == "other_content"


@pytest.mark.parametrize("added", [{"pwsh": {"own": True}}, {"pwsh": {"parameters": {"x": 1}}}])
def test_no_option_can_be_added_to_a_granted_message(
    signer: Signer, verifier: Verifier, added: Message
) -> None:
    one = granted(signer, message())
    assert refusal(verifier, {**one, "metadata": {**one["metadata"], **added}}) == "other_content"


def test_a_grant_fits_no_other_message_of_the_same_words(
    signer: Signer, verifier: Verifier
) -> None:
    one = granted(signer, message())
    other = message(msg_id="m-2")
    assert refusal(verifier, {**other, "metadata": one["metadata"]}) == "other_message"
    kind = {"header": {"msg_id": "m-1"}, "msg_type": "complete_request"}
    assert refusal(verifier, {**one, **kind}) == "other_message"


def test_a_message_that_was_taken_is_not_taken_again_also_by_a_new_grant(
    signer: Signer, verifier: Verifier, clock: Clock
) -> None:
    one = granted(signer, message())
    verifier.admit(one)
    assert refusal(verifier, one) == "replayed"
    clock.now += 1
    assert refusal(verifier, granted(signer, message())) == "replayed"


def test_a_refused_message_does_not_use_its_grant_up(signer: Signer, verifier: Verifier) -> None:
    one = granted(signer, message())
    assert refusal(verifier, {**one, "content": {}}) == "other_content"
    assert verifier.admit(one) is not None


def test_a_grant_runs_out_and_a_clock_that_is_set_back_brings_no_message_back(
    signer: Signer, verifier: Verifier, clock: Clock
) -> None:
    first, second = granted(signer, message()), granted(signer, message(msg_id="m-2"))
    verifier.admit(first)
    clock.now += VALID_S + 1
    assert refusal(verifier, second) == "expired"
    verifier.admit(granted(signer, message(msg_id="m-3")))  # forgets what has run out
    clock.now = NOW
    assert refusal(verifier, first) == "expired"


@pytest.mark.parametrize(
    "text",
    ["", ".", "e30.e30", "no dots", "a.b.c", "\ud800.x", 7, {}, "e30." + "A" * 86],
)
def test_what_is_no_grant_is_refused_as_one_that_nobody_signed(
    verifier: Verifier, text: object
) -> None:
    assert refusal(verifier, {**message(), "metadata": {KEY: text}}) == "signature"


def test_without_a_grant_or_a_key_nothing_is_taken(signer: Signer, verifier: Verifier) -> None:
    assert refusal(verifier, message()) == "missing"
    assert refusal(Verifier(""), granted(signer, message())) == "no_key"


def test_another_session_s_grant_is_not_signed_for_this_one(
    signer: Signer, verifier: Verifier
) -> None:
    assert refusal(verifier, granted(Signer.new(), message())) == "signature"


def test_a_signature_for_something_else_is_no_grant(signer: Signer, verifier: Verifier) -> None:
    claims, _, signature = granted(signer, message())["metadata"][KEY].partition(".")
    other = granted(signer, message(msg_id="m-2"))["metadata"][KEY].partition(".")[0]
    assert refusal(verifier, {**message(), "metadata": {KEY: f"{other}.{signature}"}}) == (
        "signature"
    )
    assert claims != other


@pytest.mark.parametrize("kind", sorted(FREE))
def test_what_runs_no_code_needs_no_grant(verifier: Verifier, kind: str) -> None:
    assert verifier.admit({**message(), "msg_type": kind}) is None


def test_of_what_a_kernel_takes_exactly_this_needs_a_grant() -> None:
    assert set(CLIENT_MESSAGES) >= FREE
    assert set(CLIENT_MESSAGES) - FREE == {
        "execute_request",
        "complete_request",
        "inspect_request",
        "input_reply",
    }


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(content=st.dictionaries(st.text(), JSON, max_size=4))
def test_whatever_a_granted_message_says_is_taken(content: Message) -> None:
    signer = Signer.new()
    one = {**message(), "content": content}
    assert Verifier(signer.public).admit(granted(signer, one)) is not None


def test_half_a_character_is_read_by_the_kernel_as_it_is_signed(
    signer: Signer, verifier: Verifier
) -> None:
    one = granted(signer, message(code="a\ud800b"))
    read = {**one, "content": {**one["content"], "code": "a\ufffdb"}}
    assert verifier.admit(read) is not None
