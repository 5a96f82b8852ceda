"""`pwsh-kernels runs`, `follow`, `cancel`: look at runs, attach to one, stop one."""

import asyncio
from typing import Annotated, Unpack

import typer

from pwsh_kernels.cli.console import ExitCode, connected, note, say, say_json, table
from pwsh_kernels.cli.following import follow_to_end
from pwsh_kernels.cli.sessions import AsJson
from pwsh_kernels.cli.times import local_time
from pwsh_kernels.shapes import Purpose, Run, Runs, RunsArguments

COMMAND_CHARS = 60
"""Characters of a command that the table shows."""

RunId = Annotated[str, typer.Argument(help="A run's id; `pwsh-kernels runs` lists them.")]


def runs(
    tenant: Annotated[str | None, typer.Option(help="Only this tenant's.")] = None,
    module: Annotated[str | None, typer.Option(help="Only this module's.")] = None,
    state: Annotated[
        str | None, typer.Option(help="Only runs in this state, such as running.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 50,
    everything: Annotated[
        bool, typer.Option("--all", help="Include what the server ran itself, such as sign-ins.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List the runs that the server remembers, newest first."""
    purpose: Purpose | None = None if everything else "command"
    answer = asyncio.run(
        _runs(tenant=tenant, module=module, state=state, purpose=purpose, limit=limit)
    )
    if as_json:
        say_json(answer)
        return
    rows = [_row(one) for one in answer["runs"]]
    say(
        table(("RUN", "SESSION", "STATE", "STARTED", "SECONDS", "CLIENT", "COMMAND"), rows)
        if rows
        else "No runs."
    )


async def _runs(**wanted: Unpack[RunsArguments]) -> Runs:
    async with connected() as client:
        return await client.runs(**wanted)


def _row(run: Run) -> tuple[object, ...]:
    command = " ".join(run["command"].split())
    shown = command if len(command) <= COMMAND_CHARS else command[: COMMAND_CHARS - 1] + "…"
    return (
        run["run_id"],
        run["session"],
        run["state"],
        local_time(run["started_at"] or ""),
        run["duration_s"],
        run["client"],
        shown,
    )


def follow(run_id: RunId, as_json: AsJson = False) -> None:
    """Attach to a run.

    Prints its output from the beginning, asks its questions in the terminal, and ends with its exit
    code.
    """
    raise typer.Exit(asyncio.run(_follow(run_id, as_json)))


async def _follow(run_id: str, as_json: bool) -> int:
    async with connected() as client:
        return await follow_to_end(client, await client.read_run(run_id, limit=1), as_json=as_json)


def cancel(run_id: RunId, as_json: AsJson = False) -> None:
    """Stop a run; its session stays signed in."""
    run = asyncio.run(_cancel(run_id))
    if as_json:
        say_json(run)
    elif run["stopping"]:
        note(f"{run_id} has not stopped yet: PowerShell is in a call that cannot be interrupted.")
    else:
        say(f"{run_id}: {run['state']}")
    if run["stopping"]:
        raise typer.Exit(ExitCode.STILL_RUNNING)


async def _cancel(run_id: str) -> Run:
    async with connected() as client:
        return await client.cancel(run_id)
