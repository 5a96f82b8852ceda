"""A kernel that belongs to a session of the server: no client can shut it down by mistake, only its
owner ends it.
"""

import os
from collections.abc import Mapping
from typing import Any

from ipykernel.kernelbase import Kernel

from pwsh_kernels.messages import ends_session

SHARED = "PWSH_KERNELS_SHARED"
"""Variable that the server sets for the kernels of sessions."""
NAME = "SharedSession"
"""Name of the error with which a shared kernel refuses."""
REFUSAL = {
    "status": "error",
    "ename": NAME,
    "evalue": (
        "This kernel is a signed-in session that others use too: `pwsh-kernels disconnect` ends it."
    ),
    "traceback": [],
}


UNSEEN = (
    "Others use this session too, so nothing may run in it that they cannot see."
    " Send the command in a request that is not silent."
)
UNSEEN_EXPRESSION = (
    "Others use this session too, so nothing may run in it that they cannot see."
    " Send the expression as the code of a request."
)


def is_shared() -> bool:
    """Return whether this kernel is a session of the server."""
    return bool(os.environ.get(SHARED))


class SharedKernel(Kernel):
    """Kernel mixin.

    Front ends send a shutdown_request when they close or restart a kernel; a session outlives them.
    """

    def refused_unseen(self, code: str, *, silent: bool) -> bool:
        """Return whether an execution is refused because nobody else would see it."""
        return is_shared() and silent and bool(code.strip())

    async def shutdown_request(self, stream: Any, ident: Any, parent: Mapping[str, Any]) -> None:
        """End when the owner asks; refuse anybody else's request."""
        if is_shared() and not ends_session(parent):
            content = {**REFUSAL, "restart": bool(parent["content"].get("restart"))}
            session: Any = self.session
            session.send(stream, "shutdown_reply", content, parent=parent, ident=ident)
            return
        await super().shutdown_request(stream, ident, parent)
