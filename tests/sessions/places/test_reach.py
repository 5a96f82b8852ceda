"""What a session of one tenant reaches of another's, tried from inside a session: nothing where
this machine has Landlock; all of it where confinement is off, so that each attempt is a real one.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from pwsh_kernels.landlock import abi_version, not_enforced
from pwsh_kernels.sessions.key import SessionKey
from tests.fixtures.reach import (
    ATTACKER,
    ATTEMPTS,
    NEIGHBOUR,
    TENANTS,
    Belongings,
    got,
    request,
)
from tests.fixtures.server import Server
from tests.fixtures.session_users import SWITCHES, USERS, passable_folder

pytestmark = [
    pytest.mark.slow,
    pytest.mark.pwsh,
    pytest.mark.xdist_group("reach"),
    pytest.mark.skipif(
        bool(not_enforced(abi_version())),
        reason="NOT TESTED: that sessions cannot reach each other. The Linux kernel of this machine"
        f" lacks Landlock's {', '.join(not_enforced(abi_version()))}",
    ),
]
REACHED_NEVER = {
    "PSHost pipe",  # there is none, confined or not (POWERSHELL_DIAGNOSTICS_OPTOUT)
    "cluster secrets",
    *(() if os.geteuid() == 0 else ("packets",)),
}


PORTS = ("kernel", "server's port")
"""What a user of its own does not keep a session from: TCP."""


def tenants_file(folder: Path) -> Path:
    """Write the file of two tenants, and their certificates."""
    folder.mkdir()
    for name in (ATTACKER, NEIGHBOUR):
        (folder / f"{name}.pfx").write_text("certificate")
        (folder / f"{name}.pfx").chmod(0o600)
    file = folder / "tenants.toml"
    file.write_text(TENANTS)
    return file


def begin(folder: Path, confine: str, users: str = "") -> Server:
    """Start a server with a session in each of the two tenants."""
    file = tenants_file(folder / "config")
    settings = {
        "PWSH_MANAGER_CONFINE": confine,
        "PWSH_MANAGER_CONFINE_FOLDERS": "",
        "PWSH_MANAGER_RUN_SIGNED_OUT": "true",
        "PWSH_MANAGER_TENANTS": str(file),
        "PWSH_MANAGER_SESSION_USERS": users,
    }
    server = Server(folder, settings).start()
    for tenant in (ATTACKER, NEIGHBOUR):
        assert server.run("1+1", tenant, wait_s=60)["result"] == "2"
    return server


def powershell(server: Server, tenant: str) -> psutil.Process:
    """Return the PowerShell of a tenant's session."""
    home = str(server.data_dir / "homes" / tenant / "exo")
    (found,) = [one for one in server.powershells() if one.environ().get("HOME") == home]
    return found


def belongings(server: Server) -> Belongings:
    """Return where everything is."""
    key = SessionKey(NEIGHBOUR, "exo")
    connection = server.folder / "runtime" / f"kernel-{key.kernel_id}.json"
    return {
        "token": str(server.folder / "runtime" / f"jpserver-{server.process.pid}.json"),
        "connection": str(connection),
        "kernel_host": "127.0.0.1",
        "kernel_port": json.loads(connection.read_text())["shell_port"],
        "process": powershell(server, NEIGHBOUR).pid,
        "home": str(server.data_dir / "homes" / NEIGHBOUR / "exo"),
        "files": str(server.data_dir / "files" / NEIGHBOUR / "exo"),
        "certificate": str(server.folder / "config" / f"{NEIGHBOUR}.pfx"),
        "own_kernel": powershell(server, ATTACKER).ppid(),
        "server_host": "127.0.0.1",
        "server_port": int(server.url.rpartition(":")[2]),
        "tenants": str(server.folder / "config" / "tenants.toml"),
        "history": str(server.data_dir / "history" / key.kernelspec / "runs.jsonl"),
        "secrets": "",
    }


def reached(server: Server) -> dict[str, str]:
    """Return what the attacker's session got of each attempt."""
    return got(server.run(**request(belongings(server)), tenant=ATTACKER))


