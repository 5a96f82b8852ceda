"""Faults put into a real server, and what it says afterwards: nothing wrong, nothing hung.

`python -m benchmarks.faults [--only PATTERN] [--trials N]`, on Linux, in the sandbox's tenants;
the exit code is 1 if a trial was not `ok`. Each trial has a server and a folder of its own.
"""

import argparse
import fnmatch
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.fixtures.server import CONTOSO, Server

Act = Callable[[Server], None]
KEPT = "42\n"
END_WAIT_S = 30
WAITS = "'begun'; $name = Read-Host 'Name'; \"It is $name\""
DAMAGES = {
    "empty": b"",
    "truncated": b'{"tenant": "con',
    "binary": b"\xff\x00\xfe",
    "null": b"null",
}
FILES = {
    "note": "data/sessions/*.json",
    "process": "runtime/kernel-*.pid",
    "connection": "runtime/kernel-*.json",
    "history": "data/history/*.jsonl",
}
COSTS_THE_SESSION = ("connection",)
"""Damaged files without which nobody can reach a kernel any more."""


class Wrong(Exception):
    """The product has said or done what is not true."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of one fault."""

    fault: str
    outcome: str
    seconds: float
    problem: str = ""


def check(holds: object, problem: object) -> None:
    """Raise Wrong when something does not hold."""
    if not holds:
        raise Wrong(str(problem))


def run(server: Server, command: str, **more: Any) -> dict[str, Any]:
    """Run a command for its text."""
    return server.run(command, format="text", wait_s=END_WAIT_S, **more)


def begin(server: Server) -> str:
    """Let a command wait for an answer; return its run id."""
    answer = run(server, WAITS)
    check(answer["state"] == "waiting_for_input", answer)
    return str(answer["run_id"])


def end(server: Server, run_id: str) -> None:
    """Answer the command that `begin` began, and look how it ends."""
    server.post(f"/runs/{run_id}/input", value="Ada")
    ended = server.until(
        lambda: (one := server.get(f"/runs/{run_id}", wait_s=5)).get("ended_at") and one,
        END_WAIT_S,
    )
    text = "".join(one["text"] for one in ended["entries"] if one["stream"] == "stdout")
    check((ended["state"], text) == ("succeeded", "begun\nIt is Ada\n"), ended)


def lives(server: Server) -> None:
    """Check that the session has kept its variables and its account, and answers for itself."""
    status = server.post("/status", tenant=CONTOSO, wait_s=END_WAIT_S)
    check(status["account"] == f"admin@{CONTOSO}", status)
    answer = run(server, "$kept")
    check((answer["state"], answer["result"]) == ("succeeded", KEPT), answer)


def begins_anew(server: Server) -> None:
    """Check that the session is said to be lost, and can be signed in to again."""
    status = server.until(
        lambda: (one := server.post("/status", tenant=CONTOSO))["state"] == "lost" and one,
        END_WAIT_S,
    )
    check(status["reason"], status)
    check(server.sign_in()["state"] == "signed_in", "no new sign-in")
    answer = run(server, "[int]$kept")
    check((answer["state"], answer["result"]) == ("succeeded", "0\n"), answer)


def kernel(server: Server) -> psutil.Process:
    """Return the kernel of the session."""
    parent = server.powershells()[0].parent()
    assert parent is not None
    return parent


def restarted_during_a_command(number: signal.Signals) -> Act:
    """Return the fault of a server that ends by a signal while a command waits, and comes back."""

    def act(server: Server) -> None:
        run_id = begin(server)
        server.pause.wait(2)  # a younger run is found under another id after a SIGKILL
        server.stop(number)
        server.start()
        end(server, run_id)
        lives(server)

    return act


def killed(which: Callable[[Server], psutil.Process]) -> Act:
    """Return the fault of a process that dies while a command waits."""

    def act(server: Server) -> None:
        run_id = begin(server)
        which(server).kill()
        begins_anew(server)
        lost = server.get(f"/runs/{run_id}")
        check((lost["state"], lost["code"]) == ("lost", "session_lost"), lost)

    return act


