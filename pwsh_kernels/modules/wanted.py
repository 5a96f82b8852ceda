"""What a service's key or a module's name stands for, and which versions of it the catalog allows.

Pure.
"""

from collections.abc import Iterable, Iterator, Sequence

from pwsh_kernels.catalog import Catalog, Module
from pwsh_kernels.catalog.fitness import known_bad, too_old
from pwsh_kernels.catalog.versions import Range, Version
from pwsh_kernels.errors import InvalidRequest, PackageUnfit
from pwsh_kernels.modules.lock import is_module_name
from pwsh_kernels.modules.packages import Wanted


class Rules:
    """The catalog's rules for PowerShell modules: which belong to a service, which versions
    work.
    """

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def names(self, name: str) -> list[str]:
        """Return the PowerShell modules of a service's key, or the name itself.

        Raises UnsupportedModule, BrokenFile.
        """
        key = name.lower()
        if key in self._catalog.unsupported or key in self._catalog.modules or self._is_broken(key):
            module = self._catalog.module(key)
            return [module.powershell_module, *module.companions]
        return [name]

    def wanted(self, name: str, version: str = "", *, prerelease: bool = False) -> list[Wanted]:
        """Return what to look for, for a key or a name.

        Raises InvalidRequest, UnsupportedModule, BrokenFile.
        """
        first, *others = self.names(name)
        if not is_module_name(first):
            raise InvalidRequest("module", f"{first!r} is not a module name: A-Z a-z 0-9 _ . -")
        in_step = any(module.companions_in_step for module in self._of(first))
        return [
            self._one(first, version, prerelease=prerelease),
            *(
                self._one(other, version if in_step else "", prerelease=prerelease)
                for other in others
            ),
        ]

    def keys(self, name: str) -> list[str]:
        """Return the keys of the services that a PowerShell module serves."""
        every = self._catalog.modules.values()
        return [
            one.key
            for one in every
            if name.casefold() in map(str.casefold, (one.powershell_module, *one.companions))
        ]

    def known_names(self) -> list[str]:
        """Return every key and every name of a PowerShell module, to suggest for a mistyped one."""
        names = [
            name
            for one in self._catalog.modules.values()
            for name in (one.powershell_module, *one.companions)
        ]
        return list(dict.fromkeys([*self._catalog.modules, *names]))

    def problem(self, name: str, version: str) -> str:
        """Return why a version is known to be bad, or ""."""
        for module in self._of(name):
            if too_old(module, version):
                return f"it is older than {module.minimum_version}, the oldest version that works"
            if reason := known_bad(module, version):
                return reason
        return ""

    def check(self, name: str, version: str) -> None:
        """Raise PackageUnfit for a version that is known to be bad."""
        if reason := self.problem(name, version):
            raise PackageUnfit(name, version, reason, self._minimum(name))

    def _one(self, name: str, version: str, *, prerelease: bool) -> Wanted:
        served = list(self._of(name))
        if not version and any(module.bad_versions for module in served):
            version = (  # the newest may be a bad one: all have to be seen
                f"[{self._minimum(name)}, )"
            )
        wanted = Range.parse(version)
        early = (
            prerelease
            or bool(wanted.low and wanted.low.label)
            or any(module.prerelease for module in served)
        )
        return Wanted(name, wanted, early)

    def _of(self, name: str) -> Iterator[Module]:
        return (
            one
            for one in self._catalog.modules.values()
            if one.powershell_module.casefold() == name.casefold()
        )

    def _minimum(self, name: str) -> str:
        return max((module.minimum_version for module in self._of(name)), key=Version.parse)

    def _is_broken(self, key: str) -> bool:
        return any(one.file.endswith(f"/{key}.toml") for one in self._catalog.broken)


def every_wanted(
    rules: Rules, names: Iterable[str], version: str, *, prerelease: bool
) -> Sequence[Wanted]:
    """Return what to look for, given several keys and names; each module once."""
    found = [one for name in names for one in rules.wanted(name, version, prerelease=prerelease)]
    return list({one.name.casefold(): one for one in reversed(found)}.values())[::-1]
