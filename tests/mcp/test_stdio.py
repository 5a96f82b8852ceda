"""mcp_server.py as MCP clients run it: a child process on stdin and stdout, which starts the server
when none runs.
"""

import asyncio
import json
import os
import re
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import psutil
import pytest
from mcp import Client, StdioServerParameters
from mcp_types import CallToolResult, TextContent

from tests.fixtures.initialize import INITIALIZE
from tests.fixtures.repository import ROOT
from tests.fixtures.server import CONTOSO, Server, server_environment
from tests.fixtures.sweeps import swept

pytestmark = [pytest.mark.slow, pytest.mark.pwsh]

SCRIPT = ROOT / "mcp_server.py"
LIMIT = 80.0
"""Seconds that anything may take, a cold start of the server included."""


def stdio(environment: dict[str, str]) -> StdioServerParameters:
    """Return how a client starts mcp_server.py."""
    return StdioServerParameters(command=sys.executable, args=[str(SCRIPT)], env=environment)


async def ask(environment: dict[str, str], times: int = 1) -> list[CallToolResult]:
    """Start mcp_server.py, ask it for the sessions some times, and end it."""
    async with asyncio.timeout(LIMIT), Client(stdio(environment)) as client:
        return [await client.call_tool("pwsh_sessions", {}) for _ in range(times)]


def text_of(result: CallToolResult) -> str:
    """Return the one text of a result."""
    [content] = result.content
    assert isinstance(content, TextContent)
    return content.text


def facts_of(result: CallToolResult) -> dict[str, Any]:
    """Return the structured content of a result."""
    assert isinstance(result.structured_content, dict)
    return result.structured_content


@pytest.mark.parametrize("era", swept(["legacy", "auto"], ["auto"]))
async def test_a_sign_in_and_a_run_over_stdio_share_the_session_of_everyone(
    server: Server, era: Literal["legacy", "auto"]
) -> None:
    server.sign_in(CONTOSO)
    server.run("$shared = 'set over REST'")
    async with asyncio.timeout(LIMIT), Client(stdio(server.environment), mode=era) as client:
        login = await client.call_tool("pwsh_login", {"tenant": CONTOSO})
        run = await client.call_tool(
            "pwsh_run", {"tenant": CONTOSO, "command": "$shared; [Console]::WriteLine('raw')"}
        )
    assert facts_of(login)["state"] == "signed_in"
    assert set(facts_of(run)["output"].splitlines()) == {"set over REST", "raw"}
    assert server.get(f"/runs/{facts_of(run)['run_id']}")["client"] == "pwsh-kernels-mcp:mcp"


async def test_the_command_s_option_names_the_server_instead_of_the_setting(
    server: Server,
) -> None:
    command = ["-m", "pwsh_kernels", "mcp", "--url", server.url]
    elsewhere = {**server.environment, "PWSH_MANAGER_URL": "http://127.0.0.1:1"}
    started = StdioServerParameters(command=sys.executable, args=command, env=elsewhere)
    async with asyncio.timeout(LIMIT), Client(started) as client:
        assert "sessions" in facts_of(await client.call_tool("pwsh_sessions", {}))


