"""The read tier: a session of its own, with an account of its own, that runs only what reads."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pwsh_kernels.principals.verbs import Verb
from tests.fixtures.cli import run_command
from tests.fixtures.front_end import Notebook
from tests.fixtures.principals import Principals, grant
from tests.fixtures.server import ADMIN, CONTOSO, FABRIKAM, Server

pytestmark = pytest.mark.xdist_group("read_tier")
READER = f"reader@{CONTOSO}"
READ = f"{CONTOSO}:exo:read"
TENANTS = f"""
[[tenant]]
name = "{CONTOSO}"
[tenant.read.exo]
expected_account = "{READER}"

[[tenant]]
name = "{FABRIKAM}"
read_with = "write_account"
"""
CHANGE = "Get-Mailbox -ResultSize 1 | Set-Mailbox -CustomAttribute5 changed"
LOOK = "Get-Mailbox -ResultSize 2 | Select-Object Name"


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Principals:
    """Return who may only read, and who may do anything else."""
    who = Principals(tmp_path_factory.mktemp("people") / "principals.toml")
    who.add("reads", grant(Verb.READ), jupyter=True)
    who.add("looks", grant(Verb.SEE))
    who.add("signs-in", grant(Verb.SIGN_IN))
    return who


@pytest.fixture(scope="module")
def server(
    powershell_path: Path, tmp_path_factory: pytest.TempPathFactory, people: Principals
) -> Iterator[Server]:
    """Give a server in which contoso has a reader, and is signed in to both tiers."""
    folder = tmp_path_factory.mktemp("server")
    (folder / "tenants.toml").write_text(TENANTS, encoding="utf-8")
    settings = {
        "PWSH_MANAGER_TENANTS": str(folder / "tenants.toml"),
        "PWSH_MANAGER_PRINCIPALS": str(people.file),
    }
    one = Server(folder, settings).start()
    assert one.sign_in(CONTOSO)["state"] == "signed_in"
    assert sign_in_reader(one)["state"] == "signed_in"
    yield one
    one.close()


def sign_in_reader(server: Server, account: str = READER) -> dict[str, Any]:
    """Sign the session of the read tier in through the page, and return its state."""
    login = server.post("/login", tenant=CONTOSO, tier="read")
    server.approve(login["device_code"], account)
    return server.post("/status", tenant=CONTOSO, tier="read", wait_s=30)


def test_it_is_a_session_of_its_own_with_its_own_account(server: Server) -> None:
    both = {
        one["session"]: one
        for one in server.get("/sessions")["sessions"]
        if one["tenant"] == CONTOSO
    }
    assert set(both) == {f"{CONTOSO}:exo", READ}
    write, read = both[f"{CONTOSO}:exo"], both[READ]
    assert (write["tier"], write["account"]) == ("write", ADMIN)
    assert (read["tier"], read["account"]) == ("read", READER)
    assert write["kernel_id"] != read["kernel_id"]
    assert write["working_folder"] != read["working_folder"]
    assert "reads" in read["title"]


def test_what_reads_runs_there_and_its_objects_can_be_queried(server: Server) -> None:
    run = server.run(LOOK, tier="read")
    assert (run["state"], run["session"], run["tier"]) == ("succeeded", READ, "read")
    assert (run["account"], len(json.loads(run["result"]))) == (READER, 2)
    found = server.post(f"/runs/{run['run_id']}/query", first=1, format="json")
    assert len(json.loads(found["result"])) == 1
    assert server.get(f"/sessions/{READ}/notebook")["metadata"]["pwsh"]["runs"] >= 1


@pytest.mark.parametrize(
    ("command", "kind"),
    [
        (CHANGE, "write"),
        ("Remove-Mailbox avery", "destructive"),
        ("& ('Set' + '-Mailbox') avery", "unknown"),
        ("Set-Alias Get-Harmless Set-Mailbox", "unknown"),
        ("[IO.File]::ReadAllText('/etc/passwd')", "unknown"),
        (f"{LOOK} > names.txt", "write"),
        ("function Get-Mailbox { 'mine' }", "unknown"),
        ("Connect-ExchangeOnline -Device", "write"),
    ],
)
def test_what_does_more_is_refused_with_the_piece_and_nothing_runs(
    server: Server, command: str, kind: str
) -> None:
    before = server.get("/runs", limit=1)["runs"][0]["run_id"]
    refused = server.run(command, tier="read")
    assert (refused["code"], refused["kind"]) == ("not_only_reading", kind), refused
    assert "Line 1, column" in refused["pieces"][0]
    assert refused["pieces"][0] in refused["error"]
    assert server.get("/runs", limit=1)["runs"][0]["run_id"] == before


def test_values_for_the_text_are_refused_because_they_could_be_preferences(server: Server) -> None:
    refused = server.run(LOOK, tier="read", parameters={"PSDefaultParameterValues": {}})
    assert (refused["code"], refused["field"]) == ("invalid_request", "parameters")


def test_either_wall_holds_alone(server: Server) -> None:
    by_class = server.run(CHANGE, tier="read")
    assert by_class["code"] == "not_only_reading"
    assert server.run(CHANGE)["state"] == "succeeded"  # neither wall: the write tier
    server.post("/disconnect", tenant=CONTOSO)
    assert server.sign_in(CONTOSO, READER)["account"] == READER
    by_role = server.run(CHANGE)  # the account's role alone, without the classification
    assert by_role["state"] == "failed"
    assert "Set-Mailbox" in by_role["errors"][0]["message"]
    server.post("/disconnect", tenant=CONTOSO)
    assert server.sign_in(CONTOSO)["account"] == ADMIN


def test_another_account_than_the_reader_is_refused_whatever_the_request_asks(
    server: Server,
) -> None:
    server.post("/disconnect", tenant=CONTOSO, tier="read")
    asked = server.post("/login", tenant=CONTOSO, tier="read", expected_account=ADMIN)
    assert asked["code"] == "account_not_allowed"
    wrong = sign_in_reader(server, ADMIN)
    assert (wrong["state"], wrong["sign_in"]["state"]) == ("signed_out", "wrong_account")
    assert sign_in_reader(server)["account"] == READER
    assert server.post("/status", tenant=CONTOSO)["account"] == ADMIN  # the other tier goes on


def test_without_a_reader_it_is_refused_with_how_to_configure_one(server: Server) -> None:
    for path, body in (("/login", {}), ("/run", {"command": LOOK})):
        refused = server.post(path, tenant=CONTOSO, module="graph", tier="read", **body)
        assert refused["code"] == "reader_not_configured"
        assert "[tenant.read.graph]" in refused["error"]
    sessions = [one["session"] for one in server.get("/sessions")["sessions"]]
    assert f"{CONTOSO}:graph:read" not in sessions


def test_a_tenant_may_say_in_words_that_its_account_that_writes_also_reads(server: Server) -> None:
    login = server.post("/login", tenant=FABRIKAM, tier="read")
    server.approve(login["device_code"], f"admin@{FABRIKAM}")
    status = server.post("/status", tenant=FABRIKAM, tier="read", wait_s=30)
    assert (status["state"], status["account"]) == ("signed_in", f"admin@{FABRIKAM}")
    assert server.run(LOOK, FABRIKAM, tier="read")["state"] == "succeeded"
    assert server.run(CHANGE, FABRIKAM, tier="read")["code"] == "not_only_reading"
    everywhere = server.post("/run", tenants="*", command=LOOK, tier="read")
    assert [one["tier"] for one in everywhere["results"]] == ["read", "read"]
    server.post("/kill", tenant=FABRIKAM, tier="read")


def test_who_may_read_may_run_there_and_nowhere_else(server: Server, people: Principals) -> None:
    body = {"tenant": CONTOSO, "command": LOOK}
    with people.client(server, "reads") as http:
        run = http.post("/run", json={**body, "tier": "read"}).json()
        assert run["state"] == "succeeded"
        assert http.post(f"/runs/{run['run_id']}/cancel", json={}).status_code == 200
        assert http.post("/run", json=body).json()["verb"] == "write"
        many = {"tenants": [CONTOSO], "command": LOOK}
        assert http.post("/run", json={**many, "tier": "read"}).json()["success"]
        assert http.post("/run", json=many).json()["code"] == "forbidden"
        login = http.post("/login", json={"tenant": CONTOSO, "tier": "read"}).json()
        assert login["verb"] == "sign_in"
    with people.client(server, "looks") as http:
        assert http.post("/run", json={**body, "tier": "read"}).json()["verb"] == "read"


async def test_a_cell_of_a_notebook_passes_the_same_gate(
    server: Server, people: Principals
) -> None:
    kernel_id = server.post("/status", tenant=CONTOSO, tier="read")["kernel_id"]
    async with Notebook(server.url, people.tokens["reads"], kernel_id) as notebook:
        reads = await notebook.run("Get-Mailbox -ResultSize 1 | Select-Object -ExpandProperty Name")
        writes = await notebook.run(CHANGE)
        hidden = await notebook.run("Get-Mailbox -ResultSize 1", expressions={"x": CHANGE})
    assert reads.of_kind("execute_reply")[0]["status"] == "ok"
    assert reads.text.strip()
    for refused in (writes, hidden):
        reply = refused.of_kind("execute_reply")[0]
        assert (reply["status"], reply["ename"]) == ("error", "NotOnlyReading")
        assert "Set-Mailbox" in reply["evalue"]
        assert not refused.text


async def test_the_owner_s_notebook_passes_it_too_and_takes_no_values(server: Server) -> None:
    kernel_id = server.post("/status", tenant=CONTOSO, tier="read")["kernel_id"]
    values = {"pwsh": {"parameters": {"WhatIfPreference": False}}}
    async with Notebook(server.url, server.token, kernel_id) as notebook:
        writes = await notebook.run(CHANGE)
        given = await notebook.run("Get-Mailbox -ResultSize 1", metadata=values)
    names = [one.of_kind("execute_reply")[0]["ename"] for one in (writes, given)]
    assert names == ["NotOnlyReading", "InvalidRequest"]


def test_a_refused_text_is_in_the_audit_log(server: Server) -> None:
    server.run("Remove-Mailbox somebody", tier="read")
    lines = "".join(
        file.read_text(encoding="utf-8") for file in sorted((server.data_dir / "audit").iterdir())
    ).splitlines()
    denied = [one for one in map(json.loads, lines) if one["kind"] == "denied"][-1]
    assert (denied["reason"], denied["class"]) == ("not_only_reading", "destructive")
    assert (denied["tier"], denied["command"]) == ("read", "Remove-Mailbox somebody")


def test_the_command_line_reads_with_read(server: Server) -> None:
    shown, _, _ = run_command(server.environment, "status", CONTOSO, "exo", "--read")
    assert READER in shown
    _, _, code = run_command(server.environment, "run", CONTOSO, "exo", LOOK, "--read")
    assert code == 0
    _, said, code = run_command(server.environment, "run", CONTOSO, "exo", CHANGE, "--read")
    assert (code, "this is write" in said) == (1, True)


def test_it_is_found_again_after_a_restart_of_the_server(server: Server) -> None:
    before = server.post("/status", tenant=CONTOSO, tier="read")
    server.stop()
    server.start()
    after = server.until(
        lambda: (
            (one := server.post("/status", tenant=CONTOSO, tier="read"))["state"] == "signed_in"
            and one
        )
    )
    assert (after["kernel_id"], after["account"]) == (before["kernel_id"], READER)
    assert server.run(LOOK, tier="read")["state"] == "succeeded"
