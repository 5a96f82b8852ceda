"""The receivers of a conversation: a pipeline, whose reader gets events, or an internal query,
which gathers output.
"""

from pwsh_kernels.powershell.events import Event
from pwsh_kernels.powershell.host_calls import Question, Unsupported, refusal
from pwsh_kernels.powershell.link import HOST_CANNOT, Link
from pwsh_kernels.powershell.pipeline import Pipeline
from pwsh_kernels.powershell.run_events import Query, Run, asked
from pwsh_kernels.powershell.wire.happenings import PsrpEvent


class PipelineListener:
    """Carries a run's messages to its pipeline."""

    def __init__(self, pipeline: Pipeline, run: Run, link: Link) -> None:
        self._pipeline = pipeline
        self._run = run
        self._link = link

    def hear(self, event: PsrpEvent) -> None:
        """Take a decoded message."""
        for item in self._run.take(event):
            self._tell(item)

    def _tell(self, item: Event | Question | Unsupported) -> None:
        if isinstance(item, Question):
            self._pipeline.open_question(item)
            self._pipeline.put(asked(item))
        elif isinstance(item, Unsupported):
            self._link.refuse(item.id, refusal(f"{item.method}: {HOST_CANNOT}"))
        else:
            self._pipeline.put(item)

    @property
    def full(self) -> bool:
        """True when the reader is far behind."""
        return self._pipeline.full

    async def room(self) -> None:
        """Wait until more may be read."""
        await self._pipeline.room()

    def lift(self) -> None:
        """Let everything come: the end is near."""
        self._pipeline.lift()


class QueryListener:
    """Gathers a query's output; prompts are refused."""

    full = False

    def __init__(self, query: Query, link: Link) -> None:
        self._query = query
        self._link = link

    def hear(self, event: PsrpEvent) -> None:
        """Take a decoded message."""
        for item in self._query.take(event):
            if isinstance(item, Question | Unsupported):
                self._link.refuse(item.id, refusal("an internal question cannot ask anyone"))

    async def room(self) -> None:
        """Wait until more may be read."""

    def lift(self) -> None:
        """Let everything come: the end is near."""
