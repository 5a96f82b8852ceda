"""Whatever is sent to a route, the answer is one that docs/rest.md knows: never a status of 500, a
traceback or silence, and the sessions go on. A few requests here, many with `make fuzz`.
"""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import pytest
import schemathesis
from hypothesis import given
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from pwsh_kernels.shapes import ForeignJson
from pwsh_kernels.web.rest.bodies import NoQuery
from pwsh_kernels.web.rest.openapi import document
from pwsh_kernels.web.rest.route import Route
from pwsh_kernels.web.rest.routes import ROUTES
from tests.fixtures.odd_values import FUZZ_LIMIT, TEXTS, VALUES, ascii_json, few
from tests.fixtures.server import ANSWER_WAIT, CONTOSO, FABRIKAM, Server
from tests.fixtures.sweeps import swept

pytestmark = [pytest.mark.fuzz, pytest.mark.slow, pytest.mark.timeout(FUZZ_LIMIT)]

SETTINGS = {
    "PWSH_MANAGER_MAX_WAIT": "1",
    "PWSH_MANAGER_RUN_WAIT": "1",
    "PWSH_MANAGER_SESSIONS": "4",
}
OPEN_SHAPES = {"Error", "Refused"}
"""Shapes to which an error adds its facts."""
ENDING = {"/kill", "/disconnect", "/login"}
"""Routes that are sent to another session than the one that must go on."""
CHECKS = [status_code_conformance, content_type_conformance, response_schema_conformance]


def closed(whole: ForeignJson) -> ForeignJson:
    """Return the document with answers that may hold no key more than it names."""
    for name, schema in whole["components"]["schemas"].items():
        if "properties" in schema and name not in OPEN_SHAPES:
            schema["additionalProperties"] = False
    return whole


API = schemathesis.openapi.from_dict(closed(document(ROUTES)))


@dataclass(frozen=True)
class Target:
    """A server with a signed-in session, in which a run has objects and another asks a question."""

    server: Server
    runs: tuple[str, ...]

    def known(self, route: Route) -> list[str]:
        """Return ids of what there is for a route."""
        return [*self.runs] if route.path.startswith("/runs") else [f"{CONTOSO}:exo", CONTOSO]


