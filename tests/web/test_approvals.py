"""A change that a tenant asks about waits for a person, and runs once, as it was when it was asked
for; nothing that an agent does decides.
"""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from pwsh_kernels.approvals.desk import MOST_OPEN
from pwsh_kernels.audit.files import named_lines
from pwsh_kernels.principals.principal import EVERY, Kind
from pwsh_kernels.principals.verbs import EVERY_VERB, PEOPLE_ONLY, Verb
from pwsh_kernels.sandbox.authority import Authority
from tests.fixtures.principals import Principals, grant
from tests.fixtures.server import CONTOSO, FABRIKAM, Server
from tests.mcp.client import call, connected, facts_of, text_of

pytestmark = pytest.mark.xdist_group("approvals")

RULES = f"""
[[tenant]]
name = "{CONTOSO}"
changes = {{ agent = "ask" }}

[[tenant]]
name = "{FABRIKAM}"
changes = {{ agent = "ask" }}
"""
AGENT = {"User-Agent": "pwsh-kernels-mcp/1.0 (claude-code)"}
Json = dict[str, Any]


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Principals:
    """Return who has which rights."""
    who = Principals(tmp_path_factory.mktemp("principals") / "principals.toml")
    who.add("ada", grant(Verb.APPROVE, Verb.WRITE, tenant=EVERY))
    who.add("contosos", grant(Verb.APPROVE))
    who.add("reader", grant(Verb.READ, tenant=EVERY))
    who.add("fabrikams", grant(Verb.READ, tenant=FABRIKAM))
    who.add("robot", grant(*(EVERY_VERB - PEOPLE_ONLY), tenant=EVERY), kind=Kind.AGENT)
    return who


@pytest.fixture(scope="module")
def server(
    powershell_path: Path, tmp_path_factory: pytest.TempPathFactory, people: Principals
) -> Iterator[Server]:
    """A server whose tenants ask about the changes of agents, signed in to both."""
    folder = tmp_path_factory.mktemp("server")
    (folder / "tenants.toml").write_text(RULES, encoding="utf-8")
    settings = {
        "PWSH_MANAGER_TENANTS": str(folder / "tenants.toml"),
        "PWSH_MANAGER_PRINCIPALS": str(people.file),
    }
    one = Server(folder, settings).start()
    for tenant in (CONTOSO, FABRIKAM):
        assert one.sign_in(tenant)["state"] == "signed_in"
    yield one
    one.close()


@pytest.fixture
def agent(server: Server) -> Iterator[httpx.Client]:
    """Give the door of an agent that acts for the owner; its requests are withdrawn afterwards."""
    with server.http(**AGENT) as http:
        yield http
    for run in server.get("/runs", state="waiting_for_approval")["runs"]:
        server.post(f"/runs/{run['run_id']}/cancel")


def change(name: str) -> str:
    """Return a change that is told apart by a name, with its own trace in the session."""
    first = "(Get-Mailbox -ResultSize 1).Alias"
    return f"$global:{name} += 1; Set-Mailbox {first} -Office {name}; $global:{name}"


def ask(http: httpx.Client, command: str, tenant: str = CONTOSO, **more: Any) -> Json:
    """Ask for a run that needs an approval; return it as it waits."""
    body = {"tenant": tenant, "command": command, "format": "text", "wait_s": 20, **more}
    answer = http.post("/run", json=body)
    run: Json = answer.json()
    assert (answer.status_code, run["state"]) == (202, "waiting_for_approval"), run
    return run


def decide(http: httpx.Client, approval_id: str, what: str, **body: Any) -> tuple[int, Json]:
    """Approve or decline; return the status and the answer."""
    answer = http.post(f"/approvals/{approval_id}/{what}", json=body)
    return answer.status_code, answer.json()


def approve(server: Server, run: Json) -> Json:
    """Approve a run's change as the owner, as it is shown; return the approval."""
    approval_id = run["approval"]["id"]
    shown = server.get(f"/approvals/{approval_id}")
    return server.post(f"/approvals/{approval_id}/approve", digest=shown["digest"])


def ended(server: Server, run: Json) -> Json:
    """Return a run at its end."""
    seen = run
    while seen["state"] in ("waiting_for_approval", "queued", "running"):
        seen = server.get(f"/runs/{run['run_id']}", wait_s=20, seen=seen["state"])
    return seen


def count(server: Server, name: str) -> str:
    """Return how often a change has run in contoso."""
    return str(server.run(f"[int]$global:{name}", format="text")["result"]).strip()


