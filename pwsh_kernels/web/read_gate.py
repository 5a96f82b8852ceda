"""Whether texts may run in a session of the read tier: only what certainly reads, as the classifier
says.
"""

from collections.abc import Sequence

from pwsh_kernels.classification import Class, Classification, Classifier
from pwsh_kernels.errors import NotOnlyReading
from pwsh_kernels.sessions.key import SessionKey

MOST_PIECES = 3
"""Pieces that a refusal names; GET /classify tells all of them."""


class ReadGate:
    """Asks the classifier."""

    def __init__(self, classifier: Classifier) -> None:
        self._classifier = classifier

    async def __call__(self, key: SessionKey, texts: Sequence[str]) -> None:
        """Let texts run in a session.

        Raises NotOnlyReading; PowerShellNotFound, PowerShellStartFailed: then nothing runs.
        """
        for text in texts:
            found = await self._classifier.classify(text, key.module)
            if found.kind is not Class.READ:
                pieces = list(_pieces(found))
                raise NotOnlyReading(key.tenant, key.module, found.kind.value, pieces)


def _pieces(found: Classification) -> list[str]:
    """Return what does not only read, where it stands, and how to write it instead."""
    return [
        f"Line {one.place.line}, column {one.place.column}: {one.text} {one.instead}".rstrip()
        for one in found.reasons[:MOST_PIECES]
    ]
