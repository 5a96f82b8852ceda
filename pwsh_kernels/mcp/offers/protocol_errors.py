"""Our errors as the protocol's own, where there is no tool result to carry them."""

from collections.abc import Iterator
from contextlib import contextmanager

from mcp import MCPError
from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError
from mcp_types import INTERNAL_ERROR, INVALID_PARAMS

from pwsh_kernels.errors import ProductError
from pwsh_kernels.mcp.answers.marks import Marks
from pwsh_kernels.mcp.answers.refusals import error_text

NOTHING_THERE = frozenset(
    {
        "unknown_run",
        "unknown_session",
        "unknown_tenant",
        "invalid_tenant",
        "unknown_module",
        "unsupported_module",
    }
)
"""Codes of errors which mean that the address names something that does not exist."""


def names_nothing(error: ProductError) -> bool:
    """Return whether the caller named something that does not exist."""
    return error.to_json()["code"] in NOTHING_THERE


@contextmanager
def resource_refusals() -> Iterator[None]:
    """Turn a refusal within the block into ResourceNotFoundError (-32602) or ResourceError (-32603)
    with our sentence.
    """
    try:
        yield
    except ProductError as error:
        kind = ResourceNotFoundError if names_nothing(error) else ResourceError
        raise kind(error_text(error, Marks.fresh())) from error


@contextmanager
def protocol_refusals() -> Iterator[None]:
    """Turn a refusal within the block into MCPError with our sentence."""
    try:
        yield
    except ProductError as error:
        code = INVALID_PARAMS if names_nothing(error) else INTERNAL_ERROR
        raise MCPError(code, error_text(error, Marks.fresh())) from error
