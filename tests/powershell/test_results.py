"""What a run says is what the engine said: exact values, exact order, every fact
(decision 0003).
"""

import asyncio
from typing import Any

import pytest

from pwsh_kernels.errors import InvalidRequest, PowerShellQueryFailed
from pwsh_kernels.powershell import (
    HostText,
    PowerShell,
    RecordWritten,
    Text,
    ViewWritten,
)
from pwsh_kernels.records import OutputFormat, Record
from tests.fixtures.powershell import WAIT_S, collect, run

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize(
    ("script", "text"),
    [
        ("0", "0\n"),
        ("$false", "False\n"),
        ("''", "\n"),
        ("@()", ""),
        ("$null", ""),
        ("1..3", "1\n2\n3\n"),
        ("'a' # comment", "a\n"),
        ("if ($true) {\n  'multi'\n\n  'line'\n}", "multi\nline\n"),
        ("using namespace System.Text\n[StringBuilder]::new('ok').ToString()", "ok\n"),
        ('"é\u4e2d\U0001f600"', "é\u4e2d\U0001f600\n"),
        ('"a`0b`e[1mc"', "a\x00b\x1b[1mc\n"),
        ('"x" + [char]0xD800', "x\ufffd\n"),
        ("[pscustomobject]@{A=1;B='x'}", "\nA B\n- -\n1 x\n\n"),
        ("Get-Item /nowhere* -ErrorAction SilentlyContinue; 'end'", "end\n"),
        ("Start-Job { 6 * 7 } | Receive-Job -Wait", "42\n"),
        ("1..2 | ForEach-Object -Parallel { $_ } | Sort-Object", "1\n2\n"),
    ],
)
async def test_output_text_is_exact(shell: PowerShell, script: str, text: str) -> None:
    said = await run(shell, script)
    assert (said.text, said.summary.outcome, said.records) == (text, "completed", [])


@pytest.mark.asyncio(loop_scope="function")
async def test_text_and_exit_code_are_the_same_before_and_after_the_serializer_is_ready(
    own_shell: PowerShell,
) -> None:
    # bootstrap.ps1 writes the JSON of its first messages itself, then leaves it to .NET.
    script = r"""'"q" \ <b>&amp; + / ' + "`0`b`t`r`e[1m" + [char]0xD800 + [char]0x2028 + 'é中😀'; /bin/sh -c 'exit 3'"""  # noqa: E501
    first = await run(own_shell, script)
    assert first.text == '"q" \\ <b>&amp; + / \0\b\t\r\x1b[1m\ufffd\u2028é中😀\n'
    for _ in range(21):
        said = await run(own_shell, script)
        assert (said.text, said.summary.exit_code) == (first.text, 3)


COMPACT_OF_SEVERAL = "a\n1\nb\n\nc\n2\n\nGuid\n00000000-0000-0000-0000-000000000000\n"


@pytest.mark.parametrize(
    ("output_format", "script", "text"),
    [
        ("json", "0", "0"),
        ("json", "$false", "false"),
        ("json", "''", '""'),
        ("json", "$null", "null"),
        ("json", "@()", ""),
        ("json", ",@(1)", "[\n  1\n]"),
        ("json", "1; 'a'; $null", '[\n  1,\n  "a",\n  null\n]'),
        ("json", "[pscustomobject]@{a=1}", '{\n  "a": 1\n}'),
        ("csv", "[pscustomobject]@{a=1;b='x'}; $null", '"a","b"\n"1","x"\n'),
        ("csv", "'one', 2", '"Value"\n"one"\n"2"\n'),
        ("list", "[pscustomobject]@{a=1;b='x'}", "\na : 1\nb : x\n\n"),
        ("list", "''", "\n"),
        ("compact", "1; 'a'; $null; $true", "1\na\nTrue\n"),
        (
            "compact",
            '1..2 | % { [pscustomobject]@{Name = "n$_"; Note = "a`n b"} }',
            "Name | Note\nn1 | a b\nn2 | a b\n",
        ),
        (
            "compact",
            "[pscustomobject]@{Name = 'x' * 200; Value = 1}",
            f"Name | Value\n{'x' * 200} | 1\n",
        ),
        ("compact", "[pscustomobject]@{a=1;b=2;c=3;d=4;e=5}", "a: 1\nb: 2\nc: 3\nd: 4\ne: 5\n"),
        (
            "compact",
            "[pscustomobject]@{a=1}; 'b'; [pscustomobject]@{c=2}; [guid]::Empty",
            COMPACT_OF_SEVERAL,
        ),
        ("compact", "1..2 | % { [pscustomobject]@{a=$_}; 'text' }", "a\n1\ntext\n2\ntext\n"),
        (
            "compact",
            "[DayOfWeek]1; [timespan]::Zero | Select-Object Days; [DayOfWeek]2",
            "Monday\n\nDays\n0\nTuesday\n",
        ),
        ("compact", "[pscustomobject]@{a=1;b=2} | Format-Table b", "b\n2\n"),
        ("compact", "[pscustomobject]@{a=1}; throw 'x'", "a\n1\n"),
    ],
)
async def test_formats_keep_falsy_values_and_single_values(
    shell: PowerShell, output_format: OutputFormat, script: str, text: str
) -> None:
    assert (await run(shell, script, format=output_format)).text == text


