"""A kernel that only plays one: it speaks Jupyter's protocol over CurveZMQ as ours do, without any
PowerShell.
"""

from collections.abc import Callable
from typing import Any

import zmq
from jupyter_client.session import Session as Codec
from zmq.eventloop.zmqstream import ZMQStream

from benchmarks.scale.service import played
from pwsh_kernels.messages import JOURNAL_REPLY, JOURNAL_REQUEST, KEY, text_metadata
from pwsh_kernels.records import Summary

Message = dict[str, Any]
SOCKETS = {
    "shell": zmq.ROUTER,
    "control": zmq.ROUTER,
    "stdin": zmq.ROUTER,
    "iopub": zmq.PUB,
    "hb": zmq.REP,
}
INFO: Message = {
    "status": "ok",
    "protocol_version": "5.3",
    "implementation": "played",
    "implementation_version": "1",
    "language_info": {"name": "powershell", "version": "7", "mimetype": "", "file_extension": ""},
    "banner": "",
}
REPLIES: dict[str, tuple[str, Message]] = {
    "kernel_info_request": ("kernel_info_reply", INFO),
    "interrupt_request": ("interrupt_reply", {"status": "ok"}),
    JOURNAL_REQUEST: (JOURNAL_REPLY, {"status": "ok", "runs": []}),
    "shutdown_request": ("shutdown_reply", {"status": "ok", "restart": False}),
}


class PlayedKernel:
    """Answers on the five sockets of one connection file."""

    def __init__(
        self, context: zmq.Context[Any], facts: Message, ip: str, on_end: Callable[[], None]
    ) -> None:
        """`on_end` is called when it is asked to end."""
        self._codec = Codec(key=facts["key"].encode(), signature_scheme=facts["signature_scheme"])
        self._on_end = on_end
        self._count = 0
        self._streams = {name: self._bind(context, facts, ip, name) for name in SOCKETS}

    def close(self) -> None:
        """Close every socket."""
        for stream in self._streams.values():
            stream.close()

    def _bind(self, context: zmq.Context[Any], facts: Message, ip: str, name: str) -> ZMQStream:
        socket = context.socket(SOCKETS[name])
        socket.linger = 0
        socket.curve_server = True
        socket.curve_publickey = facts["curve_publickey"].encode()
        socket.curve_secretkey = facts["curve_secretkey"].encode()
        socket.bind(f"tcp://{ip}:{facts[name + '_port']}")
        stream = ZMQStream(socket)
        if name == "hb":
            stream.on_recv(stream.send_multipart)
        elif name != "iopub":
            stream.on_recv(lambda parts: self._received(name, parts))
        return stream

    def _received(self, channel: str, parts: list[bytes]) -> None:
        asker, signed = self._codec.feed_identities(parts)
        message = self._codec.deserialize(signed)
        kind = message["msg_type"]
        self._publish("status", {"execution_state": "busy"}, message)
        if kind == "execute_request":
            self._execute(channel, asker, message)
        elif kind in REPLIES:
            reply, content = REPLIES[kind]
            self._codec.send(self._streams[channel], reply, content, parent=message, ident=asker)
        self._publish("status", {"execution_state": "idle"}, message)
        if kind == "shutdown_request":
            self._on_end()

    def _execute(self, channel: str, asker: list[bytes], message: Message) -> None:
        self._count += 1
        content, options = message["content"], message["metadata"].get(KEY, {})
        if text := played(content["code"], options.get("parameters", {})):
            self._publish(
                "stream", {"name": "stdout", "text": text}, message, dict(text_metadata("text"))
            )
        self._codec.send(
            self._streams[channel],
            "execute_reply",
            {"status": "ok", "execution_count": self._count, "user_expressions": {}},
            parent=message,
            ident=asker,
            metadata={KEY: {"summary": Summary("completed").to_json()}},
        )

    def _publish(
        self, kind: str, content: Message, parent: Message, metadata: Message | None = None
    ) -> None:
        self._codec.send(
            self._streams["iopub"], kind, content, parent=parent, metadata=metadata or {}
        )
