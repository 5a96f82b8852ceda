"""What Start-Transcript writes down is what a person saw: the commands and their text."""

import pytest

from pwsh_kernels.powershell import PowerShell
from tests.fixtures.powershell import run

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
