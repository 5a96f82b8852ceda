"""The queue against a kernel that speaks the real protocol badly: late, unsigned, and with messages
missing.
"""

import asyncio
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import zmq
from hypothesis import given
from hypothesis import strategies as st
from jupyter_client.session import Session as Codec
from zmq.eventloop.zmqstream import ZMQStream

from pwsh_kernels.messages import EVENT_MESSAGE, PROMPT_ASKED
from pwsh_kernels.records import Prompt
from pwsh_kernels.sessions.key import SessionKey
from pwsh_kernels.sessions.runs import queue as queue_module
from pwsh_kernels.sessions.runs.queue import RunQueue
from pwsh_kernels.sessions.runs.run import Run
from pwsh_kernels.sessions.runs.table import Runs
from tests.fixtures.odd_messages import SAID, frames
from tests.fixtures.odd_values import FUZZ_LIMIT, few, nested

KEY = SessionKey("contoso.example", "exo")
WAIT = 10.0
SOCKETS = {
    "shell": zmq.ROUTER,
    "control": zmq.ROUTER,
    "stdin": zmq.ROUTER,
    "iopub": zmq.PUB,
    "hb": zmq.REP,
}
Message = dict[str, Any]


class BadKernel:
    """Answers kernel_info and interrupts well; what it does with an execute request is the test's
    to say.
    """

    def __init__(self) -> None:
        self.codec = Codec(key=b"secret")
        self.context = zmq.Context()
        self.streams = {
            name: ZMQStream(self.context.socket(kind)) for name, kind in SOCKETS.items()
        }
        ports = {
            f"{name}_port": stream.socket.bind_to_random_port("tcp://127.0.0.1")
            for name, stream in self.streams.items()
        }
        signature = {"key": "secret", "signature_scheme": "hmac-sha256"}
        self.info: dict[str, Any] = {"transport": "tcp", "ip": "127.0.0.1", **signature, **ports}
        self.on_execute: Callable[[Message, list[bytes]], None] = lambda message, who: self.good(
            message, who, message["content"]["code"]
        )
        self.executed: list[str] = []
        self.interrupts = 0
        self.journal: list[Message] = []
        self.hold_shell = False
        for name in ("shell", "control"):
            self.streams[name].on_recv(partial(self._received, name))

    def _received(self, channel: str, parts: list[bytes]) -> None:
        who, signed = self.codec.feed_identities(parts)
        message = self.codec.deserialize(signed)
        if message["msg_type"] == "execute_request":
            self.executed.append(message["content"]["code"])
            self.on_execute(message, who)
        elif message["msg_type"] == "interrupt_request":
            self.interrupts += 1
            self.reply(channel, "interrupt_reply", message, who)
        elif not (self.hold_shell and channel == "shell"):
            self.say("status", {"execution_state": "busy"}, message)
            self.reply(channel, "kernel_info_reply", message, who, runs=self.journal)

    def say(self, kind: str, content: Message, parent: Message | None) -> None:
        """Send on iopub."""
        self.codec.send(self.streams["iopub"], kind, content, parent=parent)

    def reply(
        self, channel: str, kind: str, parent: Message, who: list[bytes], **content: Any
    ) -> None:
        """Send a reply."""
        self.codec.send(
            self.streams[channel], kind, {"status": "ok", **content}, parent=parent, ident=who
        )

    def good(self, message: Message, who: list[bytes], text: str) -> None:
        """Do what a kernel should: the code is what it prints."""
        self.say("status", {"execution_state": "busy"}, message)
        self.say("stream", {"name": "stdout", "text": text}, message)
        self.reply("shell", "execute_reply", message, who)
        self.say("status", {"execution_state": "idle"}, message)

    def close(self) -> None:
        """Close the sockets."""
        for stream in self.streams.values():
            stream.close(linger=0)
        self.context.term()


@pytest.fixture
async def kernel() -> Any:
    """A kernel in this process."""
    one = BadKernel()
    yield one
    one.close()


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[Runs]:
    """The table of runs."""
    table = Runs(tmp_path, 10_000, 10, 1000)
    yield table
    table.close()


@pytest.fixture
async def queue(kernel: BadKernel, runs: Runs) -> Any:
    """A queue that has joined the kernel."""
    context = zmq.Context()
    events: list[Any] = []
    one = RunQueue(
        kernel.info,
        context,
        lambda code, *_: runs.add(KEY, code, principal="jupyter"),
        events.append,
        lambda: None,
    )
    await one.join(WAIT)
    assert await one.ready(WAIT)
    yield one
    one.close("the test has ended")
    context.term()


def submit(queue: RunQueue, runs: Runs, code: str) -> Run:
    run = runs.add(KEY, code)
    queue.submit(run, code)
    return run


