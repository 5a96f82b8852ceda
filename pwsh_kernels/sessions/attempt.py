"""One attempt to sign in: prepare, connect on its route, find the code, check who it is, refuse the wrong one."""

from collections.abc import Callable, Mapping
from datetime import timedelta

from pwsh_kernels.catalog import FactName, Script, Secret, explain, unfit
from pwsh_kernels.errors import ProductError
from pwsh_kernels.records import RunOptions
from pwsh_kernels.sessions.identity import SignedIn, judge, read_check
from pwsh_kernels.sessions.live import OURSELVES, STOP_WAIT_S, LiveSession
from pwsh_kernels.sessions.recorder import SignInRecorder
from pwsh_kernels.sessions.refusal import NEW_CODE, SignInRefused, check_connected, explained
from pwsh_kernels.sessions.requests import LoginRequest
from pwsh_kernels.sessions.run import Run, now
from pwsh_kernels.sessions.session import Session, SignIn
from pwsh_kernels.sessions.signin import DeviceCode, find_device_code
from pwsh_kernels.sessions.views import failure_sentence

PREPARE_WAIT_S = 180.0
"""Importing a module can take more than a minute (decision 0014)."""
CHECK_WAIT_S = 60.0
FIND = Script(
    """param([string] $Name)
try { Get-Module -ListAvailable -Name $Name | ForEach-Object { "$($_.Version)" } }
finally { Remove-Variable -Name Name -ErrorAction Ignore }""",
    {"Name": "powershell_module"},
)
"""The versions of the service's module, in the order in which PowerShell would take them."""
SIGNED_OUT_BY_VERDICT = ("wrong_account", "wrong_tenant")
CODE_LOOK_S = 0.5
"""How often an attempt that waits for its end looks whether a code has come, and how long that one lives."""


class Attempt:
    """Signs one session in, once. A new code is offered while the attempt lasts, when codes live shorter than that."""

    def __init__(
        self,
        live: LiveSession,
        sign_in: SignIn,
        request: LoginRequest,
        secrets: Mapping[FactName, Secret],
        pin_again: Callable[[Session], bool],
    ) -> None:
        """`pin_again` gives the session what is selected now; returns whether that is something else."""
        self._pin_again = pin_again
        self._lasts = sign_in.ends_at - now()
        self._live = live
        self._sign_in = sign_in
        self._request = request
        self._secrets = secrets

    async def sign_in(self) -> SignedIn:
        """Return who signed in. Raises SignInRefused; then nobody is signed in."""
        await self._see_that_module_is_fit()
        await prepare(self._live)
        if self._sign_in.route.survives == "cache" and (cached := await self._cached()):
            return cached
        await self._connect()
        try:
            return await verdict(self._live)
        except SignInRefused as refused:
            if refused.failure.code not in SIGNED_OUT_BY_VERDICT:  # nobody could say who it is that is connected
                await sign_out(self._live)
            raise

    async def _see_that_module_is_fit(self) -> None:
        """Look for the service's module before anybody is asked for something; it may be installed since the session began.

        Raises SignInRefused. What the sandbox plays is always there. A version that is known to be bad does what it can
        where no person would be sent to a page for nothing.
        """
        session = self._live.session
        if session.tenant.sandbox:
            return
        problem = unfit(session.module, await found_versions(self._live))
        try:
            has_others = problem is not None and self._pin_again(session)
        except ProductError as error:
            raise SignInRefused("sign_in_failed", error.text()) from error
        if has_others:
            problem = unfit(session.module, await found_versions(self._live))
        if problem and (self._sign_in.route.asks_person or not problem.reason):
            raise SignInRefused("sign_in_failed", problem.text(), explain(problem.text()))

    async def _cached(self) -> SignedIn | None:
        """Return who still is signed in from what the module keeps in the session's HOME, or None."""
        try:
            return await verdict(self._live)
        except SignInRefused:
            return None

    async def _connect(self) -> None:
        self._sign_in.ends_at = now() + self._lasts  # the time that the module took to load is not the person's
        while True:
            run = self._submit()
            try:
                await self._wait_for_end(run)
                session = self._live.session
                check_connected(run, session.tenant, session.module, self._sign_in.route)
            except SignInRefused as refused:
                if refused.failure.code != "sign_in_expired" or not self._offers_again():
                    raise
            else:
                return

    def _submit(self) -> Run:
        live, script = self._live, self._sign_in.route.script
        facts = {**live.session.facts(), **self._secrets}
        if self._request.sharepoint_tenant:
            facts["sharepoint_url"] = f"https://{self._request.sharepoint_tenant}.sharepoint.com"
        run = live.runs.add(
            live.key,
            f"sign in to {live.key}",
            options=RunOptions(parameters=script.bind(facts)),
            purpose="sign_in",
            principal=self._request.principal or OURSELVES,
            client=self._request.client,
        )
        self._sign_in.run = run
        self._sign_in.expires_at = min(self._sign_in.ends_at, now() + timedelta(seconds=self._limit()))
        live.submit(run, script.text, self._recorder(run), store_history=False)
        return run

    def _limit(self) -> float:
        """Seconds that the connect script may take: a person's time, or the module's."""
        route = self._sign_in.route
        return max(route.time_limit_s, float(route.expires_s)) if route.asks_person else route.time_limit_s

    def _recorder(self, run: Run) -> SignInRecorder:
        route = self._sign_in.route

        def find(output: str, complete: bool) -> DeviceCode | None:
            return find_device_code(output, route.code_pattern, route.url_pattern, complete=complete)

        return SignInRecorder(run, find, self._show, [secret.text for secret in self._secrets.values()])

    def _show(self, code: DeviceCode) -> None:
        if self._sign_in.code is None:
            self._sign_in.ends_at = now() + self._lasts
        self._sign_in.expires_at = min(self._sign_in.ends_at, now() + timedelta(seconds=self._sign_in.route.expires_s))
        self._live.session.show_code(code)

    async def _wait_for_end(self, run: Run) -> None:
        """Wait for the connect script's end; it is stopped when its time is over, or when it asks for a person in vain."""
        sign_in = self._sign_in
        while not run.ended and (remaining := (sign_in.expires_at - now()).total_seconds()) > 0:
            if sign_in.code and not sign_in.attended:
                break
            await run.wait(min(remaining, CODE_LOOK_S), input_too=False)
        if not run.ended:
            await self._give_up(run)

    async def _give_up(self, run: Run) -> None:
        key, sign_in = self._live.key, self._sign_in
        if self._live.queue:
            await self._live.queue.cancel(run, STOP_WAIT_S)
        if sign_in.code and not sign_in.attended:
            raise SignInRefused("sign_in_needs_person", f"{key} needs a person to sign in again: use login.")
        if sign_in.route.asks_person:
            raise SignInRefused("sign_in_expired", f"Nobody finished the sign-in to {key} in time. {NEW_CODE}")
        limit = f"{sign_in.route.time_limit_s:.0f} s"
        raise SignInRefused(
            "sign_in_failed", f"The service did not finish the sign-in to {key} within {limit}. Sign in again."
        )

    def _offers_again(self) -> bool:
        """A code that dies before the attempt (graph: 120 s) is followed by a new one at once."""
        sign_in = self._sign_in
        short = timedelta(seconds=sign_in.route.expires_s) < self._lasts
        return sign_in.attended and sign_in.route.asks_person and short and now() < sign_in.ends_at


