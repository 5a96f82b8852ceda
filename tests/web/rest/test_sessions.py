"""Sign-in, runs, prompts and notebooks over HTTP, in sessions of the sandbox on a real server."""

import json
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from tornado.httpclient import HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

from tests.fixtures.server import ADMIN, CONTOSO, FABRIKAM, Server

pytestmark = pytest.mark.xdist_group("server")

ENDED = ("succeeded", "failed", "cancelled", "lost")


@pytest.fixture
def contoso(server: Server) -> Server:
    """The shared server with a signed-in session."""
    status = server.sign_in(CONTOSO)
    assert (status["state"], status["account"]) == ("signed_in", ADMIN), status
    return server


def ended(server: Server, run_id: str) -> dict[str, Any]:
    """Follow a run to its end."""
    return dict(
        server.until(
            lambda: (run := server.get(f"/runs/{run_id}", wait_s=5))["state"] in ENDED and run
        )
    )


def text_of(run: dict[str, Any]) -> str:
    """Return the output of a run's answer."""
    return "".join(entry["text"] for entry in run["entries"])


def sign_out(server: Server, tenant: str) -> None:
    """Make sure that a session is not signed in, without starting another PowerShell when that can
    be helped.
    """
    if server.post("/status", tenant=tenant)["state"] in ("signed_in", "signing_in"):
        server.post("/kill", tenant=tenant)


def test_an_account_of_another_tenant_is_not_signed_in_and_told_why(server: Server) -> None:
    sign_out(server, FABRIKAM)
    status = server.sign_in(FABRIKAM, account=ADMIN)
    assert status["state"] == "signed_out"
    assert ADMIN in status["reason"]
    assert server.run("Get-Mailbox", FABRIKAM)["code"] == "not_signed_in"


def test_an_account_that_was_not_expected_is_refused(server: Server) -> None:
    sign_out(server, FABRIKAM)
    status = server.sign_in(
        FABRIKAM, account="reader@fabrikam.example", expected_account="admin@fabrikam.example"
    )
    assert status["state"] == "signed_out"
    assert "admin@fabrikam.example" in status["reason"]


def test_a_sign_in_shows_a_code_and_completes_on_the_page(server: Server) -> None:
    sign_out(server, FABRIKAM)
    login = server.post("/login", tenant=FABRIKAM)
    assert (login["success"], login["auth_pending"], login["state"]) == (True, True, "signing_in")
    assert login["auth_url"] == f"{server.url}/sandbox/devicelogin"
    again = server.post("/login", tenant=FABRIKAM)
    assert again["device_code"] == login["device_code"]
    refused = server.run("1", FABRIKAM)
    assert (refused["code"], refused["device_code"]) == ("sign_in_pending", login["device_code"])
    assert "signed in as admin@fabrikam.example" in server.approve(
        login["device_code"], "admin@fabrikam.example"
    )
    status = server.post("/status", tenant=FABRIKAM, wait_s=30)
    assert (status["state"], status["account"], status["connected"]) == (
        "signed_in",
        "admin@fabrikam.example",
        True,
    )
    assert login["device_code"] not in "".join(server.log)


@pytest.mark.parametrize(
    ("command", "result"),
    [
        ("0", "0"),
        ("$false", "false"),
        ("''", '""'),
        ("$null", "null"),
        ("", None),
        ("$x = 1", "OK"),
        ("1; 'a'", '[1,"a"]'),
    ],
)
def test_values_that_look_like_nothing_come_back_exact(
    contoso: Server, command: str, result: str | None
) -> None:
    run = contoso.run(command)
    if result is None:
        assert run["error"] == "command is required"
    else:
        assert run["success"] is True
        assert "".join(run["result"].split()) == result


