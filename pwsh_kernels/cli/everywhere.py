"""`pwsh-kernels run` in several tenants: a line on stderr as each ends, then every output in the
order asked for, or one JSON or CSV of all.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from pwsh_kernels.cli.console import ExitCode, error_line, note, say, say_json, show
from pwsh_kernels.cli.following import (
    FOR_PROGRAMS,
    PAGE_CHARS,
    belongs_to_result,
    interrupts,
    waits_for_approval,
)
from pwsh_kernels.cli.tenant_rows import csv_rows, json_rows
from pwsh_kernels.errors import RequestRefused
from pwsh_kernels.escapes import plain
from pwsh_kernels.records import OutputFormat
from pwsh_kernels.shapes import OPEN, Entry, Refused, Run, RunArguments, TenantRun

if TYPE_CHECKING:
    from pwsh_kernels.client import RestClient

LOOK_WAIT = 20.0
"""Seconds that one request about a run waits on the server."""


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
    options: RunArguments,
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
    asked = (waits_for_approval(one) for one in runs if one["state"] != "refused")
    for told in dict.fromkeys(filter(None, asked)):  # one approval is for all that need it
        note(told)
    if detach:
        return _name_runs(runs)
    results = await _watch(client, runs, None if wait_s is None else time.monotonic() + wait_s)
    if as_json:
        say_json([one.to_json() for one in results])
        whole = True
    else:
        whole = _print(results, options["format"])
    states = {one.run["state"] for one in results}
    if states & OPEN:
        return ExitCode.STILL_RUNNING
    return ExitCode.OK if whole and states <= {"succeeded"} else ExitCode.FAILED


def _name_runs(runs: list[TenantRun]) -> int:
    """Print each tenant with the id of its run; refusals go to stderr."""
    for run in runs:
        if run["state"] == "refused":
            note(f"{run['tenant']}: {run['state']}{_why(run)}")
        else:
            say(f"{run['tenant']} {run['run_id']}")
    refused = any(run["state"] == "refused" for run in runs)
    return ExitCode.FAILED if refused else ExitCode.OK


async def _watch(
    client: "RestClient", runs: list[TenantRun], deadline: float | None
) -> "list[Ended]":
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
                *(
                    client.cancel(run["run_id"], wait_s=0)
                    for run in runs
                    if run["state"] != "refused"
                )
            )
        results = await watching
        stop.cancel()
    return results


@dataclass(frozen=True, slots=True)
class Ended:
    """A script's result in one tenant, with all its output."""

    run: Run | Refused
    entries: Sequence[Entry] = ()

    def to_json(self) -> Mapping[str, object]:
        """Return the run's facts with the whole output, without the fields about one page of it."""
        facts = {name: one for name, one in self.run.items() if name not in ("entries", "cursor")}
        return {**facts, "output": "".join(entry["text"] for entry in self.entries)}

    def parts(self, output_format: OutputFormat) -> tuple[str, str]:
        """Return the result, and the messages that accompany it."""
        texts: dict[bool, str] = {True: "", False: ""}
        for entry in self.entries:
            texts[belongs_to_result(entry, output_format)] += entry["text"]
        return texts[True], texts[False]


async def _ended(client: "RestClient", started: TenantRun, deadline: float | None) -> Ended:
    """Return a run with its whole output once it has ended or the deadline has passed; report on
    stderr which.
    """
    ended = (
        Ended(started)
        if started["state"] == "refused"
        else await _read_to_end(client, started, deadline)
    )
    note(f"{ended.run['tenant']}: {ended.run['state']}{_why(ended.run)}")
    return ended


async def _read_to_end(client: "RestClient", started: Run, deadline: float | None) -> Ended:
    run, entries, cursor = started, list[Entry](), 0
    while True:
        left = (
            LOOK_WAIT if deadline is None else min(max(deadline - time.monotonic(), 0), LOOK_WAIT)
        )
        page = await client.read_run(run["run_id"], cursor, left, PAGE_CHARS, run["state"])
        run = page
        entries += page["entries"]
        cursor = page["next_cursor"]
        if page["state"] not in OPEN and not page["more"]:
            return Ended(run, entries)
        if page["state"] == "waiting_for_input":
            note(f"{run['tenant']}: asks a question, which cannot be answered here")
            run = await client.refuse(run["run_id"])
        elif not left:
            return Ended(run, entries)


def _why(run: Run | Refused) -> str:
    if run["state"] in OPEN:
        return f": `pwsh-kernels follow {run['run_id']}` attaches to it"
    if run["state"] == "succeeded" or not run["error"]:
        return ""
    return f" ({error_line(RequestRefused(200, run['code'], run['error'], dict(run)))})"


def _print(results: list[Ended], output_format: OutputFormat) -> bool:
    """Print the results to stdout, their tenants and accompanying messages to stderr; return
    whether every result is complete.
    """
    found: list[tuple[str, str]] = []
    for one in results:
        result, said = one.parts(output_format)
        note(f"== {one.run['tenant']}: {one.run['state']}")
        if output_format not in FOR_PROGRAMS and result:
            show(result.rstrip("\n"))
        if said:
            show(said.rstrip("\n"), aside=True)
        found.append((one.run["tenant"], plain(result)))
    broken: list[str] = []
    if output_format == "json":
        rows, broken = json_rows(found)
        say(rows)
    elif output_format == "csv":
        say(csv_rows(found).rstrip("\n"))
    for tenant in broken:
        note(f"{tenant}: its result was cut off and is left out; --json has what was kept.")
    return not broken
