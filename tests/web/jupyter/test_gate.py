"""Principals at the door of Jupyter: its routes, its lists, its WebSockets message by message, a
browser's cookie.
"""

import asyncio
from typing import Any

import httpx
import pytest
from tornado.httpclient import HTTPClientError

from pwsh_kernels.principals.verbs import Verb
from pwsh_kernels.sessions.key import SessionKey
from tests.fixtures.front_end import WAIT_S, Notebook
from tests.fixtures.principals import Principals, grant
from tests.fixtures.server import ANSWER_WAIT, CONTOSO, FABRIKAM, Server

pytestmark = [pytest.mark.xdist_group("principals"), pytest.mark.slow]

OURS = SessionKey(CONTOSO, "exo")
HIDDEN = SessionKey(FABRIKAM, "exo")
NOWHERE = "00000000-0000-4000-8000-000000000000"
OF_JUPYTER = [
    *("/api/kernels", "/api/sessions", "/api/kernelspecs", "/api/contents", "/api/status"),
    *("/api/me", "/api/config/notebook", "/api/nbconvert", "/api/spec.yaml", "/metrics"),
    *("/files/x", "/view/x", "/nbconvert/html/x.ipynb", "/api/events/subscribe"),
    *(f"/api/kernels/{OURS.kernel_id}", f"/api/kernels/{OURS.kernel_id}/channels"),
    *(f"/api/sessions/{OURS.kernel_id}", f"/api/kernelspecs/{OURS.kernelspec}"),
    f"/kernelspecs/{OURS.kernelspec}/logo-64x64.png",
]
OF_THE_SERVER = [
    *("/api/contents", "/api/contents/x", "/api/status", "/api/config/notebook", "/api/nbconvert"),
    *("/files/x", "/view/x", "/nbconvert/html/x.ipynb", "/metrics", "/api/resolvePath"),
]


@pytest.mark.parametrize("path", OF_JUPYTER)
@pytest.mark.parametrize("who", ["nobody", "writer", "everywhere"])
def test_without_the_right_to_jupyter_there_is_no_route_of_it(
    guarded: Server, principals: Principals, who: str, path: str
) -> None:
    with principals.client(guarded, who) as http:
        assert http.get(path).status_code == 403
        assert http.get(path, params={"token": "x"}).status_code in {302, 403}  # the login page


@pytest.mark.parametrize("path", OF_THE_SERVER)
def test_files_settings_and_conversions_are_for_who_administers_the_server(
    guarded: Server, principals: Principals, path: str
) -> None:
    with principals.client(guarded, "ada") as http:
        assert http.get(path).status_code == 403
    with principals.client(guarded, "admin") as http:
        assert http.get(path).status_code != 403


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/api/contents/x.txt"),
        ("POST", "/api/contents"),
        ("DELETE", "/api/contents/x.txt"),
        ("POST", "/api/shutdown"),
        ("POST", "/api/events"),
        ("POST", "/nbconvert/html"),
        ("PUT", "/api/config/notebook"),
    ],
)
def test_nothing_of_the_server_is_changed_without_the_right_to_administer_it(
    guarded: Server, principals: Principals, method: str, path: str
) -> None:
    with principals.client(guarded, "ada") as http:
        assert http.request(method, path, json={}).status_code == 403
    assert guarded.get("/sessions")["success"]


def listed(http: httpx.Client) -> dict[str, set[str]]:
    """Return whose kernels, rows and kernelspecs Jupyter's lists show."""
    return {
        "kernels": {
            one.get("pwsh", {}).get("session", "-") for one in http.get("/api/kernels").json()
        },
        "rows": {
            one["kernel"].get("pwsh", {}).get("session", "-")
            for one in http.get("/api/sessions").json()
        },
        "specs": set(http.get("/api/kernelspecs").json()["kernelspecs"]),
    }


def test_lists_show_the_sessions_that_their_caller_may_see_and_nothing_else(
    guarded: Server, principals: Principals
) -> None:
    with principals.client(guarded, "ada") as http:
        assert listed(http) == {
            "kernels": {str(OURS)},
            "rows": {str(OURS)},
            "specs": {OURS.kernelspec},
        }
        assert http.get("/api/kernelspecs").json()["default"] == OURS.kernelspec
    for who in (guarded.token, principals.tokens["admin"]):
        with guarded.http(Authorization=f"Bearer {who}") as http:
            everything = listed(http)
        assert {str(OURS), str(HIDDEN)} <= everything["kernels"] & everything["rows"]
        assert {OURS.kernelspec, HIDDEN.kernelspec, "python3"} <= everything["specs"]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/api/kernels/{id}", None),
        ("DELETE", "/api/kernels/{id}", None),
        ("POST", "/api/kernels/{id}/interrupt", {}),
        ("POST", "/api/kernels/{id}/restart", {}),
        ("GET", "/api/sessions/{id}", None),
        ("PATCH", "/api/sessions/{id}", {"name": "x"}),
        ("DELETE", "/api/sessions/{id}", None),
        ("POST", "/api/sessions", {"path": "x", "type": "console", "kernel": {"id": "{id}"}}),
        ("GET", "/api/kernels/{id}/channels", None),
    ],
)
def test_a_hidden_kernel_is_answered_as_one_that_does_not_exist(
    guarded: Server, principals: Principals, method: str, path: str, body: Any
) -> None:
    def answer(http: httpx.Client, kernel: str) -> tuple[int, str]:
        text = str(body).replace("{id}", kernel).replace("'", '"') if body is not None else ""
        given = http.request(method, path.replace("{id}", kernel), content=text)
        return given.status_code, given.text.replace(kernel, "ID")

    with principals.client(guarded, "ada") as http:
        hidden = answer(http, HIDDEN.kernel_id)
        assert hidden[0] == 404
        assert FABRIKAM not in hidden[1]
        if "sessions/{id}" not in path:  # Jupyter's own answer names columns of its table
            assert hidden == answer(http, NOWHERE)


