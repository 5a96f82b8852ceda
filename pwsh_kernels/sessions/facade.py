"""The facade that the web layer uses: every operation on sessions and runs, in the JSON shapes of
docs/rest.md.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from pwsh_kernels import shapes
from pwsh_kernels.audit.event import Kind
from pwsh_kernels.audit.trail import AuditTrail
from pwsh_kernels.catalog import Catalog, CommandIndex, Module, ModuleAccess, Tenant, Tenants
from pwsh_kernels.catalog.tenants.certificates import CertificateEnds
from pwsh_kernels.errors import (
    AnswerOfAnother,
    InvalidRequest,
    NotCarried,
    NotOnlyReading,
    NotSignedIn,
    ProductError,
    RunNotWaiting,
    UnknownSession,
)
from pwsh_kernels.landlock import abi_version
from pwsh_kernels.prompt_answers import check_answer
from pwsh_kernels.reading import Carried
from pwsh_kernels.records import Record, RunOptions
from pwsh_kernels.sessions.admission import admit, check_command, check_room
from pwsh_kernels.sessions.audit_events import (
    accepted,
    ended,
    is_recorded,
    of_run,
    of_session,
    read_refused,
)
from pwsh_kernels.sessions.audit_sync import keep_synced
from pwsh_kernels.sessions.directory import Directory
from pwsh_kernels.sessions.evidence.notebook import evidence
from pwsh_kernels.sessions.fan_out import Turns, chosen_tenants, refused_view, summary_view
from pwsh_kernels.sessions.held_run import Ask, HeldRun, Judged
from pwsh_kernels.sessions.jupyter.kernel_manager import SessionKernelManager
from pwsh_kernels.sessions.key import SessionKey
from pwsh_kernels.sessions.launcher import Launcher
from pwsh_kernels.sessions.lifecycle import Lifecycle
from pwsh_kernels.sessions.live import OURSELVES, LiveSession
from pwsh_kernels.sessions.memory_watch import MemoryWatch
from pwsh_kernels.sessions.moment import now
from pwsh_kernels.sessions.places.places import Places
from pwsh_kernels.sessions.queries.command_search import CommandSearch
from pwsh_kernels.sessions.queries.dry_run import DryRunner
from pwsh_kernels.sessions.queries.kept_objects import (
    ObjectsQuery,
    QueryRecorder,
    check_kept,
    new_tag,
    query_script,
)
from pwsh_kernels.sessions.queries.line_reader import LineReader
from pwsh_kernels.sessions.queries.lines import LinesQuery
from pwsh_kernels.sessions.requests import DryRun, LoginRequest, RunRequest
from pwsh_kernels.sessions.runs.advice import Advice, Advisor
from pwsh_kernels.sessions.runs.queue import SERVER_STOPPED, Gate
from pwsh_kernels.sessions.runs.run import Run
from pwsh_kernels.sessions.runs.table import Runs
from pwsh_kernels.sessions.session import Session
from pwsh_kernels.sessions.sign_in.request_check import checked_request
from pwsh_kernels.sessions.sign_in.route_choice import choose_route, signs_in_alone
from pwsh_kernels.sessions.tasks import Tasks
from pwsh_kernels.sessions.views.run_views import (
    lines_view,
    listed_view,
    page_view,
    result_view,
    run_view,
)
from pwsh_kernels.sessions.views.session_views import (
    login_view,
    no_session_view,
    session_view,
    status_view,
    tenant_view,
)
from pwsh_kernels.sessions.views.version import list_version
from pwsh_kernels.sessions.watchdog import Watchdog
from pwsh_kernels.settings import Settings
from pwsh_kernels.tracing.context import current_trace

DEFAULT_MODULE = "exo"
NO_PARAMETERS = "are not for the read tier, where a variable can change what a command does"
COMING_WAIT_S = 25.0
"""How long a command waits for its session to start and sign in unattended, even if its own wait is
shorter.
"""

WITHDRAWN = "The command was cancelled before anybody approved it; none of it was run."
PREVIEW_WAIT_S, PREVIEW_STOP_WAIT_S = 60.0, 5.0
"""How long the preview of a change that waits for an approval may take, and its end."""
OLD_CODE_WAIT_S = 3.0
"""How long a command waits for a sign-in that an earlier server began: its code may have been
entered."""


Shown = Callable[[SessionKey], bool]
"""Whether a session, with its runs, is shown to somebody."""
Admits = Callable[[str, str], None]
"""Raises a ProductError for a tenant and a module that are closed to somebody."""
Judge = Callable[[str, str], Awaitable[Judged]]
"""Raises a ProductError for a tenant (by its own name) and module in which a text may not run."""
Reads = Callable[[SessionKey, Sequence[str], str], Awaitable[Sequence[Carried | None]]]
"""Raises a ProductError for a principal's texts that do more than read, in the read tier; returns
each as commands and parameters, None for one without any.
"""


async def nothing_reads(key: SessionKey, _: Sequence[str], __: str) -> Sequence[Carried | None]:
    """Let nothing run in the read tier: nobody can tell what reads. Raises NotOnlyReading."""
    raise NotOnlyReading(key.tenant, key.module, "unknown", [])


def everything(_: SessionKey) -> bool:
    """Show every session."""
    return True


async def anything(_: str, __: str) -> Judged:
    """Let every text run, whatever its class is."""
    return Judged()


def everybody(_: str, __: str) -> None:
    """Close nothing to anybody."""


class Sessions:
    """All sessions and runs of one server.

    Every method may be called at any time from the event loop.
    """

    def __init__(
        self,
        settings: Settings,
        kernel_manager: SessionKernelManager,
        catalog: Catalog,
        tenants: Callable[[], Tenants],
        sandbox: Callable[[], Mapping[str, str]],
        *,
        audit: AuditTrail,
        reads: Reads = nothing_reads,
        on_run_end: Callable[[Run], None] | None = None,
    ) -> None:
        """`tenants` returns them as they are now; `sandbox` the variables of a sandbox tenant's
        session; `reads` judges what the read tier is asked to run; `on_run_end` gets what somebody
        asked for, at its end.
        """
        self._reads = reads
        self._on_run_end = on_run_end
        self._settings = settings
        self._audit = audit
        self._commands = CommandIndex(catalog)
        self._advisor = Advisor(self._commands)
        self._runs = Runs(
            settings.data_dir / "runs",
            settings.run_memory,
            settings.runs_kept,
            settings.runs_max_age,
            self._advise,
            before=self._record,
            on_end=self._note_run,
            on_disk=settings.output_on_disk,
        )
        self._directory = Directory(catalog, tenants)
        self._certificate_ends = CertificateEnds()
        places = self._places = Places(settings, kernel_manager.connection_file, abi_version())
        self._lifecycle = Lifecycle(
            settings,
            kernel_manager,
            self._directory,
            Launcher(settings, sandbox, places, self._directory.secret_files),
            self._runs,
            audit=audit,
        )
        self._watchdog = Watchdog(settings, self._live, self._close_idle, self._runs.forget_old)
        self._memory_watch = MemoryWatch(settings, places, self._live, self._lifecycle.end_for)
        self._tasks = Tasks()
        self._held: dict[str, HeldRun] = {}
        self.on_glass_broken: list[Callable[[Run], None]] = []
        """Each is called with a run that runs in spite of what the tenant says of changes."""
        self._turns = Turns(settings.fan_out, self._tasks)
        self._reader = LineReader()
        self._running = False

    def _advise(self, key: SessionKey, script: str, record: Record) -> Advice:
        known = self._directory.tenants().known.get(key.tenant)
        return self._advisor.advise(
            key.module, record, script=script, simulated=known is not None and known.sandbox
        )

    def _record(self, run: Run) -> None:
        """Record a run before it is sent; of a notebook's, that it has begun. Raises
        AuditUnavailable. One that waits for an approval is recorded when it begins.
        """
        if not is_recorded(run) or run.state == "waiting_for_approval":
            return
        if run.break_glass:
            facts = {"reason": run.break_glass, "account": run.account or ""}
            broken = of_run(Kind.GLASS_BROKEN, run, run.principal, run.client, **facts)
            self._audit.require(broken)
        tell = self._audit.note if run.observed else self._audit.require
        tell(accepted(run))

    def _note_run(self, run: Run) -> None:
        if held := self._held.pop(run.id, None):
            held.gone()
        if is_recorded(run):
            self._audit.note(ended(run))
            if self._on_run_end:
                self._on_run_end(run)
        self._lifecycle.note_run(run)

    async def _close_idle(self, live: LiveSession) -> None:
        idle = of_session(Kind.DISCONNECTED, live.key, OURSELVES, reason="idle")
        self._audit.note(idle)
        await self._lifecycle.disconnect(live)

    async def start(self) -> None:
        """Find the kernels that outlived an earlier server and watch them; start the watchdog."""
        self._runs.remove_leftovers()
        await self._lifecycle.adopt_all()
        self._lifecycle.restore(self._wanted_at_start())
        self._tasks.start(self._watchdog.run(), "watchdog")
        self._tasks.start(self._memory_watch.run(), "memory watch")
        self._tasks.start(keep_synced(self._audit), "audit log")
        self._running = True

    async def stop(self) -> None:
        """Let go of every kernel without ending it."""
        self._running = False
        await self._tasks.end_all()
        waiting = self._runs.waiting()
        await self._lifecycle.detach_all()
        self._runs.cancel_waiting(SERVER_STOPPED)
        self._runs.note_cancelled(waiting)
        self._runs.close()

    def without_cgroups(self) -> str:
        """Return why Linux does not keep the limits of sessions' memory and processes itself; "":
        it does.
        """
        return self._places.local.without_cgroups()

    def health(self) -> shapes.Counts:
        """Return `{"sessions": {state: count}, "runs": {state: count}, …}`: also how the places of
        sessions are.
        """
        return {
            "sessions": dict(Counter(live.session.state for live in self._live())),
            "runs": dict(Counter(run.state for run in self._runs.newest_first())),
            "limits": self._places.local.limits_in_force(),
            "kubernetes": self._places.kubernetes.state(),
        }

    def watchdog(self) -> shapes.WatchdogState:
        """Return `{"running", "config": {...}}` of GET /watchdog."""
        return self._watchdog.view(running=self._running)

    def views(self, shown: Shown = everything) -> list[shapes.Session]:
        """Return every session that is shown; runs nothing and waits for nothing."""
        return [
            session_view(live.session, *live.counts) for live in self._live() if shown(live.key)
        ]

    def pending_sign_ins(self, shown: Shown = everything) -> list[shapes.SessionStatus]:
        """Return the sessions that sign in now, with their codes; polling is not noted."""
        return [
            status_view(live.session, *live.counts, was_pending=True)
            for live in self._live()
            if live.session.state == "signing_in" and shown(live.key)
        ]

    def version(self, shown: Shown = everything) -> str:
        """Return a text that changes whenever a session that is shown appears, disappears, or
        changes its state or sign-in.
        """
        return list_version(live.session for live in self._live() if shown(live.key))

    async def changed(self, seen: str, wait_s: float, shown: Shown = everything) -> None:
        """Wait until the version is not `seen`, at most `wait_s` seconds."""
        await self._lifecycle.changes.wait_for(lambda: self.version(shown) != seen, wait_s)

    def tenants(self) -> shapes.KnownTenants:
        """Return the known tenants by name, and whether there are no others (`closed`)."""
        tenants = self._directory.tenants()
        return {
            "tenants": [
                tenant_view(one, self._certificate_ends) for _, one in sorted(tenants.known.items())
            ],
            "closed": tenants.closed,
        }

    async def status(
        self, tenant: str, module: str, wait_s: float = 0, tier: shapes.Tier = "write"
    ) -> shapes.Status:
        """Return one session's state, after a pending sign-in has ended or `wait_s`.

        Raises UnknownModule, InvalidTenant.
        """
        known, _, key = self._directory.names(tenant, module, tier)
        live = self._lifecycle.table.get(key)
        if live is None:
            return no_session_view(key, sandbox=known.sandbox)
        session = live.session
        await session.changes.wait_for(
            lambda: session.state not in ("starting", "signing_in"), wait_s
        )
        return status_view(session, *live.counts, was_pending=session.take_pending())

    async def login(self, request: LoginRequest) -> shapes.Login:
        """Start or follow a sign-in.

        Raises as `Directory.to_use`, `choose_route` and `checked_request` do, and UnsafeFolder.
        """
        tenant, module, _ = self._directory.to_use(request.tenant, request.module, request.tier)
        # Refused before a session is made for it.
        request = checked_request(request, tenant, module)
        choose_route(tenant, module, request.route, request.secrets)
        live = self._lifecycle.open(request.tenant, request.module, request.tier)
        live.session.use(request.conversation_id)
        wait_s = self._settings.login_wait if request.wait_s is None else request.wait_s
        refused = await self._lifecycle.sign_ins.follow(live, request, wait_s)
        return login_view(live.session, refused)

    async def run(self, request: RunRequest, judge: Judge = anything) -> shapes.RunResult:
        """Run a command that `judge` lets run, at once or when a person has approved it.

        A `state` of shapes.OPEN in the answer means status 202. Raises as `admit` says.
        """
        one, judged = await self._prepare(request, judge)
        if judged.ask:
            await self._hold([one], judged.ask)
        else:
            self._submit(one)
        await one.run.wait(self._run_wait(request))
        return result_view(one.run)

    async def run_everywhere(
        self,
        request: RunRequest,
        tenants: Sequence[str],
        admits: Admits = everybody,
        open_to: Shown = everything,
        judge: Judge = anything,
    ) -> shapes.Everywhere:
        """Run a command in several tenants; `["*"]`: in all that are signed in to the module.

        `admits` raises a ProductError for a named tenant and module that are closed to the caller;
        `open_to` says which sessions `*` means. Raises InvalidRequest.

        One tenant failing or refusing does not affect the others.
        """
        check_command(request, self._settings.command_size)
        module = self._directory.module(request.module).key
        refusals = {one: _refusal(admits, one, module) for one in tenants}
        named = [  # two names of one tenant count once; what is refused tells no other name
            one if refusals[one] else self._directory.tenant_name(one) for one in tenants
        ]
        signed_in = (
            live.session
            for live in self._live()
            if live.key.tier == request.tier and open_to(live.key)
        )
        chosen = chosen_tenants(named, module, signed_in)
        runs = await self._begin_all(
            [(replace(request, tenant=one), refusals.get(one)) for one in chosen], judge
        )
        waits = [one.wait(self._run_wait(request)) for one in runs if isinstance(one, Run)]
        await asyncio.gather(*waits)
        return summary_view(
            module, [result_view(one) if isinstance(one, Run) else one for one in runs]
        )

    async def _begin_all(
        self, asked: Sequence[tuple[RunRequest, ProductError | None]], judge: Judge
    ) -> list[Run | shapes.Refused]:
        """Begin a command in each tenant, in the order given; those that need an approval wait for
        one that is for all of them.
        """
        begun = await asyncio.gather(*(self._begin_in_turn(*one, judge) for one in asked))
        held = [one[0] for one in begun if isinstance(one, tuple)]
        asks = [one[1] for one in begun if isinstance(one, tuple)]
        refused: ProductError | None = None
        if held:
            try:
                await self._hold(held, asks[0])
            except ProductError as error:
                refused = error
        return [
            one
            if not isinstance(one, tuple)
            else (refused_view(request, refused) if refused else one[0].run)
            for one, (request, _) in zip(begun, asked, strict=True)
        ]

    async def _begin_in_turn(
        self, request: RunRequest, refusal: ProductError | None, judge: Judge
    ) -> Run | shapes.Refused | tuple[HeldRun, Ask]:
        """Begin a command in one tenant, or return it with whom to ask first."""
        if refusal:
            return refused_view(request, refusal)
        try:
            one, judged = await self._prepare(request, judge, self._turns)
        except ProductError as error:
            return refused_view(request, error)
        if judged.ask:
            return one, judged.ask
        return self._submit(one)

    def _submit(self, one: HeldRun) -> Run:
        run = self._runs.keep(one.run)
        one.live.submit(run, run.command, gate=one.gate)
        if run.break_glass:
            for listener in self.on_glass_broken:
                listener(run)
        return run

    async def _hold(self, held: Sequence[HeldRun], ask: Ask) -> None:
        """Let runs wait for a person who is asked now. Raises as `ask` does: then there are no
        runs.
        """
        await ask(held)
        for one in held:
            self._runs.keep(one.run)
            self._held[one.run.id] = one
            one.hold()

    async def dry_run(self, request: RunRequest, dry: DryRun) -> shapes.RunResult:
        """Run a text that only says what it would change; its preview is in the answer once it has
        ended.

        Raises as `admit` says, CannotPreview, SessionBusy, StateUnknown.
        """
        check_command(request, self._settings.command_size)
        wait_s = self._run_wait(request)
        live = await self._admitted(request, max(wait_s, COMING_WAIT_S))
        check_room(live, self._settings.queued_runs)
        runner = DryRunner(live, self._directory.catalog, dry)
        state = await runner.state(max(wait_s, COMING_WAIT_S))
        run = self._runs.keep(self._proposed(live, request, Judged(dry.kind), dry_run=True))
        runner.submit(run, state)
        await run.wait(wait_s)
        return result_view(run)

    async def _previewed(self, held: HeldRun, dry: DryRun) -> shapes.Preview | None:
        """Return what a run that waits for an approval would change; None if nobody can tell, or it
        takes too long, or asks something. It is a run of its own, of the same principal.
        """
        live, one = held.live, held.run
        runner = DryRunner(live, self._directory.catalog, dry)
        state = await runner.state(PREVIEW_WAIT_S)
        if one.state != "waiting_for_approval":
            return None
        who = {"principal": one.principal, "client": one.client, "account": live.account}
        run = self._runs.add(
            live.key, one.command, options=one.options, judged=dry.kind, dry_run=True, **who
        )
        runner.submit(run, state)
        await run.wait(PREVIEW_WAIT_S)
        if not run.ended and live.queue:
            await live.queue.cancel(run, PREVIEW_STOP_WAIT_S)
        return run.preview if run.state == "succeeded" else None

    def _run_wait(self, request: RunRequest) -> float:
        return self._settings.run_wait if request.wait_s is None else request.wait_s

    async def _prepare(
        self, request: RunRequest, judge: Judge, gate: Gate | None = None
    ) -> tuple[HeldRun, Judged]:
        """Return a command's run in the session that takes it, not yet kept and not sent, and what
        is known of the command.

        Raises as `admit` and `judge` say.
        """
        check_command(request, self._settings.command_size)
        judged, carried = await self._judged(request, judge)
        live = await self._admitted(request, max(self._run_wait(request), COMING_WAIT_S))
        check_room(live, self._settings.queued_runs)
        run = self._proposed(live, request, judged, carried)
        one = HeldRun(live, run, self._record, gate, previewing=self._previewed)
        return one, judged

    def _proposed(
        self,
        live: LiveSession,
        request: RunRequest,
        judged: Judged,
        carried: Mapping[str, Any] | None = None,
        *,
        dry_run: bool = False,
    ) -> Run:
        """Return the run of a request, not yet kept and not sent."""
        run = self._runs.propose(
            live.key,
            request.command,
            options=replace(request.options, carried=carried),
            principal=request.principal,
            client=request.client,
            account=live.account,
            judged=judged.kind,
            state="waiting_for_approval" if judged.ask else "queued",
            break_glass=request.break_glass,
            trace=current_trace(),
            dry_run=dry_run,
        )
        live.session.use(request.conversation_id)
        return run

    async def _judged(
        self, request: RunRequest, judge: Judge
    ) -> tuple[Judged, Mapping[str, Any] | None]:
        """Return what is known of a command, and what carries it. Nothing but what reads runs in
        the read tier, and no tenant refuses that.
        """
        if request.tier == "read":
            carried = await self._check_read(request)
            return Judged("read"), carried.to_json() if carried else None
        module = self._directory.module(request.module).key
        return await judge(self._directory.tenant_name(request.tenant), module), None

    async def _check_read(self, request: RunRequest) -> Carried | None:
        """Return what carries a command.

        Raises for a command that the read tier does not take: as `Directory.to_use` does,
        InvalidRequest, and as the `reads` that the server was given.
        """
        _, _, key = self._directory.to_use(request.tenant, request.module, request.tier)
        if request.options.parameters:
            raise InvalidRequest("parameters", NO_PARAMETERS)
        try:
            found = await self._reads(key, [request.command], request.principal)
            return found[0]
        except (NotOnlyReading, NotCarried) as refused:
            self._audit.note(read_refused(key, request, refused))
            raise

    def run_views(
        self,
        tenant: str | None = None,
        module: str | None = None,
        state: str | None = None,
        purpose: str | None = None,
        *,
        tier: str | None = None,
        judged: str | None = None,
        break_glass: bool = False,
        limit: int = 50,
        shown: Shown = everything,
    ) -> list[shapes.Run]:
        """Return the runs that are kept and shown, newest first."""
        chosen = [
            run
            for run in self._runs.newest_first()
            if _chosen(run, tenant, module, tier, state, purpose, judged)
            and shown(run.key)
            and (run.break_glass or not break_glass)
        ]
        return [listed_view(run, self._settings.command_shown) for run in chosen[:limit]]

    def whose(self, run_id: str) -> tuple[SessionKey, str]:
        """Return the session of a run, and the principal who started it. Raises UnknownRun."""
        run = self._runs.get(run_id)
        return run.key, run.principal

    async def run_view(
        self,
        run_id: str,
        cursor: int = 0,
        wait_s: float = 0,
        limit: int = 100_000,
        seen: str | None = None,
    ) -> shapes.RunPage:
        """Return one run and its output from `cursor` (characters), at most `limit` of them.

        Raises UnknownRun.
        """
        run = self._runs.get(run_id)
        known = seen or run.state
        await run.changes.wait_for(
            lambda: run.ended or run.state != known or run.log.total_chars > cursor, wait_s
        )
        return page_view(run, run.log.read(cursor, limit), cursor)

    async def lines(self, run_id: str, query: LinesQuery) -> shapes.LinesPage:
        """Return lines of a run's output, or those that a search finds.

        Raises UnknownRun, InvalidRequest.
        """
        run = self._runs.get(run_id)
        return lines_view(run, await self._reader.read(run.log, query))

    async def query(self, run_id: str, query: ObjectsQuery) -> shapes.RunResult:
        """Query a run's objects; the answer is a run of its own.

        Raises UnknownRun, as `check_kept` and `refusal` say, and as `admit` does for a session that
        cannot answer now.
        """
        run = self._runs.get(run_id)
        live = self._lifecycle.table.get(run.key)
        check_kept(run, live.session if live else None)
        caller = {"principal": query.principal, "client": query.client}
        live = admit(run.key, live, run_signed_out=True, **caller)
        check_room(live, self._settings.queued_runs)
        tag = new_tag()
        asked = RunOptions(
            query.parameters(run.message_id, tag), query.format, query.width or RunOptions().width
        )
        facts = {**caller, "account": live.account, "trace": current_trace()}
        asking = self._runs.add(
            live.key, query.title(run.id), options=asked, purpose="query", **facts
        )
        live.submit(
            asking,
            query_script(),
            QueryRecorder(asking, run.id, str(live.key), tag),
            store_history=False,
        )
        await asking.wait(self._settings.run_wait if query.wait_s is None else query.wait_s)
        if asking.refusal:
            raise asking.refusal
        return result_view(asking)

    async def find(
        self,
        name: str,
        words: str,
        limit: int,
        wait_s: float,
        *,
        principal: str = "token",
        client: str = "",
    ) -> shapes.Commands:
        """Return the commands of a session (`tenant:module`) that match the words, even if it is
        signed out.

        Raises SessionBusy, CommandSearchFailed, and as `Directory.names` and `admit` do.
        """
        _, _, key = self._directory.named(name, DEFAULT_MODULE)
        live = self._lifecycle.table.get(key)
        if live is not None:
            session = live.session
            await session.changes.wait_for(lambda: session.state != "starting", wait_s)
        live = admit(key, live, run_signed_out=True, principal=principal, client=client)
        check_room(live, self._settings.queued_runs)
        search = CommandSearch(live, self._commands, wait_s, principal, client)
        found = await search.find(words, limit)
        return {"success": True, "session": str(key), "state": live.session.state, **found}

    async def notebook(
        self, name: str, *, principal: str = "token", client: str = ""
    ) -> shapes.ForeignJson:
        """Return the commands of a session (`tenant:module`) as an .ipynb, even if it is closed.

        Raises UnknownSession for one that has neither a state nor runs, and as `Directory.names`
        does.
        """
        _, _, key = self._directory.named(name, DEFAULT_MODULE)
        live, runs = self._lifecycle.table.get(key), self._runs.of(key)
        if live is None and not runs:
            raise UnknownSession(tenant=key.tenant, module=key.module, tier=key.tier)
        self._audit.note(of_session(Kind.EXPORTED, key, principal, client, what="notebook"))
        return await evidence(key, live.session if live else None, runs, now())

    async def run_notebook(
        self, run_id: str, *, principal: str = "token", client: str = ""
    ) -> shapes.ForeignJson:
        """Return one run as an .ipynb. Raises UnknownRun."""
        run = self._runs.get(run_id)
        live = self._lifecycle.table.get(run.key)
        self._audit.note(of_run(Kind.EXPORTED, run, principal, client, what="notebook"))
        return await evidence(run.key, live.session if live else None, [run], now())

    async def cancel(
        self, run_id: str, wait_s: float = 5, *, principal: str = "token", client: str = ""
    ) -> shapes.Run:
        """Stop a run; its `stopping` is true when it has not ended within `wait_s`.

        Raises UnknownRun.
        """
        run = self._runs.get(run_id)
        live = self._lifecycle.table.get(run.key)
        if held := self._held_run(run):
            self._audit.note(of_run(Kind.RUN_CANCELLED, run, principal, client))
            held.end("", WITHDRAWN)
        elif live and live.queue and not run.ended:
            self._audit.note(of_run(Kind.RUN_CANCELLED, run, principal, client))
            await live.queue.cancel(run, wait_s)
        return run_view(run)

    def _held_run(self, run: Run) -> HeldRun | None:
        return self._held.get(run.id) if run.state == "waiting_for_approval" else None

    async def cancel_all(
        self,
        chosen: Callable[[SessionKey, str], bool],
        wait_s: float = 5,
        *,
        principal: str = "token",
        client: str = "",
    ) -> list[shapes.Run]:
        """Stop the commands that are not at their end in the sessions, and by the principals, that
        are chosen.
        """
        ids = [
            run.id
            for run in self._runs.newest_first()
            if not run.ended and run.purpose == "command" and chosen(run.key, run.principal)
        ]
        who = {"principal": principal, "client": client}
        return await asyncio.gather(*(self.cancel(one, wait_s, **who) for one in ids))

    async def answer(
        self,
        run_id: str,
        value: Any,
        *,
        for_other: bool = False,
        principal: str = "token",
        client: str = "",
    ) -> shapes.Run:
        """Answer the prompt of a run; `for_other`: in place of whoever started it.

        Raises UnknownRun, RunNotWaiting, AnswerOfAnother, InvalidRequest, AuditUnavailable.
        """
        run, live = self._waiting(run_id, for_other or (principal, client))
        if run.prompt is not None:
            check_answer(run.prompt, value)
        self._audit.require(
            of_run(Kind.PROMPT_ANSWERED, run, principal, client, for_other=for_other)
        )
        if not (live.queue and live.queue.answer(run, value, principal)):
            raise RunNotWaiting(run_id=run.id, state=run.state)
        live.session.use()
        return run_view(run)

    async def refuse(
        self,
        run_id: str,
        reason: str = "the caller refused to answer",
        *,
        for_other: bool = False,
        principal: str = "token",
        client: str = "",
    ) -> shapes.Run:
        """Refuse the prompt of a run. Raises UnknownRun, RunNotWaiting, AnswerOfAnother."""
        run, live = self._waiting(run_id, for_other or (principal, client))
        self._audit.note(of_run(Kind.PROMPT_REFUSED, run, principal, client, for_other=for_other))
        if not (live.queue and live.queue.refuse(run, reason, principal)):
            raise RunNotWaiting(run_id=run.id, state=run.state)
        return run_view(run)

    async def disconnect(
        self,
        tenant: str,
        module: str,
        *,
        tier: shapes.Tier = "write",
        forget: bool = False,
        principal: str = "token",
        client: str = "",
    ) -> shapes.Disconnected:
        """Sign out and close the session; `forget`: also remove its HOME.

        Raises UnknownSession.
        """
        _, _, key = self._directory.names(tenant, module, tier)
        live = self._lifecycle.table.get(key)
        done = of_session(Kind.DISCONNECTED, key, principal, client, forget=forget)
        if live is not None:
            self._audit.note(done)
            await self._lifecycle.disconnect(live, forget=forget)
            return {"success": True, "message": f"Disconnected {key}"}
        if forget and await self._lifecycle.forget_home(key):
            self._audit.note(done)
            return {"success": True, "message": f"Forgot what {key} kept on disk"}
        raise UnknownSession(tenant=tenant, module=module, tier=tier)

    async def kill(
        self,
        tenant: str,
        module: str,
        *,
        tier: shapes.Tier = "write",
        principal: str = "token",
        client: str = "",
    ) -> shapes.Killed:
        """End the session's processes at once."""
        live = self._lifecycle.find(tenant, module, tier)
        if live is None:
            return {
                "success": True,
                "killed": False,
                "message": f"No session for {SessionKey(tenant, module, tier)}",
            }
        self._audit.note(of_session(Kind.KILLED, live.key, principal, client))
        await self._lifecycle.kill(live)
        return {"success": True, "killed": True, "message": f"Force killed {live.key}"}

    def _live(self) -> list[LiveSession]:
        return list(self._lifecycle.table.values())

    async def _admitted(self, request: RunRequest, wait_s: float) -> LiveSession:
        """Return the session that takes the command, once it has started."""
        tenant, module, key = self._directory.to_use(request.tenant, request.module, request.tier)
        live = self._lifecycle.table.get(key)
        if live is not None and live.ending:
            live = None  # its commands would be cancelled
        alone = _comes_alone(live, tenant, module)
        if alone or (live is None and self._settings.run_signed_out):
            live = self._lifecycle.open(request.tenant, request.module, request.tier, alone=alone)
        if live is not None:
            session = live.session
            limit = OLD_CODE_WAIT_S if live.awaits_old_code else wait_s
            await session.changes.wait_for(lambda: not _coming(session), limit)
            if live.awaits_old_code:
                raise NotSignedIn(key.tenant, key.module, reason=session.reason, tier=key.tier)
        return admit(
            key,
            live,
            run_signed_out=self._settings.run_signed_out,
            principal=request.principal,
            client=request.client,
        )

    def _wanted_at_start(self) -> list[SessionKey]:
        """Return the sessions to open at the start: those of the setting, and those marked in the
        tenants file.
        """
        wanted = [SessionKey.parse(one) for one in self._settings.restore]
        for tenant in self._directory.tenants().known.values():
            tiers: tuple[tuple[shapes.Tier, Mapping[str, ModuleAccess]], ...] = (
                ("write", tenant.modules),
                ("read", tenant.read),
            )
            wanted += [
                SessionKey(tenant.name, module, tier)
                for tier, accesses in tiers
                for module, access in accesses.items()
                if access.restore
            ]
        return list(dict.fromkeys(wanted))

    def _waiting(
        self, run_id: str, answerer: tuple[str, str] | Literal[True]
    ) -> tuple[Run, LiveSession]:
        """Return a run with an open prompt; `answerer` must be whoever started it, or True."""
        run = self._runs.get(run_id)
        live = self._lifecycle.table.get(run.key)
        if live is None or run.prompt is None:
            raise RunNotWaiting(run_id=run.id, state=run.state)
        if answerer is not True and not run.asks(*answerer):
            raise AnswerOfAnother(run_id=run.id, asker=run.asker)
        return run, live


def _comes_alone(live: LiveSession | None, tenant: Tenant, module: Module) -> bool:
    """Return whether a session that is not signed in can be signed in now without a person."""
    if live is not None and not live.session.gone and live.session.state != "signed_out":
        return False
    kept = live is not None and live.session.state == "lost" and live.session.route is not None
    return signs_in_alone(tenant, module) or bool(kept and live.session.route.survives == "cache")  # type: ignore[union-attr]


def _refusal(admits: Admits, tenant: str, module: str) -> ProductError | None:
    try:
        admits(tenant, module)
    except ProductError as refusal:
        return refusal
    return None


def _coming(session: Session) -> bool:
    """Return whether it will soon be known, without anybody's help, whether the session is signed
    in.
    """
    sign_in = session.sign_in
    by_itself = sign_in is not None and not (sign_in.attended and sign_in.route.asks_person)
    return session.state == "starting" or (session.state == "signing_in" and by_itself)


def _chosen(run: Run, *wanted_facts: str | None) -> bool:
    wanted = zip(
        wanted_facts,
        (run.key.tenant, run.key.module, run.key.tier, run.state, run.purpose, run.judged),
        strict=True,
    )
    return all(asked is None or asked.lower() == actual for asked, actual in wanted)
