"""One PSRP connection: bytes in, messages out, one pipeline at a time.

Pure: no process, no clock, no waiting.
"""

import struct
from collections.abc import Sequence
from typing import Any, Literal
from xml.etree import ElementTree

import psrpcore
from psrpcore.types import (
    ConsoleColor,
    Coordinates,
    ErrorRecord,
    HostDefaultData,
    HostInfo,
    PSInvocationState,
    PSRPMessageType,
    RunspacePoolState,
    Size,
)

from pwsh_kernels.powershell.wire.happenings import (
    Command,
    Ended,
    Happening,
    KeyReady,
    Opened,
    OpenFailed,
    PsrpEvent,
    RunspaceFree,
    Said,
)
from pwsh_kernels.powershell.wire.packets import (
    POOL,
    BrokenFragment,
    Defragmenter,
    Message,
    Packet,
    PacketReader,
    Stray,
    new_message,
    write_packet,
)
from pwsh_kernels.powershell.wire.progress_throttle import (
    ProgressThrottle,
    is_progress_call,
)
from pwsh_kernels.powershell.wire.psrpcore_compat import Pool
from pwsh_kernels.powershell.wire.templates import Templates, xml_of

HEIGHT = 50
"""Rows of the window that a script sees."""
MAX_FILLED = 30_000
"""Bytes of a pipeline that is sent as one fragment; psrpcore cuts a longer one (MS-PSRP leaves 32
KB to each).
"""
FIRST_FILLED = 1 << 32
"""Ids of what we write begin here: psrpcore counts its own messages from 1."""

_UNDECODABLE = (
    psrpcore.PSRPCoreError,
    BrokenFragment,
    ElementTree.ParseError,
    struct.error,
    AttributeError,
    IndexError,
    KeyError,
    TypeError,
    ValueError,
)
"""What psrpcore raises for bytes that are not PSRP: it checks little, so Python's own errors
escape.
"""


Phase = Literal["idle", "prepared", "commanded", "sent", "running", "closing"]


