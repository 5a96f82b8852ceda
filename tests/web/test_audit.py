"""Every door leaves records: before and after each execution, of refusals and of what decides who
may do what; and what cannot be recorded is not done.
"""

import hashlib
import json
import re
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from pwsh_kernels.audit.files import log_files, named_lines
from pwsh_kernels.audit.verification import verify
from pwsh_kernels.principals.verbs import Verb
from pwsh_kernels.sessions.key import SessionKey
from tests.fixtures.front_end import Notebook
from tests.fixtures.principals import Principals, grant
from tests.fixtures.server import CONTOSO, FABRIKAM, Server

pytestmark = pytest.mark.slow
OURS = SessionKey(CONTOSO, "exo")
SECRET = "correct-horse-battery"
WAIT_S = 20
Record = dict[str, Any]


def folder(server: Server) -> Path:
    return server.data_dir / "audit"


def records(server: Server, **wanted: Any) -> list[Record]:
    """Return the records with these facts, oldest first."""
    found = [json.loads(line) for _, lines in named_lines(folder(server)) for line in lines]
    return [one for one in found if all(one.get(name) == wanted[name] for name in wanted)]


@pytest.fixture(scope="module")
def who(tmp_path_factory: pytest.TempPathFactory) -> Principals:
    """The principals of the server."""
    known = Principals(tmp_path_factory.mktemp("principals") / "principals.toml")
    known.add("reader", grant(Verb.READ))
    known.add("ada", grant(Verb.WRITE, Verb.ANSWER, Verb.END), jupyter=True)
    return known


@pytest.fixture(scope="module")
def audited(
    powershell_path: Path, tmp_path_factory: pytest.TempPathFactory, who: Principals
) -> Iterator[Server]:
    """A server with principals, signed in to two tenants."""
    settings = {"PWSH_MANAGER_PRINCIPALS": str(who.file)}
    one = Server(tmp_path_factory.mktemp("server"), settings).start()
    for tenant in (CONTOSO, FABRIKAM):
        assert one.sign_in(tenant)["state"] == "signed_in"
    yield one
    one.close()
    assert verify(named_lines(folder(one))).problems == ()


# -- executions -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("agent", "door", "principal"),
    [
        ("curl/8", "rest", "token"),
        ("pwsh-kernels-cli/0.1", "cli", "token"),
        ("pwsh-kernels-mcp/0.1 (claude-code)", "mcp", "token/agent:claude-code"),
    ],
)
def test_a_run_is_recorded_before_it_is_sent_and_when_it_has_ended(
    audited: Server, agent: str, door: str, principal: str
) -> None:
    command = f"'for {door}'; 'é'"
    with audited.http(**{"User-Agent": agent}) as http:
        body = {"tenant": CONTOSO, "command": command, "format": "text"}
        run = http.post("/run", json=body).json()
    before, after = records(audited, run_id=run["run_id"])
    assert (before["kind"], after["kind"]) == ("run.accepted", "run.ended")
    assert before["command_sha256"] == hashlib.sha256(command.encode()).hexdigest()
    assert before["command"] == command
    for one in (before, after):
        assert (one["principal"], one["door"]) == (principal, door)
        assert (one["session"], one["tenant"]) == (f"{CONTOSO}:exo", CONTOSO)
        assert one["account"] == "admin@contoso.example"
    assert after["outcome"] == "succeeded"
    assert after["output_sha256"] == hashlib.sha256(f"for {door}\né\n".encode()).hexdigest()
    assert before["seq"] < after["seq"]


def test_each_tenant_of_a_fan_out_is_recorded(audited: Server) -> None:
    answer = audited.post("/run", tenants=[CONTOSO, FABRIKAM], command="'in each'")
    for one in answer["results"]:
        kinds = [found["kind"] for found in records(audited, run_id=one["run_id"])]
        assert kinds == ["run.accepted", "run.ended"]


def test_a_query_about_kept_objects_is_recorded(audited: Server) -> None:
    run = audited.run("Get-Mailbox")
    asked = audited.post(f"/runs/{run['run_id']}/query", where=[], first=1)
    before, after = records(audited, run_id=asked["run_id"])
    assert (before["purpose"], after["outcome"]) == ("query", "succeeded")