def test_a_run_s_answer_names_the_session_the_account_and_the_caller(contoso: Server) -> None:
    with contoso.http(**{"User-Agent": "contract-test/1"}) as http:
        run = http.post(
            "/run", json={"tenant": CONTOSO.upper(), "command": "Get-Mailbox -ResultSize 3"}
        ).json()
    assert (run["session"], run["account"], run["state"]) == (f"{CONTOSO}:exo", ADMIN, "succeeded")
    assert (run["principal"], run["client"], run["format"]) == ("token", "contract-test", "json")
    assert len(json.loads(run["result"])) == 3


def test_parameters_are_bound_and_never_code(contoso: Server) -> None:
    run = contoso.run("param($Name) $Name", parameters={"Name": '"; Get-Date #'}, format="text")
    assert run["result"].strip() == '"; Get-Date #'


def test_a_failed_command_says_what_the_engine_says(contoso: Server) -> None:
    with contoso.http() as http:
        answer = http.post("/run", json={"tenant": CONTOSO, "command": "Get-NoSuchThing"})
    run = answer.json()
    assert (answer.status_code, run["success"], run["code"], run["state"]) == (
        200,
        False,
        "command_failed",
        "failed",
    )
    assert "Get-NoSuchThing" in run["error"]
    assert run["errors"][0]["error_id"] == "CommandNotFoundException"


def test_text_that_speaks_of_errors_is_no_error(contoso: Server) -> None:
    assert contoso.run("'error: an exception has occurred'")["success"] is True


def test_a_long_command_gives_a_run_id_is_followed_and_cancelled(contoso: Server) -> None:
    with contoso.http() as http:
        answer = http.post(
            "/run",
            json={
                "tenant": CONTOSO,
                "command": "'first'; Start-Sleep 60",
                "wait_s": 0.5,
                "format": "text",
            },
        )
    run = answer.json()
    assert (answer.status_code, run["code"], run["success"]) == (202, "run_pending", False)
    page = contoso.until(
        lambda: (one := contoso.get(f"/runs/{run['run_id']}", wait_s=5))["entries"] and one
    )
    assert "first" in text_of(page)
    assert contoso.get(f"/runs/{run['run_id']}", cursor=page["next_cursor"])["entries"] == []
    assert run["run_id"] in {one["run_id"] for one in contoso.get("/runs", tenant=CONTOSO)["runs"]}
    cancelled = contoso.post(f"/runs/{run['run_id']}/cancel")
    assert (cancelled["state"], cancelled["code"]) == ("cancelled", "run_cancelled")
    assert contoso.post("/status", tenant=CONTOSO)["state"] == "signed_in"


def test_a_prompt_is_answered_over_http(contoso: Server) -> None:
    with contoso.http() as http:
        answer = http.post(
            "/run",
            json={"tenant": CONTOSO, "command": "'Hello ' + (Read-Host 'Name')", "format": "text"},
        )
    run = answer.json()
    assert (answer.status_code, run["code"], run["prompt"]["kind"]) == (
        202,
        "waiting_for_input",
        "line",
    )
    blocked = contoso.run("1")
    assert (blocked["code"], blocked["run_id"]) == ("waiting_for_input", run["run_id"])
    contoso.post(f"/runs/{run['run_id']}/input", value="Ada")
    assert "Hello Ada" in text_of(ended(contoso, run["run_id"]))
    late = contoso.post(f"/runs/{run['run_id']}/input", value="x")
    assert late["code"] == "run_not_waiting"


