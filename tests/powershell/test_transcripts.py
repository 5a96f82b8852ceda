"""What Start-Transcript writes down is what a person saw: the commands and their text."""

import asyncio
from asyncio.subprocess import DEVNULL, PIPE
from pathlib import Path

import pytest

from pwsh_kernels.powershell import PowerShell
from tests.fixtures.powershell import WAIT_S, run, run_answering

pytestmark = pytest.mark.asyncio(loop_scope="session")

SEEN = (
    "PS>[pscustomobject]@{ a = 1; b = 2 }; Write-Warning careful; Write-Host hello; 42",
    "a b",
    "1 2",
    "WARNING: careful",
    "hello",
    "42",
    "PS>throw 'bad'",
    "Exception: bad",
)


@pytest.mark.parametrize("rich", [False, True], ids=["program", "person"])
async def test_a_transcript_has_the_commands_and_the_text_that_a_person_saw(
    shell: PowerShell, rich: bool
) -> None:
    await run(shell, 'Start-Transcript -Path "$HOME/t.txt"; "first"', rich=rich)
    await run(shell, SEEN[0].removeprefix("PS>"), rich=rich)
    await run(shell, "throw 'bad'", rich=rich)
    await shell.query("'a question of ours'")
    said = await run(shell, 'Stop-Transcript | Out-Null; Get-Content "$HOME/t.txt"', rich=rich)
    lines = said.text.splitlines()
    assert [one for one in ("first", *SEEN) if one not in lines] == []
    assert lines.count("PS>throw 'bad'") == lines.count("42") == lines.count("hello") == 1
    assert not [one for one in lines if '["' in one or "of ours" in one or "Session" in one]


async def test_several_transcripts_go_on_from_run_to_run(shell: PowerShell) -> None:
    await run(shell, '1, 2 | ForEach-Object { $null = Start-Transcript -Path "$HOME/t$_.txt" }')
    await run(shell, "'both'; $null = Stop-Transcript")
    await run(shell, "'one'")
    await run(shell, "$null = Stop-Transcript")
    said = await run(
        shell, '(Get-Content "$HOME/t1.txt") -join "|"; (Get-Content "$HOME/t2.txt") -join "|"'
    )
    first, second = said.text.splitlines()
    assert ("|both|" in first, "|one|" in first) == (True, True)
    assert ("|both|" in second, "|one|" in second) == (True, False)
    assert (await run(shell, "Stop-Transcript")).summary.errors == 1


HOST_ONLY = (
    "$Host.UI.Write('part;')",
    "$Host.UI.WriteLine('line')",
    "$Host.UI.WriteLine('Red', 'Black', 'coloured')",
    "$Host.UI.WriteErrorLine('failure')",
    "$Host.UI.WriteWarningLine('careful')",
    "[Console]::WriteLine('console')",
    "$answer = Read-Host question",
    '"$answer was said"',
    "Write-Host 'Write-Host is told'",
)
"""Of these, a transcript of PowerShell's own has the last two; so does that of a terminal."""


async def test_a_transcript_leaves_out_the_host_text_and_questions_that_powershells_own_does(
    shell: PowerShell, powershell_path: Path, tmp_path: Path
) -> None:
    script, theirs, ours = (tmp_path / name for name in ("own.ps1", "own.txt", "ours.txt"))
    begin, end = "$null = Start-Transcript -Path '{}'", "$null = Stop-Transcript"
    script.write_text("\n".join((begin.format(theirs), *HOST_ONLY, end)))
    command = (powershell_path, "-NoProfile", "-NoLogo", "-File", script)
    process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=DEVNULL)
    await asyncio.wait_for(process.communicate(b"yes\n"), WAIT_S)
    await run(shell, begin.format(ours))
    said, _ = await run_answering(shell, "\n".join(HOST_ONLY), "yes")
    await run(shell, end)
    assert [one for one in ("part;line", "coloured", "failure") if one not in said.host] == []
    commands = {f"PS>{HOST_ONLY[0]}", *HOST_ONLY, f"PS>{end}"}
    told = [one for one in spoken(ours) if one not in commands]
    assert told == spoken(theirs) == ["yes was said", "Write-Host is told"]


def spoken(transcript: Path) -> list[str]:
    """Return the lines of a transcript between its head and its foot."""
    _, _, body, *_ = transcript.read_text().split("**********************\n")
    return [one for one in body.splitlines() if one]