async def test_json_deeper_than_ten_levels_is_cut_with_a_warning(shell: PowerShell) -> None:
    script = "$top = @{}; $at = $top; 1..12 | ForEach-Object { $at.k = @{}; $at = $at.k }; $top"
    said = await run(shell, script, format="json")
    assert said.text.count('"k"') == 11
    assert [one.kind for one in said.records] == ["warning"]


async def test_streams_come_in_the_order_in_which_the_script_wrote_them(shell: PowerShell) -> None:
    script = """
'one'; Write-Warning two; Write-Error three; Write-Host four -NoNewline; 'five'
Write-Verbose six -Verbose; Write-Debug seven -Debug; Write-Information eight -Tags a, b; 'nine'"""
    said = await run(shell, script)
    words = [
        event.record.message if isinstance(event, RecordWritten) else event.text.strip()
        for event in said.events
        if isinstance(event, Text | RecordWritten | HostText)
    ]
    assert words == ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
    assert [one.kind for one in said.records] == [
        "warning",
        "error",
        "verbose",
        "debug",
        "information",
    ]
    assert said.records[-1].tags == ("a", "b")
    assert (said.summary.errors, said.summary.warnings) == (1, 1)


@pytest.mark.asyncio(loop_scope="function")
@pytest.mark.parametrize("how", [{}, {"rich": True}])
async def test_a_syntax_error_in_the_first_script_of_a_session_is_the_only_error(
    own_shell: PowerShell, how: dict[str, Any]
) -> None:
    said = await run(own_shell, "if ($true) { 'x'", **how)
    assert (said.records, said.text, said.summary.errors) == ([], "", 1)
    assert said.error.error_id == "MissingEndCurlyBrace"


async def test_errors_behind_a_thousand_keep_message_id_and_command(shell: PowerShell) -> None:
    said = await run(shell, 'foreach ($i in 1..1002) { Write-Error "e$i" -ErrorId mine }')
    assert [one.message for one in said.records] == [f"e{number}" for number in range(1, 1003)]
    first, last = said.records[0], said.records[-1]
    assert (last.error_id, last.command) == (first.error_id, first.command)
    assert (bool(first.category), last.category, said.summary.errors) == (True, "", 1002)


async def test_host_text_comes_once_and_keeps_no_newline(shell: PowerShell) -> None:
    script = """
Write-Host a -NoNewline; Write-Host b; $Host.UI.Write('c'); $Host.UI.WriteLine('d')
'e' | Out-Host; $Host.UI.WriteWarningLine('w')
function Test-WhatIf { [CmdletBinding(SupportsShouldProcess)] param() $null = $PSCmdlet.ShouldProcess('it') }
Test-WhatIf -WhatIf"""  # noqa: E501
    said = await run(shell, script)
    assert said.host.splitlines()[:3] == ["ab", "cd", "e"]
    assert "What if:" in said.host
    assert [(one.kind, one.message) for one in said.records] == [("warning", "w")]


