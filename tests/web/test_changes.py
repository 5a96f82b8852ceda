"""What a tenant says of changes holds at every door that runs texts."""

import asyncio
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pwsh_kernels.audit.files import named_lines
from tests.fixtures.cli import run_command
from tests.fixtures.front_end import Notebook
from tests.fixtures.server import CONTOSO, FABRIKAM, Server, ruled_server
from tests.mcp.client import call, connected, text_of

pytestmark = pytest.mark.xdist_group("changes")

RULES = f"""
[[tenant]]
name = "{CONTOSO}"

[[tenant]]
name = "{FABRIKAM}"
changes = {{ owner = "never", agent = "ask" }}
"""
CHANGE = "Set-Mailbox (Get-Mailbox -ResultSize 1).Alias -Office Other"
READ = "(Get-Mailbox -ResultSize 1).Count"
AGENT = "pwsh-kernels-mcp/1.0 (claude-code)"


@pytest.fixture(scope="module")
def ruled(powershell_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with a rule for one of two tenants, signed in to both."""
    with ruled_server(tmp_path_factory.mktemp("server"), RULES) as one:
        yield one


def run_as(server: Server, agent: str, command: str) -> dict[str, Any]:
    """Run a command for a client of this name."""
    body = {"tenant": FABRIKAM, "module": "exo", "command": command, "format": "text"}
    with server.http(**{"User-Agent": agent}) as http:
        answer: dict[str, Any] = http.post("/run", json=body).json()
    return answer


def test_what_reads_runs_and_what_does_not_is_refused_with_the_reason(ruled: Server) -> None:
    assert ruled.run(READ, FABRIKAM, format="text")["result"].strip() == "1"
    refused = ruled.run(CHANGE, FABRIKAM)
    assert (refused["code"], refused["kind"]) == ("changes_refused", "write")
    assert READ in [one["command"] for one in ruled.get("/runs", **{"class": "read"})["runs"]]
    assert ruled.get("/runs", **{"class": "write"})["runs"] == []
    assert refused["reasons"] == ["Line 1, column 1: Set-Mailbox changes something."]
    assert ruled.run('& ("Get" + "-Mailbox")', FABRIKAM)["kind"] == "unknown"
    assert ruled.run(CHANGE)["state"] == "succeeded"


def test_it_can_be_asked_beforehand_what_becomes_of_a_text(ruled: Server) -> None:
    answers = [
        ruled.get("/classify", text=text, tenant=tenant).get("needs")
        for text, tenant in ((CHANGE, FABRIKAM), (READ, FABRIKAM), (CHANGE, CONTOSO))
    ]
    assert answers == ["refuse", "run", "run"]
    assert "needs" not in ruled.get("/classify", text=CHANGE)
    said, _, _ = run_command(ruled.environment, "classify", CHANGE, "--tenant", FABRIKAM)
    assert said.splitlines()[:2] == ["write", "It is refused there."]
    assert ruled.get("/classify", text="1", tenant="no.such")["code"] == "unknown_tenant"


def test_an_agent_has_its_own_rule(ruled: Server) -> None:
    waits = run_as(ruled, AGENT, CHANGE)
    assert waits["code"] == "waiting_for_approval"
    ruled.post(f"/runs/{waits['run_id']}/cancel")
    assert run_as(ruled, AGENT, READ)["state"] == "succeeded"


def test_a_model_reads_why_its_command_was_not_run(ruled: Server) -> None:
    async def told() -> tuple[bool, str]:
        async with connected(ruled) as client:
            place = {"tenant": FABRIKAM, "module": "exo"}
            answer = await call(client, "pwsh_run", command=CHANGE, **place)
            return bool(answer.is_error), text_of(answer)

    file = ruled.folder / "tenants.toml"
    file.write_text(RULES.replace('"ask"', '"never"'), encoding="utf-8")
    is_error, text = asyncio.run(told())
    file.write_text(RULES, encoding="utf-8")
    assert is_error
    assert "nothing runs for you that may change something, and this is write" in text
    assert "Set-Mailbox changes something" in text
    assert "tenants.toml" not in text  # a model is not told how to switch a guard off


def test_a_text_for_several_tenants_is_judged_for_each(ruled: Server) -> None:
    body = {"module": "exo", "command": CHANGE, "tenants": [CONTOSO, FABRIKAM]}
    first, second = ruled.post("/run", **body)["results"]
    assert (first["state"], second["state"], second["code"]) == (
        "succeeded",
        "refused",
        "changes_refused",
    )


def test_a_notebooks_cell_is_judged_with_its_expressions_and_in_order(ruled: Server) -> None:
    kernel_id = str(ruled.post("/status", tenant=FABRIKAM)["kernel_id"])

    async def cells() -> list[Any]:
        async with Notebook(ruled.url, ruled.token, kernel_id) as notebook:
            sent = [await notebook.execute(one) for one in (READ, CHANGE, "'third'")]
            done = [await notebook.until(one, lambda cell: cell.ended) for one in sent]
            hidden = {"code": "1", "silent": True, "user_expressions": {"x": CHANGE}}
            last = await notebook.send("execute_request", hidden)
            replied = await notebook.until(last, lambda cell: bool(cell.of_kind("execute_reply")))
            return [*done, replied]

    first, second, third, hidden = asyncio.run(cells())
    assert (first.text.strip(), third.text.strip()) == ("1", "third")
    for refused in (second, hidden):
        (reply,) = refused.of_kind("execute_reply")
        assert (reply["status"], reply["ename"]) == ("error", "ChangesRefused")
        assert "Set-Mailbox changes something" in reply["evalue"]


def test_a_cell_that_would_have_to_wait_says_how_to_ask(ruled: Server) -> None:
    kernel_id = str(ruled.post("/status", tenant=FABRIKAM)["kernel_id"])
    file = ruled.folder / "tenants.toml"
    file.write_text(RULES.replace('"never"', '"ask"'), encoding="utf-8")

    async def cell() -> Any:
        async with Notebook(ruled.url, ruled.token, kernel_id) as notebook:
            return await notebook.until(await notebook.execute(CHANGE), lambda one: one.ended)

    (reply,) = asyncio.run(cell()).of_kind("execute_reply")
    file.write_text(RULES, encoding="utf-8")
    assert (reply["status"], reply["ename"]) == ("error", "ApprovalNeeded")
    assert f"`pwsh-kernels run {FABRIKAM} exo …`, which asks for it" in reply["evalue"]
    assert ruled.get("/approvals", waiting=True)["approvals"] == []


def test_classes_and_refusals_are_in_the_audit_log(ruled: Server) -> None:
    ran, _ = ruled.run(READ, FABRIKAM), ruled.run(CHANGE, FABRIKAM)
    folder = ruled.data_dir / "audit"
    found = [json.loads(line) for _, lines in named_lines(folder) for line in lines]
    classes = [one.get("class") for one in found if one.get("run_id") == ran["run_id"]]
    assert classes == ["read", "read"]
    refused = [one for one in found if one.get("outcome") == "changes_refused"]
    assert {one["class"] for one in refused} >= {"write"}
    assert refused[-1]["command_sha256"] == hashlib.sha256(CHANGE.encode()).hexdigest()
    assert {one["door"] for one in refused} == {"rest", "mcp", "notebook"}
    cells = [one for one in found if one["kind"] == "cell.accepted"]
    assert {one["class"] for one in cells if one["command"] == READ} == {"read"}


def test_a_change_of_the_file_is_in_force_at_the_next_request(ruled: Server) -> None:
    file = ruled.folder / "tenants.toml"
    file.write_text(RULES.replace('"never"', '"free"'), encoding="utf-8")
    assert ruled.run(CHANGE, FABRIKAM)["state"] == "succeeded"
    file.write_text(RULES, encoding="utf-8")
    assert ruled.run(CHANGE, FABRIKAM)["code"] == "changes_refused"
