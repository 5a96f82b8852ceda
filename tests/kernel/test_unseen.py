"""Requests to a session's kernel that would make no run that others see: they run nothing."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pwsh_kernels.grants import Signer
from tests.fixtures.kernel import Client, connected, running_kernel


@pytest.fixture(scope="module")
def session(powershell_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A client of a kernel that is a session of the server."""
    home = tmp_path_factory.mktemp("home")
    signer = Signer.new()
    shared = {"PWSH_KERNELS_SHARED": "1", "PWSH_KERNELS_GRANTS": signer.public}
    with running_kernel(home, **shared) as kernel, connected(kernel, signer=signer) as client:
        yield client


def test_a_silent_execution_is_refused_and_runs_nothing(session: Client) -> None:
    refused = session.run("$made = 'unseen'; 'shown'", silent=True)
    assert (refused.content["status"], refused.content["ename"]) == ("error", "SharedSession")
    assert "nothing may run in it that they cannot see" in refused.content["evalue"]
    assert refused.outputs == []
    assert session.run('"made: $made"', {}).text() == "made: \n"


def test_a_silent_execution_of_nothing_is_answered_as_consoles_expect(session: Client) -> None:
    assert session.run("", silent=True).content["status"] == "ok"


@pytest.mark.parametrize("code", ["'on'", ""])
def test_an_expression_beside_the_code_is_refused_and_runs_nothing(
    session: Client, code: str
) -> None:
    asked = session.run(code, user_expressions={"one": "$made = 'by an expression'; 1"})
    assert asked.content["status"] == "ok"
    value = asked.content["user_expressions"]["one"]
    assert (value["status"], value["ename"]) == ("error", "SharedSession")
    assert session.run('"made: $made"', {}).text() == "made: \n"


CODES = [
    "$(Set-Content FILE x).",
    "(Set-Content FILE x).",
    "[IO.File]::WriteAllText('FILE', 'x').",
    '"$(Set-Content FILE x)".',
    "@(Set-Content FILE x)[0].",
    "Get-Item -Path $(Set-Content FILE x) -",
    "Get-Item (Set-Content FILE x) | Select-Object ",
    "& { Set-Content FILE x }.",
    "function one { Set-Content FILE x }; one ",
    "class One { static [int] $x = (Set-Content FILE x) }; [One]::",
    "Set-Content FILE x; ",
]


@pytest.mark.parametrize("code", CODES)
def test_questions_about_code_run_none_of_it(session: Client, code: str, tmp_path: Path) -> None:
    file = tmp_path / "made"
    asked = code.replace("FILE", str(file))
    cursor = {"code": asked, "cursor_pos": len(asked)}
    assert session.ask("complete_request", cursor)["status"] == "ok"
    assert session.ask("inspect_request", {**cursor, "detail_level": 1})["status"] == "ok"
    session.ask("inspect_request", {**cursor, "cursor_pos": len(asked) - 1, "detail_level": 0})
    assert session.ask("is_complete_request", {"code": asked})["status"] != "aborted"
    session.ask("history_request", {"hist_access_type": "search", "pattern": asked, "output": True})
    assert not file.exists()


def test_inspection_tells_the_type_of_a_variable_and_not_its_value(session: Client) -> None:
    session.run("$token = 'hunter2!'")
    told = session.ask("inspect_request", {"code": "$token", "cursor_pos": 3, "detail_level": 1})
    offered = session.ask("complete_request", {"code": "$tok", "cursor_pos": 4})
    assert "System.String" in str(told)
    assert "hunter2" not in f"{told} {offered}"
