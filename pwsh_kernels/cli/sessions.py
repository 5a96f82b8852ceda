"""`pwsh-kernels sessions`, `status`, `disconnect`: look at sessions and end them."""

import asyncio
from typing import Annotated

import typer

from pwsh_kernels.cli.console import ExitCode, connected, note, say, say_json, table
from pwsh_kernels.cli.login import say_code
from pwsh_kernels.cli.times import local_clock, local_time
from pwsh_kernels.shapes import Disconnected, Sessions, Status, Tier

Tenant = Annotated[str, typer.Argument(help="The tenant's domain, such as contoso.example.")]
Module = Annotated[str, typer.Argument(help="Service; `pwsh-kernels modules` lists them.")]
Read = Annotated[
    bool, typer.Option("--read", help="The session that only reads (docs/governance.md).")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the server's answer as JSON.")]


def sessions(as_json: AsJson = False) -> None:
    """List every session."""
    answer = asyncio.run(_sessions())
    if as_json:
        say_json(answer)
        return
    rows = [
        (
            *(one["session"], one["state"], one["account"], one["current_run"]),
            "" if one["memory_mb"] is None else f"{one['memory_mb']} MB",
            local_time(one["last_used"] or ""),
        )
        for one in answer["sessions"]
    ]
    say(
        table(("SESSION", "STATE", "ACCOUNT", "RUNNING", "MEMORY", "LAST USED"), rows)
        if rows
        else "No sessions."
    )


async def _sessions() -> Sessions:
    async with connected() as client:
        return await client.sessions()


def status(
    tenant: Tenant, module: Module = "exo", read: Read = False, as_json: AsJson = False
) -> None:
    """Show one session. The exit code is 3 if it is not signed in."""
    facts = asyncio.run(_status(tenant, module, tier_of(read)))
    if as_json:
        say_json(facts)
    else:
        say(status_line(facts))
        if facts["state"] == "signed_in" and facts["survival"]:
            say(f"At a restart: {facts['survival']}")
        if facts["modules"]:
            say(
                "Modules:"
                f" {', '.join(f'{name} {version}' for name, version in facts['modules'].items())}"
            )
        if facts["state"] == "signed_in" and facts["working_folder"]:
            say(f"Working folder: {facts['working_folder']}")
            say(f"Place: {facts['place']}")
        if facts["state"] == "signed_in" and facts["memory_mb"] is not None:
            say(f"Memory: {facts['memory_mb']} MB")
        say_code(facts)
        if facts["state"] in ("none", "signed_out", "lost", "closed"):
            read_it = " --read" if facts["tier"] == "read" else ""
            name = f"{facts['tenant']} {facts['module']}{read_it}"
            note(f"Run `pwsh-kernels login {name}` to sign in.")
    if facts["state"] != "signed_in":
        raise typer.Exit(ExitCode.NOT_SIGNED_IN)


def tier_of(read: bool) -> Tier | None:
    """Return the tier that a command line names."""
    return "read" if read else None


async def _status(tenant: str, module: str, tier: Tier | None) -> Status:
    async with connected() as client:
        return await client.status(tenant, module, tier=tier)


def status_line(facts: Status) -> str:
    """Return a session in one line: state, account, current command, why it is not signed in."""
    words = [f"{facts['session']}: {facts['state']}"]
    words += [f"as {facts['account']}"] if facts["account"] else []
    if facts["state"] == "signed_in":
        words += [f"by {facts['route']}"] if facts["route"] else []
        times = (("since", facts["signed_in_at"]), ("until", facts["token_expires_at"]))
        words += [f"{word} {local_clock(time)}" for word, time in times if time]
    if facts["state"] != "none" and facts["current_run"]:
        words.append(f"running {facts['current_run']}")
    words += [f"({facts['reason']})"] if facts["reason"] else []
    return " ".join(" ".join(words).split())  # a reason may have line breaks of its own


def disconnect(
    tenant: Tenant,
    module: Module = "exo",
    read: Read = False,
    forget: Annotated[
        bool, typer.Option("--forget", help="Also remove what is kept of the sign-in on disk.")
    ] = False,
) -> None:
    """Sign out and close a session.

    This affects everyone who uses it; its variables are lost.
    """
    say(asyncio.run(_disconnect(tenant, module, tier_of(read), forget))["message"])


async def _disconnect(tenant: str, module: str, tier: Tier | None, forget: bool) -> Disconnected:
    async with connected() as client:
        return await client.disconnect(tenant, module, tier=tier, forget=forget)
