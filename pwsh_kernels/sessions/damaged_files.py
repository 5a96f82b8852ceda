"""Files that cannot be read: put aside under another name, so that nobody trips over them again and
a person can look at them.
"""

import logging
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

LOG = logging.getLogger(__name__)
ASIDE = ".bad"
"""What is added to the name of a file that was put aside."""


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
    """Yield the files that were put aside in these folders."""
    for folder in folders:
        with suppress(OSError):
            yield from sorted(folder.glob(f"*{ASIDE}"))
