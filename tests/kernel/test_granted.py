"""A session's kernel does only what its server granted: what somebody sends it who can read its
connection file, and has no key.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.manager import KernelManager

from pwsh_kernels.grants import KEY, VALID_S, Grant, Signer, digest
from tests.fixtures.kernel import Client, connected, running_kernel

EXPIRED_AT = 1_000.0
CODE = "$ran = 'without a grant'"


@pytest.fixture(scope="module")
def signer() -> Signer:
    """The server's side."""
    return Signer.new()


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The kernel's log."""
    return tmp_path_factory.mktemp("log") / "kernel.log"


@pytest.fixture(scope="module")
def session(
    powershell_path: Path, tmp_path_factory: pytest.TempPathFactory, signer: Signer, log: Path
) -> Iterator[KernelManager]:
    """The kernel of a session."""
    shared = {
        "PWSH_KERNELS_SHARED": "1",
        "PWSH_KERNELS_GRANTS": signer.public,
        "PWSH_KERNELS_LOG": str(log),
    }
    with running_kernel(tmp_path_factory.mktemp("home"), **shared) as manager:
        yield manager


@pytest.fixture(scope="module")
def server(session: KernelManager, signer: Signer) -> Iterator[Client]:
    """Who grants."""
    with connected(session, signer=signer) as client:
        yield client


@pytest.fixture(scope="module")
def intruder(session: KernelManager) -> Iterator[Client]:
    """Somebody who has read the connection file."""
    with connected(session) as client:
        yield client


@pytest.fixture(autouse=True)
def unspoilt(server: Client) -> Iterator[None]:
    """Nothing that a test has refused has run."""
    server.run("$ran = 'nothing'")
    yield
    assert server.run("$ran").text() == "nothing\n"


def request(client: Client, code: str = CODE, **content: Any) -> dict[str, Any]:
    """Return an execute request that has not been sent."""
    whole = {"code": code, "silent": False, "user_expressions": {}, **content}
    message: dict[str, Any] = client.jupyter.session.msg("execute_request", whole)
    return message


def sent(client: Client, message: dict[str, Any]) -> dict[str, Any]:
    """Send a message as it is, and return the content of its reply."""
    client.replies.pop(message["msg_id"], None)
    client.jupyter.shell_channel.send(message)
    client.read_until(lambda: message["msg_id"] in client.replies)
    content: dict[str, Any] = client.replies[message["msg_id"]]["content"]
    return content


def with_grant_of(message: dict[str, Any], signer: Signer) -> dict[str, Any]:
    return {**message, "metadata": signer.granted(message, "token")}


def assert_refused(content: dict[str, Any], reason: str) -> None:
    facts = (content["status"], content["ename"], content["code"], content["reason"])
    assert facts == ("error", "NotGranted", "not_granted", reason)
    assert "attach through the server" in content["evalue"]
    assert content["traceback"] == [content["evalue"]]


def test_a_cell_without_a_grant_is_refused_and_a_console_shows_why(intruder: Client) -> None:
    cell = intruder.run(CODE)
    assert_refused(cell.content, "missing")
    assert cell.content["execution_count"] >= 0
    assert [one["msg_type"] for one in cell.messages] == ["status", "error", "status"]
    assert "pwsh-kernels console" in cell.outputs[0]["content"]["traceback"][0]


def test_a_grant_for_other_code_is_refused(intruder: Client, signer: Signer) -> None:
    harmless = request(intruder, "'harmless'")
    granted = with_grant_of(harmless, signer)
    assert_refused(
        sent(intruder, {**granted, "content": {**granted["content"], "code": CODE}}),
        "other_content",
    )


def test_an_expression_smuggled_into_granted_code_is_refused(
    intruder: Client, signer: Signer
) -> None:
    granted = with_grant_of(request(intruder, "'harmless'"), signer)
    smuggled = {**granted["content"], "user_expressions": {"x": CODE}}
    assert_refused(sent(intruder, {**granted, "content": smuggled}), "other_content")


