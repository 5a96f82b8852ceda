"""A person adds passkeys with a fresh code of the command line, sees them, and removes them."""

import re
from collections.abc import Iterator

import pytest

from pwsh_kernels.audit.files import named_lines
from pwsh_kernels.errors import PageCodeRefused
from pwsh_kernels.principals.principal import OWNER
from pwsh_kernels.web.page_codes import ADD_PASSKEY, PageCodes
from tests.fixtures.authenticator import Authenticator
from tests.fixtures.browser import Browser, Page, browser, signed_in
from tests.fixtures.cli import run_command
from tests.fixtures.principals import Principals
from tests.fixtures.server import Server

pytestmark = pytest.mark.xdist_group("principals")


@pytest.fixture(scope="module")
def local(guarded: Server) -> Iterator[Browser]:
    """A browser that knows the server as localhost, and that nobody has signed in."""
    with browser(guarded) as one:
        one.http.base_url = guarded.url.replace("127.0.0.1", "localhost")
        yield one


def device_of(local: Browser) -> Authenticator:
    origin = str(local.http.base_url).rstrip("/")
    return Authenticator(origin=origin, rp_id="localhost")


def code_of(server: Server, token: str = "") -> str:
    headers = {"Authorization": f"Bearer {token or server.token}"}
    with server.http(**headers) as http:
        return str(http.post("/passkeys/code", json={}).json()["path"])


def add(local: Browser, path: str, device: Authenticator, name: str) -> Page:
    """Do what a person and the script do on the form."""
    form = local.open(path).form("/page/passkeys/add")
    wish = local.http.post("/page/passkeys/options", data=form.values)
    return local.send(form, credential=device.create(wish.text), name=name)


def test_a_code_of_the_command_line_adds_a_passkey_once_for_whoever_asked(
    local: Browser, guarded: Server, principals: Principals
) -> None:
    environment = {**guarded.environment, "PWSH_MANAGER_TOKEN": principals.tokens["ada"]}
    said, note, code = run_command(environment, "passkey", "add")
    assert (code, note.startswith("Open this address")) == (0, True)
    path = re.sub(r"^http://localhost:\d+", "", said.strip())
    assert path.startswith("/page/passkeys/add?code=")
    assert "person:ada" in local.open(path).text
    done = add(local, path, device_of(local), "Ada's phone")
    assert "Passkey added" in done.text
    listed, _, _ = run_command(environment, "passkey", "list")
    assert "Ada's phone" in listed
    assert "no passkey" in run_command(guarded.environment, "passkey", "list")[0]
    local.open(path)
    assert local.answer.status_code == 403
    assert "less than five minutes old" in local.answer.text


def test_it_is_recorded_who_added_and_removed_which(local: Browser, guarded: Server) -> None:
    add(local, code_of(guarded), device_of(local), "spare")
    [key] = guarded.get("/passkeys")["passkeys"]
    assert guarded.post("/passkeys/remove", id=key["id"])["passkeys"] == []
    log = b"".join(
        line for _, lines in named_lines(guarded.data_dir / "audit") for line in lines
    ).decode()
    for kind in ("code_given", "added", "removed"):
        assert f'"kind":"passkey.{kind}"' in log
    assert '"passkey":"spare"' in log
    assert guarded.post("/passkeys/remove", id=key["id"])["code"] == "unknown_passkey"


def test_the_page_lists_one_s_own_and_removes_them(local: Browser, guarded: Server) -> None:
    add(local, code_of(guarded), device_of(local), "<b>mine</b>")
    with signed_in(guarded) as one:
        page = one.open("/passkeys")
        assert "<b>mine</b>" in page.text
        after = one.send(page.form("/page/passkeys/remove"))
    assert "You have none yet" in after.text


@pytest.mark.parametrize("path", ["/page/passkeys/add", "/page/passkeys/add?code=wrong"])
def test_without_a_fresh_code_nobody_adds_one_not_even_who_is_signed_in(
    guarded: Server, path: str
) -> None:
    with signed_in(guarded) as one:
        one.open(path)
        assert one.answer.status_code == 403
        assert "pwsh-kernels passkey add" in one.answer.text


def test_a_refused_answer_leaves_the_code_good(local: Browser, guarded: Server) -> None:
    path, device = code_of(guarded), device_of(local)
    device.verifies = False
    assert "The passkey was not accepted" in add(local, path, device, "").text
    device.verifies = True
    assert "Passkey added" in add(local, path, device, "good").text
    [key] = guarded.get("/passkeys")["passkeys"]
    guarded.post("/passkeys/remove", id=key["id"])


def test_at_an_address_of_numbers_the_page_says_where_passkeys_work(guarded: Server) -> None:
    with browser(guarded) as one:
        page = one.open(code_of(guarded))
    assert one.answer.status_code == 403
    assert "PWSH_MANAGER_PUBLIC_URL" in page.text


def test_the_script_gets_a_refusal_that_it_can_show(local: Browser, guarded: Server) -> None:
    form = local.open(code_of(guarded)).form("/page/passkeys/add")
    answer = local.http.post("/page/passkeys/options", data={**form.values, "code": "wrong"})
    assert answer.status_code == 403
    assert "not accepted" in answer.json()["error"]


def test_no_form_of_another_site_adds_or_removes_one(local: Browser, guarded: Server) -> None:
    form = local.open(code_of(guarded)).form("/page/passkeys/add")
    for path in ("/page/passkeys/add", "/page/passkeys/options", "/page/passkeys/remove"):
        answer = local.http.post(path, data={**form.values, "_xsrf": "wrong"})
        assert answer.status_code == 403, path


def test_no_agent_gets_a_code(guarded: Server, principals: Principals) -> None:
    with principals.client(guarded, "writer") as http:
        assert http.post("/passkeys/code", json={}).json()["code"] == "page_for_people"


def test_a_code_is_good_for_its_purpose_only() -> None:
    codes = PageCodes()
    given = codes.issue(OWNER, ADD_PASSKEY)
    with pytest.raises(PageCodeRefused):
        codes.redeem(given.code)
    assert codes.redeem(given.code, ADD_PASSKEY) == OWNER
