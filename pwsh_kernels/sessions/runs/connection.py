"""The only reader of a kernel: passes every message of its four channels to its owner, in order of
arrival.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from ipaddress import ip_address
from typing import Any

import zmq
from jupyter_client.session import Session as Codec
from zmq.eventloop.zmqstream import ZMQStream
from zmq.utils.monitor import parse_monitor_message

from pwsh_kernels.grants import Signer
from pwsh_kernels.messages import EVENT_MESSAGE
from pwsh_kernels.shapes import ForeignJson

LOG = logging.getLogger(__name__)
JOIN_PAUSE_S = 0.02
"""Pause between two kernel_info requests while iopub is being joined (decision 0011)."""
LINGER_MS = 1000
PROBE_S, BEAT_MS, SILENCE_MS = 5, 60_000, 600_000
"""How often Linux asks the machine of a kernel elsewhere whether it still knows the connection, how
often ZeroMQ asks the kernel, and when silence means that the connection is broken. A cut of the
network can end one half of a connection: who only listens then waits for ever (measured). Where it
ends none, TCP delivers everything later. A question of ZeroMQ costs this process 0.15 ms, one of
Linux nothing (docs/scale.md).
"""

Message = Mapping[str, Any]
Listener = Callable[[Message], None]
SOCKET_TYPES = {"shell": zmq.DEALER, "control": zmq.DEALER, "stdin": zmq.DEALER, "iopub": zmq.SUB}


class KernelConnection:
    """Sockets to one kernel.

    Replies and output are assigned by the id of their request.

    `on_foreign` gets iopub messages of executions that other clients asked for, `on_event` the
    kernel's own events.
    """

    def __init__(
        self,
        info: Mapping[str, Any],
        context: zmq.Context[Any],
        on_foreign: Listener,
        on_event: Listener,
        on_rejoined: Callable[[], None] = lambda: None,
        *,
        signer: Signer | None = None,
    ) -> None:
        """`info` is a connection file's content (jupyter_client.connect). `on_rejoined` is called
        when a connection that broke is there again; what was under way is lost. `signer` grants our
        messages; None: the kernel asks for no grants.

        Must be made on the event loop.
        """
        key = info["key"]
        self._codec = Codec(
            key=key if isinstance(key, bytes) else key.encode(),
            signature_scheme=info["signature_scheme"],
        )
        self._signer = signer
        self._on_foreign = on_foreign
        self._on_event = on_event
        self._listeners: dict[str, Listener] = {}
        self._replies: dict[str, asyncio.Future[Message]] = {}
        self._joined = asyncio.Event()
        self._on_rejoined = on_rejoined
        self._broken = False
        self._monitors: list[ZMQStream] = []
        self._streams: dict[str, ZMQStream] = {}
        self.closed = False
        try:
            for channel in SOCKET_TYPES:
                self._streams[channel] = self._connect(context, info, channel)
        except zmq.ZMQError as error:
            self.close()
            raise ConnectionError(f"no connection to its kernel: {error}") from error

    async def join(self, timeout: float) -> Message:
        """Wait for the kernel's answer and its iopub messages; return kernel_info.

        Raises TimeoutError, ConnectionError.
        """
        async with asyncio.timeout(timeout):
            while True:
                # A kernel that is only starting answers when it can: it would have to answer every
                # further question, too.
                answer = self.request("control", "kernel_info_request")
                await asyncio.wait((answer,))
                if not answer.cancelled() and await self._has_joined():
                    content: Message = answer.result()["content"]
                    return content

    async def _has_joined(self) -> bool:
        """Wait briefly for a message on iopub; return whether one came."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._joined.wait(), JOIN_PAUSE_S)
        return self._joined.is_set()

    def execute(
        self,
        code: str,
        metadata: Mapping[str, Any],
        listener: Listener,
        *,
        store_history: bool,
        principal: str = "",
        run: str = "",
    ) -> str:
        """Send an execute request; `listener` gets every message that belongs to it until `forget`.
        `principal` and `run`: for whom, and as which run.

        Return its id. If sending raises, nothing was sent.
        """
        content = {
            "code": code,
            "silent": False,
            "store_history": store_history,
            "user_expressions": {},
            "allow_stdin": True,
            "stop_on_error": False,
        }
        message = self._codec.msg("execute_request", content, metadata=dict(metadata))
        self._send("shell", message, principal, run)
        self._listeners[message["msg_id"]] = listener
        return str(message["msg_id"])

    def forget(self, message_id: str) -> None:
        """Stop passing messages to the listener of an execution."""
        self._listeners.pop(message_id, None)

    def request(
        self, channel: str, kind: str, content: Mapping[str, Any] | None = None
    ) -> asyncio.Future[Message]:
        """Send a request on `shell` or `control`; the future is its reply.

        Raises ConnectionError when closed.
        """
        if self.closed:
            raise ConnectionError("the connection to the kernel is closed")
        message = self._codec.msg(kind, dict(content or {}))
        reply: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._replies[message["msg_id"]] = reply
        reply.add_done_callback(lambda _: self._replies.pop(message["msg_id"], None))
        self._codec.send(self._streams[channel], message)
        return reply

    async def interrupt(self, timeout: float) -> bool:
        """Ask the kernel to stop the current run; return whether it accepted the request within
        `timeout` seconds.
        """
        try:
            await asyncio.wait_for(self.request("control", "interrupt_request"), timeout)
        except (TimeoutError, ConnectionError):
            return False
        return True

    def answer(
        self,
        question: Message,
        value: str,
        metadata: Mapping[str, Any],
        principal: str = "",
        run: str = "",
    ) -> None:
        """Answer an input_request, for somebody."""
        content, parent = {"value": value}, dict(question)
        message = self._codec.msg("input_reply", content, parent, metadata=dict(metadata))
        self._send("stdin", message, principal, run)

    def _send(self, channel: str, message: ForeignJson, principal: str, run: str) -> None:
        if self._signer:
            message = {**message, "metadata": self._signer.granted(message, principal, run)}
        self._codec.send(self._streams[channel], message)

    def close(self) -> None:
        """Close the sockets and cancel pending futures. The kernel is not notified."""
        self.closed = True
        self._listeners.clear()
        for reply in list(self._replies.values()):
            reply.cancel()
        for stream in [*self._streams.values(), *self._monitors]:
            if not stream.closed():
                stream.close()

    def _connect(
        self, context: zmq.Context[Any], info: Mapping[str, Any], channel: str
    ) -> ZMQStream:
        socket = context.socket(
            SOCKET_TYPES[channel], socket_class=zmq.Socket
        )  # of an asyncio context too
        socket.linger = LINGER_MS
        socket.identity = (
            self._codec.bsession
        )  # the kernel sends input_requests to the asker's name on shell
        if _is_far(info):
            _notice_silence(socket)
            if channel == "shell":
                self._monitors.append(self._monitor(context, socket))
        if channel == "iopub":
            socket.rcvhwm = 0  # an `idle` must not be lost while we are busy
            socket.subscribe(b"")
        _use_curve(socket, info)
        socket.connect(_address(info, channel))
        stream = ZMQStream(socket)
        stream.on_recv(lambda parts: self._received(channel, parts))
        return stream

    def _monitor(self, context: zmq.Context[Any], socket: zmq.Socket[Any]) -> ZMQStream:
        """Notice when a socket's connection breaks and when it is there again.

        `get_monitor_socket` of an asyncio context makes two owners of one socket. The second one
        closes, sometime later, whatever socket lies at its address by then (measured with 120
        sessions: another session's).
        """
        address = f"inproc://monitor-{self._codec.session}"
        socket.monitor(address, zmq.EVENT_DISCONNECTED | zmq.EVENT_HANDSHAKE_SUCCEEDED)
        told = context.socket(zmq.PAIR, socket_class=zmq.Socket)
        told.connect(address)
        stream = ZMQStream(told)
        stream.on_recv(self._monitored)
        return stream

    def _monitored(self, parts: list[bytes]) -> None:
        if self.closed:
            return
        event = parse_monitor_message(parts)["event"]
        if event == zmq.EVENT_DISCONNECTED:
            self._broken = True
        elif self._broken:
            self._broken = False
            self._joined.clear()
            self._on_rejoined()

    def _received(self, channel: str, parts: list[bytes]) -> None:
        """Take a message, whatever it contains: if an exception escaped, the stream would receive
        nothing more.
        """
        if self.closed:
            return
        try:
            _, signed = self._codec.feed_identities(parts)
            message = self._codec.deserialize(signed)
        except Exception as error:  # noqa: BLE001 - a RecursionError too
            LOG.warning("Dropped a bad message on %s: %s", channel, type(error).__name__)
            return
        try:
            self._dispatch(channel, message)
        except Exception:  # the outermost of all listeners; those inside say what a run has missed
            LOG.exception("A message on %s was not taken", channel)

    def _dispatch(self, channel: str, message: Message) -> None:
        parent = message["parent_header"].get("msg_id", "")
        reply = self._replies.get(parent)
        listener = self._listeners.get(parent)
        if channel == "iopub":
            self._joined.set()
        if message["msg_type"] == EVENT_MESSAGE:
            self._on_event(message)
        elif listener is not None:
            listener(message)
        elif reply is not None and channel != "iopub" and not reply.done():
            reply.set_result(message)
        elif channel == "iopub" and message["parent_header"].get("msg_type") == "execute_request":
            self._on_foreign(message)


