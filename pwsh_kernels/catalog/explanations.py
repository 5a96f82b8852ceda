"""Errors of sign-ins and services in plain words: what happened, what helps.

Explanations decide nothing.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

EXPLANATIONS_FILE = Path(__file__).parent / "texts" / "explanations.toml"
REFERENCE = "https://learn.microsoft.com/entra/identity-platform/reference-error-codes"
_ENTRA = re.compile(r"AADSTS0*(\d{4,7})\b")


@dataclass(frozen=True, slots=True)
class Explanation:
    """What an error means.

    `ends_sign_in`: a sign-in may have ended; `blocks_route`: another route may be allowed.
    """

    code: str
    sentence: str
    remedy: str
    link: str = REFERENCE
    ends_sign_in: bool = False
    blocks_route: bool = False


@dataclass(frozen=True, slots=True)
class _Book:
    entra: Mapping[str, Explanation]
    """By the number behind AADSTS."""
    texts: tuple[tuple[re.Pattern[str], Explanation], ...]


def explain(text: str) -> Explanation | None:
    """Return the explanation of an error's text, or None if there is none.

    The first known AADSTS number wins over other texts.
    """
    book = _read_book(EXPLANATIONS_FILE)
    for number in _ENTRA.findall(text):
        if number in book.entra:
            return book.entra[number]
    return next((explanation for pattern, explanation in book.texts if pattern.search(text)), None)


def explanation(code: str) -> Explanation:
    """Return the explanation with a code.

    Raises StopIteration for an unknown code.
    """
    return next(one for _, one in _read_book(EXPLANATIONS_FILE).texts if one.code == code)


def ending_errors() -> tuple[str, ...]:
    """Return the regular expressions of the errors that may mean that a sign-in has ended."""
    book = _read_book(EXPLANATIONS_FILE)
    numbers = "|".join(number for number, one in book.entra.items() if one.ends_sign_in)
    texts = (pattern.pattern for pattern, one in book.texts if one.ends_sign_in)
    return (rf"\bAADSTS0*(?:{numbers})\b", *texts)


@cache
def _read_book(file: Path) -> _Book:
    facts = tomllib.loads(file.read_text(encoding="utf-8"))
    entra = {
        str(number): _entra(number, entry)
        for entry in facts["entra"]
        for number in entry["numbers"]
    }
    return _Book(
        entra,
        tuple((re.compile(entry.pop("pattern")), Explanation(**entry)) for entry in facts["text"]),
    )


def _entra(number: int, entry: Mapping[str, Any]) -> Explanation:
    return Explanation(
        code=f"AADSTS{number}", **{key: value for key, value in entry.items() if key != "numbers"}
    )
