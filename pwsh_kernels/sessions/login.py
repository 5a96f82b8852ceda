"""A sign-in from its first script to the verdict: prepare, connect, find the code, check who it is, refuse the wrong one."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from pwsh_kernels.records import RunOptions
from pwsh_kernels.sessions.identity import SignedIn, judge, read_check
from pwsh_kernels.sessions.live import OURSELVES, STOP_WAIT_S, LiveSession
from pwsh_kernels.sessions.notes import SessionNote
from pwsh_kernels.sessions.recorder import SignInRecorder
from pwsh_kernels.sessions.requests import LoginRequest
from pwsh_kernels.sessions.run import Run, now
from pwsh_kernels.sessions.session import Session, SignIn, SignInCode
from pwsh_kernels.sessions.signin import DeviceCode, declined, expired, find_device_code
from pwsh_kernels.sessions.views import failure_sentence, login_view
from pwsh_kernels.settings import Settings

PREPARE_WAIT_S = 120.0
"""Importing a module can take a minute (modules.md)."""
CHECK_WAIT_S = 60.0
NEW_CODE = "Sign in again for a new code."


class SignInRefused(Exception):
    """A sign-in ended without success."""

    def __init__(self, code: SignInCode, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class SignInFlow:
    """Signs sessions in."""

    def __init__(self, settings: Settings, save: Callable[[LiveSession], None]) -> None:
        """`save` writes the session's note after each change."""
        self._settings = settings
        self._save = save

    async def follow(self, live: LiveSession, request: LoginRequest, wait_s: float) -> dict[str, Any]:
        """Begin a sign-in when none is pending; return how it stands at a code, an end, or after `wait_s`."""
        session = live.session
        deadline = asyncio.get_running_loop().time() + wait_s
        if live.left_signing_in and live.queue:
            await live.queue.connection.interrupt(STOP_WAIT_S)  # nobody can see its code any more
        if session.state == "starting":
            started = live.tasks.start(self._begin_once_started(live, request), f"begin sign-in {live.key}")
            await asyncio.wait({started}, timeout=wait_s)
        else:
            await self._begin_once_started(live, request)
        if session.state == "signed_in":
            return _already_signed_in(session, request.expected_account)
        remaining = max(0.0, deadline - asyncio.get_running_loop().time())
        await session.changes.wait_for(lambda: _shows_something(session), remaining)
        return login_view(session)

    async def _begin_once_started(self, live: LiveSession, request: LoginRequest) -> None:
        """Begin when the session has started, even if the caller waits no longer."""
        await live.session.changes.wait_for(lambda: live.session.state != "starting", self._settings.start_timeout)
        if live.session.state == "signed_out":
            self.begin(live, request)

    def begin(self, live: LiveSession, request: LoginRequest) -> None:
        """Begin a sign-in of a session that is signed out; it goes on in the background."""
        expected = request.expected_account or live.session.tenant.expected_account
        sign_in = SignIn(expires_at=now() + timedelta(seconds=self._settings.auth_timeout), expected_account=expected)
        if live.session.begin_sign_in(sign_in):
            self._save(live)
            live.tasks.start(self._sign_in(live, sign_in, request), f"sign-in {live.key}")

    async def resume(self, live: LiveSession, note: SessionNote) -> None:
        """Find out who is signed in in a session of an earlier server, as soon as its kernel is free."""
        await live.queue_ready()
        if note.state not in ("signed_in", "signing_in"):
            live.session.become("signed_out")
            return
        try:
            accepted = await self._verdict(live)
        except SignInRefused as refusal:
            live.session.refuse(refusal.code, refusal.reason)
        else:
            live.session.signed_in_at = note.signed_in_time()
            live.session.accept(accepted)
        live.left_signing_in = False
        self._save(live)

    async def _sign_in(self, live: LiveSession, sign_in: SignIn, request: LoginRequest) -> None:
        try:
            await self._prepare(live)
            await self._connect(live, sign_in, request)
            accepted = await self._verdict(live)
        except SignInRefused as refusal:
            live.session.refuse(refusal.code, refusal.reason)
        else:
            live.session.accept(accepted)
        self._save(live)

    async def _prepare(self, live: LiveSession) -> None:
        module = live.session.module
        run = await live.run_script(module.prepare, f"prepare {module.powershell_module}", "sign_in", PREPARE_WAIT_S)
        if run.state != "succeeded":
            raise SignInRefused("sign_in_failed", f"{module.title} is not ready: {failure_sentence(run)}")

    async def _connect(self, live: LiveSession, sign_in: SignIn, request: LoginRequest) -> None:
        module = live.session.module
        run = live.runs.add(
            live.key,
            f"sign in to {live.key}",
            options=RunOptions(parameters=module.connect.bind(live.session.facts())),
            purpose="sign_in",
            principal=request.principal or OURSELVES,
            client=request.client,
        )
        sign_in.run = run
        sign_in.expires_at = now() + timedelta(seconds=self._settings.auth_timeout)
        live.submit(run, module.connect.text, self._recorder(live, sign_in, run), store_history=False)
        await self._wait_for_person(live, sign_in, run)
        _check_connected(run)

    def _recorder(self, live: LiveSession, sign_in: SignIn, run: Run) -> SignInRecorder:
        module = live.session.module

        def find(output: str, complete: bool) -> DeviceCode | None:
            return find_device_code(output, module.code_pattern, module.url_pattern, complete=complete)

        def show(code: DeviceCode) -> None:
            sign_in.expires_at = now() + timedelta(seconds=min(module.expires_s, self._settings.auth_timeout))
            live.session.show_code(code)

        return SignInRecorder(run, find, show)

    async def _wait_for_person(self, live: LiveSession, sign_in: SignIn, run: Run) -> None:
        """Wait for the connect script's end; it is stopped when the code has expired."""
        while not run.ended:
            remaining = (sign_in.expires_at - now()).total_seconds()
            if remaining <= 0:
                if live.queue:
                    await live.queue.cancel(run, STOP_WAIT_S)
                raise SignInRefused("sign_in_expired", f"Nobody finished the sign-in to {live.key} in time. {NEW_CODE}")
            await run.wait(remaining, input_too=False)

    async def _verdict(self, live: LiveSession) -> SignedIn:
        """Return who signed in. Raises SignInRefused, after signing out, when it is not who was asked for."""
        session = live.session
        signed_in = await self._check(live)
        if signed_in is None:
            raise SignInRefused("sign_in_failed", f"The sign-in to {live.key} ended, but nobody is signed in. {NEW_CODE}")
        verdict = judge(signed_in, session.tenant.name, session.tenant.tenant_id, session.expected_account)
        if not verdict.accepted:
            await live.run_script(session.module.disconnect, f"sign out of {live.key}", "sign_out", CHECK_WAIT_S)
            raise SignInRefused("wrong_account", verdict.reason)
        return signed_in

    async def _check(self, live: LiveSession) -> SignedIn | None:
        module = live.session.module
        run = await live.run_script(module.check, f"who is signed in to {live.key}", "check", CHECK_WAIT_S, "json")
        live.session.checked_at = now()
        if run.state != "succeeded":
            raise SignInRefused("sign_in_failed", f"Who signed in to {live.key} is unknown: {failure_sentence(run)}")
        try:
            return read_check(run.log.text(frozenset({"text"})))
        except ValueError as error:
            raise SignInRefused("sign_in_failed", f"Who signed in to {live.key} is unknown: {error}") from error


