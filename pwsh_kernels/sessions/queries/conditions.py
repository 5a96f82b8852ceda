"""Conditions on the properties of objects, such as `TotalItemSize gt 10GB`: from text to their
parts.

Pure.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from pwsh_kernels.errors import InvalidRequest

EXAMPLE = (
    "`RecipientTypeDetails eq UserMailbox`, `TotalItemSize gt 10GB`, `Name like ann*`, `Manager"
    " empty`"
)
OPERATORS = (
    "eq",
    "ne",
    "gt",
    "ge",
    "lt",
    "le",
    "like",
    "notlike",
    "match",
    "notmatch",
    "contains",
    "in",
)
WITHOUT_VALUE = ("empty", "notempty")
SPELLINGS = {
    "==": "eq",
    "=": "eq",
    "!=": "ne",
    "<>": "ne",
    ">=": "ge",
    "<=": "le",
    ">": "gt",
    "<": "lt",
}
CONDITION_CHARS = 2_000

_QUOTED_NAME = r"\"[^\"]+\"|'[^']+'"
_SIGN = re.compile(rf"\s*({_QUOTED_NAME}|[^\s=!<>'\"]+)\s*(==|!=|<>|>=|<=|=|>|<)\s*(.*)", re.DOTALL)
_WORD = re.compile(rf"\s*({_QUOTED_NAME}|[^\s=!<>'\"]+)\s+-?([A-Za-z]+)(?:\s+(.*))?", re.DOTALL)
_ITEM = re.compile(r"\s*(\"[^\"]*\"|'[^']*'|[^,]*?)\s*(?:,|$)")


@dataclass(frozen=True, slots=True)
class Condition:
    """One property compared; `values` has several for `in`, none for `empty`.

    `text` is what the caller wrote.
    """

    property: str
    operator: str
    values: tuple[str, ...]
    text: str

    def to_json(self) -> Mapping[str, object]:
        """Return the parts as JSON values, in the names of kept.ps1.

        Each value has a mark in front, because ConvertFrom-Json turns a text that looks like a date
        into one.
        """
        values = [f"={one}" for one in self.values]
        return {
            "property": self.property,
            "operator": self.operator,
            "values": values,
            "text": self.text,
        }


def read_condition(text: str) -> Condition:
    """Return the parts of `PROPERTY OPERATOR VALUE`.

    Raises InvalidRequest, which says what is wrong and shows examples.
    """
    if len(text) > CONDITION_CHARS:
        raise _wrong(
            text[:40] + "…", f"has {len(text)} characters, at most {CONDITION_CHARS} are read"
        )
    word = _WORD.fullmatch(text)
    if word and _operator(word[2]):
        return _condition(text, word[1], _operator(word[2]), word[3])
    sign = _SIGN.fullmatch(text)
    if sign:
        return _condition(text, sign[1], SPELLINGS[sign[2]], sign[3])
    if word:
        raise _wrong(
            text,
            f"has no known operator: {word[2]}. Known: {', '.join((*OPERATORS, *WITHOUT_VALUE))}",
        )
    raise _wrong(text, "is not PROPERTY OPERATOR VALUE")


def _operator(word: str) -> str:
    return word.lower() if word.lower() in (*OPERATORS, *WITHOUT_VALUE) else ""


def _condition(text: str, name: str, operator: str, value: str | None) -> Condition:
    said = (value or "").strip()
    if operator in WITHOUT_VALUE:
        if said:
            raise _wrong(text, f"has a value, and {operator} takes none")
        return Condition(_unquoted(name), operator, (), text)
    if not said:
        raise _wrong(
            text, f"has no value for {operator}; to find empty values, write `{name} empty`"
        )
    values = _items(said) if operator == "in" else (_unquoted(said),)
    return Condition(_unquoted(name), operator, values, text)


def _items(text: str) -> tuple[str, ...]:
    """Return the values of a list with commas, with or without brackets around it."""
    inside = text[1:-1] if text[0] + text[-1] in ("()", "[]") else text
    found = [_unquoted(one[1]) for one in _ITEM.finditer(inside.removeprefix("@("))]
    return tuple(one for one in found if one)


def _unquoted(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'" else text


def _wrong(text: str, problem: str) -> InvalidRequest:
    return InvalidRequest(field="where", problem=f"{text!r} {problem}. Examples: {EXAMPLE}")
