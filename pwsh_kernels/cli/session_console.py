"""`pwsh-kernels console`: Jupyter's console on a session, with the keys of its kernel."""

import asyncio
import importlib.util
from pathlib import Path
from typing import Annotated, Any

import typer
from jupyter_core.paths import jupyter_runtime_dir

from pwsh_kernels.cli.console import connected
from pwsh_kernels.cli.sessions import Module, Tenant
from pwsh_kernels.errors import ConsoleNotInstalled, UnknownSession


def console(
    tenant: Tenant,
    module: Module = "exo",
    jupyter: Annotated[list[str] | None, typer.Argument(help="Jupyter options, after --.")] = None,
) -> None:
    """Open Jupyter's console on a session.

    Needs `pip install jupyter_console`, and runs on the server's machine as its user. Ctrl-D
    leaves; the session stays signed in.
    """
    if importlib.util.find_spec("jupyter_console") is None:
        raise ConsoleNotInstalled
    kernel_id = asyncio.run(_kernel_id(tenant, module))
    if kernel_id is None:
        raise UnknownSession(tenant=tenant, module=module)
    file = Path(jupyter_runtime_dir()) / f"kernel-{kernel_id}.json"
    _console_app().launch_instance(["--existing", str(file), *(jupyter or [])])


async def _kernel_id(tenant: str, module: str) -> str | None:
    async with connected() as client:
        status = await client.status(tenant, module)
        return None if status["state"] == "none" else status["kernel_id"]


def _console_app() -> Any:
    """Return jupyter_console's application; as it is, it leaves out the keys and waits for ever."""
    from jupyter_client.blocking.client import BlockingKernelClient
    from jupyter_console.app import ZMQTerminalIPythonApp  # type: ignore[import-untyped]

    class KeyedClient(BlockingKernelClient):
        """Reads the whole connection file."""

        def __init__(self, **given: Any) -> None:
            super().__init__(**given)
            self.load_connection_file()

    class SessionConsole(ZMQTerminalIPythonApp):  # type: ignore[misc]
        """Attaches with the keys."""

        kernel_client_class = KeyedClient

    return SessionConsole
