"""A person hears of an approval, sees it as it is, and approves it only with a proof of being
there. Nothing that an agent or a session has is such a proof.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from pwsh_kernels.audit.files import named_lines
from pwsh_kernels.principals.principal import EVERY, Kind
from pwsh_kernels.principals.verbs import EVERY_VERB, PEOPLE_ONLY, Verb
from tests.fixtures.authenticator import Authenticator
from tests.fixtures.browser import Browser, Page, browser, signed_in
from tests.fixtures.cli import run_command
from tests.fixtures.principals import Principals, grant
from tests.fixtures.receivers import Hook, webhook
from tests.fixtures.server import CONTOSO, FABRIKAM, Server

pytestmark = pytest.mark.xdist_group("approvals-page")

RULES = f"""
[[tenant]]
name = "{CONTOSO}"
changes = {{ agent = "ask" }}

[[tenant]]
name = "{FABRIKAM}"
"""
AGENT = {"User-Agent": "pwsh-kernels-mcp/1.0 (claude-code)"}
CHANGE = "$global:{name} += 1; Set-Mailbox (Get-Mailbox -ResultSize 1).Alias -Office {name}"
SECRET = "$password = 'correct horse battery'; "
Json = dict[str, Any]


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Principals:
    """Return who has which rights."""
    who = Principals(tmp_path_factory.mktemp("principals") / "principals.toml")
    who.add("ada", grant(Verb.APPROVE, Verb.WRITE, tenant=EVERY))
    who.add("bob", grant(Verb.APPROVE, tenant=EVERY))
    who.add("reader", grant(Verb.READ, tenant=EVERY))
    who.add("other", grant(Verb.APPROVE, tenant=FABRIKAM))
    who.add("robot", grant(*(EVERY_VERB - PEOPLE_ONLY), tenant=EVERY), kind=Kind.AGENT)
    return who


@pytest.fixture(scope="module")
def hook() -> Iterator[Hook]:
    """The webhook that hears of approvals."""
    with webhook() as one:
        yield one


def asking(folder: Path, people: Principals, **more: str) -> Server:
    """Start a server whose tenant asks about the changes of agents, signed in."""
    (folder / "tenants.toml").write_text(RULES, encoding="utf-8")
    settings = {
        "PWSH_MANAGER_TENANTS": str(folder / "tenants.toml"),
        "PWSH_MANAGER_PRINCIPALS": str(people.file),
        **more,
    }
    one = Server(folder, settings).start()
    assert one.sign_in()["state"] == "signed_in"
    return one


@pytest.fixture(scope="module")
def server(
    powershell_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    people: Principals,
    hook: Hook,
) -> Iterator[Server]:
    """The server, which tells the webhook."""
    folder = tmp_path_factory.mktemp("server")
    one = asking(folder, people, PWSH_MANAGER_NOTIFY_WEBHOOK=hook.url)
    yield one
    one.close()


@pytest.fixture
def agent(server: Server) -> Iterator[httpx.Client]:
    """Give the door of an agent that acts for the owner; its requests are withdrawn afterwards."""
    with server.http(**AGENT) as http:
        yield http
    for run in server.get("/runs", state="waiting_for_approval")["runs"]:
        server.post(f"/runs/{run['run_id']}/cancel")


def ask(http: httpx.Client, name: str, before: str = "", reason: str = "she moved") -> Json:
    """Ask for a change, and return its run as it waits."""
    command = before + CHANGE.format(name=name)
    body = {"tenant": CONTOSO, "command": command, "reason": reason, "wait_s": 20}
    run: Json = http.post("/run", json=body).json()
    assert run["state"] == "waiting_for_approval", run
    return run


def ended(server: Server, run: Json) -> Json:
    """Return a run at its end."""
    seen = run
    while seen["state"] in ("waiting_for_approval", "queued", "running"):
        seen = server.get(f"/runs/{run['run_id']}", wait_s=20, seen=seen["state"])
    return seen


def page_of(one: Browser, run: Json) -> Page:
    return one.open(f"/approvals/{run['approval']['id']}")


def code_for(server: Server, run: Json, token: str = "") -> str:
    headers = {"Authorization": f"Bearer {token or server.token}"}
    with server.http(**headers) as http:
        answer = http.post(f"/approvals/{run['approval']['id']}/code", json={})
    return str(answer.raise_for_status().json()["code"])


def count(server: Server, name: str) -> str:
    """Return how often a change has run."""
    return str(server.run(f"[int]$global:{name}", format="text")["result"]).strip()


def heard(hook: Hook, run: Json) -> Json:
    """Return what the webhook was told of a run's approval."""
    while True:
        body = hook.next().json
        if body["approval"] == run["approval"]["id"]:
            return body


