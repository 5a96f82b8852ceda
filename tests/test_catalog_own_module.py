"""A module of one's own: the example of docs/modules.md, exactly as it stands there."""

import re
from collections.abc import AsyncIterator
from dataclasses import fields
from pathlib import Path

import pytest
import pytest_asyncio
from catalog_fixtures import CATALOG, OpenService, Service, error_of

from pwsh_kernels.catalog import Catalog, Module, Route, RouteName, Secret, Unsupported

pytestmark = pytest.mark.asyncio(loop_scope="module")

PAGE = (Path(__file__).parent.parent / "docs" / "modules.md").read_text(encoding="utf-8")
CRM = """
$script:User = $null
function Connect-Crm {
    [CmdletBinding()]
    param([string] $Organization, [switch] $UseDeviceCode, [pscredential] $Credential)
    if ($Credential -and $Credential.GetNetworkCredential().Password -ne 'right') {
        $PSCmdlet.ThrowTerminatingError(
            [System.Management.Automation.ErrorRecord]::new([Exception]::new('wrong secret'), 'Crm', 0, $null))
    }
    $script:User = $Credential.UserName ?? "person@$Organization"
}
function Get-CrmConnection { if ($script:User) { @{ User = $script:User; TenantId = '1'; Domain = 'contoso.example' } } }
function Get-CrmCustomer { param([int] $First) 'a customer' }
function Disconnect-Crm { $script:User = $null }
"""


@pytest.fixture(scope="module")
def crm(tmp_path_factory: pytest.TempPathFactory) -> Module:
    """The documented example, read from a folder of the user's own."""
    folder = tmp_path_factory.mktemp("own")
    example = re.search(r"```toml\n(# crm\.toml\n.*?)```", PAGE, re.DOTALL)
    assert example
    (folder / "crm.toml").write_text(example[1], encoding="utf-8")
    known = Catalog.load(extra=folder)
    assert known.broken == ()
    return known.module("crm")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def session(
    crm: Module, open_service: OpenService, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Service]:
    """A PowerShell that has a Contoso.Crm to import."""
    modules = tmp_path_factory.mktemp("modules")
    folder = modules / "Contoso.Crm" / "2.1.0"
    folder.mkdir(parents=True)
    (folder / "Contoso.Crm.psm1").write_text(CRM, encoding="utf-8")
    (folder / "Contoso.Crm.psd1").write_text(
        "@{ RootModule = 'Contoso.Crm.psm1'; ModuleVersion = '2.1.0'; FunctionsToExport = '*' }", encoding="utf-8"
    )
    service = await open_service("exo", PSModulePath=str(modules))
    service.module = crm
    yield service
    await service.close()


async def test_the_documented_example_is_prepared_signs_in_and_out(session: Service) -> None:
    assert (await session.run(session.module.prepare)).summary.outcome == "completed"
    accounts: dict[RouteName, str] = {"device_code": "person@contoso.example", "client_secret": "7"}
    for route, account in accounts.items():
        said = await session.connect(route, client_id="7", client_secret=Secret("right"))
        assert said.summary.outcome == "completed"
        assert await session.check() == {
            "account": account,
            "tenant_id": "1",
            "domains": ["contoso.example"],
            "expires_at": None,
        }
        await session.run(session.module.disconnect)
        assert await session.check() is None


async def test_a_refusal_of_the_documented_example_reaches_the_caller(session: Service) -> None:
    await session.run(session.module.prepare)
    said = await session.connect("client_secret", client_id="7", client_secret=Secret("wrong"))
    assert error_of(said).message == "wrong secret"


async def test_the_page_names_every_key_fact_route_and_module() -> None:
    keys = {one.name for form in (Module, Route) for one in fields(form)} - {"key", "folder", "name", "routes"}
    facts = {fact for module in CATALOG.modules.values() for fact in module.facts()}
    routes = {route for module in CATALOG.modules.values() for route in module.routes}
    missing = [word for word in {*keys, *facts, *routes} if f"`{word}`" not in PAGE and f"[{word}]" not in PAGE]
    assert missing == []
    for key, module in CATALOG.modules.items():
        row = re.search(rf"^\| `{key}` \|(.*)$", PAGE, re.MULTILINE)
        assert row
        assert key == "powerplatform" or f"| {', '.join(module.routes)} |" in row[1]
        assert f"{module.powershell_module} {module.minimum_version}" in row[1]
    for key, one in CATALOG.unsupported.items():
        assert isinstance(one, Unsupported)
        assert f"| `{key}` |" in PAGE
