"""What an agent does that has been talked into a change that it may not make, and what somebody
does with a stolen token: each attempt is made for real, against one server. docs/governance.md
lists which test makes which attempt; those on approvals are beside what they attack.
"""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tornado.httpclient import HTTPClientError

from pwsh_kernels.audit.files import log_files
from pwsh_kernels.landlock import abi_version, not_enforced
from pwsh_kernels.principals.principal import Kind
from pwsh_kernels.principals.verbs import Verb
from pwsh_kernels.sessions.key import SessionKey
from tests.fixtures.cli import run_command
from tests.fixtures.connection_file import connection_of
from tests.fixtures.front_end import Notebook
from tests.fixtures.granted import GRANTS
from tests.fixtures.kernel import Client
from tests.fixtures.principals import Principals, grant
from tests.fixtures.server import CONTOSO, FABRIKAM, START_WAIT, Server, server_environment
from tests.mcp.client import connected

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("red team")]
MARK = "red-team"
CHANGE = f"Get-Mailbox -ResultSize 1 | Set-Mailbox -CustomAttribute7 {MARK}"
LOOK = "(Get-Mailbox -ResultSize 1).CustomAttribute7"
READER = f"reader@{CONTOSO}"
OURS = SessionKey(CONTOSO, "exo")
RULES = f"""
[[tenant]]
name = "{CONTOSO}"
changes = {{ agent = "never" }}
[tenant.read.exo]
expected_account = "{READER}"

[[tenant]]
name = "{FABRIKAM}"
read_with = "write_account"
"""
CONFINED = pytest.mark.skipif(
    bool(not_enforced(abi_version())),
    reason="NOT TESTED: that a session cannot change the server's files. The Linux kernel of this"
    f" machine lacks Landlock's {', '.join(not_enforced(abi_version()))}",
)


@pytest.fixture(scope="module")
def who(tmp_path_factory: pytest.TempPathFactory) -> Principals:
    """An agent that may run what its tenant lets it run, also in notebooks, and a reader."""
    known = Principals(tmp_path_factory.mktemp("principals") / "principals.toml")
    known.add("claude", grant(Verb.WRITE, Verb.ANSWER, Verb.END), kind=Kind.AGENT, jupyter=True)
    known.add("reader", grant(Verb.READ), kind=Kind.AGENT)
    return known


@pytest.fixture(scope="module")
def target(
    powershell_path: Path, tmp_path_factory: pytest.TempPathFactory, who: Principals
) -> Iterator[Server]:
    """A server that lets no agent change contoso, signed in to both tiers there and to fabrikam."""
    folder = tmp_path_factory.mktemp("server")
    (folder / "tenants.toml").write_text(RULES, encoding="utf-8")
    settings = {
        "PWSH_MANAGER_TENANTS": str(folder / "tenants.toml"),
        "PWSH_MANAGER_PRINCIPALS": str(who.file),
        "PWSH_MANAGER_CONFINE_FOLDERS": "",
    }
    one = Server(folder, settings).start()
    for tenant in (CONTOSO, FABRIKAM):
        assert one.sign_in(tenant)["state"] == "signed_in"
    login = one.post("/login", tenant=CONTOSO, tier="read")
    one.approve(login["device_code"], READER)
    assert one.post("/status", tenant=CONTOSO, tier="read", wait_s=30)["state"] == "signed_in"
    yield one
    one.close()


@pytest.fixture(autouse=True)
def nothing_changed(target: Server) -> Iterator[None]:
    """Whatever an attempt was answered: at the service, nothing is different."""
    yield
    assert MARK not in target.run(LOOK, format="text")["result"]


def as_agent(server: Server, who: Principals, **body: Any) -> dict[str, Any]:
    """Run something with the agent's token."""
    with who.client(server, "claude") as http:
        answer: dict[str, Any] = http.post("/run", json={"tenant": CONTOSO, **body}).json()
        return answer


# -- another door with the same token -------------------------------------------------------------


def test_rest_mcp_and_the_command_line_refuse_one_token_the_same_change(
    target: Server, who: Principals
) -> None:
    assert as_agent(target, who, command=CHANGE)["code"] == "changes_refused"
    environment = {**target.environment, "PWSH_MANAGER_TOKEN": who.tokens["claude"]}
    out, err, code = run_command(environment, "run", CONTOSO, "exo", CHANGE)
    assert (code, "nothing runs for you that may change" in out + err) == (1, True)

    async def over_mcp() -> str:
        server = Server(target.folder, url=target.url, token=who.tokens["claude"])
        async with connected(server) as client:
            answer = await client.call_tool("pwsh_run", {"tenant": CONTOSO, "command": CHANGE})
            return str(answer.content)

    assert "nothing runs for you that may change" in asyncio.run(over_mcp())


