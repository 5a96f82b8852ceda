"""`pwsh-kernels console`: Jupyter's console on a session, through the server."""

import asyncio
import importlib.util
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pwsh_kernels.cli.console import connected
from pwsh_kernels.cli.sessions import Module, Tenant
from pwsh_kernels.errors import ConsoleNotInstalled, ConsoleRefused, UnknownSession

if TYPE_CHECKING:
    from pwsh_kernels.discovery import ServerAddress


def console(
    tenant: Tenant,
    module: Module = "exo",
    jupyter: Annotated[list[str] | None, typer.Argument(help="Jupyter options, after --.")] = None,
) -> None:
    """Open Jupyter's console on a session.

    Needs `pip install jupyter_console`. Ctrl-D leaves; the session stays signed in.
    """
    if importlib.util.find_spec("jupyter_console") is None:
        raise ConsoleNotInstalled
    address, kernel_id = asyncio.run(_session(tenant, module))
    if kernel_id is None:
        raise UnknownSession(tenant=tenant, module=module)
    _open(address, kernel_id, jupyter or [])


def _open(address: "ServerAddress", kernel_id: str, options: list[str]) -> None:
    from websocket import WebSocketBadStatusException

    try:
        _console_app(address, kernel_id).launch_instance(options)
    except WebSocketBadStatusException as refused:
        raise ConsoleRefused(http_status=refused.status_code) from None


async def _session(tenant: str, module: str) -> "tuple[ServerAddress, str | None]":
    """Return the server, and the id of the session's kernel if there is one."""
    async with connected() as client:
        status = await client.status(tenant, module)
        return client.address, None if status["state"] == "none" else status["kernel_id"]


def _console_app(address: "ServerAddress", kernel_id: str) -> Any:
    """Return jupyter_console's application; as it is, it knows only connection files."""
    from jupyter_console.app import ZMQTerminalIPythonApp  # type: ignore[import-untyped]

    from pwsh_kernels.cli.session_channels import SessionClient

    class SessionConsole(ZMQTerminalIPythonApp):  # type: ignore[misc]
        """Attaches to a kernel that is there, and starts none."""

        def init_connection_file(self) -> None:
            """There is none."""

        def init_ssh(self) -> None:
            """Nor a tunnel."""

        def init_kernel_manager(self) -> None:
            """Nothing is started, and nothing ends with the console."""
            self.existing = kernel_id
            self.kernel_manager = None

        def init_kernel_client(self) -> None:
            """Attach through the server."""
            self.kernel_client = SessionClient(address, kernel_id, session=self.session)
            self.kernel_client.start_channels()

    return SessionConsole
