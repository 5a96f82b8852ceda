"""Principals at the door of REST: what each route needs, what each shows, and what does not exist
for whom.
"""

import threading
from typing import Any

import httpx
import pytest

from pwsh_kernels.principals.verbs import Verb
from pwsh_kernels.web.access import OPEN, Scope
from pwsh_kernels.web.rest.route import Route
from pwsh_kernels.web.rest.routes import ROUTES
from tests.fixtures.principals import Principals, grant
from tests.fixtures.server import CONTOSO, FABRIKAM, Server

pytestmark = pytest.mark.xdist_group("principals")

CLOSED = [route for route in ROUTES if route.permission is not OPEN]
OF_A_RUN = [route for route in CLOSED if route.permission.scope is Scope.RUN]
OF_AN_APPROVAL = [route for route in CLOSED if route.permission.scope is Scope.APPROVAL]
OF_A_SESSION = [route for route in CLOSED if route not in [*OF_A_RUN, *OF_AN_APPROVAL]]
NAMELESS = {Scope.ANYWHERE, Scope.SERVER}
NAMING = [route for route in OF_A_SESSION if route.permission.scope not in NAMELESS]


def name(route: Route) -> str:
    """Return how a test names a route."""
    return f"{route.method} {route.path}"


@pytest.fixture(scope="module")
def runs(guarded: Server) -> dict[str, str]:
    """Return the id of a run of the owner in each tenant."""
    return {tenant: guarded.run("'ours'", tenant)["run_id"] for tenant in (CONTOSO, FABRIKAM)}


def send(
    http: httpx.Client, route: Route, tenant: str = CONTOSO, run: str = "r-none", **more: Any
) -> httpx.Response:
    """Send a request to a route about a tenant, or about a run; nothing that it does hurts."""
    of = run if route.permission.scope is Scope.RUN else f"{tenant}:exo"
    path = route.path.replace("{id}", of)
    if route.method == "GET":
        named = {"words": "mailbox", "text": "1"}
        query = {key: value for key, value in named.items() if key in route.takes.model_fields}
        return http.get(path, params=query)
    fields = route.takes.model_fields
    given = {"tenant": tenant, "module": "exo", "command": "1", "value": "x", "wait_s": 0}
    given |= {"text": "1", "id": "none", **more}
    return http.post(path, json={key: value for key, value in given.items() if key in fields})


@pytest.mark.parametrize("route", [*OF_A_RUN, *OF_A_SESSION], ids=name)
def test_who_has_every_verb_but_that_of_the_route_is_refused(
    guarded: Server, principals: Principals, runs: dict[str, str], route: Route
) -> None:
    verb = route.permission.of_others or route.permission.verb  # the run is the owner's
    assert verb is not None
    with principals.client(guarded, f"no-{verb.value.replace('_', '-')}") as http:
        answer = send(http, route, run=runs[CONTOSO])
    error = answer.json()
    hidden = verb is Verb.SEE or (verb is Verb.READ and route in OF_A_RUN)
    if hidden and route in OF_A_RUN:
        assert (answer.status_code, error["code"]) == (404, "unknown_run")
    elif hidden and route in NAMING:
        assert (answer.status_code, error["code"]) == (400, "unknown_tenant")
    else:
        assert (answer.status_code, error["code"], error["verb"]) == (403, "forbidden", verb)


@pytest.mark.parametrize("route", [*OF_A_RUN, *OF_A_SESSION], ids=name)
def test_who_has_no_grant_is_refused_everywhere(
    guarded: Server, principals: Principals, runs: dict[str, str], route: Route
) -> None:
    with principals.client(guarded, "nobody") as http:
        answer = send(http, route, run=runs[CONTOSO])
    assert answer.json()["code"] in {"forbidden", "unknown_tenant", "unknown_run"}
    assert answer.status_code in {400, 403, 404}


@pytest.mark.parametrize("route", OF_AN_APPROVAL, ids=name)
def test_an_approval_that_does_not_exist_is_nobodys(
    guarded: Server, principals: Principals, route: Route
) -> None:
    """Whose approvals are hidden from whom: tests/web/test_approvals.py."""
    for who in ("nobody", "writer"):
        with principals.client(guarded, who) as http:
            answer = send(http, route, digest="0" * 12)
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_approval")


