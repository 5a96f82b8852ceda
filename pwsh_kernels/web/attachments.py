"""How notebooks and consoles attach to kernels through Jupyter's routes: rows that come and go,
fast WebSockets.
"""

import json
from collections.abc import Mapping
from typing import Any, cast

from jupyter_client.jsonutil import json_default
from jupyter_server.services.kernels.connection.base import serialize_msg_to_ws_v1
from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection
from jupyter_server.services.kernels.handlers import KernelActionHandler
from jupyter_server.services.sessions.sessionmanager import SessionManager
from jupyter_server.utils import url_path_join
from tornado.routing import PathMatches, Rule
from tornado.web import HTTPError
from traitlets import Instance, default

from pwsh_kernels.audit.event import Event
from pwsh_kernels.errors import AuditUnavailable
from pwsh_kernels.principals.verbs import Verb
from pwsh_kernels.sessions.jupyter.kernel_manager import SessionKernelManager
from pwsh_kernels.shapes import ForeignJson
from pwsh_kernels.web.access import Caller
from pwsh_kernels.web.audit_events import cell_accepted, interrupted, prompt_answered
from pwsh_kernels.web.jupyter.gate import JupyterGate, caller_of
from pwsh_kernels.web.jupyter.messages import ClientMessage, read_message, with_grant
from pwsh_kernels.web.jupyter.silent_cells import SilentCells
from pwsh_kernels.web.websocket_frames import refuse_wrong_count

SUBPROTOCOL_V1 = "v1.kernel.websocket.jupyter.org"
POLICY_VIOLATION = 1008
"""The code with which a WebSocket is closed whose holder may not use it any more (RFC 6455)."""
NOT_ANY_MORE = "You may not read this session any more."
OWN_ROW = "console"
"""Type of a session's own row: front ends open a console on it."""
FIXED_ROW = (
    "This row is the session {key} itself and keeps its kernel: open a notebook, and choose a"
    " kernel for that."
)


class NotebookRows(SessionManager):
    """Jupyter's notebook-to-kernel table: removing a row never ends a session, which others use
    too.

    Every session has its own row, besides those of notebooks, so that lists of running sessions
    show its name. Its id is the kernel's; it exists as long as the kernel runs.
    """

    async def list_sessions(self) -> list[ForeignJson]:
        """Return the rows of notebooks, then the sessions' own: JupyterLab's picker names a kernel
        by its last row.
        """
        return [*await super().list_sessions(), *self._own_rows()]  # type: ignore[no-untyped-call]

    async def get_session(self, **wanted: Any) -> ForeignJson:
        """Return the row with these values. Raises HTTPError 404."""
        own = [
            row
            for row in self._own_rows()
            if wanted and all(_column(row, name) == wanted[name] for name in wanted)
        ]
        if own and "kernel_id" not in wanted:
            return own[0]
        return cast(ForeignJson, await super().get_session(**wanted))  # type: ignore[no-untyped-call]

    async def session_exists(self, path: str) -> bool:
        """Return whether a notebook, or a session by its name, has a row."""
        own = any(row["path"] == path for row in self._own_rows())
        return own or bool(await super().session_exists(path))  # type: ignore[no-untyped-call]

    async def update_session(self, session_id: str, **changes: Any) -> None:
        """Change a row.

        A session's own row keeps its name; raises HTTPError 409 if it would get another kernel.
        """
        self._refuse_other_kernel(session_id, changes.get("kernel_id", session_id))
        if not self._is_own(session_id):
            await super().update_session(session_id, **changes)  # type: ignore[no-untyped-call]

    async def start_kernel_for_session(self, session_id: str, *args: Any, **facts: Any) -> str:
        """Start the kernel of a new row.

        Raises HTTPError 409 for a session's own row, which has one.
        """
        self._refuse_other_kernel(session_id, "")
        return await super().start_kernel_for_session(session_id, *args, **facts)

    async def delete_session(self, session_id: str) -> None:
        """Forget that a notebook is attached; a session's own row stays.

        Raises HTTPError 404 for an unknown row.

        An ordinary kernel ends with its notebook, as in every Jupyter server; for a session the
        manager only detaches.
        """
        if not self._is_own(session_id):
            await super().delete_session(session_id)  # type: ignore[no-untyped-call]

    def _own_rows(self) -> list[ForeignJson]:
        manager = self.kernel_manager
        if not isinstance(manager, SessionKernelManager):
            return []
        return [
            _own_row(manager.title(key), manager.kernel_model(kernel_id))
            for key, kernel_id in manager.session_kernels()
        ]

    def _is_own(self, session_id: str) -> bool:
        return any(row["id"] == session_id for row in self._own_rows())

    def _refuse_other_kernel(self, session_id: str, kernel_id: str) -> None:
        own = next((row for row in self._own_rows() if row["id"] == session_id), None)
        if own and kernel_id != own["kernel"]["id"]:
            raise HTTPError(409, FIXED_ROW.format(key=own["kernel"]["pwsh"]["session"]))


