"""A signed-in session's answers to its module's connect and disconnect commands: only login and
disconnect decide who is signed in.
"""

import logging

from pwsh_kernels.catalog import guard_script
from pwsh_kernels.records import RunOptions
from pwsh_kernels.sessions.live import OURSELVES, STOP_WAIT_S, LiveSession
from pwsh_kernels.sessions.runs.run import failure_sentence
from pwsh_kernels.sessions.session import Session, SignedIn

LOG = logging.getLogger(__name__)
GUARD_WAIT_S = 10.0
"""Wait for a script that only defines functions (measured: 0.03 s)."""


async def guard(live: LiveSession, signed_in: SignedIn | None, *, first: bool) -> None:
    """Let the session answer connect and disconnect commands as signed in; None: stop doing so.

    A module without `disconnects` in its file has no such answers. If they fail, a change of the
    connection is still noticed after the command.
    """
    if not live.session.module.disconnects:
        return
    options = RunOptions(parameters=guard_values(live.session, signed_in))
    title = f"answer connects of {live.key}"
    run = live.runs.make(live.key, title, options=options, purpose="check", principal=OURSELVES)
    known = signed_in is not None
    live.submit(run, guard_script().text, store_history=False, first=first, guards=known)
    if not await run.wait(GUARD_WAIT_S, input_too=False) and live.queue:
        await live.queue.cancel(run, STOP_WAIT_S)
    if run.state != "succeeded" and live.queue:
        LOG.warning("Connects of %s are not answered: %s", live.key, failure_sentence(run))


def guard_values(session: Session, signed_in: SignedIn | None) -> dict[str, object]:
    """Return the parameters of the guard's script."""
    commands: dict[str, object] = {
        "Connects": list(session.module.connects),
        "Disconnects": list(session.module.disconnects),
    }
    if signed_in is None:
        return commands
    return {
        **commands,
        "Session": str(session.key),
        "Account": signed_in.account,
        "Names": _names(session, signed_in),
        "Site": str(session.facts().get("sharepoint_url") or ""),
        "Route": session.route.name if session.route else "",
    }


def _names(session: Session, signed_in: SignedIn) -> list[str]:
    """Return every name of the signed-in tenant."""
    tenant = session.tenant
    named = (
        tenant.name,
        *tenant.domains,
        tenant.organization,
        tenant.delegated_organization,
        signed_in.tenant_id,
        *signed_in.domains,
    )
    return list(dict.fromkeys(name for name in named if name))
