"""One row of the route table."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel

from pwsh_kernels.errors import ServerExhausted, is_exhausted
from pwsh_kernels.web.access import Permission
from pwsh_kernels.web.rest.endpoints import Answer, Call
from pwsh_kernels.web.rest.permits import permit


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one path: who may call it, its input (the body of a POST, the query of a GET),
    its function, and the shape of its answer.
    """

    method: Literal["GET", "POST"]
    path: str
    permission: Permission
    takes: type[BaseModel]
    answer: Callable[[Call], Awaitable[Answer]]
    gives: Any
    waits: bool = False
    """True if the answer may be 202: the requested work continues."""
    at_once: bool = False
    """True if the answer does not wait for a server that is still looking for its sessions."""

    @property
    def pattern(self) -> str:
        """The path as Tornado matches it."""
        return re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(self.path))

    async def respond(self, call: Call) -> Answer:
        """Do the work, once the server is ready, for a caller who may ask for it, and still may
        when it is done.

        Raises as `permit` does; ServerStarting; ServerExhausted when the machine has no descriptor
        or disk for it.
        """
        if not self.at_once:
            await call.backend.wait_until_ready()
        permit(self.permission, call)
        try:
            answer = await self.answer(call)
        except OSError as error:
            if not is_exhausted(error):
                raise
            raise ServerExhausted(problem=error.strerror or type(error).__name__) from error
        if call.caller is not None:
            call.backend.guard.require_valid(call.caller)
        return answer