def _own_row(title: str, kernel: ForeignJson) -> ForeignJson:
    return {"id": kernel["id"], "path": title, "name": title, "type": OWN_ROW, "kernel": kernel}


def _column(row: ForeignJson, name: str) -> Any:
    """Return what a row has in a column of Jupyter's table."""
    return row["id"] if name == "session_id" else row.get(name)


class KernelActions(KernelActionHandler):
    """Jupyter's interrupt and restart; a refused restart gives the reason instead of Jupyter's
    `Exception restarting kernel`.
    """

    async def post(self, kernel_id: str, action: str) -> None:
        """Interrupt or restart. Raises HTTPError 409 for a restart that would end a sign-in."""
        manager = self.kernel_manager
        if action == "restart" and self.current_user and isinstance(manager, SessionKernelManager):
            manager.refuse_restart(kernel_id)
        if caller := caller_of(self):
            gate: JupyterGate = cast(Any, self).identity_provider.gate
            key = gate.session_of(kernel_id)
            gate.guard.audit.note(interrupted(caller, key, kernel_id, action))
        await cast(Any, super()).post(kernel_id, action)


def action_rules(base_url: str) -> list[Rule]:
    """Return Tornado's rule for kernels' actions, which must precede Jupyter's own."""
    pattern = url_path_join(
        base_url, r"/api/kernels/(?P<kernel_id>\w+-\w+-\w+-\w+-\w+)/(?P<action>restart|interrupt)$"
    )
    return [Rule(PathMatches(pattern), KernelActions)]


