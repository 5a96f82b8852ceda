"""What the tenants say of changes, and of who may approve them, as they are now."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pwsh_kernels.catalog import Changes, Tenant, Tenants
from pwsh_kernels.sessions.key import SessionKey
from pwsh_kernels.web.access import Caller


@dataclass(frozen=True, slots=True)
class ChangeRules:
    """Asks the tenants file anew for each question."""

    tenants: Callable[[], Tenants]

    def changes(self, caller: Caller, tenant: str, module: str) -> Changes:
        """Return what becomes of a caller's changes in a session, by the tenant's own name."""
        return self._tenant(tenant).changes_of(module, caller.principal.kind.value)

    def four_eyes(self, keys: Iterable[SessionKey]) -> bool:
        """Return whether one of some sessions wants somebody else than who asked to approve."""
        return any(self._tenant(it.tenant).approve_of(it.module) == "four_eyes" for it in keys)

    def _tenant(self, name: str) -> Tenant:
        return self.tenants().known.get(name) or Tenant(name)
