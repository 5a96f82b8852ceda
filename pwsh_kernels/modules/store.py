"""The folder of installed modules: its content, what new sessions get, which sessions have pinned
what, and whether it is intact.
"""

from collections.abc import Mapping
from pathlib import Path

from pwsh_kernels.modules.checksums import Difference, differences, digest, folder_sums, read_list
from pwsh_kernels.modules.lock import LockedModule, read_lock


class ModuleStore:
    """Reads `modules/NAME/VERSION` of a data folder, its lock file, and the sessions' pins.

    It changes none of them.
    """

    def __init__(self, data_dir: Path) -> None:
        self.root = data_dir / "modules"
        self.lock_file = data_dir / "modules.lock.toml"
        self._pins = data_dir / "pins"

    def installed(self) -> tuple[LockedModule, ...]:
        """Return every installed version. Raises BrokenFile."""
        return read_lock(self.lock_file)

    def selected(self) -> Mapping[str, LockedModule]:
        """Return what new sessions get, by name. Raises BrokenFile."""
        return {one.name: one for one in self.installed() if one.selected}

    def versions(self, name: str) -> list[LockedModule]:
        """Return the installed versions of a module, the oldest first. Raises BrokenFile."""
        return [one for one in self.installed() if one.is_named(name)]

    def folder(self, name: str, version: str) -> Path:
        """Return the folder of a version, which PowerShell imports."""
        return self.root / name / version

    def list_file(self, module: LockedModule) -> Path:
        """Return the list of a version's files with their SHA-256; it is next to the version's
        folder.
        """
        return self.root / module.name / f"{module.version}.sha256"

    def pinned_by(self, module: LockedModule) -> list[str]:
        """Return the sessions (`tenant:module`) that use this version."""
        links = self._pins.glob(f"*/{module.name}/{module.version}")
        keys = (link.parent.parent.name.rpartition(".") for link in links)
        return sorted(f"{tenant}:{key}" for tenant, _, key in keys if tenant)

    def differences(self, module: LockedModule) -> list[Difference]:
        """Return the files of a version that have changed since the installation, possibly
        including their list.
        """
        file = self.list_file(module)
        text = file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""
        if digest(text) != module.sha256:
            return [Difference(f"../{file.name}", "changed" if file.is_file() else "missing")]
        return differences(read_list(text), folder_sums(self.folder(module.name, module.version)))

    def strangers(self) -> list[str]:
        """Return what is in the folder but not in the lock file, as NAME/VERSION.

        Raises BrokenFile.
        """
        known = {(one.name, one.version) for one in self.installed()}
        folders = [one for one in self.root.glob("[!.]*/*") if one.is_dir()]
        return sorted(
            f"{one.parent.name}/{one.name}"
            for one in folders
            if (one.parent.name, one.name) not in known
        )
