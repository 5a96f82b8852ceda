"""`pwsh-kernels lab`: JupyterLab on the server itself, with every session in it."""

import asyncio
import importlib.util
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from pwsh_kernels.cli.console import note
from pwsh_kernels.discovery import ServerAddress, read_settings
from pwsh_kernels.errors import LabNotInstalled, ServerUnreachable

OPENS = "-open.html"
"""Next to a runtime file `jpserver-PID.json`: the page (0600) that takes a browser to JupyterLab,
with the token.
"""


def lab(
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port instead of PWSH_MANAGER_PORT.")
    ] = None,
    host: Annotated[str | None, typer.Option(help="Address instead of PWSH_MANAGER_HOST.")] = None,
    browser: Annotated[bool, typer.Option(help="Open a web browser.")] = True,
    jupyter: Annotated[list[str] | None, typer.Argument(help="Jupyter options, after --.")] = None,
) -> None:
    """Open JupyterLab with every session in it.

    It uses the running server, or starts one until Ctrl-C if none is running. JupyterLab shows the
    files of the folder in which the server was started.
    """
    running = asyncio.run(_running())
    if running is not None:
        _open(running, browser)
        return
    if importlib.util.find_spec("jupyterlab") is None:
        raise LabNotInstalled(where="in this environment")
    from pwsh_kernels.web.launch import serve

    given = {name: value for name, value in (("port", port), ("host", host)) if value is not None}
    serve(
        read_settings().model_copy(update=given),
        ["--PwshKernelsServer.opens_lab=True"] * browser + (jupyter or []),
    )


async def _running() -> ServerAddress | None:
    """Return the server that answers, or None. Raises NotOurServer if something else uses its
    port.
    """
    from pwsh_kernels.client import find_server

    try:
        return await find_server(read_settings())
    except ServerUnreachable:
        return None


def _open(server: ServerAddress, browser: bool) -> None:
    """Say where JupyterLab is.

    The token reaches the browser through a file, because every user can read the process list.
    """
    page = opening_page(server)
    if page is not None and not page.is_file():
        raise LabNotInstalled(where="for the server that is running")
    note(f"JupyterLab is on {server.url}/lab")
    if page is None:
        return
    note(f"This page opens it with the token: {page.as_uri()}")
    if browser:
        webbrowser.open(page.as_uri())


def opening_page(server: ServerAddress) -> Path | None:
    """Return the page of a server of this machine, or None for one that the settings name."""
    file = Path(server.place)
    return file.with_name(file.stem + OPENS) if file.suffix == ".json" else None
