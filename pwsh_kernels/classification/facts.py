"""What the parser found in a text, as typed values.

Pure. A value of a form that nobody knows becomes one of which nothing is known.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pwsh_kernels.classification.classes import Place


@dataclass(frozen=True, slots=True)
class Value:
    """What stands in a place for a value.

    `form`: constant, text (with parts worked out when it runs), block, literal (made of these
    alone), table (constant keys), variable, type, new (a type's constructor), none, expression.
    """

    form: str = "expression"
    value: str = ""
    name: str = ""
    splatted: bool = False
    keys: Mapping[str, "Value"] | None = None


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of a command or a method; the name of the parameter before it, "" if none."""

    name: str
    value: Value


@dataclass(frozen=True, slots=True)
class Fact:
    """One piece of a text. `form` is the name of the parser's class without its ending, or that of
    a fact of ours: Command, Call, Member, Assignment, Type, Variable, String, Problem …
    """

    form: str
    place: Place
    start: int = 0
    end: int = 0
    name: str | None = None
    """The constant name of a command, member, type or variable, or a string's value."""
    operator: str = ""
    is_block: bool = False
    static: bool = False
    outermost: bool = False
    pipeline: tuple[int, int] = (0, 0)
    arguments: tuple[Argument, ...] = ()
    target: Value = field(default_factory=Value)
    value: Value = field(default_factory=Value)
    owner: Value | None = None
    """What an assignment changes a part of."""


def read_facts(answer: Mapping[str, Any]) -> list[Fact]:
    """Return the facts of an answer. Raises KeyError, TypeError for one of another form."""
    return [_fact(one) for one in answer["facts"]]


def _fact(said: Mapping[str, Any]) -> Fact:
    target = said.get("target") or {}
    name = next((said[key] for key in ("name", "member", "message") if said.get(key)), None)
    return Fact(
        form=str(said["is"]),
        place=Place(int(said["line"]), int(said["column"]), str(said["text"])),
        start=int(said["start"]),
        end=int(said["end"]),
        name=said.get("value") if said["is"] == "String" else name,
        operator=str(said.get("operator", "")),
        is_block=bool(said.get("block")),
        static=bool(said.get("static")),
        outermost=bool(said.get("outermost")),
        pipeline=tuple(said.get("pipeline", (0, 0))),
        arguments=tuple(
            Argument(str(one.get("name") or ""), read_value(one.get("value")))
            for one in said.get("arguments", ())
        ),
        target=read_value(target),
        value=_other_value(said),
        owner=read_value(target["of"]) if target.get("is") == "part" else None,
    )


def _other_value(said: Mapping[str, Any]) -> Value:
    """Return the value of an assignment, the place of a redirection, an operator's right side."""
    return read_value(next((said[one] for one in ("to", "right", "value") if one in said), None))


def read_value(said: Any) -> Value:
    """Return a value as the parser describes it."""
    if not isinstance(said, Mapping):
        return Value()
    keys = said.get("keys")
    return Value(
        form=str(said.get("is", "expression")),
        value=str(said.get("value") or ""),
        name=str(said.get("name") or ""),
        splatted=bool(said.get("splatted")),
        keys={str(key): read_value(one) for key, one in keys.items()}
        if isinstance(keys, Mapping)
        else None,
    )