def test_only_who_started_a_run_answers_what_it_asks(contoso: Server) -> None:
    confirm = "$null = Read-Host 'Sure?'; 'done'"
    with contoso.http(**{"User-Agent": "alice/1"}) as alice:
        asked = {"tenant": CONTOSO, "format": "text"}
        run = alice.post("/run", json={**asked, "command": confirm}).json()
        path = f"/runs/{run['run_id']}"
        assert (run["code"], run["yours"]) == ("waiting_for_input", True)
        with contoso.http(**{"User-Agent": "bob/1"}) as bob:
            behind = bob.post("/run", json={**asked, "command": "Get-Date"})
            refused = bob.post(f"{path}/input", json={"value": "Yes"})
            seen = bob.get(path).json()
        own = alice.post("/run", json={**asked, "command": "Get-Date"}).json()
        answered = alice.post(f"{path}/input", json={"value": "Yes"})
    assert (behind.status_code, behind.json()["code"]) == (409, "waits_behind_question")
    assert "is waiting for an answer from token (alice)" in behind.json()["error"]
    assert "/input" not in behind.json()["error"]
    assert (refused.status_code, refused.json()["code"]) == (403, "answer_of_another")
    assert "is waiting for an answer from token (alice)" in refused.json()["error"]
    assert (seen["yours"], seen["state"]) == (False, "waiting_for_input")
    assert "is waiting for an answer from token (alice)" in seen["error"]
    assert own["code"] == "waiting_for_input"
    assert answered.status_code == 200
    assert "done" in text_of(ended(contoso, run["run_id"]))


def test_a_person_may_answer_for_another_on_purpose(contoso: Server) -> None:
    with contoso.http(**{"User-Agent": "alice/1"}) as alice:
        asked = {"tenant": CONTOSO, "command": "'Hello ' + (Read-Host 'Name')", "format": "text"}
        run = alice.post("/run", json=asked).json()
    contoso.post(f"/runs/{run['run_id']}/input", value="Ada", for_other=True)
    assert "Hello Ada" in text_of(ended(contoso, run["run_id"]))


def test_a_queued_run_says_whose_answer_it_waits_behind(contoso: Server) -> None:
    first = "'begun'; while (-not (Test-Path ~/ask)) { Start-Sleep -Milliseconds 20 }; Read-Host"
    home = contoso.data_dir / "homes" / CONTOSO / "exo"
    with contoso.http(**{"User-Agent": "alice/1"}) as alice:
        asked = {"tenant": CONTOSO, "format": "text", "wait_s": 0}
        run = alice.post("/run", json={**asked, "command": first}).json()
    queued = contoso.run("1", wait_s=0)
    (home / "ask").touch()
    contoso.until(lambda: contoso.get(f"/runs/{run['run_id']}")["state"] == "waiting_for_input")
    (home / "ask").unlink()
    waits = contoso.get(f"/runs/{queued['run_id']}")
    assert waits["waits_behind"] == {
        "run_id": run["run_id"],
        "state": "waiting_for_input",
        "asker": "token (alice)",
    }
    assert (
        f"behind run {run['run_id']}, which is waiting for an answer from token (ali"
        in waits["error"]
    )
    contoso.post(f"/runs/{run['run_id']}/cancel")
    assert ended(contoso, queued["run_id"])["state"] == "succeeded"


def test_a_prompt_can_be_refused(contoso: Server) -> None:
    run = contoso.run("Read-Host 'Secret' -AsSecureString")
    assert run["prompt"]["kind"] == "secret"
    contoso.post(f"/runs/{run['run_id']}/input", refuse=True)
    assert ended(contoso, run["run_id"])["state"] == "failed"


def test_a_client_that_leaves_ends_only_its_wait(contoso: Server) -> None:
    marker = uuid.uuid4().hex
    with contoso.http() as http, pytest.raises(httpx.ReadTimeout):
        http.post(
            "/run", json={"tenant": CONTOSO, "command": f"Start-Sleep 1; '{marker}'"}, timeout=0.5
        )
    run_id = next(run["run_id"] for run in contoso.get("/runs")["runs"] if marker in run["command"])
    with contoso.http() as http, pytest.raises(httpx.ReadTimeout):
        http.get(f"/runs/{run_id}", params={"wait_s": 30, "cursor": 10_000}, timeout=0.2)
    run = ended(contoso, run_id)
    assert run["state"] == "succeeded"
    assert marker in text_of(run)


async def attach(server: Server, kernel_id: str) -> WebSocketClientConnection:
    """Open a notebook's WebSocket to a kernel."""
    url = f"{server.url.replace('http', 'ws', 1)}/api/kernels/{kernel_id}/channels?session_id={uuid.uuid4().hex}"  # noqa: E501
    return await websocket_connect(
        HTTPRequest(url, headers={"Authorization": f"token {server.token}"}, connect_timeout=20)
    )


