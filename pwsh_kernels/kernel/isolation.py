"""Keep the clients of one kernel apart: an error in a client's cell aborts only what this client
has queued.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

from pwsh_kernels.kernel.ipykernel_compat import KernelCompat


class IsolatedClients(KernelCompat):
    """Kernel mixin.

    Stock ipykernel aborts the queued cells of every client after one client's error (decision
    0008).
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._aborting_clients: set[str] = set()
        self._ends_of_abort: set[asyncio.Task[None]] = set()

    def abort_queued(self) -> None:
        """Answer `aborted` to what the client of the failed cell has queued until now."""
        client = self.get_parent("shell")["header"]["session"]
        self._aborting_clients.add(client)
        if self.shell_stream:
            self.shell_stream.flush()  # what already waits in the socket joins the queue
        end = asyncio.get_running_loop().create_task(self._end_abort(client))
        self._ends_of_abort.add(end)
        end.add_done_callback(self._ends_of_abort.discard)

    async def _end_abort(self, client: str) -> None:
        await asyncio.sleep(0)  # the requests that flush() read have to queue first
        # First come, first served: this turn comes after every queued request.
        async with self.main_lock:
            self._aborting_clients.discard(client)

    def should_handle(self, stream: Any, msg: dict[str, Any], idents: Sequence[bytes]) -> bool:
        """Return False for an execute request that is aborted; its reply has been sent then."""
        header = msg["header"]
        if (
            header["msg_type"] != "execute_request"
            or header["session"] not in self._aborting_clients
        ):
            return True
        self.send_abort_reply(stream, msg, idents)
        return False
