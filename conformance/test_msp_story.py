"""The story of docs/governance.md in a browser: a provider with three tenants, an agent that reads
everything and changes nothing without a person, the person on the page.
"""

import asyncio
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult, TextContent
from playwright.sync_api import Browser, Page, expect, sync_playwright

from pwsh_kernels.principals.principal import EVERY, Kind
from pwsh_kernels.principals.verbs import Verb
from tests.fixtures.cli import run_command
from tests.fixtures.principals import Principals, grant
from tests.fixtures.sandbox import CERTIFICATE_PASSWORD, make_certificate
from tests.fixtures.server import CONTOSO, FABRIKAM, Server

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
WAIT_MS = 60_000
LIMIT = 90.0
"""Seconds that one call of the agent may take."""
PASSWORD = "PWSH_TEST_CERTIFICATE_PASSWORD"
TENANTS = f"""
[[tenant]]
name = "{CONTOSO}"
changes = {{ agent = "ask" }}
[tenant.read.exo]
expected_account = "reader@{CONTOSO}"

[[tenant]]
name = "{FABRIKAM}"
changes = {{ agent = "ask" }}
[tenant.read.exo]
expected_account = "reader@{FABRIKAM}"

[[tenant]]
name = "adatum.com"
changes = {{ agent = "ask" }}
[tenant.exo]
route = "certificate"
client_id = "3750b40b-a68b-4632-9fb3-5b1aff664079"
certificate_file = "%s"
certificate_password = {{ env = "{PASSWORD}" }}
"""
WHO = "(Get-Mailbox -ResultSize 1).Alias"
OFFICE = "(Get-Mailbox -ResultSize 1).Office"
Tool = Callable[..., tuple[dict[str, Any], str]]


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Principals:
    """Return who there is: Ada, who is responsible, and her agent."""
    who = Principals(tmp_path_factory.mktemp("principals") / "principals.toml")
    all_of_it = (Verb.WRITE, Verb.SIGN_IN, Verb.ANSWER, Verb.APPROVE, Verb.END, Verb.ADMINISTER)
    who.add("ada", grant(*all_of_it, tenant=EVERY))
    who.add("claude", grant(Verb.WRITE, Verb.ANSWER, tenant=EVERY), kind=Kind.AGENT)
    return who


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, people: Principals) -> Iterator[Server]:
    """The provider's server: two tenants that are signed in for everything, three in all."""
    folder = tmp_path_factory.mktemp("provider")
    tenants = folder / "tenants.toml"
    tenants.write_text(TENANTS % make_certificate(folder, days=12), encoding="utf-8")
    settings = {
        "PWSH_MANAGER_PRINCIPALS": str(people.file),
        "PWSH_MANAGER_TENANTS": str(tenants),
        PASSWORD: CERTIFICATE_PASSWORD,
    }
    one = Server(folder, settings).start()
    try:
        for tenant in (CONTOSO, FABRIKAM):
            assert one.sign_in(tenant)["state"] == "signed_in"
        yield one
    finally:
        one.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Give a browser."""
    assert CHROMIUM, "THE STORY WAS NOT TOLD: no Chromium (apt-get install chromium)"
    with sync_playwright() as playwright:
        one = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        expect.set_options(timeout=WAIT_MS)
        yield one
        one.close()


@pytest.fixture
def page(browser: Browser, server: Server, people: Principals) -> Iterator[Page]:
    """Give the page, to which Ada has signed in with the address that her terminal printed."""
    context = browser.new_context(base_url=server.url)
    one = context.new_page()
    one.set_default_timeout(WAIT_MS)
    one.goto(next(word for word in at_terminal(server, people, "page").split() if "code=" in word))
    one.get_by_role("button", name="Sign in").click()
    expect(one).to_have_url(f"{server.url}/")
    yield one
    context.close()


@pytest.fixture
def agent(server: Server, people: Principals) -> Iterator[Tool]:
    """Give the agent's tools over HTTP, with a token of its own: facts and text of each answer."""
    headers = {"Authorization": f"Bearer {people.tokens['claude']}"}

    async def called(tool: str, arguments: dict[str, Any]) -> CallToolResult:
        async with (
            asyncio.timeout(LIMIT),
            httpx2.AsyncClient(headers=headers, timeout=LIMIT, verify=False) as http,
            Client(streamable_http_client(f"{server.url}/mcp", http_client=http)) as client,
        ):
            return await client.call_tool(tool, arguments)

    with ThreadPoolExecutor(1) as thread:

        def use(tool: str, **arguments: Any) -> tuple[dict[str, Any], str]:
            answer = thread.submit(asyncio.run, called(tool, arguments)).result(LIMIT)
            [content] = answer.content
            assert isinstance(content, TextContent)
            return answer.structured_content or {}, content.text

        yield use


