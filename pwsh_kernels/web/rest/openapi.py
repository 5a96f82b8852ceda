"""The OpenAPI document of the routes: made from the route table, the bodies, the shapes and the
errors, so that nothing is written twice.

Pure.
"""

from collections.abc import Iterable, Iterator, Mapping
from inspect import getdoc
from typing import Any, Literal

from pydantic import TypeAdapter

from pwsh_kernels import __version__
from pwsh_kernels.errors import (
    AuditUnavailable,
    NotReady,
    PageForPeople,
    ProductError,
    ServerExhausted,
    ServerStarting,
)
from pwsh_kernels.shapes import Error, ForeignJson
from pwsh_kernels.web.access import OPEN
from pwsh_kernels.web.connections import TOO_MANY_CONNECTIONS
from pwsh_kernels.web.rest.route import Route

SUBJECTS = frozenset(
    {
        "approvals",
        "command_state",
        "files",
        "kept_objects",
        "modules",
        "notifications",
        "passkeys",
        "powershell",
        "previews",
        "read_tier",
        "requests",
        "runs",
        "sessions",
        "sign_in",
        "tenants",
    }
)
"""Files of errors/ whose errors a route may answer with; the others are those of the command line
and of installing modules.
"""
SCHEMAS = "#/components/schemas/{model}"
REFUSAL = "#/components/responses/Refusal"
JSON = "application/json"
INTRODUCTION = "Signed-in PowerShell sessions over REST; docs/rest.md is this document in words."
NULL = {"type": "null"}
ID = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
Mode = Literal["validation", "serialization"]
Key = tuple[str, Mode]


def document(routes: Iterable[Route]) -> ForeignJson:
    """Return the OpenAPI 3.1 document of these routes."""
    table = list(routes)
    schemas, shared = _schemas(table)
    paths: dict[str, ForeignJson] = {}
    for route in table:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schemas, shared)
    return {
        "openapi": "3.1.0",
        "info": {"title": "pwsh-kernels", "version": __version__, "description": INTRODUCTION},
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": shared,
            "responses": {"Refusal": _refusal(schemas["error", "serialization"])},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def statuses() -> dict[int, list[str]]:
    """Return the codes of all errors that a route may answer with, by HTTP status."""
    errors: list[type[ProductError]] = [
        ProductError,
        AuditUnavailable,
        NotReady,
        PageForPeople,
        ServerExhausted,
        ServerStarting,
    ]
    errors += [one for one in ProductError.__subclasses__() if _subject(one) in SUBJECTS]
    found = {TOO_MANY_CONNECTIONS: 503} | {one.code: one.status for one in errors}
    return {
        status: sorted(code for code, its in found.items() if its == status)
        for status in sorted(set(found.values()))
    }


def _subject(error: type[ProductError]) -> str:
    return error.__module__.rpartition(".")[2]


def _schemas(routes: Iterable[Route]) -> tuple[Mapping[Key, ForeignJson], ForeignJson]:
    """Return the schemas of each route's input and output, and those that they share, by name."""
    wanted: list[tuple[str, Mode, TypeAdapter[Any]]] = [
        ("error", "serialization", TypeAdapter(Error))
    ]
    for route in routes:
        name = _name(route)
        wanted.append((name, "validation", TypeAdapter(route.takes)))
        wanted.append((name, "serialization", TypeAdapter(route.gives)))
    schemas, shared = TypeAdapter.json_schemas(wanted, ref_template=SCHEMAS)
    definitions: ForeignJson = shared["$defs"]
    codes = [code for some in statuses().values() for code in some]
    definitions["Error"]["properties"]["code"]["enum"] = sorted(codes)
    taken = {route.takes.__name__: route.method for route in routes}
    for name, method in taken.items():
        definitions[name] = _nullable(definitions[name]) if method == "POST" else definitions[name]
    return schemas, definitions


def _name(route: Route) -> str:
    return f"{route.method} {route.path}"


def _nullable(body: ForeignJson) -> ForeignJson:
    """Return the schema of a body, in which null counts as absent."""
    required = body.get("required", [])
    return {
        **body,
        "properties": {
            name: one if name in required or NULL in one.get("anyOf", []) else _or_null(one)
            for name, one in body["properties"].items()
        },
    }


def _or_null(schema: ForeignJson) -> ForeignJson:
    said: ForeignJson = {
        name: schema[name] for name in ("title", "default", "description") if name in schema
    }
    rest = {name: one for name, one in schema.items() if name not in said}
    return {**said, "anyOf": [rest, NULL]} if rest else schema


def _operation(
    route: Route, schemas: Mapping[Key, ForeignJson], shared: ForeignJson
) -> ForeignJson:
    summary, _, more = (getdoc(route.answer) or "").partition("\n\n")
    answered = _answer(schemas[_name(route), "serialization"])
    operation: ForeignJson = {
        "operationId": route.answer.__name__,
        "summary": " ".join(summary.split()),
        **({"description": " ".join(more.split())} if more else {}),
        "responses": {"200": {"description": "Done.", **answered}, "default": {"$ref": REFUSAL}},
    }
    if route.waits:
        operation["responses"]["202"] = {"description": "It goes on.", **answered}
    parameters = [ID] if "{id}" in route.path else []
    if route.method == "POST":
        operation["requestBody"] = _answer({"$ref": SCHEMAS.format(model=route.takes.__name__)})
    else:
        parameters += _options(shared[route.takes.__name__])
    if route.permission is OPEN:
        operation["security"] = []
    return {**operation, "parameters": parameters} if parameters else operation


def _answer(schema: ForeignJson) -> ForeignJson:
    return {"content": {JSON: {"schema": schema}}}


def _options(query: ForeignJson) -> Iterator[ForeignJson]:
    """Yield the options of a query string."""
    required = query.get("required", [])
    for name, schema in query["properties"].items():
        yield {
            "name": name,
            "in": "query",
            "required": name in required,
            "schema": _without_null(schema),
        }


def _without_null(schema: ForeignJson) -> ForeignJson:
    """Return the schema of an option: a query string cannot say null."""
    kept = [one for one in schema.get("anyOf", []) if one != NULL]
    if len(kept) != 1:
        return schema
    return {"title": schema["title"], **kept[0]}


def _refusal(error: ForeignJson) -> ForeignJson:
    said = "\n".join(f"* {status}: {', '.join(codes)}" for status, codes in statuses().items())
    return {"description": f"Refused, or failed. `code` by status:\n\n{said}", **_answer(error)}
