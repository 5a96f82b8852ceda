"""The real engine for tests: its path, PowerShells that are closed afterwards, and what a
run said.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from pwsh_kernels.errors import ProductError
from pwsh_kernels.powershell import (
    ConsoleText,
    Died,
    Event,
    Finished,
    HostText,
    Launch,
    Pipeline,
    PowerShell,
    PromptAsked,
    RecordWritten,
    Text,
)
from pwsh_kernels.powershell.host.finder import choose, places
from pwsh_kernels.records import Record, RunOptions, Summary

WAIT_S = 30.0


@dataclass
class Said:
    """All events of a run."""

    events: Sequence[Event]

    @property
    def text(self) -> str:
        return "".join(one.text for one in self.events if isinstance(one, Text))

    @property
    def host(self) -> str:
        return "".join(
            one.text + ("\n" if one.newline else "")
            for one in self.events
            if isinstance(one, HostText)
        )

    @property
    def console(self) -> str:
        return "".join(one.text for one in self.events if isinstance(one, ConsoleText))

    @property
    def records(self) -> list[Record]:
        return [one.record for one in self.events if isinstance(one, RecordWritten)]

    @property
    def summary(self) -> Summary:
        last = self.events[-1]
        assert isinstance(last, Finished), last
        return last.summary

    @property
    def error(self) -> Record:
        assert self.summary.terminating_error is not None
        return self.summary.terminating_error

    @property
    def died(self) -> Died:
        last = self.events[-1]
        assert isinstance(last, Died), last
        return last


async def collect(
    pipeline: Pipeline, on_event: Callable[[Event], Awaitable[Any]] | None = None
) -> Said:
    """Read a pipeline to its end."""
    events: list[Event] = []
    async with asyncio.timeout(WAIT_S):
        async for event in pipeline:
            events.append(event)
            if on_event:
                await on_event(event)
    return Said(events)


async def run(shell: PowerShell, script: str, **options: Any) -> Said:
    """Run a script to its end."""
    async with asyncio.timeout(WAIT_S):
        pipeline = await shell.start(script, RunOptions(**options))
    return await collect(pipeline)


async def run_answering(
    shell: PowerShell, script: str, value: Any
) -> tuple[Said, list[PromptAsked]]:
    """Run a script and give every prompt the same answer."""
    pipeline = await shell.start(script)
    asked: list[PromptAsked] = []

    async def answer(event: Event) -> None:
        if isinstance(event, PromptAsked):
            asked.append(event)
            assert await pipeline.answer(event.id, value)

    return await collect(pipeline, answer), asked


def is_text(event: Event) -> bool:
    """Return whether an event is output text."""
    return isinstance(event, Text)


async def until(pipeline: Pipeline, wanted: Callable[[Event], bool]) -> Event:
    """Read until an event comes."""
    async with asyncio.timeout(WAIT_S):
        async for event in pipeline:
            if wanted(event):
                return event
    raise AssertionError("the run ended before the awaited event came")


def usual_powershell() -> Path:
    """Return the PowerShell of this machine, or that of `make test PWSH=…`. Raises ProductError."""
    return choose(places(os.environ.get("PWSH_MANAGER_PWSH", ""), os.environ)).path


@pytest.fixture(scope="session")
def powershell_path() -> Path:
    """The PowerShell that tests use; without one the engine tests fail, they are not skipped."""
    try:
        return usual_powershell()
    except ProductError as error:
        pytest.fail(f"engine tests need a PowerShell: {error.text()}")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shell(
    powershell_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[PowerShell]:
    """One PowerShell that a module's tests share."""
    opened = await PowerShell.open(
        Launch(powershell_path, home=tmp_path_factory.mktemp("home"), machine_modules=False)
    )
    yield opened
    await opened.close()


@pytest_asyncio.fixture(loop_scope="function")
async def own_shell(powershell_path: Path, tmp_path: Path) -> AsyncIterator[PowerShell]:
    """A PowerShell that the test may kill."""
    opened = await PowerShell.open(
        Launch(powershell_path, home=tmp_path / "home", machine_modules=False)
    )
    yield opened
    await opened.close()
