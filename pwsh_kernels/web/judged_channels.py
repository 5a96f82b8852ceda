"""A notebook's WebSocket in which a cell is passed on only if the tenant lets it run as it is, and
in the read tier only if it reads.
"""

import asyncio
from collections import deque
from typing import cast

from traitlets import Any as AnyTrait
from traitlets import Instance

from pwsh_kernels.audit.event import Door
from pwsh_kernels.errors import InvalidRequest, NotOnlyReading, ProductError
from pwsh_kernels.messages import CARRIED, our_facts
from pwsh_kernels.sessions.facade import NO_PARAMETERS
from pwsh_kernels.sessions.key import SessionKey
from pwsh_kernels.web.access import Caller
from pwsh_kernels.web.attachments import SUBPROTOCOL_V1, Channels
from pwsh_kernels.web.audit_events import cell_refused
from pwsh_kernels.web.jupyter.messages import (
    ClientMessage,
    executed_texts,
    read_message,
    with_metadata,
)


class JudgedChannels(Channels):
    """Messages keep their order: while a cell is being judged, those behind it wait."""

    held: "deque[str | bytes]" = cast("deque[str | bytes]", Instance(deque, args=()))
    carried: "dict[str, object]" = cast("dict[str, object]", Instance(dict, args=()))
    """What the metadata of the cell that is passed on next say of what carries it."""
    passing: "asyncio.Task[None] | None" = cast("asyncio.Task[None] | None", AnyTrait(None))

    def handle_incoming_message(self, incoming_msg: str | bytes) -> None:
        """Pass a message on, at once or when it has been judged."""
        if not self.held and self._judged(incoming_msg) is None:
            super().handle_incoming_message(incoming_msg)
            return
        self.held.append(incoming_msg)
        if len(self.held) == 1:
            self.passing = asyncio.ensure_future(self._pass_on())

    async def _pass_on(self) -> None:
        while self.held:
            incoming = self.held[0]
            try:
                if refusal := await self._refusal_of(incoming):
                    message, error = refusal
                    self._refuse(message, type(error).__name__, error.text())
                else:
                    super().handle_incoming_message(self._carrying(incoming))
            except Exception as problem:  # noqa: BLE001 - a front end may send anything
                name = type(problem).__name__
                self.log.warning("Dropped a bad message of a WebSocket: %s", name)
            finally:
                self.held.popleft()

    def _carrying(self, incoming: str | bytes) -> str | bytes:
        """Return a message with what carries its cell, if it is for the read tier."""
        ours, self.carried = self.carried, {}
        if not ours:
            return incoming
        return with_metadata(incoming, ours, v1=self.subprotocol == SUBPROTOCOL_V1)

    def _judged(self, incoming: str | bytes) -> ClientMessage | None:
        """Return a message that has to be judged; None for another, and for an invalid one."""
        caller, key = self._caller, self._gate.session_of(self.kernel_id)
        if caller is None or key is None or not (key.reads or self._changes_judged(caller, key)):
            return None
        try:
            message = read_message(incoming, v1=self.subprotocol == SUBPROTOCOL_V1)
            is_cell = message.kind == "execute_request"
        except Exception:  # noqa: BLE001 - a front end may send anything; the parent class drops it
            return None
        return message if is_cell and not self._refusal(message.verb) else None

    def _changes_judged(self, caller: Caller, key: SessionKey) -> bool:
        gate = self._gate.changes
        return gate is not None and gate.changes(caller, key.tenant, key.module) != "free"

    async def _refusal_of(self, incoming: str | bytes) -> tuple[ClientMessage, ProductError] | None:
        """Return a message that may not run as it is, and why."""
        caller, key = self._caller, self._gate.session_of(self.kernel_id)
        message = self._judged(incoming)
        if caller is None or key is None or message is None:
            return None
        try:
            if key.reads:  # no tenant refuses what reads
                self.carried = {CARRIED: await self._check_read(caller, key, message)}
                self.classes[message.id] = "read"
            elif gate := self._gate.changes:
                judge = gate.judging(caller, executed_texts(message), Door.NOTEBOOK)
                self.classes[message.id] = await judge.cell(key.tenant, key.module)
        except ProductError as error:
            return message, error
        return None

    async def _check_read(
        self, caller: Caller, key: SessionKey, message: ClientMessage
    ) -> dict[str, object] | None:
        """Return what carries a cell. Raises NotOnlyReading, NotCarried, InvalidRequest, and if
        nobody can be asked.
        """
        if our_facts({"metadata": message.metadata}).get("parameters"):
            raise InvalidRequest("parameters", NO_PARAMETERS)
        try:
            texts = executed_texts(message)
            cell, *_ = await self._gate.reads(key, texts, caller.name)
        except NotOnlyReading as refused:
            self._gate.guard.audit.note(
                cell_refused(caller, key, self.kernel_id, message, refused.kind)
            )
            raise
        return cell.to_json() if cell else None
