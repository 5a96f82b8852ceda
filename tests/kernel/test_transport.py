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
