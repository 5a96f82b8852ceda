"""One trial: claims are recorded before the fault, and compared with the facts after it."""

import re
import secrets
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

import httpx
import psutil
import pytest

from benchmarks.faults.tenants import write_tenants
from tests.fixtures.server import CONTOSO, FABRIKAM, Server

Kind = Literal["wrong", "hang", "lost"]
"""`wrong`: said or done what is not true; `hang`: not within a generous time; `lost`: a sign-in
that could have lived.
"""
PATIENCE_S = 120.0
"""What a busy machine may take for anything: beyond it, it hangs."""
ANSWER_S = 25.0
"""How long one request waits for the end of its run."""
LOOK_S = 0.02
ENDED = ("succeeded", "failed", "cancelled", "lost")
ANY_END = ENDED
LINES = "".join(f"MARK {number}\n" for number in range(1, 21))
MARKER = re.compile(r"\bK[0-9a-f]{10}\b")
QUICK = {
    "DOTNET_JITMinOpts": "1",
    "DOTNET_TC_CallCountThreshold": "FFFF",
    "DOTNET_TieredPGO": "0",
    "DOTNET_GCgen0size": "8000000",
}
"""PowerShells that do not live long start sooner with these."""
Key = tuple[str, str]
"""A session: tenant and module."""
HIT: Key = (CONTOSO, "exo")
BYSTANDER: Key = (FABRIKAM, "exo")


class Void(Exception):
    """The trial has not come to its fault: it says nothing of the product."""


class Skipped(Exception):
    """This machine cannot have the fault; the text says why."""


def marker() -> str:
    """Return a text that no other run prints."""
    return f"K{secrets.token_hex(5)}"


def until(probe: Callable[[], object], wait_s: float = PATIENCE_S, pause_s: float = LOOK_S) -> bool:
    """Look again until something is true; return whether it came to be."""
    end, pause = time.monotonic() + wait_s, threading.Event()
    while not probe():
        if time.monotonic() > end:
            return False
        pause.wait(pause_s)
    return True


def sleep(seconds: float) -> None:
    """Let a fault take its time."""
    threading.Event().wait(seconds)


class Subject(Server):
    """The server that a fault is put into: its sessions sign in by certificate, unattended."""

    def start(self) -> Self:
        (self.folder / "evidence").mkdir(parents=True, exist_ok=True)
        tenants = write_tenants(self.folder / "keys")
        self.start_wait = PATIENCE_S
        self.settings = {**QUICK, "PWSH_MANAGER_TENANTS": str(tenants), **self.settings}
        return super().start()

    def starts(self) -> bool:
        """Start; return whether it became ready."""
        try:
            self.start()
        except (pytest.fail.Exception, OSError):
            return False
        return True

    def session(self, key: Key = HIT) -> dict[str, Any]:
        """Return what GET /sessions says of a session."""
        sessions = self.get("/sessions")["sessions"]
        own = [one for one in sessions if (one["tenant"], one["module"]) == key]
        return own[0] if own else {"state": "none", "reason": "", "kernel_id": ""}

    def status(self, key: Key = HIT, wait_s: float = ANSWER_S) -> dict[str, Any]:
        """Return what POST /status says of a session."""
        return self.post("/status", tenant=key[0], module=key[1], wait_s=wait_s)

    def signed_in(self, key: Key = HIT) -> dict[str, Any]:
        """Sign a session in, unless it is; return its status."""
        self.post("/login", tenant=key[0], module=key[1], wait_s=ANSWER_S)
        return self.status(key)

    def command(
        self, command: str, key: Key = HIT, wait_s: float = ANSWER_S, **more: Any
    ) -> dict[str, Any]:
        """Run a command for its text."""
        body = {"module": key[1], "format": "text", "wait_s": wait_s, **more}
        return self.run(command, key[0], **body)

    def end_of(self, run_id: str) -> str:
        """Wait for the end of a run; return the state that it has then."""
        until(lambda: self.get(f"/runs/{run_id}").get("ended_at"), pause_s=0.1)
        return str(self.get(f"/runs/{run_id}")["state"])

    def kernels(self) -> list[psutil.Process]:
        """Return the kernels of the sessions."""
        return [one for one in self.family() if "pwsh_kernels.kernel" in arguments(one)]

    def process_of(self, who: str, kernel_id: str) -> psutil.Process | None:
        """Return the server, or a session's kernel or PowerShell, if it lives."""
        if who == "server":
            return psutil.Process(self.process.pid)
        own = [one for one in self.kernels() if kernel_id in " ".join(arguments(one))]
        if who == "kernel" or not own:
            return own[0] if own else None
        with suppress(psutil.Error):
            children = [one for one in own[0].children() if "-NoProfile" in arguments(one)]
            return children[0] if children else None
        return None