def at_terminal(server: Server, people: Principals, *words: str, who: str = "ada") -> str:
    """Return what a command of somebody's terminal prints."""
    environment = {**server.environment, "PWSH_MANAGER_TOKEN": people.tokens[who]}
    with ThreadPoolExecutor(1) as thread:  # Playwright has this thread's event loop
        said, problem, code = thread.submit(run_command, environment, *words).result(LIMIT)
    return said if code == 0 else f"refused: {problem}"


def asked(agent: Tool, office: str) -> str:
    """Ask for a change as the agent, and return the id of the run that waits."""
    command = f"Set-Mailbox {WHO} -Office {office}"
    facts, told = agent("pwsh_run", tenant=CONTOSO, command=command, reason="They have moved")
    assert facts["state"] == "waiting_for_approval", told
    assert "Nothing has run" in told
    return str(facts["run_id"])


def approval_on(page: Page, server: Server, office: str) -> str:
    """Go from what needs somebody to the approval; return its id."""
    page.goto("/")
    need = page.locator(".need", has_text=f"-Office {office}")
    expect(need).to_contain_text("agent:claude asks for an approval")
    need.get_by_role("link", name="Look at it and decide").click()
    expect(page.locator("pre.numbered")).to_contain_text(f"-Office {office}")
    expect(page.locator("main")).to_contain_text("They have moved")
    expect(page.locator("main")).to_contain_text(f"as admin@{CONTOSO}")
    return str(page.url).removeprefix(f"{server.url}/approvals/")


def office_in_contoso(agent: Tool) -> str:
    """Return what the agent reads after a change, in the session in which changes run: simulated
    ones stay there. What only reads needs no approval.
    """
    return agent("pwsh_run", tenant=CONTOSO, command=OFFICE)[1]


def test_the_sessions_that_read_are_signed_in_on_the_page(page: Page, server: Server) -> None:
    for tenant in (CONTOSO, FABRIKAM):
        page.goto(f"/page/sessions/sign-in?tenant={tenant}&module=exo&tier=read")
        page.get_by_role("button", name="Sign in").click()
        code = page.locator(".need.code", has_text=tenant).locator(".device").inner_text()
        server.approve(code, f"reader@{tenant}")
        cell = page.locator(".cell", has_text=f"reader@{tenant}")
        expect(cell.locator(".state")).to_have_text("signed in")  # without a reload
        expect(cell.locator(".tag")).to_have_text("reads")
    expect(page.locator(".need", has_text="adatum.com")).to_contain_text("ends in 11 days")


def test_the_agent_reads_everything_and_a_change_does_not_pass_for_reading(agent: Tool) -> None:
    for tenant in (CONTOSO, FABRIKAM):
        facts, told = agent("pwsh_read", tenant=tenant, command="Get-Mailbox -ResultSize 2")
        assert facts["state"] == "succeeded", told
    _, told = agent("pwsh_read", tenant=CONTOSO, command=f"Set-Mailbox {WHO} -Office Away")
    assert "Set-Mailbox changes something" in told
    _, told = agent("pwsh_read", tenant="adatum.com", command="Get-Mailbox")
    assert "read" in told


