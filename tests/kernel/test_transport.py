"""Requests of any Jupyter client with texts that PowerShell's or Jupyter's messages cannot hold."""

import json
from typing import Any

import pytest
from jupyter_client.jsonutil import json_default

from tests.fixtures.kernel import Client

pytestmark = pytest.mark.xdist_group("kernel")
FORBIDDEN = "'a\ufffeb\uffffc'"


def ascii_json(value: Any) -> bytes:
    """Return what clients send that write every character as ASCII, such as those in C or Go."""
    return json.dumps(value, default=json_default).encode()


def test_no_request_with_what_xml_forbids_stops_the_kernel(client: Client) -> None:
    assert client.run(f"{FORBIDDEN}.Length # \uffff").text() == "5\n"
    assert client.run(FORBIDDEN).text() == "a\ufffeb\uffffc\n"
    assert client.ask("is_complete_request", {"code": f"{FORBIDDEN} +"})["status"] == "incomplete"
    code = f"{FORBIDDEN}.Leng"
    found = client.ask("complete_request", {"code": code, "cursor_pos": len(code)})
    assert found["matches"] == ["Length"]
    asked = {"code": f"Get-Date # {FORBIDDEN}", "cursor_pos": 3, "detail_level": 0}
    assert client.ask("inspect_request", asked)["found"]
    run = client.run("(Read-Host 'x').Length", answers=["a\uffffb"])
    assert run.text() == "3\n"
    run = client.run("param($v) $v", {"parameters": {"v": "\uffff"}})
    assert run.text() == "\uffff\n"


def test_half_a_surrogate_pair_arrives_as_a_terminal_would_have_it(client: Client) -> None:
    pack, client.jupyter.session.pack = client.jupyter.session.pack, ascii_json
    half = client.run("'\ud800'")
    client.jupyter.session.pack = pack
    assert half.text() == "\N{REPLACEMENT CHARACTER}\n"
    assert client.run("'\N{GRINNING FACE}'").text() == "\N{GRINNING FACE}\n"


@pytest.mark.parametrize("levels", [33, 50, 300])
def test_parameters_that_nest_too_deep_are_refused_and_the_kernel_goes_on(
    client: Client, levels: int
) -> None:
    deep = json.loads("[" * levels + "]" * levels)
    run = client.run("param($v) 1", {"parameters": {"v": deep}})
    assert (run.content["ename"], run.summary.outcome) == ("InvalidRequest", "failed")
    assert "32 levels" in run.content["evalue"]
    assert client.run("'after'").text() == "after\n"


def test_a_number_of_characters_that_powershell_cannot_count_to_is_refused(client: Client) -> None:
    run = client.run("1", {"max_chars": 2**63})
    assert run.content["ename"] == "InvalidRequest"
    assert "max_chars" in run.content["evalue"]


@pytest.mark.parametrize(
    ("kind", "content", "problem"),
    [
        ("execute_request", {"code": 5}, "code must be a string"),
        ("execute_request", {}, "code must be a string"),
        ("execute_request", {"code": "1", "user_expressions": [1]}, "an object of strings"),
        ("complete_request", {"code": "Get-D", "cursor_pos": "end"}, "a whole number"),
        ("inspect_request", {"code": "Get-Date"}, "cursor_pos must be a whole number"),
        ("is_complete_request", {"code": None}, "code must be a string"),
        ("history_request", {"hist_access_type": "tail", "n": []}, "n must be a whole number"),
    ],
)
def test_a_request_with_a_field_of_a_wrong_kind_is_answered_with_what_it_must_be(
    client: Client, kind: str, content: dict[str, Any], problem: str
) -> None:
    answer = client.ask(kind, content)
    assert (answer["status"], answer["ename"]) == ("error", "InvalidRequest")
    assert problem in answer["evalue"]
    assert client.run("1+1").text() == "2\n"


@pytest.mark.parametrize("odd", [{"msg_id": []}, {"session": None}, {"x": {}}, {"version": "no"}])
def test_a_message_with_an_impossible_header_is_dropped(
    client: Client, odd: dict[str, Any]
) -> None:
    message = client.jupyter.session.msg("execute_request", {"code": "'never'"})
    message["header"].update(odd)
    client.jupyter.shell_channel.send(message)
    assert client.run("'next'").text() == "next\n"


def test_a_request_for_a_subshell_is_told_that_there_is_none(client: Client) -> None:
    message = client.jupyter.session.msg("is_complete_request", {"code": "1"})
    message["header"]["subshell_id"] = "s-1"
    client.jupyter.shell_channel.send(message)
    client.read_until(lambda: message["msg_id"] in client.replies)
    assert client.replies[message["msg_id"]]["content"]["ename"] == "InvalidRequest"


def test_history_is_told_whatever_else_the_request_says(client: Client) -> None:
    asked = {"hist_access_type": "tail", "n": 1, "self": "x"}
    assert client.ask("history_request", asked)["status"] == "ok"
