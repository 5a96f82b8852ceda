"""The connection to a kernel on another machine, when the network between them is cut."""

import asyncio
import warnings
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest
import zmq
import zmq.asyncio
from jupyter_client.session import Session as Codec

from pwsh_kernels.sessions.key import SessionKey
from pwsh_kernels.sessions.runs import connection
from pwsh_kernels.sessions.runs.connection import KernelConnection
from pwsh_kernels.sessions.runs.queue import CUT, NOT_ARRIVED, RunQueue
from pwsh_kernels.sessions.runs.table import Runs
from tests.sessions.runs.test_queue import BadKernel, kernel, runs, submit

__all__ = ["kernel", "runs"]  # fixtures

WAIT_S = 10.0
FAR = "0.0.0.0"
SIGNING = b"key"


class Wire:
    """The network between a server and a kernel's iopub."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.arrivals: asyncio.Queue[None] = asyncio.Queue()
        self.swallows = False
        """Whether what the server sends gets lost."""
        self._far_ends: list[asyncio.StreamWriter] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def begin(self) -> int:
        """Listen, and return the port."""
        self._server = await asyncio.start_server(self._join, "127.0.0.1", 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def cut(self) -> None:
        """Let the kernel's half of each connection end, and the server's not hear of it."""
        for far in self._far_ends:
            far.transport.abort()

    async def end(self) -> None:
        """End everything."""
        self._server.close()
        for task in self._tasks:
            task.cancel()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far = await asyncio.open_connection("127.0.0.1", self._port)
        self._far_ends.append(far)
        for one, other in ((reader, far), (far_reader, writer)):
            self._tasks.add(asyncio.create_task(self._carry(one, other, lossy=other is far)))
        self.arrivals.put_nowait(None)

    async def _carry(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, lossy: bool
    ) -> None:
        with suppress(OSError):
            while data := await source.read(65536):
                if not sink.is_closing() and not (lossy and self.swallows):
                    sink.write(data)


@pytest.fixture
async def iopub() -> AsyncIterator[tuple[Any, Wire, dict[str, Any]]]:
    """A kernel's iopub, the wire to it, and what a connection file would say."""
    context = zmq.Context()
    publisher = context.socket(zmq.PUB)
    wire = Wire(publisher.bind_to_random_port("tcp://127.0.0.1"))
    ports = dict.fromkeys(("shell_port", "stdin_port", "control_port", "hb_port"), 9)
    info = {"ip": FAR, "transport": "tcp", "signature_scheme": "hmac-sha256", "key": SIGNING}
    yield publisher, wire, {**info, **ports, "iopub_port": await wire.begin()}
    await wire.end()
    context.destroy(linger=0)


