"""`pwsh-kernels classify`: what a PowerShell text does, without running it."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from pwsh_kernels.cli.console import connected, say, say_json
from pwsh_kernels.cli.script_source import read_script
from pwsh_kernels.cli.sessions import AsJson
from pwsh_kernels.shapes import Classification, ClassReason

NEEDS = {
    "run": "It runs there as it is.",
    "ask": "It needs an approval there.",
    "refuse": "It is refused there.",
}


def classify(
    text: Annotated[
        str | None, typer.Argument(help="The text; `-` reads it from stdin.", metavar="TEXT")
    ] = None,
    file: Annotated[Path | None, typer.Option("--file", "-f", help="A script file.")] = None,
    module: Annotated[
        str | None, typer.Option(help="The service of the session that it is meant for.")
    ] = None,
    tenant: Annotated[
        str | None, typer.Option(help="Say, too, whether you could run it in this tenant.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Tell whether a text reads, writes or destroys, and why; nothing is run."""
    answer = asyncio.run(_classify(read_script(text, file).text, module, tenant))
    if as_json:
        say_json(answer)
        return
    say(answer["class"])
    if need := answer.get("needs"):
        say(NEEDS[need])
    for one in answer["reasons"]:
        say(reason_line(one))


async def _classify(text: str, module: str | None, tenant: str | None) -> Classification:
    async with connected() as client:
        return await client.classify(text, module, tenant)


def reason_line(reason: ClassReason) -> str:
    """Return where a reason stands, what it is, the piece, and what to write instead."""
    piece = " ".join(reason["piece"].split())
    place = f"{reason['line']}:{reason['column']}"
    found = f"  {piece}" if piece else ""
    instead = f" {reason['instead']}" if reason["instead"] else ""
    return f"{place} {reason['class']}: {reason['text']}{instead}{found}"
