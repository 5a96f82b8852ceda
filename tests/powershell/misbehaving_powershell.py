"""A small PSRP server that speaks the real protocol badly: a stand-in for PowerShell in fault
tests.

What is wrong is named by the environment variable FAULT (at start) and by the text of a run's
script (in a run).
"""

import os
import signal
import sys
import time
from collections.abc import Callable

import psrpcore

from pwsh_kernels.powershell.wire.packets import POOL, Packet, PacketReader, Stray, write_packet

TEXT = '["hello\\n"]'
ENDING = '["bye\\n", ["end", 0, null]]'


class Server:
    """The server's half: packets in, bytes out. Pure but for what a fault does to the process."""

    def __init__(self) -> None:
        self.pool = psrpcore.ServerRunspacePool()
        self.signals = 0

    def answer(self, packet: Packet) -> bytes:
        acknowledged = write_packet(Packet(packet.tag + "Ack", packet.target))
        if packet.tag == "Command":
            psrpcore.ServerPipeline(self.pool, packet.target)
        elif packet.tag == "Data":
            stream = psrpcore.StreamType.default
            self.pool.receive_data(
                psrpcore.PSRPPayload(
                    packet.data, stream, None if packet.target == POOL else packet.target
                )
            )
            return acknowledged + self.obey()
        elif packet.tag == "Signal":
            self.signals += 1
            pipeline = self.pool.pipeline_table[packet.target]
            if pipeline.metadata is not None and "never" not in script_of(pipeline):
                pipeline.stop()
            return acknowledged + self.said()
        elif packet.tag == "Close" and packet.target != POOL:
            self.pool.pipeline_table[packet.target].close()
        return acknowledged

    def obey(self) -> bytes:
        while event := self.pool.next_event():
            if isinstance(event, psrpcore.CreatePipelineEvent):
                pipeline = self.pool.pipeline_table[event.pipeline_id]
                pipeline.start()
                return self.said() + self.run(pipeline)
            if isinstance(event, psrpcore.GetAvailableRunspacesEvent):
                self.pool.runspace_availability_response(event.ci, 1)
        return self.said()

    def run(self, pipeline: psrpcore.ServerPipeline) -> bytes:
        script = script_of(pipeline)
        if "PieceLength" in script:
            pipeline.write_output("9.9.9")
        elif script in FAULTS:
            return FAULTS[script](self, pipeline)
        elif script == "PwshKernels.Get-SessionRest":
            pipeline.write_output(ENDING)
        else:
            pipeline.write_output(TEXT)
            pipeline.write_output(ENDING)
        pipeline.complete()
        return self.said()

    def said(self) -> bytes:
        lines = b""
        while payload := self.pool.data_to_send():
            lines += write_packet(Packet("Data", payload.pipeline_id or POOL, payload.data))
        return lines


def script_of(pipeline: psrpcore.ServerPipeline) -> str:
    return str(pipeline.metadata.commands[0].command_text)  # type: ignore[union-attr]


def never(server: Server, pipeline: psrpcore.ServerPipeline) -> bytes:
    pipeline.write_output(TEXT)
    return server.said()


def half_a_packet(server: Server, pipeline: psrpcore.ServerPipeline) -> bytes:
    pipeline.write_output(TEXT)
    whole = server.said()
    sys.stdout.buffer.write(whole + whole[: len(whole) // 2])
    sys.stdout.buffer.flush()
    os._exit(5)


def garbage(server: Server, pipeline: psrpcore.ServerPipeline) -> bytes:
    pipeline.write_output(TEXT)
    first = server.said()
    pipeline.write_output(ENDING)
    pipeline.complete()
    broken_fragment = write_packet(Packet("Data", pipeline.pipeline_id, b"not a fragment"))
    no_base64 = (
        b"<Data Stream='Default' PSGuid='%s'>!!!</Data>\n" % str(pipeline.pipeline_id).encode()
    )
    return (
        b"noise\n\xff\xfe\n"
        + broken_fragment
        + no_base64
        + b"glued"
        + first
        + b"more glue"
        + server.said()
    )


def not_ours(server: Server, pipeline: psrpcore.ServerPipeline) -> bytes:
    """Output that Out-Session never writes, and a state for a pipeline that nobody began."""
    other = psrpcore.ServerPipeline(server.pool, pipeline.runspace_pool.runspace_pool_id)
    other.start()
    other.write_output("of another")
    other.complete()
    pipeline.write_output("{no json")
    pipeline.write_output(ENDING)
    pipeline.complete()
    return server.said()


def huge(server: Server, pipeline: psrpcore.ServerPipeline) -> bytes:
    pipeline.write_output('["' + "x" * (8 << 20) + '"]')
    pipeline.write_output(ENDING)
    pipeline.complete()
    return server.said()


def late(server: Server, pipeline: psrpcore.ServerPipeline) -> bytes:
    time.sleep(0.2)
    pipeline.write_output(ENDING)
    pipeline.complete()
    return server.said()


def closes_its_output(server: Server, pipeline: psrpcore.ServerPipeline) -> bytes:
    os.close(1)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(60)
    return b""


def ends_without_rest(server: Server, pipeline: psrpcore.ServerPipeline) -> bytes:
    pipeline.write_output(TEXT)
    pipeline.complete()
    return server.said()


def transport_error(_: Server, __: psrpcore.ServerPipeline) -> bytes:
    """As PowerShell does with XML that it cannot read: these words, and the pipeline never ends."""
    os.write(2, b"Remote transport error: \n")
    return b""


FAULTS: dict[str, Callable[[Server, psrpcore.ServerPipeline], bytes]] = {
    "never": never,
    "half a packet": half_a_packet,
    "garbage": garbage,
    "not ours": not_ours,
    "huge": huge,
    "late": late,
    "closes its output": closes_its_output,
    "ends without rest": ends_without_rest,
    "transport error": transport_error,
}


def main() -> None:
    fault = os.environ.get("FAULT", "")
    if fault == "dies at once":
        sys.exit("no ICU was found")
    server, reader = Server(), PacketReader()
    while data := os.read(0, 65536):
        for packet in reader.feed(data):
            if isinstance(packet, Stray) or fault == "silent":
                continue
            if fault == f"dies at {packet.tag}":
                os._exit(3)
            sys.stdout.buffer.write(server.answer(packet))
            sys.stdout.buffer.flush()
    if fault == "ignores the end":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(60)


if __name__ == "__main__":
    main()
