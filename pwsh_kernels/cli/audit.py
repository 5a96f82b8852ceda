"""`pwsh-kernels audit`: reads the files of the audit log, without a server: the one that is checked
does not answer for itself.
"""

from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from pwsh_kernels.audit.chain import BEGINNING
from pwsh_kernels.audit.export import FORMATS
from pwsh_kernels.audit.files import log_files, named_lines
from pwsh_kernels.audit.selection import Record, Selection, records, require_kind
from pwsh_kernels.audit.verification import Verification, verify
from pwsh_kernels.cli.console import ExitCode, note, say, say_json, table
from pwsh_kernels.cli.times import local_time
from pwsh_kernels.discovery import read_settings
from pwsh_kernels.errors import InvalidRequest
from pwsh_kernels.principals.principal import called

UNITS = {"m": "minutes", "h": "hours", "d": "days"}
NO_LOG = "there is no audit log; --folder names another place"
MOST_SHOWN = 20
"""Problems that are listed; the others are counted."""

Folder = Annotated[Path | None, typer.Option(help="Where the log is, if not where settings say.")]
Who = Annotated[str, typer.Option(help="Only of this principal, and of who acts for it.")]
OfTenant = Annotated[str, typer.Option(help="Only in this tenant, by its own name.")]
OfKind = Annotated[str, typer.Option(help="Only of this kind, such as denied, run or run.ended.")]
Since = Annotated[str, typer.Option(help="Only from a time on: 2026-11-30, 90m, 12h or 7d.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


class Format(StrEnum):
    """Forms of an export."""

    JSONL = "jsonl"
    CSV = "csv"
    CEF = "cef"


def audit() -> None:
    """Show, verify and export the audit log, in its files.

    What is recorded: docs/governance.md.
    """


def show(
    who: Who = "",
    tenant: OfTenant = "",
    kind: OfKind = "",
    since: Since = "",
    last: Annotated[int, typer.Option(min=1, help="How many records, the newest.")] = 30,
    folder: Folder = None,
    as_json: AsJson = False,
) -> None:
    """Show the newest records."""
    found = deque(_chosen(_folder(folder), who, tenant, kind, since), maxlen=last)
    if not found:
        _explain_nothing(_folder(folder), who, tenant)
    if as_json:
        say_json({"success": True, "records": list(found)})
        return
    headings = ("TIME (LOCAL)", "WHO", "KIND", "SESSION", "OUTCOME", "WHAT")
    say(table(headings, [_row(one) for one in found]))


def verify_log(
    anchor: Annotated[
        list[str] | None, typer.Option(help="A hash that was noted elsewhere; it must be there.")
    ] = None,
    after: Annotated[
        str, typer.Option(help="The hash before the first record, if older files are elsewhere.")
    ] = BEGINNING,
    folder: Folder = None,
    as_json: AsJson = False,
) -> None:
    """Check that no record was changed, removed, inserted or swapped; exit code 1 if one was."""
    found = verify(named_lines(_folder(folder)), anchor or (), after)
    if as_json:
        say_json(_told(found))
    else:
        _say(found, anchored=bool(anchor))
    if found.problems:
        raise typer.Exit(ExitCode.FAILED)


def export(
    to: Annotated[Format, typer.Option("--format", help="JSON lines, CSV or CEF.")] = Format.JSONL,
    who: Who = "",
    tenant: OfTenant = "",
    kind: OfKind = "",
    since: Since = "",
    folder: Folder = None,
) -> None:
    """Print the records for other programs."""
    for line in FORMATS[to.value](_chosen(_folder(folder), who, tenant, kind, since)):
        say(line)


def _folder(given: Path | None) -> Path:
    folder = given or read_settings().audit_folder
    if not log_files(folder):
        raise InvalidRequest(str(folder), NO_LOG)
    return folder


def _explain_nothing(folder: Path, who: str, tenant: str) -> None:
    """Say so if the whole log names nobody, or no tenant, like this: it may be a typing error."""
    for fact, asked, selection in (
        ("principal", who, Selection(who=who)),
        ("tenant", tenant, Selection(tenant=tenant)),
    ):
        if asked and not any(records(named_lines(folder), selection)):
            known = {one.get(fact) for one in records(named_lines(folder), Selection())}
            names = ", ".join(sorted(str(one) for one in known if one)) or "none"
            note(f"No record has the {fact} {asked}. The log has: {names}.")


def _chosen(folder: Path, who: str, tenant: str, kind: str, since: str) -> Iterator[Record]:
    require_kind(kind, "--kind")
    selection = Selection(who, tenant, kind, since_time(since, datetime.now(UTC)))
    return records(named_lines(folder), selection)


def since_time(text: str, now: datetime) -> datetime | None:
    """Return the time that a text names: a date, a time, or how long ago. Raises InvalidRequest."""
    if not text:
        return None
    try:
        if text[-1] in UNITS and text[:-1].isdecimal():
            return now - timedelta(**{UNITS[text[-1]]: int(text[:-1])})
        return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError):
        raise InvalidRequest("--since", "is a time such as 2026-11-30, 90m, 12h or 7d") from None


def _row(record: Record) -> tuple[str, ...]:
    what = record.get("command") or record.get("verb") or record.get("reason") or ""
    return (
        local_time(str(record.get("time", ""))),
        called(str(record.get("principal", ""))),
        str(record.get("kind", "")),
        str(record.get("session", record.get("tenant", ""))),
        str(record.get("outcome", "")),
        str(what).partition("\n")[0][:60],
    )


def _told(found: Verification) -> dict[str, Any]:
    problems = [{"file": one.file, "line": one.line, "problem": one.text} for one in found.problems]
    facts = {"records": found.records, "seq": found.last, "head": found.head}
    return {"success": not problems, **facts, "problems": problems}


def _say(found: Verification, *, anchored: bool) -> None:
    for one in found.problems[:MOST_SHOWN]:
        say(str(one))
    if len(found.problems) > MOST_SHOWN:
        say(f"and {len(found.problems) - MOST_SHOWN} more")
    if found.problems:
        note(f"The log is not as it was written: {len(found.problems)} problems.")
        return
    say(f"{found.records} records fit together, up to number {found.last}:\n{found.head}")
    if not anchored:
        note(
            "Without --anchor nobody can tell whether records at the end are missing: note this"
            " hash elsewhere, and next time call"
            f" `pwsh-kernels audit verify --anchor {found.head}`."
        )
