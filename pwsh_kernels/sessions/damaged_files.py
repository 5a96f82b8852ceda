"""Damaged files: set aside under another name, so that nothing reads them again and a person can
look at them.
"""

import logging
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

LOG = logging.getLogger(__name__)
ASIDE = ".bad"
"""Appended to the name of a file that was set aside."""


def put_aside(file: Path, problem: object) -> None:
    """Rename a damaged file; the log names it, and so does `pwsh-kernels doctor`.

    Raises nothing: on a read-only folder the file stays.
    """
    aside = file.with_name(file.name + ASIDE)
    with suppress(OSError):
        file.replace(aside)
        LOG.warning("%s is damaged and was put aside as %s: %s", file, aside.name, problem)
        return
    LOG.warning("%s is damaged and was skipped: %s", file, problem)


def files_put_aside(folders: Iterable[Path]) -> Iterator[Path]:
    """Yield the files that were set aside in these folders."""
    for folder in folders:
        with suppress(OSError):
            yield from sorted(folder.glob(f"*{ASIDE}"))
