"""Times of the MCP tools over both doors: calls, waits, floods, deaths.

`python benchmarks/tools.py [CALLS]`.

Starts a server of its own with a data folder of its own, and signs in to a tenant of the sandbox.
"""

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx
import httpx2
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client

CALLS = 100
TENANT = "contoso.example"
ROOT = Path(__file__).parent.parent
START_WAIT = 60.0
LIMIT = 120.0
WAIT_S = 1.0
Json = dict[str, Any]


@contextmanager
def a_server(folder: Path) -> Iterator[Json]:
    """Start a server; give its url, its token, and the environment for programs that look
    for it.
    """
    token = os.urandom(16).hex()
    environment = {
        **os.environ,
        "HOME": str(folder),
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
        "PWSH_MANAGER_DATA_DIR": str(folder / "data"),
        "PWSH_MANAGER_MACHINE_MODULES": "false",
        "PWSH_MANAGER_PORT": "0",
        "PWSH_MANAGER_TOKEN": token,
    }
    command = [sys.executable, "-m", "pwsh_kernels.web.launch"]
    process = subprocess.Popen(
        command, env=environment, stderr=subprocess.PIPE, text=True, cwd=folder
    )
    assert process.stderr
    line = next(one for one in process.stderr if "listens on" in one)
    url = next(word for word in line.split() if word.startswith("http")).rstrip("/.")
    try:
        yield {"url": url, "token": token, "environment": {**environment, "PWSH_MANAGER_URL": url}}
    finally:
        httpx.post(
            f"{url}/kill",
            json={"tenant": TENANT},
            headers={"Authorization": f"Bearer {token}"},
            timeout=LIMIT,
        )
        process.terminate()
        process.wait(START_WAIT)


@asynccontextmanager
async def over_http(server: Json) -> AsyncIterator[Client]:
    """Give a client of /mcp."""
    headers = {"Authorization": f"Bearer {server['token']}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=LIMIT) as http,
        Client(streamable_http_client(f"{server['url']}/mcp", http_client=http)) as client,
    ):
        yield client


@asynccontextmanager
async def over_stdio(server: Json) -> AsyncIterator[Client]:
    """Give a client of mcp_server.py."""
    command = StdioServerParameters(
        command=sys.executable, args=[str(ROOT / "mcp_server.py")], env=server["environment"]
    )
    async with Client(stdio_client(command)) as client:
        yield client


async def timed(client: Client, tool: str, **arguments: Any) -> tuple[float, Json]:
    """Call a tool; return its seconds and its structured answer."""
    begin = time.perf_counter()
    result = await client.call_tool(tool, arguments)
    return time.perf_counter() - begin, result.structured_content or {}


async def sign_in(server: Json, client: Client) -> None:
    """Sign in on the sandbox's page."""
    _, login = await timed(client, "pwsh_login", tenant=TENANT)
    page, code = f"{server['url']}/sandbox/devicelogin", login["device_code"]
    async with httpx.AsyncClient(timeout=LIMIT) as browser:
        await browser.post(page, data={"code": code, "action": "next"})
        await browser.post(
            page, data={"code": code, "account": f"admin@{TENANT}", "action": "approve"}
        )
    await timed(client, "pwsh_wait", tenant=TENANT)


def show(name: str, seconds: list[float]) -> None:
    """Print a median and the 95th percentile."""
    p95 = sorted(seconds)[int(0.95 * (len(seconds) - 1))]
    sys.stdout.write(
        f"{name:58} {1000 * statistics.median(seconds):8.1f} ms  p95 {1000 * p95:8.1f} ms\n"
    )


async def measure_calls(door: str, client: Client, calls: int) -> None:
    """Measure calls that wait for nothing."""
    for tool, arguments in (
        ("pwsh_status", {"tenant": TENANT}),
        ("pwsh_run", {"tenant": TENANT, "command": "1"}),
    ):
        show(f"{door}: {tool}", [(await timed(client, tool, **arguments))[0] for _ in range(calls)])


async def measure_trouble(door: str, client: Client) -> None:
    """Measure answers that come before a command's end: each within its wait and one
    second more.
    """
    seconds, run = await timed(
        client, "pwsh_run", tenant=TENANT, command="Start-Sleep 600", wait_s=WAIT_S
    )
    show(f"{door}: a command of ten minutes, wait_s 1", [seconds])
    show(
        f"{door}: its cancellation", [(await timed(client, "pwsh_cancel", run_id=run["run_id"]))[0]]
    )
    rows = '1..50000 | ForEach-Object { [pscustomobject]@{Name = "n$_"; Size = $_} }'
    seconds, run = await timed(client, "pwsh_run", tenant=TENANT, command=rows, wait_s=WAIT_S)
    show(f"{door}: 50,000 rows, wait_s 1, {run['state']}", [seconds])
    seconds, _ = await timed(client, "pwsh_wait", run_id=run["run_id"])
    show(f"{door}: their end", [seconds])
    largest = {"sort_by": "Size desc", "first": 10}
    for number in ("first", "second"):
        show(
            f"{door}: the ten largest of them, {number} question",
            [(await timed(client, "pwsh_output", run_id=run["run_id"], **largest))[0]],
        )
    show(
        f"{door}: a search in their text",
        [(await timed(client, "pwsh_output", run_id=run["run_id"], search="n4999. "))[0]],
    )
    seconds, run = await timed(
        client, "pwsh_run", tenant=TENANT, command="Read-Host 'Name'", wait_s=WAIT_S
    )
    show(f"{door}: a question, wait_s 1", [seconds])
    show(
        f"{door}: its answer",
        [(await timed(client, "pwsh_answer", run_id=run["run_id"], answer="Adele"))[0]],
    )
    show(
        f"{door}: a search for commands",
        [(await timed(client, "pwsh_find", tenant=TENANT, words="mailbox size"))[0]],
    )


async def main(calls: int) -> None:
    """Measure both doors."""
    with tempfile.TemporaryDirectory() as folder, a_server(Path(folder)) as server:
        for door, way in (("http", over_http), ("stdio", over_stdio)):
            begin = time.perf_counter()
            async with way(server) as client:
                await client.list_tools()
                show(f"{door}: connect and list the tools", [time.perf_counter() - begin])
                await sign_in(server, client)
                await measure_calls(door, client, calls)
                await measure_trouble(door, client)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else CALLS))
