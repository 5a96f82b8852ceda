"""Follow a run at a terminal: print its output, answer its questions, cancel it on Ctrl-C, end with
its exit code.
"""

import asyncio
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from pwsh_kernels.cli.console import ExitCode, note, say_json, shows_colours
from pwsh_kernels.cli.people import approvers
from pwsh_kernels.cli.prompts import answer_prompt
from pwsh_kernels.cli.times import local_clock
from pwsh_kernels.escapes import EscapeFilter, plain, visible_json
from pwsh_kernels.preview_text import preview_text
from pwsh_kernels.records import OutputFormat
from pwsh_kernels.shapes import FAILED, OPEN, Entry, Run, RunPage

if TYPE_CHECKING:
    from pwsh_kernels.client import RestClient

POLL_WAIT = 30.0
"""Seconds that one request about a run waits on the server for news."""

PAGE_CHARS = 100_000
"""Characters of output in one request."""

QUEUED_NOTE_AFTER = 1.0
"""Seconds that a command waits for its turn before the person learns why nothing happens."""

FOR_PROGRAMS = ("json", "csv")
"""Formats for which only the result may be on stdout."""

ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Printer:
    """Prints entries as they arrive, or keeps them for one JSON object at the end."""

    def __init__(self, run: Run, *, as_json: bool) -> None:
        """The format of `run` decides what is output and what is only displayed."""
        self._format = run["format"]
        self._is_json = run["format"] == "json"
        self._as_json = as_json
        self._result: list[str] = []
        self._escapes = [
            (stream, EscapeFilter(colours=shows_colours(stream)))
            for stream in (sys.stdout, sys.stderr)
        ]
        self._ends_line = True

    def show(self, page: RunPage) -> None:
        """Print, or keep, the entries of a page."""
        for entry in page["entries"]:
            is_result = belongs_to_result(entry, self._format)
            if not self._as_json:
                self._print(entry["text"], is_result=is_result)
            if is_result:
                self._keep(entry["text"])

    def _print(self, text: str, *, is_result: bool) -> None:
        stream, escapes = self._escapes[0 if is_result else 1]
        whole = visible_json(text) if is_result and self._is_json else text
        _write(stream, escapes.feed(whole))

    def end(self, run: Run) -> None:
        """Print the messages that follow the output."""
        if self._as_json:
            facts = {name: value for name, value in run.items() if name not in _PAGE_FIELDS}
            say_json({**facts, "result": "".join(self._result)})
            return
        for stream, escapes in self._escapes:
            _write(stream, escapes.end())
        if self._format in FOR_PROGRAMS and not self._ends_line:
            _write(sys.stdout, "\n")  # JSON comes without a line end, and files end with one
        if (
            run["state"] in ("cancelled", "lost")
            or signed_out(run)
            or run.get("code") == "output_lost"
        ):
            note(f"pwsh-kernels: {run['error'] or run['state']}")
            return
        if preview := run.get("preview"):
            note(plain(preview_text(preview)))
        for suggestion in dict.fromkeys(one["suggestion"] for one in run["errors"]):
            if suggestion:
                note(f"pwsh-kernels: {suggestion}")

    def _keep(self, text: str) -> None:
        self._ends_line = text.endswith("\n")
        if self._as_json:
            self._result.append(text)


def belongs_to_result(entry: Entry, output_format: OutputFormat) -> bool:
    """Return whether an entry is output: text that a script only displays (Write-Host) must not
    break JSON or CSV on stdout.
    """
    shown = entry["kind"] == "text" or output_format not in FOR_PROGRAMS
    return entry["stream"] == "stdout" and shown


_PAGE_FIELDS = frozenset({"entries", "cursor", "next_cursor", "more"})


def _write(stream: IO[str], text: str) -> None:
    stream.write(text)
    stream.flush()


async def follow_to_end(
    client: "RestClient", run: Run, *, as_json: bool, wait_s: float | None = None
) -> int:
    """Follow a run and return the exit code: the command's own when it ended.

    `wait_s` None: no limit.
    """
    printer = Printer(run, as_json=as_json)
    with interrupts() as (first, second):
        following = asyncio.create_task(_follow(client, run["run_id"], printer, wait_s))
        try:
            if not await _ends_before(following, first):
                await client.cancel(
                    run["run_id"], wait_s=0
                )  # before the note: the terminal may be gone
                note(f"Cancelling {run['run_id']} ... (Ctrl-C again leaves it running)")
                if not await _ends_before(following, second):
                    note(f"Left running: `pwsh-kernels follow {run['run_id']}` attaches again.")
                    return ExitCode.INTERRUPTED
            ended = following.result()
        except BrokenPipeError:
            await client.cancel(run["run_id"], wait_s=0)  # nobody reads the output any more
            raise
        finally:
            following.cancel()
    printer.end(ended)
    return run_exit_code(ended)


