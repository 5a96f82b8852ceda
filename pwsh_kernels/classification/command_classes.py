"""What one command does, by its name: PowerShell's own, the services' lists in the catalog, its
verb.

Pure.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from pwsh_kernels.catalog import Catalog, CommandIndex, Module
from pwsh_kernels.catalog.command_index import matcher
from pwsh_kernels.classification.tables import engine

POWERSHELL = "powershell"
"""The service of PowerShell's own commands."""
OWN_MODULES = ("microsoft.powershell.", "threadjob", "psreadline")
NAME = re.compile(r"[A-Za-z]+-[A-Za-z0-9]+")
DASHES = str.maketrans("\u2013\u2014\u2015", "---")
"""PowerShell takes these for a hyphen when it looks for a command."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a command; `code` is that of the reason why it does not read, "" if it
    does.
    """

    name: str
    code: str
    service: str = ""


@dataclass(frozen=True)
class CommandClasses:
    """The commands of PowerShell and of all services of a catalog."""

    catalog: Catalog

    def known(self, written: str, own: str = "") -> Known:
        """Return what a command does; of commands that several services have, that of `own`."""
        module, _, bare = written.translate(DASHES).rpartition("\\")
        name = engine().aliases.get(bare.lower(), bare)
        found = self._known(name, own)
        if not written.isascii() and not found.code:
            return Known(written, "look_alike", found.service)
        if module and not found.code and module.lower() not in self._modules[found.service]:
            return Known(written, "unlisted")
        return found

    def takes_method(self, name: str) -> bool:
        """Return whether a command sends a request with a method that it is given."""
        return any(
            name.lower() == one.lower()
            for module in self.catalog.modules.values()
            for one in module.classes.requests
        )

    def hosts(self, service: str) -> tuple[str, ...]:
        """Return the hosts of a service that are known beforehand."""
        module = self.catalog.modules.get(service)
        return tuple(one for one in module.hosts if "{" not in one) if module else ()

    def _known(self, name: str, own: str) -> Known:
        code = engine().commands.get(name.lower())
        if code is not None:
            return Known(engine().names[name.lower()], code, POWERSHELL)
        if not NAME.fullmatch(name):
            return Known(name, "unlisted")
        keys = self.catalog.modules
        listed = [one for key in keys if (one := self._listed(name, key)) is not None]
        # A name of several services: what the session's own says, otherwise the strictest.
        listed.sort(key=lambda one: (one.service != own, not one.code))
        return listed[0] if listed else Known(name, self._by_verb(name, reads="unlisted"))

    def _listed(self, name: str, key: str) -> Known | None:
        for code, patterns in self._patterns[key]:
            if any(one.fullmatch(name) for one in patterns):
                return Known(name, code, key)
        if not self._index.listed(name, key):
            return None
        return Known(name, self._by_verb(name, reads=""), key)

    def _by_verb(self, name: str, *, reads: str) -> str:
        code = engine().verbs.get(name.partition("-")[0].lower(), "unlisted")
        return code or reads

    @cached_property
    def _index(self) -> CommandIndex:
        return CommandIndex(self.catalog)

    @cached_property
    def _patterns(self) -> Mapping[str, list[tuple[str, list[re.Pattern[str]]]]]:
        return {key: _coded(module) for key, module in self.catalog.modules.items()}

    @cached_property
    def _modules(self) -> Mapping[str, "_Names"]:
        """By service, the PowerShell modules whose name may stand before a command."""
        own = {POWERSHELL: _Names(OWN_MODULES, ()), "": _Names((), ())}
        return own | {
            key: _Names((), (module.powershell_module, *module.companions))
            for key, module in self.catalog.modules.items()
        }


class _Names:
    """Names of PowerShell modules: how they begin, or whole."""

    def __init__(self, begin: tuple[str, ...], whole: Iterable[str]) -> None:
        self._begin = begin
        self._whole = {one.lower() for one in whole}

    def __contains__(self, name: object) -> bool:
        text = str(name)
        return text in self._whole or bool(self._begin and text.startswith(self._begin))


def _coded(module: Module) -> list[tuple[str, list[re.Pattern[str]]]]:
    """Return the lists of a service's file with their reasons' codes, by precedence."""
    classes = module.classes
    lists = (
        ("signs_in", (*module.connects, *module.disconnects)),
        ("", classes.requests),
        ("secret", classes.secrets),
        ("destroys", classes.destroys),
        ("changes", classes.writes),
        ("", classes.reads),
    )
    return [(code, [matcher(one) for one in names]) for code, names in lists]
