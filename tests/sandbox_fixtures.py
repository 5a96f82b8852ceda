"""A PowerShell with the sandbox's modules that a test can ask, one request a line, and sign in to."""

import json
import os
import queue
import re
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import powershell_engine
import pytest

from pwsh_kernels.sandbox import Authority, module_path

WAIT = 60
"""Seconds for one answer of PowerShell, on a machine that is busy with other tests."""

ADMIN = "admin@contoso.example"
PAGE = "http://127.0.0.1:5100/sandbox/devicelogin"
PROMPT = re.compile(
    rf"To sign in, use a web browser to open the page {re.escape(PAGE)} and enter the code (\w+) to authenticate\."
)

HARNESS = r"""
$ProgressPreference = 'SilentlyContinue'
while ($null -ne ($line = [Console]::In.ReadLine())) {
    $request = $line | ConvertFrom-Json -AsHashtable
    $answer = @{ output = @(); errors = @(); warnings = @(); thrown = $false }
    $sort = {
        process {
            if ($_ -is [System.Management.Automation.ErrorRecord]) {
                $answer.errors += @{
                    message = $_.Exception.Message; id = $_.FullyQualifiedErrorId; category = "$($_.CategoryInfo.Category)"
                    activity = $_.CategoryInfo.Activity; reason = $_.CategoryInfo.Reason
                }
            } elseif ($_ -is [System.Management.Automation.WarningRecord]) { $answer.warnings += $_.Message }
            elseif ($_ -isnot [System.Management.Automation.InformationRecord]) { $answer.output += , $_ }
        }
    }
    $values = $request.parameters
    try { . ([scriptblock]::Create($request.script)) @values *>&1 | & $sort } catch { $answer.thrown = $true; $_ | & $sort }
    [Console]::Out.WriteLine('@@' + (ConvertTo-Json $answer -Depth 4 -Compress))
}
"""


@dataclass(frozen=True)
class Answer:
    """What one script gave: its output as JSON values, its records, and what reached the console or the host."""

    output: list[Any]
    errors: list[dict[str, str]]
    warnings: list[str]
    thrown: bool
    console: list[str] = field(default_factory=list)

    @property
    def value(self) -> Any:
        """The one output value, when no error was written."""
        assert not self.errors, self.errors
        assert len(self.output) == 1, self.output
        return self.output[0]


Decision = Callable[[Authority, str], object]


def sign_in_as(account: str) -> Decision:
    """Return what a person does on the page: enter the code, choose the account."""
    return lambda authority, code: authority.approve(code, account)


def say_no(authority: Authority, code: str) -> object:
    """Decline the sign-in."""
    return authority.decline(code)


class SandboxShell:
    """A PowerShell process of one sandbox session."""

    def __init__(self, folder: Path, environment: Mapping[str, str] | None = None) -> None:
        self.authority = Authority(folder)
        self.authority.prepare(PAGE)
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        given = {"PSModulePath": str(module_path()), "PWSH_KERNELS_SANDBOX": str(folder), "NO_COLOR": "1"}
        self.process = subprocess.Popen(
            [powershell_engine.executable(), "-NoLogo", "-NoProfile", "-Command", HARNESS],
            env={**kept, **given, **(environment or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            bufsize=1,
        )
        self.lines: queue.Queue[str | None] = queue.Queue()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.lines.put(line.rstrip("\n"))
        self.lines.put(None)

    def ask(self, script: str, decide: Decision | None = None, **parameters: object) -> Answer:
        """Run a script with bound parameters; `decide` is done with the device code as soon as it is shown."""
        assert self.process.stdin
        self.process.stdin.write(json.dumps({"script": script, "parameters": parameters}) + "\n")
        self.process.stdin.flush()
        console: list[str] = []
        while (line := self.lines.get(timeout=WAIT)) is not None:
            if line.startswith("@@"):
                return Answer(**json.loads(line[2:]), console=console)
            console.append(line)
            if decide and (prompt := PROMPT.search(line)):
                decide(self.authority, prompt[1])
        raise AssertionError(f"PowerShell ended: {console}")

    def connect(self, account: str, arguments: str = "") -> Answer:
        """Connect and sign in."""
        return self.ask(f"Connect-ExchangeOnline -Device -ShowBanner:$false {arguments}", sign_in_as(account))

    def close(self) -> None:
        """End the process: close its stdin, wait, kill."""
        assert self.process.stdin
        self.process.stdin.close()
        try:
            self.process.wait(timeout=WAIT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.reader.join(timeout=WAIT)
        assert self.process.stdout
        self.process.stdout.close()


@pytest.fixture(scope="session")
def contoso_shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxShell]:
    shell = SandboxShell(tmp_path_factory.mktemp("sandbox"))
    shell.connect(ADMIN)
    yield shell
    shell.close()


@pytest.fixture(scope="session")
def fabrikam_shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxShell]:
    shell = SandboxShell(tmp_path_factory.mktemp("sandbox"))
    shell.connect("admin@fabrikam.example")
    yield shell
    shell.close()


@pytest.fixture(scope="session")
def newcomer_shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxShell]:
    """A session that is not connected whenever a test gets it."""
    shell = SandboxShell(tmp_path_factory.mktemp("sandbox"), {"PWSH_KERNELS_SANDBOX_EXPIRES_IN": "30"})
    yield shell
    shell.close()


@pytest.fixture
def signed_out_shell(newcomer_shell: SandboxShell) -> Iterator[SandboxShell]:
    yield newcomer_shell
    newcomer_shell.ask("Disconnect-ExchangeOnline -Confirm:$false")
