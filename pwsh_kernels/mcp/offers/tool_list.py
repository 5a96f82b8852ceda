"""tools/list shows what its caller may ever do: a tool that does nothing for them anywhere would
only be tried in vain.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from mcp.server.context import (
    CallNext,
    HandlerResult,
    ServerMiddleware,
    ServerRequestContext,
)

from pwsh_kernels.mcp.backend import Backend
from pwsh_kernels.mcp.tools import VERB

METHOD = "tools/list"
RIGHTS_PAUSE = 2.0
"""Seconds until a subscriber's rights are looked at again: they are known in this process."""


def shown_tools(backend: Backend) -> ServerMiddleware[Any]:
    """Return the middleware that leaves out the tools whose verb the caller has nowhere."""

    async def leave_out(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        answer = await call_next(ctx)
        if ctx.method != METHOD or not isinstance(answer, dict):
            return answer
        held = backend.held_verbs()
        if held is None:
            return answer
        return {**answer, "tools": [one for one in answer["tools"] if verb_of(one) in held]}

    return leave_out


async def watch_tools(backend: Backend, tell: Callable[[], Awaitable[None]]) -> None:
    """Tell a subscriber, until cancelled, whenever the tools that it is shown have become others;
    where only another process knows its rights, it is shown all.
    """
    before = backend.held_verbs()
    while before is not None:
        await asyncio.sleep(RIGHTS_PAUSE)
        after = backend.held_verbs() or ()
        if set(after) != set(before):
            await tell()
        before = after


def verb_of(tool: Mapping[str, Any]) -> str:
    """Return the verb that a tool declares."""
    return str((tool.get("_meta") or {}).get(VERB))
