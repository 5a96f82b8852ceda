"""Approvals in a headless Chromium: a passkey of a device that the browser simulates, how the pages
look, and the way without script.
"""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
import test_page
from playwright.sync_api import Browser, expect
from test_page import complaints_of, look, signed_in

from tests.fixtures.server import CONTOSO, Server

RULES = f"""
[[tenant]]
name = "{CONTOSO}"
changes = {{ agent = "ask" }}
"""
AGENT = {"User-Agent": "pwsh-kernels-mcp/1.0 (claude-code)"}
CHANGE = """# The sales team moves
$who = Get-Mailbox -ResultSize 3
$who | % { Set-Mailbox $_.Alias -Office 'Bern' }"""
REASON = "The sales team moves to Bern on Monday (ticket 4711)."

chromium = test_page.chromium


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose tenant asks about the changes of agents, at the name for which browsers keep
    passkeys.
    """
    folder = tmp_path_factory.mktemp("approvals")
    (folder / "tenants.toml").write_text(RULES, encoding="utf-8")
    one = Server(folder, {"PWSH_MANAGER_TENANTS": str(folder / "tenants.toml")}).start()
    try:
        assert one.sign_in()["state"] == "signed_in"
        one.url = one.url.replace("127.0.0.1", "localhost")
        yield one
    finally:
        one.close()


@pytest.fixture
def run(server: Server) -> Iterator[dict[str, Any]]:
    """A change of an agent, which waits; it is taken back afterwards."""
    asked = ask(server)
    yield asked
    server.post(f"/runs/{asked['run_id']}/cancel")


def ask(server: Server) -> dict[str, Any]:
    """Ask for another change than the ones before, as an agent."""
    command = f"{CHANGE} # {uuid4().hex[:8]}"
    body = {"tenant": CONTOSO, "command": command, "reason": REASON, "wait_s": 20}
    with server.http(**AGENT) as http:
        asked: dict[str, Any] = http.post("/run", json=body).json()
    assert asked["state"] == "waiting_for_approval", asked
    return asked


class Person:
    """Somebody who is signed in, with a device that the browser simulates and that knows them."""

    def __init__(self, chromium: Browser, server: Server) -> None:
        self.page = signed_in(chromium, server)
        self.device = self.page.context.new_cdp_session(self.page)
        self.device.send("WebAuthn.enable")
        facts = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True}
        facts |= {"hasUserVerification": True, "isUserVerified": True}
        options = {**facts, "automaticPresenceSimulation": True}
        made = self.device.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        self.device_id = made["authenticatorId"]

    def verified(self, *, yes: bool) -> None:
        """Say whether the device recognises who holds it."""
        facts = {"authenticatorId": self.device_id, "isUserVerified": yes}
        self.device.send("WebAuthn.setUserVerified", facts)


@pytest.fixture(scope="module")
def person(chromium: Browser, server: Server) -> Iterator[Person]:
    """Somebody with a passkey, which they have added as people do."""
    one = Person(chromium, server)
    one.page.goto(server.post("/passkeys/code")["path"])
    one.page.get_by_label("Its name").fill("This laptop")
    one.page.get_by_role("button", name="Add a passkey").click()
    expect(one.page.get_by_role("heading", name="Passkey added")).to_be_visible()
    yield one
    one.page.context.close()


def test_a_passkey_approves_what_was_looked_at(
    person: Person, server: Server, run: dict[str, Any]
) -> None:
    page, complaints = person.page, complaints_of(person.page)
    page.goto("/")
    page.get_by_role("link", name="Look at it and decide").click()
    expect(page.get_by_text(REASON)).to_be_visible()
    expect(page.get_by_text("ForEach-Object")).to_be_visible()
    page.get_by_role("button", name="Approve with a passkey").click()
    expect(page.get_by_role("status")).to_have_text("approved, has run")
    server.until(lambda: server.get(f"/runs/{run['run_id']}")["state"] == "succeeded")
    page.goto("/passkeys")
    expect(page.get_by_text("just now")).to_be_visible()
    assert complaints == []


def test_a_device_that_does_not_recognise_its_holder_approves_nothing(
    person: Person, run: dict[str, Any]
) -> None:
    page = person.page
    person.verified(yes=False)
    page.goto(f"/approvals/{run['approval']['id']}")
    page.get_by_role("button", name="Approve with a passkey").click()
    expect(page.get_by_role("alert")).to_contain_text("gave no answer")
    expect(page.get_by_role("status")).to_have_text("waits")
    person.verified(yes=True)


def test_the_time_that_is_left_is_counted(person: Person, run: dict[str, Any]) -> None:
    person.page.goto(f"/approvals/{run['approval']['id']}")
    left = person.page.locator("[data-until]")
    expect(left).to_contain_text("left)")
    before = left.inner_text()
    expect(left).not_to_have_text(before)


def test_a_request_comes_to_the_first_page_by_itself(person: Person, server: Server) -> None:
    page = person.page
    page.goto("/")
    expect(page.get_by_role("link", name="Look at it and decide")).to_have_count(0)
    asked = ask(server)
    expect(page.get_by_role("link", name="Look at it and decide")).to_be_visible()
    server.post(f"/runs/{asked['run_id']}/cancel")
    expect(page.get_by_role("link", name="Look at it and decide")).to_have_count(0)


def test_every_page_fits_and_axe_finds_nothing(
    person: Person, server: Server, run: dict[str, Any]
) -> None:
    approval = f"/approvals/{run['approval']['id']}"
    add = server.post("/passkeys/code")["path"]
    places = {
        "needs-approval": ("/", ".need"),
        "approval": (approval, ".decisions"),
        "approvals": ("/approvals", ".runs"),
        "passkeys": ("/passkeys", ".cell"),
        "passkey-add": (add, "form.stack button"),
    }
    for name, (path, ready) in places.items():
        look(person.page, path, name, ready)
    server.post(f"{approval}/decline", reason="not before Monday")
    look(person.page, approval, "approval-declined", ".note")


def test_without_script_a_code_approves(
    chromium: Browser, server: Server, run: dict[str, Any]
) -> None:
    page = signed_in(chromium, server, java_script_enabled=False)
    approval = f"/approvals/{run['approval']['id']}"
    page.goto(approval)
    expect(page.get_by_role("button", name="Approve with a passkey")).to_have_count(0)
    expect(page.get_by_text("in 14 min")).to_be_visible()
    page.get_by_label("pwsh-kernels approvals code").fill(server.post(f"{approval}/code")["code"])
    page.get_by_role("button", name="Approve", exact=True).click()
    expect(page.get_by_role("status")).to_have_text("approved, has run")
    page.context.close()
