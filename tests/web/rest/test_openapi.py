"""The OpenAPI document says what the handlers do: no route is missing in it, none is invented, and
it is made of the same models.
"""

from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from tornado.httputil import HTTPHeaders, HTTPServerRequest, RequestStartLine

from pwsh_kernels.errors import ProductError
from pwsh_kernels.web.access import OPEN
from pwsh_kernels.web.rest.handlers import RouteHandler, rules
from pwsh_kernels.web.rest.openapi import document, statuses
from pwsh_kernels.web.rest.routes import ROUTES
from tests.fixtures.documentation import page, rows, words
from tests.fixtures.server import Server

DOCUMENT = document(ROUTES)
METHODS = {
    (method.upper(), path): facts
    for path, methods in DOCUMENT["paths"].items()
    for method, facts in methods.items()
}


def handled() -> list[Any]:
    """Return Tornado's rules of the routes: the handler table."""
    nobody: Any = None  # no request is answered here
    return [rule for rule in rules(nobody, "/") if rule.target is RouteHandler]


def reached(method: str, path: str) -> list[Any]:
    """Return the rules of the routes that a request comes to."""
    start_line = RequestStartLine(method, path, "HTTP/1.1")
    request = HTTPServerRequest(start_line=start_line, headers=HTTPHeaders(Host="localhost"))
    return [rule for rule in handled() if rule.matcher.match(request) is not None]


def options(path: str) -> dict[str, Any]:
    """Return the options of a GET route's query string with their schemas."""
    given = METHODS["GET", path]["parameters"]
    return {one["name"]: one["schema"] for one in given if one["in"] == "query"}


def body(path: str) -> Any:
    """Return the schema of a POST's body."""
    reference = METHODS["POST", path]["requestBody"]["content"]["application/json"]["schema"]
    return DOCUMENT["components"]["schemas"][reference["$ref"].rpartition("/")[2]]


def test_the_document_is_valid_openapi() -> None:
    OpenAPIV31SpecValidator(DOCUMENT).validate()


def test_each_handler_has_an_entry_and_each_entry_has_a_handler() -> None:
    served = {
        (method, route.path)
        for rule in handled()
        for method, route in rule.target_kwargs["routes"].items()
    }
    assert served == METHODS.keys()


@pytest.mark.parametrize(("method", "path"), METHODS, ids=lambda part: part)
def test_a_request_as_the_document_has_it_reaches_that_entry_s_handler(
    method: str, path: str
) -> None:
    rules_of = reached(method, path.replace("{id}", "r-1"))
    assert [rule.target_kwargs["routes"][method].path for rule in rules_of] == [path]


def test_a_path_is_matched_letter_by_letter() -> None:
    assert reached("GET", "/openapi.json")
    assert not reached("GET", "/openapiXjson")


def test_the_page_names_the_same_routes() -> None:
    named = {tuple(words(cells[0])[0].split()) for cells in rows(page("rest.md"), "Route")}
    assert named == METHODS.keys()


def test_every_code_that_the_page_explains_is_one_of_an_error_with_that_status() -> None:
    codes = {code: status for status, some in statuses().items() for code in some}
    assert set(DOCUMENT["components"]["schemas"]["Error"]["properties"]["code"]["enum"]) == set(
        codes
    )
    explained = {
        code for cells in rows(page("rest.md"), "`code` | status | why") for code in words(cells[0])
    }
    assert explained <= codes.keys()
    known = {one.code: one.status for one in ProductError.__subclasses__()}
    assert {code: known.get(code, status) for code, status in codes.items()} == codes


def test_only_the_routes_that_are_open_say_so() -> None:
    assert DOCUMENT["security"] == [{"token": []}]
    closed = {(one.method, one.path) for one in ROUTES if one.permission is not OPEN}
    assert {key for key, one in METHODS.items() if "security" not in one} == closed


def test_limits_of_options_and_fields_are_in_the_document() -> None:
    assert options("/runs")["limit"] == {
        "title": "Limit",
        "type": "integer",
        "default": 50,
        "minimum": 1,
        "maximum": 1000,
    }
    assert options("/runs/{id}/lines")["from"]["type"] == "integer"
    assert options("/sessions")["seen"] == {"title": "Seen", "type": "string", "maxLength": 253}
    run = body("/run")
    assert run["oneOf"] == [{"required": ["tenant"]}, {"required": ["tenants"]}]
    assert {"maximum": 2**63 - 1, "minimum": 1, "type": "integer"} in run["properties"][
        "max_chars"
    ]["anyOf"]


def test_a_body_may_say_null_for_what_it_may_leave_out() -> None:
    login = body("/login")
    assert login["required"] == ["tenant"]
    assert {"type": "null"} not in login["properties"]["tenant"].get("anyOf", [])
    assert all(
        {"type": "null"} in one["anyOf"]
        for name, one in login["properties"].items()
        if name != "tenant"
    )


@pytest.mark.xdist_group("server")
def test_the_server_serves_the_document(server: Server) -> None:
    assert server.get("/openapi.json") == DOCUMENT
