"""A real kernel and plain clients for it: every message is filed by the request that caused it,
every wait is bounded.
"""

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest
import zmq
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager
from jupyter_client.session import Session

from pwsh_kernels.messages import EVENT_MESSAGE, KEY, read_summary
from pwsh_kernels.records import Summary

WAIT_S = 30
Message = dict[str, Any]
CHANNELS = ("iopub", "shell", "stdin", "control")


@dataclass
class Run:
    """One execute request as its client sees it."""

    messages: list[Message] = field(default_factory=list)
    questions: list[Message] = field(default_factory=list)
    reply: Message | None = None
    idle: bool = False

    @property
    def outputs(self) -> list[Message]:
        return [one for one in self.messages if one["msg_type"] not in ("status", "execute_input")]

    @property
    def kinds(self) -> list[str]:
        return [one["metadata"].get(KEY, {}).get("kind", one["msg_type"]) for one in self.outputs]

    def text(self, stream: str = "stdout") -> str:
        streams = [one["content"] for one in self.outputs if one["msg_type"] == "stream"]
        return "".join(one["text"] for one in streams if one["name"] == stream)

    @property
    def content(self) -> Message:
        assert self.reply is not None
        content: Message = self.reply["content"]
        return content

    @property
    def summary(self) -> Summary:
        assert self.reply is not None
        summary = read_summary(self.reply)
        assert summary is not None
        return summary


class Client:
    """One Jupyter client with a ZMQ identity of its own."""

    def __init__(self, connection: Mapping[str, Any], *, stdin: bool = True) -> None:
        session = Session(
            key=(
                str(connection["key"]).encode()
                if isinstance(connection["key"], str)
                else connection["key"]
            )
        )
        self.jupyter = BlockingKernelClient(session=session)
        self.jupyter.load_connection_info(cast(Any, dict(connection)))
        self.channels = tuple(name for name in CHANNELS if stdin or name != "stdin")
        self.jupyter.start_channels(hb=False, stdin=stdin)
        self.runs: dict[str, Run] = {}
        self.replies: dict[str, Message] = {}
        self.events: list[Message] = []
        self._joined = False
        try:
            self._join()
        except BaseException:
            self.close()
            raise

    def _join(self) -> None:
        """Ask until a status comes by iopub: a subscription takes effect a moment after it was
        sent.
        """
        deadline = time.monotonic() + WAIT_S
        while not self._joined:
            assert time.monotonic() < deadline, "no status came by iopub"
            self.ask("kernel_info_request", {}, "control")
            self._read(0.02, self.channels)

    def close(self) -> None:
        self.jupyter.stop_channels()

    def send(
        self, code: str, options: Mapping[str, Any] | None = None, cell: str = "", **content: Any
    ) -> str:
        """Send an execute request and return its id; `options` go to metadata.pwsh, `cell` is a
        notebook cell's id.
        """
        whole = {
            "code": code,
            "silent": False,
            "store_history": True,
            "user_expressions": {},
            "allow_stdin": False,
            "stop_on_error": False,
            **content,
        }
        metadata = {
            **({} if options is None else {KEY: options}),
            **({"cellId": cell} if cell else {}),
        }
        message = self.jupyter.session.msg("execute_request", whole, metadata=metadata)
        self.runs[message["msg_id"]] = Run()
        self.jupyter.shell_channel.send(message)
        return str(message["msg_id"])

    def run(
        self,
        code: str,
        options: Mapping[str, Any] | None = None,
        answers: Sequence[Any] = (),
        **content: Any,
    ) -> Run:
        """Run code to its end; `answers` are the texts (or the metadata) of the input replies, in
        order.
        """
        run_id = self.send(code, options, allow_stdin=bool(answers), **content)
        for number, answer in enumerate(answers):
            if self.question(run_id, number).reply is None:
                self.answer(answer)
        return self.finish(run_id)

    def notebook_run(self, code: str) -> Run:
        """Run code as a notebook does."""
        return self.finish(self.send(code, cell="c-1"))

    def question(self, run_id: str, number: int = 0) -> Run:
        """Wait until a run has asked that question, or has ended without."""
        return self.until(run_id, lambda run: len(run.questions) > number or run.reply is not None)

    def answer(self, answer: Any) -> None:
        """Send an input_reply: a text, or the metadata of a whole answer."""
        text, metadata = (answer, {}) if isinstance(answer, str) else ("", answer)
        message = self.jupyter.session.msg("input_reply", {"value": text}, metadata=metadata)
        self.jupyter.stdin_channel.send(message)

    def finish(self, run_id: str) -> Run:
        """Wait for the reply and the end of the output."""
        return self.until(run_id, lambda run: run.reply is not None and run.idle)

    def until(self, run_id: str, condition: Callable[[Run], bool]) -> Run:
        """Read messages until the condition holds for the run."""
        run = self.runs[run_id]
        self.read_until(lambda: condition(run), f"{run_id}: {run}")
        return run

    def ask(self, kind: str, content: Mapping[str, Any], channel: str = "shell") -> Message:
        """Send another request and return its reply's content."""
        message = self.jupyter.session.msg(kind, dict(content))
        getattr(self.jupyter, f"{channel}_channel").send(message)
        self.read_until(lambda: message["msg_id"] in self.replies, kind)
        answer: Message = self.replies[message["msg_id"]]["content"]
        return answer

    def interrupt(self) -> Message:
        """Interrupt as Jupyter does it with interrupt_mode message."""
        return self.ask("interrupt_request", {}, "control")

    def read_until(
        self, condition: Callable[[], bool], what: str = "", channels: Sequence[str] = ()
    ) -> None:
        deadline = time.monotonic() + WAIT_S
        while not condition():
            left = deadline - time.monotonic()
            assert left > 0, f"nothing came within {WAIT_S} s: {what}"
            self._read(left, channels or self.channels)

    def _read(self, wait_s: float, names: Sequence[str]) -> None:
        open_channels = {name: getattr(self.jupyter, f"{name}_channel") for name in names}
        channels = {
            channel.socket: name for name, channel in open_channels.items() if channel.is_alive()
        }
        poller = zmq.Poller()
        for socket in channels:
            poller.register(socket, zmq.POLLIN)
        for socket, _ in poller.poll(int(wait_s * 1000) + 1):
            self._file(
                channels[socket],
                getattr(self.jupyter, f"{channels[socket]}_channel").get_msg(timeout=0),
            )

    def _file(self, channel: str, message: Message) -> None:
        parent = message["parent_header"].get("msg_id", "")
        run = self.runs.get(parent)
        self._joined = self._joined or message["msg_type"] == "status"
        if message["msg_type"] == EVENT_MESSAGE:
            self.events.append(message)
        elif channel == "iopub" and run:
            run.messages.append(message)
            run.idle = run.idle or message["content"].get("execution_state") == "idle"
        elif channel == "stdin" and run:
            run.questions.append(message)
        elif channel in ("shell", "control"):
            self.replies[parent] = message
            if run:
                run.reply = message


