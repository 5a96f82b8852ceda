"""Notebooks run to their end: on the installed PowerShell kernel, or on the kernel of a session."""

import json
import re
from pathlib import Path
from typing import Any

import nbformat
from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from server_fixtures import Server

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"
CELL_WAIT_S = 60
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


class SharedKernelNotebook(NotebookClient):
    """nbclient on a kernel that is not its own: stock nbclient starts a new one (decision 0011)."""

    async def run_on(self, client: AsyncKernelClient) -> None:
        """Run every cell with this client."""
        self.kc, self.km = client, None
        for number, cell in enumerate(self.nb.cells):
            if cell.cell_type == "code":
                await self.async_execute_cell(cell, number)


def read(name: str) -> Any:
    """Return a notebook of notebooks/."""
    notebook = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
    nbformat.validate(notebook)
    return notebook


def notebook_environment(server: Server) -> dict[str, str]:
    """Return the environment of a kernel whose PowerShell finds the server of the test, and the
    command line.
    """
    environment = server.environment
    known = [name for name in environment if name.startswith(("PWSH_", "JUPYTER_"))]
    return {**environment, "PWSH_MANAGER_PASS_ENV": ",".join(known)}


async def run_on_own_kernel(notebook: Any, server: Server) -> Any:
    """Run a notebook on a fresh kernel of its kernelspec, and return it with its new outputs."""
    manager = AsyncKernelManager(kernel_name=notebook.metadata.kernelspec.name)
    client = NotebookClient(notebook, km=manager, timeout=CELL_WAIT_S)
    await client.async_execute(env=notebook_environment(server), cwd=str(server.folder))
    return notebook


async def run_on_session(notebook: Any, server: Server, tenant: str, module: str = "exo") -> Any:
    """Run a notebook on the kernel of a session, and return it with its new outputs."""
    kernel_id = server.post("/status", tenant=tenant, module=module)["kernel_id"]
    client = AsyncKernelClient()
    client.load_connection_info(
        json.loads((server.folder / "runtime" / f"kernel-{kernel_id}.json").read_text("utf-8"))
    )
    client.start_channels()
    try:
        await client.wait_for_ready(timeout=CELL_WAIT_S)
        await SharedKernelNotebook(notebook, timeout=CELL_WAIT_S).run_on(client)
    finally:
        client.stop_channels()
    return notebook


def shown(notebook: Any) -> list[str]:
    """Return what each code cell shows as text, without colours."""
    return [_shown(cell.outputs) for cell in notebook.cells if cell.cell_type == "code"]


def _shown(outputs: list[Any]) -> str:
    texts = [str(one.get("text") or one.get("data", {}).get("text/plain", "")) for one in outputs]
    return _COLOURS.sub("", "".join(texts)).strip()


def notebook(*cells: str, parameters: str = "") -> Any:
    """Return a notebook for our kernel; `parameters` is the source of its parameters cell."""
    spec = {"name": "pwsh", "display_name": "PowerShell", "language": "powershell"}
    made = nbformat.v4.new_notebook(
        metadata={"kernelspec": spec, "language_info": {"name": "powershell"}}
    )
    first = nbformat.v4.new_code_cell(parameters, metadata={"tags": ["parameters"]})
    made.cells = [
        *([first] if parameters else []),
        *(nbformat.v4.new_code_cell(one) for one in cells),
    ]
    return made


def text(cell: Any) -> str:
    """Return what a cell wrote to its streams."""
    return "".join(one["text"] for one in cell.outputs if one["output_type"] == "stream")