def damaged(place: str, damage: bytes) -> Act:
    """Return the fault of a file that is damaged while no server runs."""

    def act(server: Server) -> None:
        server.stop()
        for file in server.folder.glob(FILES[place]):
            file.write_bytes(damage)
        server.start()
        (begins_anew if place in COSTS_THE_SESSION else lives)(server)
        check(run(server, "Get-SessionHistory | Out-Null")["success"], "history")

    return act


def odd_secret(server: Server) -> None:
    """Bind an object as a secret."""
    odd = run(server, "param($p) 1", parameters={"p": {"$secret": {"a": 1}}})
    if "run_id" in odd:
        check(server.get(f"/runs/{odd['run_id']}").get("state") == odd["state"], odd)
    lives(server)


def frozen(server: Server) -> None:
    """Disconnect a session whose kernel is frozen."""
    processes = [kernel(server), *server.powershells()]
    processes[0].suspend()
    check(server.post("/disconnect", tenant=CONTOSO)["success"], "not disconnected")
    _, alive = psutil.wait_procs(processes, timeout=END_WAIT_S)
    check(not alive, f"{alive} live")


FAULTS: dict[str, Act] = {
    "restart/SIGTERM": restarted_during_a_command(signal.SIGTERM),
    "restart/SIGKILL": restarted_during_a_command(signal.SIGKILL),
    "kill/powershell": killed(lambda server: server.powershells()[0]),
    "kill/kernel": killed(kernel),
    "freeze/disconnect": frozen,
    "message/odd_secret": odd_secret,
    **{
        f"damage/{place}/{name}": damaged(place, damage)
        for place in FILES
        for name, damage in DAMAGES.items()
    },
}


@contextmanager
def signed_in() -> Iterator[Server]:
    """Run a server of its own with a session that has been used."""
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder)).start()
        try:
            check(server.sign_in()["state"] == "signed_in", "no sign-in")
            run(server, "$kept = 42")
            yield server
        finally:
            server.close()


def try_fault(name: str) -> Trial:
    """Put one fault into a server of its own."""
    began = time.monotonic()
    outcome, problem = "ok", ""
    try:
        with signed_in() as server:
            FAULTS[name](server)
            tracebacks = [line for line in server.log if line.startswith("Traceback")]
            check(not tracebacks, "a traceback in the log")
    except (Wrong, KeyError, IndexError) as error:
        outcome, problem = "wrong", f"{type(error).__name__}: {error}"
    except (httpx.HTTPError, TimeoutError, pytest.fail.Exception) as error:
        outcome, problem = "hang", type(error).__name__
    return Trial(name, outcome, time.monotonic() - began, problem)


def table(trials: Sequence[Trial]) -> str:
    """Return the trials as a table in Markdown."""
    lines = ["| fault | trials | ok | longest s |", "|---|---|---|---|"]
    for name in dict.fromkeys(one.fault for one in trials):
        own = [one for one in trials if one.fault == name]
        good = Counter(one.outcome for one in own)["ok"]
        lines.append(f"| {name} | {len(own)} | {good} | {max(one.seconds for one in own):.0f} |")
    return "\n".join(lines)


def main(arguments: Sequence[str]) -> int:
    """Try faults, tell of each, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="*", help="names, with * and ?")
    parser.add_argument("--trials", type=int, default=1)
    asked: Any = parser.parse_args(arguments)
    trials = []
    for name in fnmatch.filter(FAULTS, asked.only) * asked.trials:
        trials.append(one := try_fault(name))
        print(f"{one.outcome:5} {one.seconds:5.1f} s  {name}  {one.problem}", flush=True)
    print(table(trials))
    return 1 if any(one.outcome != "ok" for one in trials) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
