"""Queries about a run's objects that are not there."""

from dataclasses import dataclass, field
from typing import ClassVar

from pwsh_kernels.errors.product_error import ProductError


@dataclass(eq=False)
class RunNotEnded(ProductError):
    """The objects of a run were queried before it had ended."""

    code: ClassVar[str] = "run_not_ended"
    status: ClassVar[int] = 409
    run_id: str
    state: str

    def text(self) -> str:
        return (
            f"Run {self.run_id} is {self.state}: its objects are available when it has ended. Wait"
            " for it; the lines that it has printed so far can be read and searched now."
        )


@dataclass(eq=False)
class NoObjects(ProductError):
    """Nothing of a run's output was kept: it produced no objects, or turned them into text
    itself.
    """

    code: ClassVar[str] = "no_objects"
    status: ClassVar[int] = 409
    run_id: str

    def text(self) -> str:
        return (
            f"Nothing is kept of run {self.run_id}: it returned only text or numbers, or it"
            " formatted its objects itself (Format-Table, Out-String, ConvertTo-Json), or"
            " PWSH_MANAGER_KEPT_OBJECTS is 0. Search its lines instead, or run the command again"
            " without the formatting."
        )


@dataclass(eq=False)
class ObjectsForgotten(ProductError):
    """The objects of a run were kept, but newer runs have taken their place."""

    code: ClassVar[str] = "objects_forgotten"
    status: ClassVar[int] = 409
    run_id: str
    session: str

    def text(self) -> str:
        return (
            f"The objects of run {self.run_id} are no longer kept: {self.session} keeps those of"
            " its newest runs only. Run the command again, or search the lines of its output."
        )


@dataclass(eq=False)
class ObjectsLost(ProductError):
    """The PowerShell that kept the objects of a run has ended."""

    code: ClassVar[str] = "objects_lost"
    status: ClassVar[int] = 409
    run_id: str
    session: str
    reason: str

    def text(self) -> str:
        return (
            f"The PowerShell of {self.session} that kept the objects of run {self.run_id} is gone"
            f" ({self.reason}). Search the lines of the run's output, or run the command again."
        )


@dataclass(eq=False)
class UnknownProperty(ProductError):
    """None of a run's objects has a property of that name."""

    code: ClassVar[str] = "unknown_property"
    status: ClassVar[int] = 400
    property: str
    inside: str
    known: list[str]
    total: int
    nearest: list[str] = field(default_factory=list)

    def text(self) -> str:
        owner = f"{self.inside} of the objects" if self.inside else "the objects"
        meant = f" Did you mean {' or '.join(self.nearest)}?" if self.nearest else ""
        more = f", and {self.total - len(self.known)} more" if self.total > len(self.known) else ""
        there = (
            f"Properties of {owner}: {', '.join(self.known)}{more}."
            if self.known
            else f"There are none in {owner}."
        )
        return f"No object has a property {self.property}.{meant} {there}"
