"""Sign-ins that the service has ended: suspected from an ordinary command's error, decided by the module's check."""

import functools
from collections.abc import Callable, Iterable

from pwsh_kernels.catalog import Module, explain
from pwsh_kernels.records import Record, Summary
from pwsh_kernels.sessions.attempt import verdict
from pwsh_kernels.sessions.choice import signs_in_alone
from pwsh_kernels.sessions.live import LiveSession
from pwsh_kernels.sessions.refusal import SignInRefused
from pwsh_kernels.sessions.run import Run
from pwsh_kernels.sessions.session import Session, SignInFailure

EndingSignIn = Callable[[LiveSession], None]


class Examiner:
    """Looks at runs that failed before their callers learn of it."""

    def __init__(self, sign_in_again: EndingSignIn) -> None:
        """`sign_in_again` is told of a session whose sign-in ended and that can sign in by itself."""
        self._sign_in_again = sign_in_again

    def examine(self, live: LiveSession, run: Run, summary: Summary | None, finish: Callable[[], None]) -> None:
        """End a run: at once, or after a look at whether its session still is signed in."""
        suspicion = suspect(live.session.module, records_of(run, summary)) if run.purpose == "command" else None
        if suspicion is None:
            finish()
        elif live.session.state != "signed_in":
            self._blame(live.session, run, suspicion)
            finish()
        else:
            look = live.tasks.start(self._look(live, run, suspicion), f"is {live.key} still signed in")
            look.add_done_callback(functools.partial(_finish, finish))

    async def _look(self, live: LiveSession, run: Run, suspicion: str) -> None:
        try:
            await verdict(live, first=True)
        except SignInRefused:
            session = live.session
            if session.state != "signed_in":  # another run's look was quicker
                self._blame(session, run, suspicion)
                return
            alone = signs_in_alone(session.tenant, session.module)
            failure = SignInFailure("sign_in_ended", ended_sentence(session, suspicion))
            session.refuse(failure)
            run.blame("sign_in_ended", failure.reason)
            if alone:
                self._sign_in_again(live)

    def _blame(self, session: Session, run: Run, suspicion: str) -> None:
        if session.failure and session.failure.code == "sign_in_ended":
            run.blame("sign_in_ended", ended_sentence(session, suspicion))


def records_of(run: Run, summary: Summary | None) -> list[Record]:
    """Return every error of a run."""
    terminating = summary.terminating_error if summary else None
    return [*run.errors, *([terminating] if terminating else [])]


def suspect(module: Module, errors: Iterable[Record]) -> str | None:
    """Return the sentence of the first error that may mean an ended sign-in, or None."""
    for error in errors:
        text = error.said
        found = explain(text)
        if found and found.ends_sign_in:
            return f"{found.sentence} ({found.code})"
        if any(pattern.search(text) for pattern in module.ended):
            return "The service no longer accepts it."
    return None


def ended_sentence(session: Session, why: str) -> str:
    """Return what a caller is told, with the next step."""
    if signs_in_alone(session.tenant, session.module):
        advice = "The session signs in again by itself: repeat the command."
    else:
        advice = "Sign in again (login), then repeat the command."
    return f"The sign-in to {session.key} has ended. {why} {advice}"


def _finish(finish: Callable[[], None], _: object) -> None:
    finish()
