"""The stdio MCP server: `python mcp_server.py` in an MCP client's configuration."""

import sys

from pwsh_kernels.mcp.stdio import main

if __name__ == "__main__":
    sys.exit(main())
