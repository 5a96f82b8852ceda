"""A prompt that several clients answer at once, that is refused or left alone, or whose session
ends.
"""

import random
from functools import partial
from itertools import repeat

from benchmarks.faults.fault import Fault
from benchmarks.faults.phases import ASKS
from benchmarks.faults.trial import ANSWER_S, HIT, Claim, Trial, sleep


def asking(trial: Trial, *may: str) -> Claim:
    """Begin a command that asks."""
    trial.both_signed_in()
    return trial.claimed(ASKS, "MARK yes\n", may or ("succeeded",), wait_s=ANSWER_S)


def five_answers(trial: Trial) -> None:
    """Of five answers at once one counts, and the others are told so."""
    one, taken = asking(trial), []

    def answer() -> None:
        with trial.server.http() as http:
            said = http.post(f"/runs/{one.run_id}/input", json={"value": "yes"})
            taken.extend([said] if said.status_code == 200 else [])

    with trial.meanwhile(*repeat(answer, 5)):
        pass
    trial.check(len(taken) == 1, "wrong", f"{len(taken)} of 5 answers were taken")
    trial.settle()
    trial.survived()


def answer_and(other: str, trial: Trial) -> None:
    """An answer comes in the same moment as something else: the run ends in one way."""
    one, server = asking(trial, "succeeded", "failed", "cancelled", "lost"), trial.server
    if other == "refusal":
        one.expected = None  # the script goes on behind the error
    acts = {
        "refusal": lambda: server.post(f"/runs/{one.run_id}/input", refuse=True),
        "stop": lambda: server.post(f"/runs/{one.run_id}/cancel"),
        "disconnect": lambda: server.post("/disconnect", tenant=HIT[0], module=HIT[1]),
    }
    with trial.meanwhile(
        acts[other], lambda: server.post(f"/runs/{one.run_id}/input", value="yes")
    ):
        pass
    trial.settle()
    trial.recovers()
    trial.serves()


def unanswered(trial: Trial) -> None:
    """A prompt that nobody answers ends after its limit, and the session is free."""
    trial.server.settings |= {"PWSH_MANAGER_INPUT_TIMEOUT": "3", "PWSH_WATCHDOG_INTERVAL": "1"}
    trial.server.start()
    one = asking(trial, "failed")
    one.expected = None
    trial.settle()
    trial.survived()


def opening_while_closing(forget: bool, trial: Trial) -> None:
    """A session is disconnected while a command opens it again: it lives whole, or not at all."""
    trial.both_signed_in()
    names = {"tenant": HIT[0], "module": HIT[1], "forget": forget}
    with trial.meanwhile(lambda: trial.server.post("/disconnect", **names)):
        sleep(random.uniform(0, 0.4))
        trial.server.command("'x'")
    view = trial.server.session()
    home = trial.server.data_dir / "homes" / HIT[0] / HIT[1]
    whole = view["state"] in {"none", "closed"} or home.exists()
    trial.check(whole, "wrong", f"a session that is {view['state']} has no HOME")
    trial.check(view["state"] != "lost", "wrong", f"the new session is lost: {view['reason']}")
    trial.recovers()
    trial.no_orphans()


def faults() -> dict[str, Fault]:
    """Return what can happen around a prompt and around the end of a session."""
    together = {
        f"prompt/answer_and_{other}": Fault(partial(answer_and, other), 8)
        for other in ("refusal", "stop", "disconnect")
    }
    openings = {
        f"prompt/opening_while_{name}": Fault(partial(opening_while_closing, forget), 8)
        for name, forget in (("disconnect", False), ("forget", True))
    }
    return {
        "prompt/five_answers": Fault(five_answers, 8),
        "prompt/unanswered": Fault(unanswered, 2, own=True),
        **together,
        **openings,
    }
