"""Who may use which of Jupyter's routes: asked before each request, and for each message.

What somebody may not know of is answered as if it did not exist.
"""

import json
import logging
from collections.abc import Mapping
from typing import Any, cast

from jupyter_server.base.handlers import JupyterHandler
from tornado.web import HTTPError, RequestHandler

from pwsh_kernels.audit.event import Door
from pwsh_kernels.errors import AuditUnavailable
from pwsh_kernels.principals.principal import SERVER, SOMEWHERE, Kind
from pwsh_kernels.principals.verbs import Verb
from pwsh_kernels.sessions.facade import Reads, nothing_reads
from pwsh_kernels.sessions.jupyter.kernel_manager import SessionKernelManager
from pwsh_kernels.sessions.key import SessionKey
from pwsh_kernels.web.access import Caller
from pwsh_kernels.web.audit_events import kernel_started
from pwsh_kernels.web.changes_gate import ChangesGate
from pwsh_kernels.web.guard import Guard, verb_in
from pwsh_kernels.web.jupyter.rules import SERVER as SERVER_RULE
from pwsh_kernels.web.jupyter.rules import Of, rule_of

LOG = logging.getLogger(__name__)
NO_JUPYTER = "{name} has no right to Jupyter's routes."
NO_KERNEL = "Kernel does not exist: {kernel_id}"
NO_SPEC = "Kernel spec {name} not found"
NO_ROW = "There is no such session."
CALLER = "pwsh_caller"
"""Attribute of a handler that holds who its request is from."""


def caller_of(handler: RequestHandler) -> Caller | None:
    """Return who a handler's request is from, once that is known."""
    return cast("Caller | None", getattr(handler, CALLER, None))


