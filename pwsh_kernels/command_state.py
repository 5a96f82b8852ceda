"""How a session resolves the commands of a text, with everything that was left there and bends
them; and what of it has changed, in words.

Pure. PowerShell tells it (`powershell/assembly/CommandReader.cs`); the kernel compares it in the
turn in which the text runs; the server keeps what an approver saw.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

MOST_NAMES = 100
"""Commands, and variables, that are asked about at once."""
MOST_DIFFERENCES = 20
MISSING = "missing"


@dataclass(frozen=True, slots=True)
class CommandFacts:
    """What a name stands for, aliases followed to their end."""

    name: str
    """As it was asked for."""
    kind: str
    """function, filter, cmdlet, externalscript, application, missing, in PowerShell's words."""
    resolved: str
    via: tuple[str, ...]
    """The aliases on the way."""
    module: str
    module_version: str
    module_path: str
    """"" without a file, as of a module that New-Module has made."""
    source: str
    """The type of a cmdlet, the file of anything else."""
    definition: str
    """SHA-256 of the text of a function or script."""
    should_process: bool
    """It declares SupportsShouldProcess."""
    what_if: bool
    """It has a switch WhatIf of its own, as the proxies of imported commands do."""

    @property
    def previews(self) -> bool:
        """Whether it says that it can tell what it would do; it may not keep to that."""
        return self.should_process or self.what_if

    @property
    def is_of_its_module(self) -> bool:
        """Whether its text is from a file of its module; compiled commands always are."""
        if self.kind not in ("function", "filter"):
            return bool(self.module)
        folder = self.module_path.rpartition("/")[0]
        return bool(folder) and self.source.startswith(f"{folder}/")

    def described(self) -> str:
        """Return what it is, for a sentence."""
        return f"an alias of {self.resolved}, {self._what()}" if self.via else self._what()

    def _what(self) -> str:
        if self.kind == MISSING:
            return "not there, or not loaded yet"
        if self.kind in ("externalscript", "application"):
            noun = "script" if self.kind == "externalscript" else "program"
            return f"the {noun} {self.source}"
        if not self.module:
            return f"a {self.kind} defined in this session"
        version = (
            f" {self.module_version}" if self.module_path else ", which was made in this session"
        )
        return f"a {self.kind} of {self.module}{version}"


@dataclass(frozen=True, slots=True)
class ValueFacts:
    """A variable, or an entry of a table of them: a short text of its value ("" if its name is that
    of a secret), its type, and the SHA-256 of all that can be seen of it.
    """

    name: str
    value: str
    type: str
    hash: str


@dataclass(frozen=True, slots=True)
class Subscriber:
    """An event handler: its name, and the SHA-256 of its text."""

    name: str
    definition: str


@dataclass(frozen=True, slots=True)
class CommandState:
    """What decides, besides the text itself, what a text does in a session."""

    commands: tuple[CommandFacts, ...]
    variables: tuple[ValueFacts, ...]
    defaults: tuple[ValueFacts, ...]
    """Entries of $PSDefaultParameterValues."""
    preferences: tuple[ValueFacts, ...]
    hooks: tuple[str, ...]
    """Which actions the lookup of commands has, such as PreCommandLookupAction."""
    subscribers: tuple[Subscriber, ...]
    breakpoints: int
    types: int
    """How many types have been extended (Update-TypeData, modules)."""
    location: str
    module_path: str

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, facts: Mapping[str, Any]) -> "CommandState":
        """Return what `to_json`, or PowerShell, said. Raises KeyError, TypeError, ValueError."""
        return cls(
            commands=tuple(
                CommandFacts(**{**one, "via": tuple(one["via"])}) for one in facts["commands"]
            ),
            variables=_values(facts["variables"]),
            defaults=_values(facts["defaults"]),
            preferences=_values(facts["preferences"]),
            hooks=tuple(map(str, facts["hooks"])),
            subscribers=tuple(Subscriber(**one) for one in facts["subscribers"]),
            breakpoints=int(facts["breakpoints"]),
            types=int(facts["types"]),
            location=str(facts["location"]),
            module_path=str(facts["module_path"]),
        )

    def command(self, name: str) -> CommandFacts | None:
        """Return what a name stands for, if it was asked for."""
        return next((one for one in self.commands if one.name.lower() == name.lower()), None)

    def is_installed(self, command: CommandFacts) -> bool:
        """Return whether a command's module lies where modules are installed."""
        folders = [one.rstrip("/") for one in self.module_path.split(":") if one]
        return any(command.module_path.startswith(f"{one}/") for one in folders)


