"""Tokens, callers and request bodies, as pure functions."""

import pytest

from pwsh_kernels.errors import InvalidRequest
from pwsh_kernels.web.access import OPEN, client_label, read_token, same_token
from pwsh_kernels.web.guard import Guard
from pwsh_kernels.web.rest.bodies import (
    InputBody,
    LoginBody,
    NoQuery,
    RunBody,
    RunQuery,
    read_json,
    read_model,
)
from pwsh_kernels.web.rest.endpoints import Answer, Call
from pwsh_kernels.web.rest.route import Route
from pwsh_kernels.web.rest.routes import ROUTES, by_path
from pwsh_kernels.web.sandbox.guess_limit import MAX_WRONG, WINDOW, Attempts


@pytest.mark.parametrize(
    "header", ["Bearer abc", "bearer abc", "token abc", "Token  abc", " Bearer\tabc "]
)
def test_a_token_is_read_in_both_spellings(header: str) -> None:
    assert read_token(header) == "abc"


@pytest.mark.parametrize("header", ["", "abc", "Basic abc", "Bearer", "Bearer ", "Bearerabc"])
def test_other_headers_hold_no_token(header: str) -> None:
    assert read_token(header) == ""


def test_a_token_of_any_letters_is_compared_as_bytes() -> None:
    as_tornado_decodes_it = "ключ".encode().decode("latin-1")
    assert same_token(as_tornado_decodes_it, "ключ")
    assert not same_token("ключ", "abc")
    assert not same_token(as_tornado_decodes_it, "abc")


def test_an_empty_token_lets_nobody_in() -> None:
    assert not same_token("", "")
    assert Guard("").caller("Bearer ", "curl/8") is None


@pytest.mark.parametrize(
    ("user_agent", "label"),
    [
        ("pwsh-kernels-cli/0.1.0 httpx/0.28", "pwsh-kernels-cli"),
        ("pwsh-kernels-mcp/0.1.0 (claude-code)", "pwsh-kernels-mcp:claude-code"),
        ("Mozilla/5.0 (X11; Linux x86_64)", "Mozilla"),
        ("", ""),
        ("<script>", ""),
        ("\x1b[31mred", ""),
        ("x" * 500, "x" * 40),
    ],
)
def test_the_client_label_is_short_and_harmless(user_agent: str, label: str) -> None:
    assert client_label(user_agent) == label


def test_the_holder_of_the_servers_token_is_the_owner() -> None:
    caller = Guard("secret").caller("Bearer secret", "curl/8.5")
    assert caller is not None
    assert (caller.name, caller.client) == ("token", "curl")
    assert Guard("secret").caller("Bearer secre", "curl/8.5") is None