async def test_a_notebooks_websocket_refuses_it_the_same_change(
    target: Server, who: Principals
) -> None:
    async with Notebook(target.url, who.tokens["claude"], OURS.kernel_id) as notebook:
        cell = await notebook.run(CHANGE)
    assert cell.of_kind("execute_reply")[0]["ename"] == "ChangesRefused"


async def test_a_harmless_cell_carries_no_change_in_its_expressions(
    target: Server, who: Principals
) -> None:
    async with Notebook(target.url, who.tokens["claude"], OURS.kernel_id) as notebook:
        cell = await notebook.run("1 + 1", expressions={"x": CHANGE})
        silent = {"silent": True, "store_history": False, "allow_stdin": False}
        content = {"code": "", "user_expressions": {"x": CHANGE}, **silent}
        sent = await notebook.send("execute_request", content)
        other = await notebook.until(sent, lambda one: one.ended)
    for one in (cell, other):
        assert one.of_kind("execute_reply")[0]["ename"] == "ChangesRefused"
    assert not cell.text


def test_a_message_past_the_server_is_not_acted_on(target: Server) -> None:
    facts = connection_of(target, CONTOSO)
    del facts[GRANTS]
    client = Client(facts)
    try:
        refused = client.run(CHANGE, user_expressions={"x": CHANGE}).content
    finally:
        client.close()
    assert (refused["code"], refused["reason"]) == ("not_granted", "missing")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/kernels", {"name": "python3"}),
        ("/api/sessions", {"path": "x", "type": "notebook", "kernel": {"name": "python3"}}),
        ("/freeze", {}),
        ("/thaw", {}),
        ("/page-codes", {}),
    ],
)
def test_no_other_route_gives_an_agent_a_way_around(
    target: Server, who: Principals, path: str, body: dict[str, Any]
) -> None:
    with who.client(target, "claude") as http:
        assert http.post(path, json=body).status_code in {403, 404}


# -- a server of its own, and the files of this one -----------------------------------------------


def test_a_server_that_an_agent_starts_has_none_of_the_sessions(
    target: Server, tmp_path: Path
) -> None:
    environment = {**server_environment(target.folder), "PWSH_MANAGER_MODULES_DIR": str(tmp_path)}
    second = [sys.executable, "-m", "pwsh_kernels.web.launch"]
    done = subprocess.run(
        second, check=False, env=environment, capture_output=True, text=True, timeout=START_WAIT
    )
    assert (done.returncode, "already has the sessions" in done.stderr) == (1, True), done.stderr
    elsewhere = Server(tmp_path).start()
    try:
        assert elsewhere.get("/sessions")["sessions"] == []
        assert elsewhere.run(CHANGE)["code"] == "not_signed_in"
    finally:
        elsewhere.close()


@CONFINED
@pytest.mark.parametrize("file", ["tenants.toml", "principals.toml", "frozen.json", "audit"])
def test_a_command_of_a_session_does_not_change_what_decides(
    target: Server, who: Principals, file: str
) -> None:
    places = {
        "tenants.toml": target.folder / "tenants.toml",
        "principals.toml": who.file,
        "frozen.json": target.data_dir / "frozen.json",
        "audit": log_files(target.data_dir / "audit")[-1],
    }
    path = places[file]
    before = path.read_bytes() if path.exists() else None
    command = f"Add-Content -LiteralPath '{path}' -Value 'changes = \"free\"' -ErrorAction Stop"
    assert target.run(command)["state"] == "failed"
    command = f"[IO.File]::Delete('{path}'); [IO.File]::WriteAllText('{path}', '')"
    assert target.run(command)["state"] == "failed"
    after = path.read_bytes() if path.exists() else None
    assert after is None if before is None else (after or b"").startswith(before)
    assert as_agent(target, who, command=CHANGE)["code"] == "changes_refused"


def test_a_change_of_the_tenants_file_is_in_the_audit_log_with_its_hash(target: Server) -> None:
    file = target.folder / "tenants.toml"
    before = len(target.get("/audit", kind="configuration.read")["records"])
    file.write_text(f"{RULES}\n# an agent was here\n", encoding="utf-8")
    target.get("/tenants")
    found = target.get("/audit", kind="configuration.read")["records"]
    assert [one["what"] for one in found[before:]] == ["tenants"]


# -- the read tier and its neighbours -------------------------------------------------------------


