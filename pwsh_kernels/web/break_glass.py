"""Break-glass: the owner runs a command in spite of what a tenant says of changes, loudly."""

from collections.abc import Sequence
from contextlib import suppress

from pwsh_kernels.audit.trail import AuditTrail
from pwsh_kernels.classification import Classifier
from pwsh_kernels.classification.classes import worst
from pwsh_kernels.errors import BreakGlassRefused, ProductError
from pwsh_kernels.principals.principal import Kind
from pwsh_kernels.sessions.held_run import Judged
from pwsh_kernels.web.access import Caller


class BreakGlass:
    """Judges no text, for the owner alone, and only while it is recorded."""

    def __init__(self, classifier: Classifier, audit: AuditTrail) -> None:
        self._classifier = classifier
        self._audit = audit

    def judging(self, caller: Caller, texts: Sequence[str]) -> "Breaking":
        """Return what lets texts run anywhere. Raises BreakGlassRefused."""
        if caller.principal.kind is not Kind.OWNER:
            raise BreakGlassRefused(f"{caller.name} is not the owner of this server")
        if self._audit.log is None:
            raise BreakGlassRefused("the audit log is off, so it could not be recorded")
        return Breaking(self._classifier, caller, texts)


class Breaking:
    """Lets texts run. Their class is told if there is a way to know it."""

    def __init__(self, classifier: Classifier, caller: Caller, texts: Sequence[str]) -> None:
        self._classifier = classifier
        self._caller = caller
        self._texts = texts

    async def __call__(self, _: str, module: str) -> Judged:
        """Return the class of the texts; "" where nobody can tell."""
        with suppress(ProductError):
            found = [
                await self._classifier.classify(text, module, self._caller.name)
                for text in self._texts
            ]
            return Judged(worst(one.kind for one in found).value)
        return Judged()
