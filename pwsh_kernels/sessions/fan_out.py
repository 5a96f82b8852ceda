"""One command in several tenants: which ones, whose turn it is, and one result for each, in the
order asked for.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import cast

from pwsh_kernels.errors import InvalidRequest, ProductError
from pwsh_kernels.sessions.requests import RunRequest
from pwsh_kernels.sessions.runs.run import Run
from pwsh_kernels.sessions.session import Session
from pwsh_kernels.sessions.tasks import Tasks
from pwsh_kernels.shapes import Everywhere, Refused, TenantRun

ALL = "*"
"""Stands for every tenant that is signed in to the module."""
MAX_TENANTS = 200
NOTHING_YET = (
    "Nothing has run yet: the command needs an approval by a person in every tenant. Each result"
    " names its approval."
)
LOOK_S = 60.0
"""How often a turn that a long run holds is checked."""


def chosen_tenants(asked: Sequence[str], module: str, sessions: Iterable[Session]) -> list[str]:
    """Return the tenants, each once, in the order asked for; `*` alone: those signed in, by name.

    Raises InvalidRequest.
    """
    if list(asked) == [ALL]:
        names = sorted(
            one.key.tenant
            for one in sessions
            if one.key.module == module and one.state == "signed_in"
        )
        if not names:
            raise InvalidRequest(
                field="tenants", problem=f"is *, and no tenant is signed in to {module}"
            )
        return names
    if not asked or len(asked) > MAX_TENANTS or ALL in asked:
        raise InvalidRequest(
            field="tenants", problem=f'must name 1 to {MAX_TENANTS} tenants, or be "*" alone'
        )
    return list(dict.fromkeys(asked))


def refused_view(request: RunRequest, error: ProductError) -> Refused:
    """Return the result of a tenant in which nothing was run."""
    refused: Refused = {
        "tenant": request.tenant,
        "module": request.module,
        "tier": request.tier,
        "state": "refused",
        "success": False,
        "error": error.text(),
        "code": error.code,
    }
    return cast("Refused", {**refused, **error.facts()})


def summary_view(module: str, results: list[TenantRun]) -> Everywhere:
    """Return the answer: the results, the number in each state, and whether all succeeded."""
    states = dict(Counter(str(one["state"]) for one in results))
    view: Everywhere = {
        "success": all(one["success"] for one in results),
        "module": module,
        "results": results,
        "states": states,
    }
    if view["success"]:
        return view
    if set(states) == {"waiting_for_approval"}:
        return {**view, "error": NOTHING_YET, "code": "waiting_for_approval"}
    told = ", ".join(f"{count} {state}" for state, count in states.items())
    return {**view, "error": f"Not all succeeded: {told}.", "code": "not_all_succeeded"}


class Turns:
    """Limits how many fanned-out runs go at the same time.

    A run takes a turn only when it could begin in its session: one that waits there behind others
    holds none.
    """

    def __init__(self, parallel: int, tasks: Tasks) -> None:
        self._free = parallel
        self._tasks = tasks
        self._held_back: dict[Callable[[], None], None] = {}

    def take(self, run: Run, retry: Callable[[], None]) -> bool:
        """Return whether a run may go now; if not, `retry` is called when a turn is over."""
        if not self._free:
            self._held_back[retry] = None
            return False
        self._free -= 1
        self._tasks.start(self._hold(run), f"turn of {run.id}")
        return True

    async def _hold(self, run: Run) -> None:
        """Keep a turn until the run ends, or asks a question."""
        while not await run.wait(LOOK_S):
            continue
        self._free += 1
        held_back, self._held_back = self._held_back, {}
        for retry in held_back:
            retry()
