"""Changes that a tenant does not let run as they are, and approvals that are not granted."""

from dataclasses import dataclass
from typing import ClassVar

from pwsh_kernels.errors.product_error import ProductError


@dataclass(eq=False)
class ChangesRefused(ProductError):
    """The text does not only read, and the tenant refuses that to its sender."""

    code: ClassVar[str] = "changes_refused"
    status: ClassVar[int] = 403
    tenant: str
    module: str
    kind: str
    reasons: list[str]

    def text(self) -> str:
        return (
            f"Not run: in {self.tenant}:{self.module} nothing runs for you that may change"
            f" something, and this is {self.kind}. {' '.join(self.reasons)}".rstrip()
            + " What only reads does run."
        )


@dataclass(eq=False)
class ApprovalNeeded(ProductError):
    """A notebook's cell does not only read, and the tenant asks for a person's approval."""

    code: ClassVar[str] = "approval_needed"
    status: ClassVar[int] = 403
    tenant: str
    module: str
    kind: str
    reasons: list[str]

    def text(self) -> str:
        return (
            f"Not run: what may change something in {self.tenant}:{self.module} needs an approval"
            f" by a person, and this is {self.kind}. A cell cannot wait for one: run it through"
            f" `pwsh-kernels run {self.tenant} {self.module} …`, which asks for it."
            f" {' '.join(self.reasons)}".rstrip()
        )


@dataclass(eq=False)
class ApprovalRefused(ProductError):
    """An approval cannot be granted, declined or used as it stands; `reason` says why."""

    code: ClassVar[str] = "approval_refused"
    status: ClassVar[int] = 409
    approval: str
    reason: str

    def text(self) -> str:
        return f"Approval {self.approval}: {self.reason}"


@dataclass(eq=False)
class UnknownApproval(ProductError):
    """No approval has that id: it never existed, is forgotten, or the server has restarted."""

    code: ClassVar[str] = "unknown_approval"
    status: ClassVar[int] = 404
    approval: str

    def text(self) -> str:
        return f"No approval {self.approval!r}. GET /approvals lists those that are known."


@dataclass(eq=False)
class ApprovalDeclinedLately(ProductError):
    """Somebody has declined the same change a short while ago."""

    code: ClassVar[str] = "approval_declined_lately"
    status: ClassVar[int] = 403
    approval: str
    by: str
    words: str
    by_name: str
    """`by` as people read it."""

    def text(self) -> str:
        said = f" ({self.words})" if self.words else ""
        return (
            f"Not run: {self.by_name} has declined this change lately{said}, so nobody is asked"
            " again within an hour. Tell the person, and do not write it in another way."
        )


@dataclass(eq=False)
class TooManyApprovals(ProductError):
    """As many requests of one principal wait for a person as a person can look at."""

    code: ClassVar[str] = "too_many_approvals"
    status: ClassVar[int] = 429
    waiting: int

    def text(self) -> str:
        return (
            f"Not run: {self.waiting} changes of yours wait for an approval already. Wait until"
            " they are decided, or cancel what is not needed any more."
        )


@dataclass(eq=False)
class BreakGlassRefused(ProductError):
    """Somebody who may not asked to run a command in spite of what a tenant says."""

    code: ClassVar[str] = "break_glass_refused"
    status: ClassVar[int] = 403
    reason: str

    def text(self) -> str:
        return (
            f"Not run: only the owner of the server can break the glass, and {self.reason}. Ask for"
            " an approval instead."
        )


@dataclass(eq=False)
class ProofNeeded(ProductError):
    """A token does not prove that a person approves, where sessions can read it."""

    code: ClassVar[str] = "approval_needs_proof"
    status: ClassVar[int] = 403
    approval: str

    def text(self) -> str:
        return (
            f"Approval {self.approval}: sessions of this server can read its tokens, so a token"
            " does not show that a person approves. Confine the sessions (PWSH_MANAGER_CONFINE=on"
            " on a kernel with Landlock, or PWSH_MANAGER_SESSION_USERS), or approve with a passkey"
            " on the page."
        )
