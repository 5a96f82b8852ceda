"""The format `json` ends for every object, in a shape that a person would choose, and plain data is
exact.
"""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from pwsh_kernels.powershell import Launch, PowerShell
from tests.fixtures.powershell import run

pytestmark = pytest.mark.asyncio(loop_scope="session")

ROW = (
    "$table = [Data.DataTable]::new(); [void]$table.Columns.Add('c')"
    "; [void]$table.Rows.Add('v'); $table"
)


async def read(shell: PowerShell, script: str) -> Any:
    said = await run(shell, script, format="json")
    assert said.summary.errors == 0, said.records
    return json.loads(said.text)


@pytest.mark.parametrize(
    ("script", "value"),
    [
        ("{ 1 + 1 }", " 1 + 1 "),
        ("[int]", "System.Int32"),
        ("[version]'1.2'", "1.2"),
        ("[xml]'<a><b/></a>'", "<a><b /></a>"),
        (ROW, {"c": "v"}),
        ("[pscustomobject]@{inner = " + "& {" + ROW + "}}", {"inner": {"c": "v"}}),
        ("[Exception]::new('why')", {"Type": "System.Exception", "Message": "why"}),
    ],
)
async def test_an_object_whose_text_or_columns_say_it_is_written_as_these(
    shell: PowerShell, script: str, value: Any
) -> None:
    found = await read(shell, script)
    kept = {name: found[name] for name in value} if isinstance(value, dict) else found
    assert kept == value


@pytest.mark.parametrize(
    ("script", "names"),
    [
        ("Get-Command Get-Item", {"Name": "Get-Item"}),
        ("Get-Module | Select-Object -First 1", {"ExportedCommands": ...}),
        ("Get-PSDrive | Where-Object Name -eq '/'", {"Root": "/", "Provider": "FileSystem"}),
        ("Get-Item /", {"FullName": "/", "Mode": ...}),
        ("Get-Process -Id $PID", {"Id": ..., "ProcessName": ...}),
        ("Get-Host", {"Name": "ServerRemoteHost", "UI": ...}),
        ("[runspace]::DefaultRunspace", {"Id": ...}),
        ("$ExecutionContext", {"SessionState": "System.Management.Automation.SessionState"}),
        ("try { throw 'x' } catch { $_ }", {"Message": "x", "Category": "OperationStopped"}),
        ("'abc' | Select-String b", {"Line": "abc"}),
        ("1 | Group-Object", {"Name": "1", "Count": 1, "Group": [1]}),
    ],
)
async def test_an_object_that_leads_to_the_whole_process_is_written_with_its_own_properties(
    shell: PowerShell, script: str, names: dict[str, Any]
) -> None:
    found = await read(shell, script)
    assert set(names) <= set(found)
    assert {name: found[name] for name, value in names.items() if value is not ...} == {
        name: value for name, value in names.items() if value is not ...
    }


async def test_a_group_holds_its_members_in_their_shape(shell: PowerShell) -> None:
    groups = await read(shell, "Get-ChildItem / -Directory | Group-Object PSIsContainer")
    assert {"Name", "FullName", "Mode"} <= set(groups["Group"][0])


async def test_a_job_that_still_runs_does_not_hold_the_answer(shell: PowerShell) -> None:
    script = (
        "$job = Start-Job { Start-Sleep 60 }; $job; [pscustomobject]@{output = $job.ChildJobs[0]"
        ".Output}; $job | Remove-Job -Force"
    )
    job, holder = await read(shell, script)
    assert (job["PSJobTypeName"], holder) == ("BackgroundJob", {"output": []})


@pytest.mark.parametrize(
    "script",
    [
        "1..3 | % { [pscustomobject]@{n = $_; sub = @{k = @(1, @{z = $null})}; e = @(); f = ''} }",
        "0, $false, '', $null, 1.5, [datetime]'2020-01-01', [timespan]1, [DayOfWeek]1, @(), @{}",
        "1..300 | % { [pscustomobject]@{n = $_; when = [datetime]'2020-01-01'; list = 'a', 'b'} }",
        "[pscustomobject]@{ok = $true; none = $null; names = @('a')}",
    ],
)
async def test_plain_data_is_written_as_convertto_json_writes_it(
    shell: PowerShell, script: str
) -> None:
    plain = await run(shell, f"ConvertTo-Json -Depth 10 -InputObject @({script})")
    said = await run(shell, f"{script}", format="json")
    alone = json.loads(plain.text)
    assert json.loads(said.text) == (alone if len(alone) > 1 else alone[0])
    assert said.summary.left_out == {}


