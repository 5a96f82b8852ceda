"""Ports for a new kernel, outside the range from which the system hands out free ports.

A kernel binds its ports half a second after they were chosen. jupyter_client takes what the system
offers, and the system soon offers the same to somebody else: of twelve kernels that began at once,
one found its port taken (seen once in ten runs of the tests).
"""

import os
import socket
from collections.abc import Collection, Iterator

LOWEST, HIGHEST = 10_000, 32_767
"""Below what Linux (32768), Windows and macOS (49152) hand out."""
STRIDE = 997
"""Servers that begin one after the other have neighbouring process ids; their kernels' ports must
not be neighbours.
"""


def free_ports(ip: str, count: int, taken: Collection[int]) -> list[int]:
    """Return free ports of an address that are not `taken`.

    Raises OSError when there are none.
    """
    found: list[int] = []
    for port in _candidates(os.getpid()):
        if port not in taken and _is_free(ip, port):
            found.append(port)
        if len(found) == count:
            return found
    raise OSError(f"no {count} free ports between {LOWEST} and {HIGHEST}")


def _candidates(pid: int) -> Iterator[int]:
    """Yield every port of the range once, starting at a point that differs for each process."""
    size = HIGHEST - LOWEST + 1
    first = pid * STRIDE % size
    return (LOWEST + (first + step) % size for step in range(size))


def _is_free(ip: str, port: int) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in ip else socket.AF_INET) as probe:
        try:
            probe.bind((ip, port))
        except OSError:
            return False
    return True
