"""Interrupts of a running cell: PowerShell's Stop, the end of programs that hold it, and the offer
of a restart when a .NET call cannot be stopped.
"""

import asyncio
import signal
from collections.abc import Sequence

from pwsh_kernels.errors import PromptRefused
from pwsh_kernels.kernel.asker import Asker
from pwsh_kernels.kernel.display.output import Output
from pwsh_kernels.powershell import Pipeline, PowerShell
from pwsh_kernels.powershell.host.programs import Moment, Program
from pwsh_kernels.records import Choice, Prompt

BLOCKED_S = 2.0
"""A cell that Stop has not ended after this time is reported as blocked (measured: Stop takes 5-30
ms, at most 0.6 s).
"""
ENDED = (
    "Stop ended programs that this run had started and that PowerShell was still waiting for:"
    " {programs} ({number})."
)
AGAIN_S = 10.0
"""An interrupt this soon after that notice asks for more than Stop."""
BLOCKED = (
    "Stop has been asked for, but PowerShell is inside a .NET call that cannot be stopped: the"
    f" cell ends when the call returns. What is queued waits. Interrupt again within {AGAIN_S:.0f}"
    " s to restart PowerShell instead."
)
CANNOT_ASK = (
    "This client answers no questions: restart the kernel to end the call. Variables and sign-ins"
    " are lost then."
)
WAITING = "Waiting for the call to return."
RESTART = Prompt(
    kind="choice",
    caption="Restart PowerShell?",
    message=(
        "The call is ended by force. Variables, functions and sign-ins of this session are lost."
    ),
    choices=(Choice("Restart", "R"), Choice("Keep waiting", "K")),
    default=(1,),
)


def _names(programs: Sequence[Program]) -> str:
    return ", ".join(f"{one.name} {one.id}" for one in programs)


class Stopping:
    """Passes interrupts on to one pipeline; `asked` is set by each."""

    def __init__(self, asked: asyncio.Event, output: Output, asker: Asker, begun: Moment) -> None:
        """`begun`: when the run began."""
        self._begun = begun
        self._asked = asked
        self._output = output
        self._asker = asker

    async def pass_on(self, pipeline: Pipeline, shell: PowerShell, *, attended: bool) -> None:
        """Go on until cancelled.

        `attended`: a person reads the output and can be asked; a program has its own limits.
        """
        now = asyncio.get_running_loop().time
        told = float("-inf")
        while True:
            await self._asked.wait()
            self._asked.clear()
            if attended and now() - told <= AGAIN_S:
                await self._offer_restart(shell)
            elif not await self._stop(pipeline, shell) and attended:
                self._output.note(BLOCKED)
                told = now()

    async def _stop(self, pipeline: Pipeline, shell: PowerShell) -> bool:
        """Return whether the script has ended, if necessary after ending the programs that it waits
        for.
        """
        if await pipeline.stop(BLOCKED_S):
            return True
        for number in (signal.SIGTERM, signal.SIGKILL):
            ended = shell.end_holding(self._begun, number)
            if not ended:
                return False
            self._output.note(ENDED.format(number=number.name, programs=_names(ended)))
            if await pipeline.stop(BLOCKED_S):
                return True
        return False

    async def _offer_restart(self, shell: PowerShell) -> None:
        try:
            restart = await self._asker.ask(RESTART) == 0
        except PromptRefused:
            self._output.note(CANNOT_ASK)
            self._asked.clear()
            return
        self._asked.clear()  # impatience while the question was open
        if restart:
            shell.kill()
        else:
            self._output.note(WAITING)
