"""`pwsh-kernels notebook`: what was run in a session, as a notebook file."""

import asyncio
import json
from pathlib import Path
from typing import Annotated

import typer

from pwsh_kernels.cli.console import connected, note, say_json
from pwsh_kernels.cli.sessions import Module, Tenant
from pwsh_kernels.errors import FileNotWritten
from pwsh_kernels.shapes import ForeignJson


def notebook(
    tenant: Tenant,
    module: Module = "exo",
    output: Annotated[
        str, typer.Option("--output", "-o", help="File to write; `-` prints it.")
    ] = "-",
) -> None:
    """Write the commands of a session, with their output, as a notebook.

    Each cell's metadata says who ran it, when and for how long. Secrets are hidden.
    """
    facts = asyncio.run(_notebook(tenant, module))
    text = json.dumps(facts, indent=1, ensure_ascii=False)
    if output == "-":
        say_json(facts, indent=1)
        return
    try:
        Path(output).write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise FileNotWritten(file=output, problem=error.strerror or str(error)) from None
    note(
        f"{facts['metadata']['pwsh']['runs']} commands of {facts['metadata']['pwsh']['session']}"
        f" are in {output}."
    )


async def _notebook(tenant: str, module: str) -> ForeignJson:
    async with connected() as client:
        return await client.notebook(tenant, module)
