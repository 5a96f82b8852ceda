"""The known tenants, found by name, domain or alias; unknown names are refused with the nearest
known ones.

Pure.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pwsh_kernels.catalog.tenants.names import NEARLY_THE_SAME, is_domain_name, nearest
from pwsh_kernels.catalog.tenants.tenant import Tenant
from pwsh_kernels.errors import InvalidTenant, UnknownTenant


@dataclass(frozen=True, slots=True)
class Tenants:
    """The tenants that are known.

    `closed`: there are no others; otherwise any domain name is a tenant.
    """

    known: Mapping[str, Tenant]
    closed: bool = False
    by_name: Mapping[str, Tenant] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Index the tenants by all their names."""
        object.__setattr__(
            self, "by_name", {name: one for one in self.known.values() for name in one.names}
        )

    @classmethod
    def of(cls, tenants: Iterable[Tenant], *, closed: bool = False) -> "Tenants":
        """Return the same with these tenants as the known ones."""
        return cls({one.name: one for one in tenants}, closed)

    def find_tenant(self, name: str) -> Tenant:
        """Return a tenant by name, domain or alias; letter case does not matter.

        Raises InvalidTenant, UnknownTenant.
        """
        wanted = name.lower() if name.isascii() else name
        found = self.by_name.get(wanted)
        return found or self._unlisted(name, wanted)

    def _unlisted(self, name: str, wanted: str) -> Tenant:
        if not name.isascii() or not is_domain_name(wanted):
            raise InvalidTenant(name, nearest(wanted, self.by_name))
        mistaken_for = nearest(wanted, self.by_name, NEARLY_THE_SAME)
        if self.closed or mistaken_for:
            raise UnknownTenant(name, mistaken_for or nearest(wanted, self.by_name))
        return Tenant(wanted)