def test_what_is_no_message_does_not_end_the_server_and_only_messages_are_on_stdout(
    server: Server,
) -> None:
    call = {
        "jsonrpc": "2.0",
        "id": 2,
        "method": "tools/call",
        "params": {"name": "pwsh_sessions", "arguments": {}},
    }
    opened = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    sent = [json.dumps(one) for one in (INITIALIZE, opened, call)]
    lines = ["this is no message", *sent[:2], "{", sent[2]]
    child = subprocess.Popen(
        [sys.executable, str(SCRIPT)],
        env=server.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stdin
    assert child.stdout
    assert child.stderr
    child.stdin.write("".join(f"{line}\n" for line in lines))
    child.stdin.flush()
    answers: list[dict[str, Any]] = []
    while not any(answer.get("id") == 2 for answer in answers):
        answers.append(json.loads(child.stdout.readline()))
    child.stdin.close()
    assert child.wait(20) == 0
    assert child.stdout.read() == ""
    assert "modules" in answers[-1]["result"]["structuredContent"]
    assert server.token not in child.stderr.read()
    child.stdout.close()
    child.stderr.close()


NOW = "io.modelcontextprotocol"
META = {
    f"{NOW}/protocolVersion": "2026-07-28",
    f"{NOW}/clientInfo": {"name": "test", "version": "1"},
    f"{NOW}/clientCapabilities": {},
}


def test_a_cancelled_call_stops_its_run_and_a_client_that_ends_leaves_its_run_alone(
    server: Server,
) -> None:
    server.sign_in(CONTOSO)
    child = subprocess.Popen(
        [sys.executable, str(SCRIPT)],
        env=server.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdin
    assert child.stdout

    def send(**message: Any) -> None:
        assert child.stdin
        child.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        child.stdin.flush()

    def started(number: int) -> str:
        arguments = {"tenant": CONTOSO, "command": f"'begun {number}'; Start-Sleep 300"}
        send(
            id=number,
            method="tools/call",
            params={"name": "pwsh_run", "arguments": arguments, "_meta": META},
        )
        run: dict[str, Any] = server.until(lambda: begun(server, arguments["command"]))
        return str(run["run_id"])

    cancelled = started(1)
    send(method="notifications/cancelled", params={"requestId": 1, "_meta": META})
    assert server.get(f"/runs/{cancelled}", cursor=10**9, wait_s=20)["state"] == "cancelled"
    left = started(2)
    child.stdin.close()
    assert child.wait(20) == 0
    child.stdout.close()
    assert server.get(f"/runs/{left}")["state"] == "running"
    assert server.post(f"/runs/{left}/cancel")["state"] == "cancelled"


def begun(server: Server, command: str) -> dict[str, Any] | None:
    """Return the run of a command once it has written something."""
    runs = server.get("/runs", tenant=CONTOSO, state="running", limit=1)["runs"]
    return runs[0] if runs and runs[0]["command"] == command and runs[0]["total_chars"] else None


def test_a_wrong_setting_ends_it_with_one_line(tmp_path: Path) -> None:
    environment = server_environment(tmp_path, PWSH_MANAGER_TIMEOUT="soon")
    done = subprocess.run(
        [sys.executable, str(SCRIPT)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("PWSH_MANAGER_TIMEOUT: ")
    assert done.stderr.count("\n") == 1


@pytest.fixture
def nowhere(tmp_path: Path, free_tcp_port: int) -> Iterator[dict[str, str]]:
    """An environment in which no server runs; ends the one that is started in it."""
    (tmp_path / "home").mkdir()
    yield {**server_environment(tmp_path), "PWSH_MANAGER_URL": f"http://127.0.0.1:{free_tcp_port}"}
    for process in Server(tmp_path).family():
        process.kill()
        process.wait(20)


def tokens(environment: dict[str, str]) -> set[str]:
    """Return the tokens of the servers that run in an environment."""
    files = Path(environment["JUPYTER_RUNTIME_DIR"]).glob("jpserver-*.json")
    return {
        json.loads(file.read_text(encoding="utf-8"))["token"]
        for file in files
        if file.stem.split("-")[-1].isdigit()
    }


def made(environment: dict[str, str]) -> bool:
    """Return whether a server has made its data folder."""
    return Path(environment["PWSH_MANAGER_DATA_DIR"]).exists()


async def test_two_at_once_start_one_server_that_outlives_them(nowhere: dict[str, str]) -> None:
    folder = Path(nowhere["PWSH_MANAGER_DATA_DIR"])
    answers = await asyncio.gather(*(ask(nowhere, times=2) for _ in range(2)))
    results = [one for each in answers for one in each]
    assert [text_of(one) for one in results if one.is_error] == []
    notices = [facts_of(one)["notice"] for one in results if facts_of(one)["notice"]]
    [found] = [
        re.fullmatch(r"No server was running at \S+: .* \(process (\d+), log (.*)\)\.", one)
        for one in notices
    ]
    assert found
    assert found[2] == str(folder / "server.log")
    assert stat.S_IMODE((folder / "server.log").stat().st_mode) == 0o600
    process = psutil.Process(int(found[1]))
    assert os.getsid(process.pid) == process.pid
    assert tokens(nowhere).isdisjoint((folder / "server.log").read_text(encoding="utf-8").split())

    process.send_signal(signal.SIGTERM)
    process.wait(20)


async def test_starting_a_server_can_be_forbidden(nowhere: dict[str, str]) -> None:
    [result] = await ask({**nowhere, "PWSH_MANAGER_AUTOSTART": "false"})
    assert result.is_error
    assert text_of(result).startswith(
        f"No pwsh-kernels server answers at {nowhere['PWSH_MANAGER_URL']} ("
    )
    assert not made(nowhere)


async def test_no_server_is_started_for_another_machine(nowhere: dict[str, str]) -> None:
    [result] = await ask({**nowhere, "PWSH_MANAGER_URL": "http://manager.invalid:5100"})
    assert result.is_error
    assert "manager.invalid" in text_of(result)
    assert not made(nowhere)


async def test_a_server_that_does_not_come_up_is_told_with_its_log(nowhere: dict[str, str]) -> None:
    tenants = Path(nowhere["PWSH_MANAGER_DATA_DIR"]).parent / "none.toml"
    [result] = await ask({**nowhere, "PWSH_MANAGER_TENANTS": str(tenants)})
    assert result.is_error
    assert "it ended with exit status" in text_of(result)
    assert "server.log" in text_of(result)
    assert text_of(result).endswith("Tell the person; do not retry.")
