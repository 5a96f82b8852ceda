"""pwsh-kernels.service under a systemd that is the first process of a container."""

import re
from collections.abc import Iterator

import httpx
import pytest

from deploy.tests.container import ADMIN, LIMIT, Container
from tests.fixtures.repository import ROOT

TOKEN = "a-token-of-the-machine-s-administrator"
DOCUMENTATION = (ROOT / "docs" / "containers.md").read_text(encoding="utf-8")
FILES = {
    "token": TOKEN,
    "environment": (
        "PWSH_MANAGER_TOKEN_FILE=/etc/pwsh-kernels/token\n"
        "PWSH_MANAGER_HOST=0.0.0.0\n"
        "PWSH_MANAGER_SANDBOX_PEERS=172.16.0.0/12,192.168.0.0/16"
    ),
}
WRITE = "umask 077; mkdir -pm 0711 /etc/pwsh-kernels; cat > $0 && chown pwsh-kernels $0"
STOP_LIMIT = 20
"""Seconds: TimeoutStopSec of the unit."""
PARTS = ("files", "tcp", "signals")
"""Of confinement; the machines that build and test here have all of them."""
EXPOSURE = 3.0
"""systemd's measure, from 0 to 10, and what the unit may have at most; it has 1.9 or 2.1."""


class Machine(Container):
    """A container whose first process is systemd."""

    def start(self, *more: str) -> None:
        """Start systemd, install the unit and start it, as docs/containers.md says."""
        self.say(
            *("run", "--detach", f"--name={self.name}", "--publish=127.0.0.1::5100"),
            *("--cap-add=SYS_ADMIN", "--security-opt=seccomp=unconfined", "--cgroupns=private"),
            *("--security-opt=apparmor=unconfined", "--tmpfs=/run", "--tmpfs=/tmp", *more),
            self.build("systemd.Dockerfile", "deploy/systemd"),
        )
        self.until(lambda: self.boot_state() in {"running", "degraded"})
        for file, text in FILES.items():
            path = f"/etc/pwsh-kernels/{file}"
            self.say("exec", "-i", self.name, "sh", "-c", WRITE, path, stdin=text)
        self.inside("systemctl", "enable", "--now", "pwsh-kernels")
        self.token = TOKEN
        self.wait_until_ready()

    def boot_state(self) -> str:
        """Return what systemd says of the whole machine."""
        asked = self.docker("exec", self.name, "systemctl", "is-system-running", limit=LIMIT)
        return asked.stdout.strip()

    def shown(self, fact: str) -> str:
        """Return a fact about the unit."""
        return self.inside("systemctl", "show", "--value", "-p", fact, "pwsh-kernels").strip()

    def processes(self) -> list[str]:
        """Return the processes of the unit's user."""
        found = self.docker("exec", self.name, "pgrep", "-u", "pwsh-kernels", limit=LIMIT)
        return found.stdout.split()

    def powershell(self) -> str:
        """Return the process of the session's PowerShell."""
        self.until(lambda: self.status()["state"] == "signed_in")
        return self.run("$PID")


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    """A machine with the unit, and a session that is signed in."""
    with Machine().signed_in() as one:
        yield one


def test_the_unit_serves_as_its_own_user_with_the_token_of_a_file(machine: Machine) -> None:
    assert machine.status()["account"] == ADMIN
    assert machine.run("[Environment]::UserName; 6 * 7").split() == ["pwsh-kernels", "42"]


def test_an_administrator_s_commands_find_server_and_token(machine: Machine) -> None:
    documented = (
        "sudo -u pwsh-kernels env $(systemctl show --value -p Environment pwsh-kernels) \\\n"
        "    /opt/pwsh-kernels/bin/pwsh-kernels"
    )
    assert documented in DOCUMENTATION
    command = documented.replace("sudo -u pwsh-kernels", "runuser -u pwsh-kernels --")
    said = machine.inside("sh", "-c", f"cd / && {command} run contoso.example exo '6 * 7'")
    assert said.strip() == "42"


def test_the_unit_s_hardening_takes_nothing_from_confinement(machine: Machine) -> None:
    health = httpx.get(machine.url + "/health", timeout=LIMIT, trust_env=False).json()
    assert health["confinement"] == {"confine": "on", **dict.fromkeys(PARTS, True)}
    refused = "try { Get-ChildItem /var/lib/pwsh-kernels/state -ErrorAction Stop } catch { 'no' }"
    assert machine.run(refused) == "no"
    assert machine.run("Select-String NoNewPrivs:.1 /proc/self/status -Quiet") == "True"


def test_a_killed_server_is_started_again_and_its_session_lives_on(machine: Machine) -> None:
    machine.run("$kept = 'still here'")
    powershell, server = machine.powershell(), machine.shown("MainPID")
    machine.inside("systemctl", "kill", "--kill-whom=main", "--signal=KILL", "pwsh-kernels")
    machine.until(lambda: machine.shown("MainPID") not in {"0", server})
    machine.wait_until_ready()
    assert machine.powershell() == powershell
    assert machine.run("$kept") == "still here"
    assert machine.shown("NRestarts") == "1"


def test_a_restart_as_for_an_upgrade_keeps_the_session(machine: Machine) -> None:
    powershell, server = machine.powershell(), machine.shown("MainPID")
    machine.inside("systemctl", "restart", "pwsh-kernels")
    machine.wait_until_ready()
    assert machine.shown("MainPID") != server
    assert machine.powershell() == powershell


def test_a_stop_leaves_the_session_to_the_next_start(machine: Machine) -> None:
    powershell = machine.powershell()
    machine.inside("systemctl", "stop", "pwsh-kernels")
    assert machine.shown("ActiveState") == "inactive"
    assert machine.shown("Result") == "success"
    assert powershell in machine.processes()
    machine.inside("systemctl", "start", "pwsh-kernels")
    machine.wait_until_ready()
    assert machine.powershell() == powershell


def test_systemd_finds_the_unit_well_protected(machine: Machine) -> None:
    said = machine.inside("systemd-analyze", "security", "--no-pager", "pwsh-kernels.service")
    found = re.search(r"Overall exposure level for pwsh-kernels.service: ([\d.]+)", said)
    assert found
    assert float(found[1]) < EXPOSURE


def test_a_stop_and_the_command_of_the_documentation_end_everything(machine: Machine) -> None:
    documented = "sudo pkill -u pwsh-kernels"
    assert documented in DOCUMENTATION
    machine.inside("systemctl", "stop", "pwsh-kernels")
    assert machine.shown("TimeoutStopUSec") == f"{STOP_LIMIT}s"
    machine.inside(*documented.removeprefix("sudo ").split())
    machine.until(lambda: machine.processes() == [])