def _address(info: Mapping[str, Any], channel: str) -> str:
    separator = ":" if info["transport"] == "tcp" else "-"
    return f"{info['transport']}://{info['ip']}{separator}{info[channel + '_port']}"


def _is_far(info: Mapping[str, Any]) -> bool:
    """Return whether a network lies between us and the kernel."""
    try:
        return not ip_address(info["ip"]).is_loopback
    except ValueError:  # a path of sockets, a name of this machine
        return False


def _notice_silence(socket: zmq.Socket[Any]) -> None:
    socket.heartbeat_ivl, socket.heartbeat_timeout = BEAT_MS, SILENCE_MS
    socket.tcp_keepalive = 1
    socket.tcp_keepalive_idle = socket.tcp_keepalive_intvl = PROBE_S
    socket.tcp_keepalive_cnt = max(1, SILENCE_MS // (1000 * PROBE_S))
    socket.tcp_maxrt = SILENCE_MS


def _use_curve(socket: zmq.Socket[Any], info: Mapping[str, Any]) -> None:
    if "curve_publickey" in info and "curve_secretkey" in info:
        public, secret = (_bytes(info[name]) for name in ("curve_publickey", "curve_secretkey"))
        socket.curve_serverkey = socket.curve_publickey = public
        socket.curve_secretkey = secret


def _bytes(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode("ascii")
