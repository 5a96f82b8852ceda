"""A change that a tenant asks about waits for a person, and runs once, as it was when it was asked
for; nothing that an agent does decides.
"""

import asyncio
import json
from collections.abc import Iterator

import httpx
import pytest
from mcp_types import ElicitResult

from pwsh_kernels.approvals.desk import MOST_OPEN
from pwsh_kernels.principals.principal import Kind
from pwsh_kernels.principals.verbs import Verb
from pwsh_kernels.sandbox.authority import Authority
from tests.fixtures.approvals import (
    AGENT,
    RULES,
    Json,
    approve,
    ask,
    change,
    count,
    decide,
    ended,
    records,
)
from tests.fixtures.browser import signed_in
from tests.fixtures.cli import run_command
from tests.fixtures.principals import Principals, grant
from tests.fixtures.server import CONTOSO, FABRIKAM, Server
from tests.mcp.client import call, connected, facts_of, text_of

pytestmark = pytest.mark.xdist_group("approvals")


def connect_as(server: Server, account: str) -> str:
    """Return a line that connects somebody else of contoso with a token."""
    authority = Authority(server.data_dir / "sandbox")
    token = authority.issue_token(account, "https://outlook.office365.com")
    connect = "ExchangeOnlineManagement\\Connect-ExchangeOnline -ShowBanner:$false"
    return f"{connect} -AccessToken {token} -Organization {CONTOSO}"


PLANTED = "function Where-Object { 'planted' }"


def test_what_is_planted_while_a_change_waits_keeps_it_from_running(
    asking: Server, agent: httpx.Client
) -> None:
    text = f"{change('Planted')}; 1 | Where-Object {{ $_ }}"
    run = ask(agent, text)
    assert asking.run(PLANTED)["state"] == "succeeded"
    try:
        assert approve(asking, run)["state"] == "used"
        done = ended(asking, run)
        again = ask(agent, text)
    finally:
        asking.run("Remove-Item function:Where-Object")
    assert (done["state"], done["code"]) == ("failed", "state_changed")
    assert "now it is a function defined in this session." in done["error"]
    assert count(asking, "Planted") == "0"
    [place] = asking.get(f"/approvals/{again['approval']['id']}")["places"]
    told = "Where-Object is not the module's: it is a function defined in this session."
    assert place["oddities"] == [told]


def test_the_approver_reads_what_the_commands_say_they_would_do(
    asking: Server, agent: httpx.Client
) -> None:
    alias = asking.run("(Get-Mailbox -ResultSize 1).Alias", format="text")["result"].strip()
    office = f"(Get-Mailbox {alias}).Office"
    run = ask(agent, f"Set-Mailbox {alias} -Office Seen")
    address = f"/approvals/{run['approval']['id']}"
    preview = asking.until(lambda: asking.get(address)["places"][0]["preview"])
    [one] = preview["objects"]
    assert [(it["property"], it["new"]) for it in one["changes"]] == [("Office", "Seen")]
    assert asking.run(office, format="text")["result"].strip() != "Seen"
    said, _, _ = run_command(asking.environment, "approvals", "show", run["approval"]["id"])
    assert "-> Seen" in said
    assert "A preview, no proof" in said
    assert asking.run(office, format="text")["result"].strip() != "Seen"
    assert approve(asking, run)["state"] == "used"
    assert ended(asking, run)["state"] == "succeeded"
    assert asking.run(office, format="text")["result"].strip() == "Seen"


def test_the_approver_reads_when_a_session_could_not_be_looked_at(
    asking: Server, agent: httpx.Client
) -> None:
    slow = asking.run("Start-Sleep 60", wait_s=0)
    run = ask(agent, change("Busy"))
    asking.post(f"/runs/{slow['run_id']}/cancel")
    [place] = asking.get(f"/approvals/{run['approval']['id']}")["places"]
    assert "it is busy" in place["oddities"][0]


