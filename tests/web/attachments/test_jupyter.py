"""A session seen from Jupyter: under its name everywhere, and nothing that a front end does ends
its sign-in.
"""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import zmq
from zmq.utils.monitor import parse_monitor_message

from pwsh_kernels.sessions.runs.connection import SOCKET_TYPES
from tests.fixtures.connection_file import connection_of
from tests.fixtures.front_end import Notebook
from tests.fixtures.kernel import Client
from tests.fixtures.server import ADMIN, CONTOSO, Server

pytestmark = pytest.mark.xdist_group("server")

TITLE = f"{CONTOSO} · exo · signed in as {ADMIN}"
SPEC = f"{CONTOSO}.exo"
CHANNEL_WAIT_MS = 20_000
REFUSED = {
    zmq.EVENT_DISCONNECTED,
    zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL,
    zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL,
}


@pytest.fixture(scope="module")
def contoso(server: Server) -> Server:
    """The shared server with a signed-in session."""
    assert server.sign_in(CONTOSO)["state"] == "signed_in"
    return server


@pytest.fixture
def kernel_id(contoso: Server) -> Iterator[str]:
    """The session's kernel; whatever the test does to it, the session must be signed in afterwards,
    and the same.
    """
    mark = uuid.uuid4().hex
    contoso.run(f"$mark = '{mark}'")
    yield str(contoso.post("/status", tenant=CONTOSO)["kernel_id"])
    assert contoso.post("/status", tenant=CONTOSO)["state"] == "signed_in"
    assert contoso.run("$mark", format="text")["result"].strip() == mark
    assert (
        contoso.run("(Get-ConnectionInformation).UserPrincipalName", format="text")[
            "result"
        ].strip()
        == ADMIN
    )


def send(server: Server, method: str, path: str, body: Any = None) -> Any:
    """Send a request to a route of Jupyter and return the answer."""
    with server.http() as http:
        return http.request(method, path, json=body)


def own_row(server: Server, kernel_id: str) -> dict[str, Any]:
    """Return the session's own row in Jupyter's list of sessions."""
    rows: list[dict[str, Any]] = send(server, "GET", "/api/sessions").json()
    return next(row for row in rows if row["id"] == kernel_id)


def test_a_session_has_its_name_in_every_list_of_jupyter(contoso: Server, kernel_id: str) -> None:
    specs = send(contoso, "GET", "/api/kernelspecs").json()["kernelspecs"]
    assert specs[SPEC]["spec"]["display_name"] == TITLE
    kernel = send(contoso, "GET", f"/api/kernels/{kernel_id}").json()
    assert (kernel["name"], kernel["pwsh"]) == (SPEC, {"session": f"{CONTOSO}:exo", "title": TITLE})
    assert kernel in send(contoso, "GET", "/api/kernels").json()
    row = own_row(contoso, kernel_id)
    assert (row["name"], row["path"], row["kernel"]["id"]) == (TITLE, TITLE, kernel_id)
    assert send(contoso, "GET", f"/api/sessions/{kernel_id}").json()["name"] == TITLE


def test_choosing_the_kernelspec_attaches_to_the_running_session(
    contoso: Server, kernel_id: str
) -> None:
    started = send(contoso, "POST", "/api/kernels", {"name": SPEC})
    assert (started.status_code, started.json()["id"]) == (201, kernel_id)
    notebook = {"path": "a.ipynb", "name": "a", "type": "notebook", "kernel": {"name": SPEC}}
    row = send(contoso, "POST", "/api/sessions", notebook).json()
    assert row["kernel"]["id"] == kernel_id
    assert row["id"] != kernel_id
    assert send(contoso, "DELETE", f"/api/sessions/{row['id']}").status_code == 204


def test_shutting_a_session_down_from_jupyter_only_detaches(
    contoso: Server, kernel_id: str
) -> None:
    assert send(contoso, "DELETE", f"/api/kernels/{kernel_id}").status_code == 204
    assert send(contoso, "DELETE", f"/api/sessions/{kernel_id}").status_code == 204
    assert own_row(contoso, kernel_id)["name"] == TITLE


