"""A dry run: a text whose commands only say what they would change, in a session in which nothing
bends them; then the old values of what they named.
"""

import functools
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from pwsh_kernels.catalog import Catalog, Counterpart, Module
from pwsh_kernels.catalog.command_index import matcher
from pwsh_kernels.command_state import MISSING, CommandState
from pwsh_kernels.errors import CannotPreview
from pwsh_kernels.records import RunOptions
from pwsh_kernels.sessions.live import OURSELVES, LiveSession
from pwsh_kernels.sessions.queries.command_state import oddities, question, state_of
from pwsh_kernels.sessions.queries.previews import (
    Reading,
    objects_in,
    preview_of,
    readings,
    with_changes,
)
from pwsh_kernels.sessions.requests import DryRun
from pwsh_kernels.sessions.runs.run import Run
from pwsh_kernels.shapes import RunState
from pwsh_kernels.writer import Writer

FOLDER = Path(__file__).parent
PARAMETER = "PwshKernelsAsked"
LOAD_WAIT_S = 30.0
VALUES_WAIT_S = 20.0
STOP_WAIT_S = 5.0


class DryRunner:
    """Dry runs in one session."""

    def __init__(self, live: LiveSession, catalog: Catalog, dry: DryRun) -> None:
        self._live = live
        self._catalog = catalog
        self._dry = dry

    async def state(self, wait_s: float) -> CommandState:
        """Return the state in which the text can be previewed.

        Raises CannotPreview, SessionBusy, StateUnknown.
        """
        names, variables = list(self._dry.means), self._dry.variables
        found = await state_of(self._live, names, variables, wait_s=wait_s)
        if missing := [one.name for one in found.commands if one.kind == MISSING]:
            await self._ask("load_commands.ps1", "load commands", {"names": missing}, LOAD_WAIT_S)
            found = await state_of(self._live, names, variables, wait_s=wait_s)
        if pieces := list(self._obstacles(found)):
            raise CannotPreview(pieces)
        return found

    def _obstacles(self, state: CommandState) -> Iterator[str]:
        """Yield why what the text says would not be what it does."""
        module = self._live.session.module
        yield from oddities(state, self._dry.means, module)
        for one in self._dry.writers:
            command = state.command(one.written)
            if command is None or command.kind == MISSING:
                yield f"{one.name} is not there: the session has no such command."
            elif not command.previews:
                yield f"{one.name} has no -WhatIf."
            elif self._ignores(one):
                yield f"{one.name} takes -WhatIf and acts all the same."

    def _ignores(self, writer: Writer) -> bool:
        known = (self._catalog.modules.get(writer.service), self._live.session.module)
        patterns = [one for module in known if module for one in module.classes.ignores_what_if]
        return any(matcher(one).fullmatch(writer.name) for one in patterns)

    def submit(self, run: Run, state: CommandState) -> None:
        """Queue the text; it runs only if the session is still in that state."""
        asked = question(self._dry.means, self._dry.variables, self._live.session.module, state)
        run.hold_end(functools.partial(self._complete, run))
        self._live.submit(run, self._dry.text, store_history=False, state=asked.to_json())

    def _complete(self, run: Run, state: RunState, finish: Callable[[], None]) -> None:
        """Give a run its preview before it ends for its caller."""
        told = self._live.tasks.start(self._preview(run, state), f"preview of {run.id}")
        told.add_done_callback(lambda _: finish())

    async def _preview(self, run: Run, state: RunState) -> None:
        objects = objects_in(run.log.text(frozenset({"host"})))
        asked = readings(objects, self._dry, self._counterparts())
        if asked and state == "succeeded":
            objects = with_changes(objects, asked, await self._old_values(asked))
        run.show_preview(preview_of(run, state, self._dry, objects))

    def _counterparts(self) -> Mapping[str, Counterpart]:
        modules: list[Module] = [
            self._catalog.modules[one.service]
            for one in self._dry.writers
            if one.service in self._catalog.modules
        ]
        return {
            name.lower(): known for module in modules for name, known in module.previews.items()
        }

    async def _old_values(self, asked: list[Reading]) -> str:
        reads = {"reads": [one.asked() for one in asked]}
        title = "values before a change that was only previewed"
        run = await self._ask("current_values.ps1", title, reads, VALUES_WAIT_S)
        return run.log.text(frozenset({"text"})) if run.state == "succeeded" else ""

    async def _ask(
        self, script: str, title: str, asked: Mapping[str, object], wait_s: float
    ) -> Run:
        options = RunOptions(parameters={PARAMETER: json.dumps(asked)})
        run = self._live.runs.add(
            self._live.key, title, options=options, purpose="check", principal=OURSELVES
        )
        self._live.submit(run, _script(script), store_history=False)
        if not await run.wait(wait_s, input_too=False) and self._live.queue:
            await self._live.queue.cancel(run, STOP_WAIT_S)
        return run


@functools.cache
def _script(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")
