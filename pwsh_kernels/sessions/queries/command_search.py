"""Finds commands of a session by words, with two short runs of our own and the ranking between
them.
"""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from pwsh_kernels.catalog import CommandIndex
from pwsh_kernels.errors import CommandSearchFailed, SessionBusy
from pwsh_kernels.records import RunOptions
from pwsh_kernels.sessions.live import LiveSession
from pwsh_kernels.sessions.moment import ticks
from pwsh_kernels.sessions.queries.command_ranking import Command, command_view, rank
from pwsh_kernels.sessions.runs.run import Run, failure_sentence
from pwsh_kernels.shapes import FoundCommands

SCRIPT_FILE = Path(__file__).parent / "commands.ps1"
PARAMETER = "PwshKernelsAsked"
STOP_WAIT_S = 5.0
GENERATED = ("tmpEXO", "tmp_")
"""How the names of modules begin that a connect command generates (ExchangeOnlineManagement)."""


class CommandSearch:
    """One search in one session."""

    def __init__(
        self, live: LiveSession, index: CommandIndex, wait_s: float, principal: str, client: str
    ) -> None:
        """`wait_s` bounds the whole search, including the wait for the session's turn."""
        self._live = live
        self._index = index
        self._ends = ticks() + wait_s
        self._wait_s = wait_s
        self._who = {"principal": principal, "client": client, "account": live.account}

    async def find(self, words: str, limit: int) -> FoundCommands:
        """Return `{"commands", "total", "more"}`. Raises SessionBusy, CommandSearchFailed."""
        lines = await self._ask(f"find commands: {words}", {"names": None})
        found = rank(words, [self._command(*line.split("\t")) for line in lines])
        named = {one.lower() for one in words.split()}
        shown = found[:limit]
        exact = {one.name for one in shown if one.name.lower() in named}
        wanted = [
            one.name for one in shown if one.loaded or one.name in exact or self._of_module(one)
        ]
        details = {}
        if wanted:
            told = await self._ask(f"describe {', '.join(wanted)}", {"names": wanted})
            details = {facts["name"]: facts for facts in map(json.loads, told)}
        views = [command_view(one, details.get(one.name), exact=one.name in exact) for one in shown]
        return {"commands": views, "total": len(found), "more": len(found) > limit}

    def _command(self, name: str, module: str, loaded: str) -> Command:
        own = self._live.session.module
        ours = (
            module == own.powershell_module
            or module.startswith(GENERATED)
            or self._index.listed(name, own.key)
        )
        return Command(name, module, loaded == "1", ours)

    def _of_module(self, command: Command) -> bool:
        """Return whether the command's module is the service's own, which a sign-in loads
        anyway.
        """
        return command.module == self._live.session.module.powershell_module

    async def _ask(self, title: str, asked: Mapping[str, object]) -> list[str]:
        """Run the script and return the lines of its output."""
        options = RunOptions(parameters={PARAMETER: json.dumps(asked)})
        run = self._live.runs.add(
            self._live.key, title, options=options, purpose="query", **self._who
        )
        self._live.submit(run, _script(), store_history=False)
        if not await run.wait(max(0.0, self._ends - ticks()), input_too=False):
            await self._give_up(run)
        if run.state != "succeeded":
            raise CommandSearchFailed(session=str(self._live.key), reason=failure_sentence(run))
        return [line for line in run.log.text(frozenset({"text"})).splitlines() if line]

    async def _give_up(self, run: Run) -> None:
        """Nobody waits for the answer any more, so stop looking for it."""
        active = self._live.active
        if self._live.queue:
            await self._live.queue.cancel(run, STOP_WAIT_S)
        busy = active.id if active and active is not run else ""
        raise SessionBusy(session=str(self._live.key), run_id=busy, waited_s=self._wait_s)


@cache
def _script() -> str:
    return SCRIPT_FILE.read_text(encoding="utf-8")
