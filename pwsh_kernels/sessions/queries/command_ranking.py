"""Commands found by words: `largest mailboxes` → Get-MailboxStatistics, Get-Mailbox, ... Pure."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pwsh_kernels import shapes

VOCABULARY_FILE = Path(__file__).parent / "vocabulary.toml"
SYNTAX_CHARS = 400
"""Longest parameter set of a command that was found by words; EXACT_SYNTAX_CHARS for one that was
named.
"""
EXACT_SYNTAX_CHARS = 4_000
FOUND_SETS = 2
"""Parameter sets shown of a command that was found by words; EXACT_SETS for one that was named."""
EXACT_SETS = 12
SYNOPSIS_CHARS = 300
OWN_BONUS = 1.5
PREVIEW = "[-WhatIf]"
_PIECES = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_WORDS = re.compile(r"[A-Za-z0-9]+")
_COMMON = re.compile(r"\s*\[(?:<CommonParameters>|-WhatIf|-Confirm|-ProgressAction <[^>]*>)\]")


@dataclass(frozen=True, slots=True)
class Command:
    """A command of a session. `own`: of the session's service; `loaded`: its module is imported."""

    name: str
    module: str
    loaded: bool = True
    own: bool = False


def rank(words: str, commands: Iterable[Command]) -> list[Command]:
    """Return the commands that match the words, best first.

    One that is named exactly comes before all others.
    """
    named = {one.lower() for one in words.split()}
    asked = _meanings(words)
    scores = [(_score(asked, one) + 100 * (one.name.lower() in named), one) for one in commands]
    found = [(score, one) for score, one in scores if score > 0]
    return [
        one
        for _, one in sorted(
            found, key=lambda pair: (-pair[0], len(pair[1].name), pair[1].name.lower())
        )
    ]


@dataclass(frozen=True, slots=True)
class _Meaning:
    """One word of a search, with the verbs that it may stand for and the parts of nouns that it
    matches.
    """

    word: str
    verbs: tuple[str, ...]
    nouns: tuple[str, ...]
    acts: bool
    """True for a word that says what a command does: among several words, it alone is not enough to
    match."""


@dataclass(frozen=True, slots=True)
class _Vocabulary:
    """The words that people use for verbs and nouns, and words to ignore."""

    verbs: Mapping[str, tuple[str, ...]]
    nouns: Mapping[str, tuple[str, ...]]
    fillers: frozenset[str]
    acting: frozenset[str]
    """Words for actions, and the verbs themselves."""


@cache
def _vocabulary() -> _Vocabulary:
    facts = tomllib.loads(VOCABULARY_FILE.read_text(encoding="utf-8"))
    verbs, nouns = (
        {word: tuple(meant) for word, meant in facts[kind].items()} for kind in ("verbs", "nouns")
    )
    acting = frozenset([*verbs, *(verb for meant in verbs.values() for verb in meant)])
    return _Vocabulary(verbs, nouns, frozenset(facts["fillers"].split()), acting)


def _meanings(words: str) -> list[_Meaning]:
    known = _vocabulary()
    found = dict.fromkeys(
        singular(piece) for word in _WORDS.findall(words) for piece in _pieces(word)
    )
    return [
        _Meaning(
            one,
            (one, *known.verbs.get(one, ())),
            known.nouns.get(one, ()),
            acts=one in known.acting,
        )
        for one in found
        if one not in known.fillers
    ]


def _pieces(word: str) -> list[str]:
    """Return the parts of a name, split where the case changes."""
    parts = [word] if word.isupper() or word.islower() else _PIECES.findall(word)
    return [part.lower() for part in parts]


def singular(word: str) -> str:
    """Return a word without its plural ending: consistent, but not always good English."""
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(("xes", "sses", "shes", "ches")):
        return word[:-2]
    return (
        word[:-1]
        if len(word) > 2 and word.endswith("s") and not word.endswith(("ss", "us"))
        else word
    )


def _score(asked: list[_Meaning], command: Command) -> float:
    """Return how well a command matches; 0 if none of the nouns, or less than half of the words,
    match.
    """
    verb, _, noun = command.name.partition("-")
    parts = [singular(one) for piece in _WORDS.findall(noun) for one in _pieces(piece)]
    by_noun = [_noun_points(one, parts, noun.lower()) for one in asked]
    by_verb = [_verb_points(one, verb.lower()) for one in asked]
    points = [max(pair) for pair in zip(by_noun, by_verb, strict=True)]
    fitting = sum(one > 0 for one in points)
    nouns_meant = [one for one in asked if not one.acts]
    if not fitting or fitting * 2 < len(asked) or (nouns_meant and not any(by_noun)):
        return 0
    reading = 0.5 if verb.lower() == "get" and not any(by_verb) else 0
    strangers = sum(not any(part in (one.word, *one.nouns) for one in asked) for part in parts)
    return sum(points) * fitting / len(asked) + reading + OWN_BONUS * command.own - 0.2 * strangers


def _noun_points(meaning: _Meaning, parts: list[str], noun: str) -> float:
    if meaning.word in parts:
        return 3
    if any(one in parts for one in meaning.nouns):
        return 2
    long_parts = [part for part in parts if len(part) > 3 and len(meaning.word) > 3]
    if any(part.startswith(meaning.word) or meaning.word.startswith(part) for part in long_parts):
        return 1.5
    return 1 if len(meaning.word) > 3 and meaning.word in noun else 0


def _verb_points(meaning: _Meaning, verb: str) -> float:
    if verb not in meaning.verbs:
        return 0
    return 2 - 0.3 * meaning.verbs.index(verb)


def command_view(
    command: Command, details: Mapping[str, Any] | None, *, exact: bool
) -> shapes.Command:
    """Return a command with PowerShell's facts about it: its synopsis, and one line for each
    parameter set.
    """
    facts = details or {}
    sets, chars = (EXACT_SETS, EXACT_SYNTAX_CHARS) if exact else (FOUND_SETS, SYNTAX_CHARS)
    syntax = [syntax_line(command.name, str(one), chars) for one in facts.get("sets") or ()]
    return {
        "name": command.name,
        "module": command.module,
        "synopsis": synopsis_of(command.name, str(facts.get("synopsis") or "")),
        "syntax": syntax[:sets],
    }


def syntax_line(name: str, parameters: str, chars: int) -> str:
    """Return one parameter set in a line, cut at a parameter's end.

    Parameters that all commands have are left out, except -WhatIf, which is never cut: a caller
    must see whether there is a preview.
    """
    line = f"{name} {' '.join(_COMMON.sub('', parameters).split())}".rstrip()
    preview = f" {PREVIEW}" if PREVIEW in parameters else ""
    if len(line) <= chars:
        return line + preview
    end = line.rfind(" [-", 0, chars - 20)
    cut = line[: end if end > len(name) else chars - 20]
    return (
        f"{cut} … ({line.count(' -', len(cut)) + line.count('[-', len(cut))} more"
        f" parameters){preview}"
    )


def synopsis_of(name: str, synopsis: str) -> str:
    """Return the help's synopsis; "" if Get-Help only repeats the syntax there."""
    text = " ".join(synopsis.split())
    if re.match(rf"{re.escape(name)}(?: [\[<-]|$)", text, re.IGNORECASE):
        return ""
    return text if len(text) <= SYNOPSIS_CHARS else text[: SYNOPSIS_CHARS - 1] + "…"
