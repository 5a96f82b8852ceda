"""Both servers behind one interface, so that they are measured by the same code."""

import http.client
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol
from urllib.parse import urlencode, urlsplit

import psutil

LIMIT_S = 120.0
READY = "listens on"


class Place(NamedTuple):
    """A session's name."""

    tenant: str
    module: str


FIRST = Place("contoso.example", "exo")
PLACES: Sequence[Place] = (
    FIRST,
    *(
        Place(tenant, module)
        for module in ("exo", "graph", "azure", "teams", "powerplatform")
        for tenant in ("contoso.example", "fabrikam.example")
        if Place(tenant, module) != FIRST
    ),
)
"""Ten sessions: all that the sandbox has without an app registration."""


class Beside(Protocol):
    """A server with sessions."""

    name: str

    def login(self, place: Place) -> None:
        """Make a session that is signed in."""

    def run(self, place: Place, command: str) -> bytes:
        """Run a command over the connection that is kept; return the body of the answer."""

    def run_beside(self, place: Place, command: str) -> bytes:
        """The same over a connection of its own, from any thread."""

    def end(self, place: Place) -> None:
        """End a session."""

    def powershells(self) -> Sequence[psutil.Process]:
        """Return the PowerShells of its sessions."""

    def close(self) -> None:
        """End the server and its sessions."""


class Connection:
    """One kept connection, as every client of a server has; not for several threads."""

    def __init__(self, port: int, headers: Mapping[str, str]) -> None:
        self._http = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT_S)
        self._headers = headers

    def post(self, path: str, body: bytes, kind: str = "application/json") -> bytes:
        """Return the body of an answer."""
        self._http.request("POST", path, body, {**self._headers, "Content-Type": kind})
        return self._http.getresponse().read()

    def json(self, path: str, **body: Any) -> Any:
        """Return the JSON of an answer."""
        return json.loads(self.post(path, json.dumps(body).encode()))

    def get(self, path: str) -> Any:
        """Return the JSON of an answer."""
        self._http.request("GET", path, headers=dict(self._headers))
        return json.loads(self._http.getresponse().read())


class Predecessor:
    """The stand-in, in a process of its own."""

    name = "predecessor"

    def __init__(self, powershell: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.beside.predecessor", powershell],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout
        self._port = int(self._process.stdout.readline())
        self._kept = self._connection()

    def _connection(self) -> Connection:
        return Connection(self._port, {})

    def login(self, place: Place) -> None:
        self._connection().json("/login", tenant=":".join(place))

    def run(self, place: Place, command: str) -> bytes:
        return _run(self._kept, {"tenant": ":".join(place), "command": command})

    def run_beside(self, place: Place, command: str) -> bytes:
        return _run(self._connection(), {"tenant": ":".join(place), "command": command})

    def end(self, place: Place) -> None:
        self._connection().json("/kill", tenant=":".join(place))

    def powershells(self) -> Sequence[psutil.Process]:
        return psutil.Process(self._process.pid).children()

    def close(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(LIMIT_S)


class Ours:
    """Our server with the tenants of the sandbox, in a data folder of its own."""

    name = "ours"

    def __init__(self, folder: Path) -> None:
        self._token = os.urandom(16).hex()
        environment = {
            **os.environ,
            "HOME": str(folder),
            "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
            "PWSH_MANAGER_DATA_DIR": str(folder / "data"),
            "PWSH_MANAGER_MACHINE_MODULES": "false",
            "PWSH_MANAGER_PORT": "0",
            "PWSH_MANAGER_TOKEN": self._token,
        }
        self._folder = folder
        self._process = subprocess.Popen(
            [sys.executable, "-m", "pwsh_kernels.web.launch"],
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
            cwd=folder,
        )
        self._port = self._listens_on()
        self._kept = self._connection()

    def _listens_on(self) -> int:
        assert self._process.stderr
        line = next(one for one in self._process.stderr if READY in one)
        url = next(word for word in line.split() if word.startswith("http")).rstrip(".")
        return urlsplit(url).port or 80

    def _connection(self) -> Connection:
        return Connection(self._port, {"Authorization": f"Bearer {self._token}"})

    def login(self, place: Place) -> None:
        door = self._connection()
        code = door.json("/login", **place._asdict())["device_code"]
        form = "application/x-www-form-urlencoded"
        for fields in (
            {"code": code, "action": "next"},
            {"code": code, "account": f"admin@{place.tenant}", "action": "approve"},
        ):
            door.post("/sandbox/devicelogin", urlencode(fields).encode(), form)
        status = door.json("/status", **place._asdict(), wait_s=LIMIT_S)
        if not status["connected"]:
            raise RuntimeError(f"{place} is not signed in: {status}")

    def run(self, place: Place, command: str) -> bytes:
        return _run(self._kept, self._body(place, command))

    def run_beside(self, place: Place, command: str) -> bytes:
        return _run(self._connection(), self._body(place, command))

    def _body(self, place: Place, command: str) -> Mapping[str, Any]:
        return {**place._asdict(), "command": command, "format": "json"}

    def end(self, place: Place) -> None:
        self._connection().json("/kill", **place._asdict())

    def powershells(self) -> Sequence[psutil.Process]:
        return [one for one in psutil.process_iter() if self._is_ours(one)]

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            started = {"-NoProfile", "-s"} <= set(process.cmdline())
            return started and str(self._folder) in " ".join(process.environ().values())
        except psutil.Error:
            return False

    def close(self) -> None:
        for one in self._connection().get("/sessions")["sessions"]:
            self.end(Place(one["tenant"], one["module"]))
        self._process.terminate()
        self._process.wait(LIMIT_S)


def _run(door: Connection, body: Mapping[str, Any]) -> bytes:
    return door.post("/run", json.dumps(body).encode())
