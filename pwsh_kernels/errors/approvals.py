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
    """The text does not only read, and the tenant's policy asks for a person's approval."""

    code: ClassVar[str] = "approval_needed"
    status: ClassVar[int] = 403
    tenant: str
    module: str
    kind: str
    reasons: list[str]

    def text(self) -> str:
        return (
            f"Not run: what may change something in {self.tenant}:{self.module} needs an approval"
            f" by a person, and this is {self.kind}. Nobody can be asked for one yet: tell the"
            f" person what you wanted to change. {' '.join(self.reasons)}".rstrip()
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