def test_a_restart_from_jupyter_is_refused_and_says_how_to_begin_anew(
    contoso: Server, kernel_id: str
) -> None:
    answer = send(contoso, "POST", f"/api/kernels/{kernel_id}/restart")
    assert answer.status_code == 409
    assert f"pwsh-kernels disconnect {CONTOSO} exo" in answer.json()["message"]


def test_a_notebook_that_changes_its_kernel_leaves_the_session_behind(
    contoso: Server, kernel_id: str
) -> None:
    notebook = {"path": "b.ipynb", "name": "b", "type": "notebook", "kernel": {"id": kernel_id}}
    row = send(contoso, "POST", "/api/sessions", notebook).json()
    other = send(contoso, "POST", "/api/kernels", {"name": "python3"}).json()["id"]
    changed = send(contoso, "PATCH", f"/api/sessions/{row['id']}", {"kernel": {"id": other}})
    assert changed.json()["kernel"]["id"] == other
    assert send(contoso, "DELETE", f"/api/sessions/{row['id']}").status_code == 204
    assert (
        send(contoso, "GET", f"/api/kernels/{other}").status_code == 404
    )  # an ordinary kernel ends with its notebook


def test_the_session_s_own_row_keeps_its_name_and_its_kernel(
    contoso: Server, kernel_id: str
) -> None:
    before = send(contoso, "GET", "/api/kernels").json()
    for kernel in ({"name": "python3"}, {"id": str(uuid.uuid4())}):
        assert send(
            contoso, "PATCH", f"/api/sessions/{kernel_id}", {"kernel": kernel}
        ).status_code in (400, 409, 501)
    assert (
        send(
            contoso, "PATCH", f"/api/sessions/{kernel_id}", {"name": "mine", "path": "mine"}
        ).json()["name"]
        == TITLE
    )
    assert len(send(contoso, "GET", "/api/kernels").json()) == len(before)


async def test_a_shutdown_message_of_a_front_end_is_refused(
    contoso: Server, kernel_id: str
) -> None:
    async with Notebook(contoso.url, contoso.token, kernel_id) as notebook:
        asked = await notebook.send("shutdown_request", {"restart": False}, "control")
        cell = await notebook.until(asked, lambda one: bool(one.of_kind("shutdown_reply")))
        reply = cell.of_kind("shutdown_reply")[0]
        assert (reply["status"], reply["ename"]) == ("error", "SharedSession")
        assert (await notebook.run("'still here'")).text == "still here\n"


def test_a_shutdown_message_of_a_client_with_the_connection_file_is_refused(
    contoso: Server, kernel_id: str
) -> None:
    client = Client(connection_of(contoso, CONTOSO))
    try:
        reply = client.ask("shutdown_request", {"restart": True}, "control")
        assert (reply["status"], reply["restart"]) == ("error", True)
    finally:
        client.close()


@pytest.mark.parametrize("channel", ["shell", "iopub", "stdin", "control"])
def test_without_the_keys_of_the_connection_file_nobody_gets_through_to_a_session(
    contoso: Server, kernel_id: str, channel: str
) -> None:
    port = connection_of(contoso, CONTOSO)[f"{channel}_port"]
    with zmq.Context() as context, context.socket(SOCKET_TYPES[channel]) as socket:
        socket.linger = 0
        monitor = socket.get_monitor_socket()
        socket.connect(f"tcp://127.0.0.1:{port}")
        seen: list[int] = []
        while not REFUSED & set(seen):
            assert monitor.poll(CHANNEL_WAIT_MS), seen
            seen.append(parse_monitor_message(monitor.recv_multipart())["event"])
        socket.disable_monitor()
    assert zmq.EVENT_HANDSHAKE_SUCCEEDED not in seen


def test_a_session_that_was_disconnected_is_in_no_list(own_server: Server) -> None:
    assert own_server.post("/login", tenant=CONTOSO)["auth_pending"]
    title = send(own_server, "GET", "/api/kernels").json()[0]["pwsh"]["title"]
    assert title == f"{CONTOSO} · exo · signing in"
    own_server.post("/disconnect", tenant=CONTOSO)
    assert send(own_server, "GET", "/api/sessions").json() == []
    assert send(own_server, "GET", "/api/kernels").json() == []
    assert SPEC not in send(own_server, "GET", "/api/kernelspecs").json()["kernelspecs"]
    assert own_server.until(lambda: not own_server.powershells())