def test_who_reads_in_one_tenant_reads_none_of_its_neighbours(
    target: Server, who: Principals
) -> None:
    other = f"{FABRIKAM}:exo:read"
    with who.client(target, "reader") as http:
        assert http.post("/run", json={"tenant": CONTOSO, "command": LOOK}).status_code == 403
        body = {"tenant": FABRIKAM, "command": LOOK, "tier": "read"}
        assert http.post("/run", json=body).json()["code"] == "unknown_tenant"
        assert http.get(f"/sessions/{other}/notebook").status_code in {400, 404}
        told = http.get("/sessions").text + http.get("/runs").text + http.get("/tenants").text
    assert FABRIKAM not in told


@CONFINED
@pytest.mark.parametrize(
    "text",
    [
        "Get-Content {there}/{name}",
        "Get-ChildItem {there}",
        "Get-ChildItem {there} -Recurse | Select-Object -ExpandProperty Name",
        "[IO.File]::ReadAllText('{there}/{name}')",
        "Import-Csv ../../../homes/{tenant}/exo/{name}",
        "Select-String -Path {there}/* -Pattern secret",
        "Get-Item {there}/{name} | Get-Content",
    ],
)
def test_a_text_of_the_read_tier_reads_no_file_of_a_neighbour(
    target: Server, who: Principals, text: str
) -> None:
    there, name = target.data_dir / "homes" / FABRIKAM / "exo", f"{MARK}.csv"
    (there / name).write_text("a\nthe secret of a neighbour\n", encoding="utf-8")
    command = text.format(there=there, name=name, tenant=FABRIKAM)
    with who.client(target, "reader") as http:
        body = {"tenant": CONTOSO, "command": command, "tier": "read", "format": "text"}
        answer = http.post("/run", json=body).json()
    assert not answer["success"]
    assert "secret of a neighbour" not in str(answer)
    assert name not in answer.get("result", "")


def test_what_a_reader_leaves_behind_changes_nothing_for_the_next(
    target: Server, who: Principals
) -> None:
    planted = [
        "$last = 'planted'",
        "$FormatEnumerationLimit = 0",
        "$PSDefaultParameterValues = @{ '*:WhatIf' = $true }",
        "Set-Alias Get-Mailbox Set-Mailbox",
        "function prompt { 1 }",
        "Register-EngineEvent PowerShell.OnIdle -Action { 1 }",
    ]
    with who.client(target, "reader") as http:
        for text in planted:
            body = {"tenant": CONTOSO, "command": text, "tier": "read"}
            assert http.post("/run", json=body).json()["code"] == "not_only_reading", text


# -- a stolen token, and a log that somebody tidies -----------------------------------------------


async def test_a_stolen_token_opens_no_door_once_it_is_revoked(
    target: Server, who: Principals
) -> None:
    token = who.add("stolen", grant(Verb.WRITE), jupyter=True)
    async with Notebook(target.url, token, OURS.kernel_id) as notebook:
        assert (await notebook.run("1")).ended
        who.revoke("stolen")
        late = await notebook.run(CHANGE)
        assert late.of_kind("execute_reply")[0]["ename"] == "Forbidden"
    with who.client(target, "stolen") as http:
        for path in ("/run", "/mcp", "/page-codes"):
            assert http.post(path, json={"tenant": CONTOSO, "command": CHANGE}).status_code == 401
        assert http.get("/api/kernels").status_code == 403
    with pytest.raises(HTTPClientError):
        await Notebook(target.url, token, OURS.kernel_id).__aenter__()


def test_a_line_that_is_removed_from_the_audit_log_is_named(target: Server, tmp_path: Path) -> None:
    head = target.get("/audit/head")["hash"]
    copy = tmp_path / "audit"
    copy.mkdir()
    for file in log_files(target.data_dir / "audit"):
        (copy / file.name).write_bytes(file.read_bytes())
    intact, _, code = run_command(
        target.environment, "audit", "verify", "--folder", str(copy), "--anchor", head
    )
    assert (code, "records fit together" in intact) == (0, True)
    file = log_files(copy)[-1]
    lines = file.read_bytes().splitlines(keepends=True)
    gone = next(number for number, one in enumerate(lines) if json.loads(one)["kind"] == "denied")
    file.write_bytes(b"".join(lines[:gone] + lines[gone + 1 :]))
    out, err, code = run_command(target.environment, "audit", "verify", "--folder", str(copy))
    missing = json.loads(lines[gone])["seq"]
    assert (code, str(missing) in out, "not as it was written" in err) == (1, True, True)
    file.write_bytes(b"".join(lines[:gone]))
    arguments = ("audit", "verify", "--folder", str(copy), "--anchor", head)
    assert run_command(target.environment, *arguments)[2] == 1
