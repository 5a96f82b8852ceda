"""Whether a text may run in a tenant as it is: its class, held against what the tenant says of
changes; asked by every door that runs texts.
"""

import asyncio
import logging
from collections.abc import Sequence
from functools import partial

from pwsh_kernels.approvals.policy import Need, needs
from pwsh_kernels.audit.event import Door, door_of
from pwsh_kernels.classification import MOST_REASONS, Class, Classification, Classifier, Plan
from pwsh_kernels.classification.classes import worst
from pwsh_kernels.errors import ApprovalNeeded, ChangesRefused, ProductError
from pwsh_kernels.sessions.held_run import HeldRun, Judged
from pwsh_kernels.sessions.key import SessionKey
from pwsh_kernels.sessions.requests import DryRun
from pwsh_kernels.web.access import Caller
from pwsh_kernels.web.approvals import Approvals
from pwsh_kernels.web.audit_events import change_refused
from pwsh_kernels.web.change_rules import ChangeRules
from pwsh_kernels.web.guard import Guard

LOG = logging.getLogger(__name__)
MOST_PREVIEWED = 10
"""Sessions of one approval in which a preview is made."""


class ChangesGate:
    """Asks the classifier only where a tenant's rule depends on what it says."""

    def __init__(
        self, rules: ChangeRules, classifier: Classifier, guard: Guard, approvals: Approvals
    ) -> None:
        self.changes = rules.changes
        self._classifier = classifier
        self._guard = guard
        self._approvals = approvals

    def judging(
        self,
        caller: Caller,
        texts: Sequence[str],
        door: Door | None = None,
        reason: str = "",
    ) -> "Judging":
        """Return the question whether a caller's texts may run, for one session or for many;
        `reason`: what the caller says that they are for.
        """
        return Judging(self, caller, texts, door or door_of(caller.client), reason)

    async def classes(
        self, texts: Sequence[str], module: str, caller: Caller
    ) -> list[Classification]:
        """Raises PowerShellNotFound, PowerShellStartFailed, TooManyClassifications: then nothing
        runs.
        """
        return [await self._classifier.classify(text, module, caller.name) for text in texts]

    def ask(
        self,
        caller: Caller,
        held: Sequence[HeldRun],
        found: Sequence[Classification],
        kind: Class,
        reason: str,
    ) -> None:
        """Ask a person whether runs may begin, and find out what they would change, as far as that
        can be told. Raises as `Approvals.ask` does.
        """
        self._approvals.ask(caller, held, found, kind, reason)
        for one in held[:MOST_PREVIEWED]:
            one.live.tasks.start(self._preview(one), f"preview for the approval of {one.run.id}")

    async def _preview(self, held: HeldRun) -> None:
        try:
            dry = dry_run_of(*await self._classifier.plan(held.run.command, held.run.key.module))
            preview = await held.preview(dry)
        except ProductError as refused:
            LOG.info("no preview of run %s: %s", held.run.id, refused.code)
            return
        if preview:
            self._approvals.show_preview(held.run.id, preview)

    async def dry_run(self, caller: Caller, text: str, key: SessionKey) -> DryRun:
        """Return how a caller's text can say what it would change in a session. It needs no
        approval; for whoever may change nothing at all there, there is nothing to see beforehand.

        Raises CannotPreview, ChangesRefused, PowerShellNotFound, PowerShellStartFailed.
        """
        plan, found = await self._classifier.plan(text, key.module, caller.name)
        if self.changes(caller, key.tenant, key.module) == "never":
            refused = ChangesRefused(key.tenant, key.module, found.kind.value, _told([found]))
            self.note(caller, door_of(caller.client), [text], refused)
            raise refused
        return dry_run_of(plan, found)

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

    def __init__(
        self, gate: ChangesGate, caller: Caller, texts: Sequence[str], door: Door, reason: str
    ) -> None:
        self._door = door
        self._gate = gate
        self._caller = caller
        self._texts = texts
        self._reason = reason
        self._found: asyncio.Future[list[Classification]] | None = None

    async def __call__(self, tenant: str, module: str) -> Judged:
        """Return the texts' class in a session, by the tenant's own name, "" where none was needed,
        and whom to ask first.

        Raises ChangesRefused; PowerShellNotFound, PowerShellStartFailed, TooManyClassifications.
        """
        changes = self._gate.changes(self._caller, tenant, module)
        if changes == "free":
            return Judged()
        if self._found is None:
            self._found = asyncio.ensure_future(
                self._gate.classes(self._texts, module, self._caller)
            )
        found = await asyncio.shield(self._found)
        kind = worst(one.kind for one in found)
        need = needs(changes, kind)
        if need is Need.REFUSE:
            raise self._noted(ChangesRefused(tenant, module, kind.value, _told(found)))
        return Judged(kind.value, partial(self._ask, found) if need is Need.ASK else None)

    async def cell(self, tenant: str, module: str) -> str:
        """Return the texts' class in a session likewise, for a door at which nothing can wait.

        Raises ApprovalNeeded as well.
        """
        judged = await self(tenant, module)
        if judged.ask and self._found:
            raise self._noted(
                ApprovalNeeded(tenant, module, judged.kind, _told(self._found.result()))
            )
        return judged.kind

    async def _ask(self, found: Sequence[Classification], held: Sequence[HeldRun]) -> None:
        means = {written: name for its in found for written, name in its.means.items()}
        variables = tuple(name for its in found for name in its.variables)
        await asyncio.gather(*(one.look(means, variables) for one in held))
        kind = worst(one.kind for one in found)
        self._gate.ask(self._caller, held, found, kind, self._reason)

    def _noted(self, refused: ChangesRefused | ApprovalNeeded) -> ChangesRefused | ApprovalNeeded:
        self._gate.note(self._caller, self._door, self._texts, refused)
        return refused


def _told(found: Sequence[Classification]) -> list[str]:
    reasons = [reason for one in found for reason in one.reasons]
    return [one.sentence() for one in reasons[:MOST_REASONS]]


def dry_run_of(plan: Plan, found: Classification) -> DryRun:
    """Return a plan as sessions take it."""
    return DryRun(
        plan.text,
        found.means,
        found.variables,
        plan.writers,
        plan.alone,
        found.kind.value,
    )
