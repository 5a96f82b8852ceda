"""Jupyter's lists of kernels, sessions and kernelspecs, with what their caller may see."""

import json
from typing import Any, cast

from jupyter_client.jsonutil import json_default
from jupyter_core.utils import ensure_async
from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.services.kernels.handlers import MainKernelHandler
from jupyter_server.services.kernelspecs.handlers import MainKernelSpecHandler
from jupyter_server.services.sessions.handlers import SessionRootHandler
from jupyter_server.utils import url_path_join
from tornado.routing import PathMatches, Rule
from tornado.web import HTTPError

from pwsh_kernels.shapes import ForeignJson
from pwsh_kernels.web.access import Caller
from pwsh_kernels.web.jupyter.gate import JupyterGate, caller_of


class KernelList(MainKernelHandler):
    """The list of running kernels, at `/api/kernels`."""

    def initialize(self, gate: JupyterGate) -> None:
        self.gate = gate

    async def get(self) -> None:
        """List the kernels that the caller may see."""
        caller = _caller(self)
        kernels = await ensure_async(cast(Any, self.kernel_manager).list_kernels())
        _send(self, [one for one in kernels if self.gate.sees_kernel(caller, one["id"])])


class RowList(SessionRootHandler):
    """The list of rows, at `/api/sessions`."""

    def initialize(self, gate: JupyterGate) -> None:
        self.gate = gate

    async def get(self) -> None:
        """List the rows whose kernels the caller may see."""
        caller = _caller(self)
        rows = await ensure_async(cast(Any, self.session_manager).list_sessions())
        _send(self, [one for one in rows if self.gate.sees_kernel(caller, one["kernel"]["id"])])


class SpecList(MainKernelSpecHandler):
    """The list of kernelspecs, at `/api/kernelspecs`."""

    def initialize(self, gate: JupyterGate) -> None:
        self.gate = gate

    def finish(self, chunk: Any = None) -> Any:
        """Send the kernelspecs that the caller may see; the default is one of them."""
        caller = caller_of(self)
        if caller is None or self.get_status() != 200 or not isinstance(chunk, str):
            return super().finish(chunk)
        model: ForeignJson = json.loads(chunk)
        specs = {
            name: one
            for name, one in model["kernelspecs"].items()
            if self.gate.sees_spec(caller, name)
        }
        default = model["default"] if model["default"] in specs else next(iter(specs), "")
        return super().finish(json.dumps({"default": default, "kernelspecs": specs}))


def list_rules(gate: JupyterGate, base_url: str) -> list[Rule]:
    """Return Tornado's rules for the lists, which must precede Jupyter's own."""
    handlers = {"kernels": KernelList, "sessions": RowList, "kernelspecs": SpecList}
    return [
        Rule(PathMatches(url_path_join(base_url, f"/api/{name}$")), handler, {"gate": gate})
        for name, handler in handlers.items()
    ]


def _caller(handler: JupyterHandler) -> Caller:
    """Return whom the request is from, whom the gate has admitted. Raises HTTPError 403."""
    caller = caller_of(handler)
    if caller is None:
        raise HTTPError(403)
    return caller


def _send(handler: JupyterHandler, answer: list[ForeignJson]) -> None:
    cast(Any, handler).finish(json.dumps(answer, default=json_default))
