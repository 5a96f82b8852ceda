"""A service's PowerShell module that is missing or too old: reported with the command that installs
it, before any code.
"""

import re
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio

from pwsh_kernels.catalog import Catalog, unfit
from tests.fixtures.store import install
from tests.sessions.world import World

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.pwsh]

TENANT = "adatum.com"
EXO = Catalog.load().module("exo")
REACHED = (
    "function Get-ConnectionInformation { throw 'the service was reached' }\nfunction"
    " Connect-ExchangeOnline { }\n"
)
SIGNS_IN = """function Connect-ExchangeOnline { $script:Known = $true }
function Disconnect-ExchangeOnline { $script:Known = $false }
function Get-AcceptedDomain { [pscustomobject] @{ DomainName = 'adatum.com' } }
function Get-ConnectionInformation {
    if ($Known) { [pscustomobject] @{ State = 'Connected'; UserPrincipalName = 'admin@adatum.com'; TokenStatus = 'Active' } }
}
"""  # noqa: E501
MISSING = (
    "The PowerShell module ExchangeOnlineManagement 3.5.0 or newer is not installed. Install it:"
    f" {EXO.install}"
)
TOO_OLD = (
    "The PowerShell module ExchangeOnlineManagement is too old: 3.4.9 is installed, 3.5.0 or newer"
    f" is needed. Install it: {EXO.install}"
)

KNOWN_BAD = (
    "The PowerShell module ExchangeOnlineManagement 3.7.0 is known not to work: it forgets the"
    f" tenant. Install another version: {EXO.install}"
)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """Sessions on a machine without modules, with an empty store."""
    folder = tmp_path_factory.mktemp("readiness")
    (folder / "tenants.toml").write_text(f'[[tenant]]\nname = "{TENANT}"\n', encoding="utf-8")
    (folder / "catalog").mkdir()
    known_bad = 'bad_versions = { "3.7.0" = "it forgets the tenant" }\n'
    everywhere = (EXO.folder / "exo.toml").read_text(encoding="utf-8")
    built_in = re.sub(r"(?m)^(?:login_)?hosts = .*\n", "", everywhere)  # no network here
    (folder / "catalog" / "exo.toml").write_text(known_bad + built_in, encoding="utf-8")
    places = {
        "PWSH_MANAGER_TENANTS": folder / "tenants.toml",
        "PWSH_MANAGER_MODULES_DIR": folder / "catalog",
    }
    one = await World.begin(folder, **{name: str(place) for name, place in places.items()})
    yield one
    await one.end()


async def test_a_login_tells_how_to_install_the_module_and_a_later_one_finds_it_in_the_same_session(
    world: World,
) -> None:
    data = world.settings.data_dir
    told = [await world.login(TENANT)]
    install(data, "ExchangeOnlineManagement", "3.4.9", REACHED)
    told.append(await world.login(TENANT))
    kernel = world.kernel(TENANT)
    install(data, "ExchangeOnlineManagement", "3.7.0", REACHED)
    told.append(await world.login(TENANT))
    assert [one["error"] for one in told] == [MISSING, TOO_OLD, KNOWN_BAD]
    assert {one["code"] for one in told} == {"sign_in_failed"}
    assert {one["device_code"] for one in told} == {None}
    assert {one["sign_in"]["explanation"]["code"] for one in told} == {"module_not_installed"}
    assert (
        "the service was reached" in (await world.login(TENANT, route="managed_identity"))["error"]
    )
    install(data, "ExchangeOnlineManagement", "3.9.0", REACHED)
    assert "the service was reached" in (await world.login(TENANT))["error"]
    assert (world.kernel(TENANT), (await world.status(TENANT))["modules"]) == (
        kernel,
        {EXO.powershell_module: "3.9.0"},
    )


async def test_a_session_that_nobody_was_signed_in_to_takes_what_is_selected_now_until_somebody_is(
    world: World,
) -> None:
    data, name = world.settings.data_dir, EXO.powershell_module
    install(data, name, "3.9.1", REACHED)
    assert "the service was reached" in (await world.login(TENANT))["error"]
    install(data, name, "3.6.0", SIGNS_IN)
    assert (await world.login(TENANT, route="managed_identity"))["state"] == "signed_in"
    install(data, name, "3.9.2", SIGNS_IN)
    loaded = f"(Get-Module {name}).Version.ForEach('ToString')"
    assert (await world.run(loaded, TENANT))["result"].split() == ["3.6.0"]
    assert (await world.login(TENANT, route="managed_identity"))["state"] == "signed_in"
    assert (await world.status(TENANT))["modules"] == {name: "3.6.0"}


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (["3.5.0"], None),
        (["3.5"], None),
        (["3.10.0", "3.4.0"], None),
        (["3.4.0", "3.10.0"], None),
        ([], MISSING),
        (["3.4.9"], TOO_OLD),
        (["3.7.0", "3.8.0"], KNOWN_BAD),
        (["3.8.0", "3.7.0"], None),
    ],
)
async def test_a_module_is_fit_when_one_that_is_found_is_new_enough(
    found: list[str], said: str | None
) -> None:
    problem = unfit(replace(EXO, bad_versions={"3.7.0": "it forgets the tenant"}), found)
    assert (problem.text() if problem else None) == said
