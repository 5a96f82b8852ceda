"""The private names of libraries that we need: each is there, does what we need it for, and stands
in a compat module.
"""

import ast
import asyncio
import functools
import importlib
import inspect
import json
import logging
import pkgutil
import re
import textwrap
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import anyio
import pytest
import zmq.asyncio
from ipykernel.kernelbase import Kernel
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import KernelManager
from jupyter_client.session import Session
from jupyter_server.extension.application import ExtensionApp
from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection
from mcp import Client
from mcp.server import MCPServer
from mcp.server.context import ServerRequestContext
from mcp.server.mcpserver import Context
from mcp_types import EmptyResult, SubscribeRequestParams
from psrpcore.types import PSRPMessageType, PSString
from traitlets.config import Config
from zmq.eventloop.zmqstream import ZMQStream

import pwsh_kernels
from pwsh_kernels.kernel.ipykernel_compat import KernelCompat
from pwsh_kernels.mcp.sdk_compat import connection_of, has_cancelled, low_level_server
from pwsh_kernels.powershell.wire.psrpcore_compat import Pool
from pwsh_kernels.sessions.jupyter.jupyter_server_compat import (
    KernelManagerCompat,
    give_kernel_info,
)
from pwsh_kernels.sessions.places.jupyter_client_compat import (
    close_control_socket,
    leave_connection_file,
)

LIMIT_S = 20.0
"""Longest wait for a library to do what it does at once."""
LIBRARIES = {
    "ipykernel",
    "jupyter_client",
    "jupyter_server",
    "mcp",
    "powershell_kernel",
    "psrpcore",
}
TRAIT_DECORATORS = {"default", "observe", "validate"}
DOCUMENTED_HOOKS = {"_start_jupyter_server_extension"}
"""What jupyter_server documents for extensions, in spite of the underscore."""


# -- ipykernel -----------------------------------------------------------------------------------


class FailingKernel(KernelCompat):
    """A kernel whose every cell fails; it notes what it sees meanwhile."""

    implementation = implementation_version = banner = "failing"
    language_info = {"name": "none"}  # noqa: RUF012

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.asker: list[bytes] = []
        self.locked_meanwhile = False
        self.aborts = 0

    async def do_execute(self, *_: Any, **__: Any) -> dict[str, Any]:
        self.asker = self.asker_identity()
        self.locked_meanwhile = self.main_lock.locked()
        return {"status": "error", "ename": "No", "evalue": "no", "traceback": []}

    def abort_queued(self) -> None:
        self.aborts += 1


class Desk:
    """A failing kernel with its channels, and the client at the other ends."""

    def __init__(self, context: zmq.Context[Any]) -> None:
        self.session = Session(key=b"")
        ours, self.shell = pair(context, "shell")
        iopub, self.iopub = pair(context, "iopub")
        self.stream = ZMQStream(ours)
        self.kernel = FailingKernel(
            log=logging.getLogger(__name__),
            session=self.session,
            shell_stream=self.stream,
            iopub_socket=iopub,
        )

    def request(self) -> list[zmq.Frame]:
        """Return an execute request of a client as it arrives."""
        content = {"code": "x", "silent": False, "stop_on_error": True}
        message = self.session.msg("execute_request", content)
        return [zmq.Frame(one) for one in self.session.serialize(message, ident=b"client")]

    def read(self, socket: zmq.Socket[Any]) -> tuple[list[bytes], dict[str, Any]]:
        """Return the next message that the client gets, with what stands before it."""
        assert socket.poll(int(LIMIT_S * 1000))
        idents, frames = self.session.feed_identities(socket.recv_multipart())
        return idents, self.session.deserialize(frames)


def pair(context: zmq.Context[Any], name: str) -> tuple[zmq.Socket[Any], zmq.Socket[Any]]:
    """Return the two ends of a channel."""
    ends = context.socket(zmq.PAIR), context.socket(zmq.PAIR)
    ends[0].bind(f"inproc://{name}")
    ends[1].connect(f"inproc://{name}")
    return ends


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    """A failing kernel that has been asked nothing."""
    context: zmq.Context[Any] = zmq.Context()
    try:
        yield Desk(context)
    finally:
        context.destroy(linger=0)


async def test_ipykernel_calls_the_hook_for_what_is_queued_behind_a_failed_cell(desk: Desk) -> None:
    await desk.kernel.shell_main(None, desk.request())
    assert desk.kernel.aborts == 1


