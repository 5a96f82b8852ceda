"""Whether texts may run in a session of the read tier: only what certainly reads, as the classifier
says.
"""

from collections.abc import Sequence

from pwsh_kernels.classification import MOST_REASONS, Class, Classifier
from pwsh_kernels.errors import NotOnlyReading
from pwsh_kernels.sessions.key import SessionKey


class ReadGate:
    """Asks the classifier."""

    def __init__(self, classifier: Classifier) -> None:
        self._classifier = classifier

    async def __call__(self, key: SessionKey, texts: Sequence[str], caller: str) -> None:
        """Let a principal's texts run in a session.

        Raises NotOnlyReading; PowerShellNotFound, PowerShellStartFailed, TooManyClassifications:
        then nothing runs.
        """
        for text in texts:
            found = await self._classifier.classify(text, key.module, caller)
            if found.kind is not Class.READ:
                pieces = [one.sentence() for one in found.reasons[:MOST_REASONS]]
                raise NotOnlyReading(key.tenant, key.module, found.kind.value, pieces)
