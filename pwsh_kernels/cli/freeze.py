"""`pwsh-kernels freeze`, `thaw`: stop all agents, and let them go on."""

import asyncio
from collections.abc import Sequence
from typing import Annotated

import typer

from pwsh_kernels.cli.console import connected, note, say, say_json, table
from pwsh_kernels.cli.sessions import AsJson
from pwsh_kernels.cli.times import local_time
from pwsh_kernels.principals.principal import called
from pwsh_kernels.shapes import Frozen, FrozenNow, Run

OneTenant = Annotated[str | None, typer.Argument(help="Default: all tenants.")]


def freeze(
    tenant: OneTenant = None,
    why: Annotated[str, typer.Option(help="The reason, which agents are told.")] = "",
    only_list: Annotated[
        bool, typer.Option("--list", help="Only show where agents are stopped.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Stop all agents at once, in a tenant or in all.

    Their commands are cancelled; until `thaw` they can sign in, run and answer nothing, also after
    a restart of the server. What they see and read stays. People and scripts are not stopped.
    """
    if only_list:
        _show(asyncio.run(_frozen()), as_json)
        return
    answer = asyncio.run(_freeze(tenant, why))
    _show(answer, as_json)
    if not as_json:
        for run in answer["stopped"]:
            still = "is still stopping" if run["stopping"] else run["state"]
            note(f"{run['run_id']} of {called(run['principal'])} in {run['session']}: {still}")
        if told := withdrawn(answer["stopped"]):
            note(told)


def withdrawn(stopped: Sequence[Run]) -> str:
    """Return how many requests for approval a freeze took back; "" if none. Pure."""
    asked = {one["approval"]["id"] for one in stopped if one["approval"] and not one["started_at"]}
    if not asked:
        return ""
    requests = "1 request" if len(asked) == 1 else f"{len(asked)} requests"
    return f"{requests} for approval withdrawn: after `thaw`, what is still needed is asked again."


def thaw(tenant: OneTenant = None, as_json: AsJson = False) -> None:
    """Let agents go on in a tenant, or end the freeze of all tenants.

    A tenant that was frozen by its own name stays frozen when that of all ends.
    """
    _show(asyncio.run(_thaw(tenant)), as_json)


def _show(answer: Frozen, as_json: bool) -> None:
    if as_json:
        say_json(answer)
        return
    rows = [
        (it["tenant"] or "all", local_time(it["since"]), called(it["by"]), it["why"])
        for it in answer["frozen"]
    ]
    columns = ("TENANT", "SINCE", "BY", "WHY")
    say(table(columns, rows) if rows else "Agents are not stopped anywhere.")


async def _frozen() -> Frozen:
    async with connected() as client:
        return await client.frozen()


async def _freeze(tenant: str | None, why: str) -> FrozenNow:
    async with connected() as client:
        return await client.freeze(tenant, why)


async def _thaw(tenant: str | None) -> Frozen:
    async with connected() as client:
        return await client.thaw(tenant)