def output(run: Run) -> str:
    return run.log.text(frozenset({"text"}))


async def test_runs_are_sent_one_at_a_time_in_order(
    kernel: BadKernel, queue: RunQueue, runs: Runs
) -> None:
    several = [submit(queue, runs, f"{number}") for number in range(5)]
    assert kernel.executed == []
    assert await several[-1].wait(WAIT)
    assert kernel.executed == ["0", "1", "2", "3", "4"]
    assert [(run.state, output(run)) for run in several] == [
        ("succeeded", f"{number}") for number in range(5)
    ]


async def test_a_kernel_that_cannot_tell_the_state_runs_nothing_that_depends_on_it(
    kernel: BadKernel, queue: RunQueue, runs: Runs
) -> None:
    run = runs.add(KEY, "1")
    queue.submit(run, "1", state={"names": []})
    assert (run.state, run.code) == ("failed", "state_unknown")
    assert await submit(queue, runs, "2").wait(WAIT)
    assert kernel.executed == ["2"]


async def test_a_kernel_that_does_not_say_what_it_understands_is_sent_nothing_newer(
    kernel: BadKernel, queue: RunQueue, runs: Runs
) -> None:
    sent: list[Message] = []

    def keep(message: Message, who: list[bytes]) -> None:
        sent.append(message["metadata"]["pwsh"])
        kernel.good(message, who, "")

    kernel.on_execute = keep
    assert await submit(queue, runs, "1").wait(WAIT)
    assert set(sent[0]) == {"parameters", "format", "width", "max_chars"}


async def test_a_run_that_cannot_be_sent_fails_and_the_next_one_has_its_turn(
    queue: RunQueue, runs: Runs
) -> None:
    unsendable = [submit(queue, runs, "half \ud800") for _ in range(3)]
    good = submit(queue, runs, "good")
    assert await good.wait(WAIT)
    assert (good.state, output(good)) == ("succeeded", "good")
    assert {run.state for run in unsendable} == {"failed"}
    assert "none of it was run" in unsendable[0].reason
    assert not queue.busy


async def test_output_that_comes_after_the_reply_still_belongs_to_the_run(
    kernel: BadKernel, queue: RunQueue, runs: Runs
) -> None:
    def late(message: Message, who: list[bytes]) -> None:
        kernel.reply("shell", "execute_reply", message, who)
        loop = asyncio.get_running_loop()
        loop.call_later(
            0.05, lambda: kernel.say("stream", {"name": "stdout", "text": "late"}, message)
        )
        loop.call_later(0.06, lambda: kernel.say("status", {"execution_state": "idle"}, message))

    kernel.on_execute = late
    run = submit(queue, runs, "x")
    assert await run.wait(WAIT)
    assert (run.state, output(run)) == ("succeeded", "late")


async def test_a_run_whose_end_was_not_heard_is_a_failure_and_the_next_has_its_turn(
    kernel: BadKernel, queue: RunQueue, runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue_module, "IDLE_WAIT_S", 0.05)
    kernel.on_execute = lambda message, who: kernel.reply("shell", "execute_reply", message, who)
    first, second = submit(queue, runs, "1"), submit(queue, runs, "2")
    assert await second.wait(WAIT)
    assert [(run.state, run.code) for run in (first, second)] == [("failed", "output_lost")] * 2
    assert "do not repeat it" in first.reason


@pytest.mark.parametrize(
    ("kind", "content", "parent", "metadata"),
    [
        ("execute_input", {"code": 5, "execution_count": 1}, {}, {}),
        ("execute_input", {"code": "'x'"}, {"msg_id": []}, {}),
        ("execute_input", {}, {}, {}),
        ("stream", {"name": "stdout", "text": 5}, {}, {}),
        ("stream", {"name": "stdout", "text": "x"}, {}, {"pwsh": {"record": 5}}),
        ("error", {}, {}, {"pwsh": []}),
        ("status", b"[]", {}, {}),
        ("status", {"execution_state": "busy"}, {"deep": nested(600)}, {}),
        (EVENT_MESSAGE, {"event": PROMPT_ASKED}, {}, {}),
        (EVENT_MESSAGE, b"[]", {"msg_id": {}}, {}),
    ],
)
async def test_no_message_of_another_client_makes_a_session_deaf(
    kernel: BadKernel,
    queue: RunQueue,
    runs: Runs,
    kind: str,
    content: Any,
    parent: Any,
    metadata: Any,
) -> None:
    asked = Codec(key=b"secret").msg("execute_request")
    asked["header"] = {**asked["header"], **parent}
    kernel.say("status", {"execution_state": "busy"}, asked)
    kernel.codec.send(kernel.streams["iopub"], kind, content, parent=asked, metadata=metadata)
    kernel.say("status", {"execution_state": "idle"}, asked)
    several = [submit(queue, runs, f"{number}") for number in range(2)]
    assert await several[-1].wait(WAIT)
    assert [(run.state, output(run)) for run in several] == [("succeeded", "0"), ("succeeded", "1")]
    assert not [run for run in runs.newest_first() if not isinstance(run.command, str)]


