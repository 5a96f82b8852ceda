"""The steps of a sign-in before it connects: find and load the module, reach its hosts, clear
HOME.
"""

from collections.abc import Callable, Sequence

from pwsh_kernels.catalog import (
    Facts,
    Route,
    clear_script,
    explain,
    explanation,
    find_script,
    kept_script,
    reach_script,
    unfit,
    unload_script,
)
from pwsh_kernels.errors import ProductError
from pwsh_kernels.sessions.live import LiveSession
from pwsh_kernels.sessions.runs.run import failure_sentence
from pwsh_kernels.sessions.session import Session
from pwsh_kernels.sessions.sign_in.network import UNREACHABLE, read_reach, unreachable_sentence
from pwsh_kernels.sessions.sign_in.refusals import SignInRefused

PREPARE_WAIT_S = 180.0
"""Importing a module can take more than a minute (decision 0014)."""
REACH_S = 9.0
"""Time for all hosts together to answer: distant ones need a second, and a person should not wait
longer than 10 s for this.
"""
REACH_WAIT_S = 15.0
HOME_WAIT_S = 20.0


async def check_fit(live: LiveSession, route: Route, pin_again: Callable[[Session], bool]) -> None:
    """Look for the service's module before anybody is asked for anything; it may have been
    installed since the session began.

    Raises SignInRefused. Simulated modules always exist. A version that is known to be bad may be
    tried on routes that send no person to a page.
    """
    session = live.session
    if session.tenant.sandbox:
        return
    if not session.pins_settled:
        await _pin_again(live, pin_again)
    problem = unfit(session.module, await found_versions(live))
    if problem and await _pin_again(live, pin_again):
        problem = unfit(session.module, await found_versions(live))
    if problem and (route.asks_person or not problem.reason):
        raise SignInRefused("sign_in_failed", problem.text(), explain(problem.text()))


async def _pin_again(live: LiveSession, pin_again: Callable[[Session], bool]) -> bool:
    """Give the session the modules that are selected now; return whether they changed.

    Raises SignInRefused. A failed attempt may have loaded the previous version.
    """
    try:
        if not pin_again(live.session):
            return False
    except ProductError as error:
        raise SignInRefused("sign_in_failed", error.text()) from error
    name = live.session.module.powershell_module
    await live.run_script(unload_script(), f"unload {name}", "sign_in", PREPARE_WAIT_S)
    return True


async def found_versions(live: LiveSession) -> list[str]:
    """Return the versions of the service's module that the session finds. Raises SignInRefused."""
    module = live.session.module
    run = await live.run_script(
        find_script(), f"find {module.powershell_module}", "sign_in", PREPARE_WAIT_S
    )
    if run.state != "succeeded":
        raise SignInRefused(
            "sign_in_failed", f"{module.title} is not ready: {failure_sentence(run)}"
        )
    return run.log.text(frozenset({"text"})).split()


async def prepare(live: LiveSession) -> None:
    """Load the module. Raises SignInRefused."""
    module = live.session.module
    run = await live.run_script(
        module.prepare, f"prepare {module.powershell_module}", "sign_in", PREPARE_WAIT_S
    )
    if run.state != "succeeded":
        raise SignInRefused(
            "sign_in_failed", f"{module.title} is not ready: {failure_sentence(run)}"
        )


async def check_reach(live: LiveSession, route: Route, facts: Facts) -> None:
    """Raise SignInRefused when a host that the sign-in needs cannot be reached from the session.

    The session itself checks, because its network is what counts, wherever it lives. A simulated
    tenant needs no network.
    """
    hosts = () if live.session.tenant.sandbox else live.session.module.hosts_of(route, facts)
    if hosts:
        await _look(live, hosts)


async def _look(live: LiveSession, hosts: Sequence[str]) -> None:
    values = {"Hosts": list(hosts), "Seconds": REACH_S}
    title = f"can {live.key} reach {', '.join(hosts)}"
    run = await live.run_script(
        reach_script(), title, "check", REACH_WAIT_S, "json", first=True, values=values
    )
    found = read_reach(run.log.text(frozenset({"text"}))) if run.state == "succeeded" else []
    if found:
        raise SignInRefused(
            "sign_in_unreachable", unreachable_sentence(found), explanation(UNREACHABLE)
        )


async def keeps_login(live: LiveSession) -> bool:
    """Return whether the module has left anything in the session's HOME."""
    title = f"does {live.key} keep a login"
    run = await live.run_script(kept_script(), title, "check", HOME_WAIT_S)
    return bool(run.log.text(frozenset({"text"})).strip())


async def clear_home(live: LiveSession) -> None:
    """Remove what the module has left in HOME: a new sign-in must not find traces of an earlier
    one.

    Raises SignInRefused.
    """
    if not live.session.module.home_files:
        return
    run = await live.run_script(
        clear_script(), f"clear the HOME of {live.key}", "sign_in", HOME_WAIT_S
    )
    if run.state != "succeeded":
        left = (
            f"What an earlier sign-in to {live.key} left on disk cannot be removed:"
            f" {failure_sentence(run)}"
        )
        raise SignInRefused(
            "sign_in_failed", f"{left} Disconnect the session with `forget`, then sign in again."
        )