class Channels(ZMQChannelsWebsocketConnection):
    """A notebook's WebSocket.

    Without TCP_NODELAY a cell takes 44 ms instead of 2.5 ms (decision 0009, 11).
    """

    silent_cells = Instance(SilentCells, args=())
    classes: "dict[str, str]" = cast("dict[str, str]", Instance(dict, args=()))
    """Of cells that were judged and not yet passed on, by the id of the message."""

    @default("iopub_data_rate_limit")
    def _default_data_rate(self) -> float:
        """Bytes per second: Jupyter's 1 MB/s drops the output of a big Get-Mailbox (decision 0009,
        13).
        """
        return 100_000_000.0

    @default("iopub_msg_rate_limit")
    def _default_message_rate(self) -> float:
        return 100_000.0

    def connect(self) -> Any:
        """Attach to the kernel's channels: a future, or None when the kernel is gone."""
        self.websocket_handler.set_nodelay(True)
        return super().connect()

    def handle_incoming_message(self, incoming_msg: str | bytes) -> None:
        """Pass a message on to the kernel, if its sender may send it now; drop an invalid one, and
        keep the WebSocket open.
        """
        v1 = self.subprotocol == SUBPROTOCOL_V1
        try:
            if v1 or isinstance(incoming_msg, bytes):
                refuse_wrong_count(cast(bytes, incoming_msg), v1=v1)
            message = read_message(incoming_msg, v1=v1)
            if refusal := self._refusal(message.verb):
                self._refuse(message, "Forbidden", refusal)
            elif refusal := self._unrecorded(message):
                self._refuse(message, "AuditUnavailable", refusal)
            else:
                self._note_sender(message)
                granted = (
                    self._granted(incoming_msg, v1=v1) if message.needs_grant else incoming_msg
                )
                super().handle_incoming_message(cast(str, granted))
        except Exception as error:  # noqa: BLE001 - a front end may send anything
            self.log.warning("Dropped a bad message of a WebSocket: %s", type(error).__name__)

    def handle_outgoing_message(self, stream: str, outgoing_msg: list[Any]) -> None:
        """Pass a message on to the notebook; if it may not read the session any more, hang up."""
        if self._refusal(Verb.READ):
            self.websocket_handler.close(POLICY_VIOLATION, NOT_ANY_MORE)
        else:
            if ended := self.silent_cells.ended(stream, outgoing_msg):
                self._gate.guard.audit.note(ended)
            super().handle_outgoing_message(stream, outgoing_msg)

    def _note_sender(self, message: ClientMessage) -> None:
        """Remember whose the run of a cell will be: the user name in its header is only a claim."""
        caller, manager = self._caller, self.multi_kernel_manager
        of_session = isinstance(manager, SessionKernelManager) and manager.session_of(
            self.kernel_id
        )
        if message.kind == "execute_request" and caller and of_session:
            manager.senders.note(str(message.header.get("msg_id")), caller.name)

    def _granted(self, message: str | bytes, *, v1: bool) -> str | bytes:
        """Return a message as its kernel takes it: with the server's grant, if it is a session."""
        signer, caller = getattr(self.kernel_manager, "signer", None), self._caller
        if signer is None or caller is None:
            return message
        return with_grant(message, signer, caller.name, v1=v1)

    @property
    def _caller(self) -> Caller | None:
        return caller_of(cast(Any, self.websocket_handler))

    def _refusal(self, verb: Verb) -> str:
        """Return why the notebook may not do something now; empty: it may."""
        caller = self._caller
        return self._gate.may_send(caller, verb, self.kernel_id) if caller else NOT_ANY_MORE

    @property
    def _gate(self) -> JupyterGate:
        gate: JupyterGate = cast(Any, self.websocket_handler).identity_provider.gate
        return gate

    def _unrecorded(self, message: ClientMessage) -> str:
        """Record what a message does before it is passed on; return why that failed."""
        caller = self._caller
        event = self._event(message, caller) if caller else None
        try:
            if event:
                self._gate.guard.audit.require(event)
        except AuditUnavailable as refused:
            return refused.text()
        if event and message.kind == "execute_request" and message.silent:
            self.silent_cells.begun(message.id, event)
        return ""

    def _event(self, message: ClientMessage, caller: Caller) -> Event | None:
        """Return what is recorded of a message; None: nothing."""
        key = self._gate.session_of(self.kernel_id)
        match message.kind:
            case "execute_request":
                judged = self.classes.pop(message.id, "")
                return cell_accepted(caller, key, self.kernel_id, message, judged)
            case "input_reply":
                return prompt_answered(caller, key, self.kernel_id)
            case "interrupt_request" | "shutdown_request":
                how = message.kind.removesuffix("_request")
                self._gate.guard.audit.note(interrupted(caller, key, self.kernel_id, how))
        return None

    def _refuse(self, message: ClientMessage, name: str, refusal: str) -> None:
        """Answer a request in the kernel's place: an error, and that nothing runs."""
        self.log.warning("Refused %s of a WebSocket: %s", message.kind, refusal)
        if not message.kind.endswith("_request"):
            return
        kind = message.kind.removesuffix("_request") + "_reply"
        error = {"ename": name, "evalue": refusal, "traceback": [refusal]}
        self._say(message, kind, message.channel, {"status": "error", **error})
        if message.kind == "execute_request":
            self._say(message, "error", "iopub", error)
        self._say(message, "status", "iopub", {"execution_state": "idle"})

    def _say(
        self, request: ClientMessage, kind: str, channel: str, content: Mapping[str, object]
    ) -> None:
        said = self.session.msg(kind, content=dict(content), parent={"header": request.header})
        handler = cast(Any, self.websocket_handler)
        if self.subprotocol == SUBPROTOCOL_V1:
            framed = serialize_msg_to_ws_v1(said, channel, self.session.pack)  # type: ignore[no-untyped-call]
            handler.write_message(framed, binary=True)
        else:
            text = json.dumps({**said, "channel": channel}, default=json_default)
            handler.write_message(text)
