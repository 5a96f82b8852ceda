"""Whose program listens on a port of this machine; somebody else's gets no token."""

import os
import socket
import sys
from collections.abc import Iterator
from contextlib import closing

import pytest

from pwsh_kernels.client import RestClient
from pwsh_kernels.discovery import ServerAddress
from pwsh_kernels.errors import NotOurServer
from pwsh_kernels.port_owners import ROOT, stranger_at

STRANGER = os.geteuid() + 1234
HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  inode\n"
ANY4, HERE4, ELSEWHERE4 = "00000000", "0100007F", "0700000A"
ANY6, HERE6 = "0" * 32, "0" * 24 + "01000000"
MAPPED = "0" * 16 + "FFFF00000100007F"
WAIT = 30


def table(address: str, user: int = STRANGER, state: str = "0A", port: int = 5100) -> Iterator[str]:
    """Give a table of the kernel with one socket."""
    row = f"{address}:{port:04X} 00000000:0000 {state} 00000000:00000000 00:00000000 00000000"
    return iter([f"{HEAD}   0: {row} {user:5}        0 4711 1 0\n"])


@pytest.mark.skipif(sys.byteorder == "big", reason="the tables here are of a little-endian machine")
@pytest.mark.parametrize("address", [ANY4, HERE4, ANY6, HERE6, MAPPED])
def test_another_user_who_listens_where_we_would_connect_is_found(address: str) -> None:
    assert stranger_at("http://localhost:5100", table(address)) == STRANGER


@pytest.mark.parametrize(
    "sockets",
    [
        table(HERE4, os.geteuid()),
        table(HERE4, ROOT),
        table(HERE4, port=5200),
        table(HERE4, state="01"),
        table(ELSEWHERE4),
        table(HERE6),
        iter(()),
    ],
    ids=["us", "root", "another port", "no listener", "another address", "IPv6", "no table"],
)
def test_everybody_else_is_no_stranger(sockets: Iterator[str]) -> None:
    assert stranger_at("http://127.0.0.1:5100", sockets) is None


def test_what_we_listen_on_ourselves_is_ours() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as own:
        assert stranger_at(f"http://127.0.0.1:{own.getsockname()[1]}") is None


@pytest.mark.skipif(os.geteuid() != ROOT, reason="only root can listen as another user")
async def test_no_token_goes_to_a_program_of_another_user() -> None:
    os.seteuid(STRANGER)
    try:
        program = socket.create_server(("127.0.0.1", 0))
    finally:
        os.seteuid(ROOT)
    with closing(program):
        url = f"http://127.0.0.1:{program.getsockname()[1]}"
        async with RestClient(ServerAddress(url, "canary", "test"), WAIT, "test") as client:
            with pytest.raises(NotOurServer, match=f"another user of this machine, uid {STRANGER}"):
                await client.sessions()
        program.settimeout(0)
        with pytest.raises(BlockingIOError):
            program.accept()
