"""The private names of jupyter_server that sessions need, under names of ours.

`tests/test_compat.py` fails when one of them goes.
"""

from concurrent.futures import Future
from typing import Any

from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager


class KernelManagerCompat(AsyncMappingKernelManager):
    """jupyter_server's map of kernels, with a hook for deaths."""

    def kernel_died(self, kernel_id: str) -> None:
        """Take note of a kernel that has died and will not be restarted."""
        super()._handle_kernel_died(kernel_id)

    def _handle_kernel_died(self, kernel_id: str) -> None:
        """Take jupyter_server's call: it has no public hook for a death."""
        self.kernel_died(kernel_id)


def give_kernel_info(kernel: Any, answer: Future[dict[str, Any]]) -> None:
    """Give the WebSockets of a kernel (its manager) its info, so that they do not ask for it on
    shell.

    ZMQChannelsWebsocketConnection looks for it under this name, and nowhere else.
    """
    kernel._kernel_info_future = answer  # noqa: SLF001
