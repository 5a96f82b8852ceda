"""Whatever arrives on a kernel's sockets: it lives, it answers the next request, and its log has no
traceback. A few messages here, many with `make fuzz`.
"""

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import zmq
from hypothesis import given
from hypothesis import strategies as st
from jupyter_client.manager import KernelManager
from jupyter_client.session import Session

from tests.fixtures.kernel import Client, connected, running_kernel
from tests.fixtures.odd_messages import frames
from tests.fixtures.odd_values import FUZZ_LIMIT, few

pytestmark = [pytest.mark.fuzz, pytest.mark.slow, pytest.mark.timeout(FUZZ_LIMIT)]
CHANNELS = ("shell", "control", "stdin")


@dataclass(frozen=True)
class Target:
    """A kernel of its own for the fuzz, and who sees whether it goes on."""

    manager: KernelManager
    client: Client
    log: Path

    def send(self, channel: str, messages: list[list[bytes]]) -> None:
        """Send frames to a socket of the kernel, as they are."""
        facts: Mapping[str, Any] = dict(self.manager.get_connection_info())
        dealer: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.DEALER)
        with closing(dealer) as socket:
            socket.linger = 5000
            socket.connect(f"{facts['transport']}://{facts['ip']}:{facts[channel + '_port']}")
            for one in messages:
                socket.send_multipart(one)

    def written(self) -> str:
        """Return the kernel's log."""
        return self.log.read_text(encoding="utf-8") if self.log.exists() else ""


@pytest.fixture(scope="module")
def target(powershell_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """A kernel that only the fuzz talks to, and a client that sees whether it goes on."""
    folder = tmp_path_factory.mktemp("fuzz")
    log = folder / "kernel.log"
    with running_kernel(folder, PWSH_KERNELS_LOG=str(log)) as manager, connected(manager) as client:
        yield Target(manager, client, log)


@pytest.mark.parametrize("channel", CHANNELS)
def test_no_message_ends_a_kernel_or_makes_it_deaf(target: Target, channel: str) -> None:
    key = target.manager.get_connection_info()["key"]
    codec = Session(key=key if isinstance(key, bytes) else key.encode())

    @few(10)
    @given(sent=st.lists(frames(codec), min_size=1, max_size=4))
    def answered(sent: list[list[bytes]]) -> None:
        target.send(channel, sent)
        assert target.client.ask("kernel_info_request", {}, "control")["status"] == "ok", sent
        assert target.client.run("1+1").text() == "2\n", sent
        assert "Traceback" not in target.written(), (sent, target.written()[-3000:])

    answered()
