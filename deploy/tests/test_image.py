"""The image as a person runs it: `make test-image` builds it and runs these."""

import asyncio
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from mcp import Client, StdioServerParameters

from deploy.tests.container import ADMIN, IMAGE, LIMIT, Container, with_defaults
from pwsh_kernels import __version__
from tests.fixtures.figures import Measure
from tests.fixtures.initialize import INITIALIZE
from tests.fixtures.repository import ROOT

STOP_LIMIT = "20"
"""Seconds, as docker-compose.yml says; Docker then kills what is left."""


@pytest.fixture(scope="module")
def container() -> Iterator[Container]:
    """A container with a session that is signed in."""
    with Container().signed_in() as one:
        yield one


@pytest.fixture
def network() -> Iterator[str]:
    """A network of Docker, where containers find each other by name."""
    one = Container()
    one.say("network", "create", one.name)
    yield one.name
    one.say("network", "rm", one.name)


@pytest.fixture(scope="module")
def image() -> dict[str, Any]:
    """What the image says of itself."""
    facts: dict[str, Any] = json.loads(Container().say("image", "inspect", IMAGE))[0]["Config"]
    return facts


def test_a_session_runs_commands_through_the_published_port(container: Container) -> None:
    assert container.status()["account"] == ADMIN
    assert container.run("(Get-Mailbox -ResultSize 3).Count") == "3"


def test_the_command_line_in_the_container_finds_server_and_token(container: Container) -> None:
    said = container.inside("pwsh-kernels", "run", "contoso.example", "exo", "6 * 7")
    assert said.strip() == "42"


def test_a_server_that_is_killed_comes_back_and_its_session_is_still_signed_in(
    container: Container, measure: Measure
) -> None:
    container.run("$kept = 'still here'")
    before = container.inside("cat", "/data/state/server.lock")
    with measure("container: from the server's crash until the session is found again"):
        container.inside("sh", "-c", f"kill -9 {before}")
        container.until(lambda: container.inside("cat", "/data/state/server.lock") != before)
        container.wait_until_ready()
        container.until(lambda: container.status()["state"] == "signed_in")
    assert container.run("$kept") == "still here"
    assert "the server was ended by SIGKILL; the next one starts" in container.logs()
    assert container.facts()["RestartCount"] == 0


def test_nobody_is_root_and_only_the_volumes_and_tmp_can_be_written(container: Container) -> None:
    assert container.inside("id", "-u").strip() == "10001"
    tried = (
        "for one in / /opt /data /usr/local /etc; do touch $one/x 2>/dev/null && echo $one; done"
    )
    assert container.inside("sh", "-c", f"{tried}; true") == ""
    assert "CapEff:\t0000000000000000" in container.inside("cat", "/proc/1/status")


def test_the_health_check_of_the_image_passes_and_its_log_is_the_container_s(
    container: Container,
) -> None:
    said = container.inside("python3", "-I", "/opt/container/health_check.py")
    assert json.loads(said) == {"status": "ready"}
    assert "listens on" in container.logs()


async def test_an_mcp_client_of_this_machine_runs_commands_through_the_published_port(
    container: Container, tmp_path: Path
) -> None:
    program = StdioServerParameters(
        command=sys.executable,
        args=["-m", "pwsh_kernels", "mcp", "--url", container.url],
        env={"HOME": str(tmp_path), "PWSH_MANAGER_TOKEN": container.token},
    )
    async with asyncio.timeout(LIMIT), Client(program) as client:
        command = {"tenant": "contoso.example", "command": "6 * 7"}
        answer = await client.call_tool("pwsh_run", command)
    assert answer.structured_content
    assert answer.structured_content["output"].strip() == "42"


def test_an_mcp_client_outside_starts_a_container_of_its_own_as_its_server(
    container: Container,
) -> None:
    said = container.say(
        *("run", "--rm", "-i", f"--network=container:{container.name}", IMAGE),
        *("pwsh-kernels", "mcp"),
        stdin=json.dumps(INITIALIZE) + "\n",
    )
    assert json.loads(said.splitlines()[0])["result"]["serverInfo"]["name"] == "pwsh-kernels"


ASK = """
import sys, urllib.request
headers = {"Authorization": "Bearer " + sys.argv[2], "Content-Type": "application/json",
           "Accept": "application/json, text/event-stream"}
request = urllib.request.Request(sys.argv[1], sys.stdin.buffer.read(), headers)
print(urllib.request.urlopen(request).read().decode())
"""


