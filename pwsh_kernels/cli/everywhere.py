"""`pwsh-kernels run` in several tenants: a line when each has ended, then every output in the order
asked for.
"""

import asyncio
import time
from typing import TYPE_CHECKING, Any, Literal

from pwsh_kernels.cli.console import ExitCode, Json, error_line, note, say, say_json
from pwsh_kernels.cli.following import OPEN_STATES, PAGE_CHARS, interrupts
from pwsh_kernels.errors import RequestRefused

if TYPE_CHECKING:
    from pwsh_kernels.client import RestClient

LOOK_WAIT = 20.0
"""Seconds that one look at a run waits on the server."""


def read_tenants(text: str) -> list[str] | Literal["*"] | None:
    """Return the tenants of `a,b` or `*`; None for a single one."""
    if text == "*":
        return "*"
    names = [name.strip() for name in text.split(",") if name.strip()]
    return names if "," in text else None


async def run_everywhere(
    client: "RestClient",
    tenants: list[str] | Literal["*"],
    module: str,
    script: str,
    options: dict[str, Any],
    *,
    wait_s: float | None,
    detach: bool,
    as_json: bool,
) -> int:
    """Run a script in several tenants and return the exit code: 0 when it succeeded in all.

    Ctrl-C cancels it in all.
    """
    started = await client.run_everywhere(tenants, module, script, wait_s=0, **options)
    runs = started["results"]
    if detach:
        return _name_runs(runs)
    results = await _watch(client, runs, None if wait_s is None else time.monotonic() + wait_s)
    _print(results, as_json=as_json)
    if any(one["state"] in OPEN_STATES for one in results):
        return ExitCode.STILL_RUNNING
    return ExitCode.OK if all(one["state"] == "succeeded" for one in results) else ExitCode.FAILED


def _name_runs(runs: list[Json]) -> int:
    """Print each tenant with the id of its run; what was refused goes to stderr."""
    for run in runs:
        if run.get("run_id"):
            say(f"{run['tenant']} {run['run_id']}")
        else:
            note(f"{run['tenant']}: {run['state']}{_why(run)}")
    return ExitCode.OK if all(run.get("run_id") for run in runs) else ExitCode.FAILED


async def _watch(client: "RestClient", runs: list[Json], deadline: float | None) -> list[Json]:
    """Return every run as it is at its end, or at the deadline (monotonic seconds); Ctrl-C cancels
    them.
    """
    with interrupts() as (first, _):
        watching = asyncio.gather(*(_ended(client, run, deadline) for run in runs))
        stop = asyncio.create_task(first.wait())
        pending: set[asyncio.Future[Any]] = {watching, stop}
        await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
        if not watching.done():
            await asyncio.gather(
                *(client.cancel(run["run_id"], wait_s=0) for run in runs if run.get("run_id"))
            )
        results = await watching
        stop.cancel()
    return results


async def _ended(client: "RestClient", run: Json, deadline: float | None) -> Json:
    """Return a run with its whole output once it has ended or the deadline has come; tell on stderr
    which.
    """
    page, text, cursor = run, "", 0
    while run.get("run_id"):
        left = (
            LOOK_WAIT if deadline is None else min(max(deadline - time.monotonic(), 0), LOOK_WAIT)
        )
        page = await client.read_run(run["run_id"], cursor, left, PAGE_CHARS, page["state"])
        text += "".join(entry["text"] for entry in page["entries"])
        cursor = page["next_cursor"]
        if page["state"] not in OPEN_STATES and not page["more"]:
            break
        if page["state"] == "waiting_for_input":
            note(f"{run['tenant']}: asks a question, which cannot be answered here")
            page = await client.refuse(run["run_id"])
        elif not left:
            break
    note(f"{run['tenant']}: {page['state']}{_why(page)}")
    return {
        **{name: value for name, value in page.items() if name not in ("entries", "cursor")},
        "output": text,
    }


def _why(page: Json) -> str:
    if page["state"] in OPEN_STATES:
        return f": `pwsh-kernels follow {page['run_id']}` attaches to it"
    if not page.get("error"):
        return ""
    return f" ({error_line(RequestRefused(200, page['code'], page['error'], page))})"


def _print(results: list[Json], *, as_json: bool) -> None:
    if as_json:
        say_json(results)
        return
    for one in results:
        say(f"== {one['tenant']}: {one['state']}")
        if one["output"]:
            say(one["output"].rstrip("\n"))
