"""The sandbox's sign-in page over real HTTP, with the authority's real files; PowerShell's half is
written by the test.
"""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from tornado.web import Application

from pwsh_kernels.sandbox import Authority
from pwsh_kernels.web.sandbox.guess_limit import MAX_WRONG
from pwsh_kernels.web.sandbox.page import (
    is_in,
    is_loopback,
    is_loopback_host,
    sandbox_rules,
)

CODE = "ABCD12345"


@pytest_asyncio.fixture
async def browser(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a server that has only the page."""
    authority = Authority(tmp_path)
    authority.prepare("http://127.0.0.1/sandbox/devicelogin")
    server = HTTPServer(Application(sandbox_rules(authority, "/"), xsrf_cookies=True))
    socket, port = bind_unused_port()
    server.add_sockets([socket])
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{port}", timeout=10, verify=False
    ) as client:
        yield client
    server.stop()


def show_code(folder: Path, code: str = CODE, *, minutes: int = 15, **more: str) -> Path:
    """Do what Connect-ExchangeOnline of the sandbox does before it prints a code."""
    file = folder / "codes" / f"{code}.json"
    expires_at = datetime.now(UTC) + timedelta(minutes=minutes)
    facts = {
        "code": code,
        "tenant": "contoso.example",
        "state": "pending",
        "account": None,
        "expires_at": expires_at.isoformat(),
        **more,
    }
    file.write_text(json.dumps(facts), encoding="utf-8")
    return file


async def send(browser: httpx.AsyncClient, **form: str) -> httpx.Response:
    """Send the page's form."""
    return await browser.post("/sandbox/devicelogin", data=form)


async def test_a_person_types_the_code_chooses_an_account_and_is_signed_in(
    browser: httpx.AsyncClient, tmp_path: Path
) -> None:
    file = show_code(tmp_path)
    assert "Enter code" in (await browser.get("/sandbox/devicelogin")).text
    choose = await send(browser, code=" abcd 12345 ", action="next")
    assert all(
        name in choose.text
        for name in ("admin@contoso.example", "admin@fabrikam.example", "contoso.example</strong>")
    )
    done = await send(browser, code=CODE, account="admin@contoso.example", action="approve")
    assert "You are signed in as admin@contoso.example" in done.text
    facts = json.loads(file.read_text(encoding="utf-8"))
    assert (facts["state"], facts["account"]) == ("approved", "admin@contoso.example")


async def test_declining_signs_nobody_in(browser: httpx.AsyncClient, tmp_path: Path) -> None:
    file = show_code(tmp_path)
    declined = await send(browser, code=CODE, action="decline")
    assert "You declined" in declined.text
    facts = json.loads(file.read_text(encoding="utf-8"))
    assert (facts["state"], facts["account"]) == ("declined", None)


async def test_an_account_must_be_chosen(browser: httpx.AsyncClient, tmp_path: Path) -> None:
    file = show_code(tmp_path)
    answers = [
        await send(browser, code=CODE, action="approve"),
        await send(browser, code=CODE, action="approve", account="x@y"),
    ]
    assert [one.status_code for one in answers] == [400, 400]
    assert "Choose an account." in answers[0].text
    assert json.loads(file.read_text(encoding="utf-8"))["state"] == "pending"


async def test_a_code_works_once(browser: httpx.AsyncClient, tmp_path: Path) -> None:
    show_code(tmp_path)
    await send(browser, code=CODE, account="admin@contoso.example", action="approve")
    again = await send(browser, code=CODE)
    assert again.status_code == 400
    assert "already used" in again.text


async def test_an_expired_code_is_refused(browser: httpx.AsyncClient, tmp_path: Path) -> None:
    show_code(tmp_path, minutes=-1)
    assert "expired" in (await send(browser, code=CODE)).text


async def test_a_blocked_account_learns_why(browser: httpx.AsyncClient, tmp_path: Path) -> None:
    show_code(tmp_path)
    answer = await send(browser, code=CODE, account="blocked@contoso.example", action="approve")
    assert "AADSTS53003" in answer.text


async def test_the_page_says_which_application_asks(
    browser: httpx.AsyncClient, tmp_path: Path
) -> None:
    show_code(tmp_path, client="Microsoft <Azure> PowerShell")
    assert (
        "<strong>Microsoft &lt;Azure&gt; PowerShell</strong>, in a PowerShell session"
        in (await send(browser, code=CODE)).text
    )


async def test_a_code_that_conditional_access_refuses_signs_nobody_in(
    browser: httpx.AsyncClient, tmp_path: Path
) -> None:
    show_code(tmp_path, refusal="AADSTS530036: device codes are blocked")
    answer = await send(browser, code=CODE, account="admin@contoso.example", action="approve")
    assert "AADSTS530036" in answer.text
    assert "You are signed in" not in answer.text


async def test_codes_cannot_be_guessed_in_bulk(browser: httpx.AsyncClient, tmp_path: Path) -> None:
    show_code(tmp_path)
    wrong = [await send(browser, code=f"WRONG{number:04}") for number in range(MAX_WRONG)]
    assert {one.status_code for one in wrong} == {400}
    right = await send(browser, code=CODE)
    assert right.status_code == 429
    assert 1 <= int(right.headers["Retry-After"]) <= 60


async def test_what_a_person_typed_is_never_shown_as_markup_or_used_as_a_path(
    browser: httpx.AsyncClient, tmp_path: Path
) -> None:
    (tmp_path / "outside.json").write_text("{}", encoding="utf-8")
    answers = [await send(browser, code=code) for code in ("../outside", "<b>bold</b>", "\x00", "")]
    assert {one.status_code for one in answers} == {400}
    assert all("<b>bold" not in one.text for one in answers)


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://127.0.0.1"])
async def test_a_form_of_another_site_is_refused(
    browser: httpx.AsyncClient, tmp_path: Path, origin: str
) -> None:
    file = show_code(tmp_path)
    form = {"code": CODE, "account": "admin@contoso.example", "action": "approve"}
    answer = await browser.post("/sandbox/devicelogin", data=form, headers={"Origin": origin})
    assert answer.status_code == 403
    assert json.loads(file.read_text(encoding="utf-8"))["state"] == "pending"


async def test_the_page_s_own_form_is_taken(browser: httpx.AsyncClient, tmp_path: Path) -> None:
    show_code(tmp_path)
    own = {"Origin": str(browser.base_url).rstrip("/")}
    assert (
        await browser.post("/sandbox/devicelogin", data={"code": CODE}, headers=own)
    ).status_code == 200


async def test_another_host_name_finds_nothing(browser: httpx.AsyncClient) -> None:
    assert (
        await browser.get("/sandbox/devicelogin", headers={"Host": "evil.example"})
    ).status_code == 404


async def test_the_page_needs_no_script_and_loads_nothing(browser: httpx.AsyncClient) -> None:
    page = await browser.get("/sandbox/devicelogin")
    assert not any(
        word in page.text for word in ("<script", "<link", "<img", "http://", "https://")
    )
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert "Simulation" in page.text


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:5100", "127.0.0.1:80", "[::1]:5100", "LOCALHOST"]
)
def test_names_of_this_machine_are_known(host: str) -> None:
    assert is_loopback_host(host)


