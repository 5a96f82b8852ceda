"""The service modules: one TOML file each says how to sign in, who signed in, and how to
sign out.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path

from pwsh_kernels.catalog.module import Module, Unsupported
from pwsh_kernels.catalog.module_file import read_module
from pwsh_kernels.errors import BrokenFile, UnknownModule, UnsupportedModule

CATALOG_FOLDER = Path(__file__).parent / "services"


@dataclass(frozen=True, slots=True)
class Catalog:
    """Every module that the product knows, by key; the services that cannot be used; and the files
    that could not be read.
    """

    modules: Mapping[str, Module]
    unsupported: Mapping[str, Unsupported]
    broken: tuple[BrokenFile, ...] = ()

    @classmethod
    def load(cls, folder: Path = CATALOG_FOLDER, extra: Path | None = None) -> "Catalog":
        """Read every `*.toml` of the folder and of the user's own, whose files win; the file's name
        is the key.

        A broken file is listed in `broken`; a user's broken file is not replaced by the built-in
        module.
        """
        files = {file.stem: file for one in (folder, extra) if one for file in one.glob("*.toml")}
        read = {key: _read(file) for key, file in sorted(files.items())}
        return cls(
            modules={key: one for key, one in read.items() if isinstance(one, Module)},
            unsupported={key: one for key, one in read.items() if isinstance(one, Unsupported)},
            broken=(
                *_missing(extra),
                *(one for one in read.values() if isinstance(one, BrokenFile)),
            ),
        )

    def module(self, key: str) -> Module:
        """Return a module.

        Raises UnsupportedModule, BrokenFile, or UnknownModule with the known and nearest names.
        """
        for broken in self.broken:
            if Path(broken.file).stem == key:
                raise replace(broken)
        if key in self.unsupported:
            known = self.unsupported[key]
            raise UnsupportedModule(module=key, reason=known.reason, instead=known.instead)
        if key not in self.modules:
            raise UnknownModule(
                module=key,
                known=list(self.modules),
                nearest=get_close_matches(key, self.modules, n=3),
            )
        return self.modules[key]


def _missing(extra: Path | None) -> Iterator[BrokenFile]:
    if extra and not extra.is_dir():
        yield BrokenFile(
            file=str(extra), problem="there is no such folder (setting PWSH_MANAGER_MODULES_DIR)"
        )


def _read(file: Path) -> Module | Unsupported | BrokenFile:
    try:
        return read_module(file)
    except BrokenFile as broken:
        return broken
