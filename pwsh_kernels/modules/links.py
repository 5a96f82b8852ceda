"""Folders of links to installed versions for PSModulePath: a PowerShell that begins with one finds
these versions and no others, whatever is installed later.
"""

import os
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

from pwsh_kernels.modules.lock import LockedModule
from pwsh_kernels.modules.store import ModuleStore


def link_versions(folder: Path, store: ModuleStore, modules: Iterable[LockedModule]) -> None:
    """Make a new folder with a link NAME/VERSION to each version, in one step."""
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=".", dir=folder.parent))
    for one in modules:
        link = part / one.name / one.version
        link.parent.mkdir(mode=0o700)
        link.symlink_to(store.folder(one.name, one.version), target_is_directory=True)
    part.replace(folder)


def link_for_process(data_dir: Path, process: int) -> Path:
    """Return a folder of the selected versions for an interactive PowerShell with this process id;
    those of ended processes are removed. Raises BrokenFile.
    """
    folders, store = data_dir / "shells", ModuleStore(data_dir)
    for folder in folders.iterdir() if folders.is_dir() else ():
        if folder.name == str(process) or not _runs(folder.name):
            shutil.rmtree(folder, ignore_errors=True)
    if selected := store.selected():
        link_versions(folders / str(process), store, selected.values())
    return folders / str(process)


def _runs(process: str) -> bool:
    try:
        os.kill(int(process), 0)
    except (ProcessLookupError, ValueError):
        return False
    except PermissionError:  # it is somebody else's
        pass
    return True
