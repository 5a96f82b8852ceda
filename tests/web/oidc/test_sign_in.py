"""People sign in through an OpenID provider: a real one, small, over HTTP; and everything that is
wrong with an answer of one is refused.
"""

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from pwsh_kernels.principals.parsing import read_principals
from pwsh_kernels.principals.roll import Roll
from pwsh_kernels.web.people import FRESH, SignedInPeople
from tests.fixtures.browser import ASKS_FOR_A_PAGE, Page
from tests.fixtures.openid_provider import CLIENT, SECRET, OpenIdProvider, new_key, serving
from tests.fixtures.server import ANSWER_WAIT, CONTOSO, FABRIKAM, Server, server_environment

pytestmark = [pytest.mark.xdist_group("oidc"), pytest.mark.slow]

RULES = f"""
[[claim]]
value = "admins"
jupyter = true
[[claim.grant]]
verbs = ["read"]
tenants = ["{CONTOSO}"]

[[claim]]
claim = "department"
value = "it"
[[claim.grant]]
verbs = ["end"]
tenants = ["{CONTOSO}"]
"""
PERSON = "person:ada@contoso.example"
NOW = 1_000_000_000
START_WAIT_S = 60


@pytest.fixture(scope="module")
def provider() -> Iterator[OpenIdProvider]:
    """The provider."""
    one = OpenIdProvider()
    with serving(one):
        yield one


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The principals file of the server."""
    return tmp_path_factory.mktemp("rules") / "principals.toml"


@pytest.fixture(scope="module")
def oidc(
    provider: OpenIdProvider, rules: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A server where people sign in there."""
    folder = tmp_path_factory.mktemp("server")
    write(rules, RULES)
    secret = folder / "secret"
    secret.write_text(f"{SECRET}\n", encoding="utf-8")
    one = Server(
        folder,
        {
            "PWSH_MANAGER_AUTH": "oidc",
            "PWSH_MANAGER_OIDC_ISSUER": provider.issuer,
            "PWSH_MANAGER_OIDC_CLIENT_ID": CLIENT,
            "PWSH_MANAGER_OIDC_CLIENT_SECRET_FILE": str(secret),
            "PWSH_MANAGER_PRINCIPALS": str(rules),
        },
    ).start()
    yield one
    one.close()


@pytest.fixture(autouse=True)
def usual(provider: OpenIdProvider, rules: Path) -> Iterator[None]:
    """The provider and the file as they usually are."""
    yield
    provider.claims, provider.alg, provider.refuses, provider.published = {}, "RS256", False, None
    write(rules, RULES)


