"""Whether texts may run in a session of the read tier: only what certainly reads, as the classifier
says.
"""

from collections.abc import Sequence

from pwsh_kernels.classification import MOST_REASONS, Class, Classifier, Uncarried
from pwsh_kernels.classification.parser_process import NoAnswer
from pwsh_kernels.errors import NotCarried, NotOnlyReading
from pwsh_kernels.reading import Carried
from pwsh_kernels.sessions.key import SessionKey


class ReadGate:
    """Asks the classifier."""

    def __init__(self, classifier: Classifier) -> None:
        self._classifier = classifier

    async def __call__(
        self, key: SessionKey, texts: Sequence[str], caller: str
    ) -> list[Carried | None]:
        """Let a principal's texts run in a session; return each as commands and parameters, None
        for one without any.

        Raises NotOnlyReading, NotCarried; PowerShellNotFound, PowerShellStartFailed,
        TooManyClassifications: then nothing runs.
        """
        for text in texts:
            found = await self._classifier.classify(text, key.module, caller)
            if found.kind is not Class.READ:
                pieces = [one.sentence() for one in found.reasons[:MOST_REASONS]]
                raise NotOnlyReading(key.tenant, key.module, found.kind.value, pieces)
        return [await self._carried(key, text) for text in texts]

    async def _carried(self, key: SessionKey, text: str) -> Carried | None:
        try:
            found = await self._classifier.carry(text)
        except NoAnswer:
            raise NotOnlyReading(key.tenant, key.module, Class.UNKNOWN.value, []) from None
        if isinstance(found, Uncarried):
            at = (found.line, found.column, found.piece)
            raise NotCarried(key.tenant, key.module, *at, found.instead)
        return found if found.steps else None
