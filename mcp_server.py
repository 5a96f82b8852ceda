"""The stdio MCP server: `python mcp_server.py` in an MCP client's configuration."""
