"""Whether a text may run in a tenant as it is: its class, held against what the tenant says of
changes; asked by every door that runs texts.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import asdict

from pwsh_kernels.approvals.policy import Need, needs
from pwsh_kernels.audit.event import Door, door_of
from pwsh_kernels.catalog import Changes, Tenant, Tenants
from pwsh_kernels.classification import MOST_REASONS, Class, Classification, Classifier
from pwsh_kernels.classification.classes import worst
from pwsh_kernels.errors import ApprovalNeeded, ChangesRefused
from pwsh_kernels.sessions.key import SessionKey
from pwsh_kernels.sessions.requests import DryRun, Writes
from pwsh_kernels.web.access import Caller
from pwsh_kernels.web.audit_events import change_refused
from pwsh_kernels.web.guard import Guard


class ChangesGate:
    """Asks the classifier only where a tenant's rule depends on what it says."""

    def __init__(
        self, tenants: Callable[[], Tenants], classifier: Classifier, guard: Guard
    ) -> None:
        self._tenants = tenants
        self._classifier = classifier
        self._guard = guard

    def changes(self, caller: Caller, tenant: str, module: str) -> Changes:
        """Return what becomes of a caller's changes in a session, by the tenant's own name."""
        known = self._tenants().known.get(tenant) or Tenant(tenant)
        return known.changes_of(module, caller.principal.kind.value)

    def judging(self, caller: Caller, texts: Sequence[str], door: Door | None = None) -> "Judging":
        """Return the question whether a caller's texts may run, for one session or for many."""
        return Judging(self, caller, texts, door or door_of(caller.client))

    async def dry_run(self, caller: Caller, text: str, key: SessionKey) -> DryRun:
        """Return how a caller's text can say what it would change in a session. It needs no
        approval; for whoever may change nothing at all there, there is nothing to see beforehand.

        Raises CannotPreview, ChangesRefused, PowerShellNotFound, PowerShellStartFailed.
        """
        plan, found = await self._classifier.plan(text, key.module)
        if self.changes(caller, key.tenant, key.module) == "never":
            refused = _refusal(Need.REFUSE, (key.tenant, key.module), found.kind, [found])
            self.note(caller, door_of(caller.client), [text], refused)
            raise refused
        return DryRun(
            plan.text,
            {one.written: one.name for one in found.commands},
            found.variables,
            tuple(Writes(**asdict(one)) for one in plan.writers),
            plan.alone,
            found.kind.value,
        )

    async def classes(self, texts: Sequence[str], module: str) -> list[Classification]:
        """Raises PowerShellNotFound, PowerShellStartFailed: then nothing runs."""
        return [await self._classifier.classify(text, module) for text in texts]

    def note(
        self,
        caller: Caller,
        door: Door,
        texts: Sequence[str],
        refused: ChangesRefused | ApprovalNeeded,
    ) -> None:
        """Record that somebody's texts were not run."""
        self._guard.audit.note(change_refused(caller, door, "\n".join(texts), refused))


class Judging:
    """One caller's texts: they are classified once, however many tenants they are for."""

    def __init__(self, gate: ChangesGate, caller: Caller, texts: Sequence[str], door: Door) -> None:
        self._door = door
        self._gate = gate
        self._caller = caller
        self._texts = texts
        self._found: asyncio.Future[list[Classification]] | None = None

    async def __call__(self, tenant: str, module: str) -> str:
        """Let the texts run in a session, by the tenant's own name; return their class, "" where
        none was needed.

        Raises ChangesRefused, ApprovalNeeded; PowerShellNotFound, PowerShellStartFailed.
        """
        changes = self._gate.changes(self._caller, tenant, module)
        if changes == "free":
            return ""
        if self._found is None:
            self._found = asyncio.ensure_future(self._gate.classes(self._texts, module))
        found = await asyncio.shield(self._found)
        kind = worst(one.kind for one in found)
        need = needs(changes, kind)
        if need is not Need.RUN:
            refused = _refusal(need, (tenant, module), kind, found)
            self._gate.note(self._caller, self._door, self._texts, refused)
            raise refused
        return kind.value


def _refusal(
    need: Need, where: tuple[str, str], kind: Class, found: Sequence[Classification]
) -> ChangesRefused | ApprovalNeeded:
    reasons = [reason for one in found for reason in one.reasons]
    told = [one.sentence() for one in reasons[:MOST_REASONS]]
    error = ApprovalNeeded if need is Need.ASK else ChangesRefused
    return error(*where, kind.value, told)
