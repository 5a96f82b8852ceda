"""People sign in through a provider that somebody else has written (PyPI: oidc-provider-mock)."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from oidc_provider_mock import User, run_server_in_thread

from tests.fixtures.server import ANSWER_WAIT, CONTOSO, Server

pytestmark = [
    pytest.mark.xdist_group("oidc"),
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:authlib.jose module is deprecated"),
]
RULES = f"""
[[claim]]
value = "readers"
[[claim.grant]]
verbs = ["read"]
tenants = ["{CONTOSO}"]
"""
ADA = User(sub="ada", claims={"preferred_username": "ada@contoso.example", "groups": ["readers"]})
EVE = User(sub="eve", claims={"preferred_username": "eve@contoso.example", "groups": ["others"]})


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    """The address of the provider."""
    with run_server_in_thread(require_nonce=True, user_claims=(ADA, EVE)) as provider:
        yield f"http://localhost:{provider.server_port}"


@pytest.fixture(scope="module")
def server(issuer: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server where people sign in there."""
    folder: Path = tmp_path_factory.mktemp("server")
    rules, secret = folder / "principals.toml", folder / "secret"
    rules.write_text(RULES, encoding="utf-8")
    rules.chmod(0o600)
    secret.write_text("any\n", encoding="utf-8")
    settings = {
        "PWSH_MANAGER_AUTH": "oidc",
        "PWSH_MANAGER_OIDC_ISSUER": issuer,
        "PWSH_MANAGER_OIDC_CLIENT_ID": "pwsh-kernels",
        "PWSH_MANAGER_OIDC_CLIENT_SECRET_FILE": str(secret),
        "PWSH_MANAGER_PRINCIPALS": str(rules),
    }
    one = Server(folder, settings).start()
    yield one
    one.close()


def signed_in(server: Server, user: User) -> tuple[httpx.Response, httpx.Response]:
    """Sign somebody in on the provider's own form; return the page after it, and the first page."""
    headers = {"Accept": "text/html"}
    with httpx.Client(
        base_url=server.url, headers=headers, timeout=ANSWER_WAIT, follow_redirects=True
    ) as browser:
        form = browser.get("/oidc/sign-in")
        assert form.url.path == "/oauth2/authorize"
        return browser.post(form.url, data={"sub": user.sub}), browser.get("/")


def test_whom_a_rule_knows_comes_in(server: Server) -> None:
    after, first = signed_in(server, ADA)
    assert (after.status_code, first.status_code) == (200, 200), after.text[-600:]
    assert "person:ada@contoso.example" in first.text


def test_whom_no_rule_knows_stays_outside(server: Server) -> None:
    after, first = signed_in(server, EVE)
    assert (after.status_code, first.status_code) == (403, 401)