def test_a_change_waits_is_shown_approved_and_runs_under_its_requesters_name(
    asking: Server, agent: httpx.Client
) -> None:
    run = ask(agent, change("First"), reason="Ada has moved\x07")
    asked = run["approval"]
    assert (asked["state"], asked["class"]) == ("pending", "unknown")
    assert "token" in asked["approvers"]
    assert "person:ada" in asked["approvers"]
    assert "agent:robot" not in asked["approvers"]
    assert run["code"] == "waiting_for_approval"
    assert asked["id"] in run["error"]
    shown = asking.get(f"/approvals/{asked['id']}")
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
        "oddities": [],
        "preview": None,
    }
    used = approve(asking, run)
    assert (used["state"], used["decided_by"]) == ("used", "token")
    done = ended(asking, run)
    assert (done["state"], done["principal"]) == ("succeeded", "token/agent:claude-code")
    assert done["approval"]["state"] == "used"
    assert count(asking, "First") == "1"
    assert records(asking, asked["id"]) == [
        ("approval.asked", "token/agent:claude-code"),
        ("approval.approved", "token"),
        ("approval.used", "token/agent:claude-code"),
        ("run.accepted", "token/agent:claude-code"),
    ]


def test_what_waits_holds_up_no_other_run_and_is_seen_in_the_list(
    asking: Server, agent: httpx.Client
) -> None:
    run = ask(agent, change("Waits"))
    assert asking.run("'goes on'", format="text")["result"].strip() == "goes on"
    [listed] = asking.get("/runs", state="waiting_for_approval")["runs"]
    assert listed["run_id"] == run["run_id"]
    first = asking.get("/approvals", waiting=True)
    assert [one["id"] for one in first["approvals"]] == [run["approval"]["id"]]
    agent.post(f"/runs/{run['run_id']}/cancel", json={})
    later = asking.get("/approvals", seen=first["version"], wait_s=20)
    assert later["version"] != first["version"]
    assert later["approvals"][0]["state"] == "withdrawn"
    done = ended(asking, run)
    assert (done["state"], done["code"]) == ("cancelled", "run_cancelled")
    assert "before anybody approved it" in done["error"]
    assert count(asking, "Waits") == "0"


def test_the_page_of_a_run_leads_to_its_approval(asking: Server, agent: httpx.Client) -> None:
    run = ask(agent, change("Linked"))
    with signed_in(asking) as browser:
        page = browser.open(f"/runs/{run['run_id']}")
    assert any(one.endswith(f"/approvals/{run['approval']['id']}") for one in page.links)
    assert "waiting for approval" in page.text


def test_what_is_declined_does_not_run_and_is_not_asked_again(
    asking: Server, agent: httpx.Client, deciders: Principals
) -> None:
    run = ask(agent, change("Declined"))
    with deciders.client(asking, "ada") as ada:
        status, answer = decide(ada, run["approval"]["id"], "decline", reason="Not today.")
    assert (status, answer["state"], answer["decided_by"]) == (200, "declined", "person:ada")
    done = ended(asking, run)
    assert (done["state"], done["code"]) == ("cancelled", "approval_declined")
    assert "person:ada has declined it: Not today." in done["error"]
    body = {"tenant": CONTOSO, "command": change("Declined"), "format": "text"}
    for agents_name in ("claude-code", "another"):
        again = {"User-Agent": f"pwsh-kernels-mcp/1.0 ({agents_name})"}
        refused = agent.post("/run", json=body, headers=again)
        assert (refused.status_code, refused.json()["code"]) == (403, "approval_declined_lately")
    assert count(asking, "Declined") == "0"


