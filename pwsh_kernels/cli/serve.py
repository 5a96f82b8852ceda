"""`pwsh-kernels serve`: run the server."""

from typing import Annotated

import typer

from pwsh_kernels.discovery import read_settings


def serve(
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port instead of PWSH_MANAGER_PORT.")
    ] = None,
    host: Annotated[str | None, typer.Option(help="Address instead of PWSH_MANAGER_HOST.")] = None,
    jupyter: Annotated[list[str] | None, typer.Argument(help="Jupyter options, after --.")] = None,
) -> None:
    """Run the server until Ctrl-C.

    Sessions stay signed in, and the next server finds them again.
    """
    from pwsh_kernels.web.launch import serve as serve_until_stopped

    given = {name: value for name, value in (("port", port), ("host", host)) if value is not None}
    serve_until_stopped(read_settings().model_copy(update=given), jupyter or ())
