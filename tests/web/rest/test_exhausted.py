"""A server without further file descriptors: what needs one is refused with a reason, the rest
continues, and nothing is lost.
"""

import resource

import httpx
import psutil

from tests.fixtures.server import CONTOSO, FABRIKAM, Server

NO_MORE = 3
"""Descriptors: what is open stays open, and nothing is opened."""


def asked_for(run: str) -> list[tuple[str, str, dict[str, object] | None]]:
    """Return requests that read or write files, or start processes, when they can."""
    of_session = f"/sessions/{CONTOSO}:exo"
    return [
        ("GET", "/modules", None),
        ("GET", "/tenants", None),
        ("GET", f"{of_session}/notebook", None),
        ("GET", f"{of_session}/commands?words=mailbox", None),
        ("GET", f"/runs/{run}?cursor=1999990", None),
        ("POST", f"/runs/{run}/query", {}),
        ("POST", "/login", {"tenant": FABRIKAM}),
        ("POST", "/disconnect", {"tenant": FABRIKAM, "forget": True}),
        ("POST", "/disconnect", {"tenant": CONTOSO, "forget": True}),
        ("POST", "/kill", {"tenant": CONTOSO}),
    ]


def test_without_a_descriptor_a_request_is_refused_with_the_reason_and_the_session_goes_on(
    own_server: Server,
) -> None:
    own_server.sign_in()
    run = own_server.run("'x' * 2000000", format="text")["run_id"]
    process = psutil.Process(own_server.process.pid)
    before = process.rlimit(resource.RLIMIT_NOFILE)
    with own_server.http() as http:
        http.get("/health")  # the connection that the requests below come over
        process.rlimit(resource.RLIMIT_NOFILE, (NO_MORE, before[1]))
        answers = [http.request(how, path, json=body) for how, path, body in asked_for(run)]
        lines = http.get(f"/runs/{run}/lines").json()
        process.rlimit(resource.RLIMIT_NOFILE, before)
    assert [one.request.url for one in answers if _is_wrong(one)] == []
    refused = [one.json() for one in answers if one.status_code == 503]
    assert {one["code"] for one in refused} == {"server_exhausted"}
    assert "Too many open files" in refused[0]["error"]
    assert lines["lines"][0]["text"].startswith("xxx")
    assert own_server.run("1+1", format="text")["result"] == "2\n"
    assert own_server.post("/kill", tenant=CONTOSO)["killed"] is True
    own_server.until(lambda: own_server.powershells() == [])


def _is_wrong(answer: httpx.Response) -> bool:
    return answer.status_code >= 500 and answer.status_code != 503