async def test_a_cell_is_recorded_before_the_kernel_gets_it_and_with_its_run(
    audited: Server, who: Principals
) -> None:
    async with Notebook(audited.url, who.tokens["ada"], OURS.kernel_id) as notebook:
        sent = await notebook.execute("'a cell'")
        await notebook.until(sent, lambda cell: cell.ended)
    [cell] = records(audited, kind="cell.accepted", message_id=sent)
    assert (cell["principal"], cell["door"]) == ("person:ada", "notebook")
    assert (cell["command"], cell["silent"]) == ("'a cell'", False)
    [ended] = records(audited, kind="run.ended", message_id=sent)
    [observed] = records(audited, kind="run.observed", run_id=ended["run_id"])
    assert cell["seq"] < ended["seq"]
    assert observed["command_sha256"] == cell["command_sha256"]


async def test_silent_cells_are_recorded_with_their_expressions_although_they_leave_no_run(
    audited: Server, who: Principals
) -> None:
    asked = {"code": "$quiet = 1", "silent": True, "store_history": False, "allow_stdin": False}
    async with Notebook(audited.url, who.tokens["ada"], OURS.kernel_id) as notebook:
        given = {"user_expressions": {"one": "$quiet + 1"}, "stop_on_error": True}
        sent = await notebook.send("execute_request", {**asked, **given})
        await notebook.until(sent, lambda cell: bool(cell.of_kind("execute_reply")))
    before, after = records(audited, message_id=sent)
    assert (before["kind"], before["silent"]) == ("cell.accepted", True)
    assert before["command"] == "$quiet = 1\n[user_expressions one] $quiet + 1"
    assert (after["kind"], after["outcome"]) == ("cell.ended", "error")  # the kernel refuses it


def test_nothing_secret_is_in_the_log(audited: Server) -> None:
    secure = f"ConvertTo-SecureString '{SECRET}' -AsPlainText -Force | Out-Null"
    audited.run(secure)
    audited.run(f"function Use-It($Password) {{ }}; Use-It -Password '{SECRET}'; '{SECRET}'")
    named = {"Password": SECRET, "Name": "ada", "Deep": {"$secret": SECRET}}
    audited.run("param($Password, $Name, $Deep) 1", parameters=named)
    asking = audited.run("Read-Host 'Which'", wait_s=0)
    audited.until(lambda: audited.get(f"/runs/{asking['run_id']}")["state"] == "waiting_for_input")
    audited.post(f"/runs/{asking['run_id']}/input", value=SECRET, for_other=True)
    audited.until(lambda: records(audited, kind="run.ended", run_id=asking["run_id"]))
    [answered] = records(audited, kind="prompt.answered", run_id=asking["run_id"])
    assert answered["principal"] == "token"
    text = b"".join(file.read_bytes() for file in log_files(folder(audited))).decode()
    assert SECRET not in text
    assert audited.token not in text
    bound = [one["parameters"] for one in records(audited) if "parameters" in one]
    assert '{"Deep": "•••", "Name": "ada", "Password": "•••"}' in bound


# -- what else is done ----------------------------------------------------------------------------


def test_a_sign_in_is_recorded_without_its_code(audited: Server) -> None:
    login = audited.post("/login", tenant=CONTOSO, module="teams")
    code = login["device_code"]
    audited.approve(code)
    audited.post("/status", tenant=CONTOSO, module="teams", wait_s=30)
    [begun] = records(audited, kind="sign_in.started", session=f"{CONTOSO}:teams")
    [ended] = records(audited, kind="sign_in.ended", session=f"{CONTOSO}:teams")
    assert (begun["route"], begun["principal"], begun["attended"]) == ("device_code", "token", True)
    assert (ended["outcome"], ended["account"]) == ("signed_in", "admin@contoso.example")
    assert code not in "".join(json.dumps(one) for one in records(audited))
    audited.post("/disconnect", tenant=CONTOSO, module="teams")
    [gone] = records(audited, kind="session.disconnected", session=f"{CONTOSO}:teams")
    assert gone["principal"] == "token"


def test_who_cancels_exports_and_kills_is_recorded(audited: Server, who: Principals) -> None:
    assert audited.sign_in(CONTOSO, module="graph")["state"] == "signed_in"
    run = audited.run("Start-Sleep 60", module="graph", wait_s=0)
    with who.client(audited, "ada") as http:
        http.post(f"/runs/{run['run_id']}/cancel", json={"wait_s": 10})
        http.get(f"/sessions/{CONTOSO}:graph/notebook")
        http.post("/kill", json={"tenant": CONTOSO, "module": "graph"})
    [cancelled] = records(audited, kind="run.cancelled", run_id=run["run_id"])
    assert (cancelled["principal"], cancelled["run_of"]) == ("person:ada", "token")
    [ended] = records(audited, kind="run.ended", run_id=run["run_id"])
    assert ended["outcome"] == "cancelled"
    for kind in ("exported", "session.killed"):
        [one] = records(audited, kind=kind, session=f"{CONTOSO}:graph")
        assert one["principal"] == "person:ada"


