"""The folder for temporary files in a session's HOME, and its emptying when a session begins.

What is in a HOME is the session's: a link there may lead anywhere, and none is followed.
"""

import os
import shutil
from contextlib import suppress
from pathlib import Path

from pwsh_kernels.sessions.places.homes import private_folder
from pwsh_kernels.sessions.places.local_process import is_home_of_a_process

TEMPORARY = ".tmp"
"""Folder in the HOME of a confined session, instead of the machine's /tmp."""
FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def temporary_folder(home: Path) -> Path:
    """Make the folder for temporary files of a HOME. Raises FolderNotWritable."""
    folder = home / TEMPORARY
    if folder.is_symlink():
        folder.unlink()
    return private_folder(folder)


def empty_temporary(home: Path) -> None:
    """Remove what is there now, unless a process still lives in this HOME: a program that an
    earlier session has started, and that has left its parents behind.
    """
    if is_home_of_a_process(home):
        return
    with suppress(OSError):
        folder = os.open(home / TEMPORARY, FOLDER)
        try:
            for name in os.listdir(folder):  # noqa: PTH208 - an open folder
                _remove(name, folder)
        finally:
            os.close(folder)


def _remove(name: str, folder: int) -> None:
    with suppress(OSError, RecursionError):
        try:
            os.unlink(name, dir_fd=folder)
        except IsADirectoryError:
            shutil.rmtree(name, dir_fd=folder, ignore_errors=True)
