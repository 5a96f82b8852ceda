"""What happens to a session in a container when something else ends: see docs/places.md."""

import json
from collections.abc import Iterator

import httpx
import pytest

from deploy.tests.container import IMAGE, LIMIT, Container
from pwsh_kernels import __version__
from tests.fixtures.figures import Measure

NEWER = f"{__version__}.post1"
NEWER_FILE = f"""FROM {IMAGE}
USER 0
RUN sed -i 's/^__version__ = .*/__version__ = "{NEWER}"/' \
    /opt/pwsh-kernels/lib/python3*/site-packages/pwsh_kernels/__init__.py
USER 10001:10001
"""
"""The image of a newer version, as far as anybody can tell."""
OTHER = {"tenant": "fabrikam.example", "module": "exo"}
HUNGRY = '$parts = 1..8 | ForEach-Object { "$_" * 50MB }; Start-Sleep 3600'
"""Eight texts of 100 MB."""
MEMORY = 600
"""Megabytes that a session may use in these tests."""


@pytest.fixture
def container() -> Iterator[Container]:
    """A container with a session that is signed in."""
    memory = f"--env=PWSH_MANAGER_SESSION_MEMORY_MB={MEMORY}"
    with Container().signed_in(memory) as one:
        one.run("Set-Content ~/kept.txt 'kept'; $kept = 'still here'")
        yield one


def lost(container: Container) -> str:
    """Wait until contoso's session is lost, and return the reason."""
    container.until(lambda: container.status()["state"] == "lost")
    return str(container.status()["reason"])


def test_each_session_that_ends_says_why_and_the_other_one_and_the_server_live_on(
    container: Container, measure: Measure
) -> None:
    server = container.inside("cat", "/data/state/server.lock")
    container.sign_in("fabrikam.example")
    for what, command, reason in (
        ("PowerShell's end", "Stop-Process -Id $PID -Force", "PowerShell ended: killed by SIGKILL"),
        ("a command that takes too much memory", HUNGRY, "its limit is 0.6 GB"),
    ):
        with measure(f"container: {what}, until the reason is shown"):
            contoso = {"tenant": "contoso.example", "module": "exo"}
            container.post("/run", **contoso, command=command, wait_s=0)
            assert reason in lost(container)
        answer = container.post("/run", **OTHER, command="6 * 7", wait_s=60)
        assert answer["result"] == "42", answer
        container.sign_in()
    assert container.inside("cat", "/data/state/server.lock") == server


def test_a_host_that_is_lost_ends_the_session_and_keeps_its_home(
    container: Container, measure: Measure
) -> None:
    container.say("kill", container.name)
    with measure("container: from its start after a power failure until it is ready"):
        container.say("start", container.name)
        container.wait_until_ready()
    assert container.status()["connected"] is False
    container.sign_in()
    assert container.run('Get-Content ~/kept.txt; "<$kept>"').split() == ["kept", "<>"]


def test_an_upgrade_keeps_token_homes_and_history_and_ends_sessions(
    container: Container, measure: Measure
) -> None:
    token = container.token
    newer = f"{IMAGE.partition(':')[0]}:{container.name}"
    try:
        container.say("build", "--network=none", f"--tag={newer}", "-", stdin=NEWER_FILE)
        with measure("container: an upgrade, from the old one's end until the new one is ready"):
            container.say("stop", "--time=20", container.name)
            container.say("rm", container.name)
            container.image = newer
            container.start()
        health = httpx.get(f"{container.url}/health", timeout=LIMIT, trust_env=False).json()
        assert (health["version"], container.token) == (NEWER, token)
        assert container.status()["connected"] is False
        container.sign_in()
        assert container.run('Get-Content ~/kept.txt; "<$kept>"').split() == ["kept", "<>"]
        assert "kept.txt" in json.dumps(container.run("(Get-SessionHistory).Command -join ' '"))
    finally:
        container.docker("rmi", "--force", newer, limit=LIMIT)
