"""A run that waits for a person's decision: in no queue, and in nobody's way."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from pwsh_kernels.command_state import StateQuestion
from pwsh_kernels.errors import ProductError, SessionBusy, StateUnknown
from pwsh_kernels.sessions.live import LiveSession
from pwsh_kernels.sessions.queries.command_state import oddities, question, state_of
from pwsh_kernels.sessions.requests import DryRun
from pwsh_kernels.sessions.runs.queue import Gate
from pwsh_kernels.sessions.runs.run import Run
from pwsh_kernels.shapes import Preview

UNSEEN = (
    "What its session is like cannot be told now ({why}), so nothing of that is compared before it"
    " runs."
)
VOID = "The command was not run:"


@dataclass(eq=False)
class HeldRun:
    """It is started once, or ends without having begun. Whoever decides sees the session as it is
    now.
    """

    live: LiveSession
    run: Run
    record: Callable[[Run], None]
    """Records that it begins. Raises AuditUnavailable: then it does not."""
    gate: Gate | None = None
    on_gone: Callable[[], None] = lambda: None
    """Called when it ends without having begun."""
    previewing: Callable[["HeldRun", DryRun], Awaitable[Preview | None]] | None = None
    """Finds out what it would change; None if that cannot be told."""
    seen: StateQuestion | None = None
    """What its session was like when it was looked at: it begins in no other."""
    oddities: tuple[str, ...] = ()
    """What in its session bends its commands, a sentence each."""

    async def look(self, means: Mapping[str, str], variables: Iterable[str]) -> None:
        """Remember what its session is like now. `means`: each command of the text as written, and
        which one it should be; `variables`: those whose values come from the session.
        """
        module, names = self.live.session.module, tuple(variables)
        try:
            state = await state_of(self.live, means, names)
        except (SessionBusy, StateUnknown) as problem:
            why = "it is busy" if isinstance(problem, SessionBusy) else problem.reason
            self.oddities = (UNSEEN.format(why=why),)
            return
        self.seen = question(means, names, module, state)
        self.oddities = tuple(oddities(state, means, module))

    async def preview(self, dry: DryRun) -> Preview | None:
        """Return what it would change, while it waits; None if that cannot be told."""
        return await self.previewing(self, dry) if self.previewing else None

    @property
    def account(self) -> str:
        """Who is signed in to its session now."""
        return self.live.account or ""

    @property
    def obstacle(self) -> str:
        """Why nothing can begin in its session now; "": it can."""
        if self.run.ended:
            return f"Run {self.run.id} has ended."
        if self.live.ending or self.live.session.gone:
            return f"The session {self.live.key} is being closed."
        return ""

    def hold(self) -> None:
        """Let it wait."""
        self.live.held.add(self.run)

    def start(self, problem: Callable[[], tuple[str, str]]) -> bool:
        """Queue it, under its requester's name; return whether it could be recorded.

        `problem` is asked when its turn comes: code and reason why it must not begin, or "" twice.
        """
        self.live.held.discard(self.run)
        self.run.become("queued")
        try:
            self.record(self.run)
        except ProductError as refused:
            self.end(refused.code, f"{VOID} {refused.text()}")
            return False
        seen = self.seen.to_json() if self.seen else None
        self.live.submit(self.run, self.run.command, gate=LastLook(self, problem), state=seen)
        return True

    def end(self, code: str, reason: str) -> None:
        """End it without running it, unless it has ended."""
        if not self.run.ended:
            self.run.blame(code, reason)
            self.run.finish("cancelled", reason=reason)

    def gone(self) -> None:
        """It has ended: nothing waits for it any more."""
        self.live.held.discard(self.run)
        self.on_gone()


@dataclass(eq=False)
class LastLook:
    """Lets an approved run begin if nothing has changed while it waited for its turn."""

    held: HeldRun
    problem: Callable[[], tuple[str, str]]

    def take(self, run: Run, retry: Callable[[], None]) -> bool:
        """Return whether it may go now; one that must not ends instead."""
        code, reason = self.problem()
        if code:
            self.held.end(code, reason)
            return False
        return self.held.gate is None or self.held.gate.take(run, retry)


Ask = Callable[[Sequence[HeldRun]], Awaitable[None]]
"""Asks a person whether runs may begin. Raises a ProductError: then nobody was asked."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What is known of a text before it runs: its class, "" if nobody needs one, and whom to ask
    first; None: nobody.
    """

    kind: str = ""
    ask: Ask | None = None
