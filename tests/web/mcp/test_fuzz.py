"""Whatever is posted to /mcp: an answer of the protocol, no traceback, and the tools work on. A few
messages here, many with `make fuzz`.
"""

from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fixtures.odd_messages import altered
from tests.fixtures.odd_values import FUZZ_LIMIT, VALUES, ascii_json, few
from tests.fixtures.server import ANSWER_WAIT, Server
from tests.mcp.doors import through

pytestmark = [pytest.mark.fuzz, pytest.mark.slow, pytest.mark.timeout(FUZZ_LIMIT)]
VERSIONS = ("2024-11-05", "2025-06-18", "2025-11-25", "2026-07-28", "1", "x" * 300)
CLIENT = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "f"}}
RUN = {"tenant": "contoso.example", "command": "1"}
GOOD: dict[str, dict[str, Any]] = {
    "initialize": CLIENT,
    "notifications/initialized": {},
    "ping": {},
    "tools/list": {},
    "tools/call": {"name": "pwsh_run", "arguments": RUN},
    "resources/list": {},
    "resources/read": {"uri": "pwsh://sessions"},
    "resources/subscribe": {"uri": "pwsh://sessions"},
    "prompts/get": {"name": "sign_in", "arguments": {}},
    "completion/complete": {
        "ref": {"type": "ref/prompt", "name": "sign_in"},
        "argument": {"name": "tenant", "value": "c"},
    },
    "logging/setLevel": {"level": "debug"},
}


@pytest.fixture(scope="module")
def target(powershell_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server for the fuzz alone."""
    server = Server(tmp_path_factory.mktemp("fuzz"), {"PWSH_MANAGER_MAX_WAIT": "1"}).start()
    yield server
    server.close()


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """Draw a message of JSON-RPC that is odd in one or two places, or no message at all."""
    method = draw(st.sampled_from(sorted(GOOD)))
    message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": GOOD[method]}
    if draw(st.booleans()):
        message["params"] = draw(altered(GOOD[method]))
    whole = draw(st.just(message) | altered(message) | st.just([message, message]) | VALUES)
    return draw(
        st.just(ascii_json(whole)) | st.just(ascii_json(whole)[:-1]) | st.binary(max_size=9)
    )


HEADERS = st.fixed_dictionaries(
    {
        "Accept": st.sampled_from(["application/json, text/event-stream", "*/*", "", "text/html"]),
        "Content-Type": st.sampled_from(["application/json", "application/json", "text/plain", ""]),
    },
    optional={
        "Mcp-Session-Id": st.sampled_from(["", "none", "x" * 300]),
        "Mcp-Protocol-Version": st.sampled_from(VERSIONS),
        "Mcp-Method": st.sampled_from([*GOOD, "none"]),
        "Mcp-Name": st.sampled_from(["pwsh_run", "none"]),
    },
)


async def test_whatever_is_posted_the_tools_work_on(target: Server) -> None:
    @few(20)
    @given(body=bodies(), headers=HEADERS, method=st.sampled_from(["POST"] * 9 + ["DELETE"]))
    def answered(body: bytes, headers: dict[str, str], method: str) -> None:
        status, text = post(target, method, body, headers)
        assert status < 500, (status, text, body, headers, target.log[-40:])
        assert not any("Traceback" in line for line in target.log), (body, target.log[-60:])

    answered()
    async with through("http", target, "auto") as client:
        assert (await client.list_tools()).tools


def post(server: Server, method: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
    """Send a message, and read its answer to the end."""
    with closing(HTTPConnection(urlsplit(server.url).netloc, timeout=ANSWER_WAIT)) as connection:
        token = {"Authorization": f"Bearer {server.token}"}
        connection.request(method, "/mcp", body, {**headers, **token})
        answer = connection.getresponse()
        return answer.status, answer.read()
