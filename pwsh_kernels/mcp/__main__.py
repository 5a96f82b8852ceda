"""`python -m pwsh_kernels.mcp`: the MCP server on stdin and stdout."""

import sys

from pwsh_kernels.mcp.stdio import main

if __name__ == "__main__":
    sys.exit(main())
