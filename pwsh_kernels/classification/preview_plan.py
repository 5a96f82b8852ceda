"""Whether a text can be run so that it only says what it would change: every command in it that
changes something gets -WhatIf, and everything else must only read.

Pure. $WhatIfPreference is not used: a module's functions do not see that of a caller, and
ForEach-Object, which does, would do nothing.
"""

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass

from pwsh_kernels.classification import argument_rules
from pwsh_kernels.classification.classes import Classification, Found, Place
from pwsh_kernels.classification.facts import Fact
from pwsh_kernels.errors import CannotPreview
from pwsh_kernels.writer import Writer

CHANGES = frozenset({"changes", "destroys"})
"""Reasons that -WhatIf is for."""
WHAT_IF = " -WhatIf:$true"
NOTHING_CHANGES = "Nothing in it changes anything: run it as it is."
MOST_PIECES = 10
LOOPS = frozenset({"foreach-object"})
POWERSHELL = "powershell"


@dataclass(frozen=True, slots=True)
class Plan:
    """A text that says what it would change."""

    text: str
    writers: tuple[Writer, ...]
    alone: bool
    """Nothing in it depends on what its changes would give or leave behind."""


def plan(text: str, facts: Sequence[Fact], found: Classification) -> Plan:
    """Return how a text can be previewed. Raises CannotPreview."""
    known = {one.place: one for one in found.commands}
    commands = [
        (fact, known[fact.place])
        for fact in facts
        if fact.form == "Command" and fact.place in known
    ]
    writing = [(fact, its) for fact, its in commands if its.kind.writes]
    pieces = [one.sentence() for one in found.reasons if one.code not in CHANGES]
    if not pieces and not writing:
        pieces = [NOTHING_CHANGES]
    units = text.encode("utf-16-le", "surrogatepass")
    for fact, its in writing:
        pieces += _obstacles(fact, its, units)
    if pieces:
        raise CannotPreview(list(dict.fromkeys(pieces))[:MOST_PIECES])
    return Plan(
        _with_what_if(units, writing),
        tuple(_writer(fact, its) for fact, its in writing),
        _is_alone(facts, commands, writing),
    )


def _obstacles(fact: Fact, found: Found, units: bytes) -> Iterator[str]:
    where = f"Line {fact.place.line}, column {fact.place.column}:"
    if not units[fact.start * 2 :].startswith(found.written.encode("utf-16-le")):
        yield f"{where} {found.name} is not called by its plain name. Write {found.name}."
    for reason in argument_rules.general(fact, list(fact.arguments)):
        yield reason.sentence()
    for one in fact.arguments:
        if _decides(one.name):
            yield (
                f"{where} {found.name} gets -{one.name}, which decides whether it asks or only"
                " says. Leave it out of a dry run."
            )


def _decides(name: str) -> bool:
    """Return whether PowerShell may take a parameter for WhatIf or Confirm."""
    given = name.lower()
    full = ("whatif", "confirm")
    return bool(given) and (given in ("wi", "cf") or any(one.startswith(given) for one in full))


def _with_what_if(units: bytes, writing: Sequence[tuple[Fact, Found]]) -> str:
    # From the end, so that the places before stay as they are.
    for fact, found in sorted(writing, key=lambda one: one[0].start, reverse=True):
        at = fact.start * 2 + len(found.written.encode("utf-16-le"))
        units = units[:at] + WHAT_IF.encode("utf-16-le") + units[at:]
    return units.decode("utf-16-le", "surrogatepass")


def _writer(fact: Fact, found: Found) -> Writer:
    said = {one.name: _said(one.value.form, one.value.value) for one in fact.arguments if one.name}
    first = next(
        (
            one.value.value
            for one in fact.arguments
            if not one.name and one.value.form == "constant"
        ),
        "",
    )
    values = {name: value for name, value in said.items() if value is not None}
    return Writer(found.name, found.written, found.service, values, first)


def _said(form: str, value: str) -> str | None:
    if form == "none":
        return "$true"
    return value if form == "constant" else None


def _is_alone(
    facts: Sequence[Fact],
    commands: Sequence[tuple[Fact, Found]],
    writing: Sequence[tuple[Fact, Found]],
) -> bool:
    begins = min(fact.start for fact, _ in writing)
    reading = [fact for fact, its in commands if not its.kind.writes and its.service != POWERSHELL]
    later = any(fact.start > begins for fact in reading)
    ends = all(fact.end == fact.pipeline[1] for fact, _ in writing)
    loops = {fact.place for fact, its in commands if its.name.lower() in LOOPS}
    return ends and not later and not any(_is_used(fact, facts, loops) for fact, _ in writing)


def _is_used(writer: Fact, facts: Sequence[Fact], loops: Container[Place]) -> bool:
    """Return whether the value of a command goes into a variable or an argument."""
    around = (
        one
        for one in facts
        if one.form in ("Assignment", "Command")
        and one.start <= writer.start
        and writer.end <= one.end
        and one is not writer
    )
    return any(
        one.form == "Assignment" or not (one.is_block or one.place in loops) for one in around
    )
