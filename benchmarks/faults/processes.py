"""Processes that are killed or frozen, at every moment of a session."""

import signal
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial

import psutil

from benchmarks.faults.fault import Fault
from benchmarks.faults.phases import ASKS, PHASES, QUIET, answer, phase
from benchmarks.faults.trial import (
    ANSWER_S,
    ANY_END,
    BYSTANDER,
    HIT,
    PATIENCE_S,
    Trial,
    Void,
    sleep,
    until,
)

LIVES_ON = ("idle", "quiet", "heavy", "input", "cancelling")
"""Phases in which a sign-in outlives the death of the server."""
BOUND_S = 20.0
"""For what does not wait for a frozen process."""


def kill_one(who: str, when: str, trial: Trial) -> None:
    """PowerShell or the kernel dies: its runs are lost, and the session comes again by itself."""
    trial.both_signed_in()
    with phase(trial, when, ("lost",)):
        victims: list[psutil.Process] = []

        def found() -> bool:
            one = trial.server.process_of(who, trial.server.session()["kernel_id"] or "none")
            victims.extend([one] if one else [])
            return bool(victims)

        if until(found, 0.1 if when == "closing" else 10):
            with suppress(psutil.Error):
                victims[0].kill()
    trial.settle()
    trial.serves()
    trial.recovers()
    trial.no_orphans()


def kill_server(when: str, trial: Trial) -> None:
    """The server dies: commands and sign-ins live on, and the next server finds them."""
    trial.both_signed_in()
    with phase(trial, when, ANY_END):
        trial.server.stop(signal.SIGKILL)
    if not trial.comes_back():
        return
    claims, signed_in = list(trial.claims), when in LIVES_ON
    if when == "input":
        answer_the_open_prompt(trial)
    trial.settle(forgotten=True)
    trial.serves()
    if signed_in:
        trial.survived()
        for one in claims[:1] if when != "cancelling" else []:
            went_on = until(lambda one=one: one.finished)  # type: ignore[misc]
            trial.check(went_on, "wrong", "a command did not go on without the server")
    trial.recovers()
    trial.no_orphans()


def answer_the_open_prompt(trial: Trial) -> None:
    """What asked when the server died asks on, and takes an answer."""
    asking: list[str] = []

    def found() -> bool:
        runs = trial.server.get("/runs", tenant=HIT[0])["runs"]
        asking.extend(one["run_id"] for one in runs if one["state"] == "waiting_for_input")
        return bool(asking)

    if trial.check(until(found), "hang", "nobody can answer the open prompt"):
        answer(trial, asking[0])


def kill_all(when: str, trial: Trial) -> None:
    """Everything dies, as on a machine that loses its power: what was lost is said to be lost."""
    trial.both_signed_in()
    with phase(trial, when, ANY_END):
        trial.server.stop(signal.SIGKILL)
        if not until(partial(nothing_left, trial), pause_s=0.2):
            raise Void("a process does not die")
    if not trial.comes_back():
        return
    trial.settle(forgotten=True)
    trial.kept.clear()
    for key in (HIT, BYSTANDER):
        ended = until(lambda key=key: trial.server.session(key)["state"] in {"lost", "none"})  # type: ignore[misc]
        trial.check(ended, "wrong", f"{key} is not said to be lost")
        trial.recovers(key)
    trial.no_orphans()


def nothing_left(trial: Trial) -> bool:
    """Kill what lives; one that was just starting is found with the next look."""
    living = trial.server.family()
    for one in living:
        with suppress(psutil.Error):
            one.kill()
    return not living


def freeze(who: str, when: str, seconds: float, trial: Trial) -> None:
    """A process stands still for some seconds: nothing is lost, and others are served."""
    trial.both_signed_in()
    with phase(trial, when, ()):
        process = found(trial, who)
        process.suspend()
        try:
            sleep(seconds / 2)
            if who != "server":
                trial.serves()
                bounded(trial, "GET /sessions", lambda: trial.server.get("/sessions"))
            sleep(seconds / 2)
        finally:
            process.resume()
        if when == "input":
            answer(trial, trial.claims[0].run_id)
    trial.settle()
    trial.survived()
    trial.serves()