@pytest.fixture(scope="module")
def server(powershell_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of confined sessions: what is refused to them leaves all of them whole."""
    one = begin(tmp_path_factory.mktemp("confined"), "required")
    yield one
    one.close()


@pytest.fixture(scope="module")
def confined(server: Server) -> dict[str, str]:
    """What a confined session gets."""
    return reached(server)


@pytest.fixture(scope="module")
def unconfined(powershell_path: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What a session gets that is not confined."""
    server = begin(tmp_path_factory.mktemp("unconfined"), "off")
    try:
        return reached(server)
    finally:
        server.close()


def reached_by_a_user(confine: str) -> dict[str, str]:
    """Return what a session gets that has a user of its own."""
    with passable_folder() as folder:
        server = begin(folder, confine, USERS)
        try:
            return reached(server)
        finally:
            server.close()


@pytest.fixture(scope="module")
def user(powershell_path: Path) -> dict[str, str]:
    """What a session gets that has a user of its own, and is not confined."""
    return reached_by_a_user("off")


@pytest.fixture(scope="module")
def confined_user(powershell_path: Path) -> dict[str, str]:
    """What a session gets that has a user of its own and is confined."""
    return reached_by_a_user("required")


@SWITCHES
@pytest.mark.parametrize("attempt", [one for one in ATTEMPTS if one not in PORTS])
def test_with_a_user_of_its_own_alone_it_does_not_reach(user: dict[str, str], attempt: str) -> None:
    assert user[attempt].startswith("refused"), user


@SWITCHES
@pytest.mark.parametrize("attempt", PORTS)
def test_with_a_user_of_its_own_alone_it_reaches(user: dict[str, str], attempt: str) -> None:
    assert user[attempt] == "got", user


@SWITCHES
@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_a_confined_session_with_a_user_of_its_own_does_not_reach(
    confined_user: dict[str, str], attempt: str
) -> None:
    assert confined_user[attempt].startswith("refused"), confined_user


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_a_confined_session_does_not_reach(confined: dict[str, str], attempt: str) -> None:
    assert confined[attempt].startswith("refused"), confined


@pytest.mark.parametrize("attempt", [one for one in ATTEMPTS if one not in REACHED_NEVER])
def test_without_confinement_it_reaches(unconfined: dict[str, str], attempt: str) -> None:
    assert unconfined[attempt] == "got", unconfined


INSIDE = {
    "its own certificate can be read": "Get-Content {certificate}",
    "a file of its HOME": "'x' > $HOME/own; Get-Content $HOME/own",
    "a temporary file": "(New-TemporaryFile).FullName.StartsWith($HOME)",
    "a file of its working folder": "'x' > own.txt; Get-Content own.txt",
    "another PowerShell": "pwsh -NoProfile -Command '40 + 2'",
    "parallel runspaces": "1..2 | ForEach-Object -Parallel {{ $_ }}",
    "a job": "Start-Job {{ 42 }} | Receive-Job -Wait",
    "native programs": "/bin/sh -c 'echo hello | tr a-z A-Z'",
    "the end of a program of its own": "/bin/sh -c 'sleep 60 & kill $!; wait $! || echo ended'",
    "a folder renamed": "mkdir a >$null; 'x' > a/b; mv a c; mv c/b d; Get-Content d",
    "its own history": "Get-SessionHistory | Select-Object -First 1 -ExpandProperty Command",
    "module discovery": "(Get-Module -ListAvailable Microsoft.PowerShell.Utility).Name",
    "the names of hosts": "[Net.Dns]::GetHostAddresses('localhost')[0].IPAddressToString",
}


@pytest.mark.parametrize("what", INSIDE)
def test_a_confined_session_still_has(server: Server, what: str) -> None:
    certificate = server.folder / "config" / f"{ATTACKER}.pfx"
    answer = server.run(INSIDE[what].format(certificate=certificate), ATTACKER, wait_s=60)
    assert answer["success"], answer
    assert answer["result"].strip()


def test_health_says_that_sessions_are_confined(server: Server) -> None:
    assert server.get("/health")["confinement"] == {
        "confine": "required",
        "files": True,
        "tcp": True,
        "signals": True,
    }
