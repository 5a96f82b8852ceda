"""Whether a file, its mode included, has changed since it was read."""

from pathlib import Path

Stamp = tuple[int, int, int, int] | None
"""None: there is no such file."""


def stamp_of(path: Path | None) -> Stamp:
    """Return what changes whenever the file does."""
    try:
        facts = path.stat() if path else None
    except OSError:
        return None
    if facts is None:
        return None
    return facts.st_mtime_ns, facts.st_ctime_ns, facts.st_size, facts.st_ino
