"""One run: a script started in PowerShell, its events sent on as they come, its prompts asked, Stop
passed on.
"""

import asyncio
import logging
from collections.abc import Awaitable

from pwsh_kernels.errors import PromptRefused
from pwsh_kernels.kernel.asker import Asker
from pwsh_kernels.kernel.display.output import Output
from pwsh_kernels.kernel.stopping import Stopping
from pwsh_kernels.powershell import (
    ConsoleText,
    Died,
    Displayed,
    Event,
    Finished,
    HostText,
    Pipeline,
    PowerShell,
    ProgressChanged,
    PromptAsked,
    RecordWritten,
    StyleChanged,
    Text,
    ViewWritten,
)
from pwsh_kernels.powershell.host.programs import this_moment
from pwsh_kernels.records import RunOptions, Summary
from pwsh_kernels.screens import FULL_SCREEN, HUNG_UP, WAITED

HANG_UP_S = 1.0
"""A program that fills a screen, where there is none, gets this long to notice that."""

QUIET_S = 5.0
"""A run that has been silent for this long is checked for a program that waits for a terminal."""


class Execution:
    """A run from its request to its end. `interrupt` may come at any moment of it."""

    def __init__(self, output: Output, asker: Asker, log_file: str) -> None:
        self._output = output
        self._log_file = log_file
        self._asker = asker
        self._stop = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._begun = this_moment()
        self._hangs_up = False
        self._heard = 0

    def interrupt(self) -> None:
        """Ask PowerShell to stop the script, and again while it is still stopping."""
        self._stop.set()

    async def run(
        self,
        opening: Awaitable[PowerShell],
        script: str,
        options: RunOptions,
        *,
        add_to_history: bool,
    ) -> Finished | Died:
        """Return how the run ended. Raises what `opening` raises."""
        shell = await self._unless_stopped(opening)
        if shell is None:
            return Finished(Summary("stopped"))
        pipeline = await shell.start(script, options, add_to_history=add_to_history)
        self._begin(
            Stopping(self._stop, self._output, self._asker, self._begun).pass_on(
                pipeline, shell, attended=options.rich
            )
        )
        self._begin(self._watch_programs(shell))
        try:
            return await self._follow(pipeline, shell)
        finally:
            self._output.settle()
            self._output.end_progress()
            await self._end_tasks()

    async def _unless_stopped(self, opening: Awaitable[PowerShell]) -> PowerShell | None:
        """Return the opened PowerShell, or None if an interrupt came first."""
        stop, opened = asyncio.ensure_future(self._stop.wait()), asyncio.ensure_future(opening)
        try:
            await asyncio.wait([stop, opened], return_when=asyncio.FIRST_COMPLETED)
            return opened.result() if opened.done() and not self._stop.is_set() else None
        finally:
            stop.cancel()
            opened.cancel()

    async def _follow(self, pipeline: Pipeline, shell: PowerShell) -> Finished | Died:
        async for event in pipeline:
            self._heard += 1
            if isinstance(event, Finished | Died):
                return event
            self._handle(pipeline, event)
            if not self._hangs_up and fills_screen(event):
                self._hangs_up = True
                self._begin(self._hang_up(shell))
        raise RuntimeError("a pipeline ended without saying how")

    def _handle(self, pipeline: Pipeline, event: Event) -> None:
        match event:
            case Text(text):
                self._output.text("text", text)
            case ViewWritten(view):
                self._output.view(view)
            case Displayed():
                self._output.display(event)
            case HostText():
                self._output.host(event)
            case ConsoleText(text):
                self._output.text("console", text)
            case StyleChanged(style):
                self._output.style = style
            case RecordWritten(record) if not record.terminating:
                self._output.record(record)
            case ProgressChanged(progress):
                self._output.progress(progress)
            case PromptAsked():
                self._output.settle()
                self._begin(self._answer(pipeline, event))

    async def _hang_up(self, shell: PowerShell) -> None:
        await asyncio.sleep(HANG_UP_S)
        if shell.hang_up(self._begun):
            self._output.note(HUNG_UP)

    async def _watch_programs(self, shell: PowerShell) -> None:
        """Whenever nothing has arrived for a while, look for programs that wait for a terminal."""
        while True:
            heard = self._heard
            await asyncio.sleep(QUIET_S)
            if heard == self._heard and (waiting := shell.hang_up_waiting(self._begun)):
                self._output.note(WAITED.format(", ".join(one.name for one in waiting)))

    def _begin(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _end_tasks(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _answer(self, pipeline: Pipeline, asked: PromptAsked) -> None:
        try:
            await pipeline.answer(asked.id, await self._asker.ask(asked.prompt))
        except PromptRefused as refusal:
            await pipeline.refuse(asked.id, refusal.text())
        except Exception:
            logging.getLogger(__name__).exception("a prompt could not be asked")
            await pipeline.refuse(
                asked.id, f"The kernel could not ask; {self._log_file} has the traceback."
            )


def fills_screen(event: Event) -> bool:
    """Return whether an event shows that a program fills a screen."""
    match event:
        case RecordWritten(record) if record.native:
            return bool(FULL_SCREEN.search(record.message))
        case ConsoleText(text):
            return bool(FULL_SCREEN.search(text))
    return False
