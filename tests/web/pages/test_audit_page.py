"""The audit log as a page: found by who, where, what and when; the state of the chain; for whom."""

from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from pwsh_kernels import shapes
from pwsh_kernels.web.pages.audit_page import chain_of, row_of, since_text
from tests.fixtures.browser import signed_in
from tests.fixtures.principals import Principals
from tests.fixtures.server import CONTOSO, FABRIKAM, Server

pytestmark = pytest.mark.xdist_group("principals")
HOSTILE = "'<script>alert(1)</script>'"
NOW = datetime(2026, 1, 8, tzinfo=UTC)


def head(**facts: Any) -> shapes.AuditHead:
    """Return the head of a log, as REST answers it."""
    given: dict[str, Any] = {"success": True, "state": "on", "seq": 7, "hash": "ab"}
    return cast(shapes.AuditHead, {**given, "verified": None, "anchor": None, **facts})


def verified(*problems: shapes.AuditProblem) -> dict[str, Any]:
    return {"at": "2026-01-01T00:00:00Z", "first": 1, "last": 7, "problems": list(problems)}


def test_the_chain_is_called_whole_only_when_that_was_verified() -> None:
    assert chain_of(head()).mark == "off"
    assert chain_of(head(state="off")).mark == "off"
    assert chain_of(head(verified=verified())).said == "records 1 to 7 are as written"
    wrong: list[shapes.AuditProblem] = [
        {"file": "a.jsonl", "line": 3, "text": "x"},
        {"file": "", "line": 0, "text": "y"},
    ]
    broken = chain_of(head(verified=verified(*wrong)))
    assert (broken.mark, broken.problems) == ("bad", ["a.jsonl, line 3: x", "y"])


def test_every_fact_of_a_record_is_on_its_line_or_under_more() -> None:
    row = row_of({"seq": 3, "kind": "denied", "verb": "write", "hash": "ab", "silent": False})
    assert (row.kind, row.mark) == ("denied", "bad")
    assert dict(row.more) == {"verb": "write", "hash": "ab", "silent": "false"}


def test_a_search_looks_back_so_far_as_its_words_say() -> None:
    assert since_text("7d", NOW) == (NOW - timedelta(days=7)).isoformat()
    assert since_text("", NOW) is None
    assert since_text("rubbish", NOW) is None


def test_a_run_leads_to_its_records_and_they_lead_back(guarded: Server) -> None:
    run = guarded.run(HOSTILE, format="text")["run_id"]
    guarded.run("'another'")
    with signed_in(guarded) as one:
        assert f"/audit?run={run}" in one.open(f"/runs/{run}").links
        page = one.open(f"/audit?run={run}")
    assert page.html.count('<li id="record-') == 2
    assert f"/runs/{run}" in page.links
    assert HOSTILE in page.text
    assert HOSTILE not in page.html
    assert "another" not in page.text


def test_records_are_found_by_who_tenant_kind_class_and_since(
    guarded: Server, principals: Principals
) -> None:
    with principals.client(guarded, "ada") as http:
        http.post("/run", json={"tenant": CONTOSO, "command": "'of ada'"}).raise_for_status()
        assert http.post("/run", json={"tenant": FABRIKAM, "command": "1"}).status_code == 400
    with signed_in(guarded) as one:
        search = one.open("/audit").form("/audit")
        assert search.method == "get"
        assert "of ada" in one.send(search, who="person:ada").text
        assert "of ada" in one.send(search, tenant=CONTOSO, kind="run", since="1h").text
        refused = one.send(search, who="person:ada", tenant=FABRIKAM)
        assert "denied" in refused.text
        assert "of ada" not in refused.text
        assert "No record matches." in one.send(search, **{"class": "destructive"}).text
        assert "of ada" not in one.send(search, kind="sign_in").text
        one.send(search, who="x" * 300)
        assert one.answer.status_code == 400


def test_older_records_are_one_link_away(guarded: Server) -> None:
    guarded.run("'before them'")
    for _ in range(101):
        guarded.get("/audit/head")
        guarded.post("/page-codes")
    with signed_in(guarded) as one:
        page = one.open("/audit?kind=page")
        assert page.html.count('<li id="record-') == 100
        [older] = [link for link in page.links if "before=" in link]
        page = one.open(older)
        assert page.html.count('<li id="record-') > 0
        assert "before them" not in page.text
        assert "/audit?kind=page" in page.links


def test_the_chain_is_verified_when_the_page_is_opened_and_on_demand(guarded: Server) -> None:
    with signed_in(guarded) as one:
        page = one.open("/audit")
        assert "are as written" in page.text
        page = one.send(page.form("/page/audit/verify"))
        assert str(one.answer.url) == f"{guarded.url}/audit"
        assert guarded.get("/audit/head")["hash"] in page.text
        assert "nowhere" in page.text


def test_who_does_not_administer_gets_no_audit_page_and_no_link(
    guarded: Server, principals: Principals
) -> None:
    run = guarded.run("'theirs'")["run_id"]
    with signed_in(guarded, principals.tokens["ada"]) as one:
        assert not [link for link in one.open(f"/runs/{run}").links if "audit" in link]
        assert "run.accepted" not in one.open("/audit").text
        assert one.answer.status_code == 403
