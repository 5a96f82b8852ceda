"""A kernel's ports are nobody else's: not listened on, not promised to another kernel, not handed
out by the system.
"""

import socket

from pwsh_kernels.sessions.places.ports import HIGHEST, LOWEST, free_ports

IP = "127.0.0.1"


def test_ports_are_as_many_as_asked_for_and_out_of_the_systems_own_range() -> None:
    ports = free_ports(IP, 5, ())
    assert len(set(ports)) == 5
    assert all(LOWEST <= port <= HIGHEST for port in ports)


def test_a_port_that_somebody_listens_on_is_left_out() -> None:
    first = free_ports(IP, 1, ())[0]
    with socket.socket() as listener:
        listener.bind((IP, first))
        assert first not in free_ports(IP, 5, ())


def test_a_port_that_another_kernel_will_bind_is_left_out() -> None:
    promised = free_ports(IP, 5, ())
    assert not set(promised) & set(free_ports(IP, 5, promised))
