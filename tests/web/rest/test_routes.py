"""The contract of every route, on a real server: who is let in, what is refused and how, one error
shape everywhere.
"""

from typing import Any

import httpx
import pytest

from pwsh_kernels import __version__
from pwsh_kernels.web.access import OPEN, Scope
from pwsh_kernels.web.rest.route import Route
from pwsh_kernels.web.rest.routes import ROUTES
from tests.fixtures.server import CONTOSO, Server
from tests.fixtures.store import install

pytestmark = pytest.mark.xdist_group("server")

CLOSED = [route for route in ROUTES if route.permission is not OPEN]
POSTS = [route for route in ROUTES if route.method == "POST"]
OF_A_SESSION = [route for route in POSTS if route.permission.scope in {Scope.BODY, Scope.TENANTS}]
OF_A_RUN = [route for route in ROUTES if route.path.startswith("/runs/{id}")]


def name(route: Route) -> str:
    """Return how a test names a route."""
    return f"{route.method} {route.path}"


def send(server: Server, route: Route, body: Any = None, **headers: str) -> httpx.Response:
    """Send a request to a route, with the token unless the headers say otherwise."""
    path = route.path.replace("{id}", "r-none")
    with server.http(**headers) as http:
        return http.request(route.method, path, json=body if route.method == "POST" else None)


def assert_refused(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """Check the one error shape and return it."""
    assert answer.headers["Content-Type"] == "application/json"
    error: dict[str, Any] = answer.json()
    assert (answer.status_code, error["success"], error["code"]) == (status, False, code)
    assert error["error"]
    assert isinstance(error["error"], str)
    return error


@pytest.mark.parametrize("route", CLOSED, ids=name)
@pytest.mark.parametrize("header", ["", "Bearer", "Bearer wrong", "Basic abc"])
def test_without_the_token_a_route_is_closed(server: Server, route: Route, header: str) -> None:
    answer = send(server, route, {}, Authorization=header)
    assert_refused(answer, 401, "unauthorized")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert "connected" not in answer.json()


def test_a_token_of_other_letters_is_a_wrong_token(server: Server) -> None:
    with httpx.Client(base_url=server.url, verify=False) as http:
        answer = http.get("/sessions", headers={b"Authorization": "Bearer ключ".encode()})
    assert_refused(answer, 401, "unauthorized")


def test_only_the_header_carries_the_token(server: Server) -> None:
    with httpx.Client(base_url=server.url, verify=False) as http:
        http.get("/api/kernels", params={"token": server.token}).raise_for_status()
        assert http.cookies
        assert_refused(http.get("/sessions"), 401, "unauthorized")
        assert_refused(http.get("/sessions", params={"token": server.token}), 401, "unauthorized")


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "token"])
def test_the_token_opens_every_route_in_both_spellings(server: Server, scheme: str) -> None:
    with server.http(Authorization=f"{scheme} {server.token}") as http:
        assert http.get("/sessions").status_code == 200


def test_jupyter_keeps_its_own_way_of_refusing(server: Server) -> None:
    with httpx.Client(base_url=server.url, verify=False) as http:
        assert http.get("/api/kernels").status_code == 403
        assert http.get("/api/kernels", headers={"Authorization": "token wrong"}).status_code == 403
        assert http.get("/api/terminals", params={"token": server.token}).status_code == 404


@pytest.mark.parametrize("route", POSTS, ids=name)
@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff", b'{"x": NaN}'])
def test_a_body_that_is_no_json_object_is_refused(
    server: Server, route: Route, body: bytes
) -> None:
    with server.http() as http:
        answer = http.post(route.path.replace("{id}", "r-none"), content=body)
    assert assert_refused(answer, 400, "invalid_request")["field"] == "body"


@pytest.mark.parametrize("route", POSTS, ids=name)
def test_an_unknown_field_is_named(server: Server, route: Route) -> None:
    answer = send(server, route, {"tenant": CONTOSO, "command": "1", "surprise": 1})
    assert "surprise" in assert_refused(answer, 400, "invalid_request")["field"]


@pytest.mark.parametrize("route", OF_A_SESSION, ids=name)
def test_a_session_s_route_needs_a_tenant_by_name(server: Server, route: Route) -> None:
    more = {"command": "1"} if route.path == "/run" else {}
    missing = assert_refused(send(server, route, more), 400, "invalid_request")
    assert missing["error"] == "tenant is required"
    assert (
        assert_refused(send(server, route, {**more, "tenant": 5}), 400, "invalid_request")["field"]
        == "tenant"
    )
    assert_refused(send(server, route, {**more, "tenant": 'x"; Get-Date #'}), 400, "invalid_tenant")


@pytest.mark.parametrize("route", OF_A_SESSION, ids=name)
def test_an_unknown_module_is_refused_with_the_known_ones(server: Server, route: Route) -> None:
    more = {"command": "1"} if route.path == "/run" else {}
    error = assert_refused(
        send(server, route, {**more, "tenant": CONTOSO, "module": "exchange"}),
        400,
        "unknown_module",
    )
    assert error["error"].startswith("Unknown module: exchange")
    assert "exo" in error["known"]


@pytest.mark.parametrize("route", OF_A_RUN, ids=name)
def test_an_unknown_run_is_not_found(server: Server, route: Route) -> None:
    body = {"value": "x"} if route.path.endswith("/input") else {}
    assert_refused(send(server, route, body), 404, "unknown_run")