def test_a_gateway_in_a_container_beside_it_gets_the_tools_with_what_its_file_says(
    network: str,
) -> None:
    registered = json.loads((ROOT / "deploy/container/mcpjungle.json").read_text(encoding="utf-8"))
    overlay = yaml.safe_load((ROOT / "deploy/container/mcpjungle.yml").read_text(encoding="utf-8"))
    hosts = overlay["services"]["pwsh-kernels"]["environment"]["PWSH_MANAGER_ALLOWED_HOSTS"]
    one = Container()
    try:
        one.start(
            *(f"--network={network}", "--network-alias=pwsh-kernels"),
            f"--env=PWSH_MANAGER_ALLOWED_HOSTS={with_defaults(hosts)}",
        )
        token = registered["bearer_token"].replace("${PWSH_MANAGER_TOKEN}", one.token)
        said = one.say(
            *("run", "--rm", "-i", f"--network={network}", IMAGE),
            *("python3", "-c", ASK, registered["url"], token),
            stdin=json.dumps(INITIALIZE),
        )
        assert '"name":"pwsh-kernels"' in said.replace(" ", "")
    finally:
        one.remove()


def test_a_restart_ends_sessions_within_the_grace_period_and_keeps_token_and_homes() -> None:
    one = Container()
    try:
        one.start()
        one.sign_in()
        home = one.run("Set-Content ~/kept.txt 'kept'; $HOME")
        one.say("stop", "--time", STOP_LIMIT, one.name)
        assert one.facts()["State"]["ExitCode"] == 0
        one.say("start", one.name)
        one.wait_until_ready()
        assert one.inside("cat", "/data/state/token").strip() == one.token
        assert one.inside("cat", f"{home}/kept.txt").strip() == "kept"
        assert one.status()["connected"] is False
        one.sign_in()
        assert one.run("Get-Content ~/kept.txt") == "kept"
    finally:
        one.remove()


def test_a_session_that_takes_all_memory_is_lost_and_the_server_lives_on() -> None:
    one = Container()
    # Past .NET's own memory, which ends with an exception before the container's does.
    take = "$m::Copy($part, 0, $m::AllocHGlobal(50MB), 50MB)"
    prepare = "$m = [Runtime.InteropServices.Marshal]; $part = [byte[]]::new(50MB)"
    greedy = f"{prepare}; foreach ($i in 1..60) {{ {take} }}"
    try:
        one.start("--memory=900m")
        one.sign_in()
        server = one.inside("cat", "/data/state/server.lock")
        one.post("/run", tenant="contoso.example", module="exo", command=greedy, wait_s=60)
        one.until(lambda: one.status()["state"] == "lost")
        assert one.status()["reason"] == "PowerShell ended: killed by SIGKILL"
        assert one.inside("cat", "/data/state/server.lock") == server
    finally:
        one.remove()


def test_a_secret_is_the_token(tmp_path: Path) -> None:
    secret = tmp_path / "token"
    secret.write_text("a-secret-that-is-mounted-from-a-file\n", encoding="utf-8")
    secret.chmod(0o444)
    tmp_path.chmod(0o755)
    named = "PWSH_MANAGER_TOKEN_FILE=/run/secrets/token"
    said = Container().say(
        *("run", "--rm", f"--volume={secret}:/run/secrets/token:ro", f"--env={named}", IMAGE),
        *(
            "python3",
            "-c",
            "from pwsh_kernels.discovery import read_settings as s; print(s().token)",
        ),
    )
    assert said.strip() == "a-secret-that-is-mounted-from-a-file"


def test_a_secret_that_is_missing_ends_the_container_with_one_sentence() -> None:
    named = "PWSH_MANAGER_TOKEN_FILE=/run/secrets/token"
    done = Container().docker("run", "--rm", f"--env={named}", IMAGE, limit=LIMIT)
    assert done.returncode == 2
    assert done.stderr.startswith("pwsh-kernels: The token file /run/secrets/token cannot be used")
    assert len(done.stderr.splitlines()) == 1


def test_the_image_says_what_it_is(image: dict[str, Any]) -> None:
    labels = image["Labels"]
    assert labels["org.opencontainers.image.title"] == "pwsh-kernels"
    assert labels["org.opencontainers.image.version"] == __version__
    assert image["User"] == "10001:10001"
    assert image["Healthcheck"]