async def prepare(live: LiveSession) -> None:
    """Load the module. Raises SignInRefused."""
    module = live.session.module
    run = await live.run_script(module.prepare, f"prepare {module.powershell_module}", "sign_in", PREPARE_WAIT_S)
    if run.state != "succeeded":
        raise SignInRefused("sign_in_failed", f"{module.title} is not ready: {failure_sentence(run)}")


async def found_versions(live: LiveSession) -> list[str]:
    """Return the versions of the service's module that the session finds. Raises SignInRefused."""
    module = live.session.module
    run = await live.run_script(FIND, f"find {module.powershell_module}", "sign_in", PREPARE_WAIT_S)
    if run.state != "succeeded":
        raise SignInRefused("sign_in_failed", f"{module.title} is not ready: {failure_sentence(run)}")
    return run.log.text(frozenset({"text"})).split()


async def verdict(live: LiveSession, *, first: bool = False) -> SignedIn:
    """Return who is signed in. Raises SignInRefused, after signing out, when it is not who was asked for."""
    session = live.session
    signed_in = await check(live, first=first)
    if signed_in is None:
        raise SignInRefused("sign_in_failed", f"The sign-in to {live.key} ended, but nobody is signed in. Sign in again.")
    judged = judge(signed_in, session.tenant, session.wanted_account, session.module.identity)
    if not judged.accepted:
        await sign_out(live)
        raise SignInRefused(judged.code, judged.reason)
    return signed_in


async def sign_out(live: LiveSession) -> None:
    """Let the module disconnect, and forget what it kept."""
    await live.run_script(live.session.module.disconnect, f"sign out of {live.key}", "sign_out", CHECK_WAIT_S)


async def check(live: LiveSession, *, first: bool = False) -> SignedIn | None:
    """Ask the module who is signed in, `first` before all that waits. Raises SignInRefused when it is unknown."""
    session = live.session
    title = f"who is signed in to {live.key}"
    run = await live.run_script(session.module.check, title, "check", CHECK_WAIT_S, "json", first=first)
    session.checked_at = now()
    if run.state != "succeeded":
        raise explained(run, session.tenant, session.module, session.route, f"Who signed in to {live.key} is unknown: ")
    try:
        return read_check(run.log.text(frozenset({"text"})))
    except ValueError as error:
        raise SignInRefused("sign_in_failed", f"Who signed in to {live.key} is unknown: {error}") from error
