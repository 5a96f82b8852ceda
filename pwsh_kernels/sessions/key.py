"""The key of a session, tenant, module and tier, and the names made from it."""

import uuid
from dataclasses import dataclass
from functools import lru_cache
from typing import Self

from pwsh_kernels.shapes import SessionNames, Tier

REMEMBERED = 1024
"""Kernel ids of so many sessions are computed once."""
READ = ":read"
"""What the name of a session of the read tier ends in."""
READ_FILE = ".read"
"""The same in the name of a folder; no module has a dot in its name."""


@dataclass(frozen=True, slots=True, order=True)
class SessionKey:
    """The tenant and the module that one session is for, `tenant:module`; in the read tier
    `tenant:module:read`.
    """

    tenant: str
    module: str
    tier: Tier = "write"

    def __str__(self) -> str:
        return f"{self.tenant}:{self.module}{READ if self.reads else ''}"

    @classmethod
    def parse(cls, name: str, module: str = "") -> Self:
        """Return the session of a name; `module` is that of one that names none."""
        reads = name.endswith(READ) and name.count(":") > 1  # a service may be called `read`
        tenant, _, named = (name.removesuffix(READ) if reads else name).partition(":")
        return cls(tenant, named or module, "read" if reads else "write")

    @classmethod
    def of(cls, names: SessionNames) -> Self:
        """Return the session that an answer is about."""
        return cls(names["tenant"], names["module"], names["tier"])

    @property
    def reads(self) -> bool:
        """Whether the session only reads."""
        return self.tier == "read"

    @property
    def kernel_id(self) -> str:
        """The same kernel id on every server: Jupyter's routes accept only UUIDs (decision 0009,
        10).
        """
        return _kernel_id(str(self))

    @property
    def kernelspec(self) -> str:
        """The kernelspec's name; Jupyter allows only letters, digits, dot, dash and underscore. Two
        dots: `contoso.com.exo.read` could be another tenant's.
        """
        return f"{self.tenant}.{self.module}{'.' + READ_FILE if self.reads else ''}"

    @classmethod
    def of_kernelspec(cls, name: str) -> Self:
        """Return the session of a kernelspec's name."""
        reads = name.endswith("." + READ_FILE)
        tenant, _, module = name.removesuffix("." + READ_FILE).rpartition(".")
        return cls(tenant, module, "read" if reads else "write")

    @property
    def folder(self) -> str:
        """The name of a folder of its own in one of its tenant's."""
        return f"{self.module}{READ_FILE if self.reads else ''}"

    @classmethod
    def of_folder(cls, tenant: str, folder: str) -> Self:
        """Return the session of such a folder."""
        reads = folder.endswith(READ_FILE)
        return cls(tenant, folder.removesuffix(READ_FILE), "read" if reads else "write")


@lru_cache(maxsize=REMEMBERED)
def _kernel_id(session: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, session))
