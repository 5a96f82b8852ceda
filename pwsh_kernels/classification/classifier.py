"""The classifier: from a text to its class, by the parser and the judgement."""

import asyncio
import logging
import math
import time

from pwsh_kernels.catalog import Catalog
from pwsh_kernels.classification.budget import Budget
from pwsh_kernels.classification.carrying import Uncarried, carried
from pwsh_kernels.classification.classes import Classification, Place
from pwsh_kernels.classification.command_classes import CommandClasses
from pwsh_kernels.classification.facts import Fact, read_facts
from pwsh_kernels.classification.judgement import Judgement
from pwsh_kernels.classification.parser_process import NoAnswer, ParserProcess
from pwsh_kernels.classification.prescan import MAX_TEXT, refusal
from pwsh_kernels.classification.preview_plan import Plan, plan
from pwsh_kernels.classification.tables import reason
from pwsh_kernels.errors import TooManyClassifications
from pwsh_kernels.reading import Carried

LOG = logging.getLogger(__name__)


class Classifier:
    """Starts its PowerShell when it is first asked, and again when it has died.

    One text at a time: each takes milliseconds, and has a bound.
    """

    def __init__(self, catalog: Catalog, *, confined: bool = True) -> None:
        self._commands = CommandClasses(catalog)
        self._confined = confined
        self._parser: ParserProcess | None = None
        self._turn = asyncio.Lock()
        self._ended = False
        self._budget = Budget(time.monotonic)

    async def classify(self, text: str, module: str = "", caller: str = "") -> Classification:
        """Return what a text does in a session of a module; `caller`: the principal who asks.

        A text that is not parsed, or of which the parser dies, is one of which nobody can tell.
        Raises PowerShellNotFound, PowerShellStartFailed, TooManyClassifications.
        """
        _, found = await self._judged(text, module, caller)
        return found

    async def plan(
        self, text: str, module: str = "", caller: str = ""
    ) -> tuple[Plan, Classification]:
        """Return how a text can say what it would change, and what it does.

        Raises CannotPreview, and as `classify` does.
        """
        facts, found = await self._judged(text, module, caller)
        return plan(text, facts, found), found

    async def _judged(
        self, text: str, module: str, caller: str
    ) -> tuple[list[Fact], Classification]:
        """Raises as `classify` does."""
        if code := refusal(text):
            return [], _unparsed(code, str(MAX_TEXT))
        if caller and (wait_s := self._budget.wait_s(caller, len(text))):
            raise TooManyClassifications(retry_after_s=math.ceil(wait_s))
        try:
            facts = await self._facts(text)
        except NoAnswer as problem:
            LOG.warning("PowerShell's parser gave no answer: %s", problem)
            return [], _unparsed("not_parsed", "")
        return facts, Judgement(facts, self._commands, module).classification()

    async def carry(self, text: str) -> Carried | Uncarried:
        """Return the commands and parameters that carry a text which reads.

        Raises NoAnswer, PowerShellNotFound, PowerShellStartFailed.
        """
        async with self._turn:
            parser = await self._living()
            try:
                return carried(await parser.pipelines(text), self._commands.takes_method)
            except BaseException:
                await self._replace(None)
                raise

    @property
    def pid(self) -> int | None:
        """The process of the parser; None if none runs."""
        return self._parser.pid if self._parser and self._parser.alive else None

    async def stop(self) -> None:
        """End the parser; nothing starts it again."""
        self._ended = True
        async with self._turn:
            await self._replace(None)

    async def _facts(self, text: str) -> list[Fact]:
        """Raises NoAnswer, PowerShellNotFound, PowerShellStartFailed."""
        async with self._turn:
            parser = await self._living()
            try:
                return read_facts(await parser.facts(text))
            except (KeyError, TypeError, ValueError) as problem:
                await self._replace(None)
                raise NoAnswer(repr(problem)) from problem
            except BaseException:
                # The answer may still come, and must not be taken for that of the next text.
                await self._replace(None)
                raise

    async def _living(self) -> ParserProcess:
        if self._ended:
            raise NoAnswer("the server is stopping")
        if self._parser is None or not self._parser.alive:
            await self._replace(None)
            await self._replace(await ParserProcess.start(confined=self._confined))
        if self._parser is None:
            raise NoAnswer("it did not start")
        return self._parser

    async def _replace(self, parser: ParserProcess | None) -> None:
        before, self._parser = self._parser, parser
        if before is not None:
            await before.end()


def _unparsed(code: str, name: str) -> Classification:
    return Classification((), (reason(code, Place(), name),))
