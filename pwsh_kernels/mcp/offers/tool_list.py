"""tools/list shows what its caller may ever do: a tool that does nothing for them anywhere would
only be tried in vain.
"""

from collections.abc import Mapping
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


def verb_of(tool: Mapping[str, Any]) -> str:
    """Return the verb that a tool declares."""
    return str((tool.get("_meta") or {}).get(VERB))
