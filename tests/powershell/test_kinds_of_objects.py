"""Each kind of object that a run gives is shown whole, whatever came before it; and what a script
silences stays silent.
"""

import pytest

from pwsh_kernels.powershell import PowerShell, ViewWritten
from tests.fixtures.powershell import run

pytestmark = pytest.mark.asyncio(loop_scope="session")

TWO_KINDS = (
    "[pscustomobject]@{Name='mailbox1';Size=10}"
    "; [pscustomobject]@{Name='group1';Members=25;Owner='ada'}"
)


async def test_a_second_kind_of_object_has_a_table_of_its_own_in_text(shell: PowerShell) -> None:
    assert (await run(shell, TWO_KINDS)).text == (
        "\nName     Size\n----     ----\nmailbox1   10\n\n"
        "\nName   Members Owner\n----   ------- -----\ngroup1      25 ada\n\n"
    )


async def test_a_second_kind_of_object_has_a_table_of_its_own_in_compact(shell: PowerShell) -> None:
    assert (await run(shell, TWO_KINDS, format="compact")).text == (
        "Name | Size\nmailbox1 | 10\n\nName | Members | Owner\ngroup1 | 25 | ada\n"
    )


async def test_a_second_kind_of_object_has_a_table_of_its_own_for_a_person(
    shell: PowerShell,
) -> None:
    said = await run(shell, TWO_KINDS, rich=True)
    views = [one.view for one in said.events if isinstance(one, ViewWritten)]
    columns = {one.group: [label for label, _ in one.columns] for one in views}
    assert list(columns.values()) == [["Name", "Size"], ["Name", "Members", "Owner"]]
    assert [row for one in views for row in one.rows] == [
        ["mailbox1", "10"],
        ["group1", "25", "ada"],
    ]


@pytest.mark.parametrize("how", [{}, {"rich": True}, {"format": "compact"}])
@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("Get-Process -Id $PID | Select-Object Name; Get-Item / | Select-Object Mode", ["Mode"]),
        ("[pscustomobject]@{a=1}; Get-Process -Id $PID", ["CPU(s)"]),
        ("[pscustomobject]@{a=1}; [guid]::Empty", ["00000000-0000"]),
        ("[pscustomobject]@{a=1;b=2;c=3;d=4;e=5}; [pscustomobject]@{Name='x'}", ["Name", "x"]),
        ("1; [pscustomobject]@{a=1}; 'mid'; [pscustomobject]@{zz=2}", ["mid", "zz"]),
        (
            "[pscustomobject]@{a=1} | Format-Table; [pscustomobject]@{b=1};[pscustomobject]@{c=1}",
            "c",
        ),
        ("Get-Host; $PSVersionTable", ["PSEdition"]),
    ],
)
async def test_no_kind_of_object_loses_what_it_has(
    shell: PowerShell, script: str, words: list[str], how: dict[str, object]
) -> None:
    said = await run(shell, script, **how)
    text = said.text + "".join(one.view.text for one in said.events if isinstance(one, ViewWritten))
    assert [word for word in words if word not in text] == []


async def test_objects_with_fewer_properties_stay_in_the_open_table(shell: PowerShell) -> None:
    said = await run(shell, "[pscustomobject]@{a=1;b=2}; [pscustomobject]@{B=3}")
    assert said.text == "\na b\n- -\n1 2\n  3\n\n"


@pytest.mark.parametrize("how", [{}, {"rich": True}, {"format": "json"}])
@pytest.mark.parametrize(
    "script",
    [
        "Write-Warning w 3>$null; 'x'",
        "Write-Host h 6> $null; 'x'",
        "& { Write-Warning w; Write-Verbose v -Verbose; Write-Host h; Write-Error e } *>$null; 'x'",
    ],
)
async def test_what_a_script_sends_to_null_is_not_shown(
    shell: PowerShell, script: str, how: dict[str, object]
) -> None:
    said = await run(shell, script, **how)
    assert (said.records, said.host, said.summary.warnings) == ([], "", 0)
    assert "x" in said.text


async def test_a_stream_that_a_script_does_not_silence_is_shown(shell: PowerShell) -> None:
    said = await run(
        shell, "Write-Verbose v -Verbose 4>$null; Write-Warning w; $null = 3; 4 >$null"
    )
    assert [one.message for one in said.records] == ["w"]
