"""The class of a text (read, write, unknown, destructive), with the commands found and the reasons.

Pure.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum


class Class(StrEnum):
    """What a text does. Each outweighs those before it: a text has the class of its worst piece."""

    READ = "read"
    WRITE = "write"
    UNKNOWN = "unknown"
    DESTRUCTIVE = "destructive"

    @property
    def writes(self) -> bool:
        """Whether it counts as a write, as everything does of which nobody can tell."""
        return self is not Class.READ


MOST_REASONS = 3
"""Reasons that a refusal names; GET /classify tells all of them."""
WEIGHT = {one: weight for weight, one in enumerate(Class)}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a piece of a text stands."""

    line: int = 1
    column: int = 1
    piece: str = ""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a text does not only read: what was found, where, and how to write it instead."""

    code: str
    kind: Class
    text: str
    place: Place = field(default_factory=Place)
    instead: str = ""

    def sentence(self) -> str:
        """Return where it stands, what it is, and how to write it instead."""
        where = f"Line {self.place.line}, column {self.place.column}"
        return f"{where}: {self.text} {self.instead}".rstrip()


@dataclass(frozen=True, slots=True)
class Found:
    """A command of a text: its name, an alias resolved, and the service that it belongs to."""

    name: str
    kind: Class
    place: Place
    service: str = ""
    """The key of a service; "powershell" for the engine's own; "" for a command nobody lists."""
    written: str = ""
    """The name as it stands in the text: perhaps an alias, or with a module's name."""


@dataclass(frozen=True, slots=True)
class Classification:
    """What a text does, with everything that was found; no reasons: it reads."""

    commands: tuple[Found, ...]
    reasons: tuple[Reason, ...]
    variables: tuple[str, ...] = ()
    """Those that the text uses and does not set: their values come from the session."""

    @property
    def means(self) -> dict[str, str]:
        """Each command as it is written, and which one it should be."""
        return {one.written: one.name for one in self.commands}

    @property
    def kind(self) -> Class:
        """The class of the text."""
        return worst(one.kind for one in self.reasons)


def worst(kinds: Iterable[Class]) -> Class:
    """Return the class that outweighs the others; of none, read."""
    return max(kinds, key=lambda one: WEIGHT[one], default=Class.READ)
