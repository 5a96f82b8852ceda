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
from tests.fixtures.sandbox import CERTIFICATE_PASSWORD, make_certificate
from tests.fixtures.server import ADMIN, CONTOSO, FABRIKAM, Server
from tests.mcp.client import call, facts_of, text_of
from tests.mcp.doors import through

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
    "command",
    [
        f"'{'a' * 38}!' -match '^(a+)+$'",
        f"'{'a' * 38}!' | Where-Object {{ $_ -notmatch '^(a+)+$' }}",
    ],
    ids=["an expression", "a block"],
)
def test_no_regular_expression_holds_the_session_up(server: Server, command: str) -> None:
    """.NET stops none that backtracks, so that nobody could cancel it."""
    run = server.run(command, tier="read")
    assert run["state"] == "failed", run
    assert "timed out" in run["error"]
    assert json.loads(server.run("'on'", tier="read")["result"]) == "on"


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
    assert refused["may_write"]
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
        refused = http.post("/run", json=body).json()
        assert (refused["verb"], refused["instead"]) == ("write", "read")
        assert "`--read`" in refused["error"]
        refused = http.post("/run", json={**body, "command": CHANGE, "tier": "read"}).json()
        assert (refused["may_write"], "you may not run it" in refused["error"]) == (False, True)
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
    assert denied["outcome"] == denied["reason"] == "not_only_reading"
    assert denied["class"] == "destructive"
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


@pytest.mark.parametrize("door", ["rest", "http"])
async def test_an_agent_that_may_only_read_reads_with_a_tool_that_does_nothing_else(
    server: Server, people: Principals, door: str
) -> None:
    agent = Server(server.folder, url=server.url, token=people.tokens["reads"])
    async with through(door, agent, "auto") as client:
        read = await call(client, "pwsh_read", tenant=CONTOSO, command=LOOK)
        refused = await call(client, "pwsh_read", tenant=CONTOSO, command=CHANGE)
        other = await call(client, "pwsh_run", tenant=CONTOSO, command=LOOK)
        found = await call(client, "pwsh_find", tenant=CONTOSO, words="mailbox", read=True)
        status = facts_of(await call(client, "pwsh_status", tenant=CONTOSO, read=True))
        none = await call(client, "pwsh_read", tenant=CONTOSO, module="graph", command=LOOK)
    assert (facts_of(read)["session"], facts_of(read)["state"]) == (READ, "succeeded")
    assert refused.is_error
    assert "Line 1, column" in text_of(refused)
    assert "may not write in" in text_of(other)
    assert facts_of(found)["commands"]
    assert (status["session"], status["account"]) == (READ, READER)
    assert status["next_step"] == f"Call pwsh_read with tenant {CONTOSO} and module exo."
    assert "Tell the person" in text_of(none)


async def test_the_tool_signs_nobody_in_and_says_how_to(server: Server) -> None:
    server.post("/disconnect", tenant=CONTOSO, tier="read")
    async with through("http", server, "auto") as client:
        refused = await call(client, "pwsh_read", tenant=CONTOSO, command=LOOK)
        assert f"Call pwsh_login with tenant {CONTOSO}, module exo and read true." in text_of(
            refused
        )
        assert server.post("/status", tenant=CONTOSO, tier="read")["state"] == "none"
        login = facts_of(await call(client, "pwsh_login", tenant=CONTOSO, read=True))
        assert login["sign_in_as"] == READER
        server.approve(login["device_code"], READER)
        waited = await call(client, "pwsh_wait", tenant=CONTOSO, read=True)
    assert facts_of(waited)["session"]["session"] == READ
    assert facts_of(waited)["session"]["state"] == "signed_in"


def test_a_notebook_finds_it_by_its_kernelspec_and_attaches(server: Server) -> None:
    kernel_id = server.post("/status", tenant=CONTOSO, tier="read")["kernel_id"]
    name = f"{CONTOSO}.exo..read"
    assert server.get("/api/kernelspecs")["kernelspecs"][name]["name"] == name
    assert server.get(f"/api/kernelspecs/{name}")["name"] == name
    assert server.post("/api/kernels", name=name)["id"] == kernel_id


@pytest.mark.parametrize(
    "text",
    [
        "$PSDefaultParameterValues = @{ '*:WhatIf' = $false }",
        "$global:WhatIfPreference = $false",
        "$env:PATH = 'elsewhere'",
        "$PSModuleAutoLoadingPreference = 'All'",
        "Get-Mailbox | ForEach-Object { $_.Delete() }",
        "Get-Mailbox -OutVariable PSDefaultParameterValues",
        "Import-Module ./mine.psm1",
    ],
)
def test_nothing_is_left_there_that_acts_in_the_next_command(server: Server, text: str) -> None:
    refused = server.run(text, tier="read")
    assert refused["code"] == "not_only_reading", refused


def test_an_application_that_reads_signs_in_alone_and_no_other_way_in_replaces_it(
    powershell_path: Path, tmp_path: Path
) -> None:
    reporting = "c0070500-a992-4c00-8a00-00000000a992"
    certificate = make_certificate(tmp_path, "contoso-reporting")
    access = f'client_id = "{reporting}"\ncertificate_file = "{certificate}"'
    access += '\ncertificate_password = { env = "READER_PASSWORD" }\nroute = "certificate"'
    text = f'[[tenant]]\nname = "{CONTOSO}"\n[tenant.read.exo]\nrestore = true\n{access}\n'
    (tmp_path / "tenants.toml").write_text(text, encoding="utf-8")
    settings = {"PWSH_MANAGER_TENANTS": str(tmp_path / "tenants.toml")}
    one = Server(tmp_path, {**settings, "READER_PASSWORD": CERTIFICATE_PASSWORD}).start()
    try:
        where = {"tenant": CONTOSO, "tier": "read"}
        found = one.until(
            lambda: (it := one.post("/status", **where))["state"] == "signed_in" and it, 40
        )
        assert (found["account"], found["route"]) == (reporting, "certificate")
        assert one.run(LOOK, tier="read")["account"] == reporting
        one.post("/disconnect", **where)
        login = one.post("/login", **where, route="device_code")
        assert login["expected_account"] == reporting
        one.approve(login["device_code"], ADMIN)
        wrong = one.post("/status", **where, wait_s=30)
        assert (wrong["state"], wrong["sign_in"]["state"]) == ("signed_out", "wrong_account")
    finally:
        one.close()
