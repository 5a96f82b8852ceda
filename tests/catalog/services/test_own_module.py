"""A module of one's own: the example of docs/modules.md, exactly as it stands there."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import fields
from pathlib import Path

import pytest
import pytest_asyncio
from mcp import Client
from mcp_types import TextContent

from pwsh_kernels.catalog import Catalog, Module, Route, RouteName, Secret, Unsupported
from pwsh_kernels.mcp.backend import RestBackend
from pwsh_kernels.mcp.server import build_server
from pwsh_kernels.settings import Settings
from tests.catalog.services.opened_service import CATALOG, OpenService, Service, error_of
from tests.fixtures.cli import run_command
from tests.fixtures.repository import ROOT
from tests.fixtures.server import Server

IN_ONE_LOOP = pytest.mark.asyncio(loop_scope="module")

PAGE = (ROOT / "docs" / "modules.md").read_text(encoding="utf-8")
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
function Get-CrmConnection { if ($script:User) { @{ User = $script:User; TenantId = '1'; Domain = 'example.org' } } }
function Get-CrmCustomer { param([int] $First) if ($script:User -eq 'locked') { throw 'locked out' } 'a customer' }
function Disconnect-Crm { $script:User = $null }
"""  # noqa: E501


TENANTS = """
[[tenant]]
name = "example.org"
[tenant.crm]
route = "client_secret"
client_id = "{client}"
client_secret = {{ env = "CRM_SECRET" }}
"""
LIMIT = 60


