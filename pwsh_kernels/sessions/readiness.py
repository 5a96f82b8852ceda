"""What a sign-in does in its session before it connects: load the module, see that its hosts can be reached, clear HOME."""

from collections.abc import Sequence

from pwsh_kernels.catalog import Facts, Route, clear_script, explanation, kept_script, reach_script
from pwsh_kernels.sessions.live import LiveSession
from pwsh_kernels.sessions.network import UNREACHABLE, read_reach, unreachable_sentence
from pwsh_kernels.sessions.refusal import SignInRefused
from pwsh_kernels.sessions.views import failure_sentence

PREPARE_WAIT_S = 180.0
"""Importing a module can take more than a minute (modules.md)."""
REACH_S = 9.0
"""Time for all hosts together to answer: far ones need a second, and 10 s is the most that a person should wait for this."""
REACH_WAIT_S = 15.0
HOME_WAIT_S = 20.0


async def prepare(live: LiveSession) -> None:
    """Load the module. Raises SignInRefused."""
    module = live.session.module
    run = await live.run_script(module.prepare, f"prepare {module.powershell_module}", "sign_in", PREPARE_WAIT_S)
    if run.state != "succeeded":
        raise SignInRefused("sign_in_failed", f"{module.title} is not ready: {failure_sentence(run)}")


async def check_reach(live: LiveSession, route: Route, facts: Facts) -> None:
    """Raise SignInRefused when a host that the sign-in needs cannot be reached from the session.

    The session itself looks: its network counts, wherever it lives. A simulated tenant needs no network.
    """
    hosts = () if live.session.tenant.sandbox else live.session.module.hosts_of(route, facts)
    if hosts:
        await _look(live, hosts)


async def _look(live: LiveSession, hosts: Sequence[str]) -> None:
    values = {"Hosts": list(hosts), "Seconds": REACH_S}
    title = f"can {live.key} reach {', '.join(hosts)}"
    run = await live.run_script(reach_script(), title, "check", REACH_WAIT_S, "json", first=True, values=values)
    found = read_reach(run.log.text(frozenset({"text"}))) if run.state == "succeeded" else []
    if found:
        raise SignInRefused("sign_in_unreachable", unreachable_sentence(found), explanation(UNREACHABLE))


async def keeps_login(live: LiveSession) -> bool:
    """Return whether the module has left anything in the session's HOME."""
    title = f"does {live.key} keep a login"
    run = await live.run_script(kept_script(), title, "check", HOME_WAIT_S)
    return bool(run.log.text(frozenset({"text"})).strip())


async def clear_home(live: LiveSession) -> None:
    """Remove what the module has left in HOME: a new sign-in must find nothing of an earlier one. Raises SignInRefused."""
    if not live.session.module.home_files:
        return
    run = await live.run_script(clear_script(), f"clear the HOME of {live.key}", "sign_in", HOME_WAIT_S)
    if run.state != "succeeded":
        left = f"What an earlier sign-in to {live.key} left on disk cannot be removed: {failure_sentence(run)}"
        raise SignInRefused("sign_in_failed", f"{left} Disconnect the session with `forget`, then sign in again.")