@pytest.mark.parametrize("route", NAMING, ids=name)
@pytest.mark.parametrize("hidden", [FABRIKAM, "fab", FABRIKAM.upper()])
def test_a_hidden_tenant_is_answered_as_one_that_does_not_exist(
    guarded: Server, principals: Principals, route: Route, hidden: str
) -> None:
    absent = "adventure.works" if "." in hidden else "adv"
    absent = absent.upper() if hidden.isupper() else absent
    with principals.client(guarded, "writer") as http:
        answers = [send(http, route, tenant=one) for one in (hidden, absent)]
    told = [
        (one.status_code, one.text.replace(named, "NAME"))
        for one, named in zip(answers, (hidden, absent), strict=True)
    ]
    assert told[0] == told[1]
    assert answers[0].json()["code"] in {"unknown_tenant", "invalid_tenant"}
    assert "fabrikam" not in told[0][1].lower()


@pytest.mark.parametrize("route", OF_A_RUN, ids=name)
def test_a_run_of_a_hidden_tenant_is_answered_as_one_that_does_not_exist(
    guarded: Server, principals: Principals, runs: dict[str, str], route: Route
) -> None:
    with principals.client(guarded, "writer") as http:
        answers = {one: send(http, route, run=one) for one in (runs[FABRIKAM], "r-none")}
    told = {
        (answer.status_code, answer.text.replace(one, "RUN")) for one, answer in answers.items()
    }
    assert len(told) == 1
    assert {answer.status_code for answer in answers.values()} == {404}


def test_lists_show_what_their_caller_may_see(
    guarded: Server, principals: Principals, runs: dict[str, str]
) -> None:
    def listed(who: str) -> tuple[set[str], set[str], set[str]]:
        with principals.client(guarded, who) as http:
            sessions = http.get("/sessions").json()["sessions"]
            tenants = http.get("/tenants").json()["tenants"]
            answer = http.get("/runs", params={"limit": 1000})
        kept = answer.json()["runs"] if answer.status_code == 200 else []
        return (
            {one["tenant"] for one in sessions},
            {one["names"][0] for one in tenants},
            {one["tenant"] for one in kept},
        )

    assert listed("reader") == listed("writer") == ({CONTOSO}, {CONTOSO}, {CONTOSO})
    assert listed("other") == ({FABRIKAM}, {FABRIKAM}, {FABRIKAM})
    assert listed("looker") == ({CONTOSO}, {CONTOSO}, set())
    assert listed("everywhere") == ({CONTOSO, FABRIKAM},) * 3
    with principals.client(guarded, "reader") as http:
        assert http.get("/runs", params={"tenant": FABRIKAM}).json()["runs"] == []


def test_who_waits_for_changes_learns_nothing_of_a_hidden_session(
    guarded: Server, principals: Principals
) -> None:
    with principals.client(guarded, "writer") as http:
        before = http.get("/sessions").json()["version"]
        guarded.post("/login", tenant=FABRIKAM, module="teams", wait_s=0)
        guarded.post("/kill", tenant=FABRIKAM, module="teams")
        assert http.get("/sessions").json()["version"] == before
    with principals.client(guarded, "other") as http:
        assert http.get("/sessions").json()["version"] != before


def test_who_only_sees_a_session_learns_neither_its_code_nor_what_it_runs(
    guarded: Server, principals: Principals
) -> None:
    login = guarded.post("/login", tenant=CONTOSO, module="teams", wait_s=30)
    assert login["device_code"]
    running = guarded.post("/run", tenant=CONTOSO, command="Start-Sleep 60", wait_s=0)
    try:
        with principals.client(guarded, "looker") as http:
            told = http.post("/status", json={"tenant": CONTOSO, "module": "teams"})
            busy = http.post("/status", json={"tenant": CONTOSO})
            listed = http.get("/sessions")
        assert told.json()["state"] == "signing_in"
        assert login["device_code"] not in told.text + listed.text
        assert running["run_id"] not in busy.text + listed.text
        assert guarded.post("/status", tenant=CONTOSO)["current_run"] == running["run_id"]
    finally:
        guarded.post(f"/runs/{running['run_id']}/cancel", wait_s=20)
        guarded.post("/kill", tenant=CONTOSO, module="teams")


def test_a_run_is_its_principals_and_others_need_another_verb_to_cancel_it(
    guarded: Server, principals: Principals
) -> None:
    body = {"tenant": CONTOSO, "command": "Start-Sleep 60", "wait_s": 0}
    with (
        principals.client(guarded, "writer") as writer,
        principals.client(guarded, "ender") as ender,
    ):
        own = writer.post("/run", json=body).json()
        assert (own["principal"], own["yours"]) == ("agent:writer", True)
        assert ender.get(f"/runs/{own['run_id']}").json()["yours"] is False
        assert writer.post(f"/runs/{own['run_id']}/cancel", json={"wait_s": 20}).json()[
            "state"
        ] == ("cancelled")
        owners = guarded.post("/run", **body)
        refused = writer.post(f"/runs/{owners['run_id']}/cancel", json={})
        assert (refused.status_code, refused.json()["verb"]) == (403, "end")
        ended = ender.post(f"/runs/{owners['run_id']}/cancel", json={"wait_s": 20}).json()
        assert ended["state"] == "cancelled"


