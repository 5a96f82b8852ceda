"""The private names of ipykernel that the kernel needs, under names of ours."""

import asyncio
from collections.abc import Sequence
from typing import Any, cast

from ipykernel.kernelbase import Kernel


class KernelCompat(Kernel):
    """Kernel mixin. `tests/test_compat.py` fails when one of the names goes or changes."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        # We write to iopub directly: there is no buffered output that a reply would have to wait
        # for, and ipykernel has no public name for that pause.
        self._execute_sleep = 0.0

    @property
    def main_lock(self) -> asyncio.Lock:
        """The lock that ipykernel holds while it answers a shell request.

        Waiting for it puts the caller behind every request that is queued now; there is no public
        way to do so.
        """
        return self._main_asyncio_lock

    def abort_queued(self) -> None:
        """Hook: a cell has failed, and its client wants nothing that is queued behind it to run."""

    def _abort_queues(self, subshell_id: str | None = None) -> None:  # noqa: ARG002 - the base's signature; this kernel has no subshells
        """Take ipykernel's call after a failed cell, for which it has no public hook."""
        self.abort_queued()

    def send_abort_reply(self, stream: Any, msg: dict[str, Any], idents: Sequence[bytes]) -> None:
        """Answer one request with `aborted`, as ipykernel would; it has no public way to do so."""
        self._send_abort_reply(stream, msg, idents)

    def asker_identity(self) -> list[bytes]:
        """Return who sent the present shell request, for a question on stdin.

        ipykernel's public `get_parent` returns only the request.
        """
        return cast(list[bytes], self._get_shell_context_var(self._shell_parent_ident))

    def iopub_topic(self, kind: str) -> bytes:
        """Return the topic of an iopub message of a kind, as in ipykernel's own messages.

        Its public `send_response` leaves that to the caller.
        """
        return cast(bytes, self._topic(kind))
