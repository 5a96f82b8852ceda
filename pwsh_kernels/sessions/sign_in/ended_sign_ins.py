"""Sign-ins that the service has ended: suspected because of an ordinary command's error, confirmed
by the module's check.
"""

import asyncio
import functools
import re
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from pwsh_kernels.catalog import Module, explain
from pwsh_kernels.records import Record, Summary
from pwsh_kernels.sessions.live import LiveSession
from pwsh_kernels.sessions.runs.advice import Advice, lacks_connection, no_connection, runs_beside
from pwsh_kernels.sessions.runs.run import FOR_CALLERS, Run
from pwsh_kernels.sessions.session import Session, SignInFailure
from pwsh_kernels.sessions.sign_in.attempt import verdict
from pwsh_kernels.sessions.sign_in.refusals import SignInRefused
from pwsh_kernels.sessions.sign_in.route_choice import signs_in_alone

EndingSignIn = Callable[[LiveSession], None]


NO_LONGER = "The service no longer accepts it."
REFUSED = ("wrong_account", "wrong_tenant")
"""Ends of a sign-in that already say who signed in instead."""
CHANGED = "A command changed the module's connection"
OUTPUT_IN_DOUBT = "What this command printed may come from there."
OUTCOME_WAIT_S = 120.0
"""How long an ended run waits for the check of a session that a server has found again; a longer
check was stopped.
"""
NOT_RUN = "The command was not run: the sign-in had ended when its turn came."


@dataclass(frozen=True, slots=True)
class Suspicion:
    """Why a sign-in may have ended.

    `failed`: the run's own errors suggest it; otherwise only the command's text is a reason to
    check.
    """

    sentence: str
    failed: bool = True


class Examiner:
    """Examines runs that may have ended or changed their session's sign-in, before their callers
    get the result.
    """

    def __init__(self, sign_in_again: EndingSignIn) -> None:
        """`sign_in_again` is called for a session whose sign-in ended and that can sign in
        unattended.
        """
        self._sign_in_again = sign_in_again

    def examine(
        self, live: LiveSession, run: Run, summary: Summary | None, finish: Callable[[], None]
    ) -> None:
        """End a run: at once, or after checking that its session is still signed in."""
        if run.purpose not in FOR_CALLERS:
            finish()
            return
        command = run.purpose == "command"
        suspicion = suspect(live.session.module, run, summary) if command else None
        if suspicion is None:
            self._finish_after_look(live, run, finish)
        elif live.session.state != "signed_in":
            settling = live.tasks.start(
                _settle(live.session, run, suspicion), f"who was signed in for {run.id}"
            )
            settling.add_done_callback(lambda _: _finish(live, run, finish))
        else:
            look = self._start_look(live, self._look(live, run, suspicion))
            look.add_done_callback(lambda _: _finish(live, run, finish))

    def look_again(self, live: LiveSession) -> None:
        """Check who is signed in after an execution that left no run."""
        if live.session.state == "signed_in":
            self._start_look(live, self._look(live, None, Suspicion(f"{CHANGED}.")))

    def _finish_after_look(self, live: LiveSession, run: Run, finish: Callable[[], None]) -> None:
        """End a run that gives no reason for a check, once it is known who was signed in
        meanwhile.
        """
        if live.look is None or live.look.done():
            _finish(live, run, finish)
            return

        def looked(_: object) -> None:
            if live.session.state != "signed_in":
                run.name_account(None)
                _mark(live.session, run)
            _finish(live, run, finish)

        live.look.add_done_callback(looked)

    def _start_look(
        self, live: LiveSession, look: Coroutine[Any, Any, None]
    ) -> "asyncio.Task[None]":
        """Check while the session accepts no further command."""
        queue = live.queue
        if queue:
            queue.hold()
        live.look = live.tasks.start(look, f"is {live.key} still signed in")
        if queue:
            live.look.add_done_callback(lambda _: queue.release())
        return live.look

    async def _look(self, live: LiveSession, run: Run | None, suspicion: Suspicion) -> None:
        session = live.session
        try:
            session.recognize(await verdict(live, first=True))
            if run is not None:
                _excuse(session.module, run)
        except SignInRefused as refused:
            alone = signs_in_alone(session.tenant, session.module)
            begins = session.state == "signed_in" and alone  # else another check was quicker
            if session.state == "signed_in":
                _end_sign_in(live, suspicion, refused)
            if run is not None:
                if run.connection_changed:
                    run.name_account(refused.account)
                _mark(session, run)
                _blame(session, run, suspicion)
            if begins:
                self._sign_in_again(live)


