"""`pwsh-kernels audit` as an auditor uses it: on the files, without the server that wrote them."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pwsh_kernels.audit.event import Door, Event, Kind
from pwsh_kernels.audit.files import log_files
from pwsh_kernels.audit.log import AuditLog
from pwsh_kernels.cli.audit import since_time
from pwsh_kernels.errors import InvalidRequest
from tests.fixtures.cli import run_command

Command = Callable[..., tuple[str, str, int]]


@pytest.fixture
def log(tmp_path: Path) -> AuditLog:
    """A log with what an agent and a person did."""
    one = AuditLog(tmp_path / "data" / "audit")
    who = ("agent:claude", "", "contoso.example", "exo")
    one.append(Event(Kind.RUN_ACCEPTED, Door.MCP, *who, command="Get-Mailbox"))
    one.append(Event(Kind.RUN_ENDED, Door.MCP, *who, outcome="succeeded"))
    one.append(Event(Kind.DENIED, Door.REST, "person:ada", tenant="fabrikam.example"))
    one.close()
    return one


@pytest.fixture
def audit(tmp_path: Path) -> Command:
    """Run `pwsh-kernels audit ...` in this process."""
    environment = {"PWSH_MANAGER_DATA_DIR": str(tmp_path / "data"), "HOME": str(tmp_path)}
    return lambda *arguments: run_command(environment, "audit", *arguments)


def test_the_newest_records_are_shown_with_who_and_what(log: AuditLog, audit: Command) -> None:
    out, _, code = audit("show")
    assert code == 0
    assert "agent:claude  run.accepted  contoso.example:exo  -          Get-Mailbox" in out
    only = json.loads(audit("show", "--who", "person:ada", "--last", "5", "--json")[0])
    assert [one["kind"] for one in only["records"]] == ["denied"]
    assert len(json.loads(audit("show", "--last", "2", "--json")[0])["records"]) == 2


def test_a_table_names_people_and_json_has_their_ids(log: AuditLog, audit: Command) -> None:
    more = AuditLog(log.folder)
    more.append(Event(Kind.DENIED, Door.REST, "token", tenant="fabrikam.example"))
    more.close()
    table = audit("show", "--kind", "denied")[0]
    assert table.startswith("TIME (LOCAL)")
    assert "the owner" in table
    told = json.loads(audit("show", "--last", "1", "--json")[0])
    assert told["records"][0]["principal"] == "token"


def test_every_time_has_its_date(log: AuditLog, audit: Command) -> None:
    today = f"{datetime.now().astimezone():%Y-%m-%d} "
    assert all(line.startswith(today) for line in audit("show")[0].splitlines()[1:])


def test_a_typing_error_in_a_filter_is_told(log: AuditLog, audit: Command) -> None:
    out, err, code = audit("show", "--kind", "runs")
    assert (out, code) == ("", 2)
    assert "--kind must be one of agents, approval, cell," in err
    _, err, code = audit("show", "--tenant", "contso.example")
    known = "The log has: contoso.example, fabrikam.example."
    assert (code, err) == (0, f"No record has the tenant contso.example. {known}\n")
    assert "The log has: agent:claude, person:ada." in audit("show", "--who", "agent:nobody")[1]
    assert audit("show", "--tenant", "fabrikam.example", "--kind", "run")[1] == ""


def test_a_whole_log_is_told_with_its_head_and_what_cannot_be_seen(
    log: AuditLog, audit: Command
) -> None:
    out, err, code = audit("verify")
    assert (code, out) == (0, f"4 records fit together, up to number 4:\n{log.head}\n")
    assert "Without --anchor" in err
    assert f"`pwsh-kernels audit verify --anchor {log.head}`" in err
    out, err, code = audit("verify", "--anchor", log.head)
    assert (code, err) == (0, "")


def test_a_changed_record_ends_with_code_1_and_its_place(log: AuditLog, audit: Command) -> None:
    [file] = log_files(log.folder)
    file.write_bytes(file.read_bytes().replace(b"Get-Mailbox", b"Get-Nothing"))
    out, err, code = audit("verify")
    assert code == 1
    assert out.startswith(f"{file.name}, line 2: it does not follow from the record before it")
    assert "not as it was written" in err
    told = json.loads(audit("verify", "--json")[0])
    assert (told["success"], told["problems"][0]["line"]) == (False, 2)


def test_a_missing_end_is_seen_by_an_anchor(log: AuditLog, audit: Command) -> None:
    [file] = log_files(log.folder)
    file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[:-1]))
    assert audit("verify")[2] == 0
    out, _, code = audit("verify", "--anchor", log.head)
    assert (code, out.startswith(f"no record has the hash {log.head}")) == (1, True)


@pytest.mark.parametrize(("form", "lines"), [("jsonl", 2), ("csv", 3), ("cef", 2)])
def test_chosen_records_are_exported(log: AuditLog, audit: Command, form: str, lines: int) -> None:
    out, _, code = audit("export", "--format", form, "--who", "agent:claude")
    assert (code, len(out.splitlines())) == (0, lines)
    assert "person:ada" not in out


def test_a_folder_without_a_log_is_refused(audit: Command, tmp_path: Path) -> None:
    _, err, code = audit("verify", "--folder", str(tmp_path))
    assert (code, "there is no audit log" in err) == (2, True)


def test_a_time_is_a_date_or_how_long_ago() -> None:
    now = datetime(2026, 11, 30, 22, tzinfo=UTC)
    assert since_time("", now) is None
    assert since_time("90m", now) == now - timedelta(minutes=90)
    assert since_time("7d", now) == now - timedelta(days=7)
    assert since_time("2026-11-30T01:00:00Z", now) == datetime(2026, 11, 30, 1, tzinfo=UTC)
    for odd in ("yesterday", "d", "99999999999999999d", "-1h"):
        with pytest.raises(InvalidRequest):
            since_time(odd, now)