@pytest.fixture(scope="module")
def catalog_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of the user's own with the documented example in it."""
    folder = tmp_path_factory.mktemp("own")
    example = re.search(r"```toml\n(# crm\.toml\n.*?)```", PAGE, re.DOTALL)
    assert example
    (folder / "crm.toml").write_text(example[1], encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for PSModulePath with a Contoso.Crm to import."""
    modules = tmp_path_factory.mktemp("modules")
    folder = modules / "Contoso.Crm" / "2.1.0"
    folder.mkdir(parents=True)
    (folder / "Contoso.Crm.psm1").write_text(CRM, encoding="utf-8")
    (folder / "Contoso.Crm.psd1").write_text(
        "@{ RootModule = 'Contoso.Crm.psm1'; ModuleVersion = '2.1.0'; FunctionsToExport = '*' }",
        encoding="utf-8",
    )
    return modules


@pytest.fixture(scope="module")
def crm(catalog_folder: Path) -> Module:
    """The documented example, read by itself."""
    known = Catalog.load(extra=catalog_folder)
    assert known.broken == ()
    return known.module("crm")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def session(crm: Module, open_service: OpenService, modules: Path) -> AsyncIterator[Service]:
    """A PowerShell that has a Contoso.Crm to import."""
    service = await open_service("exo", modules)
    service.module = crm
    yield service
    await service.close()


@pytest.fixture
def crm_server(
    powershell_path: Path, catalog_folder: Path, modules: Path, tmp_path: Path
) -> Iterator[Server]:
    """A server whose operator did what docs/modules.md says, and nothing else."""
    (tmp_path / "tenants.toml").write_text(TENANTS.format(client="7"), encoding="utf-8")
    settings = {
        "PWSH_MANAGER_MODULES_DIR": str(catalog_folder),
        "PWSH_MANAGER_TENANTS": str(tmp_path / "tenants.toml"),
        "PWSH_MANAGER_MACHINE_MODULES": "true",
        "PWSH_MANAGER_PASS_ENV": "PSModulePath",
        "PSModulePath": str(modules),
        "PWSH_MANAGER_RUN_SIGNED_OUT": "true",
        "CRM_SECRET": "right",
    }
    server = Server(tmp_path, settings).start()
    yield server
    server.close()


async def ask_over_mcp(server: Server, command: str) -> str:
    """Return the text that a model gets for a command."""
    given = {
        "PWSH_MANAGER_URL": server.url,
        "PWSH_MANAGER_TOKEN": server.token,
        "PWSH_MANAGER_AUTOSTART": "false",
    }
    backend = RestBackend(Settings(**given))  # type: ignore[arg-type]
    try:
        async with asyncio.timeout(LIMIT), Client(build_server(backend)) as client:
            answer = await client.call_tool(
                "pwsh_run", {"tenant": "example.org", "module": "crm", "command": command}
            )
            [content] = answer.content
            assert isinstance(content, TextContent)
            return content.text
    finally:
        await backend.close()


def test_the_documented_example_works_in_rest_mcp_and_the_command_line(crm_server: Server) -> None:
    where, command = ("example.org", "crm"), "Get-CrmCustomer -First 1"
    environment = crm_server.environment
    assert "crm" in crm_server.get("/modules")["modules"]
    assert run_command(environment, "login", *where) == (
        "Signed in to example.org:crm as 7.\n",
        "",
        0,
    )
    assert run_command(environment, "run", *where, command) == ("a customer\n", "", 0)
    assert crm_server.run(command, "example.org", module="crm")["result"] == '"a customer"'
    assert "a customer" in asyncio.run(ask_over_mcp(crm_server, command))
    see_that_nobody_stays_connected_whom_the_check_cannot_name(crm_server)


def see_that_nobody_stays_connected_whom_the_check_cannot_name(server: Server) -> None:
    """Sign in as an application for which the check fails, after its connect script has
    succeeded.
    """
    (server.folder / "tenants.toml").write_text(TENANTS.format(client="locked"), encoding="utf-8")
    server.post("/disconnect", tenant="example.org", module="crm")
    login = server.post("/login", tenant="example.org", module="crm")
    assert (login["code"], login["state"]) == ("sign_in_failed", "signed_out")
    assert "locked out" in login["error"]
    connected = server.run("[bool] (Get-CrmConnection)", "example.org", module="crm")
    assert (connected["result"], connected["success"]) == ("false", True)


@IN_ONE_LOOP
async def test_the_documented_example_is_prepared_signs_in_and_out(session: Service) -> None:
    assert (await session.run(session.module.prepare)).summary.outcome == "completed"
    accounts: dict[RouteName, str] = {"device_code": "person@contoso.example", "client_secret": "7"}
    for route, account in accounts.items():
        said = await session.connect(route, client_id="7", client_secret=Secret("right"))
        assert said.summary.outcome == "completed"
        assert await session.check() == {
            "account": account,
            "tenant_id": "1",
            "domains": ["example.org"],
            "expires_at": None,
        }
        await session.run(session.module.disconnect)
        assert await session.check() is None


@IN_ONE_LOOP
async def test_a_refusal_of_the_documented_example_reaches_the_caller(session: Service) -> None:
    await session.run(session.module.prepare)
    said = await session.connect("client_secret", client_id="7", client_secret=Secret("wrong"))
    assert error_of(said).message == "wrong secret"


def test_the_page_names_every_key_fact_route_and_module() -> None:
    keys = {one.name for form in (Module, Route) for one in fields(form)} - {
        "key",
        "folder",
        "name",
        "routes",
    }
    facts = {fact for module in CATALOG.modules.values() for fact in module.facts()}
    routes = {route for module in CATALOG.modules.values() for route in module.routes}
    missing = [
        word
        for word in {*keys, *facts, *routes}
        if f"`{word}`" not in PAGE and f"[{word}]" not in PAGE
    ]
    assert missing == []
    for key, module in CATALOG.modules.items():
        row = re.search(rf"^\| `{key}` \|(.*)$", PAGE, re.MULTILINE)
        assert row
        assert key == "powerplatform" or f"| {', '.join(module.routes)} |" in row[1]
        assert f"{module.powershell_module} {module.minimum_version}" in row[1]
    for key, one in CATALOG.unsupported.items():
        assert isinstance(one, Unsupported)
        assert f"| `{key}` |" in PAGE
