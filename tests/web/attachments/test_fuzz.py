"""Whatever a front end sends over its WebSocket to a session: session and server go on, for it and
for everybody else. A few messages here, many with `make fuzz`.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tornado.httpclient import HTTPRequest
from tornado.websocket import websocket_connect

from pwsh_kernels.web.attachments import SUBPROTOCOL_V1
from tests.fixtures.front_end import WAIT_S, Notebook
from tests.fixtures.odd_messages import messages
from tests.fixtures.odd_values import FUZZ_LIMIT, VALUES, ascii_json, few
from tests.fixtures.server import CONTOSO, Server

pytestmark = [pytest.mark.fuzz, pytest.mark.slow, pytest.mark.timeout(FUZZ_LIMIT)]
BATCH = 10
"""Messages between two looks at whether everything goes on."""
PARTS = ("header", "parent_header", "metadata", "content")
CHANNELS = st.sampled_from(["shell", "shell", "control", "stdin", "iopub", "none"]) | VALUES


@pytest.fixture(scope="module")
def target(powershell_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with a session for the fuzz alone."""
    server = Server(tmp_path_factory.mktemp("fuzz")).start()
    answer = server.sign_in()
    assert answer["state"] == "signed_in", answer
    yield server
    server.close()


def as_text(parts: list[object], channel: object) -> bytes:
    """Return a message as front ends without a subprotocol send it."""
    return ascii_json({**dict(zip(PARTS, parts, strict=True)), "channel": channel, "buffers": []})


def as_v1(parts: list[object], channel: object) -> bytes:
    """Return a message as JupyterLab sends it: offsets, then the pieces."""
    pieces = [str(channel).encode(errors="replace"), *(ascii_json(one) for one in parts)]
    offsets = [8 * (len(pieces) + 2)]
    for piece in pieces:
        offsets.append(offsets[-1] + len(piece))
    numbers = [len(offsets), *offsets]
    return b"".join(one.to_bytes(8, "little") for one in numbers) + b"".join(pieces)


COUNTS = st.sampled_from([b"\x7f\xff\xff\xff", b"\xff" * 8, b"\0" * 8, b"\x03" + b"\0" * 7])
BYTES = st.binary(max_size=40) | st.builds(bytes.__add__, COUNTS, st.binary(max_size=40))


@pytest.mark.parametrize("protocol", ["", SUBPROTOCOL_V1])
async def test_whatever_a_front_end_sends_the_session_and_the_server_go_on(
    target: Server, protocol: str
) -> None:
    made = st.builds(as_v1 if protocol else as_text, messages(), CHANNELS)
    sent = [(one, bool(protocol)) for one in samples(made, 12)]
    sent += [(one, True) for one in samples(BYTES, 8)]
    async with Notebook(target.url, target.token, kernel_of(target)) as notebook:
        for batch in (sent[begin : begin + BATCH] for begin in range(0, len(sent), BATCH)):
            await tell(target, protocol, batch)
            assert (await notebook.run("1+1")).text == "2\n", batch
            assert "Traceback" not in "".join(target.log), (batch, "".join(target.log[-60:]))
    assert target.run("1+1", format="text")["result"] == "2\n"
    assert target.get("/runs")["success"]


def samples(strategy: st.SearchStrategy[bytes], count: int) -> list[bytes]:
    """Return values of a strategy: an event loop runs here, and hypothesis wants none."""
    found: list[bytes] = []

    @few(count)
    @given(strategy)
    def collect(one: bytes) -> None:
        found.append(one)

    collect()
    return found


def kernel_of(server: Server) -> str:
    """Return the id of the session's kernel."""
    sessions = {one["session"]: one for one in server.get("/sessions")["sessions"]}
    return str(sessions[f"{CONTOSO}:exo"]["kernel_id"])


async def tell(server: Server, protocol: str, batch: list[tuple[bytes, bool]]) -> None:
    """Send messages over a WebSocket of their own, each as bytes or as text."""
    address = f"{server.url.replace('http', 'ws', 1)}/api/kernels/{kernel_of(server)}/channels"
    headers = {"Authorization": f"token {server.token}"}
    request = HTTPRequest(f"{address}?session_id=fuzz", headers=headers, connect_timeout=WAIT_S)
    socket = await websocket_connect(request, subprotocols=[protocol] if protocol else None)
    for message, binary in batch:
        await socket.write_message(message if binary else message.decode(), binary=binary)
    socket.close()
