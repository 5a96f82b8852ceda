"""A PowerShell with the sandbox's modules that a test can ask, one request a line, and
sign in to.
"""

import json
import os
import queue
import re
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12
from cryptography.x509.oid import NameOID
from powershell_fixtures import usual_powershell

from pwsh_kernels.errors import DeviceCodeRefused
from pwsh_kernels.powershell.host.module_path import SCRIPT as MODULE_PATH_SCRIPT
from pwsh_kernels.sandbox import Authority, module_path

WAIT = 60
"""Seconds for one answer of PowerShell, on a machine that is busy with other tests."""

LOOK_AGAIN = 0.05
"""Seconds between two looks for a device code."""

CERTIFICATE_PASSWORD = "Sesame-9"
AUTOMATION = {
    "contoso": "c0070500-a991-4c00-8a00-00000000a991",
    "fabrikam": "fab21ca0-a991-4c00-8a00-00000000a991",
}
"""The application of each tenant that may do everything."""

ADMIN = "admin@contoso.example"
PAGE = "http://127.0.0.1:5100/sandbox/devicelogin"
COMPILES = re.compile("DOTNET_")
"""How .NET compiles: the Makefile sets it for all tests."""
PROMPT = re.compile(
    rf"To sign in, use a web browser to open the page {re.escape(PAGE)} and enter the code (\w+) to"
    r" authenticate\."
)

ONLY_OURS = f"& {{ {MODULE_PATH_SCRIPT} }} -First $env:PWSH_KERNELS_TEST_MODULES -Machine $false\n"
"""A test never finds what is installed on the machine."""

HARNESS = r"""
$ProgressPreference = 'SilentlyContinue'
while ($null -ne ($harnessLine = [Console]::In.ReadLine())) {
    $harnessRequest = $harnessLine | ConvertFrom-Json -AsHashtable
    $harnessAnswer = @{ output = @(); errors = @(); warnings = @(); information = @(); thrown = $false }
    $harnessSort = {
        process {
            if ($_ -is [System.Management.Automation.ErrorRecord]) {
                $harnessAnswer.errors += @{
                    message = $_.Exception.Message; id = $_.FullyQualifiedErrorId; category = "$($_.CategoryInfo.Category)"
                    activity = $_.CategoryInfo.Activity; reason = $_.CategoryInfo.Reason
                    types = @(for ($one = $_.Exception; $one; $one = $one.InnerException) {
                            "$($one.GetType().FullName) $($one.ErrorCode)".Trim()
                        })
                }
            } elseif ($_ -is [System.Management.Automation.WarningRecord]) { $harnessAnswer.warnings += $_.Message }
            elseif ($_ -is [System.Management.Automation.InformationRecord]) { $harnessAnswer.information += "$_" }
            else { $harnessAnswer.output += , $_ }
        }
    }
    $harnessValues = $harnessRequest.parameters
    try { . ([scriptblock]::Create($harnessRequest.script)) @harnessValues *>&1 | & $harnessSort }
    catch { $harnessAnswer.thrown = $true; $_ | & $harnessSort }
    [Console]::Out.WriteLine('@@' + (ConvertTo-Json $harnessAnswer -Depth 4 -Compress))
}
"""  # noqa: E501


@dataclass(frozen=True)
class Answer:
    """What one script gave: its output as JSON values, its records, and what reached the console or
    the host.
    """

    output: list[Any]
    errors: list[dict[str, Any]]
    warnings: list[str]
    information: list[str]
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


def make_certificate(
    folder: Path,
    subject: str = "contoso-automation",
    days: int = 1,
    password: str = CERTIFICATE_PASSWORD,
) -> Path:
    """Write a self-signed certificate with its key, as an application has it; with less than 0 days
    it has expired.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=9)).not_valid_after(
        now + timedelta(days=days)
    )
    file = folder / f"{subject}{days}.pfx"
    lock = BestAvailableEncryption(password.encode())
    file.write_bytes(
        pkcs12.serialize_key_and_certificates(
            None, key, builder.sign(key, hashes.SHA256()), None, lock
        )
    )
    return file


class ProcessEnded(AssertionError):
    """PowerShell ended instead of answering; its arguments are the lines that it printed."""


class SandboxShell:
    """A PowerShell process of one sandbox session."""

    def __init__(self, folder: Path, environment: Mapping[str, str] | None = None) -> None:
        self.authority = Authority(folder)
        self.authority.prepare(PAGE)
        kept = {
            name: value
            for name, value in os.environ.items()
            if name in ("PATH", "HOME", "LANG") or COMPILES.match(name)
        }
        given = {
            "PWSH_KERNELS_TEST_MODULES": str(module_path()),
            "PWSH_KERNELS_SANDBOX": str(folder),
            "NO_COLOR": "1",
        }
        given["PWSH_KERNELS_SANDBOX_TENANT"] = "contoso.example"
        self.process = subprocess.Popen(
            [usual_powershell(), "-NoLogo", "-NoProfile", "-Command", ONLY_OURS + HARNESS],
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
        """Run a script with bound parameters; `decide` is done with each device code as soon as a
        module waits for it.
        """
        assert self.process.stdin
        self.process.stdin.write(json.dumps({"script": script, "parameters": parameters}) + "\n")
        self.process.stdin.flush()
        console: list[str] = []
        deadline = time.monotonic() + WAIT
        while time.monotonic() < deadline:
            if decide:
                self._decide(decide)
            with suppress(queue.Empty):
                line = self.lines.get(timeout=LOOK_AGAIN if decide else WAIT)
                if line is None:
                    raise ProcessEnded(console)
                if line.startswith("@@"):
                    return Answer(**json.loads(line[2:]), console=console)
                console.append(line)
        raise AssertionError(f"PowerShell did not answer: {console}")

    def _decide(self, decide: Decision) -> None:
        """Do what a person does with a code that appeared; whichever channel shows it, the code's
        file is there.
        """
        for file in self.authority.codes.glob("*.json"):
            with suppress(DeviceCodeRefused):
                decide(self.authority, self.authority.pending(file.stem).code)

    def connect(self, account: str, arguments: str = "") -> Answer:
        """Connect and sign in."""
        return self.ask(
            f"Connect-ExchangeOnline -Device -ShowBanner:$false {arguments}", sign_in_as(account)
        )

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
    shell = SandboxShell(
        tmp_path_factory.mktemp("sandbox"), {"PWSH_KERNELS_SANDBOX_EXPIRES_IN": "30"}
    )
    yield shell
    shell.close()


@pytest.fixture
def signed_out_shell(newcomer_shell: SandboxShell) -> Iterator[SandboxShell]:
    yield newcomer_shell
    newcomer_shell.authority.clear_traps("contoso.example")
    newcomer_shell.ask("Disconnect-ExchangeOnline -Confirm:$false; Clear-SandboxTrap")
