"""What the arguments of a command that reads make of it: files, secrets, jobs, code, methods of
requests.

Pure.
"""

import re
from collections.abc import Iterator

from pwsh_kernels.classification.classes import Reason
from pwsh_kernels.classification.command_classes import Known
from pwsh_kernels.classification.facts import Argument, Fact, Value
from pwsh_kernels.classification.tables import engine, may_mean, reason
from pwsh_kernels.classification.variables import Variables, is_filled, is_variable_parameter

PLAIN_NAME = re.compile(r"\+?\w+")
WHERE, FOREACH, NEW_OBJECT = "where-object", "foreach-object", "new-object"
COMMON = ("erroraction", "ea", "warningaction", "wa", "informationaction", "infa")
"""Parameters of every command whose values are words such as Stop."""
SHORT_METHODS = {"get": "", "head": "", "options": "", "delete": "method_destroys"}
ADDRESSES = ("uri", "path", "url", "resourceuri")
BODIES = ("body", "payload", "content", "inputfilepath", "headers", "additionalheaders", "token")
"""Parameters that make a request more than a question: a header can name another method."""
INSIDE = re.compile(r"(?:/(?![/\\])|v1\.0/|beta/|_api/)[^\\]*", re.IGNORECASE)
"""An address within the service; `//host` is one of another place."""
POSITIONAL = "*"
"""Stands in a command's list of data for the arguments without a name."""
FILE_PATHS = ("path", "literalpath", "pspath", "lp", "schemafile")
TEXT_FIRST = ("pattern", "inputobject", "json")
"""Parameters that take the text, or the pattern, which otherwise is the first without a name."""
PLAIN_FILE = re.compile(r"\w[\w -]*\.(?:csv|tsv|txt)", re.ASCII)
FOREACH_DATA = ("inputobject", "argumentlist")


def arguments_of(fact: Fact, variables: Variables) -> list[Argument] | None:
    """Return a command's arguments with those that are splatted; None if nobody can tell them."""
    found: list[Argument] = []
    for one in fact.arguments:
        if not one.value.splatted:
            found.append(one)
            continue
        tables = variables.splatted(one.value)
        if tables is None:
            return None
        found += [Argument(name, value) for table in tables for name, value in table.items()]
    return found


def general(fact: Fact, arguments: list[Argument]) -> Iterator[Reason]:
    """Yield what parameters mean wherever they are: output files, secrets, jobs, variables."""
    lists = engine().lists
    kinds = ("file", "file_parameters"), ("secret", "secret_parameters")
    for one in arguments:
        others = ("parallel", "job_parameters"), ("elsewhere", "elsewhere_parameters")
        for code, names in (*kinds, *others):
            if one.name and _may_mean(one.name, lists[names]):
                yield reason(code, fact.place, fact.name or "")
        if len(one.name) == 1:
            yield reason("one_letter", fact.place, fact.name or "")
        if is_variable_parameter(one.name) and not _is_plain(one.value):
            yield reason("names_variable", fact.place, fact.name or "")
        elif is_variable_parameter(one.name) and is_filled(one.value.value):
            yield reason("filled_name", fact.place, f"${one.value.value}")


def _may_mean(name: str, full: frozenset[str]) -> bool:
    """Return whether a parameter may be one of these, and has no name of its own like theirs."""
    given = name.lower()
    is_plain = given in engine().lists["plain_parameters"]
    return given in full or (not is_plain and may_mean(given, full))


def _is_plain(value: Value) -> bool:
    if value.form in ("none", "variable"):
        return value.form == "none"
    return value.form == "constant" and bool(PLAIN_NAME.fullmatch(value.value))


def code(fact: Fact, known: Known, arguments: list[Argument], names: Variables) -> Iterator[Reason]:
    """Yield what is wrong with arguments that may be code."""
    name = known.name.lower()
    if name == FOREACH:
        yield from _foreach(fact, known, arguments)
    elif name == NEW_OBJECT:
        yield from _new_object(fact, known, arguments)
    elif name == WHERE and _has_operator(arguments):
        return
    elif name in engine().code:
        data = engine().code[name]
        for one in arguments:
            is_data = may_mean(one.name, data) if one.name else POSITIONAL in data
            strictly = name in engine().lists["paths"]
            if not is_data and not names.settled(one.value, strictly=strictly):
                yield reason("worked_out", fact.place, known.name)
            if name in engine().lists["introspection"] and _is_path(one.value):
                yield reason("introspection", fact.place, known.name)
            if name == "group-object" and "*" in one.value.value:
                yield reason("member_called", fact.place, known.name)
            if one.name and may_mean(one.name, ("expandproperty",)):
                yield from _expanded(fact, one.value)