def records(server: Server, approval_id: str) -> list[tuple[str, str]]:
    """Return kind and principal of an approval's records."""
    folder = server.data_dir / "audit"
    found = [json.loads(line) for _, lines in named_lines(folder) for line in lines]
    ours = [one for one in found if one.get("approval") == approval_id]
    return [(one["kind"], one.get("principal", "")) for one in ours]


def test_a_change_waits_is_shown_approved_and_runs_under_its_requesters_name(
    server: Server, agent: httpx.Client
) -> None:
    run = ask(agent, change("First"), reason="Ada has moved\x07")
    asked = run["approval"]
    assert (asked["state"], asked["class"]) == ("pending", "unknown")
    assert "token" in asked["approvers"]
    assert "person:ada" in asked["approvers"]
    assert "agent:robot" not in asked["approvers"]
    assert run["code"] == "waiting_for_approval"
    assert asked["id"] in run["error"]
    shown = server.get(f"/approvals/{asked['id']}")
    assert (shown["requester"], shown["may_decide"]) == ("token/agent:claude-code", True)
    assert shown["reason"] == "Ada has moved<U+0007>"
    assert shown["text"] == run["command"]
    assert "Set-Mailbox" in shown["commands"]
    [place] = shown["places"]
    assert place == {
        "tenant": CONTOSO,
        "account": f"admin@{CONTOSO}",
        "session": f"{CONTOSO}:exo",
        "run_id": run["run_id"],
    }
    used = approve(server, run)
    assert (used["state"], used["decided_by"]) == ("used", "token")
    done = ended(server, run)
    assert (done["state"], done["principal"]) == ("succeeded", "token/agent:claude-code")
    assert done["approval"]["state"] == "used"
    assert count(server, "First") == "1"
    assert records(server, asked["id"]) == [
        ("approval.asked", "token/agent:claude-code"),
        ("approval.approved", "token"),
        ("approval.used", "token/agent:claude-code"),
        ("run.accepted", "token/agent:claude-code"),
    ]


def test_what_waits_holds_up_no_other_run_and_is_seen_in_the_list(
    server: Server, agent: httpx.Client
) -> None:
    run = ask(agent, change("Waits"))
    assert server.run("'goes on'", format="text")["result"].strip() == "goes on"
    [listed] = server.get("/runs", state="waiting_for_approval")["runs"]
    assert listed["run_id"] == run["run_id"]
    first = server.get("/approvals", waiting=True)
    assert [one["id"] for one in first["approvals"]] == [run["approval"]["id"]]
    agent.post(f"/runs/{run['run_id']}/cancel", json={})
    later = server.get("/approvals", seen=first["version"], wait_s=20)
    assert later["version"] != first["version"]
    assert later["approvals"][0]["state"] == "withdrawn"
    done = ended(server, run)
    assert (done["state"], done["code"]) == ("cancelled", "run_cancelled")
    assert "before anybody approved it" in done["error"]
    assert count(server, "Waits") == "0"


def test_what_is_declined_does_not_run_and_is_not_asked_again(
    server: Server, agent: httpx.Client, people: Principals
) -> None:
    run = ask(agent, change("Declined"))
    with people.client(server, "ada") as ada:
        status, answer = decide(ada, run["approval"]["id"], "decline", reason="Not today.")
    assert (status, answer["state"], answer["decided_by"]) == (200, "declined", "person:ada")
    done = ended(server, run)
    assert (done["state"], done["code"]) == ("cancelled", "approval_declined")
    assert "person:ada has declined it: Not today." in done["error"]
    body = {"tenant": CONTOSO, "command": change("Declined"), "format": "text"}
    for agents_name in ("claude-code", "another"):
        again = {"User-Agent": f"pwsh-kernels-mcp/1.0 ({agents_name})"}
        refused = agent.post("/run", json=body, headers=again)
        assert (refused.status_code, refused.json()["code"]) == (403, "approval_declined_lately")
    assert count(server, "Declined") == "0"


def test_no_agent_decides_by_any_token_nor_a_person_without_the_right(
    server: Server, agent: httpx.Client, people: Principals
) -> None:
    run = ask(agent, change("Itself"), FABRIKAM)
    approval_id = run["approval"]["id"]
    digest = server.get(f"/approvals/{approval_id}")["digest"]
    with (
        people.client(server, "robot") as robot,
        people.client(server, "reader") as reader,
        people.client(server, "contosos") as elsewhere,
    ):
        for nobody in (agent, robot, reader):
            assert nobody.get(f"/approvals/{approval_id}").json()["may_decide"] is False
            for what, body in (("approve", {"digest": digest}), ("decline", {})):
                status, answer = decide(nobody, approval_id, what, **body)
                assert (status, answer["code"]) == (403, "forbidden")
        seen = [one["id"] for one in elsewhere.get("/approvals").json()["approvals"]]
        assert approval_id not in seen
        status, answer = decide(elsewhere, approval_id, "approve", digest=digest)
        assert (status, answer["code"]) == (404, "unknown_approval")
    assert server.get(f"/approvals/{approval_id}")["state"] == "pending"


