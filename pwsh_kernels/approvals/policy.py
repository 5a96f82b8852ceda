"""Whether a text may run as it is: what a tenant says of changes, by who asks.

Pure.
"""

from enum import StrEnum

from pwsh_kernels.catalog import Changes
from pwsh_kernels.classification import Class


class Need(StrEnum):
    """What a text needs before it runs."""

    RUN = "run"
    """Nothing."""
    ASK = "ask"
    """An approval."""
    REFUSE = "refuse"
    """It does not run at all."""


def needs(changes: Changes, kind: Class | None) -> Need:
    """Return what a text of a class needs; None: nobody has told its class, so it may be any."""
    if changes == "free" or kind is Class.READ:
        return Need.RUN
    return Need.ASK if changes == "ask" else Need.REFUSE
