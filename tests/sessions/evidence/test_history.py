"""What agents did, seen by people: Get-SessionHistory in an attached notebook, and the session's
notebook file.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest

from tests.fixtures.front_end import Notebook
from tests.fixtures.server import ADMIN, CONTOSO, FABRIKAM, Server

pytestmark = pytest.mark.xdist_group("commands")

COMMAND_WAIT = 60


@pytest.fixture(scope="module")
def contoso(server: Server) -> Server:
    """The shared server with a signed-in session in which an agent has worked."""
    assert server.sign_in(CONTOSO)["state"] == "signed_in"
    with server.http(**{"User-Agent": "claude-code/2"}) as agent:
        body = {
            "tenant": CONTOSO,
            "command": "param($Name, $Pin) $Name; $agentSaw = $Name",
            "format": "text",
        }
        agent.post(
            "/run", json={**body, "parameters": {"Name": "Adele", "Pin": {"$secret": "hunter2!"}}}
        )
        agent.post(
            "/run",
            json={"tenant": CONTOSO, "command": "throw 'the agent failed'; $token = 'hunter2!'"},
        )
    return server


def notebook_of(server: Server, name: str) -> Any:
    """Return a session's notebook, checked against the format's schema."""
    read = nbformat.reads(json.dumps(server.get(f"/sessions/{name}/notebook")), as_version=4)
    nbformat.validate(read)
    return read


async def test_an_attached_notebook_sees_who_ran_what(contoso: Server) -> None:
    kernel_id = contoso.post("/status", tenant=CONTOSO)["kernel_id"]
    async with Notebook(contoso.url, contoso.token, kernel_id) as notebook:
        await notebook.run("'by hand'")
        cell = await notebook.run(
            "Get-SessionHistory | Select-Object Who, State, Command, Error | ConvertTo-Json"
        )
        table = await notebook.run("Get-SessionHistory -Principal token -Failed")
        command_help = await notebook.run("(Get-Help Get-SessionHistory).Synopsis")
    lines = json.loads(cell.text)
    agent = [line for line in lines if line["Who"] == "token (claude-code)"]
    assert [line["State"] for line in agent] == ["succeeded", "failed"]
    assert agent[1]["Error"] == "the agent failed"
    assert {
        "Who": 'token (jupyter, claims to be "ada")',
        "State": "succeeded",
        "Command": "'by hand'",
        "Error": "",
    } in lines
    assert "hunter2" not in cell.text
    assert "token (claude-code)" in table.text
    assert "Shows what was run in this session" in command_help.text


def test_the_session_s_notebook_holds_the_real_runs_without_secrets(contoso: Server) -> None:
    notebook = notebook_of(contoso, f"{CONTOSO}:exo")
    assert notebook.metadata.kernelspec.name == f"{CONTOSO}.exo"
    assert notebook.metadata.pwsh.title == f"{CONTOSO} · exo · signed in as {ADMIN}"
    agent = [
        one
        for one in notebook.cells
        if one.metadata.get("pwsh_run", {}).get("client") == "claude-code"
    ]
    assert agent[0].outputs[0].text == "Adele\n"
    assert (agent[1].outputs[-1].output_type, agent[1].outputs[-1].evalue) == (
        "error",
        "the agent failed",
    )
    assert agent[1].metadata.pwsh_run.account == ADMIN
    assert "hunter2" not in json.dumps(notebook)


async def test_an_exported_cell_runs_again(contoso: Server) -> None:
    notebook = notebook_of(contoso, f"{CONTOSO}:exo")
    source = next(one.source for one in notebook.cells if "$agentSaw" in one.source)
    kernel_id = contoso.post("/status", tenant=CONTOSO)["kernel_id"]
    contoso.run("$agentSaw = $null")
    async with Notebook(contoso.url, contoso.token, kernel_id) as attached:
        cell = await attached.execute(source)
        await attached.until(cell, lambda one: bool(one.of_kind("input_request")))
        await attached.send("input_reply", {"value": "another secret"}, "stdin")
        assert (await attached.until(cell, lambda one: one.ended)).text == "Adele\n"
        assert (await attached.run("$agentSaw")).text == "Adele\n"


@pytest.mark.parametrize("name", [f"{FABRIKAM}:teams", "nobody.example:exo"])
def test_a_session_that_never_was_has_no_notebook(contoso: Server, name: str) -> None:
    with contoso.http() as http:
        answer = http.get(f"/sessions/{name}/notebook")
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_session")


def test_the_command_writes_the_notebook_to_a_file(contoso: Server, tmp_path: Path) -> None:
    file = tmp_path / "evidence.ipynb"
    command = [sys.executable, "-m", "pwsh_kernels", "notebook", CONTOSO, "exo", "-o"]

    def run(target: Path) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [*command, str(target)],
            env=contoso.environment,
            capture_output=True,
            text=True,
            timeout=COMMAND_WAIT,
            check=False,
        )

    done = run(file)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    notebook = nbformat.read(file, as_version=4)
    assert done.stderr.strip().endswith(f"commands of {CONTOSO}:exo are in {file}.")
    assert any("the agent failed" in str(one.get("outputs")) for one in notebook.cells)
    refused = run(tmp_path / "no-such-folder" / "evidence.ipynb")
    assert refused.returncode == 1
    assert "was not written: No such file or directory" in refused.stderr
