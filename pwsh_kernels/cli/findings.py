"""A line of what `pwsh-kernels doctor` reports."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report: `wrong` is broken, `note` is worth knowing."""

    verdict: Literal["ok", "note", "wrong"]
    text: str
