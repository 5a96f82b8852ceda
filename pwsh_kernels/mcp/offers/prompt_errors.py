"""A wrong request for a prompt is the caller's mistake; the SDK reports it as the server's."""

from typing import Any

from mcp import MCPError
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp_types import INVALID_PARAMS
from pydantic import ValidationError

METHOD = "prompts/get"


async def refuse_wrong_prompts(
    ctx: ServerRequestContext[Any, Any], call_next: CallNext
) -> HandlerResult:
    """Answer an unknown prompt, or wrong arguments of one, with -32602, as the specification has
    it.

    Without this the answer is code 0 (legacy) or -32603 without a reason (2026-07-28), and a
    traceback in the log (measured with mcp 2.3.0 by conformance/test_fuzzer.py). Raises MCPError.
    """
    try:
        return await call_next(ctx)
    except ValidationError:  # a malformed request: the SDK answers that one correctly
        raise
    except ValueError as error:
        if ctx.method != METHOD or not isinstance(root_of(error), (ValueError, TypeError)):
            raise
        raise MCPError(
            INVALID_PARAMS, f"{error}. prompts/list has the prompts and their arguments."
        ) from error


def root_of(error: BaseException) -> BaseException:
    """Return the first error in the chain that led to this one. Pure."""
    while error.__cause__ is not None:
        error = error.__cause__
    return error