def write(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8")
    file.chmod(0o600)


@pytest.fixture
def browser(oidc: Server) -> Iterator[httpx.Client]:
    """A browser that nobody has signed in."""
    with httpx.Client(
        base_url=oidc.url, headers=ASKS_FOR_A_PAGE, timeout=ANSWER_WAIT, trust_env=False
    ) as http:
        yield http


def sign_in(browser: httpx.Client) -> httpx.Response:
    return browser.get("/oidc/sign-in", follow_redirects=True)


def assert_refused(browser: httpx.Client, answer: httpx.Response, why: str) -> None:
    assert (answer.status_code, why in Page(answer.text).text) == (403, True), answer.text[-600:]
    assert browser.get("/").status_code == 401


def test_a_person_signs_in_and_may_what_their_groups_may(
    oidc: Server, browser: httpx.Client, provider: OpenIdProvider
) -> None:
    stranger = browser.get("/")
    assert stranger.status_code == 401
    assert "Sign in at 127.0.0.1" in stranger.text
    answer = sign_in(browser)
    assert (answer.status_code, PERSON in answer.text) == (200, True), answer.text[-600:]
    assert provider.asked["code_challenge_method"] == "S256"
    assert provider.asked["scope"] == "openid profile email"
    assert provider.asked["redirect_uri"] == f"{oidc.url}/oidc/callback"
    assert PERSON in browser.get("/").text
    assert browser.get("/api/kernels").status_code == 200
    assert browser.get("/api/contents").status_code == 403
    names = set(browser.get("/api/kernelspecs").json()["kernelspecs"])
    assert not any(FABRIKAM in one for one in names)


def test_a_sign_in_leads_back_to_the_approval_from_which_it_was_begun(
    browser: httpx.Client,
) -> None:
    stranger = Page(browser.get("/approvals/a-1").text)
    [leave] = [link for link in stranger.links if "/oidc/sign-in" in link]
    answer = browser.get(leave, follow_redirects=True)
    assert "/approvals/a-1" in Page(answer.text).links
    elsewhere = browser.get("/oidc/sign-in?then=//evil.example", follow_redirects=True)
    assert "evil" not in elsewhere.text


def test_who_has_just_signed_in_may_add_a_passkey_without_a_code(browser: httpx.Client) -> None:
    assert "less than five minutes old" in browser.get("/page/passkeys/add").text
    sign_in(browser)
    assert "browsers keep no passkeys" in browser.get("/page/passkeys/add").text  # but elsewhere


def test_a_sign_in_is_fresh_for_five_minutes() -> None:
    rules = Roll(claims=read_principals(RULES).claims)
    clock = [datetime(2026, 12, 1, tzinfo=UTC)]
    people = SignedInPeople(lambda: rules, lambda: clock[0])
    assert people.sign_in("ada@contoso.example", {"groups": ["admins"]}) is not None
    assert people.is_fresh(PERSON)
    clock[0] += FRESH
    assert not people.is_fresh(PERSON)
    assert people.principal(PERSON) is not None


def test_a_sign_in_is_in_the_audit_log(oidc: Server, browser: httpx.Client) -> None:
    sign_in(browser)
    told = oidc.get("/audit", who=PERSON, kind="page.signed_in")["records"]
    assert {(one["how"], one["door"]) for one in told} == {("openid", "page")}


def test_the_cookie_is_of_this_site_only_and_eight_hours_long(browser: httpx.Client) -> None:
    headers = sign_in(browser).headers.get_list("set-cookie")
    (cookie,) = [one for one in headers if one.startswith("username-")]
    assert "samesite=strict" in cookie.lower()
    assert "httponly" in cookie.lower()


def test_signing_out_ends_the_sign_in_also_for_a_copy_of_the_cookie(browser: httpx.Client) -> None:
    sign_in(browser)
    copied = dict(browser.cookies)
    page = browser.get("/")
    token = page.text.partition('name="_xsrf" value="')[2].partition('"')[0]
    assert browser.post("/sign-out", data={"_xsrf": token}).status_code == 303
    browser.cookies.update(copied)
    assert browser.get("/").status_code == 401


def test_a_change_of_the_file_is_in_force_at_once(browser: httpx.Client, rules: Path) -> None:
    sign_in(browser)
    assert browser.get("/api/kernels").status_code == 200
    write(rules, RULES.replace("admins", "others"))
    assert browser.get("/").status_code == 401


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"nonce": "another"}, "not valid here"),
        ({"nonce": None}, "not valid here"),
        ({"aud": "another-program"}, "not valid here"),
        ({"aud": None}, "not valid here"),
        ({"iss": "https://login.example"}, "not valid here"),
        ({"exp": NOW}, "not valid here"),
        ({"exp": None}, "not valid here"),
        ({"iat": 4_000_000_000}, "not valid here"),
        ({"aud": [CLIENT, "another-program"]}, "another program"),
        ({"azp": "another-program"}, "another program"),
        ({"groups": ["strangers"]}, "no [[claim]]"),
        ({"groups": None}, "no [[claim]]"),
        ({"groups": "admin"}, "no [[claim]]"),
        ({"preferred_username": None}, "no usable name"),
        ({"preferred_username": "token/agent:x"}, "no usable name"),
        ({"preferred_username": "a\nb"}, "no usable name"),
    ],
)
def test_a_wrong_word_in_the_id_token_signs_nobody_in(
    browser: httpx.Client, provider: OpenIdProvider, claims: dict[str, Any], why: str
) -> None:
    provider.claims = claims
    assert_refused(browser, sign_in(browser), why)


