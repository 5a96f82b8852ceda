"""Changes the folder of installed modules: a whole change or none, one at a time, and read-only for
everybody afterwards.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from pwsh_kernels.errors import ModulesBusy
from pwsh_kernels.modules.lock import LockedModule, lock_text
from pwsh_kernels.modules.store import ModuleStore

READ_ONLY_FOLDER, READ_ONLY_FILE, WRITABLE_FOLDER = 0o555, 0o444, 0o755


@dataclass(frozen=True, slots=True)
class Staged:
    """A module that was fetched and has to be moved into place, with the list of its files."""

    folder: Path
    module: LockedModule
    files: str


@contextmanager
def changing(store: ModuleStore) -> Iterator[Path]:
    """Lock the store for a change, and yield an empty folder on its disk. Raises ModulesBusy."""
    store.root.parent.mkdir(
        mode=0o700, parents=True, exist_ok=True
    )  # the data folder: maybe nobody has served yet
    store.root.mkdir(mode=0o700, exist_ok=True)
    holder = os.open(store.root / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(holder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ModulesBusy(str(store.root)) from None
        for left in store.root.glob(".part-*"):  # of a command that was killed
            remove_tree(left)
        part = Path(tempfile.mkdtemp(prefix=".part-", dir=store.root))
        try:
            yield part
        finally:
            remove_tree(part)
    finally:
        os.close(holder)


def put(
    store: ModuleStore, part: Path, staged: Sequence[Staged], modules: Iterable[LockedModule]
) -> None:
    """Move what is staged into place and write the lock file; if anything fails, undo all of it.

    Raises OSError.
    """
    undo: list[tuple[Path, Path | None]] = []
    try:
        for number, one in enumerate(staged):
            for source, target in _moves(store, part, one):
                old = _set_aside(target, part / f"old-{number}-{target.name}")
                undo.append((target, old))
                _move(source, target)
        write_lock(store, modules)
    except BaseException:
        for target, old in reversed(undo):
            remove_tree(target)
            if old:
                _move(old, target)
        raise


def drop(store: ModuleStore, going: Sequence[LockedModule]) -> None:
    """Remove versions. If the selected one is removed, the newest remaining one is selected."""
    left = [one for one in store.installed() if one not in going]
    for gone in (one for one in going if one.selected):
        others = [one for one in left if one.is_named(gone.name)]
        left = [
            replace(one, selected=True) if others and one == others[-1] else one for one in left
        ]
    write_lock(
        store, left
    )  # first: an unknown folder is removed by the next command that needs its place
    for one in going:
        remove_tree(store.folder(one.name, one.version))
        store.list_file(one).unlink(missing_ok=True)
        if not any(store.folder(one.name, "x").parent.glob("*")):
            store.folder(one.name, "x").parent.rmdir()


def write_lock(store: ModuleStore, modules: Iterable[LockedModule]) -> None:
    """Write the lock file in one step."""
    part = store.lock_file.with_name(f".{store.lock_file.name}.part")
    try:
        part.write_text(lock_text(modules), encoding="utf-8")
        part.replace(store.lock_file)
    finally:
        part.unlink(missing_ok=True)


def remove_tree(place: Path) -> None:
    """Remove a file or a folder, even if it is read-only."""
    if place.is_symlink() or not place.is_dir():
        place.unlink(missing_ok=True)
        return
    for folder, _, _ in os.walk(place):
        Path(folder).chmod(WRITABLE_FOLDER)
    shutil.rmtree(place)


def _moves(store: ModuleStore, part: Path, one: Staged) -> list[tuple[Path, Path]]:
    target = store.folder(one.module.name, one.module.version)
    target.parent.mkdir(mode=0o700, exist_ok=True)
    files = part / f"{one.module.name}-{one.module.version}.sha256"
    files.write_text(one.files, encoding="utf-8")
    return [(one.folder, target), (files, store.list_file(one.module))]


def _set_aside(target: Path, place: Path) -> Path | None:
    if not target.exists():
        return None
    _move(target, place)
    return place


def _move(source: Path, target: Path) -> None:
    """Move a file or folder within a disk, and make it and everything below it read-only."""
    if source.is_dir():
        source.chmod(WRITABLE_FOLDER)  # only such a folder may change its parent
        for path in source.rglob("*"):
            if not path.is_symlink():
                path.chmod(READ_ONLY_FOLDER if path.is_dir() else READ_ONLY_FILE)
    source.rename(target)
    target.chmod(READ_ONLY_FOLDER if target.is_dir() else READ_ONLY_FILE)
