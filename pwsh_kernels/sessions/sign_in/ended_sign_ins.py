"""Sign-ins that the service has ended: suspected from an ordinary command's error, decided by the
module's check.
"""

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass

from pwsh_kernels.catalog import Module, explain
from pwsh_kernels.records import Record, Summary
from pwsh_kernels.sessions.live import LiveSession
from pwsh_kernels.sessions.runs.advice import Advice, lacks_connection, no_connection, runs_beside
from pwsh_kernels.sessions.runs.run import Run
from pwsh_kernels.sessions.session import Session, SignInFailure
from pwsh_kernels.sessions.sign_in.attempt import verdict
from pwsh_kernels.sessions.sign_in.refusals import SignInRefused
from pwsh_kernels.sessions.sign_in.route_choice import signs_in_alone

EndingSignIn = Callable[[LiveSession], None]


NO_LONGER = "The service no longer accepts it."
REFUSED = ("wrong_account", "wrong_tenant")
"""Ends of a sign-in that say themselves who signed in instead."""


@dataclass(frozen=True, slots=True)
class Suspicion:
    """Why a sign-in may have ended.

    `failed`: the run's own errors say so, else only its text gives reason to look.
    """

    sentence: str
    failed: bool = True


class Examiner:
    """Looks at runs that may have ended their session's sign-in, before their callers learn of
    them.
    """

    def __init__(self, sign_in_again: EndingSignIn) -> None:
        """`sign_in_again` is told of a session whose sign-in ended and that can sign in
        by itself.
        """
        self._sign_in_again = sign_in_again

    def examine(
        self, live: LiveSession, run: Run, summary: Summary | None, finish: Callable[[], None]
    ) -> None:
        """End a run: at once, or after a look at whether its session still is signed in."""
        suspicion = suspect(live.session.module, run, summary) if run.purpose == "command" else None
        if suspicion is None:
            finish()
        elif live.session.state != "signed_in":
            self._blame(live.session, run, suspicion)
            finish()
        else:
            look = live.tasks.start(
                self._look(live, run, suspicion), f"is {live.key} still signed in"
            )
            look.add_done_callback(functools.partial(_finish, finish))

    async def _look(self, live: LiveSession, run: Run, suspicion: Suspicion) -> None:
        session = live.session
        try:
            session.recognize(await verdict(live, first=True))
            _excuse(session.module, run)
        except SignInRefused as refused:
            if session.state != "signed_in":  # another run's look was quicker
                self._blame(session, run, suspicion)
                return
            alone = signs_in_alone(session.tenant, session.module)
            session.refuse(_failure(session, suspicion, refused))
            self._blame(session, run, suspicion)
            if alone:
                self._sign_in_again(live)

    def _blame(self, session: Session, run: Run, suspicion: Suspicion) -> None:
        if suspicion.failed and session.failure and session.failure.code == "sign_in_ended":
            run.blame("sign_in_ended", ended_sentence(session, suspicion.sentence))


def _excuse(module: Module, run: Run) -> None:
    """Advise on a run whose session is signed in, although the module told otherwise: another
    runspace is not.
    """

    def judge(error: Record, advice: Advice) -> Advice:
        return no_connection(module) if lacks_connection(module, error) else advice

    if runs_beside(run.command):
        run.advise_anew(judge)


def _failure(session: Session, suspicion: Suspicion, refused: SignInRefused) -> SignInFailure:
    if refused.failure.code in REFUSED:
        return refused.failure
    return SignInFailure("sign_in_ended", ended_sentence(session, suspicion.sentence))


def records_of(run: Run, summary: Summary | None) -> list[Record]:
    """Return every error of a run."""
    terminating = summary.terminating_error if summary else None
    return [*run.errors, *([terminating] if terminating else [])]


def suspect(module: Module, run: Run, summary: Summary | None) -> Suspicion | None:
    """Return why a run may have ended the sign-in, or None: an error says so, or a connect command
    failed or was used.
    """
    errors = records_of(run, summary)
    for error in errors:
        if sentence := _said(module, error):
            return Suspicion(sentence)
    connects = _names(module.connects)
    if connects is None:
        return None
    for error in errors:
        if error.command and connects.fullmatch(error.command):
            return Suspicion(f"{error.command} failed, and the module has dropped its connection.")
    named = connects.search(run.command)
    return (
        Suspicion(
            f"A command used {named.group()}, and nobody is signed in since.", failed=bool(errors)
        )
        if named
        else None
    )


def _said(module: Module, error: Record) -> str | None:
    """Return the sentence of an error that may mean an ended sign-in, or None."""
    found = explain(error.said)
    if found and found.ends_sign_in:
        return f"{found.sentence} ({found.code})"
    return NO_LONGER if any(pattern.search(error.said) for pattern in module.ended) else None


@functools.lru_cache(maxsize=64)
def _names(commands: tuple[str, ...]) -> re.Pattern[str] | None:
    names = "|".join(map(re.escape, commands))
    return re.compile(rf"(?<![\w-])(?:{names})(?![\w-])", re.IGNORECASE) if commands else None


def ended_sentence(session: Session, why: str) -> str:
    """Return what a caller is told, with the next step."""
    if signs_in_alone(session.tenant, session.module):
        advice = "The session signs in again by itself: repeat the command."
    else:
        advice = "Sign in again (login), then repeat the command."
    return f"The sign-in to {session.key} has ended. {why} {advice}"


def _finish(finish: Callable[[], None], _: object) -> None:
    finish()
