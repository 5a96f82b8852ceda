"""A fault that is put into a server, and the outcome of one trial of it."""

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import httpx
import pytest

from benchmarks.faults.trial import Kind, Skipped, Subject, Trial, Void

Outcome = Literal["ok", "wrong", "hang", "lost", "void", "skipped"]
"""`void`: it did not come to the fault; `skipped`: this machine cannot have it."""
WORST: tuple[Kind, ...] = ("lost", "wrong", "hang")


@dataclass(frozen=True, slots=True)
class Fault:
    """What is done to a server and looked at afterwards.

    `trials`: how often in a whole run; `own`: on a server of its own, which the fault starts.
    """

    act: Callable[[Trial], None]
    trials: int = 4
    own: bool = False


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one trial."""

    fault: str
    outcome: Outcome
    seconds: float
    problem: str = ""

    @property
    def family(self) -> str:
        """The first word of the fault's name."""
        return self.fault.partition("/")[0]


def try_fault(name: str, fault: Fault, server: Subject) -> Result:
    """Put a fault into a server."""
    began, trial = time.monotonic(), Trial(server)
    outcome, problem = _outcome(fault, trial)
    return Result(name, outcome, round(time.monotonic() - began, 1), problem)


def _outcome(fault: Fault, trial: Trial) -> tuple[Outcome, str]:
    try:
        fault.act(trial)
        trial.read_log()
    except Void as error:
        return "void", str(error)
    except Skipped as error:
        return "skipped", str(error)
    except httpx.ConnectError as error:
        trial.problems.append(("wrong", f"the server is gone: {error}"))
    except (httpx.HTTPError, TimeoutError, pytest.fail.Exception) as error:
        trial.problems.append(("hang", f"{type(error).__name__}: {error}"))
    except (KeyError, IndexError, ValueError) as error:
        trial.problems.append(("wrong", f"{type(error).__name__}: {error}"))
    kinds = {kind for kind, _ in trial.problems}
    return next((one for one in WORST if one in kinds), "ok"), "; ".join(
        f"{kind}: {text}" for kind, text in trial.problems
    )


def try_alone(name: str, fault: Fault) -> Result:
    """Put a fault into a server that nobody else uses."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        server = Subject(Path(folder))
        try:
            if not fault.own:
                server.start()
            return try_fault(name, fault, server)
        finally:
            end(server)


def end(server: Subject) -> None:
    """End a server and whatever it has started."""
    if hasattr(server, "process"):
        server.close()
