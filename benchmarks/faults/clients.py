"""Clients that go away in the middle of a call: by REST, as a notebook, by MCP."""

import asyncio
import json
import random
import signal
import socket
import subprocess
import sys
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import psutil

from benchmarks.faults.fault import Fault
from benchmarks.faults.phases import ASKS, HEAVY, QUIET, answer
from benchmarks.faults.trial import HIT, Trial, marker, until
from tests.fixtures.front_end import Notebook
from tests.fixtures.initialize import INITIALIZE
from tests.fixtures.repository import ROOT

SPARE = 12
"""Descriptors that a server may have more than before, for what it does meanwhile."""
COMMANDS = {"quiet": QUIET, "heavy": HEAVY, "input": ASKS}
CALLS = 12


def descriptors(trial: Trial) -> int:
    """Return how many descriptors the server has open."""
    return int(psutil.Process(trial.server.process.pid).num_fds())


def nothing_stays(trial: Trial, before: int) -> None:
    """The server has closed what its clients left."""
    closed = until(lambda: descriptors(trial) <= before + SPARE)
    trial.check(closed, "wrong", f"{descriptors(trial) - before} more descriptors")


def rest_leaves(kind: str, trial: Trial) -> None:
    """A connection breaks while the server waits, before the body has come, or after it."""
    trial.both_signed_in()
    before = descriptors(trial)
    for _ in range(CALLS):
        one = trial.claimed("Start-Sleep -Milliseconds 20; 'MARK x'", "MARK x\n")
        break_off(trial, kind, one.run_id)
    trial.settle()
    nothing_stays(trial, before)
    trial.survived()
    trial.serves()


def break_off(trial: Trial, kind: str, run_id: str) -> None:
    """Send a request and close the connection without waiting for anything."""
    where = urlsplit(trial.server.url)
    body = json.dumps({"tenant": HIT[0], "command": "1", "wait_s": 30}).encode()
    line = f"GET /runs/{run_id}?wait_s=60" if kind == "wait" else "POST /run"
    head = (
        f"{line} HTTP/1.1\r\nHost: {where.netloc}\r\nAuthorization: Bearer {trial.server.token}\r\n"
    )
    length = "" if kind == "wait" else f"Content-Length: {len(body)}\r\n"
    sent = {"wait": b"", "half": body[:9], "whole": body}[kind]
    with socket.create_connection((str(where.hostname), int(where.port or 0))) as one:
        one.sendall(f"{head}{length}\r\n".encode() + sent)
        until(lambda: False, random.uniform(0, 0.05))


def notebook_leaves(when: str, trial: Trial) -> None:
    """A notebook's WebSocket breaks while its cell runs: the cell goes on, others are whole."""
    trial.both_signed_in()
    before, mark = descriptors(trial), marker()
    asyncio.run(break_notebook(trial, COMMANDS[when].replace("MARK", mark)))
    trial.claim(HEAVY.replace("60000", "20"), may=("succeeded",))
    mine = run_of(trial, mark)
    if when == "input":
        trial.server.post(f"/runs/{mine}/cancel")
    trial.settle()
    state = trial.server.end_of(mine)
    ends = {"input": {"cancelled", "failed"}}.get(when, {"succeeded"})
    trial.check(state in ends, "wrong", f"the cell ended {state}")
    nothing_stays(trial, before)
    trial.survived()
    trial.serves()


async def break_notebook(trial: Trial, code: str) -> None:
    """Begin a cell and go away."""
    server = trial.server
    kernel_id = server.session()["kernel_id"]
    async with Notebook(server.url, server.token, kernel_id) as notebook:
        cell = await notebook.execute(code)
        await notebook.until(cell, lambda one: bool(one.messages))
        await asyncio.sleep(random.uniform(0, 0.3))


def run_of(trial: Trial, mark: str) -> str:
    """Return the id of the one run whose command has a marker."""
    runs = trial.server.get("/runs", tenant=HIT[0])["runs"]
    mine = [one["run_id"] for one in runs if mark in one["command"]]
    trial.check(len(mine) == 1, "wrong", f"{len(mine)} runs of one call")
    return str(mine[0])


def mcp_leaves(how: str, when: str, trial: Trial) -> None:
    """The agent's client is killed, or closes its pipe, in a call: the run goes on."""
    trial.both_signed_in()
    mark = marker()
    place = trial.server.folder / "evidence" / mark
    command = f"[IO.File]::WriteAllText('{place}','')\n{COMMANDS[when].replace('MARK', mark)}"
    with mcp_call(trial, command) as client:
        trial.check(until(place.exists), "hang", "the call did not begin")
        if how == "killed":
            client.send_signal(signal.SIGKILL)
        else:
            assert client.stdin
            client.stdin.close()
        trial.check(until(lambda: client.poll() is not None), "hang", "the client stays")
        client.kill()
    mine = run_of(trial, mark)
    if when == "input":
        until(lambda: trial.server.get(f"/runs/{mine}")["state"] == "waiting_for_input")
        answer(trial, mine)
    state = trial.server.end_of(mine)
    trial.check(state == "succeeded", "wrong", f"the run ended {state}")
    trial.survived()
    trial.serves()


def mcp_call(trial: Trial, command: str) -> "subprocess.Popen[bytes]":
    """Start mcp_server.py as a client does, and call pwsh_run."""
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "mcp_server.py")],
        env=trial.server.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    arguments = {"tenant": HIT[0], "command": command}
    messages: list[dict[str, Any]] = [
        INITIALIZE,
        {"method": "notifications/initialized"},
        {"id": 2, "method": "tools/call", "params": {"name": "pwsh_run", "arguments": arguments}},
    ]
    assert process.stdin
    for one in messages:
        process.stdin.write(json.dumps({"jsonrpc": "2.0", **one}).encode() + b"\n")
    process.stdin.flush()
    return process


def faults() -> dict[str, Fault]:
    """Return each kind of client that leaves at each moment."""
    rest = {
        f"leave/rest/{kind}": Fault(partial(rest_leaves, kind), 8)
        for kind in ("wait", "half", "whole")
    }
    notebooks = {
        f"leave/notebook/{when}": Fault(partial(notebook_leaves, when), 8) for when in COMMANDS
    }
    agents = {
        f"leave/mcp/{how}/{when}": Fault(partial(mcp_leaves, how, when), 6)
        for how in ("killed", "pipe_closed")
        for when in COMMANDS
    }
    return rest | notebooks | agents
