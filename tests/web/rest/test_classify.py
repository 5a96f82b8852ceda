"""GET and POST /classify: what a text does, over HTTP and from the command line."""

import pytest

from tests.fixtures.cli import run_command
from tests.fixtures.server import Server

pytestmark = pytest.mark.xdist_group("server")

CHANGE = 'Get-Mailbox ada\n& ("Set" + "-Mailbox") ada'


def test_a_text_that_only_reads_has_no_reasons(server: Server) -> None:
    answer = server.get("/classify", text="Get-Mailbox | ? Name -eq ada")
    assert (answer["success"], answer["class"], answer["reasons"]) == (True, "read", [])
    assert [(one["name"], one["service"]) for one in answer["commands"]] == [
        ("Get-Mailbox", "exo"),
        ("Where-Object", "powershell"),
    ]


def test_a_text_of_any_length_is_answered(server: Server) -> None:
    answer = server.post("/classify", text=f"{CHANGE} # {'x' * 200_000}")
    assert [one["code"] for one in answer["reasons"]] == ["too_long"]
    answer = server.post("/classify", text=CHANGE, module="exo")
    (reason,) = answer["reasons"]
    assert (answer["class"], reason["code"], reason["line"]) == ("unknown", "dynamic_command", 2)


def test_an_unknown_module_is_refused(server: Server) -> None:
    assert server.get("/classify", text="1", module="exos")["code"] == "unknown_module"


def test_the_command_line_says_the_class_and_the_reasons(server: Server) -> None:
    said, _, code = run_command(server.environment, "classify", "-", stdin=CHANGE)
    assert (said.splitlines()[0], code) == ("unknown", 0)
    assert "2:1 unknown: Which command runs here is worked out when it runs." in said