# -- how a person hears of it, and gets there ------------------------------------------------------


def test_a_notice_tells_what_waits_without_secrets_and_its_link_leads_to_the_page(
    server: Server, agent: httpx.Client, hook: Hook
) -> None:
    run = ask(agent, "told", before=SECRET, reason="rename; 'correct horse battery'")
    body = heard(hook, run)
    assert (body["tenants"], body["class"]) == ([CONTOSO], "unknown")
    assert body["requester"] == "token/agent:claude-code"
    assert "Set-Mailbox" in body["command"]
    assert "correct horse" not in str(body)
    assert server.token not in str(body)
    with browser(server) as stranger:
        page = stranger.open(body["link"].removeprefix(server.url))
        assert stranger.answer.status_code == 401
        assert "An approval waits" in page.text
        for hidden in ("Set-Mailbox", CONTOSO, "claude", "rename"):
            assert hidden not in page.text
        given = server.post("/page-codes")["code"]
        page = stranger.send(page.form("/sign-in"), code=given)
        page = stranger.send(page.form("/sign-in"))
    assert "Approve this change?" in page.text
    assert stranger.answer.url.path == f"/approvals/{body['approval']}"


@pytest.mark.parametrize("seal", ["", "x.y.z", "of another"])
def test_without_the_link_of_this_approval_a_stranger_learns_nothing_at_all(
    server: Server, agent: httpx.Client, hook: Hook, seal: str
) -> None:
    link = heard(hook, ask(agent, "sealed"))["link"]
    other = heard(hook, ask(agent, "other"))["link"]
    given = urlsplit(other).query if seal == "of another" else f"link={seal}"
    with browser(server) as stranger:
        page = stranger.open(f"{urlsplit(link).path}?{given}")
    assert stranger.answer.status_code == 401
    assert "An approval waits" not in page.text
    assert "pwsh-kernels page" in page.text


def test_a_sign_in_leads_to_approvals_only(server: Server) -> None:
    with browser(server) as one:
        code = server.post("/page-codes")["code"]
        page = one.open(f"/sign-in?code={code}&then=//evil.example")
        assert one.send(page.form("/sign-in")).html
        assert one.answer.url.path == "/"


# -- what is seen ----------------------------------------------------------------------------------


def test_what_waits_is_among_what_needs_whoever_may_decide(
    server: Server, agent: httpx.Client, people: Principals
) -> None:
    run = ask(agent, "seen")
    shown = {}
    for who in ("bob", "reader", "other"):
        with signed_in(server, people.tokens[who]) as one:
            found = page_of(one, run)
            shown[who] = (
                run["approval"]["id"] in one.open("/").html,
                run["approval"]["id"] in one.open("/approvals").html,
                "Decide" in found.text,
                one.open(f"/approvals/{run['approval']['id']}") and one.answer.status_code,
            )
    assert shown["bob"] == (True, True, True, 200)
    assert shown["reader"] == (False, True, False, 200)
    assert shown["other"] == (False, False, False, 404)


def test_the_page_shows_the_text_as_it_is_with_its_class_reasons_who_where_and_until_when(
    server: Server, agent: httpx.Client
) -> None:
    run = ask(
        agent, "shown", before="gci env: | % { $_ }; '\u202e<b>bold</b>'\n", reason="<i>x</i>"
    )
    with signed_in(server) as one:
        page = page_of(one, run)
    assert "Get-ChildItem env: | ForEach-Object" in page.text
    assert "<U+202E RIGHT-TO-LEFT OVERRIDE>" in page.text
    assert "<b>bold</b>" in page.text
    assert "<i>x</i>" in page.text
    assert not {"b", "i"} & set(page.tags)
    for said in ("the owner/agent:claude-code", f"{CONTOSO}:exo", "unknown", "Line 1", "UTC"):
        assert said in page.text, said
    assert "data-until" in page.attributes


