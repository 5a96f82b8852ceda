"""A live session: the session with its queue, and the scripts that the product itself
runs in it.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pwsh_kernels.catalog import Script
from pwsh_kernels.escapes import one_line
from pwsh_kernels.records import OutputFormat, RunOptions
from pwsh_kernels.sessions.key import SessionKey
from pwsh_kernels.sessions.runs.queue import Gate, RunQueue
from pwsh_kernels.sessions.runs.recorder import Recorder
from pwsh_kernels.sessions.runs.run import FOR_CALLERS, Run
from pwsh_kernels.sessions.runs.table import Runs
from pwsh_kernels.sessions.session import Session
from pwsh_kernels.sessions.tasks import Tasks
from pwsh_kernels.shapes import Purpose

OBSERVER = "jupyter"
"""Client of runs that a Jupyter client asked the kernel for, before what it claims; and their
principal where nobody knows who sent them: to a kernel of an older version, past the server.
"""
NAMELESS = ("", "username")
"""The user name that front ends send when they know none."""
CLIENT_CHARS = 40
OURSELVES = "pwsh-kernels"
NOT_RUN = "The command was not run, and its approval is void: the session has ended:"
STOP_WAIT_S = 5.0
"""How long one of our scripts may take to stop."""
READY_LOOK_S = 60.0
"""How often a session that waits for a busy kernel checks that the kernel still exists."""


def claim(name: str) -> str:
    """Return how to show a Jupyter client by the user name in its message: anybody can claim any
    name.
    """
    if name in NAMELESS:
        return OBSERVER
    shown = one_line(name)[:CLIENT_CHARS].replace('"', "'")
    return f'{OBSERVER}, claims to be "{shown}"'


@dataclass(eq=False)
class LiveSession:
    """A session with its kernel's queue and its tasks.

    `queue` is None until the kernel answers, and after it is gone.
    """

    session: Session
    runs: Runs
    queue: RunQueue | None = None
    tasks: Tasks = field(default_factory=Tasks)
    look: asyncio.Task[None] | None = None
    """The latest check of who is signed in, after a run that may have changed that."""
    left_signing_in: bool = False
    """Adopted while a sign-in was pending: its code was lost with the earlier server."""

    held: set[Run] = field(default_factory=set)
    """Its runs that wait for an approval: they are in no queue, and hold up no other run."""

    ending: bool = False
    """A disconnect has begun: anyone who asks for this session now gets a new one."""

    @property
    def key(self) -> SessionKey:
        """The tenant and the module that it is signed in to, or will be."""
        return self.session.key

    @property
    def active(self) -> Run | None:
        """The run that the kernel executes now."""
        return self.queue.active if self.queue else None

    @property
    def awaits_old_code(self) -> bool:
        """True while a person may still enter a code that nobody can see any more."""
        route = self.session.route
        asks = route is not None and route.asks_person
        return self.left_signing_in and asks and self.session.state == "starting"

    @property
    def busy(self) -> bool:
        """True when the kernel executes something, or something waits for it."""
        return self.queue is not None and self.queue.busy

    @property
    def counts(self) -> tuple[str | None, int, Run | None]:
        """The id of the running command (a sign-in shows in the state), how many wait behind it,
        and the current run.
        """
        active = self.active.id if self.active and self.active.purpose == "command" else None
        return active, (self.queue.waiting if self.queue else 0), self.active

    def observe(self, code: str, client: str = "", principal: str = "") -> Run:
        """Make the run of a notebook's execution; `client` is the name that its front end gives,
        which nobody has checked, `principal` whose token it has ("": nobody knows).
        """
        return self.runs.add(
            self.key,
            code,
            principal=principal or OBSERVER,
            client=claim(client),
            observed=True,
            account=self.account,
        )

    @property
    def account(self) -> str | None:
        """Who is signed in."""
        return self.session.signed_in.account if self.session.signed_in else None

    async def queue_ready(self) -> None:
        """Wait, however long it takes, until the kernel has ended what it was running before we
        came, or is gone.
        """
        while self.queue and not await self.queue.ready(READY_LOOK_S):
            continue

    def submit(
        self,
        run: Run,
        code: str,
        recorder: Recorder | None = None,
        *,
        store_history: bool = True,
        first: bool = False,
        gate: Gate | None = None,
        guards: bool | None = None,
        state: Mapping[str, Any] | None = None,
    ) -> None:
        """Queue a run (RunQueue.submit); a session without a kernel loses it at once."""
        if run.purpose in FOR_CALLERS:
            run.name_account(self.account)
        if self.queue is None:
            run.finish("lost", reason=self.session.reason or "the session has no kernel")
            return
        self.queue.submit(
            run,
            code,
            recorder,
            store_history=store_history,
            first=first,
            gate=gate,
            guards=guards,
            state=state,
        )

    def refuse_waiting(self, code: str, reason: str) -> None:
        """End the commands that wait for their turn, or for an approval, without running them."""
        if self.queue:
            self.queue.refuse_waiting(code, reason)
        self._refuse_held(code, reason)

    def _refuse_held(self, code: str, reason: str) -> None:
        for run in list(self.held):
            run.blame(code, reason)
            run.finish("cancelled")

    async def run_script(
        self,
        script: Script,
        title: str,
        purpose: Purpose,
        wait_s: float,
        output_format: OutputFormat = "text",
        *,
        first: bool = False,
        values: Mapping[str, Any] | None = None,
    ) -> Run:
        """Run a script of the catalog and wait for its end; past `wait_s` seconds it is stopped.

        Its parameters are `values`, or the session's facts that it names.
        """
        parameters = script.bind(self.session.facts()) if values is None else values
        options = RunOptions(parameters=parameters, format=output_format)
        run = self.runs.add(
            self.key,
            title,
            options=options,
            purpose=purpose,
            principal=OURSELVES,
            account=self.account,
        )
        self.submit(run, script.text, store_history=False, first=first)
        if not await run.wait(wait_s, input_too=False) and self.queue:
            await self.queue.cancel(run, STOP_WAIT_S)
        return run

    def lose(self, reason: str) -> None:
        """The kernel is gone, with its runs, variables and sign-in."""
        self.session.lose(reason)
        self._let_go(reason)

    def close(self, reason: str) -> None:
        """End on purpose."""
        self.session.become("closed", reason)
        self._let_go(reason)

    async def answers(self, timeout: float) -> bool:
        """Return whether its kernel answers within `timeout` seconds."""
        if self.queue is None:
            return False
        try:
            question = self.queue.connection.request("control", "kernel_info_request")
            await asyncio.wait_for(question, timeout)
        except (TimeoutError, ConnectionError):
            return False
        return True

    def drop_queue(self, reason: str) -> None:
        """Give up the connection to a kernel that may be tried again."""
        self._let_go(reason)

    def detach(self) -> None:
        """Let go of a kernel, which keeps running."""
        queue, self.queue = self.queue, None
        if queue:
            queue.detach()

    def _let_go(self, reason: str) -> None:
        self._refuse_held("not_signed_in", f"{NOT_RUN} {reason}.")
        queue, self.queue = self.queue, None
        if queue:
            queue.close(reason)
