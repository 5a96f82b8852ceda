"""What a session finds of the installed modules: the versions that were selected when it began, and
nothing simulated.
"""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from pwsh_kernels.errors import BrokenFile
from pwsh_kernels.modules.lock import LockedModule
from pwsh_kernels.sessions.jupyter.pinned_modules import usable
from tests.fixtures.store import POISON, install, write_module
from tests.sessions.world import CONTOSO, World

pytestmark = pytest.mark.asyncio(loop_scope="module")

ADATUM, TAILSPIN = "adatum.com", "tailspin.com"
TENANTS = f'[[tenant]]\nname = "{ADATUM}"\n[[tenant]]\nname = "{TAILSPIN}"\n'
TOOL = "Get-Tool; (Get-Module -ListAvailable Contoso.Tools).Version.ForEach('ToString') -join ' '"
PLAYED = "ExchangeOnlineManagement"
SERVICES = (
    "ExchangeOnlineManagement",
    "PnP.PowerShell",
    "Az.Accounts",
    "Az.Resources",
    "MicrosoftTeams",
)


def tool(version: str) -> str:
    """Return a script whose command says which version it is of."""
    return f"function Get-Tool {{ 'tool {version}' }}\n"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A server's folder, with modules in its store; the machine has poisoned ones
    everywhere else.
    """
    folder = tmp_path_factory.mktemp("pins")
    (folder / "tenants.toml").write_text(TENANTS, encoding="utf-8")
    install(folder / "data", "Contoso.Tools", "1.0", tool("1.0"))
    install(folder / "data", "Contoso.Mail", "2.0", POISON, needs=[PLAYED])
    for name in SERVICES:
        install(folder / "data", name, "9.9.8")
        write_module(folder / "machine", name, "9.9.9", POISON)
    write_module(folder / "machine", "Contoso.Tools", "0.5", POISON)
    return folder


async def begin(folder: Path) -> World:
    """Start a server on a machine where the modules of all services are installed for all users."""
    settings = {
        "PWSH_MANAGER_TENANTS": str(folder / "tenants.toml"),
        "PWSH_MANAGER_RUN_SIGNED_OUT": "true",
        "PWSH_MANAGER_MACHINE_MODULES": "true",
        "PWSH_MANAGER_PASS_ENV": "PSModulePath",
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PSModulePath", str(folder / "machine"))
        return await World.begin(folder, **settings)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def world(powershell_path: Path, folder: Path) -> AsyncIterator[World]:
    """Sessions on that machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PSModulePath", str(folder / "machine"))
        one = await begin(folder)
        yield one
        await one.end()


def pins(folder: Path) -> dict[str, list[str]]:
    """Return what is linked for each session."""
    links = sorted((folder / "data" / "pins").glob("*/*/*"))
    assert all(link.is_symlink() and link.is_dir() for link in links)
    found: dict[str, list[str]] = {}
    for link in links:
        found.setdefault(link.parts[-3], []).append(f"{link.parts[-2]} {link.parts[-1]}")
    return found


async def said(world: World, command: str, tenant: str) -> list[str]:
    """Return the lines of what a command gives."""
    answer = await world.run(command, tenant)
    assert answer["state"] == "succeeded", answer
    return str(answer["result"]).splitlines()


async def test_a_session_of_a_simulated_tenant_finds_only_the_sandboxs_modules_whatever_is_installed(  # noqa: E501
    world: World,
) -> None:
    everywhere = f"(Get-Module -ListAvailable {','.join(SERVICES)}).ForEach({{ $_.Path }})"
    for command in (everywhere, f"Start-Job {{ {everywhere} }} | Receive-Job -Wait"):
        paths = await said(world, command, CONTOSO)
        assert len(paths) == len(SERVICES)
        assert all(f"sandbox{os.sep}modules" in path for path in paths), paths
    assert await said(world, "Get-Module -ListAvailable Contoso.Mail", CONTOSO) == []
    assert (await world.sign_in())["state"] == "signed_in"
    assert await said(world, "(Get-AcceptedDomain | Where-Object Default).DomainName", CONTOSO) == [
        CONTOSO
    ]


async def test_it_finds_what_else_is_installed_and_says_its_versions(world: World) -> None:
    assert await said(world, TOOL, CONTOSO) == ["tool 1.0", "1.0"]
    assert (await world.status(CONTOSO))["modules"] == {"Contoso.Tools": "1.0"}


