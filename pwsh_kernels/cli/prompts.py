"""Answer a run's question at the terminal; secrets are not shown.

Without a terminal the question is refused.
"""

import asyncio
import os
import sys
import termios
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pwsh_kernels.cli.console import note
from pwsh_kernels.errors import RequestRefused
from pwsh_kernels.escapes import plain, visible
from pwsh_kernels.records import Prompt, PromptFacts
from pwsh_kernels.shapes import Run

if TYPE_CHECKING:
    from pwsh_kernels.client import RestClient

POLL_WAIT = 30.0
"""Seconds that one request waits for somebody else's answer."""

LINE_BYTES = 65_536
"""Longest line that is read; a terminal gives at most 4,096 bytes at once."""


class NotAnAnswer(ValueError):
    """The typed text is not one of the choices."""


@dataclass(frozen=True, slots=True)
class Question:
    """One line that the person types."""

    label: str
    secret: bool = False


async def answer_prompt(client: "RestClient", run: Run, asked: PromptFacts) -> None:
    """Answer or refuse a run's question; also returns when somebody else has answered.

    A person at a terminal who follows another client's run answers in its place.
    """
    prompt, run_id, for_other = Prompt.from_json(asked), run["run_id"], not run.get("yours", True)
    if for_other:
        note(_whose(run))
    if not sys.stdin.isatty() and for_other:
        await _answered_elsewhere(client, run)
        return
    if not sys.stdin.isatty():
        note(
            f"The command asks for {summary(prompt)!r}; stdin is not a terminal, so the question is"
            " refused."
        )
        await _send(client.refuse(run_id))
        return
    asking, changing = (
        asyncio.create_task(ask(prompt)),
        asyncio.create_task(_answered_elsewhere(client, run)),
    )
    try:
        await asyncio.wait({asking, changing}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        asking.cancel()
        changing.cancel()
    if asking.done() and not asking.cancelled():
        value = asking.result()
        await _send(
            client.refuse(run_id, for_other=for_other)
            if value is None
            else client.answer(run_id, value, for_other=for_other)
        )
    elif changing.result()["state"] in ("running", "waiting_for_input", "succeeded", "failed"):
        note("\nAnswered elsewhere.")


def _whose(run: Run) -> str:
    who = plain(f"{run['principal']} ({run['client']})" if run["client"] else run["principal"])
    waits = f"{run['run_id']} is waiting for an answer from {who}, who started it."
    typed = "What you type answers in their place." if sys.stdin.isatty() else "It is left to them."
    return f"{waits} {typed}"


async def _send(answer: Awaitable[Run]) -> None:
    try:
        await answer
    except RequestRefused as error:
        if error.error_code != "run_not_waiting":  # somebody else was faster
            raise


async def _answered_elsewhere(client: "RestClient", run: Run) -> Run:
    """Return the run once this question is closed: answered by somebody else, cancelled or lost."""
    asked, seen = run["prompt"], run
    while seen["state"] == "waiting_for_input" and seen["prompt"] == asked:
        seen = await client.read_run(
            run["run_id"], seen["total_chars"], POLL_WAIT, limit=1, seen=seen["state"]
        )
    return seen


def summary(prompt: Prompt) -> str:
    """Return a prompt's question in one line."""
    fields = ", ".join(one.label or one.name for one in prompt.fields)
    words = [" ".join(one.split()) for one in (prompt.caption, prompt.message, fields)]
    return plain(": ".join(one.rstrip(":") for one in dict.fromkeys(words) if one)) or prompt.kind


def heading(prompt: Prompt) -> str:
    """Return the text above the questions; a single question is its own message."""
    message = "" if prompt.kind in ("line", "secret") else prompt.message
    return plain("\n".join(text for text in (prompt.caption, message) if text))


def questions(prompt: Prompt) -> list[Question]:
    """Return the lines that a person has to type for a prompt, in order."""
    if prompt.kind == "credential":
        user = [] if prompt.user else [Question("User")]
        return [
            *user,
            Question(f"Password for {prompt.user}" if prompt.user else "Password", secret=True),
        ]
    if prompt.kind == "fields":
        return [Question(one.label or one.name, one.secret) for one in prompt.fields]
    if prompt.kind == "choice":
        return [Question(_choices(prompt))]
    return [Question(prompt.message or "Input", secret=prompt.kind == "secret")]


def _choices(prompt: Prompt) -> str:
    listed = "  ".join(
        f"[{one.key or number}] {one.label}" for number, one in enumerate(prompt.choices)
    )
    default = ", ".join(prompt.choices[index].label for index in prompt.default)
    return listed + (f" (default: {default})" if default else "")


def value_of(prompt: Prompt, lines: list[str]) -> Any:
    """Return the answer in the shape of the prompt's kind (records.Prompt). Raises NotAnAnswer."""
    if prompt.kind == "credential":
        return {"user": prompt.user or lines[0], "password": lines[-1]}
    if prompt.kind == "fields":
        return {one.name: line for one, line in zip(prompt.fields, lines, strict=True)}
    return _chosen(prompt, lines[0]) if prompt.kind == "choice" else lines[0]


def _chosen(prompt: Prompt, line: str) -> int | list[int]:
    words = line.split(",") if prompt.multiple else [line]
    by_default = prompt.default and not line.strip()
    chosen = (
        list(prompt.default) if by_default else [_choice(prompt, word.strip()) for word in words]
    )
    return chosen if prompt.multiple else chosen[0]


def _choice(prompt: Prompt, word: str) -> int:
    for index, one in enumerate(prompt.choices):
        names = {one.label.lower(), one.key.lower() or str(index)}
        if word.lower() in names:
            return index
    raise NotAnAnswer(word)


async def ask(prompt: Prompt) -> Any:
    """Return the person's answer, or None when they end the input (Ctrl-D)."""
    above = heading(prompt)
    if above:
        note(above)
    while True:
        lines: list[str] = []
        for question in questions(prompt):
            line = await read_line(
                f"{visible(question.label).rstrip(': ')}: ", secret=question.secret
            )
            if line is None:
                return None
            lines.append(line)
        try:
            return value_of(prompt, lines)
        except NotAnAnswer as error:
            note(f"{error} is not one of the choices.")


async def read_line(label: str, *, secret: bool) -> str | None:
    """Return the next line of the terminal without its end, or None at the end of the input."""
    descriptor, ready = sys.stdin.fileno(), asyncio.Event()
    loop = asyncio.get_running_loop()
    with _echo(descriptor, shown=not secret):
        sys.stderr.write(label)
        sys.stderr.flush()
        loop.add_reader(descriptor, ready.set)
        try:
            await ready.wait()
        finally:
            loop.remove_reader(descriptor)
        line = os.read(descriptor, LINE_BYTES)
    if secret:
        note("")
    return line.decode(errors="replace").rstrip("\r\n") if line else None


@contextmanager
def _echo(descriptor: int, *, shown: bool) -> Iterator[None]:
    """Keep the terminal from showing what is typed; it is restored however the block ends."""
    before = termios.tcgetattr(descriptor)
    try:
        if not shown:
            hidden = [*before]
            hidden[3] = before[3] & ~termios.ECHO
            termios.tcsetattr(descriptor, termios.TCSADRAIN, hidden)
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
