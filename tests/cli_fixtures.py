"""The `pwsh-kernels` command for tests: in this process (a child takes half a second to begin), or
as a child.
"""

import io
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any
from unittest.mock import patch

from pwsh_kernels.cli import main

COMMAND = str(Path(sys.executable).with_name("pwsh-kernels"))
LIMIT = 60
"""Seconds that a command may take."""


def run_command(
    environment: Mapping[str, str], *arguments: str, stdin: str = ""
) -> tuple[str, str, int]:
    """Run the command to its end, with pipes instead of a terminal; return stdout, stderr and the
    exit code.
    """
    stdout, stderr, given = (
        io.TextIOWrapper(io.BytesIO(text), encoding="utf-8") for text in (b"", b"", stdin.encode())
    )
    code: Any = 0
    with (
        patch.dict(os.environ, environment, clear=True),
        patch.object(sys, "argv", [COMMAND, *arguments]),
        patch.object(sys, "stdin", given),
        redirect_stdout(stdout),
        redirect_stderr(stderr),
    ):
        try:
            main()
        except SystemExit as end:
            code = end.code or 0
    return _text(stdout), _text(stderr), int(code)


def _text(stream: io.TextIOWrapper) -> str:
    stream.seek(0)
    return stream.read()


@contextmanager
def child_command(
    environment: Mapping[str, str], *arguments: str, **streams: Any
) -> Iterator["subprocess.Popen[str]"]:
    """Start the command as a child process; it is ended with the block, and killed when the test
    fails.
    """
    given = {
        "stdin": subprocess.DEVNULL,
        "stdout": subprocess.PIPE,
        "stderr": subprocess.PIPE,
        **streams,
    }
    child = subprocess.Popen([COMMAND, *arguments], env=dict(environment), text=True, **given)
    try:
        yield child
    finally:
        child.kill()
        child.wait(LIMIT)
        for stream in (child.stdout, child.stderr):
            if stream:
                stream.close()