async def test_an_update_touches_new_sessions_only_and_each_finds_one_version(
    world: World, folder: Path
) -> None:
    assert await said(world, "'begun'", ADATUM) == ["begun"]
    install(folder / "data", "Contoso.Tools", "2.0", tool("2.0"))
    assert await said(world, TOOL, TAILSPIN) == ["tool 2.0", "2.0 0.5"]
    assert await said(world, TOOL, ADATUM) == [
        "tool 1.0",
        "1.0 0.5",
    ]  # first found after the update
    job = f"Start-Job {{ {TOOL} }} | Receive-Job -Wait"
    assert await said(world, job, ADATUM) == ["tool 1.0", "1.0 0.5"]
    versions = {
        tenant: (await world.status(tenant))["modules"]["Contoso.Tools"]
        for tenant in (ADATUM, TAILSPIN)
    }
    assert versions == {ADATUM: "1.0", TAILSPIN: "2.0"}


async def test_the_stores_modules_come_before_the_machines_in_a_session_of_a_real_tenant(
    world: World,
) -> None:
    names = "(Get-Module -ListAvailable ExchangeOnlineManagement).Version.ForEach('ToString')"
    first, *others = await said(world, names, ADATUM)
    assert (first, set(others)) == ("9.9.8", {"9.9.9"})
    first, second, *_ = await said(
        world, "$env:PSModulePath -split [IO.Path]::PathSeparator", ADATUM
    )
    assert first.endswith(f"evidence{os.sep}powershell")
    assert second.endswith(f"pins{os.sep}{ADATUM}.exo")


async def test_what_a_session_has_pinned_is_released_when_it_is_lost_or_closed(
    world: World, folder: Path
) -> None:
    tools = {
        name: version
        for name, links in pins(folder).items()
        for version in links
        if "Tools" in version
    }
    old, new = "Contoso.Tools 1.0", "Contoso.Tools 2.0"
    assert tools == {f"{ADATUM}.exo": old, f"{TAILSPIN}.exo": new, f"{CONTOSO}.exo": old}
    world.powershell(TAILSPIN).kill()
    assert (await world.becomes(TAILSPIN, "lost"))["modules"] == {}
    await world.sessions.disconnect(CONTOSO, "exo")
    assert list(pins(folder)) == [f"{ADATUM}.exo"]


@pytest.mark.pwsh
async def test_a_later_server_leaves_living_sessions_their_versions_and_releases_what_is_stale(
    tmp_path: Path,
) -> None:
    (tmp_path / "tenants.toml").write_text(TENANTS, encoding="utf-8")
    install(tmp_path / "data", "Contoso.Tools", "1.0", tool("1.0"))
    first = await begin(tmp_path)
    await first.run("1", ADATUM)
    await first.run("1", TAILSPIN)
    dead = first.kernel(TAILSPIN)
    await first.stop()
    dead.kill()
    dead.wait(30)
    install(tmp_path / "data", "Contoso.Tools", "2.0", tool("2.0"))
    second = await begin(tmp_path)
    try:
        assert pins(tmp_path) == {f"{ADATUM}.exo": ["Contoso.Tools 1.0"]}
        assert (await second.becomes(ADATUM, "signed_out"))["modules"] == {"Contoso.Tools": "1.0"}
        assert await said(second, "Get-Tool", ADATUM) == ["tool 1.0"]
    finally:
        await second.end()
    assert pins(tmp_path) == {}


async def test_what_needs_a_module_that_is_left_out_is_left_out_too() -> None:
    needs: dict[str, tuple[str, ...]] = {"A": (), "B": ("a",), "C": ("B",), "D": ()}
    modules = {name: LockedModule(name, "1", dependencies=others) for name, others in needs.items()}
    assert [one.name for one in usable(modules, ["A"])] == ["D"]
    assert [one.name for one in usable(modules, [])] == ["A", "B", "C", "D"]


async def test_a_lock_file_that_cannot_be_read_stops_no_session_of_a_simulated_tenant(
    tmp_path: Path,
) -> None:
    (tmp_path / "tenants.toml").write_text(TENANTS, encoding="utf-8")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "modules.lock.toml").write_text("[[module", encoding="utf-8")
    world = await begin(tmp_path)
    try:
        assert (await world.sign_in())["state"] == "signed_in"
        assert (await world.status(CONTOSO))["modules"] == {}
        with pytest.raises(BrokenFile):
            await world.run("1", ADATUM)
    finally:
        await world.end()
