"""Which users of this machine listen where, according to Linux: a token must not reach another
user's program.
"""

import ipaddress
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
"""Linux's own lists of sockets; other systems have none, so no owner is known there."""
ROOT = 0
"""Root can read everything of ours anyway; a container's port is forwarded by root's program."""
_LISTENS = "0A"
_LOOPBACKS = {"localhost": ("127.0.0.1", "::1")}

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def stranger_at(url: str, tables: Iterator[str] | None = None) -> int | None:
    """Return the id of another user whose program would take a connection to a loopback address,
    or None.

    `tables` are texts in the form of /proc/net/tcp.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    wanted = {ipaddress.ip_address(one) for one in _LOOPBACKS.get(host, (host,))}
    trusted = {os.geteuid(), ROOT}
    for table in _read_tables() if tables is None else tables:
        for address, port, user in _listeners(table):
            takes = address in wanted or address.is_unspecified
            if port == parts.port and takes and user not in trusted:
                return user
    return None


def _read_tables() -> Iterator[str]:
    for table in TABLES:
        try:
            yield table.read_text(encoding="ascii")
        except OSError:
            continue


def _listeners(table: str) -> Iterator[tuple[Address, int, int]]:
    """Yield address, port and user of each line of a table that stands for a listening socket."""
    for line in table.splitlines()[1:]:
        fields = line.split()
        if fields[3] == _LISTENS:
            address, _, port = fields[1].partition(":")
            yield _address(address), int(port, 16), int(fields[7])


def _address(digits: str) -> Address:
    """Return the address of 8 or 32 digits: words of four bytes, as this machine keeps them."""
    raw = bytes.fromhex(digits)
    if sys.byteorder == "little":
        raw = b"".join(raw[at : at + 4][::-1] for at in range(0, len(raw), 4))
    return _plain(ipaddress.ip_address(raw))


def _plain(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 address represents, if any."""
    return getattr(address, "ipv4_mapped", None) or address