class Connection:
    """The client's half of the protocol.

    A pipeline goes: `prepare` and `begin` send <Command>; its <CommandAck> releases the data (sent
    together they can hang: decision 0001); the data's ack makes it stoppable; its last state sends
    <Close>, and <CloseAck> yields `Ended`.
    """

    def __init__(self, width: int) -> None:
        self._pool = Pool(host=_host(width))
        self._templates = Templates(self._xml)
        self._filled_messages = 0
        self._packets = PacketReader()
        self._fragments = Defragmenter()
        self._progress = ProgressThrottle()
        self._outgoing: list[bytes] = []
        self._phase: Phase = "idle"
        self._pipeline: psrpcore.ClientPowerShell | None = None
        self._held = b""
        self._stop_asked = False
        self._twin_follows = False
        self._last: Ended | None = None
        self._has_key = False

    @property
    def busy(self) -> bool:
        """True from `prepare` to `Ended`."""
        return self._phase != "idle"

    @property
    def progress_messages(self) -> int:
        """How many progress messages have come, ever."""
        return self._progress.offered

    @property
    def has_key(self) -> bool:
        """True when secrets can be sent."""
        return self._has_key

    def open(self) -> None:
        """Ask for a runspace pool; `Opened` or `OpenFailed` follows."""
        self._pool.open()
        self._flush()

    def ask_key(self) -> None:
        """Ask for the session key; `KeyReady` follows.

        Makes an RSA key pair: about 100 ms of computing.
        """
        self._pool.exchange_key()
        self._flush()

    def prepare(self, commands: Sequence[Command], *, history: str | None) -> None:
        """Serialise a pipeline; `history` is the text that Get-History shows.

        May take a second for a script of a megabyte.

        Touches nothing that `receive` uses while no pipeline runs, so that it may run in a thread
        of its own.
        """
        xml = self._templates.fill(commands, history)
        if xml is None or len(xml) > MAX_FILLED:
            pipeline, self._held = self._written(commands, history)
        else:
            pipeline, self._held = self._filled(xml)
        self._pipeline, self._phase, self._stop_asked, self._last = (
            pipeline,
            "prepared",
            False,
            None,
        )
        self._twin_follows = False

    def begin(self) -> None:
        """Send the prepared pipeline."""
        self._phase = "commanded"
        self._element("Command")

    def stop(self) -> None:
        """Ask the running pipeline to stop; `Ended` follows when it has.

        Harmless at any time, and again.
        """
        self._stop_asked = True
        if self._phase == "running":
            self._element("Signal")

    def ask_whether_free(self) -> None:
        """Ask whether the runspace is idle; `RunspaceFree` follows if it is idle although a
        pipeline was sent to it.
        """
        self._pool.get_available_runspaces()
        self._flush()

    def answer(self, call_id: int, value: Any) -> None:
        """Answer a host call."""
        self._pool.host_response(call_id, return_value=value)
        self._flush()

    def refuse(self, call_id: int, error: ErrorRecord) -> None:
        """Answer a host call with an error, which is thrown in the script."""
        self._pool.host_response(call_id, error_record=error)
        self._flush()

    def data_to_send(self) -> bytes:
        """Return, once, the bytes for PowerShell's stdin."""
        data = b"".join(self._outgoing)
        self._outgoing.clear()
        return data

    def receive(self, data: bytes, now: float) -> list[Happening]:
        """Take bytes of PowerShell's stdout, in any cut; `now` in seconds of any steady clock."""
        happenings: list[Happening] = []
        for item in self._packets.feed(data):
            happenings += [item] if isinstance(item, Stray) else self._packet(item, now)
        return happenings

    def finish(self) -> list[Happening]:
        """Return what is left when PowerShell's stdout has ended."""
        return [*self._packets.finish()]

    def next_tick(self) -> float | None:
        """Return when `tick` will have something to report, or None."""
        return self._progress.next_due()

    def tick(self, now: float) -> list[Happening]:
        """Return the progress that was held back and is due."""
        return self._decode_all(self._progress.due(now))

    def _written(
        self, commands: Sequence[Command], history: str | None
    ) -> tuple[psrpcore.ClientPowerShell, bytes]:
        """Return a started pipeline and its data, as psrpcore writes it."""
        pipeline = self._described(commands, history)
        pipeline.start()
        payload = self._pool.data_to_send()
        return pipeline, _data(payload) if payload else b""

    def _filled(self, xml: bytes) -> tuple[psrpcore.ClientPowerShell, bytes]:
        """Return a started pipeline and its data: psrpcore knows it, but has not written it."""
        pipeline = psrpcore.ClientPowerShell(self._pool)
        pipeline.state = PSInvocationState.Running
        self._filled_messages += 1
        message = new_message(
            PSRPMessageType.CreatePipeline.value,
            self._pool.runspace_pool_id,
            pipeline.pipeline_id,
            xml,
        )
        fragment = message.as_fragment(FIRST_FILLED + self._filled_messages)
        return pipeline, write_packet(Packet("Data", pipeline.pipeline_id, fragment))

    def _xml(self, commands: Sequence[Command], history: str | None) -> bytes:
        """Return the XML of a pipeline that is not started."""
        pipeline = self._described(commands, history)
        pipeline.close()
        pool = self._pool
        return xml_of(
            pipeline.metadata,
            our_capability=pool.our_capability,
            their_capability=pool.their_capability,
        )

    def _described(
        self, commands: Sequence[Command], history: str | None
    ) -> psrpcore.ClientPowerShell:
        pipeline = psrpcore.ClientPowerShell(
            self._pool, add_to_history=history is not None, history=history
        )
        for one in commands:
            command = psrpcore.Command(one.text, is_script=one.is_script, use_local_scope=one.local)
            command.add_parameters(**one.parameters)
            for name, value in one.words:
                command.add_parameter(name, value)
            command.merge_unclaimed = one.gathers
            if one.merge:
                command.redirect_all()
            pipeline.add_command(command)
        return pipeline

    def _packet(self, packet: Packet, now: float) -> list[Happening]:
        if packet.tag == "Data":
            return self._data_packet(packet, now)
        if self._pipeline is not None and packet.target == self._pipeline.pipeline_id:
            return self._acknowledged(packet.tag)
        return []

    def _acknowledged(self, tag: str) -> list[Happening]:
        if tag == "CommandAck" and self._phase == "commanded":
            self._phase = "sent"
            self._outgoing.append(self._held)
            self._held = b""
        elif tag == "DataAck" and self._phase == "sent":
            self._phase = "running"
            if self._stop_asked:
                self._element("Signal")
        elif tag == "CloseAck" and self._phase == "closing":
            return self._closed()
        return []

    def _closed(self) -> list[Happening]:
        if self._pipeline is not None:
            self._pipeline.close()
        ended, self._pipeline, self._phase, self._last = self._last, None, "idle", None
        return [ended] if ended else []

    def _data_packet(self, packet: Packet, now: float) -> list[Happening]:
        try:
            messages = self._fragments.feed(packet.data)
        except BrokenFragment as error:
            return [Stray(f"(a broken message of PowerShell was dropped: {error})\n")]
        happenings: list[Happening] = []
        for message in messages:
            happenings += self._message(message, now)
        return happenings

    def _message(self, message: Message, now: float) -> list[Happening]:
        if message.pipeline != POOL and (
            self._pipeline is None or message.pipeline != self._pipeline.pipeline_id
        ):
            return []
        if message.kind == PSRPMessageType.ProgressRecord:
            self._twin_follows = True
            return self._decode_all(self._progress.offer(message, now))
        if is_progress_call(message):
            return self._progress_call(message, now)
        if message.kind == PSRPMessageType.PipelineState:
            return self._decode_all([*self._progress.flush(), message])
        return self._decode(message)

    def _progress_call(self, call: Message, now: float) -> list[Happening]:
        """Take progress that came as a host call; if it came as a record before (without
        Out-Session), it has been reported already.
        """
        if self._twin_follows:
            self._twin_follows = False
            return []
        return self._decode_all(self._progress.offer(call, now))

    def _decode_all(self, messages: list[Message]) -> list[Happening]:
        return [happening for message in messages for happening in self._decode(message)]

    def _decode(self, message: Message) -> list[Happening]:
        try:
            self._pool.receive_data(
                psrpcore.PSRPPayload(
                    message.readable().as_fragment(), psrpcore.StreamType.default, None
                )
            )
            event = self._pool.next_event()
            return self._event(event) if event else []
        except _UNDECODABLE as error:
            return [Stray(f"(a message of PowerShell could not be read: {type(error).__name__})\n")]

    def _event(self, event: PsrpEvent) -> list[Happening]:
        if isinstance(event, psrpcore.PipelineStateEvent):
            self._pipeline_state(event)
            return []
        if isinstance(event, psrpcore.RunspacePoolStateEvent):
            return _pool_state(event)
        if isinstance(event, psrpcore.GetRunspaceAvailabilityEvent):
            return [RunspaceFree()] if event.count and self._phase == "running" else []
        if isinstance(event, psrpcore.EncryptedSessionKeyEvent):
            self._has_key = True
            return [KeyReady()]
        if isinstance(event, psrpcore.PublicKeyRequestEvent):
            self._flush()
            return []
        for_us = event.pipeline_id is not None or isinstance(
            event, psrpcore.RunspacePoolHostCallEvent
        )
        return [Said(event)] if for_us else []

    def _pipeline_state(self, event: psrpcore.PipelineStateEvent) -> None:
        if event.state in (
            PSInvocationState.Completed,
            PSInvocationState.Failed,
            PSInvocationState.Stopped,
        ):
            self._last = Ended(event.state, event.reason)
            self._phase = "closing"
            self._element("Close")

    def _element(self, tag: str) -> None:
        if self._pipeline is not None:
            self._outgoing.append(write_packet(Packet(tag, self._pipeline.pipeline_id)))

    def _flush(self) -> None:
        while payload := self._pool.data_to_send():
            self._outgoing.append(_data(payload))


def _data(payload: psrpcore.PSRPPayload) -> bytes:
    prompt = payload.stream_type == psrpcore.StreamType.prompt_response
    return write_packet(Packet("Data", payload.pipeline_id or POOL, payload.data, prompt))


def _pool_state(event: psrpcore.RunspacePoolStateEvent) -> list[Happening]:
    if event.state == RunspacePoolState.Opened:
        return [Opened()]
    if event.state == RunspacePoolState.Broken:
        return [OpenFailed(str(event.reason or "the runspace is broken"))]
    return []


def _host(width: int) -> HostInfo:
    size = Size(width, HEIGHT)
    return HostInfo(
        IsHostNull=False,
        IsHostUINull=False,
        IsHostRawUINull=False,
        UseRunspaceHost=False,
        HostDefaultData=HostDefaultData(
            ForegroundColor=ConsoleColor.Gray,
            BackgroundColor=ConsoleColor.Black,
            CursorPosition=Coordinates(0, 0),
            WindowPosition=Coordinates(0, 0),
            CursorSize=25,
            BufferSize=size,
            WindowSize=size,
            MaxWindowSize=size,
            MaxPhysicalWindowSize=size,
            WindowTitle="pwsh-kernels",
        ),
    )
