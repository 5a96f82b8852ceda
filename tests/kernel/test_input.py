"""Prompts of scripts reach the client that runs them, and only its answers count."""

from pathlib import Path
from typing import Any

import pytest
import zmq
from jupyter_client.manager import KernelManager

from pwsh_kernels.messages import KEY, answer_metadata, refusal_metadata
from tests.fixtures.kernel import Client, connected

pytestmark = pytest.mark.xdist_group("kernel")

CHOOSE = (
    "$choices = [Management.Automation.Host.ChoiceDescription[]]('&Yes', '&No', 'Ma&ybe');"
    "'picked ' + $Host.UI.PromptForChoice('Title', 'Really?', $choices, 1)"
)
FIELDS = (
    "$fields ="
    " [Management.Automation.Host.FieldDescription[]]@([Management.Automation.Host.FieldDescription]::new('Name'),"  # noqa: E501
    " [Management.Automation.Host.FieldDescription]::new('Pin'));$fields[1].SetParameterType([securestring]);$got"  # noqa: E501
    " = $Host.UI.Prompt('Caption', 'Supply values', $fields);\"$($got.Name)"
    " $([Net.NetworkCredential]::new('', $got.Pin).Password)\""
)


@pytest.fixture
def shared_question(client: Client, other_client: Client) -> tuple[Client, Client, str]:
    """Two clients, and the run of the first that asks it something."""
    run_id = client.send("'got ' + (Read-Host 'Mine')", allow_stdin=True)
    client.question(run_id)
    return client, other_client, run_id


def asked(run: Any) -> list[tuple[str, bool]]:
    """Return text and secrecy of every question."""
    return [(one["content"]["prompt"], one["content"]["password"]) for one in run.questions]


def test_a_line_is_asked_and_its_answer_used(client: Client) -> None:
    run = client.run("'hello ' + (Read-Host 'Your name')", answers=["Änna 😀"])
    assert asked(run) == [("Your name: ", False)]
    assert run.text() == "hello Änna 😀\n"
    assert run.questions[0]["metadata"][KEY]["prompt"]["kind"] == "line"


def test_a_secret_is_asked_hidden_and_appears_nowhere(client: Client) -> None:
    run = client.run("$s = Read-Host 'PIN' -AsSecureString; $s.Length", answers=["sesame"])
    assert asked(run) == [("PIN: ", True)]
    assert run.text() == "6\n"
    assert "sesame" not in str(run.messages) + str(run.reply)


@pytest.mark.parametrize(
    ("answer", "picked"), [("n", 1), ("Maybe", 2), ("0", 0), ("", 1), (answer_metadata(2), 2)]
)
def test_a_choice_is_answered_by_key_label_number_default_or_as_a_value(
    client: Client, answer: Any, picked: int
) -> None:
    run = client.run(CHOOSE, answers=[answer])
    assert asked(run) == [('Title\nReally?\n[Y] Yes  [N] No  [Y] Maybe (default is "N"): ', False)]
    assert run.text() == f"picked {picked}\n"


def test_an_answer_that_is_no_choice_is_asked_for_again(client: Client) -> None:
    run = client.run(CHOOSE, answers=["perhaps", "yes"])
    assert run.questions[1]["content"]["prompt"].startswith(
        "'perhaps' is not one of the choices.\n"
    )
    assert run.text() == "picked 0\n"


def test_a_credential_is_asked_in_two_questions(client: Client) -> None:
    code = (
        "$c = Get-Credential -Message 'Sign in'; $c.UserName;"
        " $c.GetNetworkCredential().Password.Length"
    )
    run = client.run(code, answers=["anna", "four"])
    assert [one["metadata"][KEY]["field"] for one in run.questions] == ["user", "password"]
    assert run.text() == "anna\n4\n"


def test_a_prompt_of_fields_is_asked_field_by_field(client: Client) -> None:
    run = client.run(FIELDS, answers=["anna", "1234"])
    assert [secret for _, secret in asked(run)] == [False, True]
    assert run.text() == "anna 1234\n"


def test_one_reply_of_a_program_answers_all_fields(client: Client) -> None:
    run = client.run(FIELDS, answers=[answer_metadata({"Name": "anna", "Pin": "1234"})])
    assert len(run.questions) == 1
    assert run.text() == "anna 1234\n"