def test_an_approval_is_for_the_change_that_was_shown_and_only_once(
    server: Server, agent: httpx.Client
) -> None:
    shown, other = ask(agent, change("Shown")), ask(agent, change("Other"))
    seen = server.get(f"/approvals/{shown['approval']['id']}")["digest"]
    with server.http() as owner:
        status, answer = decide(owner, other["approval"]["id"], "approve", digest=seen)
        assert (status, answer["code"]) == (409, "approval_refused")
        assert "another change than the one that was shown" in answer["error"]
    assert approve(server, shown)["state"] == "used"
    assert approve(server, shown)["code"] == "approval_refused"
    assert ended(server, shown)["state"] == "succeeded"
    assert (count(server, "Shown"), count(server, "Other")) == ("1", "0")
    again = ask(agent, change("Shown"))  # the same command by the same door: another approval
    assert again["approval"]["id"] != shown["approval"]["id"]


def test_what_is_signed_in_as_somebody_else_by_then_does_not_run(
    server: Server, agent: httpx.Client
) -> None:
    run = ask(agent, change("Account"))
    authority = Authority(server.data_dir / "sandbox")
    token = authority.issue_token(f"reader@{CONTOSO}", "https://outlook.office365.com")
    connect = "ExchangeOnlineManagement\\Connect-ExchangeOnline -ShowBanner:$false"
    server.run(f"{connect} -AccessToken {token} -Organization {CONTOSO}")
    assert approve(server, run)["state"] == "outdated"
    done = ended(server, run)
    assert (done["state"], done["code"]) == ("cancelled", "approval_outdated")
    assert f"reader@{CONTOSO} is signed in now, and admin@{CONTOSO} was" in done["error"]
    assert count(server, "Account") == "0"
    server.post("/disconnect", tenant=CONTOSO)
    assert server.sign_in(CONTOSO)["account"] == f"admin@{CONTOSO}"


def test_the_end_of_a_session_ends_what_waits_there(server: Server, agent: httpx.Client) -> None:
    run = ask(agent, change("Closed"))
    server.post("/disconnect", tenant=CONTOSO)
    done = ended(server, run)
    assert (done["state"], done["code"]) == ("cancelled", "not_signed_in")
    assert server.get(f"/approvals/{run['approval']['id']}")["state"] == "withdrawn"
    assert approve(server, run)["code"] == "approval_refused"
    server.sign_in(CONTOSO)


def test_a_freeze_withdraws_what_agents_wait_for(server: Server, agent: httpx.Client) -> None:
    run = ask(agent, change("Frozen"))
    server.post("/freeze", tenant=CONTOSO)
    assert ended(server, run)["state"] == "cancelled"
    assert server.get(f"/approvals/{run['approval']['id']}")["state"] == "withdrawn"
    server.post("/thaw", tenant=CONTOSO)


def test_who_has_lost_the_right_meanwhile_gets_no_run(server: Server, people: Principals) -> None:
    people.add("leaver", grant(Verb.WRITE), kind=Kind.AGENT)
    with people.client(server, "leaver") as leaver:
        run = ask(leaver, change("Left"))
    people.revoke("leaver")
    assert approve(server, run)["state"] == "outdated"
    assert "agent:leaver may not run anything" in ended(server, run)["error"]
    assert count(server, "Left") == "0"


def test_a_rule_that_has_become_never_holds_for_what_was_approved(
    server: Server, agent: httpx.Client
) -> None:
    run = ask(agent, change("Never"))
    file = server.folder / "tenants.toml"
    file.write_text(RULES.replace('"ask"', '"never"'), encoding="utf-8")
    assert approve(server, run)["state"] == "outdated"
    file.write_text(RULES, encoding="utf-8")
    assert "no change is allowed now" in ended(server, run)["error"]