async def execute(socket: WebSocketClientConnection, code: str) -> str:
    """Run code as a notebook does; returns what it wrote to stdout."""
    header = {
        "msg_id": uuid.uuid4().hex,
        "msg_type": "execute_request",
        "username": "x",
        "session": "notebook",
        "version": "5.3",
    }
    content = {
        "code": code,
        "silent": False,
        "store_history": True,
        "user_expressions": {},
        "allow_stdin": False,
    }
    message = {
        "header": header,
        "parent_header": {},
        "metadata": {},
        "content": content,
        "channel": "shell",
        "buffers": [],
    }
    await socket.write_message(json.dumps(message))
    text = ""
    while (raw := await socket.read_message()) is not None:
        answer = json.loads(raw)
        if answer["parent_header"].get("msg_id") != header["msg_id"]:
            continue
        if answer["msg_type"] == "stream":
            text += answer["content"]["text"]
        if answer["msg_type"] == "status" and answer["content"]["execution_state"] == "idle":
            break
    return text


async def test_a_notebook_attaches_to_the_session_and_never_ends_it(contoso: Server) -> None:
    kernel_id = contoso.post("/status", tenant=CONTOSO)["kernel_id"]
    contoso.run("$fromRest = 'seen'")
    socket = await attach(contoso, kernel_id)
    assert "seen" in await execute(socket, "$fromRest; $fromNotebook = 'me too'")
    socket.close()
    assert "me too" in contoso.run("$fromNotebook")["result"]
    with contoso.http() as http:
        row = http.post(
            "/api/sessions",
            json={"path": "a.ipynb", "name": "a", "type": "notebook", "kernel": {"id": kernel_id}},
        ).json()
        assert row["kernel"]["id"] == kernel_id
        assert http.delete(f"/api/sessions/{row['id']}").status_code == 204
        assert http.delete(f"/api/sessions/{row['id']}").status_code == 404
        http.delete(f"/api/kernels/{kernel_id}")
    assert contoso.post("/status", tenant=CONTOSO)["state"] == "signed_in"
    assert "me too" in contoso.run("$fromNotebook")["result"]


def test_sessions_answer_while_every_session_is_busy(contoso: Server) -> None:
    run = contoso.run("Start-Sleep 60", wait_s=0)
    answers: list[dict[str, Any]] = []
    asker = threading.Thread(target=lambda: answers.append(contoso.get("/sessions")))
    asker.start()
    asker.join(10)
    session = next(one for one in answers[0]["sessions"] if one["tenant"] == CONTOSO)
    assert (session["state"], session["current_run"]) == ("signed_in", run["run_id"])
    contoso.post(f"/runs/{run['run_id']}/cancel")


def test_who_has_seen_the_sessions_waits_until_one_changes(contoso: Server) -> None:
    sign_out(contoso, FABRIKAM)
    seen = contoso.get("/sessions")["version"]
    assert contoso.get("/sessions", seen=seen, wait_s=0)["version"] == seen
    assert contoso.get("/sessions", seen="another", wait_s=60)["version"] == seen
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(contoso.get, "/sessions", seen=seen, wait_s=60)
        contoso.run("'a command is no change'")
        assert not waiting.done()
        contoso.post("/login", tenant=FABRIKAM, wait_s=0)
        told = waiting.result(20)
    assert told["version"] != seen
    assert f"{FABRIKAM}:exo" in [one["session"] for one in told["sessions"]]
    sign_out(contoso, FABRIKAM)


def test_the_tenants_that_are_known_are_listed_by_all_their_names(server: Server) -> None:
    answer = server.get("/tenants")
    names = {one["tenant"]: one for one in answer["tenants"]}
    assert answer["closed"] is False
    assert names[CONTOSO]["sandbox"] is True
    assert names[CONTOSO]["names"][0] == CONTOSO
    assert list(names) == sorted(names)
