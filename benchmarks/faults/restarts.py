"""A server that is told to end, at every moment of a session, and comes back."""

import random
import signal
from functools import partial
from typing import Any

from benchmarks.faults.fault import Fault
from benchmarks.faults.phases import PHASES, answer, phase
from benchmarks.faults.trial import ANSWER_S, ANY_END, HIT, Claim, Trial, sleep, until

LIVES_ON = ("idle", "quiet", "heavy", "input")
ORDERLY = {"SIGTERM": signal.SIGTERM, "SIGINT": signal.SIGINT}
SENDS_AGAIN = ("sign in again", "sign_in")
"""What would make a caller run a command twice that goes on."""


def restart(number: signal.Signals, when: str, trial: Trial) -> None:
    """Callers are told that the command goes on; the same run id has its end afterwards."""
    trial.both_signed_in()
    seen: list[dict[str, Any]] = []
    with phase(trial, when, ANY_END):
        first = trial.claims[:1]
        with trial.meanwhile(
            lambda: seen.append(wait_for(trial, first[0].run_id if first else ""))
        ):
            sleep(0.2)
            trial.server.stop(number)
    if not trial.comes_back():
        return
    for one in seen:
        said = f"{one.get('error', '')} {one.get('action', '')}"
        misled = one.get("state") == "lost" or any(word in said for word in SENDS_AGAIN)
        trial.check(when not in LIVES_ON or not misled, "wrong", f"a caller was told: {one}")
    if when == "input":
        answer_when_it_asks(trial, first[0].run_id)
    judge(trial, first, goes_on=when in {"quiet", "heavy", "input"})
    trial.serves()
    if when in LIVES_ON:
        trial.survived()
    no_ghosts(trial)
    trial.recovers()
    trial.no_orphans()


def wait_for(trial: Trial, run_id: str) -> dict[str, Any]:
    """Wait for a run, as a caller does while the server ends."""
    if not run_id:
        return {}
    return trial.server.get(f"/runs/{run_id}", wait_s=ANSWER_S, seen="running")


def judge(trial: Trial, first: list[Claim], *, goes_on: bool) -> None:
    """What ran has its run id and its end; what waited has never begun, or had ended before."""
    waited = [one for one in trial.claims if one not in first]
    trial.claims = list(first)
    trial.settle(forgotten=not goes_on)
    trial.claims = list(waited)
    trial.settle(forgotten=True)
    for one in waited:
        trial.check(one.finished or not one.began, "wrong", "a run that waited has begun")


def answer_when_it_asks(trial: Trial, run_id: str) -> None:
    """Answer a run of before the restart under the id that it had."""

    def asks() -> bool:
        return bool(trial.server.get(f"/runs/{run_id}").get("state") == "waiting_for_input")

    if trial.check(until(asks), "hang", "the open prompt cannot be answered any more"):
        answer(trial, run_id)


def no_ghosts(trial: Trial) -> None:
    """No run of ours is shown as a notebook's."""
    runs = trial.server.get("/runs", tenant=HIT[0])["runs"]
    ghosts = [one["run_id"] for one in runs if one["principal"] == "jupyter"]
    trial.check(not ghosts, "wrong", f"runs of a notebook that there is not: {ghosts}")


def hang_up(when: str, trial: Trial) -> None:
    """SIGHUP, as when a terminal is closed: sessions live on."""
    trial.both_signed_in()
    with phase(trial, when, ANY_END):
        trial.server.stop(signal.SIGHUP)
    if trial.comes_back():
        trial.settle(forgotten=True)
        trial.serves()
        trial.survived()
        trial.no_orphans()


def again_and_again(trial: Trial) -> None:
    """Servers that end before they are ready, in turn orderly and killed."""
    trial.both_signed_in()
    for turn in range(6):
        trial.server.stop(signal.SIGKILL if turn % 2 else signal.SIGTERM)
        with trial.meanwhile(trial.server.starts):
            sleep(random.uniform(0.2, 1.5))
            trial.server.process.kill()
    if trial.comes_back():
        trial.serves()
        trial.survived()
        trial.no_orphans()


def faults() -> dict[str, Fault]:
    """Return each way to end a server in each phase."""
    orderly = {
        f"restart/{name}/{when}": Fault(partial(restart, number, when), 3)
        for name, number in ORDERLY.items()
        for when in PHASES
    }
    hang_ups = {
        f"restart/SIGHUP/{when}": Fault(partial(hang_up, when), 3) for when in ("idle", "quiet")
    }
    return orderly | hang_ups | {"restart/again_and_again": Fault(again_and_again, 2)}
