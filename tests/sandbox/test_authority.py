"""The sandbox's sign-in authority: transitions as values, codes as files."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pwsh_kernels.errors import DeviceCodeRefused, InvalidRequest
from pwsh_kernels.sandbox import Authority, Company, SignIn, Token
from pwsh_kernels.sandbox.authority import typed_code

CODE = "ABCDEFGH2"
NOW = datetime(2026, 11, 22, 17, 0, tzinfo=UTC)
ACCOUNT = "admin@contoso.example"
AUTOMATION = "c0070500-a991-4c00-8a00-00000000a991"
PENDING = SignIn(CODE, None, "pending", None, NOW + timedelta(seconds=900))


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    one = Authority(tmp_path / "sandbox")
    one.prepare("http://127.0.0.1:5100/sandbox/devicelogin")
    return one


def put(authority: Authority, code: str = CODE, **facts: Any) -> Path:
    """Write a code file as PowerShell does."""
    expires_at = (datetime.now(UTC) + timedelta(seconds=900)).isoformat()
    content = {
        "code": code,
        "tenant": None,
        "state": "pending",
        "account": None,
        "expires_at": expires_at,
    }
    content |= {"client": "Microsoft Azure PowerShell", "refusal": None, **facts}
    file = authority.codes / f"{code}.json"
    file.write_text(json.dumps(content), encoding="utf-8")
    return file


def account(upn: str) -> Any:
    found = Company.load().account(upn)
    assert found
    return found


def test_approving_names_the_account() -> None:
    approved = PENDING.approved(account(ACCOUNT), NOW)
    assert (approved.state, approved.account) == ("approved", ACCOUNT)


def test_declining_names_nobody() -> None:
    declined = PENDING.declined(NOW)
    assert (declined.state, declined.account) == ("declined", None)


def test_a_code_is_usable_until_the_second_it_expires() -> None:
    last = PENDING.expires_at - timedelta(microseconds=1)
    assert PENDING.approved(account(ACCOUNT), last).state == "approved"
    with pytest.raises(DeviceCodeRefused, match="expired"):
        PENDING.approved(account(ACCOUNT), PENDING.expires_at)


@pytest.mark.parametrize("used", [PENDING.declined(NOW), PENDING.approved(account(ACCOUNT), NOW)])
def test_a_code_works_once(used: SignIn) -> None:
    with pytest.raises(DeviceCodeRefused, match="already used"):
        used.approved(account(ACCOUNT), NOW)
    with pytest.raises(DeviceCodeRefused, match="already used"):
        used.declined(NOW)


def test_a_sign_in_survives_being_written_and_read() -> None:
    approved = PENDING.approved(account(ACCOUNT), NOW)
    assert SignIn.from_json(json.loads(json.dumps(approved.to_json()))) == approved


def test_a_typed_code_may_have_blanks_and_small_letters() -> None:
    assert typed_code(" abcd efgh2\n") == CODE


@pytest.mark.parametrize(
    "text", ["", "ABC", "ABCDEFGH22", "../../etc", "ABCDEFGH.", "ÄBCDEFGH2", "ABCDEFGH\uff12"]
)
def test_what_is_no_code_is_refused_before_a_file_is_touched(
    text: str, authority: Authority
) -> None:
    with pytest.raises(DeviceCodeRefused) as refused:
        authority.pending(text)
    assert refused.value.reason == "unknown"


def test_the_folder_and_its_files_are_readable_by_their_owner_only(authority: Authority) -> None:
    put(authority)
    authority.approve(CODE, ACCOUNT)
    files = [authority.folder / "page.txt", authority.codes / f"{CODE}.json"]
    assert [folder.stat().st_mode & 0o777 for folder in (authority.folder, authority.codes)] == [
        0o700,
        0o700,
    ]
    assert [file.stat().st_mode & 0o777 for file in files] == [0o600, 0o600]


def test_a_folder_that_others_could_read_is_closed(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    Authority(tmp_path).prepare("http://127.0.0.1/")
    assert tmp_path.stat().st_mode & 0o777 == 0o700


def test_preparing_says_where_the_page_is(authority: Authority) -> None:
    authority.prepare("http://127.0.0.1:5101/sandbox/devicelogin")
    assert (
        authority.folder / "page.txt"
    ).read_text() == "http://127.0.0.1:5101/sandbox/devicelogin"


def test_preparing_keeps_pending_codes_and_forgets_expired_and_broken_ones(
    authority: Authority,
) -> None:
    put(authority)
    put(authority, "BBBBBBBB2", expires_at=(datetime.now(UTC) - timedelta(seconds=1)).isoformat())
    (authority.codes / "CCCCCCCC2.json").write_text("{")
    (authority.codes / "DDDDDDDD2.json.part").write_text("")
    authority.prepare("http://127.0.0.1/")
    assert [file.name for file in authority.codes.iterdir()] == [f"{CODE}.json"]


def test_a_pending_code_shows_the_tenant_asked_for(authority: Authority) -> None:
    put(authority, tenant="fabrikam.example")
    assert authority.pending(CODE).tenant == "fabrikam.example"


def test_approving_changes_state_and_account_in_the_file_and_nothing_else(
    authority: Authority,
) -> None:
    file = put(authority)
    before = json.loads(file.read_text())
    authority.approve(CODE.lower(), "ADMIN@contoso.example")
    after = json.loads(file.read_text())
    assert {**before, "state": "approved", "account": ACCOUNT} == {
        **after,
        "expires_at": before["expires_at"],
    }
    assert datetime.fromisoformat(after["expires_at"]) == datetime.fromisoformat(
        before["expires_at"]
    )


def test_declining_changes_the_file(authority: Authority) -> None:
    file = put(authority)
    authority.decline(CODE)
    assert json.loads(file.read_text())["state"] == "declined"


def test_nobody_but_the_companys_accounts_can_sign_in(authority: Authority) -> None:
    file = put(authority)
    with pytest.raises(InvalidRequest):
        authority.approve(CODE, "stranger@contoso.example")
    assert json.loads(file.read_text())["state"] == "pending"


@pytest.mark.parametrize(
    "facts",
    [
        {"state": "odd"},
        {"expires_at": "soon"},
        {"expires_at": "2026-11-22T17:00:00"},
        {"state": None},
    ],
)
def test_a_file_of_another_form_is_an_unknown_code(
    authority: Authority, facts: dict[str, Any]
) -> None:
    put(authority, **facts)
    with pytest.raises(DeviceCodeRefused) as refused:
        authority.pending(CODE)
    assert refused.value.reason == "unknown"


def test_no_error_holds_the_code(authority: Authority) -> None:
    put(authority, state="declined")
    with pytest.raises(DeviceCodeRefused) as refused:
        authority.approve(CODE, ACCOUNT)
    assert CODE not in json.dumps(refused.value.to_json())


def test_no_part_of_a_file_is_left_behind(authority: Authority) -> None:
    put(authority)
    authority.approve(CODE, ACCOUNT)
    assert [file.name for file in authority.codes.iterdir()] == [f"{CODE}.json"]


def test_a_pending_code_shows_which_application_asks(authority: Authority) -> None:
    put(authority)
    assert authority.pending(CODE).client == "Microsoft Azure PowerShell"


def test_traps_are_one_private_file_per_tenant_until_they_are_cleared(authority: Authority) -> None:
    authority.set_traps("contoso.example", {"silence": 30, "ca_block": "device_code"})
    file = authority.folder / "traps" / "contoso.example.json"
    assert json.loads(file.read_text()) == {"silence": 30, "ca_block": "device_code"}
    assert [one.stat().st_mode & 0o777 for one in (file.parent, file)] == [0o700, 0o600]
    authority.clear_traps("contoso.example")
    authority.clear_traps("contoso.example")
    assert list(file.parent.iterdir()) == []


def test_new_traps_replace_the_old_ones(authority: Authority) -> None:
    authority.set_traps("contoso.example", {"silence": 30})
    authority.set_traps("contoso.onmicrosoft.example", {"wrapped": True})
    assert json.loads((authority.folder / "traps" / "contoso.example.json").read_text()) == {
        "wrapped": True
    }


def test_a_trap_or_tenant_that_does_not_exist_is_refused(authority: Authority) -> None:
    with pytest.raises(InvalidRequest, match="traps silense is not a trap; known: slow_import, "):
        authority.set_traps("contoso.example", {"silense": 1})
    with pytest.raises(InvalidRequest, match="tenant is not a tenant of the sandbox"):
        authority.set_traps("../x", {})
    with pytest.raises(InvalidRequest, match="tenant is not a tenant of the sandbox"):
        authority.clear_traps("../x")


def test_revoking_ends_earlier_sign_ins_and_no_later_ones(authority: Authority) -> None:
    before = datetime.now(UTC)
    authority.revoke(ACCOUNT.upper())
    after = datetime.now(UTC) + timedelta(microseconds=1)
    assert [authority.is_revoked(ACCOUNT, moment) for moment in (before, after)] == [True, False]
    assert not authority.is_revoked("reader@contoso.example", before)
    authority.restore(ACCOUNT)
    assert not authority.is_revoked(ACCOUNT, before)


def test_applications_are_revoked_like_people_and_strangers_are_refused(
    authority: Authority,
) -> None:
    before = datetime.now(UTC)
    authority.revoke(AUTOMATION)
    assert authority.is_revoked(AUTOMATION, before)
    for act in (authority.revoke, authority.restore):
        with pytest.raises(InvalidRequest):
            act("../../etc")


def test_a_token_names_its_account_tenant_service_and_end(authority: Authority) -> None:
    now = datetime.now(UTC)
    token = Token.decode(
        authority.issue_token(ACCOUNT, "https://graph.microsoft.com/.default", lifetime_s=60)
    )
    contoso = authority.company.tenant("contoso.example")
    assert contoso
    assert (token.upn, token.app_id, token.account) == (ACCOUNT, None, ACCOUNT)
    assert token.tenant_id == contoso.tenant_id
    assert token.is_for("https://graph.microsoft.com/")
    assert not token.is_for("https://graph.microsoft.com.example")
    assert not token.expired(now)
    assert token.expired(now + timedelta(seconds=61))


def test_a_token_of_an_application_can_name_another_tenant(authority: Authority) -> None:
    token = Token.decode(authority.issue_token(AUTOMATION, "x", tenant="fabrikam.example"))
    fabrikam = authority.company.tenant("fabrikam.example")
    assert fabrikam
    assert (token.account, token.upn, token.tenant_id) == (AUTOMATION, None, fabrikam.tenant_id)
    with pytest.raises(InvalidRequest):
        authority.issue_token(AUTOMATION, "x", tenant="elsewhere.example")
    with pytest.raises(InvalidRequest):
        authority.issue_token("stranger@contoso.example", "x")


@pytest.mark.parametrize(
    "text",
    ["", "a", "a.b", "a.b.c", "a.e30.sandbox", "a.W10.sandbox", "a.bnVsbA.sandbox", "ä.ö.sandbox"],
)
def test_what_is_no_sandbox_token_is_refused_without_showing_it(text: str) -> None:
    with pytest.raises(ValueError, match=r"^not a sandbox token$"):
        Token.decode(text)


def test_a_token_is_not_shown_by_its_repr(authority: Authority) -> None:
    text = authority.issue_token(ACCOUNT, "x")
    assert text not in repr(Token.decode(text))


def test_each_tenant_can_be_reached_without_a_person(authority: Authority) -> None:
    for tenant in authority.company.tenants:
        names = {app.display_name: app.blocked for app in tenant.applications}
        assert names.keys() >= {"Automation", "Managed identity"}
        assert names["Automation"] is None
        assert any(names.values())


def test_each_tenant_has_accounts_of_its_own(authority: Authority) -> None:
    assert {one.tenant for one in authority.accounts()} == {"contoso.example", "fabrikam.example"}
    assert all(one.upn.endswith(f"@{one.tenant}") for one in authority.accounts())