async def test_ipykernel_holds_the_main_lock_while_it_answers_and_not_after(desk: Desk) -> None:
    await desk.kernel.shell_main(None, desk.request())
    assert desk.kernel.locked_meanwhile
    assert not desk.kernel.main_lock.locked()


async def test_the_askers_identity_is_that_of_the_request(desk: Desk) -> None:
    await desk.kernel.shell_main(None, desk.request())
    assert desk.kernel.asker == [b"client"]


async def test_a_request_can_be_answered_as_aborted(desk: Desk) -> None:
    request = desk.session.msg("execute_request", {"code": "x"})
    desk.kernel.send_abort_reply(desk.stream.socket, request, [b"client"])
    idents, reply = desk.read(desk.shell)
    assert idents == [b"client"]
    assert (reply["msg_type"], reply["content"]) == ("execute_reply", {"status": "aborted"})
    assert reply["parent_header"]["msg_id"] == request["header"]["msg_id"]


async def test_our_iopub_messages_have_the_topic_that_ipykernels_own_have(desk: Desk) -> None:
    await desk.kernel.shell_main(None, desk.request())
    idents, message = desk.read(desk.iopub)
    assert message["msg_type"] == "status"
    assert idents == [desk.kernel.iopub_topic("status")]


async def test_a_reply_waits_for_no_output_that_is_written_elsewhere(desk: Desk) -> None:
    assert "_execute_sleep" in Kernel.class_traits(config=True)
    assert desk.kernel._execute_sleep == 0


# -- jupyter_client ------------------------------------------------------------------------------


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[KernelManager]:
    """The manager of a kernel that was not started; it has written a connection file."""
    one = KernelManager(connection_file=str(tmp_path / "kernel.json"))
    one.write_connection_file()
    yield one
    one.context.destroy(linger=0)


def test_a_managers_control_socket_can_be_closed_while_its_kernel_lives(
    manager: KernelManager,
) -> None:
    manager._connect_control_socket()
    socket = manager._control_socket
    assert socket is not None
    assert not socket.closed
    close_control_socket(manager)
    assert socket.closed


@pytest.mark.parametrize("left", [True, False])
def test_a_connection_file_outlives_its_manager_only_when_we_say_so(
    manager: KernelManager, *, left: bool
) -> None:
    if left:
        leave_connection_file(manager)
    manager.cleanup_connection_file()
    assert Path(manager.connection_file).exists() is left


# -- jupyter_server ------------------------------------------------------------------------------


class WatchedKernels(KernelManagerCompat):
    """Says when a kernel has died."""

    death: asyncio.Future[str]

    def kernel_died(self, kernel_id: str) -> None:
        super().kernel_died(kernel_id)
        self.death.set_result(kernel_id)


@pytest.fixture
async def kernels(tmp_path: Path) -> AsyncIterator[Any]:
    """jupyter_server's map of kernels; they are programs that only sleep."""
    spec = {"argv": ["sleep", "60"], "display_name": "Sleep", "language": "none"}
    (tmp_path / "sleep").mkdir()
    (tmp_path / "sleep/kernel.json").write_text(json.dumps(spec))
    make: Any = WatchedKernels  # jupyter_server has no annotations
    context = (
        zmq.asyncio.Context()
    )  # a manager that makes its own waits in __del__ for open sockets
    one = make(
        config=Config(KernelRestarter={"time_to_dead": 0.05, "restart_limit": 0}),
        kernel_spec_manager=KernelSpecManager(kernel_dirs=[str(tmp_path)]),
        connection_dir=str(tmp_path),
        default_kernel_name="sleep",
        context=context,
    )
    one.death = asyncio.get_running_loop().create_future()
    yield one
    await one.shutdown_all(now=True)
    context.destroy(linger=0)


async def test_jupyter_server_calls_the_hook_for_a_kernel_that_died(
    kernels: Any,
) -> None:
    kernel_id = await kernels.start_kernel()
    await kernels.get_kernel(kernel_id).provisioner.kill()
    assert await asyncio.wait_for(kernels.death, LIMIT_S) == kernel_id
    assert kernel_id not in kernels


async def test_a_websocket_takes_the_kernels_info_from_us(kernels: Any) -> None:
    kernel = kernels.get_kernel(await kernels.start_kernel())
    answer: Future[dict[str, Any]] = Future()
    answer.set_result({"protocol_version": "5.3", "banner": "ours"})
    give_kernel_info(kernel, answer)
    socket: Any = ZMQChannelsWebsocketConnection(parent=kernel)
    info = await asyncio.wait_for(socket.request_kernel_info(), LIMIT_S)
    assert info["banner"] == "ours"
    assert socket.kernel_info_channel is None


