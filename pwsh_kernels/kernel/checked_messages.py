"""Clients' messages are checked before anything reads them: invalid messages are dropped, and a
request with fields of a wrong kind gets an error as its reply.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from pwsh_kernels.kernel.ipykernel_compat import KernelCompat
from pwsh_kernels.kernel.request_fields import answerable, problem_of

Frames = Sequence[Any]


class CheckedMessages(KernelCompat):
    """Kernel mixin.

    If ipykernel cannot read a request's content, it only logs a traceback, and the client waits for
    ever.
    """

    async def dispatch_shell(
        self, msg: Frames, /, subshell_id: str | None = None, *, concurrent: bool = False
    ) -> None:
        """Take a message of the shell channel."""
        if self._passes(msg, "shell"):
            await super().dispatch_shell(msg, subshell_id=subshell_id, concurrent=concurrent)

    async def process_control(self, msg: Frames) -> None:
        """Take a message of the control channel."""
        if self._passes(msg, "control"):
            await super().process_control(msg)

    def _passes(self, frames: Frames, channel: str) -> bool:
        """Return whether the base can read a message; if not, it is answered or dropped."""
        try:
            idents, message = self._read(frames)
        except Exception as error:  # noqa: BLE001 - whoever reaches the port may send anything
            _warn("dropped a bad message on the %s channel: %s", channel, type(error).__name__)
            return False
        problem = problem_of(message)
        if problem and answerable(message):
            self._refuse(idents, message, channel, problem)
        elif problem:
            _warn("dropped a message on the %s channel: %s", channel, problem)
        return not problem

    def _read(self, frames: Frames) -> tuple[Any, Mapping[str, Any]]:
        """Return the sender of a message, and the message. May raise anything, depending on its
        bytes.
        """
        codec: Any = self.session
        idents, parts = codec.feed_identities(frames, copy=False)
        message: Mapping[str, Any] = codec.deserialize(parts, content=True, copy=False)
        codec.digest_history.discard(bytes(parts[0].bytes))  # the base reads it a second time
        return idents, message

    def _refuse(self, idents: Any, message: Mapping[str, Any], channel: str, problem: str) -> None:
        codec: Any = self.session
        stream = self.control_stream if channel == "control" else self.shell_stream
        error = {"status": "error", "ename": "InvalidRequest", "evalue": problem, "traceback": []}
        kind = message["msg_type"].replace("_request", "_reply")
        self._tell_status("busy", message)
        codec.send(stream, kind, error, parent=message, ident=idents)
        self._tell_status("idle", message)

    def _tell_status(self, status: str, parent: Mapping[str, Any]) -> None:
        codec: Any = self.session
        content, topic = {"execution_state": status}, self.iopub_topic("status")
        codec.send(self.iopub_socket, "status", content, parent=parent, ident=topic)


def _warn(text: str, *facts: str) -> None:
    logging.getLogger(__name__).warning(text, *facts)
