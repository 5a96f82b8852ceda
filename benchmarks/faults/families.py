"""Every fault by its name, `FAMILY/...`."""

from benchmarks.faults import clients, processes, prompts, restarts, sign_ins
from benchmarks.faults.fault import Fault


def every_fault() -> dict[str, Fault]:
    """Return the faults of all families."""
    families = (processes, restarts, sign_ins, prompts, clients)
    return {name: one for family in families for name, one in family.faults().items()}
