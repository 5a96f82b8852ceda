"""What a dry run said it would change, object by object, with old and new values where they are
known.

Pure.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pwsh_kernels.catalog import Counterpart
from pwsh_kernels.sessions.requests import DryRun
from pwsh_kernels.sessions.runs.run import Run
from pwsh_kernels.shapes import Preview, PreviewedChange, PreviewedObject, RunState
from pwsh_kernels.writer import Writer

SAYS = (
    "A preview, no proof: it is what the commands said they would do. Nothing compels them to keep"
    " to it, or to say all of it."
)
LINE = re.compile(r"^What if: (.*)$", re.MULTILINE)
OPERATION = re.compile(r'Performing the operation "(.*)" on target "(.*)"\.?')
IDENTITY = re.compile(r'(.*?)\s*Identity:"(.*)"\.?')
"""How Exchange Online names its objects."""
WORDS = {"$true": "True", "$false": "False", "$null": ""}
"""Constants, as a value that is read is written."""
MOST_OBJECTS = 200
MOST_READ = 20
"""Objects of which the old values are read."""
COMMON = frozenset(
    {"erroraction", "warningaction", "verbose", "debug", "force", "passthru", "progressaction"}
)
"""Parameters that are no property of an object."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What to read of one object before it changes: `at` is its place in the preview."""

    at: int
    get: str
    by: str
    identity: str
    new: Mapping[str, str]
    """The new values, by property."""

    def asked(self) -> dict[str, Any]:
        """Return it for current_values.ps1."""
        names = {"at": self.at, "get": self.get, "by": self.by, "identity": self.identity}
        return {**names, "properties": list(self.new)}


def objects_in(text: str) -> list[PreviewedObject]:
    """Return the objects that the lines of -WhatIf name, at most MOST_OBJECTS of them."""
    found = [_object(line.group(1).strip()) for line in LINE.finditer(text)]
    return found[:MOST_OBJECTS]


def _object(said: str) -> PreviewedObject:
    for form in (OPERATION, IDENTITY):
        if match := form.fullmatch(said):
            return {"action": match.group(1), "target": match.group(2), "changes": []}
    return {"action": said, "target": "", "changes": []}


def readings(
    objects: Sequence[PreviewedObject], dry: DryRun, counterparts: Mapping[str, Counterpart]
) -> list[Reading]:
    """Return what to read to know the old values; `counterparts`: by command in small letters."""
    found = (_reading(at, one, dry, counterparts) for at, one in enumerate(objects))
    return [one for one in found if one is not None][:MOST_READ]


def _reading(
    at: int, one: PreviewedObject, dry: DryRun, counterparts: Mapping[str, Counterpart]
) -> Reading | None:
    writer = _writer_of(one, dry.writers, counterparts)
    if writer is None:
        return None
    known = counterparts[writer.name.lower()]
    identity = _identity(writer, known) or one["target"]
    new = {
        name: value
        for name, value in writer.values.items()
        if name.lower() not in COMMON and name.lower() != known.by.lower()
    }
    return Reading(at, known.get, known.by, identity, new) if identity and new else None


def _writer_of(
    one: PreviewedObject, writers: Sequence[Writer], counterparts: Mapping[str, Counterpart]
) -> Writer | None:
    """Return the command that spoke of an object: the only one, or the only one that names it."""
    fitting = [writer for writer in writers if writer.name.lower() in counterparts]
    if len(writers) > 1:
        target = one["target"].lower()
        fitting = [
            writer
            for writer in fitting
            if target and _identity(writer, counterparts[writer.name.lower()]).lower() == target
        ]
    return fitting[0] if len(fitting) == 1 else None


def _identity(writer: Writer, known: Counterpart) -> str:
    given = {name.lower(): value for name, value in writer.values.items()}
    return given.get(known.by.lower(), writer.first)


def with_changes(
    objects: Sequence[PreviewedObject], asked: Sequence[Reading], lines: str
) -> list[PreviewedObject]:
    """Return the objects with the old values that current_values.ps1 has told."""
    told = {int(one["at"]): one["values"] for one in _answers(lines)}
    new = {one.at: one.new for one in asked}
    return [
        {**one, "changes": list(_changes(new[at], told[at]))} if at in told and at in new else one
        for at, one in enumerate(objects)
    ]


def _answers(lines: str) -> Iterator[Mapping[str, Any]]:
    for line in lines.splitlines():
        if line.startswith("{"):
            yield json.loads(line)


def _changes(new: Mapping[str, str], old: Mapping[str, str]) -> Iterator[PreviewedChange]:
    by_name = {name.lower(): (name, value) for name, value in old.items()}
    for given, value in new.items():
        if (known := by_name.get(given.lower())) is not None:
            yield {"property": known[0], "old": known[1], "new": WORDS.get(value.lower(), value)}


def preview_of(
    run: Run, state: RunState, dry: DryRun, objects: Sequence[PreviewedObject]
) -> Preview:
    """Return the preview of a dry run that ends in a state; `complete`: nothing that it would
    change is known to be missing.
    """
    silent = len(objects) < len(dry.writers)
    whole = state == "succeeded" and not run.errors and not run.log.dropped_chars
    return {
        "objects": list(objects),
        "complete": whole and dry.alone and not silent and len(objects) < MOST_OBJECTS,
        "says": SAYS,
        "ran": dry.text,
    }
