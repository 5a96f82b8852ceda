"""`pwsh-kernels run`: run a command in a session."""

import asyncio
import json
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from pwsh_kernels.cli.console import connected, note, say
from pwsh_kernels.cli.everywhere import read_tenants, run_everywhere
from pwsh_kernels.cli.following import follow_to_end
from pwsh_kernels.cli.script_source import read_script
from pwsh_kernels.cli.sessions import AsJson, Read, tier_of
from pwsh_kernels.messages import MAX_WIDTH, MIN_WIDTH
from pwsh_kernels.records import OUTPUT_FORMATS
from pwsh_kernels.shapes import RunArguments

GLASS_BROKEN = "Break-glass: that this runs is recorded with its reason, and told to who approves."


def run(
    tenant: Annotated[
        str,
        typer.Argument(
            help="The tenant's domain; several as a,b; `*` for all signed in to the module."
        ),
    ],
    module: Annotated[str, typer.Argument(help="Service; `pwsh-kernels modules` lists them.")],
    command: Annotated[
        str | None, typer.Argument(help="PowerShell; `-` reads it from stdin.")
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(
            "--file", "-f", exists=True, dir_okay=False, help="A script file to run instead."
        ),
    ] = None,
    param: Annotated[
        list[str] | None,
        typer.Option(
            help="name=value for the script's param() block, bound as text; name:=JSON as JSON."
        ),
    ] = None,
    output: Annotated[
        str, typer.Option("--format", help=f"One of {', '.join(OUTPUT_FORMATS)}.")
    ] = "text",
    read: Read = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would change; no proof.")
    ] = False,
    as_json: AsJson = False,
    wait_s: Annotated[
        float | None, typer.Option(min=0, help="Leave the command running after this many seconds.")
    ] = None,
    detach: Annotated[
        bool, typer.Option("--detach", help="Print the run's id and leave the command running.")
    ] = False,
    reason: Annotated[
        str, typer.Option(help="What a change is for; whoever has to approve it reads that.")
    ] = "",
    break_glass: Annotated[
        str,
        typer.Option(
            help="Why it must run in spite of what the tenant says of changes: for the owner alone,"
            " recorded, and told to everyone who approves.",
            metavar="REASON",
        ),
    ] = "",
) -> None:
    """Run a command, or a script file.

    Its output is printed as it arrives. Ctrl-C cancels it; a second Ctrl-C leaves it running.

    A file (--file FILE, or - < FILE) has $PSScriptRoot, $PSCommandPath and a scope of its own. Its
    text is sent with its path; files next to it are found only if the server's machine has them
    too.

    Exit code: that of the command (`exit N`, or its last native program; of a file only `exit N`),
    otherwise 1 if it failed and 0 if it succeeded; 2 wrong usage, 3 not signed in, 4 no server, 5
    still running after --wait-s, 130 cancelled by Ctrl-C.
    """
    if output not in OUTPUT_FORMATS:
        raise typer.BadParameter(
            f"must be one of {', '.join(OUTPUT_FORMATS)}", param_hint="--format"
        )
    script = read_script(command, file)
    options: RunArguments = {
        "parameters": read_parameters(param or []),
        "format": output,
        "width": terminal_width(),
        "file": script.file,
        "reason": reason or None,
        "break_glass": break_glass or None,
        "tier": tier_of(read),
    }
    if dry_run:
        options["dry_run"] = True
    wait_s = 0 if detach else wait_s
    raise typer.Exit(
        asyncio.run(_run(tenant, module, script.text, options, wait_s, as_json, detach))
    )


async def _run(
    tenant: str,
    module: str,
    script: str,
    options: RunArguments,
    wait_s: float | None,
    as_json: bool,
    detach: bool,
) -> int:
    async with connected() as client:
        tenants = read_tenants(tenant)
        if tenants:
            return await run_everywhere(
                client,
                tenants,
                module,
                script,
                options,
                wait_s=wait_s,
                detach=detach,
                as_json=as_json,
            )
        started = await client.run(tenant, module, script, wait_s=0, **options)
        if started["break_glass"]:
            note(GLASS_BROKEN)
        if detach:
            say(started["run_id"])
            return 0
        return await follow_to_end(client, started, as_json=as_json, wait_s=wait_s)


def read_parameters(given: list[str]) -> Mapping[str, Any]:
    """Return the values of --param by name.

    Raises typer.BadParameter for one that is not `name=value`.
    """
    return dict(_parameter(one) for one in given)


def _parameter(given: str) -> tuple[str, Any]:
    name, found, value = given.partition("=")
    if not found or not name.strip(":"):
        raise typer.BadParameter(f"{given!r} is not name=value", param_hint="--param")
    if not name.endswith(":"):
        return name, value
    try:
        return name[:-1], json.loads(value)
    except ValueError as error:
        raise typer.BadParameter(
            f"the value of {name[:-1]} is not JSON: {error}", param_hint="--param"
        ) from error


def terminal_width() -> int | None:
    """Return the columns to format for, or None if no terminal shows the output."""
    if not sys.stdout.isatty():
        return None
    return min(max(shutil.get_terminal_size().columns, MIN_WIDTH), MAX_WIDTH)
