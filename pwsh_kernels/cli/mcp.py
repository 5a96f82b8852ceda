"""`pwsh-kernels mcp`: the MCP server on stdin and stdout, for clients that start an installed
command.
"""

import typer


def mcp() -> None:
    """Serve MCP on stdin and stdout, as mcp_server.py does.

    MCP clients run this, not people.
    """
    from pwsh_kernels.mcp.stdio import main

    raise typer.Exit(main())
