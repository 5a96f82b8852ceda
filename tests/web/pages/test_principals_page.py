"""Principals as a page: for whoever administers, with a question before all rights are taken."""

from datetime import UTC, datetime, timedelta

import pytest

from pwsh_kernels.principals.principal import Grant, Kind, Principal
from pwsh_kernels.principals.verbs import Verb
from pwsh_kernels.web.pages.principals_page import grant_text, last_runs, row_of
from tests.fixtures.browser import signed_in
from tests.fixtures.principals import Principals, grant
from tests.fixtures.server import CONTOSO, Server

pytestmark = pytest.mark.xdist_group("principals")
NOW = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def test_a_grant_is_a_sentence() -> None:
    some = Grant(frozenset({Verb.SIGN_IN, Verb.READ}), frozenset({"*"}), modules=frozenset({"exo"}))
    assert grant_text(some) == "read, sign in in every tenant, only exo"
    tagged = Grant(frozenset({Verb.WRITE}), frozenset({CONTOSO}), frozenset({"lab"}))
    assert grant_text(tagged) == f"write in {CONTOSO}, tenants tagged lab"


def test_a_principal_s_state_is_the_first_that_ends_its_rights() -> None:
    one = Principal("ada", Kind.PERSON, expires=NOW + DAY)
    assert row_of(one, None, NOW).state == "valid until 2026-01-02"
    assert [row_of(one, None, NOW - days).mark for days in (DAY, 20 * DAY)] == ["wait", "good"]
    assert row_of(one, None, NOW + DAY).state == "expired 2026-01-02"
    gone = Principal("ada", Kind.PERSON, expires=NOW, revoked=NOW - DAY)
    assert row_of(gone, None, NOW).state == "revoked 2025-12-31"
    assert not row_of(gone, None, NOW).may_be_revoked


def test_an_mcp_client_s_run_counts_for_whom_it_acts() -> None:
    runs = [{"principal": one, "run_id": str(n)} for n, one in enumerate(["a/agent:x", "a", "b"])]
    found = last_runs(runs)  # type: ignore[arg-type]
    assert {who: run["run_id"] for who, run in found.items()} == {"a": "0", "b": "2"}


def test_the_owner_sees_who_may_do_what_and_no_token(
    guarded: Server, principals: Principals
) -> None:
    with principals.client(guarded, "ada") as http:
        http.post("/run", json={"tenant": CONTOSO, "command": "'mine'"}).raise_for_status()
    with signed_in(guarded) as one:
        page = one.open("/principals")
    for fact in ("person:ada", "agent:reader", f"read in {CONTOSO}, only exo", "valid until"):
        assert fact in page.text
    assert not [token for token in principals.tokens.values() if token in page.html]
    assert not [known for known in principals.known.values() if known.token_hash in page.html]
    assert any(link.startswith("/runs/r-") for link in page.links)
    assert "/audit?who=person%3Aada" in page.links


def test_it_is_shown_when_somebody_came_last_with_a_token(
    guarded: Server, principals: Principals
) -> None:
    principals.add("never-here", grant(Verb.SEE))
    with principals.client(guarded, "ada") as http:
        http.get("/sessions").raise_for_status()
    with signed_in(guarded) as one:
        cards = one.open("/principals").html.split("<article")
    [ada] = [card for card in cards if ">person:ada<" in card]
    [never] = [card for card in cards if ">person:never-here<" in card]
    assert "just now" in ada
    assert "not since the server was started" in never


@pytest.mark.parametrize("path", ["/principals", "/principals/revoke?id=person:ada", "/start"])
def test_who_does_not_administer_gets_no_such_page_and_no_link(
    guarded: Server, principals: Principals, path: str
) -> None:
    with signed_in(guarded, principals.tokens["ada"]) as one:
        assert path.split("?", maxsplit=1)[0] not in one.open("/").links
        page = one.open(path)
        assert one.answer.status_code == 403
        assert "may not administer" in page.text
        assert "agent:reader" not in page.text


def test_revoking_asks_first_and_is_in_force_at_the_next_request(
    guarded: Server, principals: Principals
) -> None:
    token = principals.add("leaver", grant(Verb.SEE))
    with signed_in(guarded, token) as leaver, signed_in(guarded) as owner:
        ask = owner.open("/principals/revoke?id=person:leaver")
        leaver.open("/")
        assert leaver.answer.status_code == 200
        page = owner.send(ask.form("/principals/revoke"))
        assert str(owner.answer.url) == f"{guarded.url}/principals"
        assert f"revoked {datetime.now(UTC):%Y-%m}" in page.text
        leaver.open("/")
        assert leaver.answer.status_code == 401
    with principals.client(guarded, "leaver") as http:
        assert http.get("/sessions").status_code == 401


def test_nobody_who_administers_not_revokes_by_the_form(
    guarded: Server, principals: Principals
) -> None:
    with signed_in(guarded) as owner, signed_in(guarded, principals.tokens["ada"]) as ada:
        form = owner.open("/principals/revoke?id=person:ender").form("/principals/revoke")
        form.values["_xsrf"] = ada.open("/").form("/sign-out").values["_xsrf"]
        ada.send(form)
        assert ada.answer.status_code == 403
        assert "<script>" not in owner.open("/principals/revoke?id=<script>").html
        assert owner.answer.status_code == 400
    with principals.client(guarded, "ender") as http:
        assert http.get("/sessions").status_code == 200