def test_no_agent_decides_by_any_token_nor_a_person_without_the_right(
    asking: Server, agent: httpx.Client, deciders: Principals
) -> None:
    run = ask(agent, change("Itself"), FABRIKAM)
    approval_id = run["approval"]["id"]
    digest = asking.get(f"/approvals/{approval_id}")["digest"]
    with (
        deciders.client(asking, "robot") as robot,
        deciders.client(asking, "reader") as reader,
        deciders.client(asking, "contosos") as elsewhere,
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
    assert asking.get(f"/approvals/{approval_id}")["state"] == "pending"


def test_an_approval_is_for_the_change_that_was_shown_and_only_once(
    asking: Server, agent: httpx.Client
) -> None:
    shown, other = ask(agent, change("Shown")), ask(agent, change("Other"))
    seen = asking.get(f"/approvals/{shown['approval']['id']}")["digest"]
    with asking.http() as owner:
        status, answer = decide(owner, other["approval"]["id"], "approve", digest=seen)
        assert (status, answer["code"]) == (409, "approval_refused")
        assert "another change than the one that was shown" in answer["error"]
    assert approve(asking, shown)["state"] == "used"
    assert approve(asking, shown)["code"] == "approval_refused"
    assert ended(asking, shown)["state"] == "succeeded"
    assert (count(asking, "Shown"), count(asking, "Other")) == ("1", "0")
    again = ask(agent, change("Shown"))  # the same command by the same door: another approval
    assert again["approval"]["id"] != shown["approval"]["id"]


def test_what_is_signed_in_as_somebody_else_by_then_does_not_run_and_another_tenant_does(
    asking: Server, agent: httpx.Client
) -> None:
    one = ask(agent, change("Account"))
    body = {"tenants": [CONTOSO, FABRIKAM], "command": change("Each"), "format": "text"}
    here, there = agent.post("/run", json=body).json()["results"]
    asking.run(connect_as(asking, f"reader@{CONTOSO}"))
    assert approve(asking, one)["state"] == "outdated"
    assert approve(asking, here)["state"] == "used"
    for run in (one, here):
        done = ended(asking, run)
        assert (done["state"], done["code"]) == ("cancelled", "approval_outdated")
        assert f"reader@{CONTOSO} is signed in now, and admin@{CONTOSO} was" in done["error"]
    assert ended(asking, there)["state"] == "succeeded"
    assert (count(asking, "Account"), count(asking, "Each")) == ("0", "0")
    asking.post("/disconnect", tenant=CONTOSO)
    assert asking.sign_in(CONTOSO)["account"] == f"admin@{CONTOSO}"


def test_what_is_approved_is_looked_at_once_more_when_its_turn_comes(
    asking: Server, agent: httpx.Client
) -> None:
    run = ask(agent, change("Turn"))
    connect = f"Start-Sleep 2; {connect_as(asking, f'reader@{CONTOSO}')}"
    before = asking.run(connect, wait_s=0)
    assert before["state"] in ("queued", "running")
    assert approve(asking, run)["state"] == "used"
    done = ended(asking, run)
    assert (done["state"], done["code"], done["started_at"]) == (
        "cancelled",
        "approval_outdated",
        None,
    )
    assert f"reader@{CONTOSO} is signed in now" in done["error"]
    assert count(asking, "Turn") == "0"
    asking.post("/disconnect", tenant=CONTOSO)
    assert asking.sign_in(CONTOSO)["account"] == f"admin@{CONTOSO}"


def test_the_end_of_a_session_ends_what_waits_there(asking: Server, agent: httpx.Client) -> None:
    run = ask(agent, change("Closed"))
    asking.post("/disconnect", tenant=CONTOSO)
    done = ended(asking, run)
    assert (done["state"], done["code"]) == ("cancelled", "not_signed_in")
    assert asking.get(f"/approvals/{run['approval']['id']}")["state"] == "withdrawn"
    assert approve(asking, run)["code"] == "approval_refused"
    asking.sign_in(CONTOSO)


def test_a_freeze_withdraws_what_agents_wait_for(asking: Server, agent: httpx.Client) -> None:
    run = ask(agent, change("Frozen"))
    asking.post("/freeze", tenant=CONTOSO)
    assert ended(asking, run)["state"] == "cancelled"
    assert asking.get(f"/approvals/{run['approval']['id']}")["state"] == "withdrawn"
    asking.post("/thaw", tenant=CONTOSO)


def test_who_has_lost_the_right_meanwhile_gets_no_run(asking: Server, deciders: Principals) -> None:
    deciders.add("leaver", grant(Verb.WRITE), kind=Kind.AGENT)
    with deciders.client(asking, "leaver") as leaver:
        run = ask(leaver, change("Left"))
    deciders.revoke("leaver")
    assert approve(asking, run)["state"] == "outdated"
    assert "agent:leaver may not run anything" in ended(asking, run)["error"]
    assert count(asking, "Left") == "0"


def test_a_rule_that_has_become_never_holds_for_what_was_approved(
    asking: Server, agent: httpx.Client
) -> None:
    run = ask(agent, change("Never"))
    file = asking.folder / "tenants.toml"
    file.write_text(RULES.replace('"ask"', '"never"'), encoding="utf-8")
    assert approve(asking, run)["state"] == "outdated"
    file.write_text(RULES, encoding="utf-8")
    assert "no change is allowed now" in ended(asking, run)["error"]


def test_one_approval_counts_for_all_tenants_of_a_run(asking: Server, agent: httpx.Client) -> None:
    body = {"tenants": [CONTOSO, FABRIKAM], "command": change("Both"), "format": "text"}
    answer = agent.post("/run", json=body)
    first, second = answer.json()["results"]
    assert answer.status_code == 202
    assert first["approval"] == second["approval"]
    shown = asking.get(f"/approvals/{first['approval']['id']}")
    assert [one["account"] for one in shown["places"]] == [f"admin@{CONTOSO}", f"admin@{FABRIKAM}"]
    agent.post(f"/runs/{second['run_id']}/cancel", json={})
    assert approve(asking, first)["state"] == "used"
    assert ended(asking, first)["state"] == "succeeded"
    assert ended(asking, second)["state"] == "cancelled"


def test_with_four_eyes_nobody_approves_what_they_or_their_agent_asked_for(
    asking: Server, agent: httpx.Client, deciders: Principals
) -> None:
    file = asking.folder / "tenants.toml"
    rule = 'changes = { agent = "ask", person = "ask" }\napprove = "four_eyes"'
    file.write_text(RULES.replace('changes = { agent = "ask" }', rule, 1), encoding="utf-8")
    with deciders.client(asking, "ada") as ada:
        of_agent, of_ada = ask(agent, change("FourEyes")), ask(ada, change("FourEyes"))
        shown = asking.get(f"/approvals/{of_agent['approval']['id']}")
        assert (shown["rule"], shown["may_decide"]) == ("four_eyes", False)
        assert shown["approvers"] == ["person:ada", "person:contosos"]
        refused = approve(asking, of_agent)
        assert refused["code"] == "approval_refused"
        assert "somebody else than who asked" in refused["error"]
        status, mine = decide(ada, of_ada["approval"]["id"], "approve", digest=shown["digest"])
        assert (status, mine["code"]) == (409, "approval_refused")
        status, used = decide(ada, shown["id"], "approve", digest=shown["digest"])
        assert (status, used["state"], used["decided_by"]) == (200, "used", "person:ada")
    assert approve(asking, of_ada)["state"] == "used"
    file.write_text(RULES, encoding="utf-8")
    assert ended(asking, of_ada)["state"] == ended(asking, of_agent)["state"] == "succeeded"
    assert count(asking, "FourEyes") == "2"


def test_an_agent_asks_for_no_more_than_a_person_can_look_at(
    asking: Server, agent: httpx.Client
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
    asking: Server, agent: httpx.Client
) -> None:
    command = "param($Name, $Password) Set-Mailbox someone -Office $Name"
    given = {"Name": "Łódź", "Password": {"$secret": "hunter2"}}
    run = ask(agent, command, parameters=given)
    shown = asking.get(f"/approvals/{run['approval']['id']}")
    assert "<U+0141 LATIN CAPITAL LETTER L WITH STROKE>" in shown["values"]
    assert "hunter2" not in json.dumps(shown)
    assert "$Password is hidden by who asks" in shown["reasons"][0]
    body = {"tenant": CONTOSO, "command": command, "parameters": {"Name": 2**60}}
    assert agent.post("/run", json=body).json()["code"] == "invalid_request"


def test_who_asks_cannot_hide_from_an_approver_what_runs(
    asking: Server, agent: httpx.Client
) -> None:
    """Neither by a name that sounds like a secret, nor by a secret that the text unwraps."""
    run = ask(agent, "param($tokens) Invoke-Expression $tokens", parameters={"tokens": "Set-X 7"})
    assert "Set-X 7" in asking.get(f"/approvals/{run['approval']['id']}")["values"]
    unwrapped = "param($to) Set-Mailbox a -Office ([Net.NetworkCredential]::new('', $to).Password)"
    body = {"tenant": CONTOSO, "command": unwrapped, "parameters": {"to": {"$secret": "hunter2"}}}
    refused = agent.post("/run", json=body).json()
    assert refused["code"] == "invalid_request"
    assert "$to is hidden" in refused["error"]


def test_a_model_learns_at_once_that_a_person_decides_and_waits(asking: Server) -> None:
    async def story() -> tuple[Json, str, Json, str]:
        async with connected(asking) as client:
            place = {"tenant": CONTOSO, "module": "exo"}
            asked = await call(
                client, "pwsh_run", command=change("Model"), reason="A move", **place
            )
            run_id = facts_of(asked)["run_id"]
            run = await asyncio.to_thread(asking.get, f"/runs/{run_id}")
            await asyncio.to_thread(approve, asking, run)
            waited = await call(client, "pwsh_wait", run_id=run_id)
            return facts_of(asked), text_of(asked), facts_of(waited)["run"], text_of(waited)

    asked, told, done, _ = asyncio.run(story())
    assert (asked["state"], asked["advice"]) == ("waiting_for_approval", "ask_person")
    assert "Nothing has run: a person must approve this change first" in told
    assert "pwsh_wait" in told
    assert done["state"] == "succeeded"
    assert count(asking, "Model") == "1"


def test_a_model_learns_of_the_one_approval_for_all_tenants(asking: Server) -> None:
    async def story() -> tuple[Json, str]:
        async with connected(asking) as client:
            both = {"tenants": [CONTOSO, FABRIKAM], "command": change("All")}
            asked = await call(client, "pwsh_run", **both)
            for one in facts_of(asked)["results"]:
                await call(client, "pwsh_cancel", run_id=one["run_id"])
            return facts_of(asked), text_of(asked)

    asked, told = asyncio.run(story())
    assert (asked["state"], asked["advice"]) == ("waiting_for_approval", "ask_person")
    assert told.count("a person must approve this change first") == 2
    states = {one["state"] for one in asking.get("/approvals", waiting=True)["approvals"]}
    assert states == set()


def test_a_client_that_says_yes_to_every_question_approves_nothing(
    asking: Server, agent: httpx.Client
) -> None:
    async def say_yes(context: object, params: object) -> ElicitResult:
        return ElicitResult(action="accept", content={"approve": True, "answer": "yes"})

    async def story() -> tuple[str, bool]:
        async with connected(asking, ask=say_yes) as client:
            asked = await call(client, "pwsh_run", command=change("Yes"), tenant=CONTOSO, wait_s=1)
            run_id = facts_of(asked)["run_id"]
            answered = await call(client, "pwsh_answer", run_id=run_id, answer="yes", wait_s=1)
            await call(client, "pwsh_wait", run_id=run_id, wait_s=1)
            return run_id, bool(answered.is_error)

    run_id, refused = asyncio.run(story())
    assert refused
    assert asking.get(f"/runs/{run_id}")["state"] == "waiting_for_approval"
    assert count(asking, "Yes") == "0"


def test_a_model_is_told_why_a_person_said_no(asking: Server) -> None:
    async def story() -> str:
        async with connected(asking) as client:
            asked = await call(client, "pwsh_run", command=change("No"), tenant=CONTOSO)
            run = await asyncio.to_thread(asking.get, f"/runs/{facts_of(asked)['run_id']}")
            path = f"/approvals/{run['approval']['id']}/decline"
            await asyncio.to_thread(asking.post, path, reason="Ask Grace.")
            return text_of(await call(client, "pwsh_wait", run_id=run["run_id"]))

    assert "the owner has declined it: Ask Grace." in asyncio.run(story())


@pytest.fixture
def hasty(asking: Server) -> Iterator[Server]:
    """Give the server after a restart: its sessions are not confined by then, as far as it knows,
    and it waits three seconds for an approval.
    """
    asking.stop()
    asking.settings |= {"PWSH_MANAGER_APPROVAL_WAIT": "3", "PWSH_MANAGER_CONFINE": "off"}
    yield asking.start()
    asking.stop()
    del asking.settings["PWSH_MANAGER_APPROVAL_WAIT"], asking.settings["PWSH_MANAGER_CONFINE"]
    asking.start()


def test_where_sessions_can_read_tokens_no_token_approves_and_what_waits_expires(
    request: pytest.FixtureRequest, asking: Server, agent: httpx.Client
) -> None:
    before = ask(agent, change("Restart"))
    server: Server = request.getfixturevalue("hasty")
    stopped = server.get(f"/runs/{before['run_id']}")
    assert (stopped["state"], stopped["started_at"]) == ("cancelled", None)
    assert server.get("/approvals")["approvals"] == []
    with server.http(**AGENT) as asks:
        run = ask(asks, change("Late"))
    refused = approve(server, run)
    assert refused["code"] == "approval_needs_proof"
    assert "a passkey on the page" in refused["error"]
    done = ended(server, run)
    assert (done["state"], done["code"]) == ("cancelled", "approval_expired")
    assert approve(server, run)["code"] == "approval_needs_proof"
    kinds = records(server, run["approval"]["id"])
    assert kinds[:2] == [("approval.asked", "token/agent:claude-code"), ("denied", "token")]
    assert ("approval.expired", "") in kinds