# -- the proof -------------------------------------------------------------------------------------


def test_a_code_of_the_command_line_approves_this_change_once_and_it_runs(
    server: Server, agent: httpx.Client, people: Principals
) -> None:
    run = ask(agent, "coded")
    environment = {**server.environment, "PWSH_MANAGER_TOKEN": people.tokens["bob"]}
    said, told, _ = run_command(environment, "approvals", "code", run["approval"]["id"])
    assert told.startswith(f"On the page of {run['approval']['id']}, before ")
    code = said.strip()
    with signed_in(server, people.tokens["bob"]) as one:
        done = one.send(page_of(one, run).form("/approve"), code=code)
        assert "approved, has run" in done.text
        assert "Approved by person:bob" in done.text
    assert ended(server, run)["state"] == "succeeded"
    assert count(server, "coded") == "1"
    assert '"proof":"code"' in audit(server)


def test_a_code_is_good_for_no_other_change_and_for_nobody_else(
    server: Server, agent: httpx.Client, people: Principals
) -> None:
    first, second = ask(agent, "first"), ask(agent, "second")
    with signed_in(server, people.tokens["bob"]) as one:
        for code in (
            code_for(server, first, people.tokens["bob"]),
            code_for(server, second, people.tokens["ada"]),
            server.post("/page-codes")["code"],
            "made-up",
        ):
            said = one.send(page_of(one, second).form("/approve"), code=code)
            assert one.answer.status_code == 409
            assert "the code is wrong" in said.text
    assert count(server, "second") == "0"


def test_a_browser_that_is_signed_in_proves_nothing_by_that(
    server: Server, agent: httpx.Client
) -> None:
    run = ask(agent, "bare")
    with signed_in(server) as one:
        page = one.send(page_of(one, run).form("/approve"), code="")
    assert one.answer.status_code == 409
    assert "approve it with a passkey" in page.text
    assert count(server, "bare") == "0"


@pytest.mark.parametrize("who", ["reader", "robot"])
def test_who_may_not_approve_gets_no_code(
    server: Server, agent: httpx.Client, people: Principals, who: str
) -> None:
    run = ask(agent, "nocode")
    with people.client(server, who) as http:
        answer = http.post(f"/approvals/{run['approval']['id']}/code", json={})
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert agent.post(f"/approvals/{run['approval']['id']}/code", json={}).status_code == 403


def test_another_digest_than_the_one_that_was_shown_is_not_approved(
    server: Server, agent: httpx.Client
) -> None:
    run = ask(agent, "digest")
    code = code_for(server, run)
    with signed_in(server) as one:
        said = one.send(page_of(one, run).form("/approve"), code=code, digest="ab" * 32)
    assert "another change" in said.text
    assert count(server, "digest") == "0"


def test_a_person_declines_in_words_without_a_proof_and_who_asked_reads_them(
    server: Server, agent: httpx.Client
) -> None:
    run = ask(agent, "declined")
    with signed_in(server) as one:
        page = one.send(page_of(one, run).form("/decline"), words="not on a Friday")
    assert "not on a Friday" in page.text
    assert "Decide" not in page.text
    assert "not on a Friday" in ended(server, run)["error"]


def test_no_form_of_another_site_decides(server: Server, agent: httpx.Client) -> None:
    run = ask(agent, "forged")
    with signed_in(server) as one:
        form = page_of(one, run).form("/approve")
        for what in ("approve", "decline", "options"):
            path = f"/page/approvals/{run['approval']['id']}/{what}"
            sent = {**form.values, "code": code_for(server, run), "_xsrf": "wrong"}
            assert one.http.post(path, data=sent).status_code == 403
    assert server.get(f"/approvals/{run['approval']['id']}")["state"] == "pending"