async def test_an_error_record_has_the_engines_facts(shell: PowerShell) -> None:
    said = await run(shell, "\n  Get-Item /nowhere")
    (error,) = said.records
    assert error.error_id == "PathNotFound,Microsoft.PowerShell.Commands.GetItemCommand"
    assert (error.category, error.target, error.line, error.column) == (
        "ObjectNotFound",
        "/nowhere",
        2,
        3,
    )
    assert error.exception_type == "System.Management.Automation.ItemNotFoundException"
    assert "At line:2 char:3" in error.position
    assert "<ScriptBlock>" in error.script_stack
    assert said.summary.had_errors


WRAPPED = """
    $last = [InvalidOperationException]::new('AADSTS50076: a second factor')
    $middle = [ArgumentException]::new('the middle', $last)
    {}
"""


@pytest.mark.parametrize(
    ("act", "causes"),
    [
        (
            "throw [Exception]::new('failed: ', $middle)",
            ("the middle", "AADSTS50076: a second factor"),
        ),
        (
            "throw [Exception]::new('failed: the middle', $middle)",
            ("AADSTS50076: a second factor",),
        ),
        (
            "Write-Error -Exception ([Exception]::new('x', $last))",
            ("AADSTS50076: a second factor",),
        ),
        ("throw $last", ()),
        ("[int]::Parse('x')", ()),  # its message repeats the inner one's
    ],
)
async def test_an_error_tells_what_its_inner_exceptions_say_and_it_does_not(
    shell: PowerShell, act: str, causes: tuple[str, ...]
) -> None:
    said = await run(shell, WRAPPED.replace("{}", act))
    record = said.summary.terminating_error or said.records[0]
    assert record.causes == causes
    assert Record.from_json(record.to_json()) == record


async def test_a_cause_has_the_code_that_its_library_gives_it_and_no_more_than_eight_are_told(
    shell: PowerShell,
) -> None:
    script = """
        class Coded : Exception { [string] $ErrorCode = 'invalid_grant'; Coded($Text) : base($Text) { } }
        $inner = [Coded]::new('refused')
        foreach ($number in 1..20) { $inner = [Exception]::new("layer $number", $inner) }
        Write-Error -Exception $inner; Write-Error -Exception ([Exception]::new('x', [Coded]::new('refused')))
    """  # noqa: E501
    deep, coded = (await run(shell, script)).records
    assert (len(deep.causes), coded.causes) == (8, ("invalid_grant: refused",))


@pytest.mark.parametrize(
    ("script", "command"),
    [
        ("Get-Item /nowhere", "Get-Item"),
        ("Write-Error no", "Write-Error"),
        ("No-Such", "No-Such"),
        ("function Fail { Write-Error no }; Fail", "Fail"),
        ("throw 'no'", "Exception"),
        ("1/0", "RuntimeException"),
    ],
)
async def test_an_error_names_the_command_that_powershells_console_names(
    shell: PowerShell, script: str, command: str
) -> None:
    said = await run(shell, script)
    record = said.summary.terminating_error or said.records[0]
    assert record.command == command


async def test_an_error_shown_as_an_object_is_no_error_of_the_run(shell: PowerShell) -> None:
    said = await run(shell, "try { throw 'old' } catch { $_ }")
    assert "old" in said.text
    assert not said.summary.had_errors


async def test_output_leaves_while_the_script_goes_on_however_much_of_it_there_is(
    shell: PowerShell,
) -> None:
    pipeline = await shell.start("1..500; while (-not $goOn) { Start-Sleep -Milliseconds 20 }")
    seen = ""
    async with asyncio.timeout(WAIT_S):
        async for event in pipeline:
            seen += event.text if isinstance(event, Text) else ""
            if seen.endswith("\n500\n"):
                await pipeline.stop()
    assert seen.split() == [str(number) for number in range(1, 501)]


async def test_late_output_of_a_stopped_run_is_not_lost_and_not_mixed_into_the_next(
    shell: PowerShell,
) -> None:
    for _ in range(5):
        pipeline = await shell.start("1..150; Start-Sleep 60")
        await pipeline.stop()
        said = await collect(pipeline)
        assert said.text.split() == [str(number) for number in range(1, len(said.text.split()) + 1)]
        assert (await run(shell, "'next'")).text == "next\n"


