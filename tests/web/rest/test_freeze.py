"""The kill switch: a freeze stops the agents that run, refuses those that ask, and lasts."""

import json
from collections.abc import Iterator

import pytest

from pwsh_kernels.principals.principal import Kind
from pwsh_kernels.principals.verbs import Verb
from tests.fixtures.cli import run_command
from tests.fixtures.principals import Principals, grant
from tests.fixtures.server import CONTOSO, FABRIKAM, Server

pytestmark = pytest.mark.xdist_group("principals")
AGENT = {"User-Agent": "pwsh-kernels-mcp/0.1 (claude-code)"}
LONG = {"tenant": CONTOSO, "command": "Start-Sleep 60", "wait_s": 0}


@pytest.fixture
def server(guarded: Server) -> Iterator[Server]:
    """Give a server in which nothing is frozen, before and after."""
    guarded.post("/thaw")
    yield guarded
    guarded.post("/thaw", tenant=CONTOSO)
    guarded.post("/thaw")


def test_a_freeze_cancels_the_commands_of_agents_and_leaves_those_of_people(server: Server) -> None:
    with server.http(**AGENT) as agent:
        running = agent.post("/run", json=LONG).json()
        waiting = agent.post("/run", json=LONG).json()
        own = server.post("/run", **LONG)
        answer = server.post("/freeze", tenant=CONTOSO, why="an accident")
        assert {one["run_id"] for one in answer["stopped"]} == {
            running["run_id"],
            waiting["run_id"],
        }
        refused = agent.post("/run", json=LONG)
    server.until(lambda: server.get(f"/runs/{running['run_id']}")["state"] == "cancelled")
    server.until(lambda: server.get(f"/runs/{own['run_id']}")["state"] == "running")
    server.post(f"/runs/{own['run_id']}/cancel", wait_s=20)
    error = refused.json()
    assert (refused.status_code, error["code"], error["reason"]) == (403, "forbidden", "frozen")
    assert "an accident" in error["error"]


def test_a_frozen_agent_still_reads_and_another_tenant_goes_on(server: Server) -> None:
    server.post("/freeze", tenant=FABRIKAM)
    with server.http(**AGENT) as agent:
        assert agent.get("/sessions").status_code == 200
        assert agent.post("/run", json={"tenant": FABRIKAM, "command": "1"}).status_code == 403
        assert agent.post("/login", json={"tenant": FABRIKAM}).status_code == 403
        assert agent.post("/run", json={"tenant": CONTOSO, "command": "1"}).json()["success"]
        both = {"tenants": [CONTOSO, FABRIKAM], "command": "1", "wait_s": 30}
        states = [one["state"] for one in agent.post("/run", json=both).json()["results"]]
    server.post("/thaw", tenant=FABRIKAM)
    assert states == ["succeeded", "refused"]


def test_no_agent_ends_a_freeze_and_a_person_needs_the_right(
    server: Server, principals: Principals
) -> None:
    principals.add("guard", grant(Verb.END))
    principals.add("killer", grant(Verb.END, Verb.WRITE), kind=Kind.AGENT)
    with (
        principals.client(server, "guard") as guard,
        principals.client(server, "killer") as killer,
        server.http(**AGENT) as agent,
    ):
        assert guard.post("/freeze", json={}).status_code == 403
        assert guard.post("/freeze", json={"tenant": CONTOSO}).status_code == 200
        for nobody in (guard, killer, agent):
            assert nobody.post("/thaw", json={"tenant": CONTOSO}).status_code == 403
            assert nobody.post("/thaw", json={}).status_code == 403
        [told] = guard.get("/frozen").json()["frozen"]
    assert (told["tenant"], told["by"]) == (CONTOSO, "person:guard")
    assert server.post("/thaw", tenant=CONTOSO)["frozen"] == []
    told = [
        (one["kind"], one["principal"], one.get("tenant"))
        for file in sorted((server.data_dir / "audit").glob("*"))
        for one in map(json.loads, file.read_text().splitlines())
        if one["kind"].startswith("agents.")
    ]
    assert told[-2:] == [
        ("agents.frozen", "person:guard", CONTOSO),
        ("agents.thawed", "token", CONTOSO),
    ]


def test_who_may_not_see_a_tenant_does_not_learn_that_it_is_frozen(
    server: Server, principals: Principals
) -> None:
    principals.add("contosos", grant(Verb.READ))
    server.post("/freeze", tenant=FABRIKAM)
    with principals.client(server, "contosos") as http:
        assert http.get("/frozen").json()["frozen"] == []
        unknown = http.post("/freeze", json={"tenant": FABRIKAM}).json()["code"]
    server.post("/thaw", tenant=FABRIKAM)
    assert unknown in ("unknown_tenant", "forbidden")
    assert unknown != "frozen"


def test_the_command_line_freezes_lists_and_thaws(server: Server) -> None:
    said = [
        run_command(server.environment, *words)
        for words in (("freeze", CONTOSO, "--why", "an accident"), ("freeze", "--list"))
    ]
    assert [(code, CONTOSO in out, "an accident" in out) for out, _, code in said] == [
        (0, True, True)
    ] * 2
    assert all("the owner" in out for out, _, _ in said)
    out, _, code = run_command(server.environment, "thaw", CONTOSO)
    assert (out, code) == ("Agents are not stopped anywhere.\n", 0)
