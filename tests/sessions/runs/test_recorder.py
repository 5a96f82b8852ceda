"""What a person's notebook shows of a table on a session is in the run's output once, as
PowerShell's text.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pwsh_kernels.sessions.key import SessionKey
from pwsh_kernels.sessions.runs.output_log import Entry, OutputLog
from pwsh_kernels.sessions.runs.recorder import Recorder
from pwsh_kernels.sessions.runs.run import Run
from tests.fixtures.kernel import Client
from tests.fixtures.kernel import Run as Seen

SLOW = (
    "'before'; Get-ChildItem / | Select-Object -First 3 | ForEach-Object { $_; Start-Sleep"
    " -Milliseconds 300 }; 'after'"
)


def test_a_growing_table_of_a_notebook_is_recorded_once_and_whole(
    client: Client, tmp_path: Path
) -> None:
    seen = client.notebook_run(SLOW)
    assert "update_display_data" in {one["msg_type"] for one in seen.outputs}
    run = Run("r-1", SessionKey("contoso.example", "exo"), SLOW, OutputLog(tmp_path / "r", 10_000))
    recorder = Recorder(run)
    for message in seen.messages:
        recorder.receive(message)
    recorded = run.log.text(frozenset({"text"}))
    assert recorded.split() == client.run(SLOW, {}).text().split()
    assert recorded.count("UnixMode") == 1


IN_TURN = """
    foreach ($number in 1..{count}) {{
        "line $number"; Write-Error "error $number"; Write-Warning "warning $number"
        [Console]::WriteLine("console $number"); Write-Host "host $number"
    }}
    $answer = Read-Host Name; "got $answer"; throw 'the end'
"""


def recorded(seen: Seen, tmp_path: Path) -> tuple[Run, list[Entry]]:
    """Return what a run's messages are in the server."""
    run = Run("r-1", SessionKey("contoso.example", "exo"), "", OutputLog(tmp_path / "r", 10**9))
    recorder = Recorder(run)
    for message in seen.messages:
        recorder.receive(message)
    return run, run.log.read(0, 10**9).entries


def texts(entries: list[Entry], kind: str) -> str:
    return "".join(one.text for one in entries if one.kind == kind)


def asked(client: Client, count: int, options: Mapping[str, Any]) -> Seen:
    return client.run(IN_TURN.format(count=count), options, answers=["Ann"])


def test_a_message_of_several_pieces_is_recorded_as_what_it_stands_for(
    client: Client, tmp_path: Path
) -> None:
    plain, packed = (asked(client, 30, {"packed": one}) for one in (False, True))
    assert len(packed.outputs) < len(plain.outputs)
    plain_run, plain_entries = recorded(plain, tmp_path)
    packed_run, packed_entries = recorded(packed, tmp_path)
    for kind in ("text", "host", "console", "error", "warning"):
        assert texts(packed_entries, kind) == texts(plain_entries, kind)
    assert [one.message for one in packed_run.errors] == [one.message for one in plain_run.errors]
    assert len(packed_run.warnings) == len(plain_run.warnings) == 30
    assert [one.record for one in packed_entries if one.record] == [
        one.record for one in plain_entries if one.record
    ]
    assert packed_entries[-2].text.endswith("got Ann\n")
    assert packed_entries[-1].record is not None
    assert packed_entries[-1].record.terminating


def test_records_and_text_in_turn_cost_no_message_each(client: Client, tmp_path: Path) -> None:
    seen = client.run(IN_TURN.format(count=2000), {"packed": True}, answers=["Ann"])
    assert seen.summary.errors == 2001
    assert len(seen.outputs) < 2000
    _, entries = recorded(seen, tmp_path)
    lines = texts(entries, "text").splitlines()
    assert lines == [*(f"line {number}" for number in range(1, 2001)), "got Ann"]
    order = [one.kind for one in entries if one.kind in ("text", "error", "warning")]
    assert order[:6] == ["text", "error", "warning"] * 2