class JupyterGate:
    """Asks the guard for what a request to one of Jupyter's handlers is about."""

    def __init__(
        self,
        guard: Guard,
        manager: SessionKernelManager,
        changes: ChangesGate | None = None,
        reads: Reads = nothing_reads,
    ) -> None:
        """`reads` judges what the read tier is asked to run."""
        self.reads = reads
        self.guard = guard
        self._manager = manager
        self.changes = changes

    async def admit(self, caller: Caller, handler: JupyterHandler) -> None:
        """Let a request pass. Raises HTTPError 403, or 404 for what the caller may not know of."""
        of, verb = (rule_of(type(handler)) or SERVER_RULE).for_method(handler.request.method or "")
        if of is Of.OPEN:
            return
        self._require_jupyter(caller)
        match of:
            case Of.LIST:
                self._require(caller, verb, None)
            case Of.KERNEL:
                self.require_kernel(caller, verb, handler.path_kwargs["kernel_id"])
            case Of.SPEC:
                self.require_spec(caller, verb, handler.path_kwargs["kernel_name"])
            case Of.START:
                await self._require_body(caller, verb, handler)
            case Of.ROW:
                await self._require_row(
                    caller, verb, handler, session_id=handler.path_kwargs["session_id"]
                )
            case _:
                self._require_server(caller)

    def _require_jupyter(self, caller: Caller) -> None:
        one = self.guard.current(caller)
        if one is None or not one.jupyter:
            decision = self.guard.decide(caller, Verb.SEE, SERVER)
            self.guard.note_denied(caller, decision, Door.NOTEBOOK)
            raise HTTPError(403, NO_JUPYTER.format(name=caller.name))

    def _require_server(self, caller: Caller) -> None:
        decision = self.guard.decide(caller, Verb.ADMINISTER, SERVER)
        if not decision.allowed:
            self.guard.note_denied(caller, decision, Door.NOTEBOOK)
            raise HTTPError(403, decision.text())

    def _require(self, caller: Caller, verb: Verb, key: SessionKey | None) -> None:
        where = self.guard.place(key) if key else SOMEWHERE
        verb = verb_in(verb, key.tier) if key else verb
        decision = self.guard.decide(caller, verb, where)
        if not decision.allowed:
            self.guard.note_denied(caller, decision, Door.NOTEBOOK)
            raise HTTPError(403, decision.text())

    # -- what a request is about ------------------------------------------------------------------

    def sees(self, caller: Caller, key: SessionKey | None) -> bool:
        """Return whether a caller may know of a kernel of this session; None: of no session."""
        if key is None:
            return self.guard.decide(caller, Verb.ADMINISTER, SERVER).allowed
        return self.guard.allows(caller, Verb.SEE, key)

    def session_of(self, kernel_id: str) -> SessionKey | None:
        """Return the session of a kernel; None if it belongs to none."""
        return self._manager.session_of(kernel_id)

    def sees_kernel(self, caller: Caller, kernel_id: str) -> bool:
        """Return whether a caller may know of a kernel."""
        return self.sees(caller, self._manager.session_of(kernel_id))

    def sees_spec(self, caller: Caller, name: str) -> bool:
        """Return whether a caller may know of a kernelspec."""
        return self.sees(caller, self._manager.session_key(name))

    def require_kernel(self, caller: Caller, verb: Verb, kernel_id: object) -> None:
        """Raise HTTPError 404 for a kernel that the caller may not know of, 403 for what the caller
        may not do with it.
        """
        if not isinstance(kernel_id, str) or not self.sees_kernel(caller, kernel_id):
            raise HTTPError(404, NO_KERNEL.format(kernel_id=kernel_id))
        if key := self._manager.session_of(kernel_id):
            self._require(caller, verb, key)

    def require_spec(self, caller: Caller, verb: Verb, name: object) -> None:
        """The same for a kernelspec."""
        if not isinstance(name, str) or not self.sees_spec(caller, name):
            raise HTTPError(404, NO_SPEC.format(name=name))
        if key := self._manager.session_key(name):
            self._require(caller, verb, key)

    async def _require_body(self, caller: Caller, verb: Verb, handler: JupyterHandler) -> None:
        """Check the kernel, or kernelspec, that a body names; the default one belongs to nobody."""
        model = _body(handler)
        if "path" in model and await _has_row(handler, model["path"]):
            await self._require_row(caller, verb, handler, path=model["path"])
            return
        kernel = model.get("kernel", model)
        if not self._require_named(caller, verb, kernel):
            self._require_server(caller)
        self._record_start(caller, kernel)

    def _record_start(self, caller: Caller, kernel: Mapping[str, Any]) -> None:
        """Record that a kernel is about to be started. Raises HTTPError 503 if that cannot be."""
        if kernel.get("id"):
            return
        name = str(kernel.get("name") or self._manager.default_kernel_name)
        key = self._manager.session_key(name)
        if key and key.kernel_id in self._manager:
            return
        try:
            self.guard.audit.require(kernel_started(caller, key, name))
        except AuditUnavailable as refused:
            raise HTTPError(503, refused.text()) from None

    def _require_named(self, caller: Caller, verb: Verb, kernel: object) -> bool:
        """Check what a kernel's model names; return whether it names anything."""
        if not isinstance(kernel, dict):
            raise HTTPError(400, "kernel must be an object")
        if kernel_id := kernel.get("id"):
            self.require_kernel(caller, verb, kernel_id)
        if name := kernel.get("name"):
            self.require_spec(caller, verb, name)
        return bool(kernel_id or name)

    async def _require_row(
        self, caller: Caller, verb: Verb, handler: JupyterHandler, **which: str
    ) -> None:
        """Check a row by its kernel, and the kernel that it is to get."""
        row = await cast(Any, handler).session_manager.get_session(**which)
        kernel_id = (row.get("kernel") or {}).get("id")
        if not isinstance(kernel_id, str) or not self.sees_kernel(caller, kernel_id):
            raise HTTPError(404, NO_ROW)
        self.require_kernel(caller, verb, kernel_id)
        if handler.request.method == "PATCH" and (kernel := _body(handler).get("kernel")):
            self._require_named(caller, verb, kernel)
            self._record_start(caller, kernel)

    # -- messages of an open WebSocket ------------------------------------------------------------

    def may_send(self, caller: Caller, verb: Verb, kernel_id: str) -> str:
        """Return why a caller may not send a message to a kernel now; empty: it may."""
        if caller.principal.kind is Kind.OWNER:
            return ""
        try:
            self._require_jupyter(caller)
            self.require_kernel(caller, verb, kernel_id)
        except HTTPError as refused:
            return refused.log_message or str(refused)
        return ""


def _body(handler: JupyterHandler) -> dict[str, Any]:
    """Return the JSON object of a request's body; empty if there is none. Raises HTTPError 400."""
    try:
        model = json.loads(handler.request.body or b"{}")
    except ValueError:
        raise HTTPError(400, "Invalid JSON in body of request") from None
    if model is not None and not isinstance(model, dict):
        raise HTTPError(400, "The body must be a JSON object")
    return model or {}


async def _has_row(handler: JupyterHandler, path: object) -> bool:
    if not isinstance(path, str):
        raise HTTPError(400, "path must be text")
    return bool(await cast(Any, handler).session_manager.session_exists(path=path))
