"""Named mutexes of .NET in confined sessions: they work, and no memory is shared with a session
that does not need it.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pwsh_kernels.landlock import abi_version, not_enforced
from tests.fixtures.server import CONTOSO, FABRIKAM, Server

pytestmark = [
    pytest.mark.slow,
    pytest.mark.pwsh,
    pytest.mark.xdist_group("mutexes"),
    pytest.mark.skipif(
        bool(not_enforced(abi_version())),
        reason="NOT TESTED: named mutexes in confined sessions. The Linux kernel of this machine"
        f" lacks Landlock's {', '.join(not_enforced(abi_version()))}",
    ),
]
FIRST, SECOND = "adatum.com", "northwind.com"
MEMORY = Path("/tmp/.dotnet/shm")
MAY_NOT_MOUNT = ("setpriv", "--bounding-set", "-sys_admin")
HOLD = "$held = [Threading.Mutex]::new($true, '{}'); $PID"
TAKE = "[Threading.Mutex]::new($false, '{}').WaitOne(0)"
SETTINGS = {"PWSH_MANAGER_CONFINE_FOLDERS": "", "PWSH_MANAGER_RUN_SIGNED_OUT": "true"}


@pytest.fixture(scope="module")
def server(powershell_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that may not mount, whoever runs the tests."""
    prefix = MAY_NOT_MOUNT if os.geteuid() == 0 else ()
    one = Server(tmp_path_factory.mktemp("mutexes"), SETTINGS, prefix).start()
    yield one
    one.close()


@pytest.fixture(scope="module")
def holder(server: Server) -> str:
    """The process of a session that holds a mutex."""
    return run(server, HOLD.format("held"), FIRST)


def run(server: Server, script: str, tenant: str, module: str = "exo") -> str:
    """Run a script in a session and return its output."""
    answer = server.run(script, tenant, module=module, format="text", wait_s=55)
    assert answer["success"], answer
    return str(answer["result"]).strip()


def test_sessions_do_not_meet_by_a_name(server: Server, holder: str) -> None:
    assert (MEMORY / f"session{holder}" / "held").exists()
    assert run(server, TAKE.format("held"), SECOND) == "True"


def test_a_session_does_not_reach_the_memory_of_another(server: Server, holder: str) -> None:
    for attempt in ("Get-Content {}/held", "Set-Content {}/planted 1"):
        answer = server.run(attempt.format(MEMORY / f"session{holder}"), SECOND, wait_s=55)
        assert "denied" in answer["errors"][0]["message"], answer


def test_a_name_of_the_whole_machine_is_refused_with_a_suggestion(server: Server) -> None:
    answer = server.run(TAKE.format(r"Global\held"), FIRST, wait_s=55)
    assert "Use a name without Global" in answer["errors"][0]["suggestion"], answer


def test_a_module_that_needs_a_mutex_of_the_machine_can_be_imported(server: Server) -> None:
    script = "Import-Module Az.Accounts; (Get-Module Az.Accounts).Name; " + HOLD.format(r"Global\x")
    assert run(server, script, CONTOSO, "azure").startswith("Az.Accounts")
    assert run(server, TAKE.format(r"Global\x"), FABRIKAM, "azure") == "False"


def test_what_an_ended_session_left_is_removed(server: Server, holder: str) -> None:
    server.post("/kill", tenant=FIRST, module="exo")
    server.until(lambda: not Path(f"/proc/{holder}").exists())
    run(server, "1", FIRST)
    assert not (MEMORY / f"session{holder}").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="NOT TESTED: a folder of its own, which root mounts")
def test_where_the_server_may_mount_even_names_of_the_whole_machine_are_the_sessions_own(
    own_server_of_confined_sessions: Server,
) -> None:
    server = own_server_of_confined_sessions
    process, take = run(server, HOLD.format(r"Global\own"), FIRST), TAKE.format(r"Global\own")
    assert run(server, take, SECOND) == "True"
    assert run(server, f"Start-Job {{ {take} }} | Receive-Job -Wait", FIRST) == "False"
    assert not (MEMORY / f"session{process}").exists()
    assert not (MEMORY / "global" / "own").exists()


@pytest.fixture
def own_server_of_confined_sessions(powershell_path: Path, tmp_path: Path) -> Iterator[Server]:
    """A server for which everything of the confinement is required."""
    one = Server(tmp_path, {**SETTINGS, "PWSH_MANAGER_CONFINE": "required"}).start()
    yield one
    one.close()