def piped_paths(fact: Fact, known: Known, arguments: list[Argument]) -> Iterator[Reason]:
    """Yield that a command's paths come through its pipeline, where nobody has seen them."""
    if known.name.lower() not in engine().lists["takes_paths"] or fact.start == fact.pipeline[0]:
        return
    if not _paths(arguments) and not _loose(arguments):
        yield reason("paths_in", fact.place, known.name)


def files(
    fact: Fact, known: Known, arguments: list[Argument], *, from_files: bool
) -> Iterator[Reason]:
    """Yield that a file is read, unless it is one of the working folder that is named as a
    constant and holds no sign-in: a token that a module keeps in HOME would be in the output.

    `from_files`: the text also lists files, which may come to this command through a pipeline.
    """
    name = known.name.lower()
    if name not in engine().lists["file_readers"]:
        return
    paths, loose = _paths(arguments), _loose(arguments)
    has_text = any(one.name and may_mean(one.name, TEXT_FIRST) for one in arguments)
    if name in engine().lists["text_readers"]:
        paths += loose if has_text else loose[1:]
        from_pipeline = from_files
    else:
        paths += loose[:1]
        from_pipeline = not paths and not has_text
    if from_pipeline or not all(_is_plain_file(one) for one in paths):
        yield reason("reads_file", fact.place, known.name)


def _is_path(value: Value) -> bool:
    return "/" in value.value or "\\" in value.value


def _paths(arguments: list[Argument]) -> list[Value]:
    return [one.value for one in arguments if one.name and may_mean(one.name, FILE_PATHS)]


def _loose(arguments: list[Argument]) -> list[Value]:
    """Return what stands without the name of a parameter."""
    return [one.value for one in arguments if not one.name]


def _is_plain_file(value: Value) -> bool:
    return value.form == "constant" and bool(PLAIN_FILE.fullmatch(value.value))


def _expanded(fact: Fact, value: Value) -> Iterator[Reason]:
    """Yield what is wrong with a property that is taken out by its name, or by a pattern of it."""
    odd = "*" in value.value or value.value.lower() in engine().lists["members"]
    if value.form != "constant" or odd:
        yield reason("member_called", fact.place, "Select-Object")


def _has_operator(arguments: list[Argument]) -> bool:
    return any(one.name.lower() in engine().lists["where_operators"] for one in arguments)


def _foreach(fact: Fact, known: Known, arguments: list[Argument]) -> Iterator[Reason]:
    for one in arguments:
        is_data = bool(one.name) and may_mean(one.name, FOREACH_DATA)
        if one.value.form in ("block", "none") or is_data or one.name.lower() in COMMON:
            continue
        if one.value.form != "constant":
            yield reason("worked_out", fact.place, known.name)
        elif one.value.value.lower() not in engine().lists["member_names"]:
            yield reason("member_called", fact.place, known.name)


def _new_object(fact: Fact, known: Known, arguments: list[Argument]) -> Iterator[Reason]:
    given = [one for one in arguments if not one.name or may_mean(one.name, ("typename",))]
    first = given[0].value if given else Value()
    plain = first.value.lower().removeprefix("system.").partition("[")[0]
    others = (one.name.lower() for one in arguments)
    if any(may_mean(one, ("comobject", "strict")) for one in others if one):
        yield reason("type", fact.place, known.name)
    elif first.form != "constant" or plain not in engine().lists["constructible"]:
        yield reason("type", fact.place, first.value or known.name)


def request(
    fact: Fact, known: Known, arguments: list[Argument], hosts: tuple[str, ...]
) -> Iterator[Reason]:
    """Yield what the method of a request does (GET if none is written), and whether it may leave
    the service, whose hosts are given: the request carries the session's token.
    """
    methods = [one.value for one in arguments if one.name and may_mean(one.name, ("method",))]
    methods += [one.value for one in arguments if one.name.lower() == "m"]
    loose = [one for one in arguments if not one.name]
    bodies = any(one.name and may_mean(one.name, BODIES) for one in arguments)
    if any(one.form != "constant" for one in methods) or bodies or len(loose) > 1:
        yield reason("method_unknown", fact.place, known.name)
    named = [one for one in arguments if one.name and may_mean(one.name, ADDRESSES)]
    if any(not _is_inside(one.value, hosts) for one in (*loose, *named)):
        yield reason("address", fact.place, known.name)
    for one in methods:
        if found := SHORT_METHODS.get(one.value.lower(), "method"):
            yield reason(found, fact.place, one.value)


def _is_inside(value: Value, hosts: tuple[str, ...]) -> bool:
    """Return whether an address is one of the service, as far as its written beginning tells."""
    begins = tuple(f"https://{host}/" for host in hosts)
    text = value.value.lower()
    whole = bool(INSIDE.fullmatch(text)) or (text.startswith(begins) and "\\" not in text)
    return value.form in ("constant", "text") and whole
