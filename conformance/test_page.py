"""The pages for people in a headless Chromium: how they look, that axe-core finds nothing, what
happens by itself, and what works by keyboard and without script.

`make pictures` takes the pictures of docs/images/page here.
"""

import json
import shutil
from collections.abc import Callable, Iterator
from hashlib import sha256
from itertools import product
from typing import Any, Literal

import pytest
from node_packages import package_folder, pinned_version
from pictures import keep
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.fixtures.sandbox import CERTIFICATE_PASSWORD, make_certificate
from tests.fixtures.server import CONTOSO, FABRIKAM, Server

WAIT_MS = 40_000
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
DESK, PHONE = 1280, 390
HEIGHTS = {DESK: 900, PHONE: 844}
TOKEN = "a-token-of-an-agent"
PASSWORD = "PWSH_TEST_CERTIFICATE_PASSWORD"
Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
LOOKS = list(product((DESK, PHONE), SCHEMES))
PRINCIPALS = f"""
[[principal]]
name = "ada"
kind = "person"
token_sha256 = "{"0" * 64}"
expires = 2099-01-01T00:00:00Z
[[principal.grant]]
verbs = ["write", "answer", "sign_in", "approve"]
tenants = ["{CONTOSO}"]

[[principal]]
name = "claude"
kind = "agent"
token_sha256 = "{sha256(TOKEN.encode()).hexdigest()}"
expires = 2099-01-01T00:00:00Z
[[principal.grant]]
verbs = ["write"]
tenants = ["*"]
"""
TENANTS = f"""
[[tenant]]
name = "{CONTOSO}"
changes = {{ agent = "ask" }}
[[tenant]]
name = "adatum.com"
[tenant.exo]
route = "certificate"
client_id = "3750b40b-a68b-4632-9fb3-5b1aff664079"
certificate_file = "%s"
certificate_password = {{ env = "{PASSWORD}" }}
"""
CHANGE = "Set-Mailbox adele.gupta -Office 'Zürich'"
LONG = "1..4000 | % { Write-Progress -Activity 'Counting mailboxes' -Status \"$_ of 4000\""
LONG += ' -PercentComplete ($_ / 40); "mailbox $_"; Start-Sleep -Milliseconds 100 }'
MIXED = "Write-Warning 'Only some are shown.'; 'one'; Write-Error 'It <b>broke</b>.'; 'two'"
TABLE = "Get-Mailbox -ResultSize 4 | Select-Object DisplayName, PrimarySmtpAddress, Database"
CHOICE = "$Host.UI.PromptForChoice('Delete mailbox',"
CHOICE += " 'Delete adele.gupta@fabrikam.example and its archive?', @('&Yes', '&No'), 1)"
CREDENTIAL = "(Get-Credential -Message 'Account of the old tenant' -UserName admin@old.example)"
FOLD = "document.querySelectorAll('details[open]').forEach(one => { one.open = false })"
"""Paths of this machine belong into no picture."""
AXE = "axe.run().then(r => JSON.stringify(r.violations.map(v => [v.id, v.nodes.map(n => n.html)])))"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server on which there is something of everything that the pages show."""
    folder = tmp_path_factory.mktemp("page")
    principals = folder / "principals.toml"
    principals.touch(mode=0o600)
    principals.write_text(PRINCIPALS, encoding="utf-8")
    tenants = folder / "tenants.toml"
    tenants.write_text(TENANTS % make_certificate(folder, days=12), encoding="utf-8")
    settings = {"PWSH_MANAGER_PRINCIPALS": str(principals), "PWSH_MANAGER_TENANTS": str(tenants)}
    one = Server(folder, {**settings, PASSWORD: CERTIFICATE_PASSWORD}).start()
    try:
        for tenant, module in ((CONTOSO, "exo"), (CONTOSO, "graph"), (FABRIKAM, "exo")):
            assert one.sign_in(tenant, module=module)["state"] == "signed_in"
        one.post("/login", tenant=FABRIKAM, module="teams", wait_s=30)
        one.run(CHOICE, FABRIKAM, wait_s=1)
        one.run(CREDENTIAL, module="graph", wait_s=1)
        ask_for_a_change(one)
        yield one
    finally:
        one.close()


def ask_for_a_change(server: Server) -> None:
    """Ask for a change as an agent, which a person must approve."""
    change = {"tenant": CONTOSO, "command": CHANGE, "format": "text", "wait_s": 1}
    with server.http(Authorization=f"Bearer {TOKEN}") as agent:
        agent.post("/run", json=change)


@pytest.fixture(scope="module")
def runs(server: Server) -> dict[str, str]:
    """Return the addresses of a run of each kind."""
    table = server.run(TABLE, format="json")
    mixed = server.run(MIXED, format="text")
    going = server.run(LONG, format="text", wait_s=0)
    named = {"table": table, "mixed": mixed, "going": going}
    return {name: f"/runs/{run['run_id']}" for name, run in named.items()}


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Give a browser."""
    assert CHROMIUM, "THE PAGES WERE NOT LOOKED AT: no Chromium (apt-get install chromium)"
    with sync_playwright() as playwright:
        one = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        expect.set_options(timeout=WAIT_MS)
        yield one
        one.close()