def _shows_something(session: Session) -> bool:
    has_code = session.sign_in is not None and session.sign_in.code is not None
    return has_code or session.state not in ("starting", "signing_in")


def _already_signed_in(session: Session, expected_account: str | None) -> dict[str, Any]:
    """Return the answer for a session that needs no sign-in; it stays as it is also for a caller who expects another."""
    account = session.signed_in.account if session.signed_in else ""
    if expected_account is None or expected_account.casefold() == account.casefold():
        return login_view(session)
    reason = (
        f"{session.key} is signed in as {account}, but {expected_account} is expected. "
        "Sign out (disconnect) first, then sign in again."
    )
    return {**login_view(session), "success": False, "result": reason, "error": reason, "code": "wrong_account"}


def _check_connected(run: Run) -> None:
    """Raise SignInRefused when the connect script was stopped or ended by an error; the check decides everything else."""
    if run.state == "cancelled":
        raise SignInRefused("sign_in_failed", f"The sign-in was cancelled. {NEW_CODE}")
    if run.state == "lost":
        raise SignInRefused("sign_in_failed", f"The session was lost during the sign-in: {run.reason}")
    error = run.summary.terminating_error if run.summary else None
    if run.state == "succeeded" or (run.summary and run.summary.outcome == "completed"):
        return
    if expired(error):
        raise SignInRefused("sign_in_expired", f"The code expired before anyone signed in. {NEW_CODE}")
    if declined(error):
        raise SignInRefused("sign_in_declined", f"The sign-in was declined on the page. {NEW_CODE}")
    raise SignInRefused("sign_in_failed", failure_sentence(run))
