"""Which service a command belongs to, by the names and patterns that the modules' files list.

Pure.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from typing import Literal

from pwsh_kernels.catalog.catalog import Catalog
from pwsh_kernels.catalog.module import Module, Unsupported

CLOSE = 0.82
"""How similar two names must be for one to be a misspelling of the other (difflib's ratio)."""
NEAREST = 3


def expanded(pattern: str) -> list[str]:
    """Return the names that `Get,Set-Mailbox` stands for."""
    verbs, _, noun = pattern.partition("-")
    return [f"{verb}-{noun}" for verb in verbs.split(",")]


def matcher(pattern: str) -> re.Pattern[str]:
    """Return a pattern of a file as a regular expression that ignores case, as PowerShell does."""
    ways = (re.escape(one).replace(r"\*", ".*") for one in expanded(pattern))
    return re.compile("|".join(ways), re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Home:
    """Where a command belongs.

    `instead`: the replacement of a retired command; `by`: how certain this is.
    """

    module: Module | Unsupported
    by: Literal["name", "retired", "pattern"]
    instead: str = ""


@dataclass(frozen=True)
class CommandIndex:
    """The commands of all services of a catalog."""

    catalog: Catalog

    def home(self, command: str, own: str) -> Home | None:
        """Return where a command belongs; if several services have it, the service `own`, otherwise
        the first.
        """
        modules = sorted(
            self._all, key=lambda one: (one.key != own, isinstance(one, Unsupported), one.key)
        )
        ways = (self._by_name, self._by_retired, self._by_pattern)
        return next(
            (found for way in ways for one in modules if (found := way(one, command))), None
        )

    def nearest(self, command: str, own: str) -> list[tuple[str, str]]:
        """Return the listed commands that a misspelt name may mean, with their services; those of
        `own` first.
        """
        found: dict[str, str] = {}
        for key in sorted(self._names, key=lambda one: one != own):
            for name in get_close_matches(
                command.lower(), self._names[key], n=NEAREST, cutoff=CLOSE
            ):
                found.setdefault(self._names[key][name], key)
        verb = command.partition("-")[0].lower()
        same_verb = [one for one in found.items() if one[0].lower().startswith(f"{verb}-")]
        return (same_verb or list(found.items()))[:NEAREST]

    def listed(self, command: str, key: str) -> bool:
        """Return whether a service's file names a command or has a pattern that matches it."""
        module = self.catalog.modules.get(key)
        return bool(
            module and (self._by_name(module, command) or self._by_pattern(module, command))
        )

    @property
    def _all(self) -> Iterator[Module | Unsupported]:
        yield from self.catalog.modules.values()
        yield from self.catalog.unsupported.values()

    @cached_property
    def _names(self) -> Mapping[str, Mapping[str, str]]:
        """By service that can be used: the names without wildcards, keyed in lower case."""
        return {
            key: {one.lower(): one for one in _names(module.commands)}
            for key, module in self.catalog.modules.items()
        }

    @cached_property
    def _patterns(self) -> Mapping[str, list[re.Pattern[str]]]:
        return {
            one.key: [matcher(pattern) for pattern in one.commands if "*" in pattern]
            for one in self._all
        }

    @cached_property
    def _retired(self) -> Mapping[str, list[tuple[re.Pattern[str], str]]]:
        return {
            one.key: [(matcher(pattern), instead) for pattern, instead in one.replaces.items()]
            for one in self.catalog.modules.values()
        }

    def _by_name(self, module: Module | Unsupported, command: str) -> Home | None:
        known = self._names.get(module.key) or {one.lower(): one for one in _names(module.commands)}
        return Home(module, "name") if command.lower() in known else None

    def _by_retired(self, module: Module | Unsupported, command: str) -> Home | None:
        ways = self._retired.get(module.key, [])
        return next(
            (Home(module, "retired", instead) for one, instead in ways if one.fullmatch(command)),
            None,
        )

    def _by_pattern(self, module: Module | Unsupported, command: str) -> Home | None:
        fits = any(one.fullmatch(command) for one in self._patterns[module.key])
        return Home(module, "pattern") if fits else None


def _names(patterns: Iterable[str]) -> Iterator[str]:
    yield from (name for pattern in patterns if "*" not in pattern for name in expanded(pattern))
