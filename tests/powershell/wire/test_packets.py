"""The wire as bytes: framing in any cut, fragments, and progress thinned by its message type."""

import struct
import uuid

import pytest

from pwsh_kernels.powershell.wire.packets import (
    MAX_STRAY,
    POOL,
    BrokenFragment,
    Defragmenter,
    Message,
    Packet,
    PacketReader,
    Stray,
    write_packet,
)
from pwsh_kernels.powershell.wire.progress_throttle import INTERVAL_S, MAX_HELD, ProgressThrottle

PIPELINE = uuid.UUID("11111111-2222-3333-4444-555555555555")


def raw_message(body: bytes, kind: int = 0x00041004) -> bytes:
    return struct.pack("<iI", 1, kind) + PIPELINE.bytes_le * 2 + body


def fragment(object_id: int, number: int, flags: int, blob: bytes) -> bytes:
    return struct.pack(">QQBI", object_id, number, flags, len(blob)) + blob


@pytest.mark.parametrize(
    "packet",
    [
        Packet("Data", POOL, b"\x00\xff" * 100),
        Packet("Data", PIPELINE, b"answer", prompt_response=True),
        Packet("Command", PIPELINE),
        Packet("Signal", PIPELINE),
        Packet("CloseAck", PIPELINE),
    ],
)
def test_a_packet_survives_the_wire_in_any_cut(packet: Packet) -> None:
    line = write_packet(packet)
    for cut in range(len(line)):
        reader = PacketReader()
        assert reader.feed(line[:cut]) + reader.feed(line[cut:]) == [packet]


def test_powershells_own_spelling_is_read() -> None:
    lines = f"<DataAck PSGuid='{PIPELINE}' />\r\n<CommandAck PSGuid='{str(PIPELINE).upper()}' />\n".encode()  # noqa: E501
    assert PacketReader().feed(lines) == [
        Packet("DataAck", PIPELINE),
        Packet("CommandAck", PIPELINE),
    ]


def test_text_around_packets_is_stray_and_packets_are_kept() -> None:
    packet = Packet("Data", PIPELINE, b"x")
    line = write_packet(packet)
    found = PacketReader().feed(b"hello\n\nno newline" + line.rstrip() + b"behind\n" + line)
    assert found == [Stray("hello\n"), Stray("no newline"), packet, Stray("behind\n"), packet]


def test_a_line_without_end_is_not_kept_for_ever() -> None:
    reader = PacketReader()
    found = reader.feed(b"x" * (MAX_STRAY + 1))
    assert found == [Stray("x" * (MAX_STRAY + 1))]
    assert reader.finish() == []


def test_the_last_words_without_a_newline_are_told_at_the_end() -> None:
    reader = PacketReader()
    assert reader.feed(b"last words") == []
    assert reader.finish() == [Stray("last words")]


def test_fragments_of_two_messages_may_be_interleaved() -> None:
    first, second = raw_message(b"<a/>"), raw_message(b"<b/>")
    data = (
        fragment(7, 0, 1, first[:10])
        + fragment(8, 0, 3, second)
        + fragment(7, 1, 0, first[10:20])
        + fragment(7, 2, 2, first[20:])
    )
    messages = Defragmenter().feed(data)
    assert [(one.body, one.pipeline, one.kind) for one in messages] == [
        (b"<b/>", PIPELINE, 0x41004),
        (b"<a/>", PIPELINE, 0x41004),
    ]


def test_a_whole_message_becomes_one_fragment_again() -> None:
    message = Message(0x41004, PIPELINE, raw_message(b"<a/>"))
    assert Defragmenter().feed(message.as_fragment()) == [message]


@pytest.mark.parametrize(
    "data", [b"short", fragment(1, 1, 2, b"late"), fragment(1, 0, 3, b"no header")]
)
def test_broken_fragments_are_named_and_forgotten(data: bytes) -> None:
    defragmenter = Defragmenter()
    with pytest.raises(BrokenFragment):
        defragmenter.feed(data)
    whole = fragment(1, 0, 3, raw_message(b"<a/>"))
    assert [one.body for one in defragmenter.feed(whole)] == [b"<a/>"]


def progress(activity: int, state: int) -> Message:
    body = f'<I32 N="ActivityId">{activity}</I32><S N="Status">{state}</S>'.encode()
    return Message(0x41010, PIPELINE, raw_message(body))


def test_progress_comes_at_once_then_ten_times_a_second_and_the_last_one_in_any_case() -> None:
    throttle = ProgressThrottle()
    told = [
        message
        for step in range(1000)
        for message in throttle.offer(progress(1, step), step * 0.001)
    ]
    assert told[0] == progress(1, 0)
    assert len(told) == pytest.approx(1 / INTERVAL_S, abs=1)
    assert throttle.flush() == [progress(1, 999)]
    assert throttle.next_due() is None


def test_held_progress_is_due_after_the_interval() -> None:
    throttle = ProgressThrottle()
    throttle.offer(progress(1, 0), 5.0)
    assert throttle.offer(progress(1, 1), 5.01) == []
    due = throttle.next_due()
    assert due == pytest.approx(5.0 + INTERVAL_S)
    assert throttle.due(5.05) == []
    assert throttle.due(5.0 + INTERVAL_S) == [progress(1, 1)]


def test_each_activity_keeps_its_own_last_state_up_to_a_bound() -> None:
    throttle = ProgressThrottle()
    throttle.offer(progress(0, 0), 0.0)
    early = [
        message
        for activity in range(1, MAX_HELD + 3)
        for message in throttle.offer(progress(activity, 1), 0.0)
    ]
    assert early == [progress(1, 1), progress(2, 1)]
    assert len(throttle.flush()) == MAX_HELD