@dataclass(frozen=True, slots=True)
class StateQuestion:
    """What is asked about a session's state, and what it is expected to be.

    `trusted`: modules whose commands may have been loaded meanwhile, from where modules are
    installed.
    """

    names: tuple[str, ...]
    variables: tuple[str, ...] = ()
    trusted: tuple[str, ...] = ()
    expected: CommandState | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, facts: Mapping[str, Any]) -> "StateQuestion":
        """Return what `to_json` said. Raises KeyError, TypeError, ValueError."""
        expected = facts.get("expected")
        return cls(
            _names(facts["names"]),
            _names(facts.get("variables", ())),
            _names(facts.get("trusted", ())),
            CommandState.from_json(expected) if expected else None,
        )

    def differences(self, found: CommandState) -> list[str]:
        """Return what is not as expected; nothing is, if nothing was."""
        return differences(self.expected, found, self.trusted) if self.expected else []


def differences(
    before: CommandState, after: CommandState, trusted: Sequence[str] = ()
) -> list[str]:
    """Return what has changed in a session, a sentence each; at most MOST_DIFFERENCES of them."""
    found = _differences(before, after, {one.lower() for one in trusted})
    return list(islice(found, MOST_DIFFERENCES))


def _differences(before: CommandState, after: CommandState, trusted: set[str]) -> Iterator[str]:
    loaded = False
    for was, now in _pairs(before.commands, after.commands):
        if was is None or now is None or was == now:
            continue
        if was.kind == MISSING and now.module.lower() in trusted and after.is_installed(now):
            loaded = True
            continue
        yield _changed_command(was, now)
    yield from _changed_values("${0}", before.variables, after.variables)
    named = "{0} in $PSDefaultParameterValues"
    yield from _changed_values(named, before.defaults, after.defaults)
    yield from _changed_values("${0}", before.preferences, after.preferences)
    yield from _gone_and_new("{} is set", before.hooks, after.hooks)
    handlers = [
        [f"{one.name} ({one.definition[:8]})" for one in state.subscribers]
        for state in (before, after)
    ]
    yield from _gone_and_new("the event handler {} is there", *handlers)
    if before.breakpoints != after.breakpoints:
        yield f"There are {after.breakpoints} breakpoints; there were {before.breakpoints}."
    if before.types != after.types and not loaded:
        yield "Types of objects were extended or taken back (Update-TypeData, or a module)."
    if before.location != after.location:
        yield f"The session's folder was {before.location}; now it is {after.location}."
    if before.module_path != after.module_path:
        yield "$env:PSModulePath, where modules are looked for, is another one."


def _changed_command(was: CommandFacts, now: CommandFacts) -> str:
    if was.described() == now.described():
        return f"{now.name} is still {now.described()}, but with another definition."
    return f"{now.name} was {was.described()}; now it is {now.described()}."


def _changed_values(
    form: str, before: Sequence[ValueFacts], after: Sequence[ValueFacts]
) -> Iterator[str]:
    for was, now in _pairs(before, after):
        if was is None:
            yield f"{form.format(now.name)} is set now{_shown(now)}."
        elif now is None:
            yield f"{form.format(was.name)} is no longer set."
        elif was.hash != now.hash:
            other = f"has another value{_shown(now)}; before{_shown(was) or ', another'}"
            yield f"{form.format(now.name)} {other}."


def _shown(value: ValueFacts) -> str:
    return f": {value.value}" if value.value else ""


def _gone_and_new(form: str, before: Iterable[str], after: Iterable[str]) -> Iterator[str]:
    was, now = list(before), list(after)
    for one in now:
        if one not in was:
            yield f"Now {form.format(one)}, and before it was not."
    for one in was:
        if one not in now:
            yield f"Before, {form.format(one)}, and now it is not."


def _pairs(before: Sequence[Any], after: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
    key: Callable[[Any], str] = lambda one: str(one.name).lower()  # noqa: E731
    was, now = {key(one): one for one in before}, {key(one): one for one in after}
    for name in dict.fromkeys([*was, *now]):
        yield was.get(name), now.get(name)


def _values(facts: Iterable[Mapping[str, Any]]) -> tuple[ValueFacts, ...]:
    return tuple(ValueFacts(**one) for one in facts)


def _names(given: Iterable[Any]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(map(str, given)))[:MOST_NAMES]
