"""A run that arrives as commands and parameters: its pipelines, one after the other, to one end."""

from collections.abc import Sequence
from typing import Any

from psrpcore.types import PSInvocationState

from pwsh_kernels.errors import InvalidRequest
from pwsh_kernels.powershell.link import Link
from pwsh_kernels.powershell.listeners import PipelineListener, QueryListener
from pwsh_kernels.powershell.pipeline import Pipeline
from pwsh_kernels.powershell.reading_commands import (
    held,
    holding,
    showing,
    step_commands,
    value_commands,
    worked_out,
)
from pwsh_kernels.powershell.run_events import STOPPED, Query, Run
from pwsh_kernels.powershell.wire.conversion import is_plain
from pwsh_kernels.powershell.wire.happenings import Command, Ended
from pwsh_kernels.reading import FIELD, Carried, Step

DONE = Ended(PSInvocationState.Completed, None)
"""The end of a step that had nothing to do."""


class Carrying:
    """The conversations of one such run."""

    def __init__(
        self, link: Link, pipeline: Pipeline, listener: PipelineListener, run: Run, key: str
    ) -> None:
        self._link = link
        self._pipeline = pipeline
        self._listener = listener
        self._run = run
        self._key = key

    async def run(self, carried: Carried, last: Command, history: str | None) -> Ended:
        """Run the steps; `last` takes the output. Raises PowerShellDied, InvalidRequest for a value
        that cannot be an argument.
        """
        ended = await self._ask(showing(carried, self._key))
        if ended.reason is not None:
            self._run.refuse(ended)
            return ended
        if len(carried.steps) == 1 and not carried.steps[0].into:
            return await self._step(carried.steps[0], last, history)
        for step in carried.steps:
            ended = await self._step(step, holding(step), history)
            if ended.state != PSInvocationState.Completed:
                break
        shown = await self._link.converse(held(last), self._listener)
        return ended if ended.state != PSInvocationState.Completed else shown

    async def _step(self, step: Step, last: Command, history: str | None) -> Ended:
        """Run a step as often as it has values."""
        ended = DONE
        for values in await self._values(step):
            if self._pipeline.stop_asked:
                return STOPPED
            if isinstance(values, Ended):
                return values
            commands = step_commands(step, values, last)
            ended = await self._link.converse(commands, self._listener, history=history)
            if ended.state != PSInvocationState.Completed:
                break
        return ended

    async def _values(self, step: Step) -> Sequence[Sequence[Any] | Ended]:
        """Return the values of a step's arguments for each time that it runs, or how working them
        out ended without any.
        """
        wanted = worked_out(step)
        if not wanted and not step.each:
            return [()]
        query = Query()
        listener = QueryListener(query, self._link)
        ended = await self._link.converse(value_commands(step, wanted), listener)
        if ended.state != PSInvocationState.Completed:
            return [ended]
        if not is_plain(query.objects):
            raise InvalidRequest(FIELD, "an argument is a plain value, such as a property of one")
        return [one if isinstance(one, list) else [one] for one in query.objects]

    async def _ask(self, commands: list[Command]) -> Ended:
        return await self._link.converse(commands, QueryListener(Query(), self._link))