async def test_what_could_not_be_read_of_a_run_is_said_on_it(
    kernel: BadKernel, queue: RunQueue, runs: Runs
) -> None:
    def half(message: Message, who: list[bytes]) -> None:
        if message["content"]["code"] == "1":
            kernel.say("stream", {"name": "stdout", "text": 5}, message)
        kernel.good(message, who, "rest")

    kernel.on_execute = half
    first, second = submit(queue, runs, "1"), submit(queue, runs, "2")
    assert await second.wait(WAIT)
    assert (first.state, first.code, output(first)) == ("failed", "output_lost", "rest")
    assert "kind stream could not be read" in first.reason
    assert second.state == "succeeded"


async def test_a_run_whose_summary_cannot_be_read_is_a_failure_and_the_next_has_its_turn(
    kernel: BadKernel, queue: RunQueue, runs: Runs
) -> None:
    def unreadable(message: Message, who: list[bytes]) -> None:
        kernel.codec.send(
            kernel.streams["shell"],
            "execute_reply",
            {"status": "ok"},
            parent=message,
            ident=who,
            metadata={"pwsh": {"summary": 5}},
        )
        kernel.say("status", {"execution_state": "idle"}, message)

    kernel.on_execute = unreadable
    first, second = submit(queue, runs, "1"), submit(queue, runs, "2")
    assert await second.wait(WAIT)
    assert [(run.state, run.code) for run in (first, second)] == [("failed", "output_lost")] * 2


async def test_output_that_finds_no_place_on_the_disk_is_said_on_its_run(
    kernel: BadKernel, queue: RunQueue, tmp_path: Path
) -> None:
    (tmp_path / "no folder").touch()
    full = Runs(tmp_path / "no folder", 300, 10, 1000)
    long, short = submit(queue, full, "x" * 1000), submit(queue, full, "short")
    assert await short.wait(WAIT)
    assert (long.state, long.code, long.log.dropped_chars) == ("failed", "output_lost", 1000)
    assert (short.state, output(short)) == ("succeeded", "short")


async def test_unsigned_and_broken_messages_are_dropped(
    kernel: BadKernel, queue: RunQueue, runs: Runs
) -> None:
    def garbage(message: Message, who: list[bytes]) -> None:
        kernel.streams["iopub"].send_multipart([b"no delimiter"])
        kernel.streams["iopub"].send_multipart([b"<IDS|MSG>", b"bad", b"{", b"{}", b"{}", b"{}"])
        stranger = Codec(key=b"another key")
        stranger.send(
            kernel.streams["iopub"], "stream", {"name": "stdout", "text": "forged"}, parent=message
        )
        kernel.good(message, who, "true")

    kernel.on_execute = garbage
    run = submit(queue, runs, "x")
    assert await run.wait(WAIT)
    assert output(run) == "true"


async def test_a_cell_of_a_notebook_holds_our_run_back_until_it_ends(
    kernel: BadKernel, queue: RunQueue, runs: Runs
) -> None:
    cell = Codec(key=b"secret").msg("execute_request", {"code": "cell"})
    kernel.hold_shell = True
    kernel.say("status", {"execution_state": "busy"}, cell)
    kernel.say("execute_input", {"code": "cell", "execution_count": 1}, cell)
    await_cell = asyncio.timeout(WAIT)
    async with await_cell:
        while queue.active is None:
            await queue.connection.request("control", "kernel_info_request")
    run = submit(queue, runs, "mine")
    assert (queue.active.command, queue.waiting, kernel.executed) == ("cell", 1, [])
    kernel.say("status", {"execution_state": "idle"}, cell)
    assert await run.wait(WAIT)
    assert output(run) == "mine"


async def test_a_notebooks_idle_that_was_lost_does_not_hold_us_for_ever(
    kernel: BadKernel, queue: RunQueue, runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue_module, "IDLE_WAIT_S", 0.05)
    kernel.say(
        "execute_input",
        {"code": "cell", "execution_count": 1},
        Codec(key=b"secret").msg("execute_request"),
    )
    async with asyncio.timeout(WAIT):
        while queue.active is None:
            await queue.connection.request("control", "kernel_info_request")
    run = submit(queue, runs, "mine")
    assert await run.wait(WAIT)
    assert output(run) == "mine"