async def test_text_printed_before_a_throw_is_not_lost(shell: PowerShell) -> None:
    said = await run(shell, "1..100; throw 'boom'")
    assert said.text.split() == [str(number) for number in range(1, 101)]
    assert (said.summary.outcome, said.summary.errors, said.records) == ("failed", 1, [])
    assert (said.error.message, said.error.line, said.error.column, said.error.terminating) == (
        "boom",
        1,
        9,
        True,
    )


async def test_json_gathered_before_a_throw_is_not_lost(shell: PowerShell) -> None:
    assert (await run(shell, "1; 2; throw 'boom'", format="json")).text == "[\n  1,\n  2\n]"


async def test_a_parse_error_names_its_place(shell: PowerShell) -> None:
    said = await run(shell, "1\n2\n3 +* 4")
    assert (said.text, said.summary.outcome, said.summary.errors) == ("", "failed", 1)
    assert (said.error.line, said.error.column) == (3, 4)
    assert said.error.message == "You must provide a value expression following the '+' operator."
    assert said.error.position.startswith("At line:3 char:4")


async def test_a_parse_error_does_not_inherit_from_the_run_before(shell: PowerShell) -> None:
    await run(shell, "/bin/sh -c 'exit 9'; 'x' * 100", max_chars=5)
    said = await run(shell, "if (")
    assert (said.summary.exit_code, said.summary.truncated) == (None, 0)


@pytest.mark.parametrize(
    ("script", "code", "called"),
    [("exit 3", 3, True), ("'a'; exit 0", 0, True), ("'a'", None, False)],
)
async def test_exit_is_told_and_the_session_lives_on(
    shell: PowerShell, script: str, code: int | None, called: bool
) -> None:
    said = await run(shell, "$kept = 'still here'\n" + script)
    assert (said.summary.exit_code, said.summary.exit_called) == (code, called)
    assert said.summary.had_errors == (code == 3)
    assert (await run(shell, "$kept")).text == "still here\n"


async def test_native_programs_give_output_stderr_and_an_exit_code(shell: PowerShell) -> None:
    said = await run(shell, "/bin/sh -c 'echo out; echo err >&2; exit 4'; $LASTEXITCODE")
    assert said.text == "out\n4\n"
    assert [(one.message, one.native) for one in said.records] == [("err", True)]
    assert (said.summary.exit_code, said.summary.errors, said.summary.had_errors) == (4, 0, False)
    assert (await run(shell, "$LASTEXITCODE")).summary.exit_code is None


async def test_raw_console_text_of_any_thread_arrives_before_the_end(shell: PowerShell) -> None:
    script = """
[Console]::WriteLine('plain'); [Console]::Error.Write('error ')
$method = [Console].GetMethod('WriteLine', [type[]]@())
[Threading.Tasks.Task]::Run([Action][Delegate]::CreateDelegate([Action], $method)).Wait()
Start-Process /bin/echo 'child' -Wait"""
    said = await run(shell, script)
    assert said.console == "plain\nerror \nchild\n"


async def test_text_on_the_wire_itself_is_shown_and_breaks_nothing(shell: PowerShell) -> None:
    script = """
$wire = [Console]::OpenStandardOutput()
$bytes = [Text.Encoding]::UTF8.GetBytes("<no packet>")
$wire.Write($bytes); $wire.Flush()
'after'"""
    said = await run(shell, script)
    assert (said.console, said.text) == ("<no packet>", "after\n")


async def test_max_chars_cuts_and_counts(shell: PowerShell) -> None:
    said = await run(shell, "'abcdef'; 'ghijkl'; Write-Warning kept", max_chars=3)
    assert (said.text, said.summary.truncated, len(said.records)) == ("abc", 11, 1)
    said = await run(shell, "'\U0001f600\U0001f600'", max_chars=3)
    assert (said.text, said.summary.truncated) == ("\U0001f600", 3)


async def test_width_is_what_was_asked(shell: PowerShell) -> None:
    script = "[pscustomobject]@{ Long = 'x' * 300 }"
    for width in (40, 90):
        said = await run(shell, script, width=width)
        assert max(len(line) for line in said.text.splitlines()) == width


