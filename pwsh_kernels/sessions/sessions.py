"""The facade that the web layer uses: every act on sessions and runs, in the JSON shapes of docs/rest.md."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, cast

from pwsh_kernels.catalog import Catalog, Tenants
from pwsh_kernels.errors import InvalidRequest, RunNotWaiting, UnknownSession
from pwsh_kernels.messages import options_metadata, read_options
from pwsh_kernels.records import OutputFormat, RunOptions
from pwsh_kernels.sessions.admission import admit
from pwsh_kernels.sessions.answers import check_answer
from pwsh_kernels.sessions.directory import Directory
from pwsh_kernels.sessions.launcher import Launcher
from pwsh_kernels.sessions.lifecycle import Lifecycle
from pwsh_kernels.sessions.live import LiveSession
from pwsh_kernels.sessions.manager import SessionKernelManager
from pwsh_kernels.sessions.requests import LoginRequest, RunRequest
from pwsh_kernels.sessions.run import Run
from pwsh_kernels.sessions.runs import Runs
from pwsh_kernels.sessions.session import Session
from pwsh_kernels.sessions.tasks import Tasks
from pwsh_kernels.sessions.views import (
    no_session_view,
    page_view,
    result_view,
    run_view,
    session_view,
    status_view,
)
from pwsh_kernels.sessions.watchdog import Watchdog
from pwsh_kernels.settings import Settings


class Sessions:
    """All sessions and runs of one server. Every method may be called at any time from the event loop."""

    def __init__(
        self,
        settings: Settings,
        kernel_manager: SessionKernelManager,
        catalog: Catalog,
        tenants: Tenants,
        sandbox: Mapping[str, str],
    ) -> None:
        """`sandbox`: environment variables that sessions of sandbox tenants get."""
        self._settings = settings
        self._runs = Runs(settings.data_dir / "runs", settings.run_memory, settings.runs_kept, settings.runs_max_age)
        self._directory = Directory(catalog, tenants)
        launcher = Launcher(settings, sandbox)
        self._lifecycle = Lifecycle(settings, kernel_manager, self._directory, launcher, self._runs)
        self._watchdog = Watchdog(settings, self._live, self._lifecycle.disconnect, self._runs.forget_old)
        self._tasks = Tasks()
        self._running = False

    async def start(self) -> None:
        """Find the kernels that outlived an earlier server and watch them; start the watchdog."""
        self._runs.remove_leftovers()
        await self._lifecycle.adopt_all()
        self._tasks.start(self._watchdog.run(), "watchdog")
        self._running = True

    async def stop(self) -> None:
        """Let go of every kernel without ending it."""
        self._running = False
        await self._tasks.end_all()
        await self._lifecycle.detach_all()
        self._runs.close()

    def health(self) -> dict[str, Any]:
        """Return `{"sessions": {state: count}, "runs": {state: count}}`."""
        return {
            "sessions": dict(Counter(live.session.state for live in self._live())),
            "runs": dict(Counter(run.state for run in self._runs.newest_first())),
        }

    def watchdog(self) -> dict[str, Any]:
        """Return `{"running", "config": {...}}` of GET /watchdog."""
        return self._watchdog.view(running=self._running)

    def views(self) -> list[dict[str, Any]]:
        """Return every session; runs nothing and waits for nothing."""
        return [session_view(live.session, *live.counts) for live in self._live()]

    async def status(self, tenant: str, module: str, wait_s: float = 0) -> dict[str, Any]:
        """Return one session's state, after a pending sign-in has ended or `wait_s`. Raises UnknownModule, InvalidTenant."""
        known, _, key = self._directory.names(tenant, module)
        live = self._lifecycle.table.get(key)
        if live is None:
            return no_session_view(key.tenant, key.module, sandbox=known.sandbox)
        session = live.session
        await session.changes.wait_for(lambda: session.state not in ("starting", "signing_in"), wait_s)
        was_pending, session.was_pending = session.was_pending, False
        return status_view(session, *live.counts, was_pending=was_pending)

    async def login(self, request: LoginRequest) -> dict[str, Any]:
        """Start or follow a sign-in. Raises UnknownModule, InvalidTenant."""
        live = self._lifecycle.open(request.tenant, request.module)
        live.session.use(request.conversation_id)
        wait_s = self._settings.login_wait if request.wait_s is None else request.wait_s
        return await self._lifecycle.sign_ins.follow(live, request, wait_s)

    async def run(self, request: RunRequest) -> dict[str, Any]:
        """Run a command. A `code` of views.PENDING_CODES in the answer means status 202. Raises as `admit` says."""
        options = _options(request)
        wait_s = self._settings.run_wait if request.wait_s is None else request.wait_s
        live = await self._admitted(request, wait_s)
        run = self._runs.add(
            live.key,
            request.command,
            options=options,
            principal=request.principal,
            client=request.client,
            account=live.account,
        )
        live.session.use(request.conversation_id)
        live.submit(run, request.command)
        await run.wait(wait_s)
        return result_view(run)

    def run_views(
        self,
        tenant: str | None = None,
        module: str | None = None,
        state: str | None = None,
        purpose: str | None = None,
        *,
        limit: int = 50,
    ) -> list[dict[str, Any]]:
        """Return the runs that are kept, newest first."""
        chosen = [run for run in self._runs.newest_first() if _chosen(run, tenant, module, state, purpose)]
        return [run_view(run) for run in chosen[:limit]]

    async def run_view(
        self, run_id: str, cursor: int = 0, wait_s: float = 0, limit: int = 100_000, seen: str | None = None
    ) -> dict[str, Any]:
        """Return one run and its output from `cursor` (characters), at most `limit` of them. Raises UnknownRun."""
        run = self._runs.get(run_id)
        known = seen or run.state
        await run.changes.wait_for(lambda: run.ended or run.state != known or run.log.total_chars > cursor, wait_s)
        return page_view(run, run.log.read(cursor, limit), cursor)

    async def cancel(self, run_id: str, wait_s: float = 5) -> dict[str, Any]:
        """Stop a run; its `stopping` is true when it has not ended within `wait_s`. Raises UnknownRun."""
        run = self._runs.get(run_id)
        live = self._lifecycle.table.get(run.key)
        if live and live.queue and not run.ended:
            await live.queue.cancel(run, wait_s)
        return run_view(run)

    async def answer(self, run_id: str, value: Any) -> dict[str, Any]:
        """Answer the prompt of a run. Raises UnknownRun, RunNotWaiting, InvalidRequest."""
        run, live = self._waiting(run_id)
        if run.prompt is not None:
            check_answer(run.prompt, value)
        if not (live.queue and live.queue.answer(run, value)):
            raise RunNotWaiting(run_id=run.id, state=run.state)
        live.session.use()
        return run_view(run)

    async def refuse(self, run_id: str, reason: str = "the caller refused to answer") -> dict[str, Any]:
        """Refuse the prompt of a run. Raises UnknownRun, RunNotWaiting."""
        run, live = self._waiting(run_id)
        if not (live.queue and live.queue.refuse(run, reason)):
            raise RunNotWaiting(run_id=run.id, state=run.state)
        return run_view(run)

    async def disconnect(self, tenant: str, module: str) -> dict[str, Any]:
        """Sign out and close the session. Raises UnknownSession."""
        live = self._lifecycle.find(tenant, module)
        if live is None:
            raise UnknownSession(tenant=tenant, module=module)
        await self._lifecycle.disconnect(live)
        return {"success": True, "message": f"Disconnected {live.key}"}

    async def kill(self, tenant: str, module: str) -> dict[str, Any]:
        """End the session's processes at once."""
        live = self._lifecycle.find(tenant, module)
        if live is None:
            return {"success": True, "killed": False, "message": f"No session for {tenant}:{module}"}
        await self._lifecycle.kill(live)
        return {"success": True, "killed": True, "message": f"Force killed {live.key}"}

    def _live(self) -> list[LiveSession]:
        return list(self._lifecycle.table.values())

    async def _admitted(self, request: RunRequest, wait_s: float) -> LiveSession:
        """Return the session that takes the command; one that starts is waited for."""
        _, _, key = self._directory.names(request.tenant, request.module)
        live = self._lifecycle.table.get(key)
        if live is None and self._settings.run_signed_out:
            live = self._lifecycle.open(request.tenant, request.module)
        session: Session | None = live.session if live else None
        if session is not None:
            await session.changes.wait_for(lambda: session.state != "starting", wait_s)
        admit(key, session, live.active if live else None, run_signed_out=self._settings.run_signed_out)
        assert live is not None  # noqa: S101 - told to mypy: `admit` refuses a session that does not exist
        return live

    def _waiting(self, run_id: str) -> tuple[Run, LiveSession]:
        run = self._runs.get(run_id)
        live = self._lifecycle.table.get(run.key)
        if live is None or run.prompt is None:
            raise RunNotWaiting(run_id=run.id, state=run.state)
        return run, live


def _options(request: RunRequest) -> RunOptions:
    """Return what the request asks of the execution. Raises InvalidRequest that names the request's field."""
    if not request.command.strip():
        raise InvalidRequest(field="command", problem="is empty")
    asked = RunOptions(
        parameters=request.parameters,
        format=cast(OutputFormat, request.format),  # read_options is what checks it
        width=request.width or RunOptions().width,
        max_chars=request.max_chars,
    )
    try:
        return read_options(options_metadata(asked))
    except InvalidRequest as error:
        raise InvalidRequest(field=error.field.removeprefix("pwsh."), problem=error.problem) from None


def _chosen(run: Run, *wanted_facts: str | None) -> bool:
    wanted = zip(wanted_facts, (run.key.tenant, run.key.module, run.state, run.purpose), strict=True)
    return all(asked is None or asked.lower() == actual for asked, actual in wanted)
