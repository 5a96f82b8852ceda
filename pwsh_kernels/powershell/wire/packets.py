"""The lines on PowerShell's stdin and stdout: bytes to packets and back, pure.

One packet a line (decision 0001): `<Data Stream='Default' PSGuid='...'>base64</Data>`, `<Command
PSGuid='...' />`. Anything else on stdout, also in front of a packet on the same line, was written
by the script: stray text.
"""

import base64
import binascii
import re
import struct
import uuid
from dataclasses import dataclass

from pwsh_kernels.powershell.wire.characters import carried

POOL = uuid.UUID(int=0)
"""The id that addresses the runspace pool."""
MAX_STRAY = 1 << 20
"""Bytes of a line without an end that are kept while it may still become a packet."""

_PACKET = re.compile(
    rb"<(Data|DataAck|Command|CommandAck|Close|CloseAck|Signal|SignalAck)"
    rb"(?: Stream='(\w+)')? PSGuid='([0-9a-fA-F-]{36})'\s*(?:/>|>([A-Za-z0-9+/=]*)</\1>)"
)
_FRAGMENT = struct.Struct(">QQBI")
_HEADER = struct.Struct("<iI16s16s")
MESSAGE_HEADER = 40
"""Bytes of a message before its XML."""
_TO_SERVER = 2
_END = 2
_START_AND_END = 3


@dataclass(frozen=True, slots=True)
class Packet:
    """One element: its tag, its target (the pool or a pipeline), and for `Data` the bytes."""

    tag: str
    target: uuid.UUID = POOL
    data: bytes = b""
    prompt_response: bool = False


@dataclass(frozen=True, slots=True)
class Stray:
    """Text on stdout that is not a packet."""

    text: str


def write_packet(packet: Packet) -> bytes:
    """Return the line of a packet."""
    if packet.tag != "Data":
        return f"<{packet.tag} PSGuid='{packet.target}' />\n".encode()
    stream = b"PromptResponse" if packet.prompt_response else b"Default"
    target = str(packet.target).encode()
    return b"<Data Stream='%s' PSGuid='%s'>%s</Data>\n" % (
        stream,
        target,
        base64.b64encode(packet.data),
    )


class PacketReader:
    """Cuts the byte stream into packets and stray text."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._searched = 0

    def feed(self, data: bytes) -> list[Packet | Stray]:
        """Take bytes, cut anywhere, and return what is complete."""
        self._buffer += data
        found: list[Packet | Stray] = []
        while (end := self._buffer.find(b"\n", self._searched)) >= 0:
            line = bytes(self._buffer[: end + 1])
            del self._buffer[: end + 1]
            self._searched = 0
            found += _read_line(line)
        self._searched = len(self._buffer)
        if self._searched > MAX_STRAY and b"PSGuid='" not in self._buffer:
            found.append(self._rest())
        return found

    def finish(self) -> list[Stray]:
        """Return the text of a last line that never ended."""
        return [self._rest()] if self._buffer else []

    def _rest(self) -> Stray:
        text = bytes(self._buffer).decode(errors="replace")
        self._buffer.clear()
        self._searched = 0
        return Stray(text)


def _read_line(line: bytes) -> list[Packet | Stray]:
    match = _PACKET.search(line)
    packet = _packet(match) if match else None
    if match is None or packet is None:
        return [Stray(line.decode(errors="replace"))] if line.strip() else []
    before, after = line[: match.start()], line[match.end() :]
    found: list[Packet | Stray] = [Stray(before.decode(errors="replace"))] if before else []
    found.append(packet)
    return found + (_read_line(after) if after.strip() else [])


def _packet(match: "re.Match[bytes]") -> Packet | None:
    tag, stream, target, data = match.groups()
    try:
        return Packet(
            tag.decode(),
            uuid.UUID(target.decode()),
            base64.b64decode(data or b""),
            stream == b"PromptResponse",
        )
    except (ValueError, binascii.Error):
        return None


@dataclass(frozen=True, slots=True)
class Message:
    """One whole PSRP message: its type number, its pipeline (or POOL), its XML, and all
    its bytes.
    """

    kind: int
    pipeline: uuid.UUID
    raw: bytes

    @property
    def body(self) -> bytes:
        return self.raw[MESSAGE_HEADER:]

    def readable(self) -> "Message":
        """Return the message with the characters escaped that XML cannot hold: PowerShell does not
        escape them.
        """
        body = carried(self.body)
        return Message(self.kind, self.pipeline, self.raw[:MESSAGE_HEADER] + body)

    def as_fragment(self, object_id: int = 1) -> bytes:
        """Return the message as one fragment, the shape that psrpcore reads."""
        return _FRAGMENT.pack(object_id, 0, _START_AND_END, len(self.raw)) + self.raw


def new_message(kind: int, pool: uuid.UUID, pipeline: uuid.UUID, body: bytes) -> Message:
    """Return a message for PowerShell (MS-PSRP 2.2.1)."""
    header = _HEADER.pack(_TO_SERVER, kind, pool.bytes_le, pipeline.bytes_le)
    return Message(kind, pipeline, header + body)


class BrokenFragment(ValueError):
    """Bytes that are not a fragment, or a continuation without a first fragment."""


class Defragmenter:
    """Joins fragments to messages, so that a message's type is known before it is decoded."""

    def __init__(self) -> None:
        self._parts: dict[int, list[bytes]] = {}

    def feed(self, data: bytes) -> list[Message]:
        """Take the data of one packet (whole fragments) and return the messages that it completes.

        Raises BrokenFragment.
        """
        messages: list[Message] = []
        offset = 0
        while offset < len(data):
            if offset + _FRAGMENT.size > len(data):
                raise BrokenFragment("a fragment's header is cut off")
            object_id, number, flags, length = _FRAGMENT.unpack_from(data, offset)
            offset += _FRAGMENT.size
            message = self._take(object_id, number, flags, data[offset : offset + length])
            offset += length
            messages += [message] if message else []
        return messages

    def _take(self, object_id: int, number: int, flags: int, blob: bytes) -> Message | None:
        parts = self._parts.setdefault(object_id, [])
        if number != len(parts):
            del self._parts[object_id]
            raise BrokenFragment(f"fragment {number} came where {len(parts)} was due")
        parts.append(blob)
        if not flags & _END:
            return None
        raw = b"".join(self._parts.pop(object_id))
        if len(raw) < MESSAGE_HEADER:
            raise BrokenFragment("a message's header is cut off")
        kind = int.from_bytes(raw[4:8], "little")
        return Message(kind, uuid.UUID(bytes_le=raw[24:40]), raw)
