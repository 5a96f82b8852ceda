"""Every fault by its name, `FAMILY/...`."""

from benchmarks.faults import (
    clients,
    disks,
    files,
    messages,
    processes,
    prompts,
    restarts,
    sign_ins,
    surroundings,
)
from benchmarks.faults.fault import Fault


def every_fault() -> dict[str, Fault]:
    """Return the faults of all families."""
    families = (
        processes,
        restarts,
        sign_ins,
        prompts,
        clients,
        messages,
        files,
        disks,
        surroundings,
    )
    return {name: one for family in families for name, one in family.faults().items()}