@pytest.mark.parametrize(
    ("script", "value"),
    [
        ("@{1 = 2}", {"1": 2}),
        ("[ordered]@{5 = 'a'; 0 = @{$true = 'b'}}", {"5": "a", "0": {"True": "b"}}),
        ("[pscustomobject]@{map = @{[DayOfWeek]1 = 'x'}; n = 1}", {"map": {"Monday": "x"}, "n": 1}),
        ("$m = [Collections.Generic.Dictionary[int, string]]::new(); $m[3] = 'c'; $m", {"3": "c"}),
        ("'a', 'bb' | Group-Object Length -AsHashTable", {"1": ["a"], "2": ["bb"]}),
        ("'first', @{2 = 3}, 'last'", ["first", {"2": 3}, "last"]),
    ],
)
async def test_a_key_that_is_no_text_is_written_as_its_text(
    shell: PowerShell, script: str, value: Any
) -> None:
    assert await read(shell, script) == value


async def test_two_keys_with_the_same_text_are_one_and_the_other_is_said_to_be_left_out(
    shell: PowerShell,
) -> None:
    said = await run(shell, "$map = @{1 = 'number'}; $map['1'] = 'text'; $map", format="json")
    assert json.loads(said.text) in ({"1": "number"}, {"1": "text"})
    assert said.summary.left_out == {"values": 1}
    assert [one.kind for one in said.records] == ["warning"]


async def test_what_json_leaves_out_is_counted_in_the_summary_and_warned_of(
    shell: PowerShell,
) -> None:
    script = "class Wide { $Numbers = [Linq.Enumerable]::Range(0, 50000) }; [Wide]::new()"
    said = await run(shell, script, format="json")
    assert len(json.loads(said.text)["Numbers"]) < 50000
    assert said.summary.left_out["values"] >= 1
    assert [one.kind for one in said.records] == ["warning"]


async def test_an_object_of_powershell_inside_another_is_text_and_counted_without_a_warning(
    shell: PowerShell,
) -> None:
    said = await run(shell, "Get-Host", format="json")
    assert said.summary.left_out["as_text"] >= 1
    assert said.records == []


async def test_an_object_that_holds_itself_ends_there(shell: PowerShell) -> None:
    found = await read(shell, "$map = @{a = 1}; $map.me = $map; $map")
    assert found == {"a": 1, "me": "System.Collections.Hashtable"}


async def test_properties_that_fail_are_null_and_leave_no_error_behind(shell: PowerShell) -> None:
    script = (
        "$Error.Clear(); [pscustomobject]@{a = 1} | Add-Member b -MemberType ScriptProperty"
        " -Value { throw 'x' } -PassThru"
    )
    assert await read(shell, script) == {"a": 1, "b": None}
    assert await read(shell, "$Error.Count") == 0


@pytest.mark.parametrize("output_format", ["json", "csv"])
async def test_what_format_table_made_is_an_error_with_advice_and_never_its_internals(
    shell: PowerShell, output_format: str
) -> None:
    script = "1; Get-Process -Id $PID | Format-Table"
    said = await run(shell, script, format=output_format)
    assert said.text in ("1", "[\n  1\n]", '"Value"\n"1"\n')
    (error,) = said.records
    assert error.error_id == "FormattedOutput"
    assert said.summary.had_errors


NEVER_DONE = (
    "[pscustomobject]@{ first = 1; endless = [Linq.Enumerable]::Range(0, [int]::MaxValue)"
    "; never = [Threading.Tasks.TaskCompletionSource[int]]::new().Task"
    "; waits = [Collections.Concurrent.BlockingCollection[int]]::new().GetConsumingEnumerable()"
    "; last = 2 } | Add-Member ScriptProperty slow { Start-Sleep 300 } -PassThru"
)


@pytest_asyncio.fixture(loop_scope="session")
async def hasty(
    powershell_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[PowerShell]:
    """A PowerShell that takes eight seconds for JSON, not twenty."""
    monkeypatch.setattr("pwsh_kernels.powershell.shell.JSON_MILLISECONDS", 8000)
    opened = await PowerShell.open(Launch(powershell_path, home=tmp_path, machine_modules=False))
    yield opened
    await opened.close()


async def test_what_never_ends_or_waits_for_ever_is_left_out_and_said_and_the_rest_is_there(
    hasty: PowerShell,
) -> None:
    by_format = await run(hasty, NEVER_DONE, format="json")
    by_command = await run(hasty, f"{NEVER_DONE} | Out-Json")
    for said in (by_format, by_command):
        found = json.loads(said.text)
        assert (found["first"], found["last"], found["slow"]) == (1, 2, None)
        assert found["never"]["Result"] is None
        assert found["waits"] == []
        assert len(found["endless"]) < 100_000
        assert ["The JSON is not whole" in one.message for one in said.records] == [True]
    assert by_format.summary.left_out["values"] >= 3
    after = await run(hasty, "$Error.Count; Start-Sleep -Milliseconds 1; 'on'")
    assert after.text == "0\non\n"