def signed_in(chromium: Browser, server: Server, **more: Any) -> Page:
    """Return a page that was signed in with a code, as a person does it."""
    context = chromium.new_context(base_url=server.url, **more)
    page = context.new_page()
    page.set_default_timeout(WAIT_MS)
    page.goto(server.post("/page-codes")["path"])
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(f"{server.url}/")
    return page


@pytest.fixture
def page(chromium: Browser, server: Server) -> Iterator[Page]:
    """Give a page of the owner's."""
    one = signed_in(chromium, server)
    yield one
    one.context.close()


def complaints_of(page: Page) -> list[str]:
    """Return a list that gets whatever a browser complains about: our policy, errors of scripts."""
    found: list[str] = []
    page.on("console", lambda said: found.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: found.append(str(error)))
    return found


def axe(context: BrowserContext, page: Page) -> list[Any]:
    """Return what axe-core finds; it is told to the browser from outside, past the policy."""
    source = (package_folder("axe-core") / "axe.min.js").read_text(encoding="utf-8")
    session = context.new_cdp_session(page)
    session.send("Runtime.evaluate", {"expression": source})
    asked = {"expression": AXE, "awaitPromise": True, "returnByValue": True}
    found: list[Any] = json.loads(session.send("Runtime.evaluate", asked)["result"]["value"])
    return found


def look(page: Page, path: str, name: str, ready: str) -> None:
    """Look at a page in each width and theme: no overflow, no complaint, nothing for axe."""
    complaints = complaints_of(page)
    for width, scheme in LOOKS:
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": HEIGHTS[width]})
        page.goto(path)
        page.locator(ready).first.wait_for()
        where = f"{path} {width} {scheme}"
        assert page.evaluate("document.documentElement.scrollWidth") <= width, where
        assert axe(page.context, page) == [], where
        page.evaluate(FOLD)
        keep(page.screenshot(full_page=True), f"{name}-{width}-{scheme}")
    assert complaints == []


PLACES = {
    "sessions": ("/", ".need.code"),
    "sign-out": (f"/page/sessions/sign-out?tenant={CONTOSO}&module=exo", "h1"),
    "sign-in": (f"/page/sessions/sign-in?tenant={CONTOSO}", "form.stack"),
    "freeze": ("/page/freeze", "h1"),
    "runs": ("/runs", ".runs"),
    "run-form": ("/page/run", "textarea"),
    "audit": ("/audit", ".records"),
    "principals": ("/principals", ".cell"),
    "revoke": ("/principals/revoke?id=person:ada", "h1"),
    "start": ("/start", "#next-title"),
    "table": ("table", "table"),
    "mixed": ("mixed", ".record.error"),
    "going": ("going", "progress"),
}


@pytest.mark.proof("axe-core", pinned_version("axe-core"), "product, the pages")
def test_every_page_fits_and_axe_finds_nothing(
    page: Page, runs: dict[str, str], prove: Callable[[str], None]
) -> None:
    for name, (path, ready) in PLACES.items():
        look(page, runs.get(path, path), name, ready)
    prove(f"{len(PLACES)} pages, {PHONE} and {DESK} px wide, light and dark: 0 violations")


