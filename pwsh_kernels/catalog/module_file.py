"""Reads a module's TOML file; problems are reported with their line."""

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from pwsh_kernels.catalog.module import Module, Unsupported
from pwsh_kernels.catalog.toml_lines import line_of_key, line_of_syntax_error
from pwsh_kernels.errors import BrokenFile

PREPARE = Path(__file__).parent / "powershell" / "Prepare.ps1"
"""The default preparation of a module: find it and import it, or say how to install it."""
_PREPARE_PARAMETERS = {
    "Name": "powershell_module",
    "MinimumVersion": "minimum_version",
    "Install": "install",
}
_ROUTE_SCRIPT = ("script", "parameters")

_MODULE: TypeAdapter[Module] = TypeAdapter(Module)
_UNSUPPORTED: TypeAdapter[Unsupported] = TypeAdapter(Unsupported)
_SENTENCES = {
    "missing": "is missing",
    "unexpected_keyword_argument": "is not a key of this file",
    "string_type": "must be a string",
    "string_too_short": "must be a string",
    "string_pattern_mismatch": "(the file's name) must be lower-case letters, digits, - and _",
    "command_pattern": "must be names such as Get-Mailbox, Get,Set-Mailbox or *-Mg*",
    "pattern_type": "must be a regular expression",
    "pattern_regex": "must be a regular expression",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "dataclass_type": "must be a table",
    "mapping_type": "must be a table",
    "tuple_type": "must be a list",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "greater_than": "must be greater than 0",
    "too_short": "must not be empty",
}


def read_module(file: Path) -> Module | Unsupported:
    """Read one module's file.

    Raises BrokenFile with the file's name, the line and the problem.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise BrokenFile(file=str(file), problem=str(problem)) from problem
    try:
        return _module(file, tomllib.loads(text))
    except tomllib.TOMLDecodeError as problem:
        raise BrokenFile(
            str(file), str(problem), line_of_syntax_error(str(problem), text)
        ) from problem
    except ValidationError as problem:
        first = problem.errors(include_url=False, include_input=False)[0]
        place = _place(first["loc"])
        line = line_of_key(place, text) or line_of_key(("unsupported", *place), text)
        raise BrokenFile(str(file), f"{'.'.join(place)} {_sentence(first)}", line) from problem


def _module(file: Path, facts: dict[str, Any]) -> Module | Unsupported:
    if isinstance(facts.get("unsupported"), dict):
        others = {key: value for key, value in facts.items() if key != "unsupported"}
        return _UNSUPPORTED.validate_python({**others, **facts["unsupported"], "key": file.stem})
    return _MODULE.validate_python(
        {**_defaults(file.stem), **_with_routes(facts), "key": file.stem, "folder": file.parent}
    )


def _defaults(key: str) -> dict[str, Any]:
    return {
        "install": f"pwsh-kernels modules install {key}",
        "prepare": {
            "script": PREPARE.read_text(encoding="utf-8"),
            "parameters": _PREPARE_PARAMETERS,
        },
    }


def _with_routes(facts: dict[str, Any]) -> dict[str, Any]:
    routes = facts.get("routes")
    if not isinstance(routes, dict):
        return facts
    return {**facts, "routes": {name: _route(name, route) for name, route in routes.items()}}


def _route(name: str, route: Any) -> Any:
    """Return a route in the form of its dataclass: in a file the script's keys are next to the
    others.
    """
    if not isinstance(route, dict):
        return route
    script = {key: value for key, value in route.items() if key in _ROUTE_SCRIPT}
    others = {key: value for key, value in route.items() if key not in _ROUTE_SCRIPT}
    return {**others, "name": name, "script": script}


def _place(location: Sequence[str | int]) -> tuple[str, ...]:
    """Return the keys in the file that lead to the problem."""
    place = tuple(str(one) for one in location if one != "[key]")
    inside_route_script = place[0] == "routes" and place[2:3] == ("script",)
    return place[:2] + place[3:] if inside_route_script and len(place) > 3 else place


def _sentence(error: ErrorDetails) -> str:
    context = error.get("ctx", {})
    if (
        error["loc"][0] in ("commands", "classes", "replaces")
        and error["type"] == "string_pattern_mismatch"
    ):
        return _SENTENCES["command_pattern"]
    if error["type"] == "literal_error":
        return f"is not one of {context['expected']}"
    if error["type"] == "value_error":
        return str(context["error"])
    return _SENTENCES.get(error["type"], error["msg"])
