"""PowerShell modules that a test writes: into a folder for PSModulePath, or into the store as `modules install` does."""

import json
from collections.abc import Sequence
from pathlib import Path

from pwsh_kernels.modules.store import ModuleStore

POISON = "throw 'a module was loaded that this session must not find'\n"


def write_module(folder: Path, name: str, version: str, script: str, needs: Sequence[str] = ()) -> Path:
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


def install(data_dir: Path, name: str, version: str, script: str = POISON, needs: Sequence[str] = ()) -> None:
    """Put a version of a module into the store, selected for new sessions."""
    write_module(data_dir / "modules", name, version, script, needs)
    stub = data_dir / "stub.json"
    old = json.loads(stub.read_text()) if stub.exists() else []
    for one in old:
        one["selected"] = one["selected"] and one["name"] != name
    stub.write_text(json.dumps([*old, {"name": name, "version": version, "dependencies": list(needs), "selected": True}]))
    assert ModuleStore(data_dir).selected()[name].version == version
