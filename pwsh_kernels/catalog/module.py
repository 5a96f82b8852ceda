"""A service module: its purpose, how to sign in, who is signed in, how to sign out; or why the
service cannot be used.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Annotated, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints

from pwsh_kernels.catalog.facts import Fact, FactName, Facts
from pwsh_kernels.catalog.route import FORM, Route, RouteName, Script, Text

Key = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]*$")]
CommandPattern = Annotated[str, StringConstraints(pattern=r"^[A-Za-z*,]+-[A-Za-z0-9*]+$")]
"""`Get-Mailbox`; `Get,Set-Mailbox` for two commands; `*-Mg*` for all that match."""
Command = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]+-[A-Za-z0-9]+$")]
IdentityField = Literal["account", "tenant_id", "domains"]
Host = Annotated[
    str, StringConstraints(pattern=r"^(?:[a-z0-9.-]+(?::[0-9]{1,5})?|\{sharepoint_url\})$")
]
"""`graph.microsoft.com`, `127.0.0.1:5100` (port 443 unless named), or `{sharepoint_url}`: the host
of that address.
"""
_OF_SITE = "{sharepoint_url}"


def _inside_home(path: str) -> str:
    parts = PurePosixPath(path).parts
    if not parts or parts[0] == "/" or ".." in parts or "*" in path:
        raise ValueError("must be paths inside HOME, without wildcards")
    return path


HomePath = Annotated[str, AfterValidator(_inside_home)]
"""A file or folder in a session's HOME: `.mg/mg.authrecord.json`."""


@dataclass(frozen=True, slots=True)
class CommandLists:
    """What a service's commands do, where their verb does not tell (docs/modules.md)."""

    __pydantic_config__: ClassVar[ConfigDict] = FORM

    reads: tuple[CommandPattern, ...] = ()
    writes: tuple[CommandPattern, ...] = ()
    destroys: tuple[CommandPattern, ...] = ()
    secrets: tuple[CommandPattern, ...] = ()
    requests: tuple[Command, ...] = ()
    """Commands that send a request with the method that they are given."""
    ignores_what_if: tuple[CommandPattern, ...] = ()
    """Commands that declare -WhatIf and act all the same."""


@dataclass(frozen=True, slots=True)
class Counterpart:
    """The command that reads what another one changes, and the parameter that names the object to
    both.
    """

    __pydantic_config__: ClassVar[ConfigDict] = FORM

    get: Command
    by: Text = "Identity"


@dataclass(frozen=True, slots=True)
class Module:
    """A service and the PowerShell module that reaches it.

    What each field means: docs/modules.md.
    """

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
    fingerprint: Script | None = None
    identity: tuple[IdentityField, ...] = ("account", "tenant_id", "domains")
    environment: Mapping[str, str] = field(default_factory=dict)
    ended: tuple[re.Pattern[str], ...] = ()
    connects: tuple[Command, ...] = ()
    disconnects: tuple[Command, ...] = ()
    limits: tuple[Text, ...] = ()
    companions: tuple[Text, ...] = ()
    companions_in_step: bool = False
    prerelease: bool = False
    bad_versions: Mapping[Text, Text] = field(default_factory=dict)
    commands: tuple[CommandPattern, ...] = ()
    classes: CommandLists = field(default_factory=CommandLists)
    replaces: Mapping[CommandPattern, Text] = field(default_factory=dict)
    login_hosts: tuple[Host, ...] = ()
    hosts: tuple[Host, ...] = ()
    home_files: tuple[HomePath, ...] = ()
    read_commands: tuple[CommandPattern, ...] = ()
    previews: Mapping[Command, Counterpart] = field(default_factory=dict)
    machine_mutexes: bool = False

    @property
    def default_route(self) -> RouteName:
        """The file's first route: the default."""
        return next(iter(self.routes))

    def hosts_of(self, route: Route, facts: Facts) -> tuple[str, ...]:
        """Return the hosts that a sign-in needs, each as `host` or `host:port`; one that needs an
        unknown fact is left out.
        """
        wanted = (*(() if route.has_token else self.login_hosts), *self.hosts)
        named = (
            _site_host(facts.get("sharepoint_url")) if one == _OF_SITE else one for one in wanted
        )
        return tuple(dict.fromkeys(one for one in named if one))

    def facts(self) -> dict[FactName, Fact]:
        """Return the facts about this module that its scripts can ask for."""
        return {
            "powershell_module": self.powershell_module,
            "minimum_version": self.minimum_version,
            "install": self.install,
            "catalog_folder": str(self.folder),
            "home_files": self.home_files,
        }


def _site_host(address: Fact | None) -> str | None:
    return urlsplit(address).netloc.lower() or None if isinstance(address, str) else None


@dataclass(frozen=True, slots=True)
class Unsupported:
    """A service that people ask for and that cannot be used here."""

    __pydantic_config__: ClassVar[ConfigDict] = FORM

    key: Key
    title: Text
    reason: Text
    instead: Text
    commands: tuple[CommandPattern, ...] = ()
