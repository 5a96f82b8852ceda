"""Where a secret of a sign-in is kept (a file or an environment variable); it is read only when it
is used.
"""

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, ValidationInfo

from pwsh_kernels.catalog.facts import Secret
from pwsh_kernels.errors import BadSecret

MAX_SIZE = 65_536
"""Largest secret file in bytes; a token has a few thousand."""
HOW_TO_WRITE = 'write { file = "PATH" } or { env = "NAME" } here, never the secret itself'


@dataclass(frozen=True, slots=True)
class SecretSource:
    """The place of a secret: a file that only its owner can read, or an environment variable of the
    server.
    """

    file: Path | None = None
    env: str | None = None

    @property
    def name(self) -> str:
        """Return the place in words."""
        return str(self.file) if self.file else f"the environment variable {self.env}"

    def read(self) -> Secret:
        """Return the secret as it is now, without one newline at its end.

        Raises BadSecret, which never shows it.
        """
        text = _content(self.file) if self.file else os.environ.get(self.env or "", "")
        text = text.removesuffix("\n").removesuffix("\r")
        if not text.strip():
            raise BadSecret(self.name, "it is empty" if self.file else "it is not set")
        return Secret(text)


def _content(file: Path) -> str:
    try:
        # Without O_NONBLOCK a named pipe without a writer would hold up the server.
        with os.fdopen(os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as opened:
            _check(file, os.fstat(opened.fileno()))
            return opened.read(MAX_SIZE).decode("utf-8")
    except OSError as problem:
        raise BadSecret(str(file), (problem.strerror or type(problem).__name__).lower()) from None
    except UnicodeDecodeError:
        raise BadSecret(str(file), "it is not UTF-8 text") from None


def _check(file: Path, facts: os.stat_result) -> None:
    """Check the open file, so that no other file can take its place in between."""
    if not stat.S_ISREG(facts.st_mode):
        raise BadSecret(str(file), "it is not a regular file")
    if stat.S_IMODE(facts.st_mode) & 0o077:
        raise BadSecret(str(file), f"other users can read it; run `chmod 600 {file}`")
    if facts.st_size > MAX_SIZE:
        raise BadSecret(str(file), f"it is larger than {MAX_SIZE} bytes")


def resolved_path(value: Any, info: ValidationInfo) -> Any:
    """Return a path of a file's text as an absolute one: `~` is the user's HOME, anything else is
    relative to that file's folder.
    """
    if not isinstance(value, str) or not value.strip():
        raise ValueError("must be the path of a file")
    folder = (info.context or {}).get("folder", Path.cwd())
    return folder / Path(value).expanduser()


def source_of(value: Any, info: ValidationInfo) -> Any:
    """Return the place that a file's text names.

    Raises ValueError, which never shows what was written.
    """
    if not isinstance(value, dict) or len(value) != 1 or not set(value) <= {"file", "env"}:
        raise ValueError(f"is a secret: {HOW_TO_WRITE}")
    if "file" in value:
        return SecretSource(file=resolved_path(value["file"], info))
    if not isinstance(value["env"], str) or not value["env"].isidentifier():
        raise ValueError("env must be the name of an environment variable")
    return SecretSource(env=value["env"])


File = Annotated[Path, BeforeValidator(resolved_path)]
Source = Annotated[SecretSource, BeforeValidator(source_of)]