async def test_a_run_that_was_sent_and_has_not_begun_is_interrupted_when_it_begins(
    kernel: BadKernel, queue: RunQueue, runs: Runs
) -> None:
    asked: list[tuple[Message, list[bytes]]] = []
    arrived = asyncio.Event()

    def later(message: Message, who: list[bytes]) -> None:
        asked.append((message, who))
        arrived.set()

    kernel.on_execute = later
    run = submit(queue, runs, "x")
    await asyncio.wait_for(arrived.wait(), WAIT)
    await queue.cancel(run, 0)
    assert (run.state, run.stopping, kernel.interrupts) == ("queued", True, 0)
    kernel.say("status", {"execution_state": "busy"}, asked[0][0])
    assert await run.changes.wait_for(lambda: run.state == "running", WAIT)
    async with asyncio.timeout(WAIT):
        while kernel.interrupts == 0:
            await queue.connection.request("control", "kernel_info_request")


async def test_a_question_that_overtakes_the_beginning_of_its_run_is_asked_behind_the_output(
    kernel: BadKernel, queue: RunQueue, runs: Runs
) -> None:
    answers: list[Message] = []

    def ask(message: Message, who: list[bytes]) -> None:
        request = kernel.codec.msg(
            "input_request", {"prompt": "Name", "password": False}, parent=message["header"]
        )
        kernel.codec.send(kernel.streams["stdin"], request, ident=who)
        kernel.streams["stdin"].flush()
        asyncio.get_running_loop().call_later(0.05, begin, message, request["header"])

    def begin(message: Message, request: Message) -> None:
        kernel.say("status", {"execution_state": "busy"}, message)
        kernel.say("stream", {"name": "stdout", "text": "before"}, message)
        prompt = Prompt("line", message="Name").to_json()
        kernel.say(
            EVENT_MESSAGE, {"event": PROMPT_ASKED, "prompt": prompt, "request": request}, message
        )

    kernel.on_execute = ask
    kernel.streams["stdin"].on_recv(
        lambda parts: answers.append(kernel.codec.deserialize(parts[2:]))
    )
    run = submit(queue, runs, "x")
    assert await run.wait(WAIT)
    assert (run.state, run.prompt, output(run)) == (
        "waiting_for_input",
        Prompt("line", message="Name"),
        "before",
    )
    assert queue.answer(run, "Ada")
    async with asyncio.timeout(WAIT):
        while not answers:
            await queue.connection.request("control", "kernel_info_request")
    assert (answers[0]["content"]["value"], run.state) == ("Ada", "running")


async def test_closing_loses_every_run_with_the_reason(
    kernel: BadKernel, queue: RunQueue, runs: Runs
) -> None:
    kernel.on_execute = lambda message, who: None
    first, second = submit(queue, runs, "1"), submit(queue, runs, "2")
    queue.close("killed by SIGKILL")
    assert [(run.state, run.reason) for run in (first, second)] == [
        ("lost", "killed by SIGKILL")
    ] * 2
    with pytest.raises(ConnectionError):
        queue.connection.request("control", "kernel_info_request")


async def test_the_kernels_own_events_are_passed_on(kernel: BadKernel, runs: Runs) -> None:
    events: list[Any] = []
    told = asyncio.Event()

    def on_event(message: Any) -> None:
        events.append(message["content"])
        told.set()

    context = zmq.Context()
    queue = RunQueue(
        kernel.info, context, lambda code, *_: runs.add(KEY, code), on_event, lambda: None
    )
    await queue.join(WAIT)
    kernel.say(EVENT_MESSAGE, {"event": "powershell_died"}, None)
    await asyncio.wait_for(told.wait(), WAIT)
    assert events == [{"event": "powershell_died"}]
    queue.close("done")
    context.term()


async def test_a_kernel_that_never_answers_is_not_waited_for_long(
    kernel: BadKernel, runs: Runs
) -> None:
    kernel.streams["control"].stop_on_recv()
    context = zmq.Context()
    queue = RunQueue(
        kernel.info,
        context,
        lambda code, *_: runs.add(KEY, code),
        lambda message: None,
        lambda: None,
    )
    with pytest.raises(TimeoutError):
        await queue.join(0.2)
    queue.close("done")
    context.term()


@pytest.mark.fuzz
@pytest.mark.timeout(FUZZ_LIMIT)
@few(25)
@given(said=st.lists(frames(Codec(key=b"secret"), SAID), min_size=1, max_size=4))
async def test_whatever_a_kernel_says_to_all_the_next_run_is_heard(
    queue: RunQueue, kernel: BadKernel, runs: Runs, said: list[list[bytes]]
) -> None:
    for parts in said:
        kernel.streams["iopub"].send_multipart(parts)
    run = submit(queue, runs, "heard")
    assert await run.wait(WAIT)
    assert (run.state, run.log.text(frozenset({"text"}))) == ("succeeded", "heard")
