"""What a script writes is shown as what it is: nothing of it poses as a record, a view, a code or
the end of its run.
"""

import json
from pathlib import Path

import pytest

from pwsh_kernels.powershell import PowerShell
from pwsh_kernels.powershell.wire.packets import POOL, Packet, new_message, write_packet
from tests.fixtures.powershell import run

pytestmark = pytest.mark.asyncio(loop_scope="session")

ENTRIES = json.dumps(
    [
        ["error", "forged", "Forged", "NotSpecified", "", 1, 1, "", "", "System.Exception", "x"],
        ["view", "table", 1, [["Name", 1]], "", [["forged"]], 0, "forged"],
        ["display", "text/html", "<b>forged</b>", 0],
        ["connection"],
        ["end", 9, 9, 9, None],
    ]
)
"""All that Out-Session says of a run, as it says it."""
RUNSPACE_STATE, RUNSPACE_HOST_CALL, PIPELINE_STATE = 0x00021005, 0x00021100, 0x00041006


def wire_line(kind: int) -> str:
    """Return a line of PowerShell's own wire: a message of this kind, to the runspace."""
    body = b"<Obj RefId='0'><MS><I32 N='RunspaceState'>5</I32></MS></Obj>"
    message = new_message(kind, POOL, POOL, body)
    return write_packet(Packet("Data", POOL, message.as_fragment())).decode().rstrip("\n")


FORGED = [
    ENTRIES,
    f"\x1bpwsh-kernels-late {ENTRIES}",
    f"\x1b{'0' * 32} {ENTRIES}",
    *(wire_line(kind) for kind in (RUNSPACE_STATE, RUNSPACE_HOST_CALL, PIPELINE_STATE)),
    f"<CloseAck PSGuid='{POOL}' />",
    "Remote transport error",
]
STANDARD_OUTPUT = (
    "$to = [Console]::OpenStandardOutput();"
    " $bytes = [Text.Encoding]::UTF8.GetBytes($text + [char]10);"
    " $to.Write($bytes, 0, $bytes.Length)"
)
WAYS = {
    "output": ("$text", "text"),
    "a program": ("printf '%s\\n' $text", "text"),
    "Out-Default": ("$text | Out-Default", "host"),
    "Write-Host": ("Write-Host $text", "host"),
    "$Host.UI.Write": ("$Host.UI.Write($text + [char]10)", "host"),
    "$Host.UI.WriteLine": ("$Host.UI.WriteLine($text)", "host"),
    "[Console]": ("[Console]::WriteLine($text)", "console"),
    "[Console]::Error": ("[Console]::Error.WriteLine($text)", "console"),
    "standard output": (STANDARD_OUTPUT, "console"),
}


@pytest.mark.parametrize("way", WAYS)
async def test_what_can_be_learnt_from_our_source_is_shown_as_text(
    shell: PowerShell, way: str
) -> None:
    write, where = WAYS[way]
    script = f"param($texts) foreach ($text in $texts) {{ {write} }}"
    for rich in (False, True):
        said = await run(shell, script, parameters={"texts": FORGED}, rich=rich)
        assert getattr(said, where) == "".join(f"{text}\n" for text in FORGED)
        assert said.text + said.host + said.console == getattr(said, where)
        assert said.records == []
        summary = said.summary
        assert (summary.outcome, summary.errors, summary.truncated) == ("completed", 0, 0)
        assert (summary.kept_objects, summary.connection_changed) == (0, False)


async def test_a_line_of_the_wire_that_a_program_writes_is_text(
    shell: PowerShell, tmp_path: Path
) -> None:
    lines = "".join(f"{text}\n" for text in FORGED)
    file = tmp_path / "lines"
    file.write_text(lines)
    said = await run(shell, f"Start-Process -Wait cat {file}; 'on'")
    assert (said.console, said.text, said.summary.outcome) == (lines, "on\n", "completed")


async def test_a_record_that_a_script_writes_has_the_words_and_tags_of_the_script(
    shell: PowerShell,
) -> None:
    script = (
        "param($text) Write-Information $text -Tags error, pwsh-kernels-query; Write-Error $text"
    )
    said = await run(shell, script, parameters={"text": ENTRIES})
    assert [(one.kind, one.message) for one in said.records] == [
        ("information", ENTRIES),
        ("error", ENTRIES),
    ]
    assert (said.text, said.summary.errors, said.summary.kept_objects) == ("", 1, 0)


@pytest.mark.parametrize(
    "call",
    [
        "1 | PwshKernels.Out-Session -Format text -Width 80 -MaxChars -1",
        "1 | PwshKernels.Out-Display -Width 80",
        "PwshKernels.Get-SessionRest",
        "[powershell]::Create('CurrentRunspace').AddScript('PwshKernels.Get-SessionRest').Invoke()",
    ],
)
async def test_a_script_that_calls_what_ends_a_run_hides_nothing(
    shell: PowerShell, call: str
) -> None:
    script = f"'before'; try {{ {call} }} catch {{ }}; 'after'; Write-Error told"
    for rich in (False, True):
        said = await run(shell, script, rich=rich)
        assert said.text == "before\nafter\n"
        assert (said.records[-1].message, said.summary.outcome) == ("told", "completed")
        assert (await run(shell, "'next'", rich=rich)).text == "next\n"


async def test_who_calls_what_ends_a_run_reads_why_that_is_refused(shell: PowerShell) -> None:
    (error,) = (await run(shell, "1 | PwshKernels.Out-Session -Format text -Width 80")).records
    assert error.error_id == "SessionOutput,PwshKernels.Out-Session"
    assert error.message.endswith("which pwsh-kernels alone calls. Leave it out.")


async def test_an_object_in_the_shape_of_a_record_is_an_object(shell: PowerShell) -> None:
    script = """
        $made = [Management.Automation.WarningRecord]::new('forged')
        $made
        $serializer = [Management.Automation.PSSerializer]
        $serializer::Deserialize($serializer::Serialize($made))
        [Management.Automation.ErrorRecord]::new([Exception]::new('forged'), 'x', 'NotSpecified', 1)
    """
    said = await run(shell, script)
    assert said.records == []
    assert said.text.count("forged") == 3
    assert (said.summary.errors, said.summary.warnings) == (0, 0)


async def test_text_that_waited_for_more_is_output(shell: PowerShell) -> None:
    said = await run(shell, "1..300; Start-Sleep 0.3; 'late'; $Host.UI.Write('host')")
    assert said.text == "".join(f"{number}\n" for number in range(1, 301)) + "late\n"
    assert said.host == "host"


async def test_no_name_that_a_script_knows_leads_to_the_mark(shell: PowerShell) -> None:
    script = """
        foreach ($one in 'Out-Session', 'Out-Display', 'Get-SessionRest', 'Get-KeptObject') {
            $command = Get-Command "PwshKernels.$one"
            $command.Module, $command.ScriptBlock.Module
            (Get-Item "function:PwshKernels.$one").Module
        }
        Get-Module PwshKernels* -All
        Get-Variable -ValueOnly | Where-Object { $_ -is [string] -and $_.StartsWith([char]27) }
    """
    said = await run(shell, script)
    assert (said.text, said.records) == ("", [])


async def test_who_writes_the_words_of_a_transport_error_keeps_the_session(
    shell: PowerShell,
) -> None:
    words = "1..200 | ForEach-Object { [Console]::Error.WriteLine('Remote transport error') }"
    for number in range(5):
        said = await run(shell, f"$kept = {number}; {words}")
        assert said.summary.outcome == "completed"
    assert (await run(shell, "$kept")).text == "4\n"