async def test_who_interrupts_in_a_notebook_is_recorded(audited: Server, who: Principals) -> None:
    with who.client(audited, "ada") as http:
        http.post(f"/api/kernels/{OURS.kernel_id}/interrupt")
    [one] = records(audited, kind="run.cancelled", kernel_id=OURS.kernel_id, how="interrupt")
    assert (one["principal"], one["door"]) == ("person:ada", "notebook")


# -- refusals -------------------------------------------------------------------------------------


def test_a_kernel_that_belongs_to_no_session_is_recorded_before_it_starts(audited: Server) -> None:
    with audited.http() as http:
        started = http.post("/api/kernels", json={"name": "python3"}).json()
        row = {"path": "n.ipynb", "type": "notebook", "kernel": {"name": "python3"}}
        other = http.post("/api/sessions", json=row).json()["kernel"]
        for one in (started["id"], other["id"]):
            assert http.delete(f"/api/kernels/{one}").status_code == 204
        http.post("/api/kernels", json={"name": OURS.kernelspec})  # it runs already
    found = records(audited, kind="kernel.started")
    assert [(one["principal"], one["door"], one["kernelspec"]) for one in found] == [
        ("token", "notebook", "python3")
    ] * 2


def test_a_refusal_is_recorded_with_who_wanted_what_where(audited: Server, who: Principals) -> None:
    with who.client(audited, "reader") as http:
        assert http.post("/run", json={"tenant": CONTOSO, "command": "1"}).status_code == 403
        assert http.post("/run", json={"tenant": FABRIKAM, "command": "1"}).status_code == 400
    refused, hidden = records(audited, kind="denied", principal="person:reader")
    assert (refused["verb"], refused["session"]) == ("write", f"{CONTOSO}:exo")
    assert (refused["outcome"], refused["door"]) == ("forbidden", "rest")
    assert (hidden["verb"], hidden["tenant"]) == ("see", FABRIKAM)


async def test_a_refused_cell_is_recorded(audited: Server, who: Principals) -> None:
    token = who.add("student", grant(Verb.READ), jupyter=True)
    async with Notebook(audited.url, token, OURS.kernel_id) as notebook:
        assert (await notebook.run("1")).of_kind("execute_reply")[0]["ename"] == "Forbidden"
    [one] = records(audited, kind="denied", principal="person:student")
    assert (one["verb"], one["door"]) == ("write", "notebook")


@pytest.mark.parametrize(
    ("method", "path", "door"),
    [("GET", "/sessions", "rest"), ("POST", "/mcp", "mcp"), ("GET", "/api/kernels", "notebook")],
)
def test_a_token_of_nobody_is_recorded_without_the_token(
    audited: Server, method: str, path: str, door: str
) -> None:
    before = len(records(audited, outcome="unauthorized", door=door))
    given = "x" * 40
    with httpx.Client(base_url=audited.url, trust_env=False) as http:
        answer = http.request(method, path, headers={"Authorization": f"Bearer {given}"})
    assert answer.status_code in {401, 403}
    one = records(audited, outcome="unauthorized", door=door)[before]
    assert (one["request"], one["from"]) == (f"{method} {path}", "127.0.0.1")
    assert given not in json.dumps(one)


def test_strangers_cannot_fill_the_log(audited: Server) -> None:
    with httpx.Client(base_url=audited.url, trust_env=False) as http:
        for _ in range(200):
            http.get("/tenants")
    assert len(records(audited, outcome="unauthorized", request="GET /tenants")) <= 120


def test_changes_of_what_decides_are_recorded_with_the_hash_of_the_file(
    audited: Server, who: Principals
) -> None:
    who.add("newcomer", grant(Verb.SEE))
    with who.client(audited, "newcomer") as http:
        http.get("/sessions")
    told = records(audited, kind="configuration.read", what="principals")
    assert told[-1]["sha256"] == hashlib.sha256(who.file.read_bytes()).hexdigest()
    assert told[0]["sha256"] != told[-1]["sha256"]


# -- the log itself -------------------------------------------------------------------------------


