"""Where the script of `pwsh-kernels run` comes from: an argument, a file, stdin."""

import os
import stat
import sys
from pathlib import Path
from typing import NamedTuple, TextIO

import typer

from pwsh_kernels.script_text import decode_script


class Script(NamedTuple):
    """A script, and the absolute path of its file, if it comes from one."""

    text: str
    file: str | None = None


def read_script(command: str | None, file: Path | None) -> Script:
    """Return the script that the arguments name.

    Raises typer.BadParameter unless they name one, UndecodableScript.
    """
    if (command is None) == (file is None):
        raise typer.BadParameter(
            "give either a command (`-`: from stdin) or --file FILE", param_hint="COMMAND"
        )
    if file is not None:
        # Not resolved: the folder of a script that is reached through a link is that of the link.
        path = os.path.abspath(file)  # noqa: PTH100
        return Script(decode_script(file.read_bytes(), str(file)), path)
    if command != "-":
        return Script(command or "")
    read = file_of(sys.stdin)
    return Script(decode_script(sys.stdin.buffer.read(), read or "stdin"), read)


def file_of(stream: TextIO) -> str | None:
    """Return the path of the file that a stream reads, if that file still exists: the text of
    `<<EOF` may be a file too, but without a name.
    """
    try:
        given = os.fstat(stream.fileno())
        path = Path(f"/proc/self/fd/{stream.fileno()}").readlink()
        there = os.path.samestat(given, path.stat())
    except OSError:  # no file at all, or a system without /proc
        return None
    return str(path) if there and stat.S_ISREG(given.st_mode) else None
