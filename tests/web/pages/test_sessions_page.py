"""The first page: what needs a person, the sessions, and signing them in and out without script."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from pwsh_kernels import shapes
from pwsh_kernels.principals.verbs import Verb
from pwsh_kernels.web.pages.overview import (
    Overview,
    Rights,
    at_rest,
    certificates_of,
    needs_of,
    rows_of,
)
from pwsh_kernels.web.pages.routes import PAGES
from pwsh_kernels.web.pages.times import ago, until
from tests.fixtures.browser import Browser, signed_in
from tests.fixtures.principals import Principals, grant
from tests.fixtures.server import CONTOSO, FABRIKAM, Server

pytestmark = pytest.mark.xdist_group("principals")
HOSTILE = "<script>alert(1)</script>"
ALL = Rights(run=True, sign_in=True, answer=True, end=True)
NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
FORMS = [path for path, handler in PAGES if "post" in vars(handler)]


def session(**facts: Any) -> shapes.Session:
    """Return a session as REST shows it, as far as the page reads it."""
    given = {"tenant": CONTOSO, "module": "exo", "tier": "write", "busy": None}
    given |= {"state": "signed_in", "token_expires_at": None, "route": "device_code"}
    return cast(shapes.Session, given | facts)


def test_what_ends_soon_and_what_has_ended_needs_somebody_who_may_sign_in() -> None:
    soon = session(token_expires_at="2026-01-01T12:20:00Z")
    later = session(token_expires_at="2026-01-01T13:00:00Z")
    lost, out = session(state="lost"), session(state="signed_out")
    never = session(state="signed_out", route=None)
    all_of_them = [soon, later, lost, out, never]
    needs = needs_of([], [], all_of_them, lambda *_: ALL, NOW)
    assert (needs.ending, needs.ended, needs.count) == ([soon], [lost, out], 3)
    assert needs_of([], [], all_of_them, lambda *_: Rights(run=True), NOW).count == 0


def test_a_certificate_needs_somebody_from_30_days_before_its_end_on() -> None:
    def known(days: float) -> dict[str, Any]:
        ends = (NOW + timedelta(days=days)).isoformat()
        return {"route": "certificate", "certificate_expires_at": ends}

    none = {"route": "device_code", "certificate_expires_at": None}
    tenant = cast(
        shapes.Tenant,
        {
            "tenant": CONTOSO,
            "modules": {"exo": known(12), "graph": known(31), "pnp": none},
            "read": {"exo": known(-1)},
        },
    )
    found = list(certificates_of([tenant], NOW))
    assert [(str(one.key), one.over) for one in found] == [
        (f"{CONTOSO}:exo", False),
        (f"{CONTOSO}:exo:read", True),
    ]


def test_tenants_with_sessions_come_first_and_unknown_ones_are_shown_too() -> None:
    tenants = [
        cast(shapes.Tenant, {"names": [name, "other"], "sandbox": False}) for name in ("a", "b")
    ]
    rows = rows_of(tenants, [session(tenant="b"), session(tenant="gone")], {}, lambda *_: ALL)
    assert [row.name for row in rows] == ["b", "gone", "a"]
    assert [len(row.cells) for row in rows] == [1, 1, 0]


def test_a_page_is_not_sent_again_for_what_changes_while_nothing_happens() -> None:
    def page(**facts: Any) -> Overview:
        one = session(state="signed_out", **facts)
        needs = needs_of([], [], [one], lambda *_: ALL, NOW)
        return at_rest(Overview(needs, rows_of([], [one], {}, lambda *_: ALL)))

    assert page(memory_mb=1) == page(memory_mb=2)
    assert page(memory_mb=1) != page(memory_mb=1, account="ada")


def test_times_are_words_that_change_once_a_minute() -> None:
    assert [ago(f"2026-01-01T{one}Z", NOW) for one in ("11:59:30", "11:58:30", "09:00:00")] == (
        ["just now", "1 min ago", "3 h ago"]
    )
    assert until("2026-01-04T12:00:00Z", NOW) == "in 3 days"
    assert (until("2026-01-01T11:00:00Z", NOW), until(None, NOW), ago(None, NOW)) == (
        "over",
        "",
        "",
    )


@pytest.mark.parametrize("path", FORMS)
def test_every_form_needs_the_token_against_forgery(guarded: Server, path: str) -> None:
    there = path.replace("(?P<run_id>[^/]+)", "r-1")
    with signed_in(guarded) as one:
        one.open("/")  # the cookie of the token is there, the form's field is not
        for given in ({}, {"_xsrf": "made up"}):
            answer = one.http.post(there, data={"tenant": CONTOSO, "module": "exo", **given})
            assert answer.status_code == 403, there
        other = one.http.post(there, headers={"Origin": "http://elsewhere.example"})
        assert other.status_code in {403, 404}
    assert guarded.post("/status", tenant=CONTOSO, module="exo")["state"] == "signed_in"


def test_the_grid_shows_who_is_signed_in_where(guarded: Server) -> None:
    with signed_in(guarded) as one:
        page = one.open("/")
    assert page.text.index(CONTOSO) < page.text.index(FABRIKAM)
    for fact in (f"admin@{CONTOSO}", "signed in", "device code", "Exchange Online", "local"):
        assert fact in page.text
    assert "Nothing needs you." in page.text


def test_a_session_is_signed_in_by_a_form_and_a_code_on_the_first_page(guarded: Server) -> None:
    with signed_in(guarded) as one:
        form = one.open(f"/page/sessions/sign-in?tenant={CONTOSO}").form("/sign-in")
        form = one.open(f"/page/sessions/sign-in?tenant={CONTOSO}&module=graph").forms[-1]
        assert form.values["tenant"] == CONTOSO
        page = one.send(form, module="graph", account=f"admin@{CONTOSO}")
        assert str(one.answer.url) == f"{guarded.url}/"
        code = guarded.post("/status", tenant=CONTOSO, module="graph")["device_code"]
        assert code in page.text
        assert "<svg" in page.html
        assert "Valid until" in page.text
        guarded.approve(code, f"admin@{CONTOSO}")
        guarded.post("/status", tenant=CONTOSO, module="graph", wait_s=30)
        assert code not in one.open("/").text
        ask = one.open(f"/page/sessions/sign-out?tenant={CONTOSO}&module=graph")
        assert guarded.post("/status", tenant=CONTOSO, module="graph")["state"] == "signed_in"
        one.send(ask.form("/page/sessions/sign-out"))
        assert guarded.post("/status", tenant=CONTOSO, module="graph")["state"] == "none"


def test_a_code_is_shown_only_to_whoever_may_sign_in(
    guarded: Server, principals: Principals
) -> None:
    code = guarded.post("/login", tenant=CONTOSO, module="teams", wait_s=30)["device_code"]
    try:
        with signed_in(guarded, principals.tokens["looker"]) as one:
            page = one.open("/")
        assert "signing in" in page.text
        assert code not in page.html
        with signed_in(guarded) as owner:
            assert code in owner.open("/").text
    finally:
        guarded.post("/disconnect", tenant=CONTOSO, module="teams")


@pytest.mark.parametrize("path", ["sign-in", "sign-out"])
def test_a_hidden_tenant_is_an_unknown_one_here_too(
    guarded: Server, principals: Principals, path: str
) -> None:
    with signed_in(guarded, principals.tokens["ender"]) as one:
        form = one.open(f"/page/sessions/sign-out?tenant={CONTOSO}&module=exo").forms[-1]
        form.action = f"/page/sessions/{path}"
        texts = [
            one.send(form, tenant=name, module="exo").text.replace(name, "NAME")
            for name in (FABRIKAM, "zzz.test")
        ]
        assert one.answer.status_code == 400
    assert texts[0] == texts[1]


def test_what_is_not_allowed_is_refused_as_a_page(guarded: Server, principals: Principals) -> None:
    with signed_in(guarded, principals.tokens["looker"]) as one:
        form = one.open(f"/page/sessions/sign-out?tenant={CONTOSO}&module=exo").forms[-1]
        page = one.send(form)
    assert one.answer.status_code == 403
    assert "may not end" in page.text


def test_a_hostile_tenant_stays_text(guarded: Server) -> None:
    with signed_in(guarded) as one:
        page = one.open(f"/page/sessions/sign-in?tenant={HOSTILE}&account={HOSTILE}&module=exo")
        assert HOSTILE not in page.html
        assert page.forms[-1].values["tenant"] == HOSTILE
        page = one.send(page.forms[-1], module="exo")
        assert one.answer.status_code == 400
        assert HOSTILE not in page.html
        assert HOSTILE in page.text


def first_event(one: Browser, path: str) -> str:
    """Return the first part that a stream sends."""
    lines: list[str] = []
    with one.http.stream("GET", path) as answer:
        assert answer.headers["content-type"] == "text/event-stream"
        for line in answer.iter_lines():
            if not line:
                return "\n".join(lines)
            lines.append(line.removeprefix("data: "))
    return ""


def test_the_stream_sends_the_same_parts_that_the_page_shows(guarded: Server) -> None:
    with signed_in(guarded) as one:
        sent, page = first_event(one, "/page/stream"), one.open("/").html
    assert sent.count('hx-swap-oob="outerMorph"') == 2
    kernel = guarded.get("/sessions")["sessions"][0]["kernel_id"]
    assert f'id="cell-{kernel}"' in sent
    assert f'id="cell-{kernel}"' in page


def test_the_stream_shows_only_what_its_reader_sees(
    guarded: Server, principals: Principals
) -> None:
    with signed_in(guarded, principals.tokens["looker"]) as one:
        sent = first_event(one, "/page/stream")
    assert CONTOSO in sent
    assert FABRIKAM not in sent
    assert json.dumps(guarded.token) not in sent


def test_a_stream_ends_with_the_right_to_it(guarded: Server, principals: Principals) -> None:
    token = principals.add("goer", grant(Verb.SEE))
    with signed_in(guarded, token) as one, one.http.stream("GET", "/page/stream") as answer:
        lines = answer.iter_lines()
        assert next(lines).startswith("data: ")
        principals.revoke("goer")
        assert "" in list(lines)  # what was sent, and then the end
