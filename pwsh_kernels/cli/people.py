"""Principals as people at a terminal read them. Pure."""

from collections.abc import Sequence

from pwsh_kernels.principals.principal import called


def approvers(principals: Sequence[str]) -> str:
    """Return who may decide: names with `or` between them."""
    *others, last = [called(one) for one in principals] or ["nobody"]
    return f"{', '.join(others)} or {last}" if others else last
