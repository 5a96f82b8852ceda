"""The MCP tools: defined once over an interface, served over stdio by mcp_server.py."""
