"""The door of MCP: /mcp, served by the same server."""
