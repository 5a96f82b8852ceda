"""A real server in a child process, with a data folder of its own, for every test that speaks HTTP
to the product.
"""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import httpx
import psutil
import pytest

START_WAIT = 40.0
STOP_WAIT = 20.0
ANSWER_WAIT = 60.0
READY = "listens on"
CONTOSO = "contoso.example"
FABRIKAM = "fabrikam.example"
KEPT = 50_000
"""Objects of one run that the shared server's sessions keep: the usual limit takes long
to reach.
"""
ADMIN = "admin@contoso.example"
STRANGER = "admin@fabrikam.example"
_OURS = re.compile(r"^(?!PWSH_MANAGER_PWSH$)(?:PWSH_|JUPYTER)")
"""Settings of the caller; which PowerShell the tests use (`make test PWSH=…`) is none of them."""


def server_environment(folder: Path, **more: str) -> dict[str, str]:
    """Return an environment in which server and clients keep to one folder; nothing of the caller's
    settings leaks in.
    """
    inherited = {name: value for name, value in os.environ.items() if not _OURS.match(name)}
    return {
        **inherited,
        "HOME": str(folder / "home"),
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
        "PWSH_MANAGER_DATA_DIR": str(folder / "data"),
        "PWSH_MANAGER_MACHINE_MODULES": "false",
        "PWSH_MANAGER_PORT": "0",
        **more,
    }


@dataclass
class Server:
    """A server in a child process. `log` is what it wrote to its stderr."""

    folder: Path
    settings: dict[str, str] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)
    url: str = ""
    token: str = field(default="", repr=False)
    pause: threading.Event = field(default_factory=threading.Event, repr=False)

    @property
    def data_dir(self) -> Path:
        """The server's data folder."""
        return self.folder / "data"

    @property
    def environment(self) -> dict[str, str]:
        """What to run the command line, mcp_server.py or a Jupyter client with: they find the token
        by themselves.
        """
        return {**server_environment(self.folder, **self.settings), "PWSH_MANAGER_URL": self.url}

    def start(self) -> Self:
        """Start the process and wait until it says that it is ready."""
        (self.folder / "home").mkdir(parents=True, exist_ok=True)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "pwsh_kernels.web.launch"],
            env=server_environment(self.folder, **self.settings),
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.log = []
        self.ready = threading.Event()
        self.reader = threading.Thread(target=self._read_log, daemon=True)
        self.reader.start()
        self._wait_until_ready()
        facts = json.loads(
            (self.folder / "runtime" / f"jpserver-{self.process.pid}.json").read_text(
                encoding="utf-8"
            )
        )
        self.url, self.token = facts["url"].rstrip("/"), facts["token"]
        return self

    def _read_log(self) -> None:
        assert self.process.stderr
        for line in self.process.stderr:
            self.log.append(line)
            if READY in line:
                self.ready.set()
        self.ready.set()

    def _wait_until_ready(self) -> None:
        if not self.ready.wait(START_WAIT) or not any(READY in line for line in self.log):
            self.process.kill()
            pytest.fail("the server did not start:\n" + "".join(self.log))

    def http(self, **headers: str) -> httpx.Client:
        """Return a client that sends the token; more headers by name."""
        return httpx.Client(
            base_url=self.url,
            headers={"Authorization": f"Bearer {self.token}", **headers},
            timeout=ANSWER_WAIT,
            verify=False,  # plain HTTP: loading certificates takes 50 ms for nothing
            trust_env=False,
        )

    def get(self, path: str, **query: Any) -> dict[str, Any]:
        """Return the JSON answer of a GET."""
        with self.http() as http:
            answer: dict[str, Any] = http.get(path, params=query).json()
            return answer

    def post(self, path: str, **body: Any) -> dict[str, Any]:
        """Return the JSON answer of a POST."""
        with self.http() as http:
            answer: dict[str, Any] = http.post(path, json=body).json()
            return answer

    def approve(self, code: str, account: str = ADMIN) -> str:
        """Do what a person does on the sign-in page: type the code, choose an account, approve.

        Returns the last page.
        """
        page = f"{self.url}/sandbox/devicelogin"
        with httpx.Client(timeout=ANSWER_WAIT, verify=False, trust_env=False) as browser:
            assert "Enter code" in browser.get(page).text
            choose = browser.post(page, data={"code": code, "action": "next"})
            assert account in choose.text, choose.text
            return browser.post(
                page, data={"code": code, "account": account, "action": "approve"}
            ).text

    def sign_in(
        self, tenant: str = CONTOSO, account: str | None = None, module: str = "exo", **more: Any
    ) -> dict[str, Any]:
        """Sign a session in through the page, unless it is signed in; returns its status."""
        login = self.post("/login", tenant=tenant, module=module, **more)
        if login.get("auth_pending"):
            self.approve(login["device_code"], account or f"admin@{tenant}")
        return self.post("/status", tenant=tenant, module=module, wait_s=30)

    def run(self, command: str, tenant: str = CONTOSO, **more: Any) -> dict[str, Any]:
        """Run a command in a session."""
        return self.post("/run", tenant=tenant, command=command, **more)

    def until(self, probe: Callable[[], Any], wait_s: float = 20.0) -> Any:
        """Ask until the answer is true, and return it; fail after `wait_s` seconds."""
        end = time.monotonic() + wait_s
        while time.monotonic() < end:
            if answer := probe():
                return answer
            self.pause.wait(0.05)
        pytest.fail(f"still {probe()!r} after {wait_s} s\n" + "".join(self.log[-40:]))

    def powershells(self) -> list[psutil.Process]:
        """Return the PowerShell processes of this server's sessions."""
        return [one for one in self.family() if {"-NoProfile", "-s"} <= set(_arguments(one))]

    def end_sessions(self) -> None:
        """End every session and its processes."""
        for session in self.get("/sessions")["sessions"]:
            self.post("/kill", tenant=session["tenant"], module=session["module"])

    def stop(self, number: int = signal.SIGTERM) -> None:
        """End the server alone, as a service manager does, or with another signal; sessions live
        on.
        """
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            self.process.wait(STOP_WAIT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(STOP_WAIT)
        self.reader.join(STOP_WAIT)

    def close(self) -> None:
        """End the server and everything that it started."""
        with suppress(httpx.HTTPError):
            self.end_sessions()
        self.stop()
        for process in self.family():
            process.kill()

    def family(self) -> list[psutil.Process]:
        """Return the processes that were started for this server: their command line or environment
        names its folder.
        """
        return [
            one for one in psutil.process_iter() if one.pid != os.getpid() and self._is_ours(one)
        ]

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            facts = [*process.cmdline(), *process.environ().values()]
        except psutil.Error:
            return False
        return any(str(self.folder) in fact for fact in facts)


def _arguments(process: psutil.Process) -> list[str]:
    """Return a process' command line; one that has just ended has none."""
    try:
        return process.cmdline()
    except psutil.Error:
        return []


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests of a worker: leave it running, and its sessions usable."""
    one = Server(
        tmp_path_factory.mktemp("server"), {"PWSH_MANAGER_KEPT_OBJECTS": str(KEPT)}
    ).start()
    yield one
    one.close()


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Server]:
    """A server that the test may end, restart and break."""
    one = Server(tmp_path).start()
    yield one
    one.close()