@contextmanager
def running_kernel(home: Path, **env: str) -> Iterator[KernelManager]:
    """Start the installed `pwsh` kernelspec and end it afterwards; PowerShell's HOME is `home`."""
    manager = KernelManager(kernel_name="pwsh")
    manager.start_kernel(
        env={
            **os.environ,
            "PWSH_KERNELS_HOME": str(home),
            "PWSH_KERNELS_MACHINE_MODULES": "off",
            **env,
        }
    )
    try:
        yield manager
    finally:
        manager.shutdown_kernel(
            now=True
        )  # an orderly end is the claim of some tests; here PowerShell ends by EOF
        manager.cleanup_resources()


@contextmanager
def connected(manager: KernelManager, *, stdin: bool = True) -> Iterator[Client]:
    """Connect a client; without `stdin` it cannot be asked."""
    client = Client(manager.get_connection_info(), stdin=stdin)
    try:
        yield client
    finally:
        client.close()


@pytest.fixture(scope="session")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KernelManager]:
    """One kernel for all tests whose claim is not its start or its end."""
    with running_kernel(tmp_path_factory.mktemp("home")) as manager:
        yield manager


@pytest.fixture(scope="session")
def client(kernel: KernelManager) -> Iterator[Client]:
    """A client of the shared kernel."""
    with connected(kernel) as one:
        yield one


@pytest.fixture(scope="session")
def other_client(kernel: KernelManager) -> Iterator[Client]:
    """A second client of the shared kernel."""
    with connected(kernel) as one:
        yield one
