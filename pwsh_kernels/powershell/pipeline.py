"""A running script as an asynchronous stream of events, with its stop and its prompts."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from typing import Any, Protocol

from pwsh_kernels.powershell.events import (
    ConsoleText,
    Died,
    Displayed,
    Event,
    Finished,
    HostText,
    Text,
    ViewWritten,
)
from pwsh_kernels.powershell.host_calls import Question

STOP_WAIT = 5.0
"""Seconds that `stop` waits; measured: a stop takes 5-30 ms, 0.6 s for a stubborn native
program.
"""
SIGNAL_INTERVAL = 1.0
"""Seconds after which `stop` asks again."""
HIGH_WATER = 4 << 20
"""Characters of unread events at which PowerShell's output is no longer read."""
LOW_WATER = 1 << 20
RECORD_WEIGHT = 500
"""Characters that an event without text counts for."""


class Driver(Protocol):
    """What a pipeline needs from its shell."""

    def stop_running(self, pipeline: "Pipeline") -> None:
        """Ask PowerShell to stop this pipeline."""

    async def answer(self, question: Question, value: Any) -> None:
        """Send an answer. Raises InvalidRequest for a value of another shape."""

    def refuse(self, question: Question, reason: str) -> None:
        """Send an error instead of an answer."""


class Pipeline:
    """Iterate over it until the end; the last event is Finished or Died.

    Events wait here, bounded by backpressure.
    """

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self._events: deque[Event] = deque()
        self._weight = 0
        self._changed = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._lifted = False
        self._ended = asyncio.Event()
        self._questions: dict[int, Question] = {}
        self.stop_asked = False

    def __aiter__(self) -> AsyncIterator[Event]:
        return self._stream()

    async def _stream(self) -> AsyncIterator[Event]:
        while True:
            while self._events:
                yield self._take()
            if self._ended.is_set():
                return
            self._changed.clear()
            await self._changed.wait()

    def _take(self) -> Event:
        event = self._events.popleft()
        self._weight -= _weight(event)
        if self._weight <= LOW_WATER:
            self._room.set()
        return event

    @property
    def ended(self) -> bool:
        """True once the last event is known, read or not."""
        return self._ended.is_set()

    async def stop(self, wait_s: float = STOP_WAIT) -> bool:
        """Stop the script; True when it has ended, False when it still runs after `wait_s` (a
        blocked .NET call).

        Harmless after the end, and any number of times.
        """
        self.stop_asked = True
        self.lift()
        try:
            async with asyncio.timeout(wait_s):
                while not self._ended.is_set():
                    self._driver.stop_running(self)
                    await self._ended_within(SIGNAL_INTERVAL)
        except TimeoutError:
            return self._ended.is_set()
        return True

    async def _ended_within(self, seconds: float) -> None:
        waiting = asyncio.ensure_future(self._ended.wait())
        await asyncio.wait([waiting], timeout=seconds)
        waiting.cancel()

    async def answer(self, prompt_id: int, value: Any) -> bool:
        """Answer a prompt; False when it is no longer open.

        Raises InvalidRequest for a wrong shape; it stays open.
        """
        question = self._questions.get(prompt_id)
        if question is None:
            return False
        await self._driver.answer(question, value)
        return self._questions.pop(prompt_id, None) is not None

    async def refuse(self, prompt_id: int, reason: str) -> bool:
        """Refuse a prompt: the script gets an error with this reason.

        False when it is no longer open.
        """
        question = self._questions.pop(prompt_id, None)
        if question is None:
            return False
        self._driver.refuse(question, reason)
        return True

    def put(self, event: Event) -> None:
        """Add an event."""
        self._events.append(event)
        self._weight += _weight(event)
        if self._weight > HIGH_WATER and not self._lifted:
            self._room.clear()
        self._changed.set()

    def open_question(self, question: Question) -> None:
        """Remember a question that waits for an answer."""
        self._questions[question.id] = question

    def close_questions(self) -> None:
        """Forget the open questions: the script no longer waits."""
        self._questions.clear()

    def end(self, event: Finished | Died) -> None:
        """Add the last event."""
        self.close_questions()
        self.put(event)
        self.lift()
        self._ended.set()

    def lift(self) -> None:
        """Accept events without a bound: the end is near, and whoever waits for it may not be
        reading.
        """
        self._lifted = True
        self._room.set()

    @property
    def full(self) -> bool:
        """True when the consumer is far behind."""
        return not self._room.is_set()

    async def room(self) -> None:
        """Wait until the consumer has caught up."""
        await self._room.wait()


def _weight(event: Event) -> int:
    if isinstance(event, ViewWritten):
        return 2 * len(event.view.text)  # its rows repeat the text
    if isinstance(event, Displayed):
        return len(event.data)
    return len(event.text) if isinstance(event, (Text, HostText, ConsoleText)) else RECORD_WEIGHT
