"""The form of the tenants file: TOML text to tenants, and every problem in it with its line.

No I/O.
"""

import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from pwsh_kernels.catalog.tenants.tenant import ModuleAccess, Tenant
from pwsh_kernels.catalog.toml_lines import (
    EntryPlace,
    Problem,
    entries_of,
    entry_places,
    line_of_syntax_error,
)

Facts = Mapping[str, Any]
TENANT_KEYS = tuple(one.name for one in fields(Tenant) if one.name != "modules")
MODULE_KEYS = tuple(one.name for one in fields(ModuleAccess))
TABLE = "tenant"
_TENANT: TypeAdapter[Tenant] = TypeAdapter(Tenant)
_SENTENCES = {
    "missing": "is missing",
    "string_type": "must be a string",
    "string_too_short": "must be a string",
    "bool_type": "must be true or false",
    "tuple_type": "must be a list of strings",
    "dataclass_type": "must be a table",
    "mapping_type": "must be a table",
}


@dataclass(frozen=True, slots=True)
class Form:
    """The content of a tenants file: its valid tenants, and its problems."""

    text: str = ""
    tenants: tuple[Tenant, ...] = ()
    problems: tuple[Problem, ...] = ()

    def line(self, tenant: str, *place: str) -> int | None:
        """Return the line of a key of a tenant, or of the tenant itself."""
        return next(
            (entry.line(place) for entry in entry_places(self.text, TABLE) if entry.name == tenant),
            None,
        )


def read_form(text: str, folder: Path, simulated: Mapping[str, Facts]) -> Form:
    """Read the text of a file in a folder; an entry with the name of a simulated tenant completes
    that one.
    """
    try:
        [entries] = entries_of(text, TABLE)
    except tomllib.TOMLDecodeError as problem:
        return Form(
            text, problems=(Problem(str(problem), line_of_syntax_error(str(problem), text)),)
        )
    except ValueError as problem:
        return Form(text, problems=(Problem(str(problem)),))
    places = entry_places(text, TABLE)
    read = [_tenant(entry, folder, simulated) for entry in entries]
    wrong = [
        Problem(sentence, place.line(where))
        for (_, sentences), place in zip(read, places, strict=False)
        for where, sentence in sentences
    ]
    tenants = [(tenant, place) for (tenant, _), place in zip(read, places, strict=False) if tenant]
    return Form(
        text, tuple(tenant for tenant, _ in tenants), (*wrong, *_overlaps(tenants, simulated))
    )


Wrong = tuple[Sequence[str], str]


def _tenant(
    entry: Facts, folder: Path, simulated: Mapping[str, Facts]
) -> tuple[Tenant | None, list[Wrong]]:
    """Return the tenant of an entry, or its problems: places and sentences."""
    if not isinstance(entry.get("name"), str):
        return None, [((), "a [[tenant]] has no name")]
    built_in = simulated.get(entry["name"].lower())
    if wrong := _wrong_sandbox(entry, built_in, simulated):
        return None, [wrong]
    completed = {**built_in, **entry} if built_in and entry.get("sandbox", True) else entry
    try:
        tenant = _TENANT.validate_python(_with_modules(completed), context={"folder": folder})
    except ValidationError as problem:
        return None, [_wrong(one) for one in problem.errors(include_url=False, include_input=False)]
    return tenant, list(_readers(tenant))


def _readers(tenant: Tenant) -> Iterator[Wrong]:
    """Yield what is wrong with a tenant's accesses of the read tier."""
    for module in tenant.read:
        if problem := tenant.reader_problem(module):
            yield ("read", module), f"read.{module} {problem}"


def _wrong_sandbox(entry: Facts, built_in: Facts | None, simulated: Iterable[str]) -> Wrong | None:
    if entry.get("sandbox") is True and not built_in:
        return (
            "sandbox",
        ), f"{entry['name']} is not simulated; sandbox = true is for {', '.join(simulated)}"
    if "traps" in entry and not (built_in and entry.get("sandbox", True)):
        return ("traps",), f"traps are for sandbox tenants only, and {entry['name']} is not one"
    return None


def _with_modules(entry: Facts) -> dict[str, Any]:
    """Return an entry with its modules in one table: in the file every table besides the known keys
    is a module.
    """
    modules = {
        key: value
        for key, value in entry.items()
        if key not in TENANT_KEYS and isinstance(value, dict)
    }
    others = {key: value for key, value in entry.items() if key not in modules}
    return {**others, "modules": modules} if "modules" not in others else others


def _wrong(error: ErrorDetails) -> Wrong:
    """Return the place and the sentence of an error; of the file's values only names are shown."""
    place = [str(one) for one in error["loc"] if isinstance(one, str)]
    in_module = place[:1] in (["modules"], ["read"]) and len(place) > 1
    place = place[1:] if place[:1] == ["modules"] and in_module else place
    context = error.get("ctx", {})
    match error["type"]:
        case "unexpected_keyword_argument":
            what, keys = ("a module", MODULE_KEYS) if in_module else ("a tenant", TENANT_KEYS)
            sentence = f"is not a key of {what}; known: {', '.join(keys)}"
        case "literal_error":
            sentence = f"must be one of {context['expected']}"
        case "value_error":
            sentence = str(context["error"])
        case kind:
            sentence = _SENTENCES.get(kind, error["msg"])
    return place, f"{'.'.join(place)} {sentence}"


def _overlaps(
    tenants: Sequence[tuple[Tenant, EntryPlace]], simulated: Mapping[str, Facts]
) -> list[Problem]:
    """Return a problem for each name that refers to two tenants."""
    named = {tenant.name for tenant, _ in tenants}
    owners = {
        name: key
        for key, facts in simulated.items()
        if key not in named
        for name in facts["domains"]
    }
    seen: set[str] = set()
    problems = []
    for tenant, place in tenants:
        if tenant.name in seen:
            problems.append(
                Problem(f"a tenant is named twice: {tenant.name}", place.line(("name",)))
            )
        seen.add(tenant.name)
        for name in tenant.names:
            owner = owners.setdefault(name, tenant.name)
            if owner != tenant.name:
                problems.append(
                    Problem(f"{name} would mean both {owner} and {tenant.name}", place.line())
                )
    return problems
