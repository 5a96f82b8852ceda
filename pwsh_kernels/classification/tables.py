"""The tables of the judgement: what PowerShell's own commands, methods and types do, and the
reasons.

Pure, but for reading its own files once.
"""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pwsh_kernels.classification.classes import Class, Place, Reason

FOLDER = Path(__file__).parent / "tables"
SHORTEST_PREFIX = 2
"""Characters of a parameter that PowerShell may complete: shorter ones are too many things."""


def lower(names: Iterable[str]) -> frozenset[str]:
    """Return names as PowerShell compares them."""
    return frozenset(name.lower() for name in names)


@dataclass(frozen=True, slots=True)
class Engine:
    """engine.toml, with all names in lower case."""

    verbs: Mapping[str, str]
    """By verb, the code of its reason; "" for one that reads."""
    commands: Mapping[str, str]
    """By command of PowerShell's own, the same."""
    names: Mapping[str, str]
    """The commands as they are written."""
    code: Mapping[str, frozenset[str]]
    """Commands whose arguments may be code, with the parameters that take only data."""
    lists: Mapping[str, frozenset[str]]
    static: Mapping[str, frozenset[str]]
    aliases: Mapping[str, str]


@cache
def engine() -> Engine:
    """Return the tables of PowerShell's own."""
    said = _read("engine.toml")
    coded = {"reads": "", "files": "file", "destroys": "destroys"}
    coded |= {"runs_text": "runs_text", "session": "changes_session"}
    verbs = {"read_verbs": "", "write_verbs": "changes", "destroy_verbs": "destroys"}
    verbs |= {"sign_in_verbs": "signs_in"}
    return Engine(
        verbs={one.lower(): code for key, code in verbs.items() for one in said[key]},
        commands={one.lower(): code for key, code in coded.items() for one in said[key]},
        names={one.lower(): one for key in coded for one in said[key]},
        code={name.lower(): lower(data) for name, data in said["code"].items()},
        lists={name: lower(names) for name, names in said["lists"].items()},
        static={name: lower(names) for name, names in said["static"].items()},
        aliases={name.lower(): command for name, command in said["aliases"].items()},
    )


@cache
def _reasons() -> Mapping[str, Mapping[str, str]]:
    return _read("reasons.toml")


def _read(name: str) -> Mapping[str, Any]:
    return tomllib.loads((FOLDER / name).read_text(encoding="utf-8"))


def reason(code: str, place: Place, name: str = "") -> Reason:
    """Return a reason in its words; `name` is what it is about."""
    said = _reasons()[code]
    return Reason(
        code,
        Class(said["class"]),
        said["text"].replace("{name}", name or "This"),
        place,
        said.get("instead", ""),
    )


def may_mean(given: str, full: Iterable[str]) -> bool:
    """Return whether PowerShell may take a parameter, perhaps shortened, for one of these."""
    name = given.lower()
    if len(name) < SHORTEST_PREFIX:
        return any(one == name for one in full)
    return any(one.startswith(name) for one in full)