@pytest.mark.parametrize("alg", ["none", "HS256"])
def test_a_token_that_the_provider_s_key_has_not_signed_signs_nobody_in(
    browser: httpx.Client, provider: OpenIdProvider, alg: str
) -> None:
    provider.alg = alg
    assert_refused(browser, sign_in(browser), "not signed as it must be")


def test_a_key_of_somebody_else_signs_nobody_in(
    browser: httpx.Client, provider: OpenIdProvider
) -> None:
    provider.published, provider.key = provider.key, new_key("of-nobody")
    assert_refused(browser, sign_in(browser), "not signed as it must be")
    provider.key = provider.published


def test_a_new_key_of_the_provider_is_asked_for_once(
    browser: httpx.Client, provider: OpenIdProvider
) -> None:
    sign_in(browser)
    before, provider.key = provider.key_requests, new_key("rotated")
    assert sign_in(browser).status_code == 200
    assert sign_in(browser).status_code == 200
    assert provider.key_requests == before + 1


def test_who_declines_there_is_not_signed_in(
    browser: httpx.Client, provider: OpenIdProvider
) -> None:
    provider.refuses = True
    assert_refused(browser, sign_in(browser), "did not sign anybody in")


def came_back(browser: httpx.Client) -> str:
    """Leave for the provider, and return the address at which it sends the browser back."""
    there = browser.get("/oidc/sign-in").headers["location"]
    back = urlsplit(httpx.get(there, trust_env=False).headers["location"])
    return f"{back.path}?{back.query}"


def test_another_browser_cannot_come_back_in_place_of_the_one_that_left(
    oidc: Server, browser: httpx.Client
) -> None:
    back = came_back(browser)
    with httpx.Client(base_url=oidc.url, headers=ASKS_FOR_A_PAGE, trust_env=False) as other:
        assert_refused(other, other.get(back), "another browser")
    assert_refused(browser, browser.get(back), "not begun here")


def test_nobody_comes_back_twice_or_without_having_left(browser: httpx.Client) -> None:
    assert_refused(browser, browser.get("/oidc/callback?state=x&code=y"), "not begun here")
    back = came_back(browser)
    state = parse_qs(urlsplit(back).query)["state"][0]
    wrong = browser.get(f"/oidc/callback?state={state}&code=guessed")
    assert_refused(browser, wrong, "does not accept the code")
    assert_refused(browser, browser.get(back), "not begun here")


def test_the_owner_s_token_works_as_before(oidc: Server) -> None:
    assert oidc.get("/sessions")["success"]


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"PWSH_MANAGER_OIDC_CLIENT_ID": ""}, "needs PWSH_MANAGER_OIDC_ISSUER and _OIDC_CLIENT_ID"),
        ({"PWSH_MANAGER_OIDC_ISSUER": "http://login.example"}, "must begin with https://"),
        ({"PWSH_MANAGER_OIDC_CLIENT_SECRET_FILE": "/nonexistent/x"}, "cannot be read"),
    ],
)
def test_a_server_with_half_of_the_settings_does_not_start(
    tmp_path: Path, wrong: dict[str, str], why: str
) -> None:
    settings = {
        "PWSH_MANAGER_AUTH": "oidc",
        "PWSH_MANAGER_OIDC_ISSUER": "https://login.example",
        "PWSH_MANAGER_OIDC_CLIENT_ID": CLIENT,
    }
    ended = subprocess.run(
        [sys.executable, "-m", "pwsh_kernels", "serve"],
        env=server_environment(tmp_path, **settings, PWSH_MANAGER_PORT="0") | wrong,
        capture_output=True,
        text=True,
        timeout=START_WAIT_S,
        check=False,
    )
    assert ended.returncode != 0
    assert why in ended.stderr


def test_without_the_setting_there_is_no_such_address(server: Server) -> None:
    with httpx.Client(base_url=server.url, headers=ASKS_FOR_A_PAGE, trust_env=False) as http:
        assert http.get("/oidc/sign-in").status_code in {401, 403, 404}
        assert "Sign in at" not in http.get("/").text