def test_a_command_for_several_tenants_runs_only_where_its_caller_may(
    guarded: Server, principals: Principals
) -> None:
    command = {"command": "(Get-AcceptedDomain)[0].Name", "wait_s": 30}
    with principals.client(guarded, "writer") as http:
        named = http.post("/run", json={**command, "tenants": ["con", "fab", FABRIKAM]})
        every = http.post("/run", json={**command, "tenants": "*"}).json()
    states = [(one["tenant"], one["state"], one.get("code")) for one in named.json()["results"]]
    assert states == [
        (CONTOSO, "succeeded", None),
        ("fab", "refused", "invalid_tenant"),
        (FABRIKAM, "refused", "unknown_tenant"),
    ]
    assert [(one["tenant"], one["state"]) for one in every["results"]] == [(CONTOSO, "succeeded")]
    with principals.client(guarded, "everywhere") as http:
        every = http.post("/run", json={**command, "tenants": "*"}).json()
    assert [one["tenant"] for one in every["results"]] == [CONTOSO, FABRIKAM]


def test_a_module_that_no_grant_names_is_refused(guarded: Server, principals: Principals) -> None:
    with principals.client(guarded, "reader") as http:
        answer = http.post("/status", json={"tenant": CONTOSO, "module": "azure"})
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


def test_a_call_for_an_mcp_client_is_an_agents_and_no_other_agent_can_answer_for_it(
    guarded: Server, principals: Principals
) -> None:
    agent = {"User-Agent": "pwsh-kernels-mcp/0.1 (claude-code)"}
    body = {"tenant": CONTOSO, "command": "1"}
    with (
        guarded.http(**agent) as owner,
        principals.client(guarded, "everywhere", **agent) as person,
    ):
        assert owner.post("/run", json=body).json()["principal"] == "token/agent:claude-code"
        assert person.post("/run", json=body).json()["principal"] == (
            "person:everywhere/agent:claude-code"
        )


def test_an_answer_that_was_waited_for_is_not_given_to_who_was_revoked_meanwhile(
    guarded: Server, principals: Principals
) -> None:
    principals.add("brief", grant(Verb.READ))
    running = guarded.post("/run", tenant=CONTOSO, command="'secret'; Start-Sleep 60", wait_s=0)
    answers: list[httpx.Response] = []
    with principals.client(guarded, "brief") as http:
        page = f"/runs/{running['run_id']}"
        guarded.until(lambda: http.get(page).json()["state"] == "running")
        seen: dict[str, str | int] = {"seen": "running", "cursor": 1000, "wait_s": 50}
        waiting = threading.Thread(target=lambda: answers.append(http.get(page, params=seen)))
        waiting.start()
        principals.revoke("brief")
        guarded.post(f"{page}/cancel", wait_s=20)
        waiting.join(60)
        assert http.get(page).status_code == 401
    assert [one.status_code for one in answers] == [401]


def test_while_the_file_has_a_mistake_only_the_owner_is_let_in(
    guarded: Server, principals: Principals
) -> None:
    good = principals.text()
    with principals.client(guarded, "reader") as http:
        assert http.get("/sessions").status_code == 200
        principals.write(f"{good}\n[[principal]]\n")
        assert http.get("/sessions").status_code == 401
        assert guarded.get("/sessions")["success"]
        guarded.until(lambda: any("name is missing" in line for line in guarded.log))
        principals.write(good)
        assert http.get("/sessions").status_code == 200


def test_classify_says_what_becomes_of_a_text_for_its_caller(
    guarded: Server, principals: Principals
) -> None:
    asked = {"text": "Get-Mailbox", "tenant": CONTOSO, "module": "exo"}
    with principals.client(guarded, "reader") as reader:
        assert reader.get("/classify", params=asked).json()["needs"] == "refuse"
    with principals.client(guarded, "writer") as writer:
        assert writer.get("/classify", params=asked).json()["needs"] == "run"


def test_a_caller_who_has_much_judged_waits_and_others_do_not(
    guarded: Server, principals: Principals
) -> None:
    long = {"text": f"# {'x' * 29_000}"}
    with principals.client(guarded, "no-end") as http:
        answers = [http.post("/classify", json=long) for _ in range(11)]
        refused = answers[-1]
        assert {one.status_code for one in answers[:10]} == {200}
        assert (refused.status_code, refused.json()["code"]) == (429, "too_many_classifications")
        assert int(refused.headers["Retry-After"]) == refused.json()["retry_after_s"] > 0
    with principals.client(guarded, "no-approve") as http:
        assert http.post("/classify", json=long).status_code == 200
