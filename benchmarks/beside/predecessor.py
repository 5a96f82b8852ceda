"""A stand-in for the predecessor: a threaded HTTP server, and for each session one PowerShell whose
stdin gets commands as text and whose stdout is read until a marker.

Written from what it did (docs/decisions/0001): no kernel, no typed streams, no bound values. It is
here to be measured, and answers wrongly where that did. That had Flask, and this has not: its times
are what is left of such a server at best.
"""

import json
import os
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import IO, Any

WRAPPED = (
    "try {{ $result = & {{ {command} }}; if ($null -eq $result) {{ 'OK' }}"
    " else {{ $result | ConvertTo-Json -Depth 10 }} }} catch {{ \"Error: $_\" }}; '{marker}'\n"
)
CONNECT = "function Get-Mailbox {}"
"""Its benchmark signed in to a stub of a module, and so does this one."""


class RawPowerShell:
    """A PowerShell that reads commands from its stdin, one caller at a time."""

    def __init__(self, executable: str) -> None:
        self._turn = threading.Lock()
        self._process = subprocess.Popen(
            [executable, "-NoLogo", "-NoProfile", "-NonInteractive", "-Command", "-"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            env={**os.environ, "TERM": "dumb"},  # else escape sequences stand between the answers
        )

    def run(self, command: str) -> str:
        """Return what a command wrote, as text."""
        marker = f"end-of-{uuid.uuid4().hex}"
        with self._turn:
            stdin, stdout = _pipes(self._process)
            stdin.write(WRAPPED.format(command=command, marker=marker))
            stdin.flush()
            return "".join(iter(stdout.readline, f"{marker}\n"))

    def close(self) -> None:
        """End it."""
        stdin, _ = _pipes(self._process)
        stdin.close()
        self._process.wait(10)


def _pipes(process: subprocess.Popen[str]) -> tuple[IO[str], IO[str]]:
    assert process.stdin
    assert process.stdout
    return process.stdin, process.stdout


class Sessions:
    """Its sessions by name."""

    def __init__(self, executable: str) -> None:
        self._executable = executable
        self._lock = threading.Lock()
        self._known: dict[str, RawPowerShell] = {}

    def login(self, tenant: str) -> Mapping[str, Any]:
        """Start a session's PowerShell and connect it."""
        started = RawPowerShell(self._executable)
        started.run(CONNECT)
        with self._lock:
            self._known[tenant] = started
        return {"success": True}

    def kill(self, tenant: str) -> Mapping[str, Any]:
        """End a session."""
        with self._lock:
            ended = self._known.pop(tenant)
        ended.close()
        return {"success": True}

    def run(self, tenant: str, command: str) -> Mapping[str, Any]:
        """Run a command; whether it failed is looked for in its text."""
        result = self._known[tenant].run(command)
        return {"success": not result.startswith("Error:"), "result": result}

    def close(self) -> None:
        """End all of them."""
        for one in self._known.values():
            one.close()


def handler(sessions: Sessions) -> type[BaseHTTPRequestHandler]:
    """Return the class that answers its routes."""

    acts: Mapping[str, Callable[..., Mapping[str, Any]]] = {
        "/login": sessions.login,
        "/run": sessions.run,
        "/kill": sessions.kill,
    }

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            act = acts[self.path]
            self._send(json.dumps(act(**body)).encode())

        def _send(self, answer: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its parent's name
            """Write no log."""

    return Handler


class Server(ThreadingHTTPServer):
    """A thread a connection; ten may come at once."""

    request_queue_size = 128


def main() -> None:
    """Serve on a free port until stdin is closed; the port is the first line of stdout."""
    sessions = Sessions(sys.argv[1])
    server = Server(("127.0.0.1", 0), handler(sessions))
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    sys.stdin.read()
    server.shutdown()
    serving.join()
    sessions.close()


if __name__ == "__main__":
    main()