@pytest.mark.parametrize("name", [HIDDEN.kernelspec, "python3", "nonsense"])
def test_no_kernel_is_started_but_those_of_sessions_that_one_may_write_in(
    guarded: Server, principals: Principals, name: str
) -> None:
    with principals.client(guarded, "ada") as http:
        refused = [
            http.post("/api/kernels", json={"name": name}),
            http.post(
                "/api/sessions", json={"path": "a", "type": "notebook", "kernel": {"name": name}}
            ),
            http.patch(f"/api/sessions/{OURS.kernel_id}", json={"kernel": {"name": name}}),
            http.get(f"/api/kernelspecs/{name}"),
        ]
    assert [one.status_code for one in refused] == [404] * 4


@pytest.mark.parametrize("body", [{}, None, {"kernel": {}}, {"path": "y", "type": "notebook"}])
def test_the_default_kernel_belongs_to_the_server(
    guarded: Server, principals: Principals, body: Any
) -> None:
    with principals.client(guarded, "ada") as http:
        assert http.post("/api/kernels", json=body).status_code == 403
        assert http.post("/api/sessions", json=body).status_code == 403


@pytest.mark.parametrize(
    "body", [{"kernel": []}, {"kernel": {"id": ["x"]}}, {"kernel": {"name": {}, "id": 5}}, [1]]
)
def test_a_body_of_other_types_starts_nothing(
    guarded: Server, principals: Principals, body: Any
) -> None:
    with principals.client(guarded, "ada") as http:
        given = {"path": "z", "type": "notebook", **body} if isinstance(body, dict) else body
        assert http.post("/api/sessions", json=given).status_code in {400, 403, 404}


def test_a_session_is_opened_and_left_by_who_may_write_in_it(
    guarded: Server, principals: Principals
) -> None:
    with principals.client(guarded, "ada") as http:
        started = http.post("/api/kernels", json={"name": OURS.kernelspec})
        assert (started.status_code, started.json()["id"]) == (201, OURS.kernel_id)
        row = http.post(
            "/api/sessions",
            json={"path": "n", "type": "notebook", "kernel": {"name": OURS.kernelspec}},
        ).json()
        assert http.get(f"/api/sessions/{row['id']}").json()["path"] == "n"
        assert http.delete(f"/api/sessions/{row['id']}").status_code == 204
    with principals.client(guarded, "student") as http:
        refused = http.post("/api/kernels", json={"name": OURS.kernelspec})
        assert (refused.status_code, http.get("/api/kernels").status_code) == (403, 200)
    assert guarded.post("/status", tenant=CONTOSO)["state"] == "signed_in"


async def test_a_cell_runs_for_who_may_write(guarded: Server, principals: Principals) -> None:
    async with Notebook(guarded.url, principals.tokens["ada"], OURS.kernel_id) as notebook:
        assert (await notebook.run("'by ada'")).text == "by ada\n"
    run = next(one for one in guarded.get("/runs")["runs"] if one["command"] == "'by ada'")
    assert (run["principal"], run["client"]) == ("person:ada", 'jupyter, claims to be "ada"')


async def test_who_may_read_alone_gets_an_answer_to_each_message_and_runs_nothing(
    guarded: Server, principals: Principals
) -> None:
    before = len(guarded.get("/runs", tenant=CONTOSO)["runs"])
    async with Notebook(guarded.url, principals.tokens["student"], OURS.kernel_id) as notebook:
        cell = await notebook.run("$planted = 1")
        (reply,) = cell.of_kind("execute_reply")
        assert (reply["status"], reply["ename"]) == ("error", "Forbidden")
        assert "person:student may not write in contoso.example:exo" in reply["evalue"]
        assert cell.of_kind("error")[0]["evalue"] == reply["evalue"]
        asked = await notebook.send("complete_request", {"code": "Get-Mailb", "cursor_pos": 9})
        answer = await notebook.until(asked, lambda one: bool(one.of_kind("complete_reply")))
        assert answer.of_kind("complete_reply")[0]["status"] == "ok"
        strange = await notebook.send("debug_request", {}, "control")
        refused = await notebook.until(strange, lambda one: bool(one.of_kind("debug_reply")))
        assert refused.of_kind("debug_reply")[0]["ename"] == "Forbidden"
    assert len(guarded.get("/runs", tenant=CONTOSO)["runs"]) == before
    assert guarded.run('"planted: $planted"', format="text")["result"] == "planted: \n"


