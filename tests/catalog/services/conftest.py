"""PowerShells of service modules, on the sandbox: one each for the tests of a file."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application

from pwsh_kernels.powershell import (
    Launch,
    PowerShell,
)
from pwsh_kernels.sandbox import Authority, module_path
from pwsh_kernels.web.sandbox.powerapps import powerapps_rules
from tests.catalog.services.opened_service import (
    CATALOG,
    PAGE,
    OpenService,
    Service,
    contoso_facts,
)
from tests.fixtures.sandbox import make_certificate


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="session")
def open_service(
    tmp_path_factory: pytest.TempPathFactory, powershell_path: Path, certificate: Path
) -> OpenService:
    """Return what opens a module's PowerShell, with another folder than the sandbox's `modules`;
    whoever does closes it.
    """

    async def opened(key: str, modules: Path | None = None, **environment: str) -> Service:
        authority = Authority(tmp_path_factory.mktemp("sandbox"))
        authority.prepare(PAGE)
        module = CATALOG.module(key)
        endpoint = HTTPServer(Application(powerapps_rules(authority, "/")))
        (socket,) = bind_sockets(0, "127.0.0.1")
        endpoint.add_socket(socket)
        given = {
            "PWSH_KERNELS_SANDBOX": str(authority.folder),
            "PWSH_KERNELS_SANDBOX_TENANT": "contoso.example",
            "PWSH_KERNELS_POWERAPPS_URL": (
                f"http://127.0.0.1:{socket.getsockname()[1]}/sandbox/powerapps"
            ),
            **module.environment,
            **environment,
        }
        home = tmp_path_factory.mktemp("home")
        folder = str(modules or module_path())
        launch = Launch(
            powershell_path,
            home=home,
            environment=given,
            module_path=folder,
            machine_modules=False,
            fingerprint=module.fingerprint.text if module.fingerprint else "",
        )
        shell = await PowerShell.open(launch)
        return Service(
            module, shell, authority, endpoint, contoso_facts(authority, key, certificate)
        )

    return opened


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def services(open_service: OpenService) -> AsyncIterator[dict[str, Service]]:
    """The PowerShells that the tests of a file have opened, by module: one each."""
    opened: dict[str, Service] = {}
    yield opened
    for one in opened.values():
        await one.close()


@pytest_asyncio.fixture(loop_scope="module")
async def service(
    request: pytest.FixtureRequest, services: dict[str, Service], open_service: OpenService
) -> Service:
    """The PowerShell of the module that a test names; nobody is signed in."""
    if request.param not in services:
        services[request.param] = await open_service(request.param)
        await services[request.param].run(services[request.param].module.prepare)
    await services[request.param].run(services[request.param].module.disconnect)
    return services[request.param]