@pytest.mark.parametrize("path", sorted({route.path for route in ROUTES}))
def test_another_method_is_refused_and_the_right_ones_are_named(server: Server, path: str) -> None:
    with server.http() as http:
        answer = http.put(path.replace("{id}", "r-none"))
    assert_refused(answer, 405, "method_not_allowed")
    assert answer.headers["Allow"] == ", ".join(
        sorted(route.method for route in ROUTES if route.path == path)
    )


@pytest.mark.parametrize("path", ["/runs/", "/runs/a/b", "/sessions/x", "/health/x"])
def test_a_path_below_ours_is_not_found_in_json(server: Server, path: str) -> None:
    with server.http() as http:
        assert_refused(http.get(path), 404, "unknown_route")


@pytest.mark.parametrize("query", ["limit=0", "limit=x", "surprise=1", "tenant=%ff"])
def test_a_wrong_query_is_refused(server: Server, query: str) -> None:
    with server.http() as http:
        assert_refused(http.get(f"/runs?{query}"), 400, "invalid_request")


def test_a_body_beyond_the_limit_is_refused_in_json(server: Server) -> None:
    with server.http() as http:
        answer = http.post("/run", content=b"x" * (16 * 1024 * 1024 + 1))
    assert_refused(answer, 413, "body_too_large")


@pytest.mark.parametrize("route", ROUTES, ids=name)
def test_a_request_for_another_host_is_refused(server: Server, route: Route) -> None:
    assert_refused(send(server, route, {}, Host="evil.example"), 403, "foreign_host")


@pytest.mark.parametrize("route", ROUTES, ids=name)
def test_a_page_of_another_site_is_refused_even_with_the_token(
    server: Server, route: Route
) -> None:
    answer = send(server, route, {}, Origin="http://evil.example")
    assert_refused(answer, 403, "foreign_origin")
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_a_page_of_this_server_may_call_it(server: Server) -> None:
    with server.http(Origin=server.url) as http:
        assert http.get("/sessions").status_code == 200


def test_health_is_open_and_tells_the_truth_without_names(server: Server) -> None:
    with httpx.Client(base_url=server.url, verify=False) as http:
        health = server.until(
            lambda: (one := http.get("/health").json())["powershell"]["found"] is not None and one
        )
    assert (health["status"], health["service"], health["version"]) == (
        "healthy",
        "pwsh-kernels",
        __version__,
    )
    assert health["powershell"]["version"] >= "7.4"
    assert health["uptime_s"] > 0
    assert all(isinstance(count, int) for count in health["sessions"].values())
    assert str(server.folder) not in str(health)
    assert CONTOSO not in str(health)


def test_head_tells_what_get_would(server: Server) -> None:
    with httpx.Client(base_url=server.url, verify=False) as http:
        answer = http.head("/health")
        assert (answer.status_code, answer.content) == (200, b"")
        assert http.head("/sessions").status_code == 401


def test_modules_have_the_original_s_fields(server: Server) -> None:
    answer = server.get("/modules", installed=False)
    assert "exo" in answer["modules"]
    assert answer["details"]["exo"]["name"] == "ExchangeOnlineManagement"


def test_installed_versions_are_searched_when_somebody_asks(server: Server) -> None:
    def installed(**query: object) -> set[str | None]:
        return {one["installed"] for one in server.get("/modules", **query)["details"].values()}

    assert installed(installed=False) == {None}
    assert all(isinstance(one, str) for one in installed())


def test_what_modules_install_brought_counts_as_installed(server: Server) -> None:
    install(server.data_dir, "MicrosoftTeams", "7.1.0")
    details = server.get("/modules")["details"]
    (server.data_dir / "modules.lock.toml").unlink()
    assert {key: one["installed"] for key, one in details.items() if one["installed"]} == {
        "teams": "7.1.0"
    }


def test_the_watchdog_has_the_original_s_fields(server: Server) -> None:
    answer = server.get("/watchdog")
    assert answer["running"] is True
    assert {
        "interval_seconds",
        "auth_pending_timeout",
        "idle_session_timeout",
        "stuck_process_timeout",
    } <= set(answer["config"])


def test_names_that_no_session_has_create_none(server: Server) -> None:
    stranger = "nobody.example"
    assert server.post("/status", tenant=stranger)["state"] == "none"
    assert server.post("/kill", tenant=stranger) == {
        "success": True,
        "killed": False,
        "message": f"No session for {stranger}:exo",
    }
    assert server.post("/disconnect", tenant=stranger)["error"] == f"No session for {stranger}:exo"
    refused = server.post("/run", tenant=stranger, command="1")
    assert (refused["code"], refused["connected"]) == ("not_signed_in", False)
    assert refused["error"].startswith("Not authenticated. Call /login first.")
    assert stranger not in {session["tenant"] for session in server.get("/sessions")["sessions"]}


def test_answers_are_not_cached(server: Server) -> None:
    with server.http() as http:
        assert http.get("/sessions").headers["Cache-Control"] == "no-store"


def test_the_browser_s_login_page_is_still_jupyter_s(server: Server) -> None:
    browser = {"Accept": "text/html", "Authorization": ""}
    with server.http(**browser) as http:
        page = http.get("/login")
        wrong = http.post("/login", data={"password": "wrong", "_xsrf": http.cookies["_xsrf"]})
        right = http.post("/login", data={"password": server.token, "_xsrf": http.cookies["_xsrf"]})
    assert "<form" in page.text
    assert wrong.status_code == 401
    assert right.status_code == 302


def test_the_log_holds_no_token(server: Server) -> None:
    with httpx.Client(base_url=server.url, verify=False) as http:
        http.get("/sessions", params={"token": server.token})
    server.until(lambda: any("/sessions" in line for line in server.log))
    assert server.token not in "".join(server.log)