async def _settle(session: Session, run: Run, suspicion: Suspicion) -> None:
    """Report in a run what became of its sign-in when another check finds that out: a session that
    a server has found again is checked once its kernel is free.
    """
    another = run.connection_changed and run.account is not None
    if another:
        run.name_account(None)
    await session.changes.wait_for(lambda: session.state != "starting", OUTCOME_WAIT_S)
    if session.state == "signed_in":
        return
    if another and session.failure:
        run.name_account(session.failure.account)
        _mark(session, run)
    _blame(session, run, suspicion)


def _end_sign_in(live: LiveSession, suspicion: Suspicion, refused: SignInRefused) -> None:
    """Sign a session out, and cancel the commands that wait for it."""
    live.session.refuse(_failure(live.session, suspicion, refused))
    live.refuse_waiting("not_signed_in", f"{NOT_RUN} {live.session.reason}")


def _mark(session: Session, run: Run) -> None:
    """Say in a run's output that it may belong to another account or tenant."""
    failure = session.failure
    if failure and failure.code in REFUSED:
        run.mark(failure.code, f"{failure.reason} {OUTPUT_IN_DOUBT}")


def _blame(session: Session, run: Run, suspicion: Suspicion) -> None:
    failure = session.failure
    if suspicion.failed and failure and failure.code == "sign_in_ended":
        run.blame("sign_in_ended", ended_sentence(session, suspicion.sentence))


def _excuse(module: Module, run: Run) -> None:
    """Advise on a run whose session is signed in although the module said otherwise: another
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
    """Return why a run may have ended the sign-in, or None: an error says so, a connect command
    failed, the connection has changed or, where that cannot be detected, the run's text names a
    command that would change it.
    """
    errors = records_of(run, summary)
    for error in errors:
        if sentence := _said(module, error):
            return Suspicion(sentence)
    commands = _names((*module.connects, *module.disconnects))
    for error in errors:
        if error.command and commands.fullmatch(error.command):
            return Suspicion(f"{error.command} failed, and the module has dropped its connection.")
    named = commands.search(run.command)
    if run.connection_changed or (named and module.fingerprint is None):
        what = f"A command used {named.group()}" if named else CHANGED
        return Suspicion(f"{what}, and nobody is signed in any more.", failed=bool(errors))
    return None


def _said(module: Module, error: Record) -> str | None:
    """Return the sentence of an error that may mean an ended sign-in, or None."""
    found = explain(error.said)
    if found and found.ends_sign_in:
        return f"{found.sentence} ({found.code})"
    return NO_LONGER if any(pattern.search(error.said) for pattern in module.ended) else None


@functools.lru_cache(maxsize=64)
def _names(commands: tuple[str, ...]) -> re.Pattern[str]:
    """Return a pattern that finds any of these names; without names, one that finds nothing."""
    names = "|".join(map(re.escape, commands))
    pattern = rf"(?<![\w-])(?:{names})(?![\w-])" if commands else r"(?!)"
    return re.compile(pattern, re.IGNORECASE)


def ended_sentence(session: Session, why: str) -> str:
    """Return the sentence for callers, with the next step."""
    if signs_in_alone(session.tenant, session.module):
        advice = "The session signs in again unattended: repeat the command."
    else:
        advice = "Sign in again (login), then repeat the command."
    return f"The sign-in to {session.key} has ended. {why} {advice}"


def _finish(live: LiveSession, run: Run, finish: Callable[[], None]) -> None:
    """End a run, with the account that is signed in now."""
    if live.account is not None:
        run.name_account(live.account)
    finish()
