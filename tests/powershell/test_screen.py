"""What needs a screen, a keyboard or a terminal says so and holds nothing up."""

from pathlib import Path

import pytest

from pwsh_kernels.powershell import Launch, PowerShell
from pwsh_kernels.screens import screen_advice
from tests.fixtures.powershell import run

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize(
    "start",
    [
        "Start-Process cat",
        "Start-Process cat -Wait",
        "[Diagnostics.Process]::Start('cat').WaitForExit()",
        "cat",
    ],
)
async def test_a_program_that_reads_takes_nothing_of_what_is_for_powershell(
    shell: PowerShell, start: str
) -> None:
    await run(
        shell, "[GC]::Collect(); [GC]::WaitForPendingFinalizers()"
    )  # what holds the empty input must live on
    said = await run(shell, f"$null = {start}; 'on'")
    assert (said.text, said.console, said.records) == ("on\n", "", [])
    assert (
        await run(shell, "[Console]::OpenStandardInput().ReadByte(); 'a' | cat")
    ).text == "-1\na\n"


async def test_a_program_that_start_process_starts_writes_to_the_run(shell: PowerShell) -> None:
    said = await run(shell, "Start-Process -Wait echo hello")
    assert (said.console, said.text, said.records) == ("hello\n", "", [])


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        ("1..3 | Out-GridView", "Out-GridView opens a window"),
        ("ogv 1", "ogv opens a window"),
        ("Show-Command Get-Item", "Get-Command NAME -Syntax"),
        ("1 | Out-Printer", "Out-File"),
        ("Get-Service", "in PowerShell for Windows only"),
        ("CimCmdlets\\Get-CimInstance Win32_Process", "in PowerShell for Windows only"),
        ("$Host.UI.RawUI.ReadKey()", "There is no keyboard here: Read-Host"),
        ("$Host.UI.RawUI.ReadKey('NoEcho,IncludeKeyDown')", "There is no keyboard here: Read-Host"),
        ("[Console]::ReadKey()", "There is no keyboard here: Read-Host"),
        ("[Console]::KeyAvailable", "There is no keyboard here: Read-Host"),
        ("$Host.EnterNestedPrompt()", "no prompt within a command"),
        ("Get-Help Get-Item -ShowWindow", "leave out -ShowWindow"),
        ("Get-Help Get-Item -Online", "There is no browser here"),
        # A machine of tests may have a browser.
        (
            "& { $env:PATH = ''; '# a' | Show-Markdown -UseBrowser }; $env:PATH = '/usr/bin:/bin'",
            "There is no browser here",
        ),
        ("New-Object -ComObject Excel.Application", "COM is a part of Windows"),
        ("Add-Type -AssemblyName System.Windows.Forms", "no Windows Forms or WPF"),
        ("1 | ForEach-Object -Parallel { Read-Host 'Who' }", "pass the answer on with $using:"),
        (
            "Start-ThreadJob { Read-Host 'Who' } | Receive-Job -Wait",
            "pass the answer on with $using:",
        ),
        ("sh -c 'echo top: failed tty get >&2; exit 1'", "The program wants a terminal"),
    ],
)
async def test_what_needs_a_screen_ends_at_once_and_says_what_to_use(
    shell: PowerShell, script: str, sentence: str
) -> None:
    said = await run(shell, script)
    (error,) = [*said.records, *filter(None, [said.summary.terminating_error])]
    assert sentence in screen_advice(error)


@pytest.mark.parametrize(
    ("script", "text"),
    [
        (
            "Set-Clipboard 'kept'; $null = Get-Clipboard",
            None,
        ),  # of the session itself, unless the machine has a clipboard
        ("$Host.UI.RawUI.FlushInputBuffer(); 'on'", "on\n"),
        ("$null = $Host.UI.RawUI.KeyAvailable; 'on'", "on\n"),
        (
            (
                "$Host.UI.RawUI.CursorPosition = [Management.Automation.Host.Coordinates]::new(0,"
                " 0); 'on'"
            ),
            "on\n",
        ),
        ("[Console]::Beep(); [Console]::CursorLeft; [Console]::Read()", "0\n-1\n"),
        ("'x' | Out-Host -Paging; 'on'", "on\n"),
        ("Start-Transcript ~/transcript.txt | Out-Null; Stop-Transcript | Out-Null; 'on'", "on\n"),
        ("bash; 'on'", "on\n"),
        ("less /etc/passwd | Out-Null; more /etc/passwd | Out-Null; 'on'", "on\n"),
    ],
)
async def test_what_would_wait_at_a_terminal_waits_for_nothing(
    shell: PowerShell, script: str, text: str | None
) -> None:
    said = await run(shell, script)
    assert said.summary.outcome == "completed"
    assert text is None or (said.text, said.records) == (text, [])


@pytest.mark.parametrize(
    "script", ["Get-Item /nowhere", "Get-NoSuchThing", "sh -c 'echo no >&2'", "Get-Item -Nothing 1"]
)
async def test_an_error_of_another_kind_gets_no_such_advice(shell: PowerShell, script: str) -> None:
    said = await run(shell, script)
    assert [screen_advice(one) for one in said.records] == [""]


async def test_what_is_no_program_is_not_told_of_terminals(shell: PowerShell) -> None:
    said = await run(shell, "Write-Error 'This mailbox is not a terminal.'")
    assert [screen_advice(one) for one in said.records] == [""]


async def test_help_texts_that_cannot_be_fetched_are_an_error_and_hold_nothing_up(
    powershell_path: Path, tmp_path: Path
) -> None:
    nowhere = dict.fromkeys(("HTTPS_PROXY", "HTTP_PROXY"), "http://127.0.0.1:9")
    opened = await PowerShell.open(
        Launch(powershell_path, home=tmp_path, environment=nowhere, cwd=tmp_path)
    )
    try:
        for command in ("Update-Help -Force", "Save-Help -DestinationPath ."):
            said = await run(
                opened, f"{command} -Module Microsoft.PowerShell.Utility -UICulture en-US; 'on'"
            )
            (error,) = said.records
            assert error.error_id.startswith("UnknownErrorId,Microsoft.PowerShell.Commands.")
            assert "Help for the module(s) 'Microsoft.PowerShell.Utility'" in error.message
            assert said.text == "on\n"
    finally:
        await opened.close()
