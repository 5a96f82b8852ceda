"""`pwsh-kernels mcp-config`: the JSON with which an MCP client finds us, printed or merged into the
client's file.
"""

import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from pwsh_kernels.catalog.file_replacement import replace_file
from pwsh_kernels.cli.console import note, say
from pwsh_kernels.discovery import read_settings
from pwsh_kernels.errors import FileNotWritten
from pwsh_kernels.mcp_clients import TOKEN, Client, Place, configuration, file_of, merged
from pwsh_kernels.settings import Settings
from pwsh_kernels.shapes import ForeignJson

PROGRAM = Path(__file__).parents[2] / "mcp_server.py"
"""Next to the package, in the repository and in an installed wheel."""


def mcp_config(
    client: Annotated[Client, typer.Argument(help="The client.")],
    http: Annotated[
        bool,
        typer.Option(
            "--http", help="Connect over HTTP to a running server instead of starting a program."
        ),
    ] = False,
    write: Annotated[
        bool, typer.Option("--write", help="Merge it into the client's own file.")
    ] = False,
) -> None:
    """Print what an MCP client's configuration needs to find this product.

    It contains no secret: the program reads the token from the server's runtime file; over HTTP the
    client takes it from a variable or asks for it.
    """
    added = configuration(client, _place(http))
    if not write:
        say(json.dumps(added, indent=2))
    else:
        file = file_of(client, Path.home(), Path.cwd(), sys.platform, os.environ)
        _merge(file, added)
        note(f"{file} now has the server. Restart {client} if it is running.")
    if http and client != "vscode":
        note(f"Set {TOKEN} for {client} to the server's token (README, Security).")


def _place(http: bool) -> Place:
    settings = read_settings()
    other = settings.url != Settings.model_fields["url"].default
    environment = {"PWSH_MANAGER_URL": settings.url} if other else None
    return Place(sys.executable, str(PROGRAM), f"{settings.url.rstrip('/')}/mcp", http, environment)


def _merge(file: Path, added: ForeignJson) -> None:
    """Replace the whole file, keeping its permissions; if anything fails, the old one is
    unchanged.
    """
    try:
        mode = file.stat().st_mode if file.exists() else None
        existing = "" if mode is None else file.read_text(encoding="utf-8")
        replace_file(
            file,
            json.dumps(merged(existing, added, str(file)), indent=2, ensure_ascii=False) + "\n",
        )
        if mode is not None:
            file.chmod(mode)
    except (OSError, UnicodeDecodeError) as error:
        raise FileNotWritten(
            file=str(file), problem=getattr(error, "strerror", None) or str(error)
        ) from None