@pytest.mark.parametrize(
    ("body", "field", "problem"),
    [
        (b"{", "body", "is not JSON"),
        (b"[]", "body", "must be a JSON object"),
        (b'"text"', "body", "must be a JSON object"),
        (b"\xff\xfe\x00", "body", "is not UTF-8"),
        (b'{"command": "\xed\xa0\x80"}', "body", "is not UTF-8"),
        (b'{"command": NaN}', "body", "NaN is not JSON"),
        (b"[" * 100_000, "body", "is not JSON"),
        (b'{"command": "\\ud800"}', "body", "half of a surrogate pair"),
        (b'{"parameters": {"v": %s}}' % (b"[" * 33 + b"]" * 33), "parameters", "32 levels"),
        (b'{"max_chars": 9223372036854775808, "command": "x", "tenant": "a"}', "max_chars", "less"),
        (b"{}", "tenant", "is required"),
        (b'{"tenant": ""}', "tenant", "is required"),
        (b'{"tenant": null, "command": "x"}', "tenant", "is required"),
        (b'{"tenant": 5, "command": "x"}', "tenant", "valid string"),
        (b'{"tenant": "a.b"}', "command", "is required"),
        (b'{"tenant": "a.b", "command": "x", "wait_s": true}', "wait_s", "valid number"),
        (
            b'{"tenant": "a.b", "command": "x", "wait_s": -1}',
            "wait_s",
            "greater than or equal to 0",
        ),
        (
            b'{"tenant": "a.b", "command": "x", "format": "xml"}',
            "format",
            "'text', 'json', 'csv', 'list' or 'compact'",
        ),
        (b'{"tenant": "a.b", "command": "x", "width": 5}', "width", "greater than or equal to 20"),
        (b'{"tenant": "a.b", "command": "x", "parameters": [1]}', "parameters", "dictionary"),
        (
            b'{"tenant": "a.b", "command": "x", "comand": 1, "tennant": 2}',  # codespell:ignore
            "comand, tennant",  # codespell:ignore
            "Known fields: tenant",
        ),
    ],
)
def test_a_wrong_body_is_refused_by_the_name_of_its_field(
    body: bytes, field: str, problem: str
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        read_model(RunBody, read_json(body))
    assert refused.value.field == field
    assert problem in refused.value.problem


@pytest.mark.parametrize("text", ["", " "])
@pytest.mark.parametrize("field", ["module", "expected_account", "sharepoint_tenant"])
def test_a_login_with_an_empty_name_is_told_to_leave_it_out(field: str, text: str) -> None:
    with pytest.raises(InvalidRequest, match=f"{field} must not be empty; leave it out"):
        read_model(LoginBody, {"tenant": "a.b", field: text})


@pytest.mark.parametrize(
    ("field", "problem"),
    [
        ("access_token", "must not be empty; leave it out"),
        ("graph_token", "must not be empty; leave it out"),
        ("route", "should be 'device_code'"),
        ("tenant", "is required"),
    ],
)
def test_a_login_with_an_empty_text_is_told_what_is_wrong(field: str, problem: str) -> None:
    with pytest.raises(InvalidRequest, match=f"{field} {problem}"):
        read_model(LoginBody, {"tenant": "a.b", field: ""})


def test_every_field_of_the_original_login_is_accepted() -> None:
    body = (
        b'{"tenant": "a.b", "module": "exo", "sharepoint_tenant": "a", "account": "1",'
        b' "conversation_id": "12345678"}'
    )
    assert read_model(LoginBody, read_json(body)).tenant == "a.b"


def test_an_empty_body_is_an_empty_object() -> None:
    assert read_json(b"") == {}


def test_values_that_json_calls_false_stay_what_they_are() -> None:
    body = (
        b'{"tenant": "a.b", "command": "x", "parameters": {"a": 0, "b": false, "c": "", "d": null}}'
    )
    assert read_model(RunBody, read_json(body)).parameters == {
        "a": 0,
        "b": False,
        "c": "",
        "d": None,
    }
    assert read_model(InputBody, {"value": ""}).value == ""


@pytest.mark.parametrize(
    "query",
    [{"cursor": "-1"}, {"cursor": "x"}, {"wait_s": "nan"}, {"wait_s": "inf"}, {"limit": "0"}],
)
def test_a_wrong_query_is_refused(query: dict[str, str]) -> None:
    with pytest.raises(InvalidRequest):
        read_model(RunQuery, query)


def test_ten_wrong_guesses_close_the_page_for_a_minute() -> None:
    attempts = Attempts()
    for second in range(MAX_WRONG):
        assert attempts.wait(second) == 0
        attempts.add_wrong(second)
    assert attempts.wait(MAX_WRONG) == WINDOW - MAX_WRONG
    assert attempts.wait(WINDOW) == 0


def test_only_health_is_open() -> None:
    open_to_all = [route.path for route in ROUTES if route.permission is OPEN]
    assert open_to_all == ["/health", "/health/live", "/health/ready"]


def test_a_route_without_a_permission_stops_the_server() -> None:
    async def nothing(_: Call) -> Answer:
        return Answer({})

    undeclared = Route("GET", "/secret", None, NoQuery, nothing, Answer)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="GET /secret declares no permission"):
        by_path([*ROUTES, undeclared])


def test_a_route_given_twice_stops_the_server() -> None:
    with pytest.raises(ValueError, match="GET /health is declared twice"):
        by_path([ROUTES[0], ROUTES[0]])
