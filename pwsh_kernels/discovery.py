"""Where the server for a client may be, and the token that belongs to each address.

`PWSH_MANAGER_URL` and `PWSH_MANAGER_TOKEN` say where; without a token the runtime files that every
Jupyter server of this user writes (`jpserver-PID.json`: address, port, token, process id) give it.
A token from such a file is sent only to the loopback address of the server that wrote the file.
"""

import ipaddress
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jupyter_core.paths import jupyter_runtime_dir
from pydantic import ValidationError

from pwsh_kernels.errors import BadTokenFile, InvalidSetting
from pwsh_kernels.settings import SHORTEST_TOKEN, Settings

SERVICE = "pwsh-kernels"
"""Our server's name for itself in its runtime file and in `GET /health`."""

MCP_CLIENT = "pwsh-kernels-mcp"
"""The name by which calls for an MCP client are known; the MCP client's own name follows it."""

FROM_SETTINGS = "PWSH_MANAGER_URL"
_DEFAULT_PORTS = {"http": 80, "https": 443}
_EVERY_ADDRESS = {
    "": "127.0.0.1",
    "*": "127.0.0.1",
    "0.0.0.0": "127.0.0.1",  # noqa: S104 - read, not bound
    "::": "::1",
}


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """The address of a server, the token that belongs to it (empty: none is known), and where these
    were found.
    """

    url: str
    token: str = field(repr=False)
    place: str

    @property
    def is_loopback(self) -> bool:
        """True when the address is on this machine."""
        return is_loopback(urlsplit(self.url).hostname or "")


TOKEN = "PWSH_MANAGER_TOKEN"  # noqa: S105 - the name of a setting
EMPTY_TOKEN = "is set and empty: unset it to be the owner of this user's server, or give a token"  # noqa: S105 - a sentence
"""A script whose secret did not load must not get the owner's rights."""


def read_settings() -> Settings:
    """Return the settings of the environment, with the token of the file that they name.

    Raises InvalidSetting for the first wrong one, without its value; BadTokenFile.
    """
    try:
        settings = Settings()
        if settings.token_file is None or settings.token:
            return settings
        return settings.model_copy(update={"token": read_token_file(settings.token_file)})
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        raise InvalidSetting(setting=str(first["loc"][0]), problem=first["msg"]) from None


def read_token_file(file: Path) -> str:
    """Return the token in a file, without the line end. Raises BadTokenFile."""
    try:
        token = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        problem = error.strerror or str(error) if isinstance(error, OSError) else "is not text"
        raise BadTokenFile(file=str(file), problem=problem, user=os.getuid()) from None
    if len(token) < SHORTEST_TOKEN:
        problem = f"has {len(token)} characters; a token has at least {SHORTEST_TOKEN}"
        raise BadTokenFile(file=str(file), problem=problem, user=os.getuid())
    return token


def is_loopback(host: str) -> bool:
    """Return whether a host name or an IP address always means this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def host_and_port(url: str) -> tuple[str, int]:
    """Return the host and the port of an http(s) URL. Raises InvalidSetting."""
    try:
        parts = urlsplit(url)
        port = parts.port or _DEFAULT_PORTS[parts.scheme]
    except (ValueError, KeyError) as error:
        raise InvalidSetting(
            setting=FROM_SETTINGS, problem=f"{url!r} is not an http or https address"
        ) from error
    if not parts.hostname:
        raise InvalidSetting(setting=FROM_SETTINGS, problem=f"{url!r} names no host")
    return parts.hostname, port


def running_servers(runtime_dir: Path | None = None) -> list[ServerAddress]:
    """Return the living pwsh-kernels servers of this user that listen on loopback, the newest
    first.
    """
    files = sorted((runtime_dir or Path(jupyter_runtime_dir())).glob("jpserver-*.json"), key=_age)
    return [address for file in files if (address := _read_runtime_file(file))]


def _age(file: Path) -> float:
    try:
        return -file.stat().st_mtime
    except OSError:  # it ended meanwhile
        return 0.0


def _read_runtime_file(file: Path) -> ServerAddress | None:
    try:
        facts = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # gone, or half written
        return None
    if (
        not isinstance(facts, dict)
        or facts.get("service") != SERVICE
        or not _is_our_process(facts.get("pid"))
    ):
        return None
    return runtime_address(facts, str(file))


def _is_our_process(pid: object) -> bool:
    """Return whether the process is running and this user's: another user's process with that id is
    not the server.
    """
    if not isinstance(pid, int) or pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except (OSError, OverflowError):
        return False
    return True


def runtime_address(facts: Mapping[str, Any], place: str) -> ServerAddress | None:
    """Return the loopback address and the token in a runtime file, or None if the server has
    none.
    """
    hostname, port = str(facts.get("hostname", "")), facts.get("port")
    host = _EVERY_ADDRESS.get(hostname, "127.0.0.1" if hostname == "localhost" else hostname)
    if not isinstance(port, int) or port <= 0 or not is_loopback(host):
        return None
    scheme = "https" if facts.get("secure") else "http"
    shown = f"[{host}]" if ":" in host else host
    base = str(facts.get("base_url", "/")).strip("/")
    url = f"{scheme}://{shown}:{port}" + (f"/{base}" if base else "")
    return ServerAddress(url, str(facts.get("token", "")), place)


def refuse_empty_token() -> None:
    """Raise InvalidSetting for a token that is set and empty."""
    if os.environ.get(TOKEN) == "":
        raise InvalidSetting(setting=TOKEN, problem=EMPTY_TOKEN)


def candidates(settings: Settings, running: Sequence[ServerAddress]) -> list[ServerAddress]:
    """Return the addresses to try, best first.

    A token that was set goes to PWSH_MANAGER_URL. Without one, a local server on that port gives
    its own. If PWSH_MANAGER_URL is the default, a local server on another port will do as well.
    """
    host, port = host_and_port(settings.url)
    named = ServerAddress(settings.url.rstrip("/"), settings.token, FROM_SETTINGS)
    if not is_loopback(host):
        return [named]
    same = [one for one in running if host_and_port(one.url)[1] == port]
    others = (
        [one for one in running if one not in same]
        if settings.url == Settings.model_fields["url"].default
        else []
    )
    return [named, *others] if settings.token else [*same, *others, named]
