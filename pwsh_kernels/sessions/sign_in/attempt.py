"""One attempt to sign in: prepare, connect on its route, find the code, check who it is, refuse the
wrong one.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from pwsh_kernels.catalog import Fact, FactName, Secret
from pwsh_kernels.records import RunOptions
from pwsh_kernels.sessions.key import SessionKey
from pwsh_kernels.sessions.live import OURSELVES, STOP_WAIT_S, LiveSession
from pwsh_kernels.sessions.moment import now
from pwsh_kernels.sessions.requests import LoginRequest
from pwsh_kernels.sessions.runs.run import Run
from pwsh_kernels.sessions.session import DeviceCode, Session, SignedIn, SignIn
from pwsh_kernels.sessions.sign_in.device_code import find_device_code
from pwsh_kernels.sessions.sign_in.guard import guard
from pwsh_kernels.sessions.sign_in.readiness import (
    check_fit,
    check_reach,
    clear_home,
    keeps_login,
    prepare,
)
from pwsh_kernels.sessions.sign_in.recorder import SignInRecorder
from pwsh_kernels.sessions.sign_in.refusals import (
    NEW_CODE,
    SignInRefused,
    check_connected,
    explained,
)
from pwsh_kernels.sessions.sign_in.verdict import judge, read_check

CHECK_WAIT_S = 60.0
SIGNED_OUT_BY_VERDICT = ("wrong_account", "wrong_tenant")
CODE_LOOK_S = 0.5
"""How often a waiting attempt checks for a code and for its expiry."""


@dataclass(frozen=True, slots=True)
class Room:
    """What a sign-in needs from outside.

    `pin_again` gives its session the modules that are selected now, and returns whether they
    changed. `crowd` returns the sessions that already wait busily for a person, if there are too
    many for another one. `yielding` lowers the session's priority while it waits busily.
    `lend` returns where the session can read a file of the server's.
    """

    pin_again: Callable[[Session], bool]
    crowd: Callable[[], Sequence[SessionKey]]
    yielding: Callable[[], AbstractAsyncContextManager[None]]
    lend: Callable[[Path], Awaitable[Path]]


class Attempt:
    """Signs one session in, once.

    If codes expire before the attempt does, new ones are offered.
    """

    def __init__(
        self,
        live: LiveSession,
        sign_in: SignIn,
        request: LoginRequest,
        secrets: Mapping[FactName, Secret],
        room: Room,
    ) -> None:
        """`room`: what it needs from outside."""
        self._lasts = sign_in.ends_at - now()
        self._live = live
        self._sign_in = sign_in
        self._request = request
        self._secrets = secrets
        self._room = room
        self._lent: dict[FactName, Fact | None] = {}
        """Facts that are others for the session."""

    async def sign_in(self) -> SignedIn:
        """Return who signed in. If it raises SignInRefused, nobody is signed in."""
        await check_fit(self._live, self._sign_in.route, self._room.pin_again)
        await prepare(self._live)
        await self._lend_certificate()
        await check_reach(self._live, self._sign_in.route, self._facts())
        if self._sign_in.route.survives == "cache" and (cached := await self._cached()):
            return cached
        self._take_turn()
        await clear_home(self._live)
        await self._connect()
        try:
            return await verdict(self._live)
        except SignInRefused as refused:
            if refused.failure.code not in SIGNED_OUT_BY_VERDICT:  # it is unknown who is connected
                await sign_out(self._live)
            raise

    async def _cached(self) -> SignedIn | None:
        """Return who can be signed in again from what the module keeps in the session's HOME, or
        None.
        """
        try:
            return (
                await self._resumed()
                if self._sign_in.route.resumed_by == "connect"
                else await verdict(self._live)
            )
        except SignInRefused as refused:
            if (
                refused.failure.code == "sign_in_unreachable"
            ):  # the kept sign-in may still work: it is not cleared
                raise
            return None

    async def _resumed(self) -> SignedIn | None:
        """Let the connect script use the kept sign-in.

        If it asks for a person all the same, the kept sign-in no longer works.
        """
        if not await keeps_login(self._live):
            return None
        asked: list[DeviceCode] = []
        run = self._submit(asked.append)
        await self._wait_for_end(run, lambda: bool(asked))
        if not run.ended:
            await self._stop(run)
            return None
        self._check_connected(run)
        return await verdict(self._live)

    def _take_turn(self) -> None:
        """Raise SignInRefused when too many others wait for a person with modules that compute
        while they wait.
        """
        route, session = self._sign_in.route, self._live.session
        others = self._room.crowd() if route.busy_wait and self._sign_in.attended else ()
        if others:
            raise SignInRefused("too_many_sign_ins", crowded_sentence(session.module.title, others))
        self._sign_in.connecting = True

    async def _connect(self) -> None:
        self._sign_in.ends_at = (
            now() + self._lasts
        )  # the time that the module took to load is not the person's
        while True:
            run = self._submit(self._show)
            try:
                async with (
                    self._room.yielding() if self._sign_in.route.busy_wait else nullcontext()
                ):
                    await self._wait_for_end(run, self._asks_in_vain)
                if not run.ended:
                    await self._give_up(run)
                self._check_connected(run)
            except SignInRefused as refused:
                if refused.failure.code != "sign_in_expired" or not self._offers_again():
                    raise
            else:
                return

    def _check_connected(self, run: Run) -> None:
        session = self._live.session
        check_connected(run, session.tenant, session.module, self._sign_in.route)

    def _facts(self) -> dict[FactName, Fact | None]:
        return {**self._live.session.facts(), **self._lent, **self._secrets}

    async def _lend_certificate(self) -> None:
        """Have it where the session can read it, as it is now; where there is none, the module says
        so.
        """
        file = self._live.session.facts().get("certificate_file")
        if isinstance(file, str):
            with suppress(OSError):
                self._lent["certificate_file"] = str(await self._room.lend(Path(file)))

    def _submit(self, show: Callable[[DeviceCode], None]) -> Run:
        live, script = self._live, self._sign_in.route.script
        run = live.runs.add(
            live.key,
            f"sign in to {live.key}",
            options=RunOptions(parameters=script.bind(self._facts())),
            purpose="sign_in",
            principal=self._request.principal or OURSELVES,
            client=self._request.client,
        )
        self._sign_in.run = run
        self._sign_in.expires_at = min(
            self._sign_in.ends_at, now() + timedelta(seconds=self._limit())
        )
        live.submit(run, script.text, self._recorder(run, show), store_history=False)
        return run

    def _limit(self) -> float:
        """Seconds that the connect script may take until it shows a code, or ends."""
        route = self._sign_in.route
        return route.code_within_s if route.asks_person else route.time_limit_s

    def _recorder(self, run: Run, show: Callable[[DeviceCode], None]) -> SignInRecorder:
        route = self._sign_in.route

        def find(output: str, complete: bool) -> DeviceCode | None:
            return find_device_code(
                output, route.code_pattern, route.url_pattern, complete=complete
            )

        return SignInRecorder(run, find, show, [secret.text for secret in self._secrets.values()])

    def _show(self, code: DeviceCode) -> None:
        if self._sign_in.code is None:
            self._sign_in.ends_at = now() + self._lasts
        self._sign_in.expires_at = min(
            self._sign_in.ends_at, now() + timedelta(seconds=self._sign_in.route.expires_s)
        )
        self._live.session.show_code(code)

    async def _wait_for_end(self, run: Run, given_up: Callable[[], bool]) -> None:
        """Wait until the connect script ends, its time is over, or it is `given_up`."""
        sign_in = self._sign_in
        while (
            not run.ended
            and not given_up()
            and (remaining := (sign_in.expires_at - now()).total_seconds()) > 0
        ):
            await run.wait(min(remaining, CODE_LOOK_S), input_too=False)

    def _asks_in_vain(self) -> bool:
        return self._sign_in.code is not None and not self._sign_in.attended

    async def _stop(self, run: Run) -> None:
        if self._live.queue:
            await self._live.queue.cancel(run, STOP_WAIT_S)

    async def _give_up(self, run: Run) -> None:
        """Stop a connect script whose time is over, or that asks for a person although nobody is
        there.

        Raises SignInRefused.
        """
        key, sign_in = self._live.key, self._sign_in
        await self._stop(run)
        if self._asks_in_vain():
            raise SignInRefused(
                "sign_in_needs_person", f"{key} needs a person to sign in again: use login."
            )
        if sign_in.code or (sign_in.route.asks_person and now() >= sign_in.ends_at):
            raise SignInRefused(
                "sign_in_expired", f"Nobody finished the sign-in to {key} in time. {NEW_CODE}"
            )
        await check_reach(
            self._live, sign_in.route, self._facts()
        )  # it could be reached before, and may not be any more
        what = "show a code for" if sign_in.route.asks_person else "finish"
        raise SignInRefused(
            "sign_in_failed",
            f"The service did not {what} the sign-in to {key} within {self._limit():.0f} s. Sign in"
            " again.",
        )

    def _offers_again(self) -> bool:
        """A code that expires before the attempt does (graph: 120 s) is replaced at once."""
        sign_in = self._sign_in
        short = timedelta(seconds=sign_in.route.expires_s) < self._lasts
        return sign_in.attended and sign_in.route.asks_person and short and now() < sign_in.ends_at


async def verdict(live: LiveSession, *, first: bool = False) -> SignedIn:
    """Return who is signed in; from then on the session itself answers connect and disconnect
    commands.

    Raises SignInRefused, after signing out, if it is not the expected account or tenant.
    """
    try:
        signed_in = await _accepted(live, first=first)
    except SignInRefused:
        await guard(live, None, first=first)
        raise
    await guard(live, signed_in, first=first)
    return signed_in


async def _accepted(live: LiveSession, *, first: bool) -> SignedIn:
    session = live.session
    signed_in = await check(live, first=first)
    if signed_in is None:
        raise SignInRefused(
            "sign_in_failed",
            f"The sign-in to {live.key} ended, but nobody is signed in. Sign in again.",
        )
    judged = judge(signed_in, session.tenant, session.wanted_account, session.module.identity)
    if not judged.accepted:
        await sign_out(live, first=first)
        raise SignInRefused(judged.code, judged.reason, account=signed_in.account)
    return signed_in


def crowded_sentence(title: str, others: Sequence[SessionKey]) -> str:
    """Return why a sign-in must not start waiting for a person now, and what to do."""
    return (
        f"{title} keeps a processor busy while it waits for a person, and as many as may do so"
        f" at once are waiting already: {', '.join(map(str, others))}. Finish or disconnect"
        " one of them, then sign in again; PWSH_MANAGER_BUSY_SIGN_INS sets how many."
    )


async def sign_out(live: LiveSession, *, first: bool = False) -> None:
    """Let the module disconnect and remove what it kept; `first`: ahead of everything that
    waits.
    """
    script, title = live.session.module.disconnect, f"sign out of {live.key}"
    await live.run_script(script, title, "sign_out", CHECK_WAIT_S, first=first)


async def check(live: LiveSession, *, first: bool = False) -> SignedIn | None:
    """Ask the module who is signed in;

    `first`: ahead of everything that waits. Raises SignInRefused if that is unknown.
    """
    session = live.session
    title = f"who is signed in to {live.key}"
    run = await live.run_script(
        session.module.check, title, "check", CHECK_WAIT_S, "json", first=first
    )
    session.check()
    if run.state != "succeeded":
        raise explained(
            run,
            session.tenant,
            session.module,
            session.route,
            f"Who signed in to {live.key} is unknown: ",
        )
    try:
        return read_check(run.log.text(frozenset({"text"})))
    except ValueError as error:
        raise SignInRefused(
            "sign_in_failed", f"Who signed in to {live.key} is unknown: {error}"
        ) from error
