"""The kernel's own log: a file that only its owner can read, created with its first line and
rotated when it is long.
"""

import logging
import os
from collections.abc import Mapping
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path

VARIABLE = "PWSH_KERNELS_LOG"
"""Names the file; without it the log is next to the connection file."""
SIZE = "PWSH_KERNELS_LOG_SIZE"
MAX_BYTES = 1_000_000
OLDER_FILES = 2
LEAST = logging.WARNING
"""Never less: at DEBUG ipykernel logs whole messages, with the secrets that they carry."""
LINE = "[%(levelname)1.1s %(asctime)s %(name)s] %(message)s"


class LogFile(RotatingFileHandler):
    """A log that grows to `MAX_BYTES`, or to what the environment says, and `OLDER_FILES` older
    ones.
    """

    def __init__(self, path: Path, max_bytes: int = MAX_BYTES) -> None:
        super().__init__(
            path, maxBytes=max_bytes, backupCount=OLDER_FILES, encoding="utf-8", delay=True
        )
        self.setFormatter(logging.Formatter(LINE))
        self.setLevel(LEAST)

    def _open(self) -> TextIOWrapper:
        """Open the file (documented by Python for this purpose)."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        return os.fdopen(os.open(self.baseFilename, flags, 0o600), "a", encoding="utf-8")


def write_log(app: logging.Logger, env: Mapping[str, str], connection_file: str) -> Path:
    """Let the kernel's loggers, and `app`, write the file; return it.

    A kernel whose stderr goes to the same file does not write there a second time.
    """
    path = Path(env.get(VARIABLE) or Path(connection_file).with_suffix(".log"))
    handler = LogFile(path, int(env.get(SIZE) or MAX_BYTES))
    logging.getLogger().addHandler(handler)
    if VARIABLE in env:
        app.handlers.clear()
    app.propagate = False
    app.addHandler(handler)
    return path
