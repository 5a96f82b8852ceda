"""PowerShell modules that a test writes: into a folder for PSModulePath, or into the store as
`modules install` does.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from pwsh_kernels.modules.lock import LockedModule, lock_text
from pwsh_kernels.modules.store import ModuleStore

POISON = "throw 'a module was loaded that this session must not find'\n"


def write_module(
    folder: Path, name: str, version: str, script: str, needs: Sequence[str] = ()
) -> Path:
    """Write a module NAME/VERSION into a folder for PSModulePath; return that folder."""
    place = folder / name / version
    place.mkdir(parents=True)
    (place / f"{name}.psm1").write_text(script, encoding="utf-8")
    required = ", ".join(f"'{one}'" for one in needs)
    manifest = (
        f"@{{ RootModule = '{name}.psm1'; ModuleVersion = '{version}'; FunctionsToExport = '*'; "
        f"RequiredModules = @({required}) }}\n"
    )
    (place / f"{name}.psd1").write_text(manifest, encoding="utf-8")
    return folder


def install(
    data_dir: Path, name: str, version: str, script: str = POISON, needs: Sequence[str] = ()
) -> None:
    """Put a version of a module into the store, selected for new sessions."""
    write_module(data_dir / "modules", name, version, script, needs)
    store = ModuleStore(data_dir)
    others = [
        replace(one, selected=one.selected and not one.is_named(name)) for one in store.installed()
    ]
    new = LockedModule(name, version, source="Tests", dependencies=tuple(needs))
    store.lock_file.write_text(lock_text([*others, new]), encoding="utf-8")