async def test_ten_megabytes_arrive_whole(shell: PowerShell) -> None:
    said = await run(shell, "'x' * 10mb; foreach ($i in 1..20000) { $i }")
    assert len(said.text) == 10 * 1024 * 1024 + 1 + sum(
        len(str(number)) + 1 for number in range(1, 20001)
    )
    assert said.text.endswith("\n20000\n")


async def test_a_script_of_a_megabyte_runs(shell: PowerShell) -> None:
    assert (await run(shell, "#" + "x" * (1 << 20) + "\n'done'")).text == "done\n"


async def test_parameters_are_bound_as_values(shell: PowerShell) -> None:
    script = """param($Text, [int]$Number, $Real, [switch]$On, $Nothing, $List, $Map, $Big)
$joined = $List -join '+'
"$Text|$Number|$Real|$On|$($null -eq $Nothing)|$joined|$($Map.k)|$($Map.GetType().Name)|$Big|$($Real.GetType().Name)" """  # noqa: E501
    values = {
        "Text": '\'; throw "x" `$é',
        "Number": 3,
        "Real": 0.1,
        "On": True,
        "Nothing": None,
        "List": [1, "b"],
        "Map": {"k": "v"},
        "Big": 2**64,
    }
    said = await run(shell, script, parameters=values)
    assert (
        said.text
        == '\'; throw "x" `$é|3|0.1|True|True|1+b|v|Hashtable|18446744073709551616|Double\n'
    )


async def test_a_secret_parameter_arrives_as_a_secure_string(shell: PowerShell) -> None:
    script = "param([securestring]$P) [Net.NetworkCredential]::new('', $P).Password.Length; $P"
    said = await run(shell, script, parameters={"P": {"$secret": "geheim"}})
    assert said.text == "6\nSystem.Security.SecureString\n"


UNKNOWN = "A parameter cannot be found that matches parameter name '{}'."


@pytest.mark.parametrize("name", ["X", "v"])
@pytest.mark.parametrize(
    "script", ["param($Y) 'ran'", "[CmdletBinding()] param([Parameter()]$Y) 'ran'"]
)
async def test_an_unknown_parameter_is_the_engines_error_and_nothing_runs(
    shell: PowerShell, script: str, name: str
) -> None:
    said = await run(shell, script, parameters={name: 1})
    assert (said.text, said.summary.outcome, said.error.error_id) == (
        "",
        "failed",
        "NamedParameterNotFound",
    )
    assert said.error.message == UNKNOWN.format(name)


@pytest.mark.parametrize(
    "script",
    ['"x=$v"', "$v", 'if($true){ "v=$v" }', '"a"; "v=$v"', "Write-Output $v", "begin { $v }"],
)
async def test_parameters_without_a_block_are_an_error_that_says_how_to_begin(
    shell: PowerShell, script: str
) -> None:
    said = await run(shell, script, parameters={"v": 1, "w x": 2})
    assert (said.text, said.summary.outcome) == ("", "failed")
    assert said.error.message == (
        UNKNOWN.format("v") + " Begin the command with param($v, ${w x})."
    )


async def test_a_common_parameter_reaches_a_script_that_has_it(shell: PowerShell) -> None:
    script = "[CmdletBinding()] param() Write-Verbose seen"
    said = await run(shell, script, parameters={"Verbose": True})
    assert [one.message for one in said.records] == ["seen"]


async def test_a_parameter_found_by_its_alias_is_bound(shell: PowerShell) -> None:
    assert (await run(shell, "param([Alias('X')]$Y) $Y", parameters={"x": 1})).text == "1\n"


async def test_a_value_without_a_powershell_form_is_refused_by_name(shell: PowerShell) -> None:
    with pytest.raises(InvalidRequest, match=r"parameters\.When"):
        await run(shell, "param($When)", parameters={"When": object()})


async def test_the_history_shows_the_script_as_written(shell: PowerShell) -> None:
    await run(shell, "'remember me' # as it is")
    await shell.query("'not me'")
    said = await run(shell, "(Get-History).CommandLine | Select-Object -Last 1")
    assert said.text == "'remember me' # as it is\n"


