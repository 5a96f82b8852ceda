"""Faults during a sign-in with a device code: the account reported is always the true one."""

import signal
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import psutil

from benchmarks.faults.fault import Fault
from benchmarks.faults.trial import BYSTANDER, HIT, Trial, Void, sleep, until
from tests.fixtures.server import ADMIN

NAMES = {"tenant": HIT[0], "module": HIT[1]}
Act = Callable[[Trial], object]


def while_a_code_is_open(act: Act, trial: Trial) -> None:
    """The sign-in is interrupted; its code, approved too late, signs nobody in unseen."""
    code = ask_for_code(trial)
    act(trial)
    approve_late(trial, code)
    until(lambda: trial.server.session()["state"] not in {"starting", "signing_in"})
    view = trial.server.status(wait_s=5)
    true = view["state"] != "signed_in" or view["account"] == ADMIN
    trial.check(true, "wrong", f"signed in as {view['account']}")
    trial.serves(BYSTANDER)
    trial.recovers()
    trial.no_orphans()


def ask_for_code(trial: Trial) -> str:
    """Begin a sign-in by device code in a session that is signed out; return the code."""
    trial.both_signed_in()
    trial.server.post("/disconnect", **NAMES)
    answer = trial.server.post("/login", route="device_code", expected_account=ADMIN, **NAMES)
    if not answer.get("device_code"):
        raise Void(f"no code: {str(answer)[:300]}")
    return str(answer["device_code"])


def approve_late(trial: Trial, code: str) -> None:
    """Approve a code, which may be void by now."""
    with suppress(AssertionError):
        trial.server.approve(code)
    sleep(0.5)


def killed(who: str, trial: Trial) -> None:
    """Kill a process of the session."""
    process = trial.server.process_of(who, trial.server.session()["kernel_id"])
    with suppress(psutil.Error):
        if process:
            process.kill()


def restarted(number: signal.Signals, trial: Trial) -> None:
    """End the server and start it again."""
    trial.restart(number)


def frozen(trial: Trial) -> None:
    """Let PowerShell stand still for a while."""
    process = trial.server.process_of("powershell", trial.server.session()["kernel_id"])
    if process:
        process.suspend()
        sleep(4)
        process.resume()


def disconnected(trial: Trial) -> None:
    """End the session."""
    trial.server.post("/disconnect", **NAMES)


def forgotten(trial: Trial) -> None:
    """End the session with its files."""
    trial.server.post("/disconnect", forget=True, **NAMES)


def asked_again(trial: Trial) -> None:
    """Ask for the same sign-in once more."""
    trial.server.post("/login", route="device_code", expected_account=ADMIN, **NAMES)


def other_route(trial: Trial) -> None:
    """Ask for a sign-in that differs: it is done or refused, never ignored."""
    answer: dict[str, Any] = trial.server.post("/login", route="certificate", wait_s=10, **NAMES)
    view = trial.server.status(wait_s=5)
    done = view["state"] == "signed_in" and view["route"] == "certificate"
    trial.check(done or not answer["success"], "wrong", f"said {answer}, is {view['route']}")
    trial.server.post("/disconnect", **NAMES)


def commanded(trial: Trial) -> None:
    """Send a command while nobody has signed in yet."""
    answer = trial.server.command("'x'", wait_s=1)
    trial.check(answer.get("state") != "succeeded", "wrong", f"ran signed out: {answer}")


def forged(trial: Trial) -> None:
    """Let a stranger approve the code: this is never a sign-in of the expected account."""
    code = ask_for_code(trial)
    with suppress(AssertionError):
        trial.server.approve(code, "reader@contoso.example")
    until(lambda: trial.server.session()["state"] not in {"starting", "signing_in"})
    view = trial.server.status(wait_s=5)
    trial.check(view["state"] != "signed_in", "wrong", f"signed in as {view.get('account')}")
    trial.server.post("/disconnect", **NAMES)
    trial.recovers()


def faults() -> dict[str, Fault]:
    """Return what can come between a code and its approval."""
    acts: dict[str, Act] = {
        "kill_powershell": partial(killed, "powershell"),
        "kill_kernel": partial(killed, "kernel"),
        "kill_server": partial(restarted, signal.SIGKILL),
        "restart": partial(restarted, signal.SIGTERM),
        "freeze": frozen,
        "disconnect": disconnected,
        "forget": forgotten,
        "login_again": asked_again,
        "other_route": other_route,
        "command": commanded,
    }
    interrupted = {
        f"sign_in/{name}": Fault(partial(while_a_code_is_open, act), 6)
        for name, act in acts.items()
    }
    return {**interrupted, "sign_in/stranger": Fault(forged, 4)}
