"""A service module: what it is for, how to sign in to it, who is signed in, how to sign out; or why there is none."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field, StringConstraints

from pwsh_kernels.catalog.facts import FactName
from pwsh_kernels.catalog.route import FORM, Route, RouteName, Script, Text

Key = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]*$")]
CommandPattern = Annotated[str, StringConstraints(pattern=r"^[A-Za-z*,]+-[A-Za-z0-9*]+$")]
"""`Get-Mailbox`; `Get,Set-Mailbox` for two commands; `*-Mg*` for all that look so."""
Command = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]+-[A-Za-z0-9]+$")]
IdentityField = Literal["account", "tenant_id", "domains"]


@dataclass(frozen=True, slots=True)
class Module:
    """A service and the PowerShell module that reaches it. What each field means: docs/modules.md."""

    __pydantic_config__: ClassVar[ConfigDict] = FORM

    key: Key
    folder: Path
    title: Text
    powershell_module: Text
    minimum_version: Text
    purpose: Text
    install: Text
    prepare: Script
    routes: Annotated[Mapping[RouteName, Route], Field(min_length=1)]
    check: Script
    disconnect: Script
    identity: tuple[IdentityField, ...] = ("account", "tenant_id", "domains")
    environment: Mapping[str, str] = field(default_factory=dict)
    ended: tuple[re.Pattern[str], ...] = ()
    connects: tuple[Command, ...] = ()
    limits: tuple[Text, ...] = ()
    commands: tuple[CommandPattern, ...] = ()
    replaces: Mapping[CommandPattern, Text] = field(default_factory=dict)

    @property
    def default_route(self) -> RouteName:
        """The file's first route: the one where nothing else is configured."""
        return next(iter(self.routes))

    def facts(self) -> dict[FactName, str]:
        """Return the facts about this module that its scripts can ask for."""
        return {
            "powershell_module": self.powershell_module,
            "minimum_version": self.minimum_version,
            "install": self.install,
            "catalog_folder": str(self.folder),
        }


@dataclass(frozen=True, slots=True)
class Unsupported:
    """A service that people ask for and that cannot be reached from here."""

    __pydantic_config__: ClassVar[ConfigDict] = FORM

    key: Key
    title: Text
    reason: Text
    instead: Text
    commands: tuple[CommandPattern, ...] = ()
