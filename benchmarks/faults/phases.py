"""The moments of a session in which a fault can come: it starts, signs in, runs, asks, ends."""

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from benchmarks.faults.trial import ANSWER_S, HIT, Trial, Void, sleep, until

QUIET = "[Threading.Thread]::Sleep(100); Start-Sleep -Seconds 3; 'MARK done'"
HEAVY = 'foreach ($n in 1..60000) { "MARK $n" }'
HEAVY_TEXT = "".join(f"MARK {number}\n" for number in range(1, 60001))
ASKS = "$answer = Read-Host 'MARK?'; \"MARK $answer\""
BLOCKED = "[Threading.Thread]::Sleep(4000); 'MARK done'"
"""Nothing can stop it: a .NET call."""
OPENING = ("starting", "signing_in")
PHASES = ("idle", *OPENING, "quiet", "heavy", "input", "cancelling", "closing")


@contextmanager
def phase(trial: Trial, name: str, may: Sequence[str]) -> Iterator[None]:
    """Have the session that is hit in a phase; its runs may also end in `may`."""
    succeeds = ("succeeded", *may)
    if name in OPENING:
        with _opening(trial, name, succeeds):
            yield
    elif name == "closing":
        with _closing(trial, (*succeeds, "cancelled")):
            yield
    elif name == "cancelling":
        with _cancelling(trial, (*succeeds, "cancelled")):
            yield
    else:
        _running(trial, name, succeeds)
        trial.claim(may=succeeds)  # one that waits behind it
        yield


@contextmanager
def _opening(trial: Trial, state: str, may: Sequence[str]) -> Iterator[None]:
    trial.server.post("/kill", tenant=HIT[0], module=HIT[1])
    with trial.meanwhile(lambda: trial.claim(may=may, wait_s=ANSWER_S)):
        until(lambda: trial.server.session()["state"] in {state, "signed_in"}, 15)
        yield


def _running(trial: Trial, name: str, may: Sequence[str]) -> None:
    if name == "idle":
        trial.claim(wait_s=ANSWER_S)
    elif name == "quiet":
        trial.claimed(QUIET, "MARK done\n", may)
    elif name == "heavy":
        trial.claimed(HEAVY, HEAVY_TEXT, may)
        sleep(random.uniform(0, 0.6))
    else:
        one = trial.claimed(ASKS, "MARK yes\n", may, wait_s=ANSWER_S)
        if trial.server.get(f"/runs/{one.run_id}")["state"] != "waiting_for_input":
            raise Void("no prompt came")


@contextmanager
def _cancelling(trial: Trial, may: Sequence[str]) -> Iterator[None]:
    run_id = trial.claimed(BLOCKED, "MARK done\n", may).run_id
    with trial.meanwhile(lambda: trial.server.post(f"/runs/{run_id}/cancel", wait_s=0)):
        sleep(0.2)
        trial.claim(may=may)
        yield


@contextmanager
def _closing(trial: Trial, may: Sequence[str]) -> Iterator[None]:
    trial.claimed(BLOCKED, "MARK done\n", may)
    with trial.meanwhile(lambda: trial.server.post("/disconnect", tenant=HIT[0], module=HIT[1])):
        sleep(random.uniform(0.05, 5))
        yield


def answer(trial: Trial, run_id: str, value: str = "yes") -> None:
    """Answer what a run asks."""
    trial.server.post(f"/runs/{run_id}/input", value=value, for_other=True)
