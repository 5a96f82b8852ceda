"""Clients' messages are checked before anything reads them: invalid messages are dropped, and a
request with fields of a wrong kind, or that the session's server has not granted, gets an error as
its reply.
"""

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pwsh_kernels.errors import NotGranted
from pwsh_kernels.grants import Grant
from pwsh_kernels.kernel.ipykernel_compat import KernelCompat
from pwsh_kernels.kernel.request_fields import answerable, problem_of
from pwsh_kernels.messages import EVENT_MESSAGE, UNGRANTED, refused_event

Frames = Sequence[Any]


class CheckedMessages(KernelCompat):
    """Kernel mixin.

    If ipykernel cannot read a request's content, it only logs a traceback, and the client waits for
    ever.
    """

    admit: Callable[[Mapping[str, Any]], Grant | None]
    """Raises NotGranted for what must not be done; set before the first message."""

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
        if problem := problem_of(message):
            if answerable(message):
                self._refuse(
                    idents, message, channel, {"ename": "InvalidRequest", "evalue": problem}
                )
            else:
                _warn("dropped a message on the %s channel: %s", channel, problem)
            return False
        return channel == "control" or self._is_granted(idents, message)

    def _is_granted(self, idents: Any, message: Mapping[str, Any]) -> bool:
        """Return whether a message may be acted on; if not, it is answered, and all are told.

        Nothing that a control channel takes needs a grant.
        """
        try:
            self.admit(message)
        except NotGranted as refusal:
            self._tell_refusal(idents, message, refusal)
            return False
        return True

    def _tell_refusal(self, idents: Any, message: Mapping[str, Any], refusal: NotGranted) -> None:
        event = refused_event(message["msg_type"], message["header"], refusal.reason)
        _warn("refused a message that no server granted: %s", json.dumps(event))
        if answerable(message):
            self._refuse(idents, message, "shell", self._content(refusal))
        self._tell(EVENT_MESSAGE, event, None)

    def _content(self, refusal: NotGranted) -> Mapping[str, Any]:
        text = refusal.text()
        said = {"ename": UNGRANTED, "evalue": text, "traceback": [text]}
        return {
            **said,
            "execution_count": self.execution_count,
            "code": refusal.code,
            **refusal.facts(),
        }

    def _read(self, frames: Frames) -> tuple[Any, Mapping[str, Any]]:
        """Return the sender of a message, and the message. May raise anything, depending on its
        bytes.
        """
        codec: Any = self.session
        idents, parts = codec.feed_identities(frames, copy=False)
        message: Mapping[str, Any] = codec.deserialize(parts, content=True, copy=False)
        codec.digest_history.discard(bytes(parts[0].bytes))  # the base reads it a second time
        return idents, message

    def _refuse(
        self, idents: Any, message: Mapping[str, Any], channel: str, facts: Mapping[str, Any]
    ) -> None:
        codec: Any = self.session
        stream = self.control_stream if channel == "control" else self.shell_stream
        error = {"status": "error", "traceback": [], **facts}
        kind = message["msg_type"].replace("_request", "_reply")
        self._tell("status", {"execution_state": "busy"}, message)
        if kind == "execute_reply" and error["traceback"]:  # what a console shows
            self._tell("error", facts, message)
        codec.send(stream, kind, error, parent=message, ident=idents)
        self._tell("status", {"execution_state": "idle"}, message)

    def _tell(self, kind: str, content: Mapping[str, Any], parent: Any) -> None:
        codec: Any = self.session
        topic = self.iopub_topic(kind)
        codec.send(self.iopub_socket, kind, content, parent=parent, ident=topic)


def _warn(text: str, *facts: str) -> None:
    logging.getLogger(__name__).warning(text, *facts)
