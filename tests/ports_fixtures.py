"""Ports for the kernels that the tests' own processes start."""

from collections.abc import Iterator

import pytest
from jupyter_client.connect import LocalPortCache

from pwsh_kernels.sessions.jupyter.ports import free_ports


@pytest.fixture(autouse=True, scope="session")
def ports_that_stay_free() -> Iterator[None]:
    """Kernels that papermill and its like start get ports of their own (why:
    sessions/jupyter/ports.py).
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LocalPortCache, "find_available_port", _free_port)
        yield


def _free_port(cache: LocalPortCache, ip: str) -> int:
    [port] = free_ports(ip, 1, cache.currently_used_ports)
    cache.currently_used_ports.add(port)
    return port