def test_a_change_waits_for_ada_who_reads_proves_and_approves(
    page: Page, server: Server, people: Principals, agent: Tool
) -> None:
    run = asked(agent, "Room-101")
    approval = approval_on(page, server, "Room-101")
    approve = page.get_by_role("button", name="Approve", exact=True)
    page.get_by_label("pwsh-kernels approvals code").fill("guessed")
    approve.click()
    expect(page.locator("main")).to_contain_text("the code is wrong")
    page.goto(f"/approvals/{approval}")
    code = at_terminal(server, people, "approvals", "code", approval).strip()
    page.get_by_label("pwsh-kernels approvals code").fill(code)
    approve.click()
    expect(page.get_by_role("status")).to_have_text("approved, has run")
    facts, told = agent("pwsh_wait", run_id=run)
    assert facts["run"]["state"] == "succeeded", told
    assert "Room-101" in office_in_contoso(agent)
    page.goto(f"/runs/{run}")
    page.get_by_role("link", name="Its records").click()
    records = page.locator(".records")
    for kind in ("approval.asked", "approval.approved", "approval.used", "run.ended"):
        expect(records).to_contain_text(kind)
    expect(records).to_contain_text("person:ada")
    expect(page.locator(".chain")).to_contain_text("are as written")


def test_a_second_change_is_declined_and_the_agent_is_told_why_and_does_not_ask_again(
    page: Page, server: Server, agent: Tool
) -> None:
    run = asked(agent, "Room-202")
    approval_on(page, server, "Room-202")
    page.get_by_label("Your words").fill("They stay where they are.")
    page.get_by_role("button", name="Decline").click()
    expect(page.get_by_role("status")).to_have_text("declined")
    facts, told = agent("pwsh_wait", run_id=run)
    assert facts["run"]["state"] == "cancelled"
    assert "They stay where they are." in told
    _, told = agent("pwsh_run", tenant=CONTOSO, command=f"Set-Mailbox {WHO} -Office Room-202")
    assert "declined" in told
    assert "Room-202" not in office_in_contoso(agent)


def test_the_agent_can_approve_nothing(
    page: Page, server: Server, people: Principals, agent: Tool
) -> None:
    run = asked(agent, "Room-303")
    approval = approval_on(page, server, "Room-303")
    for words in (("approvals", "code", approval), ("page",), ("approvals", "decline", approval)):
        assert at_terminal(server, people, *words, who="claude").startswith("refused: ")
    with server.http(Authorization=f"Bearer {people.tokens['claude']}") as http:
        digest = http.get(f"/approvals/{approval}").json()["digest"]
        answer = http.post(f"/approvals/{approval}/approve", json={"digest": digest})
        assert answer.status_code == 403
    agent("pwsh_answer", run_id=run, answer="yes")
    assert server.get(f"/runs/{run}")["state"] == "waiting_for_approval"
    assert "Room-303" not in office_in_contoso(agent)
    _, told = agent("pwsh_cancel", run_id=run)
    assert server.get(f"/runs/{run}")["state"] == "cancelled", told


def test_ada_stops_all_agents_which_still_read_and_lets_them_go_on(page: Page, agent: Tool) -> None:
    page.goto("/")
    page.get_by_role("link", name="Stop all agents").click()
    page.get_by_label("Why").fill("A wrong licence in 40 mailboxes")
    page.get_by_role("button", name="Stop agents").click()
    expect(page.locator(".frozen")).to_contain_text("Agents are stopped in all tenants")
    _, told = agent("pwsh_run", tenant=CONTOSO, command="Get-Mailbox -ResultSize 1")
    assert "A wrong licence in 40 mailboxes" in told
    assert agent("pwsh_read", tenant=CONTOSO, command=OFFICE)[0]["state"] == "succeeded"
    page.get_by_role("button", name="Let them go on").click()
    expect(page.locator(".frozen")).to_have_count(0)
    facts, told = agent("pwsh_run", tenant=CONTOSO, command="Get-Mailbox -ResultSize 1")
    assert facts["state"] == "succeeded", told
