"""A browser signs in with a code of the command line: once, soon, and as whoever asked."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from pwsh_kernels.errors import PageCodeRefused, PageForPeople
from pwsh_kernels.principals.principal import OWNER, Kind, Principal, derived_agent
from pwsh_kernels.web.page_codes import LIFE, MOST, PageCodes
from pwsh_kernels.web.pages.page_handler import POLICY
from tests.fixtures.browser import browser, signed_in
from tests.fixtures.principals import Principals
from tests.fixtures.server import CONTOSO, FABRIKAM, Server

pytestmark = pytest.mark.xdist_group("principals")
AGENT = Principal("claude", Kind.AGENT)
PERSON = Principal("ada", Kind.PERSON)


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.time = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time


def test_a_code_is_good_once_and_only_for_five_minutes() -> None:
    clock = Clock()
    codes = PageCodes(clock)
    first, second = codes.issue(OWNER), codes.issue(PERSON)
    assert codes.redeem(first.code) == OWNER
    with pytest.raises(PageCodeRefused):
        codes.redeem(first.code)
    clock.time += LIFE - timedelta(seconds=1)
    assert codes.whose(second.code) == PERSON
    clock.time += timedelta(seconds=1)
    with pytest.raises(PageCodeRefused):
        codes.redeem(second.code)
    with pytest.raises(PageCodeRefused):
        codes.redeem("")


def test_the_code_itself_is_kept_nowhere_and_old_ones_make_room() -> None:
    codes = PageCodes()
    given = [codes.issue(OWNER) for _ in range(MOST + 1)]
    assert given[1].code not in repr(vars(codes)) + repr(given)
    assert codes.whose(given[1].code) == OWNER
    with pytest.raises(PageCodeRefused):
        codes.whose(given[0].code)


@pytest.mark.parametrize("one", [AGENT, derived_agent(OWNER, "x"), Principal("s", Kind.SCRIPT)])
def test_no_agent_and_no_script_gets_a_code(one: Principal) -> None:
    with pytest.raises(PageForPeople):
        PageCodes().issue(one)


@pytest.mark.parametrize("agent", ["pwsh-kernels-mcp/1", "pwsh-kernels-mcp/1 (claude-code)"])
def test_an_mcp_client_with_the_owner_s_token_gets_no_code(guarded: Server, agent: str) -> None:
    with guarded.http(**{"User-Agent": agent}) as http:
        answer = http.post("/page-codes", json={})
    assert (answer.status_code, answer.json()["code"]) == (403, "page_for_people")


def test_an_agent_s_token_opens_no_page(guarded: Server, principals: Principals) -> None:
    with principals.client(guarded, "writer", Accept="text/html") as http:
        answer = http.get("/")
    assert answer.status_code == 403
    assert "no person" in answer.text


def test_the_command_line_prints_an_address_that_signs_a_browser_in_once(guarded: Server) -> None:
    command = [sys.executable, "-m", "pwsh_kernels", "page"]
    done = subprocess.run(
        command, env=guarded.environment, capture_output=True, text=True, check=True, timeout=60
    )
    address = done.stdout.strip()
    assert address.startswith(f"{guarded.url}/sign-in?code=")
    assert guarded.token not in done.stdout + done.stderr
    with browser(guarded) as one:
        page = one.open(address)
        assert "the owner" in page.text
        one.open(address)  # looking does not use it up
        assert "Sessions" in one.send(page.form("/sign-in")).text
        assert str(one.answer.url) == f"{guarded.url}/"
    with browser(guarded) as other:
        other.open(address)
        assert other.answer.status_code == 403
        assert other.send(page.form("/sign-in")).text
        assert other.answer.status_code == 403


def test_a_used_a_wrong_and_no_code_sign_nobody_in(guarded: Server) -> None:
    with browser(guarded) as one:
        form = one.open("/sign-in").forms[0]
        assert one.answer.status_code == 401
        assert "another one" in one.send(form, code="wrong").text
        assert one.answer.status_code == 403
        one.open("/")
        assert one.answer.status_code == 401


def test_a_code_ends_with_the_token_of_whoever_asked(
    guarded: Server, principals: Principals
) -> None:
    with principals.client(guarded, "student") as http:
        code = http.post("/page-codes", json={}).json()
    principals.rotate("student")
    with browser(guarded) as one:
        one.open(code["path"])
        assert one.answer.status_code == 403
    with signed_in(guarded, principals.tokens["student"]) as one:
        principals.rotate("student")
        one.open("/")
        assert one.answer.status_code == 401


def test_the_cookie_is_the_browser_s_alone_and_signing_out_takes_it(guarded: Server) -> None:
    with signed_in(guarded) as one:
        set_by = one.answer.history[0].headers.get_list("set-cookie")
        mine = next(line for line in set_by if line.startswith("username-"))
        assert "HttpOnly" in mine
        assert "SameSite=Strict" in mine
        one.send(one.open("/").form("/sign-out"))
        one.open("/")
        assert one.answer.status_code == 401


def test_nobody_signs_out_or_in_by_a_form_of_another_site(guarded: Server) -> None:
    with signed_in(guarded) as one:
        assert one.http.post("/sign-out", data={}).status_code == 403
        assert one.http.post("/sign-in", data={"code": "x"}).status_code == 403
        assert one.open("/").form("/sign-out").values["_xsrf"]


def test_a_person_without_jupyter_has_the_page_and_sees_only_what_rest_shows_them(
    guarded: Server, principals: Principals
) -> None:
    with signed_in(guarded, principals.tokens["looker"]) as one:
        page = one.open("/")
        assert CONTOSO in page.text
        assert FABRIKAM not in page.html
        assert "person:looker" in page.text
        assert "/page/sessions/sign-in" not in page.html  # it may not sign in
        assert one.http.get("/api/kernels").status_code == 403


def test_a_token_in_the_address_is_taken_and_leaves_it(guarded: Server) -> None:
    with browser(guarded) as one:
        page = one.open(f"/?token={guarded.token}")
        assert str(one.answer.url) == f"{guarded.url}/"
        assert guarded.token not in page.html
        assert CONTOSO in page.text


@pytest.mark.parametrize("path", ["/", "/sign-in", "/runs", "/page/run", "/page/stream"])
def test_every_page_has_the_policy_and_shows_a_stranger_only_how_to_sign_in(
    guarded: Server, path: str
) -> None:
    with browser(guarded) as one:
        page = one.open(path)
        headers = one.answer.headers
    assert one.answer.status_code == 401
    assert headers["Content-Security-Policy"] == POLICY
    assert (headers["Cache-Control"], headers["X-Content-Type-Options"]) == ("no-store", "nosniff")
    assert "pwsh-kernels page" in page.text
    assert CONTOSO not in page.html


def test_nothing_of_a_page_is_inline_and_every_file_of_it_is_ours(guarded: Server) -> None:
    with signed_in(guarded) as one:
        for path in ("/", "/runs", "/page/run", "/page/sessions/sign-in"):
            page = one.open(path)
            assert one.answer.headers["Content-Security-Policy"] == POLICY
            assert "style" not in page.tags
            assert "style" not in page.attributes
            assert not [name for name in page.attributes if name.startswith("on")]
            assert page.html.count("<script src=") == page.tags.count("script") == 3
        for name in ("page.css", "page.js", "htmx-4.0.1.min.js", "icon.svg"):
            assert one.http.get(f"/page/assets/{name}").status_code == 200
        assert one.http.get("/page/assets/../page_handler.py").status_code in {403, 404}


def test_a_program_at_the_same_address_gets_json(guarded: Server) -> None:
    page = httpx.get(f"{guarded.url}/runs", headers={"Accept": "text/html"}, trust_env=False)
    assert page.headers["content-type"].startswith("text/html")
    for headers in ({}, {"Accept": "application/json"}, {"Authorization": "Bearer x"}):
        answer = httpx.get(f"{guarded.url}/runs", headers=headers, trust_env=False)
        assert answer.json()["code"] == "unauthorized"


def test_the_last_line_of_a_start_names_the_next_command(guarded: Server) -> None:
    (line,) = [one for one in guarded.log if " listens on " in one]
    assert line.rstrip().endswith("; next: pwsh-kernels login contoso.example exo")
