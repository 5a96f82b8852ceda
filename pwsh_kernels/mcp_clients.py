"""The configuration of our MCP server for each MCP client: pure.

Absolute paths, and never a secret.

Sources: decision 0013, and each client's documentation of its file and of how it expands variables.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any, Literal

from pwsh_kernels.errors import FileNotWritten, InvalidRequest
from pwsh_kernels.shapes import ForeignJson

Client = Literal["claude-desktop", "claude-code", "cursor", "vscode", "mcpjungle", "generic"]
NAME = "pwsh"
"""Of our server, in every client."""
TOKEN = "PWSH_MANAGER_TOKEN"  # noqa: S105 - the variable's name
"""Variable from which a client takes the token of the HTTP door."""
ASK_TOKEN: ForeignJson = {
    "type": "promptString",
    "id": "pwsh-token",
    "description": "Token of pwsh-kernels",
    "password": True,
}
"""VS Code asks for the token and keeps it with its own secrets."""
NO_HTTP = (
    "cannot be configured for HTTP by a file; leave --http out: the program finds the server and"
    " its token on its own"
)


@dataclass(frozen=True)
class Place:
    """How to reach us: the program of the stdio door, or the address of the HTTP door."""

    python: str
    program: str
    url: str
    http: bool = False
    environment: Mapping[str, str] | None = None
    """Settings that the program needs because they differ from the defaults."""


def configuration(client: Client, place: Place) -> ForeignJson:
    """Return the whole JSON file of a client that has no other server.

    Raises InvalidRequest where there is none.
    """
    if client == "mcpjungle":
        return _mcpjungle(place)
    if client == "vscode":
        inputs = {"inputs": [ASK_TOKEN]} if place.http else {}
        return {**inputs, "servers": {NAME: _server(client, place)}}
    return {"mcpServers": {NAME: _server(client, place)}}


def _server(client: Client, place: Place) -> ForeignJson:
    if not place.http:
        kind = {"type": "stdio"} if client == "vscode" else {}
        return {**kind, **_program(place)}
    if client == "claude-desktop":
        raise InvalidRequest(field="claude-desktop", problem=NO_HTTP)
    kind = {} if client == "cursor" else {"type": "http"}
    return {**kind, "url": place.url, "headers": {"Authorization": f"Bearer {_variable(client)}"}}


def _program(place: Place) -> ForeignJson:
    environment = {"env": dict(place.environment)} if place.environment else {}
    return {"command": place.python, "args": [place.program], **environment}


def _variable(client: Client) -> str:
    """Return how a client's file says "the token", without the token."""
    return {"vscode": f"${{input:{ASK_TOKEN['id']}}}", "cursor": f"${{env:{TOKEN}}}"}.get(
        client, f"${{{TOKEN}}}"
    )


def _mcpjungle(place: Place) -> ForeignJson:
    """Return MCPJungle's registration; a stateful session, because a process for each call would be
    slow.
    """
    if place.http:
        token = _variable("mcpjungle")
        way = {
            "transport": "streamable_http",
            "url": place.url,
            "bearer_token": token,
            "session_mode": "stateless",
        }
    else:
        way = {"transport": "stdio", **_program(place), "session_mode": "stateful"}
    return {"name": NAME, "description": "PowerShell in signed-in Microsoft 365 sessions", **way}


def merged(existing: str, added: ForeignJson, file: str) -> ForeignJson:
    """Return a client's file with our server added and everything else unchanged.

    Raises FileNotWritten if it is not a JSON object.
    """
    try:
        before = json.loads(existing) if existing.strip() else {}
    except ValueError as error:
        raise FileNotWritten(
            file=file, problem=f"it is not JSON ({error}); nothing was changed"
        ) from None
    fits = isinstance(before, dict) and all(
        isinstance(before.get(key, value), type(value)) for key, value in added.items()
    )
    if not fits:
        raise FileNotWritten(
            file=file, problem="it does not have the expected form; nothing was changed"
        )
    return {**before, **{key: _joined(before.get(key), value) for key, value in added.items()}}


def _joined(before: Any, added: Any) -> Any:
    if isinstance(added, dict):
        return {**(before or {}), **added}
    if isinstance(added, list):
        return [*(one for one in before or [] if one not in added), *added]
    return added


def file_of(
    client: Client, home: PurePath, folder: PurePath, platform: str, variables: Mapping[str, str]
) -> Path:
    """Return where a client reads its configuration; `platform` as sys.platform.

    Raises InvalidRequest when unknown.
    """
    support = {
        "darwin": home / "Library" / "Application Support",
        "win32": PurePath(variables.get("APPDATA") or home),
    }
    settings = support.get(platform, PurePath(variables.get("XDG_CONFIG_HOME") or home / ".config"))
    places: Mapping[Client, PurePath] = {
        "claude-desktop": settings / "Claude" / "claude_desktop_config.json",
        "claude-code": folder / ".mcp.json",
        "cursor": home / ".cursor" / "mcp.json",
        "vscode": folder / ".vscode" / "mcp.json",
        "mcpjungle": folder / "mcpjungle-config.json",
    }
    if client not in places:
        raise InvalidRequest(
            field="--write",
            problem=f"does not know where {client} keeps its file; print the JSON instead",
        )
    return Path(places[client])