async def test_a_websocket_to_a_hidden_kernel_is_not_opened(
    guarded: Server, principals: Principals
) -> None:
    for who, status in (("ada", 404), ("writer", 403), ("nobody", 403)):
        with pytest.raises(HTTPClientError) as refused:
            async with Notebook(guarded.url, principals.tokens[who], HIDDEN.kernel_id):
                pass
        assert refused.value.code == status


async def test_an_open_websocket_ends_with_the_right_to_it(
    guarded: Server, principals: Principals
) -> None:
    token = principals.add("brief-guest", grant(Verb.WRITE), jupyter=True)
    async with Notebook(guarded.url, token, OURS.kernel_id) as notebook:
        assert (await notebook.run("1")).ended
        principals.revoke("brief-guest")
        await asyncio.to_thread(guarded.run, "'not for guests'")
        async with asyncio.timeout(WAIT_S):
            heard = []
            while (raw := await notebook.socket.read_message()) is not None:
                heard.append(str(raw))
    assert notebook.socket.close_code == 1008
    assert not [one for one in heard if "not for guests" in one]


async def test_a_message_after_the_right_has_gone_does_nothing(
    guarded: Server, principals: Principals
) -> None:
    token = principals.add("late-guest", grant(Verb.WRITE), jupyter=True)
    async with Notebook(guarded.url, token, OURS.kernel_id) as notebook:
        assert (await notebook.run("1")).ended
        principals.revoke("late-guest")
        cell = await notebook.run("$late = 1")
        assert cell.of_kind("execute_reply")[0]["ename"] == "Forbidden"
    assert guarded.run('"late: $late"', format="text")["result"] == "late: \n"


def browser(server: Server) -> httpx.Client:
    """Return a client that keeps cookies and sends no token by itself."""
    return httpx.Client(base_url=server.url, timeout=ANSWER_WAIT, verify=False, trust_env=False)


def test_a_browsers_cookie_is_its_principals_and_ends_with_the_token(
    guarded: Server, principals: Principals
) -> None:
    token = principals.add("surfer", grant(Verb.WRITE), jupyter=True)
    with browser(guarded) as http:
        assert http.get("/api/kernels", params={"token": token}).status_code == 200
        assert http.cookies
        assert http.get("/api/me").json()["identity"]["username"] == "person:surfer"
        assert listed(http)["kernels"] == {str(OURS)}
        assert http.get("/api/contents").status_code == 403
        principals.rotate("surfer")
        assert http.get("/api/kernels").status_code == 403
    with browser(guarded) as http:
        typed = {"password": principals.tokens["surfer"]}
        page = http.get("/login")
        form = {"_xsrf": page.cookies["_xsrf"], **typed}
        html = {"Accept": "text/html"}
        assert http.post("/login?next=%2Fapi%2Fme", data=form, headers=html).status_code == 302
        assert http.get("/api/me").json()["identity"]["username"] == "person:surfer"
        principals.revoke("surfer")
        assert http.get("/api/me").status_code == 403


def test_the_owners_token_beside_a_principals_cookie_is_the_owners(
    guarded: Server, principals: Principals
) -> None:
    with browser(guarded) as http:
        http.get("/api/kernels", params={"token": principals.tokens["ada"]})
        assert http.get("/api/contents").status_code == 403
        assert http.get("/api/contents", params={"token": guarded.token}).status_code == 200


def test_what_jupyter_says_that_one_may_do_is_true(guarded: Server, principals: Principals) -> None:
    asked = {"permissions": '{"contents": ["read"], "kernels": ["read", "execute"]}'}
    with principals.client(guarded, "ada") as http:
        told = http.get("/api/me", params=asked).json()["permissions"]
        told.pop("updatable_fields")
    assert told == {"contents": [], "kernels": ["read", "execute"]}
    with guarded.http() as http:
        told = http.get("/api/me", params=asked).json()["permissions"]
        told.pop("updatable_fields")
    assert told == {"contents": ["read"], "kernels": ["read", "execute"]}


@pytest.mark.parametrize("path", ["/", "/nosuch", "/nosuch/", "/logout", "/login", "/api/none/x"])
@pytest.mark.parametrize("who", ["ada", "nobody", "owner"])
def test_no_page_of_jupyter_shows_the_owners_token(
    guarded: Server, principals: Principals, who: str, path: str
) -> None:
    token = principals.tokens.get(who, guarded.token)
    for headers in ({"Authorization": f"token {token}"}, {}):
        with browser(guarded) as http:
            query = {} if headers else {"token": token}
            page = http.get(path, params=query, headers={**headers, "Accept": "text/html"})
        assert guarded.token not in page.text
