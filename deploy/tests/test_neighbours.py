"""What a session reaches of a neighbour's in the same container: nothing; and everything that lies
there where confinement is off, so that each attempt is a real one.
"""

import json

import pytest

from deploy.tests.container import Container
from pwsh_kernels.sessions.key import SessionKey
from tests.fixtures.reach import (
    ATTACKER,
    ATTEMPTS,
    CONFIG,
    NEIGHBOUR,
    PROCESSES,
    Belongings,
    got,
    request,
    write_tenants,
)

RUNTIME = "/run/pwsh-kernels/runtime"
REACHED_NEVER = {"PSHost pipe", "packets", "cluster secrets"}
"""There is no pipe and no cluster; the container has no capability for packets."""
SERVER_PORT = 5100


def belongings(container: Container) -> Belongings:
    """Return where everything is."""
    key = SessionKey(NEIGHBOUR, "exo")
    connection = f"{RUNTIME}/kernel-{key.kernel_id}.json"
    processes = json.loads(container.inside("python3", "-c", PROCESSES))
    return {
        "token": "/data/state/token",
        "connection": connection,
        "kernel_host": "127.0.0.1",
        "kernel_port": json.loads(container.inside("cat", connection))["shell_port"],
        "process": processes[f"/data/tokens/{NEIGHBOUR}/exo"][0],
        "home": f"/data/tokens/{NEIGHBOUR}/exo",
        "files": f"/data/state/files/{NEIGHBOUR}/exo",
        "certificate": f"{CONFIG}/{NEIGHBOUR}.pfx",
        "own_kernel": processes[f"/data/tokens/{ATTACKER}/exo"][1],
        "server_host": "127.0.0.1",
        "server_port": SERVER_PORT,
        "tenants": f"{CONFIG}/tenants.toml",
        "history": f"/data/state/history/{key.kernelspec}/runs.jsonl",
        "secrets": "",
    }


def reached(confine: str) -> dict[str, str]:
    """Return what a session got in a container of its own."""
    container = Container()
    try:
        container.start(
            f"--env=PWSH_MANAGER_CONFINE={confine}", "--env=PWSH_MANAGER_RUN_SIGNED_OUT=true"
        )
        write_tenants(container.inside)
        for tenant in (NEIGHBOUR, ATTACKER):
            answer = container.post("/run", tenant=tenant, command="1+1", wait_s=90)
            assert answer["result"] == "2", answer
        return got(container.post("/run", tenant=ATTACKER, **request(belongings(container))))
    finally:
        container.remove()


@pytest.fixture(scope="module")
def confined() -> dict[str, str]:
    """What a session gets as it is by default where Landlock enforces everything."""
    return reached("required")


@pytest.fixture(scope="module")
def unconfined() -> dict[str, str]:
    """What a session gets that is not confined."""
    return reached("off")


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_a_session_in_a_container_does_not_reach(confined: dict[str, str], attempt: str) -> None:
    assert confined[attempt].startswith("refused"), confined


@pytest.mark.parametrize("attempt", sorted({*ATTEMPTS} - REACHED_NEVER))
def test_without_confinement_it_reaches(unconfined: dict[str, str], attempt: str) -> None:
    assert unconfined[attempt] == "got", unconfined
