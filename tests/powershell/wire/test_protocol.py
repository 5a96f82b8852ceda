"""The connection as a state machine, with bytes alone: what is sent when, and what it makes of the
answers.
"""

import re

from psrpcore import PipelineOutputEvent, ServerHostRequestor, ServerPipeline
from psrpcore.types import PSInvocationState

from pwsh_kernels.powershell.events import ProgressChanged
from pwsh_kernels.powershell.run_events import Run, new_mark
from pwsh_kernels.powershell.wire.happenings import (
    Command,
    Ended,
    Happening,
    KeyReady,
    Opened,
    Said,
)
from pwsh_kernels.powershell.wire.packets import PacketReader, Stray
from pwsh_kernels.powershell.wire.protocol import Connection
from pwsh_kernels.records import Progress
from tests.powershell.misbehaving_powershell import Server

TAG = re.compile(rb"<(\w+) ")


def tags(data: bytes) -> list[str]:
    return [tag.decode() for tag in TAG.findall(data)]


def exchange(connection: Connection, server: Server) -> list[Happening]:
    """Carry bytes both ways until both are silent."""
    happenings: list[Happening] = []
    reader = PacketReader()
    while data := connection.data_to_send():
        for packet in reader.feed(data):
            assert not isinstance(packet, Stray)
            happenings += connection.receive(server.answer(packet), 0.0)
    return happenings


def opened() -> tuple[Connection, Server]:
    connection, server = Connection(width=80), Server()
    connection.open()
    assert exchange(connection, server) == [Opened()]
    return connection, server


def begun(script: str) -> tuple[Connection, Server, ServerPipeline]:
    """A pipeline that runs in a server which lets the test speak for it."""
    connection, server = opened()
    connection.prepare([Command(script, is_script=True)], history=None)
    connection.begin()
    exchange(connection, server)
    (pipeline,) = server.pool.pipeline_table.values()
    return connection, server, pipeline


def test_a_pipelines_data_waits_for_the_ack_of_its_command() -> None:
    connection, server = opened()
    connection.prepare([Command("anything", is_script=True)], history=None)
    connection.begin()
    first = connection.data_to_send()
    assert tags(first) == ["Command"]
    (packet,) = PacketReader().feed(first)
    assert not isinstance(packet, Stray)
    connection.receive(server.answer(packet), 0.0)
    assert tags(connection.data_to_send()) == ["Data"]


def test_a_pipeline_ends_only_after_its_close_was_acknowledged() -> None:
    connection, server, pipeline = begun("never")
    pipeline.complete()
    assert connection.receive(server.said(), 0.0) == []
    assert connection.busy
    closing = connection.data_to_send()
    assert tags(closing) == ["Close"]
    (packet,) = PacketReader().feed(closing)
    assert not isinstance(packet, Stray)
    assert connection.receive(server.answer(packet), 0.0) == [
        Ended(PSInvocationState.Completed, None)
    ]
    assert not connection.busy


def test_two_pipelines_one_after_the_other() -> None:
    connection, server = opened()
    for _ in range(2):
        connection.prepare([Command("anything", is_script=True)], history=None)
        connection.begin()
        happenings = exchange(connection, server)
        texts = [
            one.event.data
            for one in happenings
            if isinstance(one, Said) and isinstance(one.event, PipelineOutputEvent)
        ]
        assert texts == ['["hello\\n"]', '["bye\\n", ["end", 0, null]]']
        assert happenings[-1] == Ended(PSInvocationState.Completed, None)


def test_a_stop_asked_before_the_data_was_taken_is_sent_afterwards() -> None:
    connection, server = opened()
    connection.prepare([Command("Start-Sleep", is_script=True)], history=None)
    connection.begin()
    command = connection.data_to_send()
    connection.stop()
    assert connection.data_to_send() == b""
    (packet,) = PacketReader().feed(command)
    assert not isinstance(packet, Stray)
    connection.receive(server.answer(packet), 0.0)
    (data,) = PacketReader().feed(connection.data_to_send())
    assert not isinstance(data, Stray)
    acknowledged = server.answer(data).splitlines(keepends=True)[0]
    connection.receive(acknowledged, 0.0)
    assert tags(connection.data_to_send()) == ["Signal"]


def test_a_stop_ends_a_running_pipeline_and_one_too_late_does_nothing() -> None:
    connection, server, pipeline = begun("never")
    connection.stop()
    assert tags(connection.data_to_send()) == ["Signal"]
    pipeline.stop()
    connection.receive(server.said(), 0.0)
    connection.stop()
    ended = exchange(connection, server)[-1]
    assert isinstance(ended, Ended)
    assert ended.state == PSInvocationState.Stopped
    assert server.signals == 0
    connection.stop()
    assert connection.data_to_send() == b""


def statuses(happenings: list[Happening]) -> list[str]:
    """Return what progress says."""
    told = [
        change
        for one in happenings
        if isinstance(one, Said)
        for change in Run(new_mark()).take(one.event)
    ]
    return [one.progress.status for one in told if isinstance(one, ProgressChanged)]


def test_progress_as_records_with_their_calls_is_told_once_and_thinned() -> None:
    connection, server, pipeline = begun("never")
    happenings: list[Happening] = []
    for step in range(50):
        pipeline.write_progress("a", 1, str(step))
        ServerHostRequestor(pipeline).write_progress(1, 1, "a", str(step))
        happenings += connection.receive(server.said(), step * 0.001)
    assert (len(happenings), statuses(happenings)) == (1, ["0"])
    pipeline.complete()
    assert statuses(connection.receive(server.said(), 0.05)) == ["49"]


def test_progress_as_calls_alone_is_told_and_thinned() -> None:
    connection, server, pipeline = begun("never")
    happenings: list[Happening] = []
    for step in range(50):
        ServerHostRequestor(pipeline).write_progress(
            1, 7, "Copy </LST>", str(step), percent_complete=step
        )
        happenings += connection.receive(server.said(), step * 0.001)
    assert (len(happenings), statuses(happenings)) == (1, ["0"])
    pipeline.complete()
    (last,) = connection.receive(server.said(), 0.05)
    assert isinstance(last, Said)
    told = Progress(7, None, "Copy </LST>", "49", percent=49)
    assert Run(new_mark()).take(last.event) == [ProgressChanged(told)]


def test_a_record_without_its_call_hides_one_call_at_most_and_none_of_the_next_run() -> None:
    connection, server, pipeline = begun("never")
    for step in range(3):
        pipeline.write_progress("a", 1, str(step))
    for step in range(3, 5):
        ServerHostRequestor(pipeline).write_progress(1, 1, "a", str(step))
    pipeline.complete()
    assert statuses(connection.receive(server.said(), 0.0)) == ["0", "4"]


def test_the_session_key_is_exchanged_once() -> None:
    connection, server = opened()
    assert not connection.has_key
    connection.ask_key()
    assert exchange(connection, server) == [KeyReady()]
    assert connection.has_key
    connection.ask_key()
    assert connection.data_to_send() == b""
