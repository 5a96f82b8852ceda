"""The principals that are known, found by id and by token."""

from dataclasses import dataclass, field

from pwsh_kernels.principals.claims import ClaimRule
from pwsh_kernels.principals.principal import Principal
from pwsh_kernels.principals.tokens import hash_of


@dataclass(frozen=True, slots=True)
class Roll:
    """The principals of a file, as they are now. The owner is not among them."""

    known: tuple[Principal, ...] = ()
    claims: tuple[ClaimRule, ...] = ()
    """What people may do whom an OpenID provider knows."""
    by_id: dict[str, Principal] = field(init=False, repr=False, compare=False)
    by_hash: dict[str, Principal] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Index the principals."""
        object.__setattr__(self, "by_id", {one.id: one for one in self.known})
        object.__setattr__(self, "by_hash", {one.token_hash: one for one in self.known})

    def holder(self, token: str) -> Principal | None:
        """Return whose token this is, also if it has expired or was revoked; None: nobody's."""
        return self.by_hash.get(hash_of(token)) if token else None