async def test_a_listener_hears_again_after_the_other_half_of_its_connection_has_ended(
    iopub: tuple[Any, Wire, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    publisher, wire, info = iopub
    monkeypatch.setattr(connection, "BEAT_MS", 50)
    monkeypatch.setattr(connection, "SILENCE_MS", 300)
    heard = asyncio.Event()
    context: zmq.Context[Any] = zmq.Context()
    listening = KernelConnection(info, context, lambda _: heard.set(), lambda _: None)
    try:
        await asyncio.wait_for(wire.arrivals.get(), WAIT_S)
        await hear(publisher, heard)
        wire.cut()
        await asyncio.wait_for(wire.arrivals.get(), WAIT_S)
        await hear(publisher, heard)
    finally:
        listening.close()
        context.destroy(linger=0)


NOBODY = {
    **{f"{name}_port": 9 for name in ("shell", "iopub", "stdin", "control", "hb")},
    "ip": FAR,
    "transport": "tcp",
    "signature_scheme": "hmac-sha256",
    "key": SIGNING,
}
"""A connection file of a kernel that does not listen."""


async def test_no_socket_of_a_connection_has_a_second_owner_which_would_close_that_of_another() -> (
    None
):
    context = zmq.asyncio.Context()  # as a server's
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)  # ZMQStream's word for a second owner
        listening = KernelConnection(NOBODY, context, lambda _: None, lambda _: None)
    listening.close()
    context.destroy(linger=0)


async def test_a_connection_for_which_there_are_no_sockets_leaves_none_behind() -> None:
    context: zmq.Context[Any] = zmq.Context()
    context.set(zmq.MAX_SOCKETS, 4)  # shell takes three
    with pytest.raises(ConnectionError, match="no connection to its kernel"):
        KernelConnection(NOBODY, context, lambda _: None, lambda _: None)
    try:  # a context ends when its last socket is closed
        await asyncio.wait_for(asyncio.to_thread(context.term), WAIT_S)
    finally:
        context.destroy(linger=0)


@pytest.fixture
async def far(
    kernel: BadKernel, runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[RunQueue, list[Wire]]]:
    """A queue for a kernel on another machine, and the wires between them."""
    monkeypatch.setattr(connection, "BEAT_MS", 50)
    monkeypatch.setattr(connection, "SILENCE_MS", 300)
    wires = {name: Wire(kernel.info[name]) for name in kernel.info if name.endswith("_port")}
    ports = {name: await wire.begin() for name, wire in wires.items()}
    context: zmq.Context[Any] = zmq.Context()
    queue = RunQueue(
        {**kernel.info, **ports, "ip": FAR},
        context,
        lambda code, *_: runs.add(SessionKey("contoso.example", "exo"), code),
        lambda _: None,
        lambda: None,
    )
    await queue.join(WAIT_S)
    assert await queue.ready(WAIT_S)
    yield queue, list(wires.values())
    queue.close("the test has ended")
    for wire in wires.values():
        await wire.end()
    context.destroy(linger=0)


def cut(wires: list[Wire]) -> None:
    """Cut every wire; what comes after it arrives."""
    for wire in wires:
        wire.cut()
        wire.swallows = False


async def test_a_command_that_a_cut_has_swallowed_was_not_run_and_the_next_one_is(
    far: tuple[RunQueue, list[Wire]], kernel: BadKernel, runs: Runs
) -> None:
    queue, wires = far
    for wire in wires:
        wire.swallows = True
    swallowed = submit(queue, runs, "1")
    await asyncio.sleep(0)  # it is on its way
    next_one = submit(queue, runs, "2")
    cut_soon = asyncio.get_running_loop().call_later(0.2, cut, wires)
    assert await next_one.wait(WAIT_S)
    cut_soon.cancel()
    assert (swallowed.state, swallowed.reason) == ("failed", NOT_ARRIVED)
    assert (next_one.state, kernel.executed) == ("succeeded", ["2"])


async def test_a_command_that_ended_while_the_network_was_cut_ends_and_says_that_output_is_missing(
    far: tuple[RunQueue, list[Wire]], kernel: BadKernel, runs: Runs
) -> None:
    queue, wires = far

    def end_unheard(message: dict[str, Any], who: list[bytes]) -> None:
        reply = {"content": {"status": "ok"}, "metadata": {}}
        kernel.journal = [{"header": message["header"], "reply": reply}]
        cut(wires)

    kernel.on_execute = end_unheard
    run = submit(queue, runs, "1")
    assert await run.wait(WAIT_S)
    assert run.code == "output_lost"
    assert CUT in run.reason


async def test_a_command_that_goes_on_through_a_cut_is_heard_to_its_end(
    far: tuple[RunQueue, list[Wire]], kernel: BadKernel, runs: Runs
) -> None:
    queue, wires = far
    begun: list[Any] = []

    def go_on(message: dict[str, Any], who: list[bytes]) -> None:
        kernel.journal = [{"header": message["header"], "reply": None}]
        begun.append((message, who))
        cut(wires)

    kernel.on_execute = go_on
    run = submit(queue, runs, "1")
    await asyncio.wait_for(rejoined(queue), WAIT_S)
    [(message, who)] = begun
    kernel.good(message, who, "the end")
    assert await run.wait(WAIT_S)
    assert run.log.text(frozenset({"text"})) == "the end"
    assert run.code == "output_lost"


async def rejoined(queue: RunQueue) -> None:
    """Wait until a queue has asked what became of its run."""
    while not (queue.active and queue.active.missed):  # noqa: ASYNC110 - nothing tells of it
        await asyncio.sleep(0.01)


async def hear(publisher: Any, heard: asyncio.Event) -> None:
    """Publish until it is heard."""
    codec = Codec(key=SIGNING)
    parent = codec.msg("execute_request", {})
    heard.clear()
    async with asyncio.timeout(WAIT_S):
        while not heard.is_set():
            codec.send(publisher, "stream", {"text": "x"}, parent=parent, ident=b"stream")
            with suppress(TimeoutError):
                await asyncio.wait_for(heard.wait(), 0.1)