def test_one_approval_counts_for_all_tenants_of_a_run(server: Server, agent: httpx.Client) -> None:
    body = {"tenants": [CONTOSO, FABRIKAM], "command": change("Both"), "format": "text"}
    answer = agent.post("/run", json=body)
    first, second = answer.json()["results"]
    assert answer.status_code == 202
    assert first["approval"] == second["approval"]
    shown = server.get(f"/approvals/{first['approval']['id']}")
    assert [one["account"] for one in shown["places"]] == [f"admin@{CONTOSO}", f"admin@{FABRIKAM}"]
    agent.post(f"/runs/{second['run_id']}/cancel", json={})
    assert approve(server, first)["state"] == "used"
    assert ended(server, first)["state"] == "succeeded"
    assert ended(server, second)["state"] == "cancelled"


def test_an_agent_asks_for_no_more_than_a_person_can_look_at(
    server: Server, agent: httpx.Client
) -> None:
    for number in range(MOST_OPEN):
        ask(agent, change(f"Flood{number}"))
    body = {"tenant": CONTOSO, "command": change("Flood"), "wait_s": 0}
    refused = agent.post("/run", json=body)
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_approvals")
    several = {"tenants": [CONTOSO, FABRIKAM], "command": change("Flood"), "wait_s": 0}
    codes = [one["code"] for one in agent.post("/run", json=several).json()["results"]]
    assert codes == ["too_many_approvals"] * 2


def test_values_are_shown_without_secrets_and_those_without_a_form_are_refused(
    server: Server, agent: httpx.Client
) -> None:
    command = "param($Name, $Password) Set-Mailbox someone -Office $Name"
    given = {"Name": "Łódź", "Password": {"$secret": "hunter2"}}
    run = ask(agent, command, parameters=given)
    shown = server.get(f"/approvals/{run['approval']['id']}")
    assert "<U+0141 LATIN CAPITAL LETTER L WITH STROKE>" in shown["values"]
    assert "hunter2" not in json.dumps(shown)
    body = {"tenant": CONTOSO, "command": command, "parameters": {"Name": 2**60}}
    assert agent.post("/run", json=body).json()["code"] == "invalid_request"


def test_a_model_learns_at_once_that_a_person_decides_and_waits(server: Server) -> None:
    async def story() -> tuple[Json, str, Json, str]:
        async with connected(server) as client:
            place = {"tenant": CONTOSO, "module": "exo"}
            asked = await call(
                client, "pwsh_run", command=change("Model"), reason="A move", **place
            )
            run_id = facts_of(asked)["run_id"]
            run = await asyncio.to_thread(server.get, f"/runs/{run_id}")
            await asyncio.to_thread(approve, server, run)
            waited = await call(client, "pwsh_wait", run_id=run_id)
            return facts_of(asked), text_of(asked), facts_of(waited)["run"], text_of(waited)

    asked, told, done, _ = asyncio.run(story())
    assert (asked["state"], asked["advice"]) == ("waiting_for_approval", "ask_person")
    assert "Nothing has run: a person must approve this change first" in told
    assert "pwsh_wait" in told
    assert done["state"] == "succeeded"
    assert count(server, "Model") == "1"


def test_a_model_is_told_why_a_person_said_no(server: Server) -> None:
    async def story() -> str:
        async with connected(server) as client:
            asked = await call(client, "pwsh_run", command=change("No"), tenant=CONTOSO)
            run = await asyncio.to_thread(server.get, f"/runs/{facts_of(asked)['run_id']}")
            path = f"/approvals/{run['approval']['id']}/decline"
            await asyncio.to_thread(server.post, path, reason="Ask Grace.")
            return text_of(await call(client, "pwsh_wait", run_id=run["run_id"]))

    assert "token has declined it: Ask Grace." in asyncio.run(story())


def test_a_stopped_server_has_withdrawn_what_waited_and_the_next_one_says_so(
    server: Server, agent: httpx.Client
) -> None:
    run = ask(agent, change("Restart"))
    server.stop()
    server.settings["PWSH_MANAGER_APPROVAL_WAIT"] = "0.5"
    server.start()
    done = server.get(f"/runs/{run['run_id']}")
    assert done["state"] == "cancelled"
    assert server.get("/approvals")["approvals"] == []


def test_what_nobody_decides_in_time_expires(server: Server) -> None:
    """Goes on with the server that the test before has started, which waits half a second."""
    server.sign_in(CONTOSO)
    with server.http(**AGENT) as agent:
        run = ask(agent, change("Late"))
    done = ended(server, run)
    assert (done["state"], done["code"]) == ("cancelled", "approval_expired")
    assert approve(server, run)["code"] == "approval_refused"
    assert ("approval.expired", "") in records(server, run["approval"]["id"])