def test_the_way_in_is_as_good(chromium: Browser, server: Server) -> None:
    context = chromium.new_context(base_url=server.url)
    page = context.new_page()
    complaints = complaints_of(page)
    for path in ("/", server.post("/page-codes")["path"], "/sign-in?code=wrong"):
        page.goto(path)
        assert axe(context, page) == [], path
    assert [one for one in complaints if "status of 40" not in one] == []
    context.close()


def test_each_visit_follows_what_happens(page: Page) -> None:
    for _ in range(10):
        with page.expect_request("**/page/stream"):
            page.goto("/")


def test_a_field_that_somebody_fills_in_survives_what_happens(page: Page, server: Server) -> None:
    password = page.locator(".need input[type=password]")
    password.fill("typed")
    server.post("/login", tenant=CONTOSO, module="teams", wait_s=0)
    expect(page.locator(".need.code", has_text=CONTOSO)).to_be_visible()
    expect(password).to_have_value("typed")
    expect(password).to_be_focused()
    server.post("/disconnect", tenant=CONTOSO, module="teams")


def test_a_run_s_output_comes_by_itself_once_and_its_buttons_go_with_it(
    page: Page, server: Server, runs: dict[str, str]
) -> None:
    server.post(f"{runs['going']}/cancel")
    page.goto("/page/run")
    page.get_by_label("Session").select_option(f"{CONTOSO}:exo")
    page.get_by_role("textbox", name="Command").fill(
        "'<b>first</b>'; Start-Sleep 1; 'second'; Write-Error 'third'"
    )
    page.get_by_role("button", name="Run").click()
    output = page.get_by_role("log")
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    expect(page.locator("#run-state .state")).to_have_text("failed")
    expect(page.get_by_role("button", name="Stop")).to_have_count(0)
    expect(output.locator(".record.error")).to_have_count(1)
    assert output.inner_text().count("<b>first</b>") == 1
    assert output.inner_text().count("second") == 1


def test_the_time_that_a_code_has_left_is_counted(page: Page) -> None:
    left = page.locator("[data-until]").first
    expect(left).to_contain_text("left)")
    before = left.inner_text()
    expect(left).not_to_have_text(before)


def test_everything_is_reached_by_keyboard_in_the_order_in_which_it_stands(page: Page) -> None:
    page.keyboard.press("Tab")
    expect(page.get_by_text("Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    reached = []
    for _ in range(60):
        page.keyboard.press("Tab")
        facts = page.evaluate(
            "(() => { const one = document.activeElement; const box = one.getBoundingClientRect();"
            " return [one.innerText || one.name || one.tagName,"
            " getComputedStyle(one).outlineStyle, box.top + scrollY]; })()"
        )
        if facts[0] in {"BODY", ""} or "Skip to" in facts[0]:
            break
        reached.append(facts)
    texts = [text for text, _, _ in reached]
    for wanted in ("Yes", "No", "Answer", "Run a command in contoso.example:exo"):
        assert any(wanted in text.replace("\n", " ") for text in texts), (wanted, texts)
    assert {outline for _, outline, _ in reached} == {"solid"}


def test_without_script_a_person_signs_in_runs_and_answers(
    chromium: Browser, server: Server
) -> None:
    page = signed_in(chromium, server, java_script_enabled=False)
    page.goto(f"/page/run?session={CONTOSO}:exo")
    page.get_by_role("textbox", name="Command").fill("'got ' + (Read-Host 'Your name')")
    page.get_by_role("button", name="Run").click()
    run = page.url.rpartition("/")[2]
    server.until(lambda: server.get(f"/runs/{run}")["prompt"])
    page.reload()
    page.get_by_role("textbox", name="Answer").fill("ada")
    page.get_by_role("button", name="Answer", exact=True).click()
    server.until(lambda: server.get(f"/runs/{run}")["state"] == "succeeded")
    page.reload()
    expect(page.get_by_role("log")).to_contain_text("got ada")
    page.context.close()