async def test_a_query_returns_plain_values_and_leaves_no_variable(shell: PowerShell) -> None:
    script = (
        "param($In) $left = 1; [pscustomobject]@{ A = $In; B = @(1, 'x'); C = [DayOfWeek]::Monday;"
        " D = $null; E = 1.5 }; 2"
    )
    assert await shell.query(script, {"In": "é"}) == [
        {"A": "é", "B": [1, "x"], "C": "Monday", "D": None, "E": 1.5},
        2,
    ]
    assert (await run(shell, "Test-Path variable:left")).text == "False\n"
    with pytest.raises(PowerShellQueryFailed, match="why"):
        await shell.query("throw 'why'")


async def test_a_query_that_asks_is_refused_and_one_that_hangs_is_stopped(
    shell: PowerShell,
) -> None:
    assert await shell.query("try { Read-Host q } catch { 'refused' }") == ["refused"]
    with pytest.raises(PowerShellQueryFailed, match="longer"):
        await shell.query("Start-Sleep 60", wait_s=0.05)
    assert await shell.query("1") == [1]


async def test_a_script_cannot_remove_what_output_leaves_through(shell: PowerShell) -> None:
    said = await run(
        shell,
        "Remove-Item function:PwshKernels.Out-Session -Force;"
        " function PwshKernels.Get-SessionRest { 'mine' }; Get-Module PwshKernels",
    )
    assert (said.text, said.summary.errors) == ("", 2)
    assert (await run(shell, "'a'; throw 'b'")).text == "a\n"


async def test_user_settings_do_not_reach_into_the_output(shell: PowerShell) -> None:
    await run(
        shell,
        "Set-StrictMode -Version Latest; $PSDefaultParameterValues['Out-String:Width'] = 5;"
        " function Out-String { 'no' }",
    )
    said = await run(
        shell,
        "[pscustomobject]@{ Name = 'a long enough value' };"
        " function PwshKernels.Out-Session { 'hijacked' }",
    )
    assert "a long enough value" in said.text
    await run(
        shell,
        "Set-StrictMode -Off; $PSDefaultParameterValues.Clear(); Remove-Item function:Out-String",
    )


@pytest.mark.parametrize("options", [{}, {"rich": True}, {"format": "compact"}])
async def test_each_of_several_dates_is_shown_and_leaves_no_error_behind(
    shell: PowerShell, options: dict[str, object]
) -> None:
    dates = "; ".join(f"[datetime]::new(2026, 1, {day})" for day in (29, 30, 31))
    said = await run(
        shell,
        f"$Error.Clear(); 1.5; {dates}; [pscustomobject]@{{ a = 1 }}, [datetime]::new(2026, 1, 28)",
        **options,
    )
    shown = said.text + "".join(
        one.view.text for one in said.events if isinstance(one, ViewWritten)
    )
    assert shown.count("2026") == 4
    assert (await run(shell, "$Error.Count")).text == "0\n"


MUTE = "class Mute { [string] ToString() { throw 'mute' } }; "
NO_TEXT = 'The following exception occurred while retrieving the string: "mute"'


@pytest.mark.parametrize("options", [{}, {"format": "compact"}, {"format": "list"}, {"rich": True}])
async def test_an_object_that_cannot_be_shown_is_one_error_and_hides_no_other(
    shell: PowerShell, options: dict[str, Any]
) -> None:
    script = MUTE + "1; [Mute]::new(); [Mute]::new(); 2; [pscustomobject]@{ a = 3 }"
    said = await run(shell, script, **options)
    assert [one.message for one in said.records] == [NO_TEXT, NO_TEXT]
    shown = said.text + "".join(
        one.view.text for one in said.events if isinstance(one, ViewWritten)
    )
    assert [one for one in shown.split() if one.isdigit()] == ["1", "2", "3"]


async def test_information_without_a_text_is_the_error_of_powershell_alone(
    shell: PowerShell,
) -> None:
    failing = (
        "public class Failing { public override string ToString() { throw new Exception(); } }"
    )
    await run(shell, f"Add-Type 'using System; {failing}'; $Error.Clear()")
    said = await run(shell, "Write-Information ([Failing]::new())")
    (error,) = [one for one in said.records if one.kind == "error"]
    assert error.error_id.endswith(",Microsoft.PowerShell.Commands.WriteInformationCommand")
    assert (await run(shell, "$Error.Count")).text == "1\n"
