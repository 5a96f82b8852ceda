"""A sessions facade on real kernels and the sandbox's tenants, for tests on one event loop."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import psutil
import pytest
from jupyter_client.asynchronous.client import AsyncKernelClient
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application

from pwsh_kernels.audit.log import AuditLog
from pwsh_kernels.audit.trail import AuditTrail
from pwsh_kernels.catalog import Catalog, TenantsFile
from pwsh_kernels.messages import checked_options
from pwsh_kernels.sandbox import Authority, module_path
from pwsh_kernels.sessions import LoginRequest, RunRequest, Sessions
from pwsh_kernels.sessions.jupyter.kernel_manager import SessionKernelManager
from pwsh_kernels.sessions.jupyter.kernel_specs import SessionKernelSpecManager
from pwsh_kernels.sessions.key import SessionKey
from pwsh_kernels.sessions.places.local_process import living_process
from pwsh_kernels.settings import Settings
from pwsh_kernels.web.sandbox.powerapps import POWERAPPS_PATH, powerapps_rules
from tests.fixtures.granted import GRANTS, granted_session

CONTOSO = "contoso.example"
FABRIKAM = "fabrikam.example"
END_WAIT = 30.0


def make_settings(folder: Path, **settings: str) -> Settings:
    """Return settings that keep to one folder, as the environment would give them."""
    with pytest.MonkeyPatch.context() as patch:
        given = {
            "PWSH_MANAGER_DATA_DIR": str(folder / "data"),
            # Commands of tests meet the test in files of its own folder.
            "PWSH_MANAGER_CONFINE_FOLDERS": str(folder),
            "PWSH_MANAGER_MACHINE_MODULES": "false",
            **settings,
        }
        for name, value in given.items():
            patch.setenv(name, value)
        return Settings()


def make_manager(folder: Path) -> SessionKernelManager:
    """Return a kernel manager whose connection files are in the folder."""
    runtime = folder / "runtime"
    runtime.mkdir(exist_ok=True)
    return SessionKernelManager(
        connection_dir=str(runtime),
        kernel_spec_manager=SessionKernelSpecManager(),
        root_dir=str(folder),
    )


def make_authority(folder: Path) -> Authority:
    """Return the simulated authority of the folder."""
    authority = Authority(folder / "data" / "sandbox")
    authority.prepare("http://127.0.0.1:1/sandbox/devicelogin")
    return authority


def serve_powerapps(authority: Authority) -> tuple[HTTPServer, str]:
    """Serve the simulated PowerApps service, as a server does; return it and its address."""
    service = HTTPServer(Application(powerapps_rules(authority, "/")))
    (socket,) = bind_sockets(0, "127.0.0.1")
    service.add_socket(socket)
    return service, f"http://127.0.0.1:{socket.getsockname()[1]}{POWERAPPS_PATH}"


def run_request(command: str, tenant: str = CONTOSO, **more: Any) -> RunRequest:
    """Return a request as the door makes it: its options are checked; as text, if not told."""
    names = [name for name in ("parameters", "format", "width", "max_chars") if name in more]
    options = checked_options(**{"format": "text", **{name: more.pop(name) for name in names}})
    return RunRequest(tenant, command, options=options, **{"wait_s": END_WAIT, **more})


@dataclass
class World:
    """Everything of one server without its HTTP, but for the simulated PowerApps service."""

    folder: Path
    settings: Settings
    manager: SessionKernelManager
    authority: Authority
    sessions: Sessions
    powerapps: HTTPServer
    audit: AuditTrail

    @classmethod
    async def begin(cls, folder: Path, **settings: str) -> "World":
        """Start, as a server does; what an earlier one left in the folder is found again."""
        known, manager, authority = (
            make_settings(folder, **settings),
            make_manager(folder),
            make_authority(folder),
        )
        powerapps, url = serve_powerapps(authority)
        sandbox = {
            "PWSH_KERNELS_SANDBOX": str(authority.folder),
            "PWSH_KERNELS_MODULE_PATH": str(module_path()),
        }
        sandbox["PWSH_KERNELS_POWERAPPS_URL"] = url
        tenants = TenantsFile(known.tenants_file)
        audit = AuditTrail(AuditLog(known.audit_folder))
        sessions = Sessions(
            known,
            manager,
            Catalog.load(extra=known.modules_dir),
            tenants.current,
            lambda: sandbox,
            audit=audit,
        )
        await sessions.start()
        return cls(folder, known, manager, authority, sessions, powerapps, audit)

    async def end(self) -> None:
        """End every session and let go."""
        for view in self.sessions.views():
            await self.sessions.kill(view["tenant"], view["module"])
        await self.stop()

    async def stop(self) -> None:
        """Let go, as a server that stops; sessions live on."""
        await self.sessions.stop()
        self.audit.close()
        self.powerapps.stop()

    async def login(self, tenant: str = CONTOSO, **more: Any) -> dict[str, Any]:
        """Ask for a sign-in."""
        return dict(await self.sessions.login(LoginRequest(tenant, **more)))

    def front_end(self, tenant: str = CONTOSO, module: str = "exo") -> AsyncKernelClient:
        """Return a Jupyter client of a session's kernel, whose messages are granted."""
        key = SessionKey(tenant, module)
        facts = dict(self.manager.get_kernel(key.kernel_id).get_connection_info())
        signer = self.manager.signer(key)
        assert signer is not None
        client = AsyncKernelClient(session=granted_session({**facts, GRANTS: signer.private}))
        client.load_connection_info(cast(Any, facts))
        return client

    async def sign_in(
        self, tenant: str = CONTOSO, account: str | None = None, **more: Any
    ) -> dict[str, Any]:
        """Sign in as a person does; returns the status afterwards."""
        answer = await self.login(tenant, **more)
        if answer["auth_pending"]:
            self.authority.approve(answer["device_code"], account or f"admin@{tenant}")
        return await self.status(tenant, more.get("module", "exo"))

    async def status(self, tenant: str = CONTOSO, module: str = "exo") -> dict[str, Any]:
        """Return the status of a session once nothing is pending."""
        return dict(await self.sessions.status(tenant, module, wait_s=END_WAIT))

    async def run(self, command: str, tenant: str = CONTOSO, **more: Any) -> dict[str, Any]:
        """Run a command."""
        return dict(await self.sessions.run(run_request(command, tenant, **more)))

    async def begin_run(self, command: str, tenant: str = CONTOSO, **more: Any) -> str:
        """Run a command and return its id as soon as it runs."""
        answer = await self.run(command, tenant, wait_s=0, **more)
        return str(answer["run_id"])

    async def output_of(self, run_id: str, wanted: str) -> str:
        """Wait until the output of a run holds a text; return all of it."""
        text, cursor = "", 0
        async with asyncio.timeout(END_WAIT):
            while wanted not in text:
                page = await self.sessions.run_view(run_id, cursor, wait_s=END_WAIT)
                assert page["entries"] or page["ended_at"] is None, (
                    f"{wanted!r} never came; there is {text!r} and {page}"
                )
                text += "".join(entry["text"] for entry in page["entries"])
                cursor = page["next_cursor"]
        return text

    async def progress(self, run_id: str) -> dict[str, Any]:
        """Wait until a run shows progress, and return it."""
        run = self.sessions._runs.get(run_id)
        assert await run.changes.wait_for(lambda: run.progress is not None, END_WAIT)
        (view,) = [one for one in self.sessions.run_views() if one["run_id"] == run_id]
        assert view["progress"]
        return dict(view["progress"])

    async def ended(self, run_id: str) -> dict[str, Any]:
        """Wait for the end of a run."""
        await self.sessions._runs.get(run_id).wait(END_WAIT, input_too=False)
        return dict(await self.sessions.run_view(run_id))

    async def asked(self, run_id: str) -> dict[str, Any]:
        """Wait until a run asks a question or ends."""
        await self.sessions._runs.get(run_id).wait(END_WAIT)
        return dict(await self.sessions.run_view(run_id))

    def kernel(self, tenant: str = CONTOSO, module: str = "exo") -> psutil.Process:
        """Return the kernel process of a session."""
        process = living_process(self.manager.connection_file(SessionKey(tenant, module)))
        assert process is not None
        return psutil.Process(process.pid)

    def powershell(self, tenant: str = CONTOSO, module: str = "exo") -> psutil.Process:
        """Return the PowerShell process of a session."""
        (child,) = [one for one in self.kernel(tenant, module).children() if "-s" in one.cmdline()]
        return child

    async def becomes(self, tenant: str, state: str, module: str = "exo") -> dict[str, Any]:
        """Wait until a session is in a state; return its status."""
        live = self.sessions._lifecycle.find(tenant, module)
        assert live is not None
        assert await live.session.changes.wait_for(lambda: live.session.state == state, END_WAIT), (
            live.session
        )
        return dict(await self.sessions.status(tenant, module))
