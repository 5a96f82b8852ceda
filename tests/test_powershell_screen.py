"""What needs a screen, a keyboard or a terminal says so and holds nothing up."""

import pytest
from powershell_fixtures import run

from pwsh_kernels.powershell import PowerShell

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize(
    "start",
    ["Start-Process cat", "Start-Process cat -Wait", "[Diagnostics.Process]::Start('cat').WaitForExit()", "cat"],
)
async def test_a_program_that_reads_takes_nothing_of_what_is_for_powershell(shell: PowerShell, start: str) -> None:
    await run(shell, "[GC]::Collect(); [GC]::WaitForPendingFinalizers()")  # what holds the empty input must live on
    said = await run(shell, f"$null = {start}; 'on'")
    assert (said.text, said.console, said.records) == ("on\n", "", [])
    assert (await run(shell, "[Console]::OpenStandardInput().ReadByte(); 'a' | cat")).text == "-1\na\n"


async def test_a_program_that_start_process_starts_writes_to_the_run(shell: PowerShell) -> None:
    said = await run(shell, "Start-Process -Wait echo hello")
    assert (said.console, said.text, said.records) == ("hello\n", "", [])