def arguments(process: psutil.Process) -> list[str]:
    """Return a process' command line; one that has just ended has none."""
    try:
        return process.cmdline()
    except psutil.Error:
        return []


@dataclass
class Claim:
    """A run that the server has acknowledged, what it prints when it succeeds, how it may end."""

    run_id: str
    mark: str
    expected: str | None
    may: frozenset[str]
    evidence: Path

    @property
    def began(self) -> bool:
        """Whether the command itself has left its first trace."""
        return self.evidence.with_suffix(".begin").exists()

    @property
    def finished(self) -> bool:
        """Whether the command itself has left its last trace."""
        return self.evidence.with_suffix(".end").exists()


@dataclass
class Trial:
    """A server, what was claimed of it, and what was found not to hold."""

    server: Subject
    problems: list[tuple[Kind, str]] = field(default_factory=list)
    claims: list[Claim] = field(default_factory=list)
    kept: dict[Key, str] = field(default_factory=dict)

    def check(self, holds: object, kind: Kind, text: str) -> bool:
        """Note a problem, unless something holds; return whether it does."""
        if not holds:
            self.problems.append((kind, text))
        return bool(holds)

    # -- before the fault

    def both_signed_in(self) -> None:
        """Bring the session that is hit and the one that is not to a signed-in state."""
        for key in (BYSTANDER, HIT):
            state = self.server.session(key)
            if state["state"] != "signed_in":
                state = self.server.signed_in(key)
            if state["state"] != "signed_in":
                raise Void(f"{key} is {state['state']}: {state.get('reason')}")
            self.remember(key)

    def remember(self, key: Key = HIT) -> None:
        """Put a value into the session's PowerShell: it is there as long as the sign-in is."""
        self.kept[key] = marker()
        answer = self.server.command(f"$global:Keep = '{self.kept[key]}'", key)
        if answer.get("state") != "succeeded":
            raise Void(f"{key} cannot remember: {str(answer)[:300]}")

    def claim(
        self,
        body: str = '1..20 | ForEach-Object { "MARK $_" }',
        expected: str | None = LINES,
        may: Sequence[str] = ("succeeded",),
        wait_s: float = 0,
        **more: Any,
    ) -> Claim | None:
        """Begin a run, MARK being its own; None when it was refused."""
        mark = marker()
        place = self.server.folder / "evidence" / mark
        script = (
            f"[IO.File]::WriteAllText('{place}.begin','')\n{body.replace('MARK', mark)}\n"
            f"[IO.File]::WriteAllText('{place}.end','')"
        )
        answer = self.server.command(script, wait_s=wait_s, **more)
        if "state" not in answer or "run_id" not in answer:
            return None
        text = None if expected is None else expected.replace("MARK", mark)
        one = Claim(str(answer["run_id"]), mark, text, frozenset(may), place)
        self.claims.append(one)
        return one

    def claimed(
        self, body: str, expected: str | None, may: Sequence[str] = ("succeeded",), **more: Any
    ) -> Claim:
        """Begin a run that is never refused, and wait until its command has begun."""
        one = self.claim(body, expected, may, **more)
        if one is None or not until(lambda: one.began):
            raise Void("the command did not begin")
        return one

    @contextmanager
    def meanwhile(self, *acts: Callable[[], object]) -> Iterator[list[Future[object]]]:
        """Do something beside the fault; its connection may break."""
        with ThreadPoolExecutor(len(acts)) as pool:
            futures = [pool.submit(act) for act in acts]
            yield futures
            for one in futures:
                with suppress(httpx.HTTPError, ValueError, KeyError):
                    one.result(2 * PATIENCE_S)

    # -- after it

    def restart(self, number: signal.Signals = signal.SIGTERM) -> bool:
        """End the server by a signal and start it again."""
        self.server.stop(number)
        return self.comes_back()

    def comes_back(self) -> bool:
        """Start the server again, and check that it does."""
        self.read_log()
        return self.check(self.server.starts(), "wrong", f"no start: {self.server.log[-3:]}")

    def read_log(self) -> None:
        """Look for a traceback in what the server has written so far."""
        found = [line for line in self.server.log if line.startswith("Traceback")]
        told = "".join(self.server.log[self.server.log.index(found[0]) :][:40]) if found else ""
        self.check(not found, "wrong", f"a traceback in the log: {told[-700:]}")

    def settle(self, wait_s: float = PATIENCE_S, *, forgotten: bool = False) -> None:
        """Wait for the end of every claim and judge it.

        `forgotten`: the server was killed, and with it what it knew of the youngest runs.
        """
        for one in self.claims:
            self._settle(one, wait_s, forgotten=forgotten)
        self.claims = []

    def _settle(self, one: Claim, wait_s: float, *, forgotten: bool) -> None:
        end, text, cursor = time.monotonic() + wait_s, "", 0
        while True:
            query = {"cursor": cursor, "limit": 1_000_000, "wait_s": 1}
            page = self.server.get(f"/runs/{one.run_id}", **query)
            if "entries" not in page:
                gone = page.get("code") == "unknown_run"
                self.check(gone and forgotten, "wrong", f"GET /runs/{one.run_id}: {page}")
                return
            text += "".join(entry["text"] for entry in page["entries"] if _said(entry))
            cursor = page["next_cursor"]
            if page["state"] in ENDED and not page["more"]:
                break
            if time.monotonic() > end:
                self.problems.append(("hang", f"a run is still {page['state']}"))
                return
        self._judge(one, page, text)

    def _judge(self, one: Claim, page: dict[str, Any], text: str) -> None:
        """Compare what a run is said to be with what it was."""
        state, why = page["state"], str(page.get("error", ""))
        self.check(state in one.may, "wrong", f"ended {state}, not {sorted(one.may)}: {why}")
        strangers = set(MARKER.findall(text)) - {one.mark}
        self.check(not strangers, "wrong", f"output of other runs: {strangers}")
        if state == "succeeded":
            self.check(one.finished, "wrong", "succeeded, but its end was never reached")
            whole = one.expected is None or page["truncated"] or text == one.expected
            self.check(whole, "wrong", f"succeeded with {len(text)} of its characters")
        elif one.expected is not None:
            own = one.expected.startswith(text)
            self.check(own, "wrong", f"{state} with what it did not print: {text[-80:]!r}")
        if "was not run" in why or "nothing of it was run" in why:
            self.check(not one.began, "wrong", f"it began, and is said to have not: {why}")

    def serves(self, key: Key = BYSTANDER) -> None:
        """A session that the fault did not touch answers, with its variables."""
        mark = marker()
        answer = self.server.command(f"'{mark} ' + $global:Keep", key)
        said = answer.get("result", "")
        done = answer.get("state") == "succeeded"
        if self.check(done, "hang", f"bystander: {str(answer)[:400]}"):
            self.check(said.startswith(mark), "wrong", f"bystander got {said!r}")
            kept = self.kept.get(key, "")
            self.check(kept in said, "lost", "the bystander has lost its variables")

    def survived(self, key: Key = HIT) -> None:
        """A session still has its account and its variables."""
        until(lambda: self.server.session(key)["state"] != "starting", pause_s=0.2)
        state = self.server.status(key)
        told = f"{key} is {state.get('state')}: {state.get('reason')}"
        if self.check(state.get("state") == "signed_in", "lost", told):
            answer = self.server.command("$global:Keep", key)
            same = answer.get("state") == "succeeded" and self.kept[key] in answer["result"]
            self.check(same, "lost", f"{key} is another PowerShell: {str(answer)[:400]}")

    def recovers(self, key: Key = HIT) -> None:
        """A session answers again: where its PowerShell is gone, the next command signs in."""
        answer: dict[str, Any] = {}

        def again() -> bool:
            nonlocal answer
            mark = marker()
            answer = self.server.command(f"'{mark}'", key)
            return bool(answer.get("state") == "succeeded" and answer["result"] == f"{mark}\n")

        self.check(until(again, pause_s=0.3), "hang", f"{key} stays away: {str(answer)[:400]}")

    def no_orphans(self) -> None:
        """There are as many kernels and PowerShells as living sessions."""
        sessions = self.server.get("/sessions")["sessions"]
        living = sum(one["state"] not in {"lost", "closed"} for one in sessions)

        def same() -> bool:
            return len(self.server.kernels()) == len(self.server.powershells()) == living

        counts = f"{len(self.server.kernels())} kernels, {len(self.server.powershells())} shells"
        self.check(until(same, 30, 0.3), "wrong", f"{living} sessions, {counts}")


def _said(entry: dict[str, Any]) -> bool:
    return bool(entry["stream"] == "stdout")
