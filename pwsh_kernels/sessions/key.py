"""The key of a session, tenant and module, and the names made from it."""

import uuid
from dataclasses import dataclass
from functools import lru_cache

REMEMBERED = 1024
"""Kernel ids of so many sessions are computed once."""


@dataclass(frozen=True, slots=True, order=True)
class SessionKey:
    """The tenant and the module that one session is for: `tenant:module`."""

    tenant: str
    module: str

    def __str__(self) -> str:
        return f"{self.tenant}:{self.module}"

    @property
    def kernel_id(self) -> str:
        """The same kernel id on every server: Jupyter's routes accept only UUIDs (decision 0009,
        10).
        """
        return _kernel_id(str(self))

    @property
    def kernelspec(self) -> str:
        """The kernelspec's name; Jupyter allows only letters, digits, dot, dash and underscore."""
        return f"{self.tenant}.{self.module}"


@lru_cache(maxsize=REMEMBERED)
def _kernel_id(session: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, session))