def run_exit_code(run: Run) -> int:
    """Return the exit code for a run; if it is still running, say so on stderr."""
    if run["state"] in OPEN:
        state = _open_words(run)
        note(f"{run['run_id']} {state}: `pwsh-kernels follow {run['run_id']}` attaches to it.")
        return ExitCode.STILL_RUNNING
    if run["state"] == "cancelled":
        undecided = run["code"].startswith("approval_")
        return ExitCode.FAILED if undecided else ExitCode.INTERRUPTED
    if run["state"] == "lost" or signed_out(run):
        return ExitCode.NOT_SIGNED_IN
    code = (run["exit_code"] or 0) & 0xFF
    return code or (ExitCode.OK if run["state"] == "succeeded" else ExitCode.FAILED)


def _open_words(run: Run) -> str:
    if run["state"] == "waiting_for_approval":
        return "waits for an approval"
    return f"is {run['state']}"


def signed_out(run: Run) -> bool:
    """Return whether a run failed because nobody is signed in any more."""
    return run["state"] in FAILED and run["code"] == "sign_in_ended"


async def _follow(
    client: "RestClient", run_id: str, printer: Printer, wait_s: float | None
) -> RunPage:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + wait_s if wait_s is not None else float("inf")
    cursor, seen, noted = 0, None, set[str]()
    while True:
        # The first look waits for nothing: the run may ask its question already.
        longest = QUEUED_NOTE_AFTER if seen == "queued" and seen not in noted else POLL_WAIT
        wait = max(0.0, min(longest, deadline - loop.time())) if seen else 0.0
        page = await client.read_run(run_id, cursor, wait, PAGE_CHARS, seen)
        printer.show(page)
        if page["state"] not in noted and (told := _waits(page, seen)):
            noted.add(page["state"])
            note(told)
        cursor, seen = page["next_cursor"], page["state"]
        if page["more"]:
            continue
        if page["state"] not in OPEN or loop.time() >= deadline:
            return page
        if page["state"] == "waiting_for_input" and page["prompt"]:
            await answer_prompt(client, page, page["prompt"])
            seen = "running"  # the next question may be there already


def _waits(run: Run, seen: str | None) -> str:
    """Return what a run waits for before it begins; "" if it does not, or was queued only now."""
    return _waits_behind(run) if seen == run["state"] == "queued" else waits_for_approval(run)


def waits_for_approval(run: Run) -> str:
    """Return whose approval a run waits for, and until when; "" if it waits for none."""
    approval = run["approval"]
    if run["state"] != "waiting_for_approval" or approval is None:
        return ""
    return plain(
        f"Waiting for an approval by {approvers(approval['approvers'])} until"
        f" {local_clock(approval['expires_at'])}. They read it with `pwsh-kernels approvals show"
        f" {approval['id']}`, and approve or decline it there or on the page."
    )


def _waits_behind(run: Run) -> str:
    ahead = run["waits_behind"]
    if ahead and ahead["state"] == "waiting_for_input":
        return plain(
            f"Waiting for {ahead['run_id']}, which is waiting for an answer from {ahead['asker']}."
        )
    return (
        "Waiting: another command is running in this session (`pwsh-kernels runs --state running`)."
    )


async def _ends_before(task: "asyncio.Task[RunPage]", event: asyncio.Event) -> bool:
    """Return True when the task ended, False when the event came first."""
    waiter = asyncio.create_task(event.wait())
    try:
        await asyncio.wait({task, waiter}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiter.cancel()
    return task.done()


@contextmanager
def interrupts() -> Iterator[tuple[asyncio.Event, asyncio.Event]]:
    """Yield two events, set by the first and the second Ctrl-C (or end of the terminal)."""
    first, second = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def interrupted() -> None:
        (second if first.is_set() else first).set()

    for number in ENDINGS:
        loop.add_signal_handler(number, interrupted)
    try:
        yield first, second
    finally:
        for number in ENDINGS:
            loop.remove_signal_handler(number)