def found(trial: Trial, who: str) -> psutil.Process:
    """Return a process of the session that is hit."""
    process = trial.server.process_of(who, trial.server.session()["kernel_id"])
    if process is None:
        raise Void(f"no {who} to freeze")
    return process


def bounded(trial: Trial, what: str, act: Callable[[], object]) -> None:
    """Do something that takes no longer than it may."""
    began = time.monotonic()
    act()
    took = time.monotonic() - began
    trial.check(took < BOUND_S, "hang", f"{what} took {took:.0f} s")


def cancel_frozen(who: str, trial: Trial) -> None:
    """Stop, status and kill of a frozen session do not wait for it."""
    trial.both_signed_in()
    one = trial.claimed(QUIET, "MARK done\n", ("cancelled", "lost"))
    process, server = found(trial, who), trial.server
    names = {"tenant": HIT[0], "module": HIT[1]}
    process.suspend()
    bounded(trial, "stop", lambda: server.post(f"/runs/{one.run_id}/cancel", wait_s=1))
    bounded(trial, "status", lambda: server.post("/status", **names))
    bounded(trial, "kill", lambda: server.post("/kill", **names))
    with suppress(psutil.Error):
        process.resume()
    trial.settle()
    trial.recovers()
    trial.serves()
    trial.no_orphans()


def disconnect_frozen(who: str, trial: Trial) -> None:
    """A frozen session can be disconnected, and leaves nothing."""
    trial.both_signed_in()
    found(trial, who).suspend()
    names = {"tenant": HIT[0], "module": HIT[1]}
    ended = []
    bounded(trial, "disconnect", lambda: ended.append(trial.server.post("/disconnect", **names)))
    trial.check(ended[0].get("success"), "wrong", f"disconnect: {ended[0]}")
    trial.recovers()
    trial.no_orphans()


def frozen_at_adoption(who: str, seconds: float, trial: Trial) -> None:
    """The server restarts while a process stands still, which goes on a little later."""
    trial.both_signed_in()
    process = found(trial, who)
    process.suspend()
    trial.server.stop()

    def thaw() -> None:
        sleep(seconds)
        process.resume()

    with trial.meanwhile(thaw):
        back = trial.comes_back()
    if back:
        trial.serves()
        until(lambda: trial.server.session()["state"] == "signed_in")
        trial.survived()
        trial.no_orphans()


def frozen_prompt(trial: Trial) -> None:
    """The prompt's kernel stands still while the answer comes: the answer is not lost."""
    trial.both_signed_in()
    one = trial.claimed(ASKS, "MARK yes\n", wait_s=ANSWER_S)
    process = found(trial, "kernel")
    process.suspend()
    with trial.meanwhile(lambda: answer(trial, one.run_id)):
        sleep(2)
        process.resume()
    trial.settle(PATIENCE_S)
    trial.survived()


def faults() -> dict[str, Fault]:
    """Return every process in every phase."""
    kills = {
        f"kill/{who}/{when}": Fault(partial(kill_one, who, when), 8)
        for who in ("powershell", "kernel")
        for when in PHASES
    }
    servers = {f"kill/server/{when}": Fault(partial(kill_server, when), 8) for when in PHASES}
    everything = {f"kill/all/{when}": Fault(partial(kill_all, when), 2) for when in PHASES}
    freezes = {
        f"freeze/{who}/{when}/{seconds}s": Fault(partial(freeze, who, when, seconds), trials)
        for who in ("powershell", "kernel", "server")
        for when, seconds, trials in (
            ("idle", 6, 4),
            ("quiet", 6, 4),
            ("heavy", 6, 4),
            ("input", 6, 4),
            ("heavy", 45, 1),
        )
    }
    frozen = {
        f"freeze/{name}/{who}": Fault(partial(act, who), 4)
        for who in ("powershell", "kernel")
        for name, act in (("cancel", cancel_frozen), ("disconnect", disconnect_frozen))
    }
    adoptions = {
        f"freeze/adopt/{who}/{seconds}s": Fault(partial(frozen_at_adoption, who, seconds), 3)
        for who, seconds in (("kernel", 3), ("kernel", 10), ("powershell", 10))
    }
    prompt = {"freeze/answer/kernel": Fault(frozen_prompt)}
    return kills | servers | everything | freezes | frozen | adoptions | prompt