def test_a_request_made_silent_or_the_server_s_own_afterwards_is_refused(
    intruder: Client, signer: Signer
) -> None:
    granted = with_grant_of(request(intruder), signer)
    silent = {**granted, "content": {**granted["content"], "silent": True}}
    assert_refused(sent(intruder, silent), "other_content")
    own = {**granted, "metadata": {**granted["metadata"], "pwsh": {"own": True}}}
    assert_refused(sent(intruder, own), "other_content")


def test_a_message_that_the_kernel_has_had_is_refused(
    server: Client, intruder: Client, signer: Signer
) -> None:
    message = with_grant_of(request(server, "'once'"), signer)
    assert sent(server, message)["status"] == "ok"
    again = {**message, "header": {**message["header"], "username": "signed anew"}}
    assert_refused(sent(intruder, again), "replayed")


def test_a_grant_of_long_ago_is_refused(intruder: Client, signer: Signer) -> None:
    message = request(intruder)
    kind, msg_id = message["header"]["msg_type"], message["msg_id"]
    old = Grant("token", "", kind, msg_id, digest(message), EXPIRED_AT + VALID_S)
    assert_refused(sent(intruder, {**message, "metadata": {KEY: signer.sign(old)}}), "expired")


def test_another_session_s_grant_is_refused(intruder: Client) -> None:
    assert_refused(sent(intruder, with_grant_of(request(intruder), Signer.new())), "signature")


@pytest.mark.parametrize("kind", ["complete_request", "inspect_request"])
def test_what_editors_ask_is_refused_too_since_completion_may_run_code(
    intruder: Client, kind: str
) -> None:
    assert_refused(intruder.ask(kind, {"code": "Get-Ch", "cursor_pos": 6}), "missing")


def test_what_runs_no_code_is_answered(intruder: Client) -> None:
    assert intruder.ask("is_complete_request", {"code": "1"})["status"] == "complete"
    assert intruder.ask("history_request", {"hist_access_type": "tail", "n": 1})["status"] == "ok"
    assert intruder.ask("kernel_info_request", {})["status"] == "ok"


def test_an_answer_without_a_grant_answers_nobody_s_question(
    server: Client, intruder: Client, log: Path
) -> None:
    run = server.send("Read-Host 'name'", allow_stdin=True)
    question = server.question(run).questions[0]
    forged = intruder.jupyter.session.msg(
        "input_reply",
        {"value": ""},
        parent=question,
        metadata={"pwsh": {"answer": "forged", "for_other": True}},
    )
    intruder.jupyter.stdin_channel.send(forged)
    intruder.read_until_written(log, "a bad message on the stdin channel: NotGranted", 1)
    server.answer("real")
    assert server.finish(run).text() == "real\n"


def test_a_refusal_is_in_the_kernel_s_log_and_told_to_all_clients(
    server: Client, intruder: Client, log: Path
) -> None:
    server.events.clear()
    asked = intruder.send(CODE)
    intruder.finish(asked)
    server.read_until(lambda: any(_is_about(one, asked) for one in server.events))
    event = next(one["content"] for one in server.events if _is_about(one, asked))
    assert (event["event"], event["kind"], event["reason"]) == (
        "request_refused",
        "execute_request",
        "missing",
    )
    server.read_until_written(log, asked, 1)
    assert CODE not in log.read_text(encoding="utf-8")


def _is_about(event: dict[str, Any], msg_id: str) -> bool:
    return bool(event["content"].get("message") == msg_id)


def test_a_shared_kernel_without_a_key_does_nothing_for_anybody(
    powershell_path: Path, tmp_path: Path, signer: Signer
) -> None:
    with (
        running_kernel(tmp_path, PWSH_KERNELS_SHARED="1") as kernel,
        connected(kernel, signer=signer) as client,
    ):
        refused = client.run("1").content
        assert refused["reason"] == "no_key"
        assert "start the server again" in refused["evalue"]


def test_a_kernel_that_is_no_session_needs_no_grant(client: Client) -> None:
    assert client.run("1").text() == "1\n"
