"""The key with which the server grants messages to a kernel of this machine: a file next to its
connection file, by which a later server goes on.

The kernel has only the public half, in its environment. What is confined can read neither file.
"""

import os
from pathlib import Path

from pwsh_kernels.grants import Signer

PUBLIC = "PWSH_KERNELS_GRANTS"
"""Variable of a session's kernel: the public half."""


def grant_key(connection_file: str | Path) -> Path:
    """Return the file next to a connection file that has the key."""
    return Path(connection_file).with_suffix(".grants")


def write_grant_key(connection_file: str | Path, signer: Signer) -> None:
    """Write the key, for its owner only. Raises OSError."""
    file = grant_key(connection_file)
    file.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    with os.fdopen(os.open(file, flags, 0o600), "w", encoding="ascii") as stream:
        stream.write(signer.private)


def read_grant_key(connection_file: str | Path) -> Signer | None:
    """Return who grants messages to the kernel of a connection file; None: there is no such file,
    or it is damaged.
    """
    try:
        return Signer(grant_key(connection_file).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