@pytest.mark.parametrize(
    "host",
    [
        "",
        "evil.example",
        "localhost.evil.example",
        "10.0.0.1",
        "127.0.0.1.evil",
        "[::1",
        "1.2.3.4:x",
    ],
)
def test_other_names_are_not_this_machine(host: str) -> None:
    assert not is_loopback_host(host)


def test_other_machines_are_not_this_one() -> None:
    assert not is_loopback("192.0.2.1")
    assert not is_loopback("")


@pytest.mark.parametrize(("address", "near"), [("172.17.0.1", True), ("172.32.0.1", False)])
def test_a_network_of_the_settings_counts_as_this_machine(address: str, near: bool) -> None:
    assert is_in(address, [ip_network("10.0.0.0/8"), ip_network("172.16.0.0/12")]) is near


def test_without_a_setting_no_other_machine_sees_the_page() -> None:
    assert not is_in("172.17.0.1", ())
    assert not is_in("", [ip_network("0.0.0.0/0")])


async def test_another_host_name_finds_nothing_from_a_network_of_the_settings_either(
    tmp_path: Path,
) -> None:
    rules = sandbox_rules(Authority(tmp_path), "/", [ip_network("127.0.0.0/8")])
    server = HTTPServer(Application(rules))
    socket, port = bind_unused_port()
    server.add_sockets([socket])
    async with httpx.AsyncClient(timeout=10, verify=False) as client:
        page = f"http://127.0.0.1:{port}/sandbox/devicelogin"
        assert (await client.get(page)).status_code == 200
        assert (await client.get(page, headers={"Host": "evil.example"})).status_code == 404
    server.stop()