# -- where sessions can read the token -------------------------------------------------------------


@pytest.fixture(scope="module")
def open_server(
    powershell_path: Path, tmp_path_factory: pytest.TempPathFactory, people: Principals
) -> Iterator[Server]:
    """A server whose sessions nothing confines."""
    folder = tmp_path_factory.mktemp("server")
    one = asking(folder, people, PWSH_MANAGER_CONFINE="off")
    yield one
    one.close()


def add_passkey(one: Browser, path: str, device: Authenticator) -> None:
    """Add a passkey, as the form and its script do."""
    form = one.open(path).form("/page/passkeys/add")
    wish = one.http.post("/page/passkeys/options", data=form.values)
    done = one.send(form, credential=device.create(wish.text), name="key")
    assert "Passkey added" in done.text


def test_only_a_passkey_proves_anything_where_sessions_can_read_the_token(
    open_server: Server, people: Principals
) -> None:
    with open_server.http(**AGENT) as http:
        run, other = ask(http, "keyed"), ask(http, "unkeyed")
    approval_id = run["approval"]["id"]
    refused = open_server.post(f"/approvals/{approval_id}/code")
    assert refused["code"] == "approval_needs_proof"
    local = open_server.url.replace("127.0.0.1", "localhost")
    with browser(open_server) as one:
        one.http.base_url = local
        device = Authenticator(origin=local, rp_id="localhost")
        add_passkey(one, open_server.post("/passkeys/code")["path"], device)
        page = one.open(open_server.post("/page-codes")["path"])
        one.send(page.form("/sign-in"))
        form = page_of(one, run).form("/approve")
        wish = one.http.post(f"/page/approvals/{approval_id}/options", data=form.values)
        answer = device.get(wish.text)
        elsewhere = one.send(page_of(one, other).form("/approve"), credential=answer)
        assert "answers nothing that was asked" in elsewhere.text
        wish = one.http.post(f"/page/approvals/{approval_id}/options", data=form.values)
        done = one.send(form, credential=device.get(wish.text))
    assert "approved, has run" in done.text
    assert ended(open_server, run)["state"] == "succeeded"
    assert '"proof":"passkey"' in audit(open_server)
    assert open_server.get(f"/approvals/{other['approval']['id']}")["state"] == "pending"


def test_no_token_adds_a_second_passkey_there_or_removes_the_first(
    open_server: Server, people: Principals
) -> None:
    ada = {"Authorization": f"Bearer {people.tokens['ada']}"}
    with open_server.http(**ada) as http, browser(open_server) as one:
        one.http.base_url = open_server.url.replace("127.0.0.1", "localhost")
        device = Authenticator(origin=str(one.http.base_url).rstrip("/"), rp_id="localhost")
        add_passkey(one, http.post("/passkeys/code", json={}).json()["path"], device)
        second = one.open(http.post("/passkeys/code", json={}).json()["path"])
        assert "adds only the first passkey" in second.text
        [key] = http.get("/passkeys").json()["passkeys"]
        refused = http.post("/passkeys/remove", json={"id": key["id"]}).json()
    assert refused["code"] == "passkeys_locked"
    assert open_server.data_dir.joinpath("passkeys").samefile(Path(refused["file"]).parent)


def test_who_may_not_decide_gets_nothing_to_sign(open_server: Server, people: Principals) -> None:
    with open_server.http(**AGENT) as http:
        run = ask(http, "unsigned")
    with signed_in(open_server, people.tokens["reader"]) as one:
        xsrf = re.search(r'name="_xsrf" value="([^"]+)"', page_of(one, run).html)
        assert xsrf
        path = f"/page/approvals/{run['approval']['id']}/options"
        answer = one.http.post(path, data={"_xsrf": xsrf[1]})
    assert answer.status_code == 409
    assert "does not wait for you" in answer.json()["error"]


def audit(server: Server) -> str:
    """Return the whole audit log."""
    folder = server.data_dir / "audit"
    return b"".join(line for _, lines in named_lines(folder) for line in lines).decode()
