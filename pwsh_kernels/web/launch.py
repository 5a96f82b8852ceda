"""Start the server: `serve` is what `pwsh-kernels serve` calls, and it returns when the server has
stopped.
"""

import fcntl
import logging
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import TextIO, cast

from pwsh_kernels.discovery import read_settings
from pwsh_kernels.errors import (
    DataFolderInUse,
    FolderNotWritable,
    InvalidSetting,
    ProductError,
)
from pwsh_kernels.escapes import filter_handlers
from pwsh_kernels.settings import Settings

OWNERS_RIGHTS = 0o700
NO_DOCSTRINGS = "is 2 or -OO, and Jupyter's server does not run without its docstrings"
LOG_LINE = "[%(levelname)1.1s %(asctime)s %(name)s] %(message)s"
"""Same format as the server's own lines, which do not go through the root logger."""


def serve(settings: Settings | None = None, argv: Sequence[str] = ()) -> None:
    """Run the server until it is stopped (Ctrl-C, SIGTERM).

    `argv`: Jupyter options, such as `--port=5200`.

    Raises DataFolderInUse when another server already has the sessions of this data folder,
    InvalidSetting if Python runs without something that Jupyter needs, BrokenFile, and
    SessionUsersUnavailable.
    """
    keep_owners_rights()
    if sys.flags.optimize > 1:
        raise InvalidSetting(setting="PYTHONOPTIMIZE", problem=NO_DOCSTRINGS)
    # The MCP SDK configures the root logger, unless somebody has: with frames, and lines broken at
    # 80 columns.
    logging.basicConfig(level=logging.WARNING, format=LOG_LINE)
    filter_handlers(logging.getLogger())
    # Kernels outlive the server on purpose.
    warnings.filterwarnings("ignore", "subprocess .* is still running", ResourceWarning)
    spare_the_grammar()
    from pwsh_kernels.sessions.places.user_switch import check_users  # noqa: PLC0415 - as below
    from pwsh_kernels.web.app import PwshKernelsApp  # noqa: PLC0415 - after the line above
    from pwsh_kernels.web.product import Product  # noqa: PLC0415

    chosen = settings or read_settings()
    check_users(chosen)
    with sole_owner(chosen.data_dir):
        server = PwshKernelsApp.initialize_server(argv=list(argv), product=Product.load(chosen))  # type: ignore[no-untyped-call]
        server.start()


def keep_owners_rights() -> None:
    """Make sure that we can read the files that we write, whatever umask the server was started
    with.
    """
    os.umask(os.umask(OWNERS_RIGHTS) & ~OWNERS_RIGHTS)


def spare_the_grammar() -> None:
    """Start in 1 s instead of 3 s (measured).

    jsonschema, which Jupyter's event log loads, builds a whole grammar for internationalised
    addresses when it is imported, if `rfc3987_syntax` is installed. No Jupyter event has such an
    address: we let that optional import fail.
    """
    sys.modules.setdefault("rfc3987_syntax", cast(ModuleType, None))


@contextmanager
def sole_owner(data_dir: Path) -> Iterator[None]:
    """Lock the data folder: of two servers on one folder, each would believe that it alone watches
    the kernels.

    Raises DataFolderInUse, FolderNotWritable.
    """
    with _opened(data_dir) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise DataFolderInUse(folder=str(data_dir), pid=lock.read().strip()) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def _opened(data_dir: Path) -> TextIO:
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(data_dir / "server.lock", os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        os.fchmod(lock, 0o600)  # a session with a user of its own may pass through the folder
        return os.fdopen(lock, "a+", encoding="utf-8")
    except OSError as error:
        problem = error.strerror or str(error)
        raise FolderNotWritable(folder=str(data_dir), problem=problem) from error


if __name__ == "__main__":
    try:
        serve(argv=sys.argv[1:])
    except ProductError as refused:
        sys.exit(refused.text())
