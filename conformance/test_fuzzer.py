"""mcp-fuzzer on both doors: hundreds of wrong, odd and hostile calls, after which everything still
works.
"""

import asyncio
import json
import os
import shlex
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import httpx
import pytest
from official_suites import opened_to

from tests.fixtures.server import CONTOSO, FABRIKAM, Server

HERE = Path(__file__).parent
SEEDS = (42, 1_000)
CALLS = 260
"""How many calls one run makes at least: four runs make more than 1,000."""

FUZZ_WAIT = 400.0
"""Seconds for one run of the fuzzer: 60 were measured."""

HANGS = 20
"""Seconds after which a call counts as one that hangs: no tool waits longer than that here."""

OPTIONS = (
    f"--mode all --phase both --runs 16 --runs-per-type 4 --tool-timeout {HANGS} --timeout {HANGS}"
    " --no-network --no-corpus"
).split()
HARMLESS = {"accepted_malformed", "injection_reflection", "non_determinism", "performance_outlier"}
"""Findings that are none here: odd input that MCP lets a server ignore, a wrong argument named in
its refusal, an answer that depends on the session's state, a first call that starts a PowerShell.

The rest: crash, hang, leak, internal error.
"""

TRACEBACK = "Traceback (most rec"
"""Its beginning: a log with frames may cut the line."""

Json = dict[str, Any]
Prove = Callable[[str], None]


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of its own: one tenant signed in, the other not."""
    server = Server(tmp_path_factory.mktemp("fuzzed")).start()
    yield server
    server.close()


@asynccontextmanager
async def door_of(
    server: Server, door: str, folder: Path, heard: bytearray
) -> AsyncIterator[list[str]]:
    """Give the fuzzer's options for a door; what it answers (over stdio also what it logs) is in
    `heard` afterwards.
    """
    if door == "streamablehttp":
        async with opened_to(server.url, server.token, heard) as url:
            yield ["--protocol", door, "--endpoint", url]
        return
    file = folder / "heard"
    run_id = (await asyncio.to_thread(server.run, "1..5000"))["run_id"]
    command = [sys.executable, str(HERE / "narrowed_stdio.py"), str(file), run_id]
    yield ["--protocol", door, "--endpoint", shlex.join(command)]
    heard += file.read_bytes() + file.with_suffix(".log").read_bytes()


async def fuzz(server: Server, folder: Path, seed: int, where: list[str]) -> str:
    """Run the fuzzer; return what it says. Its reports are in `folder`."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "mcp_fuzzer", *where, *OPTIONS, "--seed", str(seed)),
        *("--output-dir", str(folder / "out"), "--fs-root", str(folder / "files")),
        cwd=folder,
        env={**os.environ, **server.environment, "PYTHONPATH": str(HERE.parent)},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        said, _ = await asyncio.wait_for(process.communicate(), FUZZ_WAIT)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, said.decode()
    return said.decode()


def report(folder: Path) -> Json:
    """Return the fuzzer's report of its calls."""
    [file] = (folder / "out").glob("sessions/*/*_fuzzing_results.json")
    found: Json = json.loads(file.read_text(encoding="utf-8"))
    return found


def findings(folder: Path) -> list[Json]:
    """Return what the fuzzer has found."""
    found: list[Json] = json.loads((folder / "out" / "findings.json").read_text(encoding="utf-8"))[
        "findings"
    ]
    return found


def healthy(server: Server) -> None:
    """Check that the server answers, signs in and runs as before."""
    with server.http() as http:
        answer: httpx.Response = http.get("/health")
        assert answer.status_code == 200
    assert server.process.poll() is None
    assert server.sign_in(CONTOSO)["state"] == "signed_in"
    assert server.run("'still ' + 'here'", format="text")["result"] == "still here\n"


@pytest.mark.timeout(FUZZ_WAIT + 100)
@pytest.mark.parametrize(
    ("door", "seed"),
    [
        pytest.param(
            door,
            seed,
            marks=pytest.mark.proof(
                f"mcp-fuzzer, seed {seed}", version("mcp-fuzzer"), f"product, {door}"
            ),
        )
        for door in ("stdio", "streamablehttp")
        for seed in SEEDS
    ],
)
async def test_nothing_that_a_fuzzer_sends_breaks_a_door(
    fuzzed: Server, tmp_path: Path, prove: Prove, door: str, seed: int
) -> None:
    await asyncio.to_thread(healthy, fuzzed)
    await asyncio.to_thread(fuzzed.post, "/disconnect", tenant=FABRIKAM)
    heard = bytearray()
    async with door_of(fuzzed, door, tmp_path, heard) as where:
        said = await fuzz(fuzzed, tmp_path, seed, where)
    found = report(tmp_path)
    calls = found["metadata"]["total_tests"]
    assert calls >= CALLS, said
    assert [one for one in findings(tmp_path) if one["category"] not in HARMLESS] == []
    for tool in found["data"]["tools_tested"]:
        assert not {"crashed", "exceptions", "anomaly"} & {
            name for name, count in tool["outcomes"].items() if count
        }, tool
    assert heard.count(b'"jsonrpc"') >= calls / 2
    assert TRACEBACK.encode() not in heard
    assert [line for line in fuzzed.log if TRACEBACK in line] == [], "".join(fuzzed.log)
    await asyncio.to_thread(healthy, fuzzed)
    prove(f"{calls} calls, 0 crashes, 0 hangs, 0 tracebacks")
