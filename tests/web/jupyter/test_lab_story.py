"""JupyterLab's way through the server, by its own routes and its own subprotocol, for principals: a
person who may use one tenant, and agents.
"""

import json
import uuid
from typing import Any

import pytest
from jupyter_server.services.kernels.connection.base import (
    deserialize_msg_from_ws_v1,
    serialize_msg_to_ws_v1,
)
from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

from pwsh_kernels.sessions.key import SessionKey
from tests.fixtures.front_end import WAIT_S
from tests.fixtures.principals import Principals
from tests.fixtures.server import CONTOSO, FABRIKAM, Server

pytestmark = [pytest.mark.xdist_group("principals"), pytest.mark.slow]

OURS, HIDDEN = SessionKey(CONTOSO, "exo"), SessionKey(FABRIKAM, "exo")
SUBPROTOCOL = "v1.kernel.websocket.jupyter.org"
ROUTES = ["/api/kernelspecs", "/api/kernels", "/api/sessions", "/api/me"]
"""What JupyterLab asks for when it opens, of a server of kernels."""


async def channels(guarded: Server, token: str, key: SessionKey) -> WebSocketClientConnection:
    address = f"{guarded.url.replace('http', 'ws', 1)}/api/kernels/{key.kernel_id}/channels"
    headers = {"Authorization": f"token {token}"}
    request = HTTPRequest(address, headers=headers, connect_timeout=WAIT_S)
    return await websocket_connect(request, subprotocols=[SUBPROTOCOL])


async def printed(socket: WebSocketClientConnection, code: str) -> str:
    """Run a cell as JupyterLab does, and return what it prints until it has ended."""
    header = {"msg_id": uuid.uuid4().hex, "msg_type": "execute_request", "username": ""}
    header |= {"session": uuid.uuid4().hex, "version": "5.2", "date": "2026-11-30T00:00:00Z"}
    content = {"code": code, "silent": False, "user_expressions": {}, "allow_stdin": True}
    parts = [json.dumps(one).encode() for one in (header, {}, {"cellId": "c"}, content)]
    sent = serialize_msg_to_ws_v1(parts, "shell")  # type: ignore[no-untyped-call]
    await socket.write_message(sent, binary=True)
    text = ""
    while True:
        raw = await socket.read_message()
        assert isinstance(raw, bytes), "the WebSocket was closed"
        _, got = deserialize_msg_from_ws_v1(raw)  # type: ignore[no-untyped-call]
        told, parent, _, said = (json.loads(one) for one in got[:4])
        if parent.get("msg_id") == header["msg_id"]:
            text += _text(told["msg_type"], said)
            if said.get("execution_state") == "idle":
                return text


def _text(kind: str, content: dict[str, Any]) -> str:
    return str(content["text"]) if kind == "stream" else ""


async def test_a_person_with_jupyter_opens_a_notebook_on_their_session_and_runs_a_cell(
    guarded: Server, principals: Principals
) -> None:
    with principals.client(guarded, "ada") as http:
        assert [http.get(path).status_code for path in ROUTES] == [200] * len(ROUTES)
        assert OURS.kernelspec in http.get("/api/kernelspecs").json()["kernelspecs"]
        opened = {"path": "story.ipynb", "type": "notebook", "name": ""}
        row = http.post("/api/sessions", json={**opened, "kernel": {"name": OURS.kernelspec}})
        assert row.json()["kernel"]["id"] == OURS.kernel_id
        socket = await channels(guarded, principals.tokens["ada"], OURS)
        assert await printed(socket, "'from Lab'") == "from Lab\n"
        socket.close()
        assert http.delete(f"/api/sessions/{row.json()['id']}").status_code == 204
    run = next(one for one in guarded.get("/runs")["runs"] if one["command"] == "'from Lab'")
    assert (run["principal"], run["client"]) == ("person:ada", "jupyter")


async def test_another_tenant_s_session_is_not_there_for_them(
    guarded: Server, principals: Principals
) -> None:
    with principals.client(guarded, "ada") as http:
        row = {"path": "hidden.ipynb", "type": "notebook", "kernel": {"name": HIDDEN.kernelspec}}
        assert http.post("/api/sessions", json=row).status_code == 404
        assert HIDDEN.kernelspec not in http.get("/api/kernelspecs").text
        assert HIDDEN.kernel_id not in http.get("/api/kernels").text
    with pytest.raises(HTTPClientError) as refused:
        await channels(guarded, principals.tokens["ada"], HIDDEN)
    assert refused.value.code == 404


@pytest.mark.parametrize("who", ["reader", "writer"])
async def test_an_agent_gets_no_route_of_jupyter(
    guarded: Server, principals: Principals, who: str
) -> None:
    with principals.client(guarded, who) as http:
        assert [http.get(path).status_code for path in ROUTES] == [403] * len(ROUTES)
        row = {"path": "a.ipynb", "type": "notebook", "kernel": {"name": OURS.kernelspec}}
        assert http.post("/api/sessions", json=row).status_code == 403
    with pytest.raises(HTTPClientError) as refused:
        await channels(guarded, principals.tokens[who], OURS)
    assert refused.value.code == 403