def test_missing_mandatory_parameters_are_asked_for(client: Client) -> None:
    run = client.run(
        'function greet { param([Parameter(Mandatory)]$Who) "hi $Who" } greet', answers=["anna"]
    )
    assert run.text() == "hi anna\n"


def test_without_stdin_a_prompt_is_refused_by_an_error_that_names_it(client: Client) -> None:
    run = client.run("'before'; Read-Host 'Your name'; 'after'")
    assert run.questions == []
    shown = run.text("stderr") + str(run.content.get("evalue", ""))
    assert "Your name" in shown
    assert "allow_stdin" in shown
    assert run.summary.had_errors


@pytest.mark.parametrize("answer", ["\x04", refusal_metadata("nobody is here")])
def test_a_client_can_refuse_a_prompt(client: Client, answer: Any) -> None:
    run = client.run("Read-Host 'Your name'", answers=[answer])
    assert run.summary.had_errors
    assert "Your name" in run.text("stderr") + str(run.content.get("evalue", ""))


def test_only_the_asker_can_answer(client: Client, other_client: Client) -> None:
    run_id = client.send("'got ' + (Read-Host 'Mine')", allow_stdin=True)
    client.question(run_id)
    other_client.answer("intruder")
    other_client.ask("kernel_info_request", {}, "control")
    client.answer("owner")
    assert client.finish(run_id).text() == "got owner\n"


def test_another_client_that_names_the_question_answers_only_when_it_says_for_whom(
    shared_question: tuple[Client, Client, str],
) -> None:
    asker, other, run_id = shared_question
    question = asker.runs[run_id].questions[0]
    for metadata in (answer_metadata("intruder"), answer_metadata("helper", for_other=True)):
        codec = other.jupyter.session
        reply = codec.msg("input_reply", {"value": ""}, parent=question, metadata=metadata)
        other.jupyter.stdin_channel.send(reply)
    assert asker.finish(run_id).text() == "got helper\n"


def test_an_answer_to_an_earlier_question_is_not_taken_for_the_next(client: Client) -> None:
    run_id = client.send("'got ' + (Read-Host 'First')", allow_stdin=True)
    client.question(run_id)
    client.answer("one")
    client.answer("stale")
    assert client.finish(run_id).text() == "got one\n"
    client.ask("kernel_info_request", {})
    assert client.run("'got ' + (Read-Host 'Second')", answers=["two"]).text() == "got two\n"


def test_a_client_without_stdin_connection_is_told_so(kernel: KernelManager) -> None:
    with connected(kernel, stdin=False) as lonely:
        run = lonely.finish(lonely.send("Read-Host 'Anybody'", allow_stdin=True))
    assert "not connected" in run.text("stderr") + str(run.content.get("evalue", ""))


BAD_FRAMES: list[list[bytes]] = [
    [b""],
    [b"<IDS|MSG>"],
    [b"<IDS|MSG>", b""],
    [b"<IDS|MSG>", b"", b"{}", b"{}", b"{}", b"{}"],
    [b"<IDS|MSG>", b"wrong", b"[", b"\xff", b"", b""],
]


def test_frames_that_nobody_signed_leave_an_open_prompt_open_and_are_noted_in_the_log(
    kernel: KernelManager, client: Client
) -> None:
    run_id = client.send("'got ' + (Read-Host 'Still open')", allow_stdin=True)
    client.question(run_id)
    port = kernel.get_connection_info()["stdin_port"]
    log = Path(kernel.connection_file).with_suffix(".log")
    with zmq.Context() as context, context.socket(zmq.DEALER) as intruder:
        intruder.connect(f"tcp://127.0.0.1:{port}")
        for frames in BAD_FRAMES:
            intruder.send_multipart(frames)
        no_answer = {**client.jupyter.session.msg("input_reply"), "content": "[]"}
        intruder.send_multipart(client.jupyter.session.serialize(no_answer))
        dropped = "dropped a bad message on the stdin channel"
        client.read_until_written(log, dropped, len(BAD_FRAMES))
    client.answer("the answer")
    assert client.finish(run_id).text() == "got the answer\n"
    assert log.stat().st_mode & 0o777 == 0o600
