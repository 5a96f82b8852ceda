"""The culture of a session: its own in text, none in json and csv."""

import ctypes.util
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from pwsh_kernels.catalog.tenants.parsing import read_form
from pwsh_kernels.powershell import Launch, PowerShell
from tests.fixtures.powershell import run

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.skipif(
        not ctypes.util.find_library("icuuc"), reason="without ICU PowerShell knows no cultures"
    ),
]
MOMENT = "[datetime]::new(2026, 1, 31, 13, 0, 0)"
ROW = f"[pscustomobject]@{{ Number = 1.5; Moment = {MOMENT} }}"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def german(
    powershell_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[PowerShell]:
    """A PowerShell of a server whose variables say something else."""
    environment = {"LC_ALL": "C.UTF-8", "LC_NUMERIC": "C", "LANG": "en_US.UTF-8"}
    launch = Launch(
        powershell_path,
        home=tmp_path_factory.mktemp("home"),
        environment=environment,
        culture="de-DE",
    )
    opened = await PowerShell.open(launch)
    yield opened
    await opened.close()


async def test_powershell_has_the_culture_that_it_was_started_with(german: PowerShell) -> None:
    assert (await run(german, "(Get-Culture).Name, (Get-UICulture).Name")).text == "de-DE\nde-DE\n"
    assert (
        await run(
            german, "(Get-Culture).Name, (Start-Job { (Get-Culture).Name } | Receive-Job -Wait)"
        )
    ).text == "de-DE\nde-DE\n"


@pytest.mark.parametrize("options", [{}, {"rich": True}, {"format": "compact"}, {"format": "list"}])
async def test_text_has_numbers_and_dates_of_the_culture(
    german: PowerShell, options: dict[str, object]
) -> None:
    said = await run(german, f"1.5; {MOMENT}; Get-Date {MOMENT} -Format D", **options)
    assert "1,5" in said.text
    assert "Samstag, 31. Januar 2026" in said.text


async def test_a_tenant_may_have_every_culture_that_powershell_lists(german: PowerShell) -> None:
    script = "[cultureinfo]::GetCultures('AllCultures').Name | Where-Object { $_ }"
    names = (await run(german, script)).text.split()
    assert len(names) > 500
    assert [one for one in names if not _is_accepted(one)] == ["en-US-POSIX"]


def _is_accepted(name: str) -> bool:
    text = f'[[tenant]]\nname = "adatum.com"\nculture = "{name}"\n'
    return not read_form(text, Path(), {}).problems


async def test_json_has_numbers_and_dates_of_no_culture(german: PowerShell) -> None:
    said = await run(german, ROW, format="json")
    assert json.loads(said.text) == {"Number": 1.5, "Moment": "2026-01-31T13:00:00"}


@pytest.mark.parametrize("separator", ["", "$null = Get-Culture; "])
async def test_csv_has_numbers_and_dates_of_no_culture_between_commas(
    german: PowerShell, separator: str
) -> None:
    said = await run(german, f"{ROW}; {separator}1.5; 'x'", format="csv")
    assert said.text.splitlines()[:2] == ['"Number","Moment"', '"1.5","01/31/2026 13:00:00"']
    assert (
        await run(german, f"{MOMENT}, 2.5", format="csv")
    ).text == '"Value"\n"01/31/2026 13:00:00"\n"2.5"\n'


@pytest.mark.parametrize(
    "script",
    [
        f"{ROW}; (Get-Culture).Name",
        (
            "[pscustomobject]@{ a = 1 } | Add-Member -PassThru ScriptProperty b { throw 'no' };"
            " (Get-Culture).Name"
        ),
    ],
)
async def test_the_script_keeps_its_culture_while_csv_is_written(
    german: PowerShell, script: str
) -> None:
    said = await run(
        german,
        f'{script}; Write-Warning (Get-Culture).Name; Write-Warning "$((1.5).ToString())"',
        format="csv",
    )
    assert [one.message for one in said.records] == ["de-DE", "1,5"]
    assert (await run(german, "(1.5).ToString()")).text == "1,5\n"


async def test_without_a_culture_of_its_own_it_is_that_of_lang(
    powershell_path: Path, tmp_path: Path
) -> None:
    opened = await PowerShell.open(
        Launch(powershell_path, home=tmp_path, environment={"LANG": "fr_FR.UTF-8"})
    )
    try:
        assert (await run(opened, "(Get-Culture).Name; (1.5).ToString()")).text == "fr-FR\n1,5\n"
    finally:
        await opened.close()
