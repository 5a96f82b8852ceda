"""The service modules: one TOML file each says how to sign in, who signed in, and how to sign out."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from pwsh_kernels.catalog.facts import FactName
from pwsh_kernels.errors import BrokenFile, UnknownModule

CATALOG_FOLDER = Path(__file__).parent
DEFAULT_CODE_PATTERN = r"\b[Cc]ode\s+([A-Z0-9]{8,10})\b"
DEFAULT_URL_PATTERN = r"https?://\S*(?:devicelogin|/device)\b"
_NEEDED = ("title", "powershell_module", "minimum_version", "purpose", "prepare", "connect", "check", "disconnect")
_OPTIONAL = ("code_pattern", "url_pattern", "expires_s", "survives_restart", "limits")


@dataclass(frozen=True, slots=True)
class Script:
    """A PowerShell script. `parameters` maps each parameter of its `param(...)` block to the fact that it gets."""

    text: str
    parameters: Mapping[str, FactName]

    def bind(self, facts: Mapping[FactName, str | None]) -> dict[str, str]:
        """Return the values to bind, by parameter name; a fact that nobody knows is left out, so defaults apply."""
        values = {name: facts.get(fact) for name, fact in self.parameters.items()}
        return {name: value for name, value in values.items() if value}


@dataclass(frozen=True, slots=True)
class Module:
    """A service and the PowerShell module that reaches it. What each field means: docs/modules.md."""

    key: str
    title: str
    powershell_module: str
    minimum_version: str
    purpose: str
    prepare: Script
    connect: Script
    check: Script
    disconnect: Script
    code_pattern: re.Pattern[str]
    url_pattern: re.Pattern[str]
    expires_s: int
    survives_restart: tuple[str, ...]
    limits: tuple[str, ...]

    def facts(self) -> dict[FactName, str | None]:
        """Return the facts about this module that its scripts can ask for."""
        return {"powershell_module": self.powershell_module, "minimum_version": self.minimum_version}


@dataclass(frozen=True, slots=True)
class Catalog:
    """Every module that the product knows, by key."""

    modules: Mapping[str, Module]

    @classmethod
    def load(cls, folder: Path = CATALOG_FOLDER) -> "Catalog":
        """Read every `*.toml` of a folder; the file's name is the module's key. Raises BrokenFile."""
        return cls({file.stem: read_module(file) for file in sorted(folder.glob("*.toml"))})

    def module(self, key: str) -> Module:
        """Return a module. Raises UnknownModule, which names the known ones."""
        if key not in self.modules:
            raise UnknownModule(module=key, known=list(self.modules))
        return self.modules[key]


def read_module(file: Path) -> Module:
    """Read one module's file. Raises BrokenFile with the file's name and what is wrong in it."""
    try:
        return _module(file.stem, tomllib.loads(file.read_text(encoding="utf-8")))
    except (OSError, TypeError, ValueError, re.error) as problem:
        raise BrokenFile(file=file.name, problem=str(problem)) from problem


def _module(key: str, facts: Mapping[str, Any]) -> Module:
    _check_keys(facts, _NEEDED, _OPTIONAL)
    return Module(
        key=key,
        title=_text(facts, "title"),
        powershell_module=_text(facts, "powershell_module"),
        minimum_version=_text(facts, "minimum_version"),
        purpose=_text(facts, "purpose"),
        prepare=_script(facts, "prepare"),
        connect=_script(facts, "connect"),
        check=_script(facts, "check"),
        disconnect=_script(facts, "disconnect"),
        code_pattern=_pattern(facts, "code_pattern", DEFAULT_CODE_PATTERN, groups=1),
        url_pattern=_pattern(facts, "url_pattern", DEFAULT_URL_PATTERN, groups=0),
        expires_s=_seconds(facts, "expires_s", 900),
        survives_restart=_texts(facts, "survives_restart"),
        limits=_texts(facts, "limits"),
    )


def _check_keys(facts: Mapping[str, Any], needed: Iterable[str], optional: Iterable[str]) -> None:
    missing = [key for key in needed if key not in facts]
    unknown = [key for key in facts if key not in {*needed, *optional}]
    if missing:
        raise ValueError(f"{missing[0]} is missing")
    if unknown:
        raise ValueError(f"{unknown[0]} is not a key of this file")


def _text(facts: Mapping[str, Any], key: str) -> str:
    value = facts[key]
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{key} must be a text")
    return value.strip()


def _texts(facts: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = facts.get(key, [])
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise ValueError(f"{key} must be a list of texts")
    return tuple(value)


def _seconds(facts: Mapping[str, Any], key: str, default: int) -> int:
    value = facts.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"{key} must be a whole number of seconds")
    return value


def _pattern(facts: Mapping[str, Any], key: str, default: str, groups: int) -> re.Pattern[str]:
    pattern = re.compile(_text({key: facts.get(key, default)}, key))
    if pattern.groups != groups:
        raise ValueError(f"{key} must have {groups} groups")
    return pattern


def _script(facts: Mapping[str, Any], key: str) -> Script:
    script = facts[key]
    if not isinstance(script, Mapping):
        raise TypeError(f"{key} must be a table with a script")
    try:
        _check_keys(script, ("script",), ("parameters",))
        return Script(_text(script, "script"), _parameters(script.get("parameters", {})))
    except (TypeError, ValueError) as problem:
        raise ValueError(f"{key}.{problem}") from None


def _parameters(value: Any) -> dict[str, FactName]:
    if not isinstance(value, Mapping):
        raise TypeError("parameters must be a table of parameter names and facts")
    for name, fact in value.items():
        if fact not in get_args(FactName):
            raise ValueError(f"parameters.{name}: {fact!r} is not one of {', '.join(get_args(FactName))}")
    return dict(value)
