"""What a script redirects goes where it says, also in functions of modules and in text that is
compiled later.
"""

from pathlib import Path

import pytest

from pwsh_kernels.powershell import HostText, PowerShell, RecordWritten
from tests.fixtures.powershell import run

pytestmark = pytest.mark.asyncio(loop_scope="session")

TALK = (
    "Write-Warning w; Write-Verbose v -Verbose; Write-Debug d -Debug; Write-Host h;"
    " Write-Information i -InformationAction Continue"
)
EACH = {"2": "Write-Error e", "3": "Write-Warning w", "4": "Write-Verbose v -Verbose"} | {
    "5": "Write-Debug d -Debug",
    "6": "Write-Information i; Write-Host h",
}
RICH = pytest.mark.parametrize("rich", [False, True], ids=["program", "person"])


async def imported(shell: PowerShell, folder: Path, function: str) -> None:
    """Import a module with one function."""
    (folder / "Quiet.psm1").write_text(f"function Test-Quiet {{ {function} }}")
    await run(shell, f"Import-Module -Force '{folder}/Quiet.psm1'")


@RICH
@pytest.mark.parametrize("stream", EACH)
async def test_a_module_sends_each_stream_to_null(
    shell: PowerShell, tmp_path: Path, stream: str, rich: bool
) -> None:
    await imported(shell, tmp_path, f"& {{ {EACH[stream]} }} {stream}>$null; 'out'")
    said = await run(shell, "Test-Quiet", rich=rich)
    assert (said.text, said.host, said.records) == ("out\n", "", [])
    assert (said.summary.errors, said.summary.warnings) == (0, 0)


@RICH
async def test_a_module_sends_all_streams_to_null(
    shell: PowerShell, tmp_path: Path, rich: bool
) -> None:
    await imported(shell, tmp_path, f"& {{ {TALK}; 'o' }} *>$null; Write-Warning shown")
    said = await run(shell, "Test-Quiet", rich=rich)
    assert [type(one) for one in said.events[:-1]] == [RecordWritten]
    assert [one.message for one in said.records] == ["shown"]


@pytest.mark.parametrize(
    "script",
    [
        "Invoke-Expression 'Write-Warning w 3>$null'",
        "& ([scriptblock]::Create('Write-Host h *>$null'))",
        "$nowhere = $null; & { Write-Warning w } 3> $nowhere",
    ],
)
async def test_text_that_is_compiled_later_may_redirect_too(shell: PowerShell, script: str) -> None:
    assert (await run(shell, script)).events[:-1] == []


async def test_what_a_script_says_of_null_redirects_nothing(shell: PowerShell) -> None:
    said = await run(shell, "# 3>$null\nWrite-Warning 'no 3>$null here'")
    assert [one.message for one in said.records] == ["no 3>$null here"]


@pytest.mark.parametrize(
    "script",
    [
        (
            "$o = [pscustomobject]@{}; $o | Add-Member ScriptProperty P { %s };"
            " $null = $o | ConvertTo-Csv"
        ),
        "$null = [powershell]::Create('CurrentRunspace').AddScript('%s').Invoke()",
    ],
)
async def test_what_is_written_where_no_stream_is_merged_is_shown_once(
    shell: PowerShell, script: str
) -> None:
    said = await run(shell, script % TALK)
    assert [(one.kind, one.message) for one in said.records] == [
        ("warning", "w"),
        ("verbose", "v"),
        ("debug", "d"),
        ("information", "i"),
    ]
    assert [one.text for one in said.events if isinstance(one, HostText)] == ["h"]
