"""`pwsh-kernels mcp`: the MCP server on stdin and stdout, for clients that start an installed
command.
"""

import runpy


def mcp() -> None:
    """Serve MCP on stdin and stdout, as mcp_server.py does.

    MCP clients run this, not people.
    """
    runpy.run_module("pwsh_kernels.mcp", run_name="__main__")