async def test_what_cannot_be_recorded_is_not_run_and_states_are_still_told(
    own_server: Server,
) -> None:
    assert own_server.sign_in()["state"] == "signed_in"
    log, away = folder(own_server), own_server.data_dir / "away"
    log.rename(away)
    log.write_text("a file in its way")
    for file in log_files(away):
        file.rename(file.with_suffix(".kept"))
        file.with_suffix(".kept").rename(file)
        file.write_bytes(file.read_bytes()[:-1])
    refused = own_server.run("$ran = 1")
    assert refused["code"] == "audit_unavailable"
    assert "what is not recorded is not done" in refused["error"]
    everywhere = own_server.post("/run", tenants=[CONTOSO], command="$ran = 1")
    assert everywhere["results"][0]["code"] == "audit_unavailable"
    async with Notebook(own_server.url, own_server.token, OURS.kernel_id) as notebook:
        reply = (await notebook.run("$ran = 1")).of_kind("execute_reply")[0]
    assert reply["ename"] == "AuditUnavailable"
    health = own_server.get("/health")
    assert (health["status"], health["audit"]["state"]) == ("degraded", "failed")
    assert own_server.post("/status", tenant=CONTOSO)["state"] == "signed_in"
    assert own_server.get("/runs")["runs"]
    log.unlink()
    away.rename(log)
    own_server.until(lambda: own_server.get("/health")["audit"]["state"] == "on")
    assert own_server.run('"ran: $ran"', format="text")["result"] == "ran: \n"
    [resumed] = records_of_last_file(own_server, "log.resumed")
    assert resumed["unrecorded"] >= 0


def records_of_last_file(server: Server, kind: str) -> list[Record]:
    lines = log_files(folder(server))[-1].read_bytes().splitlines()
    return [one for one in map(json.loads, lines) if one["kind"] == kind]


def test_the_chain_goes_on_after_a_server_was_killed(own_server: Server) -> None:
    assert own_server.sign_in()["state"] == "signed_in"
    run = own_server.run("Start-Sleep 3; 'late'", wait_s=0)
    own_server.until(lambda: own_server.get(f"/runs/{run['run_id']}")["state"] == "running")
    own_server.pause.wait(1.2)  # a run is noted for the next server once it has lasted a second
    own_server.stop(signal.SIGKILL)
    head = records(own_server)[-1]["hash"]
    own_server.start()
    own_server.until(lambda: records(own_server, kind="run.ended", run_id=run["run_id"]))
    own_server.stop()
    kinds = [one["kind"] for one in records(own_server)]
    assert kinds.count("server.started") == 2
    assert kinds[-1] == "server.stopped"
    kinds_of_run = [one["kind"] for one in records(own_server, run_id=run["run_id"])]
    assert kinds_of_run == ["run.accepted", "run.ended"]
    assert verify(named_lines(folder(own_server)), [head]).problems == ()


def test_syslog_is_told_the_newest_hash_at_the_start_and_at_the_end(
    powershell_path: Path, tmp_path: Path
) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as syslog:
        syslog.bind(("127.0.0.1", 0))
        syslog.settimeout(WAIT_S)
        address = f"127.0.0.1:{syslog.getsockname()[1]}"
        one = Server(tmp_path, {"PWSH_MANAGER_AUDIT_SYSLOG": address}).start()
        first = syslog.recv(1000).decode()
        one.stop()
        last = syslog.recv(1000).decode()
    told = [re.search(r"seq=(\d+) hash=(\w{64})", text) for text in (first, last)]
    hashes = {one["seq"]: one["hash"] for one in records(one)}
    assert all(found and hashes[int(found[1])] == found[2] for found in told)
    assert told[1]
    assert int(told[1][1]) == max(hashes)


def test_no_server_starts_without_a_log_that_is_required(
    powershell_path: Path, tmp_path: Path
) -> None:
    (tmp_path / "obstacle").write_text("")
    settings = {"PWSH_MANAGER_AUDIT_DIR": str(tmp_path / "obstacle")}
    one = Server(tmp_path / "server", {**settings, "PWSH_MANAGER_AUDIT": "required"})
    with pytest.raises(pytest.fail.Exception, match=r"The audit log in .*obstacle cannot be"):
        one.start()
    other = Server(tmp_path / "other", {**settings, "PWSH_MANAGER_AUDIT": "off"}).start()
    assert other.get("/health")["audit"] == {"state": "off", "failures": 0}
    other.close()