def test_jupyter_server_has_the_hooks_that_it_documents_for_extensions() -> None:
    for name in DOCUMENTED_HOOKS:
        assert inspect.iscoroutinefunction(getattr(ExtensionApp, name))


# -- the MCP SDK ---------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore::mcp.shared.exceptions.MCPDeprecationWarning")
async def test_the_server_below_answers_requests_that_the_sdk_has_no_decorator_for() -> None:
    """What the handler gets knows the connection, and the connection knows when it ends."""
    server: MCPServer[Any] = MCPServer("compat")
    ended = anyio.Event()

    async def subscribe(
        ctx: ServerRequestContext[Any, Any], params: SubscribeRequestParams
    ) -> EmptyResult:
        connection = connection_of(ctx)
        connection.state["uri"] = str(params.uri)
        connection.exit_stack.callback(ended.set)
        return EmptyResult()

    low_level_server(server).add_request_handler(
        "resources/subscribe", SubscribeRequestParams, subscribe
    )
    async with asyncio.timeout(LIMIT_S):
        async with Client(server, mode="legacy") as client:
            await client.subscribe_resource("compat://one")
            assert not ended.is_set()
        await ended.wait()


async def test_a_call_that_the_client_cancels_says_so_to_its_tool() -> None:
    server: MCPServer[Any] = MCPServer("compat")
    begun, said = anyio.Event(), list[bool]()
    over = anyio.Event()

    @server.tool()
    async def wait(ctx: Context[Any, Any]) -> str:
        said.append(has_cancelled(ctx.session))
        begun.set()
        try:
            await anyio.sleep_forever()
        finally:
            said.append(has_cancelled(ctx.session))
            over.set()
        return ""

    async with asyncio.timeout(LIMIT_S), Client(server, mode="legacy") as client:
        call = asyncio.create_task(client.call_tool("wait", {}))
        await begun.wait()
        call.cancel()
        await over.wait()
    assert said == [False, True]


# -- psrpcore ------------------------------------------------------------------------------------


def test_what_psrpcore_writes_is_escaped_before_it_is_cut_into_fragments() -> None:
    pool = Pool()
    pool.open()
    pool.data_to_send()
    pool.prepare_message(PSString("\uffff"), PSRPMessageType.PipelineInput)
    escaped = pool.data_to_send()
    assert escaped is not None
    assert b"<S>_xFFFF_</S>" in escaped.data


# -- the fence -----------------------------------------------------------------------------------


def our_classes() -> Iterator[type]:
    """Yield every class of the package that has a base in one of the libraries, but those of compat
    modules.
    """
    for found in pkgutil.walk_packages(pwsh_kernels.__path__, "pwsh_kernels."):
        if found.name.endswith(("__main__", "_compat", "papermill_translator")):
            continue
        for one in vars(importlib.import_module(found.name)).values():
            if inspect.isclass(one) and one.__module__ == found.name and library_bases(one):
                yield one


def library_bases(one: type) -> list[type]:
    """Return the bases of a class that are of the libraries."""
    return [base for base in one.__mro__ if base.__module__.split(".")[0] in LIBRARIES]


@functools.cache  # finding the source of a class is slow
def private_names(one: type) -> set[str]:
    """Return the private names that a class defines, overrides or uses of itself."""
    names = set()
    for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(one)))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            names |= set() if is_of_a_trait(node) else {node.name}
        elif isinstance(node, ast.Attribute):
            names |= {node.attr} if is_own(node.value) else set()
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
    return {name for name in names if re.fullmatch(r"_[^_]\w*", name)}


def is_of_a_trait(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Return whether traitlets finds a method by its decorator, whatever its name."""
    calls = [one.func for one in node.decorator_list if isinstance(one, ast.Call)]
    return any(isinstance(one, ast.Name) and one.id in TRAIT_DECORATORS for one in calls)


def is_own(node: ast.expr) -> bool:
    """Return whether an expression is `self`, `cls` or `super()`."""
    inner = node.func if isinstance(node, ast.Call) else node
    return isinstance(inner, ast.Name) and inner.id in {"self", "cls", "super"}


def test_only_compat_modules_use_or_override_private_names_of_a_librarys_class() -> None:
    """A private name that was taken by chance is found as well: it would override the library's."""
    guilty = {
        f"{one.__module__}.{one.__name__}: {name}"
        for one in our_classes()
        for base in library_bases(one)
        for name in private_names(one) & private_names(base)
    }
    assert {one for one in guilty if one.split(": ")[1] not in DOCUMENTED_HOOKS} == set()
