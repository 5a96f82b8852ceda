"""`pwsh-kernels mcp`: the MCP server on stdin and stdout, for clients that start an installed
command.
"""

import os
import runpy
from typing import Annotated

import typer


def mcp(
    url: Annotated[
        str, typer.Option(metavar="ADDRESS", help="The server, instead of PWSH_MANAGER_URL.")
    ] = "",
) -> None:
    """Serve MCP on stdin and stdout, as mcp_server.py does.

    MCP clients run this, not people.
    """
    if url:
        os.environ["PWSH_MANAGER_URL"] = url
    runpy.run_module("pwsh_kernels.mcp", run_name="__main__")