@pytest.fixture(scope="module")
def target(powershell_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """A server for the fuzz alone: it ends as it began, without a traceback in its log."""
    server = Server(tmp_path_factory.mktemp("fuzz"), SETTINGS).start()
    server.approve(server.until(lambda: server.post("/login", tenant=CONTOSO)["device_code"]))
    server.until(lambda: server.post("/status", tenant=CONTOSO)["state"] == "signed_in")
    ended = server.run("1..3 | ForEach-Object { [pscustomobject]@{ N = $_ } }")
    yield Target(server, (ended["run_id"], "r-none"))
    server.close()


def name(one: Route | GenerationMode) -> str:
    """Return how a test names a route, or a way to generate requests."""
    return one.value if isinstance(one, GenerationMode) else f"{one.method} {one.path}"


def assert_known(status: int, body: bytes, asked: object, log: list[str]) -> None:
    """Check that an answer is not a mistake of ours, and is JSON."""
    assert status < 500, (status, body, asked, "".join(log[-60:]))
    assert not any("Traceback" in line for line in log), (asked, "".join(log[-60:]))


POSTED = [one for one in ROUTES if one.method == "POST"]
GENERATED = [
    (route, mode)
    for route in ROUTES
    for mode in GenerationMode
    if mode.is_positive or route.takes is not NoQuery
]


def opens_sessions(route: Route) -> bool:
    """Return whether a good request begins a session, which takes seconds."""
    return route.path == "/login"


@pytest.mark.parametrize(
    ("route", "mode"),
    swept(
        GENERATED, [one for one in GENERATED if not (one[1].is_positive and opens_sessions(one[0]))]
    ),
    ids=name,
)
def test_what_the_document_allows_and_what_it_forbids_has_an_answer_of_its_shape(
    target: Target, route: Route, mode: GenerationMode
) -> None:
    operation = API[route.path][route.method]

    @few(3)
    @given(case=operation.as_strategy(generation_mode=mode), data=st.data())
    def sent(case: Case[Any], data: st.DataObject) -> None:
        aim(case, route, target, data)
        answer = case.call(base_url=target.server.url, timeout=ANSWER_WAIT)
        assert_known(answer.status_code, answer.content, case, target.server.log)
        case.validate_response(answer, checks=CHECKS)

    sent()


def aim(case: Case[Any], route: Route, target: Target, data: st.DataObject) -> None:
    """Let a generated request come from somebody who may, and often name what there is."""
    case.headers["Authorization"] = f"Bearer {target.server.token}"
    aimed = data.draw(st.booleans())
    if case.path_parameters and aimed:
        case.path_parameters["id"] = data.draw(st.sampled_from(target.known(route)))
    if isinstance(case.body, dict) and "tenant" in case.body and aimed:
        case.body["tenant"] = FABRIKAM if route.path in ENDING else CONTOSO
        case.body.pop("module", None)


@pytest.mark.parametrize(
    "route", swept(POSTED, [one for one in POSTED if not opens_sessions(one)]), ids=name
)
def test_a_body_with_odd_values_has_an_answer(target: Target, route: Route) -> None:
    fields = list(route.takes.model_fields) or ["tenant"]  # for a route that takes none
    bodies = st.dictionaries(st.sampled_from(fields), VALUES, max_size=3)

    @few(4)
    @given(body=bodies, known=st.sampled_from(target.known(route)))
    def sent(body: ForeignJson, known: str) -> None:
        path = route.path.replace("{id}", quote(known))
        send(target, route.method, path, ascii_json(good_body(route) | body))

    sent()


def good_body(route: Route) -> ForeignJson:
    """Return a body that the route would take."""
    good = {
        "tenant": FABRIKAM if route.path in ENDING else CONTOSO,
        "command": "1",
        "value": "x",
    }
    return {key: value for key, value in good.items() if key in route.takes.model_fields}


@pytest.mark.parametrize("route", ROUTES, ids=name)
def test_bytes_that_are_no_request_of_a_route_have_an_answer(target: Target, route: Route) -> None:
    texts = TEXTS.map(lambda text: text.encode(errors="surrogatepass")) | st.binary(max_size=20)
    names = st.sampled_from([one.alias or key for key, one in route.takes.model_fields.items()])
    options = st.dictionaries(names if route.takes.model_fields else texts, texts, max_size=3)
    bodies = st.binary(max_size=40) | texts.map(lambda text: b'{"tenant": "' + text + b'"}')
    methods = st.sampled_from([route.method, route.method, "HEAD", "PUT", "DELETE", "OPTIONS"])

    @few(4)
    @given(id_=texts, query=options, method=methods, body=bodies)
    def sent(id_: bytes, query: dict[Any, Any], method: str, body: bytes) -> None:
        path = route.path.replace("{id}", quote(id_, safe=""))
        send(target, method, f"{path}?{urlencode(query)}", body)

    sent()


def send(target: Target, method: str, path: str, body: bytes) -> None:
    """Send a request byte by byte, and check its answer."""
    connection = HTTPConnection(urlsplit(target.server.url).netloc, timeout=ANSWER_WAIT)
    with closing(connection):
        connection.request(method, path, body, {"Authorization": f"Bearer {target.server.token}"})
        answer = connection.getresponse()
        assert_known(answer.status, answer.read(), (method, path, body), target.server.log)


def test_the_session_of_all_that_goes_on(target: Target) -> None:
    assert target.server.post("/status", tenant=CONTOSO)["state"] == "signed_in"
    answer = target.server.until(
        lambda: (one := target.server.run("1+1", format="text"))["state"] == "succeeded" and one
    )
    assert answer["result"] == "2\n"
