"""GET /health: whether the product works on this machine, without any details that a stranger
should not learn.
"""

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from pwsh_kernels import __version__, shapes
from pwsh_kernels.audit.trail import AuditTrail
from pwsh_kernels.errors import AuditUnavailable, ConfinementUnavailable
from pwsh_kernels.landlock import not_enforced
from pwsh_kernels.powershell_search import search_powershell

Confine = Literal["on", "off", "required"]
MODULES_FRESH_S = 60.0
"""Seconds for which the list of installed modules is cached; somebody may install one meanwhile."""
LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PowerShellState:
    """The result of the search for PowerShell: `found` is None while it is still running."""

    found: bool | None = None
    version: str = ""
    place: str = ""
    error: str = ""
    modules: Mapping[str, str] | None = None
    """The requested PowerShell modules that are installed, with their newest version; None:
    unknown.
    """

    @classmethod
    def from_json(cls, facts: Mapping[str, Any]) -> "PowerShellState":
        """Read the output of the search: a PowerShell's path, version and place, or an error.

        Paths are left out.
        """
        if "error" in facts:
            return cls(found=False, error=str(facts.get("code", "powershell_not_found")))
        place, _, _path = str(facts["place"]).partition("=")
        modules = {str(name): str(version) for name, version in facts.get("modules", {}).items()}
        return cls(found=True, version=str(facts["version"]), place=place, modules=modules)

    def sentence(self) -> str:
        """Return the line of the log."""
        return f"{self.version} ({self.place})" if self.found else self.error


@dataclass(slots=True)
class Health:
    """The server's knowledge of itself; PowerShell is searched for at startup, its modules when
    somebody asks.
    """

    confine: Confine
    audit: AuditTrail
    abi: int
    """Version of Landlock's ABI on this machine; 0: it has none."""
    started: float = field(default_factory=time.monotonic)
    powershell: PowerShellState = field(default_factory=PowerShellState)
    search: asyncio.Task[PowerShellState] | None = None
    searched: float = 0.0

    def view(self, counts: shapes.Counts) -> shapes.Health:
        """Return the JSON of GET /health. `counts` is the part about sessions and runs."""
        return {
            "status": "degraded" if self.obstacle() else "healthy",
            "timestamp": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
            "service": "pwsh-kernels",
            "version": __version__,
            "powershell": {
                "found": self.powershell.found,
                "version": self.powershell.version,
                "place": self.powershell.place,
                "error": self.powershell.error,
            },
            "confinement": confinement_view(self.confine, self.abi),
            "audit": {"state": self.audit.state, "failures": self.audit.failures},
            **counts,
            "uptime_s": round(time.monotonic() - self.started, 3),
        }

    def obstacle(self) -> str:
        """Return the code of the error because of which nothing can be run here; "" if it
        can.
        """
        if self.confine == "required" and not_enforced(self.abi):
            return ConfinementUnavailable.code
        if self.audit.state == "failed":
            return AuditUnavailable.code
        return self.powershell.error if self.powershell.found is False else ""

    async def installed(self, modules: Sequence[str]) -> Mapping[str, str] | None:
        """Return those of the PowerShell modules that are installed, with their version; None when
        that is unknown.

        Callers at the same time share one search (about a second), and so do those of the next
        minute.
        """
        if self.search is None or (
            self.search.done() and time.monotonic() - self.searched > MODULES_FRESH_S
        ):
            self.searched = time.monotonic()
            self.search = asyncio.ensure_future(find_powershell(modules))
        return (await asyncio.shield(self.search)).modules

    async def look_for_powershell(self) -> None:
        """Find PowerShell once, in a child process, and remember the result."""
        self.powershell = await find_powershell()
        LOG.info("PowerShell: %s", self.powershell.sentence())

    def stop(self) -> None:
        """End a search that is no longer needed, with its process."""
        if self.search is not None:
            self.search.cancel()


def confinement_view(confine: Confine, abi: int) -> shapes.Confinement:
    """Return the requested confinement, and which parts of it are enforced."""
    missing = set(not_enforced(0 if confine == "off" else abi))
    return {
        "confine": confine,
        "files": "files" not in missing,
        "tcp": "tcp" not in missing,
        "signals": "signals" not in missing,
    }


async def find_powershell(modules: Sequence[str] = ()) -> PowerShellState:
    """Run the search. A search that fails or takes too long counts as not found."""
    try:
        return PowerShellState.from_json(await search_powershell(modules))
    except (OSError, TimeoutError, ValueError, KeyError, TypeError) as error:
        LOG.warning("The search for PowerShell failed: %r", error)
        return PowerShellState(found=False, error="powershell_search_failed")
