"""The folder of installed modules: what is in it, what new sessions get, who has pinned what, and
whether it is intact.
"""

from collections.abc import Mapping
from pathlib import Path

from pwsh_kernels.modules.checksums import Difference, differences, digest, folder_sums, read_list
from pwsh_kernels.modules.lock import LockedModule, read_lock


class ModuleStore:
    """Reads `modules/NAME/VERSION` of a data folder, its lock file, and the sessions' pins.

    Nothing here changes them.
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
        """Return where a version is: what PowerShell imports."""
        return self.root / name / version

    def list_file(self, module: LockedModule) -> Path:
        """Return the list of a version's files with their SHA-256; it stands beside the version's
        folder.
        """
        return self.root / module.name / f"{module.version}.sha256"

    def pinned_by(self, module: LockedModule) -> list[str]:
        """Return the sessions (`tenant:module`) that have this version."""
        links = self._pins.glob(f"*/{module.name}/{module.version}")
        keys = (link.parent.parent.name.rpartition(".") for link in links)
        return sorted(f"{tenant}:{key}" for tenant, _, key in keys if tenant)

    def differences(self, module: LockedModule) -> list[Difference]:
        """Return the files of a version that are not as they were installed; the list of them may
        be one.
        """
        file = self.list_file(module)
        text = file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""
        if digest(text) != module.sha256:
            return [Difference(f"../{file.name}", "changed" if file.is_file() else "missing")]
        return differences(read_list(text), folder_sums(self.folder(module.name, module.version)))

    def strangers(self) -> list[str]:
        """Return what stands among the modules and is not in the lock file, as NAME/VERSION.

        Raises BrokenFile.
        """
        known = {(one.name, one.version) for one in self.installed()}
        folders = [one for one in self.root.glob("[!.]*/*") if one.is_dir()]
        return sorted(
            f"{one.parent.name}/{one.name}"
            for one in folders
            if (one.parent.name, one.name) not in known
        )
