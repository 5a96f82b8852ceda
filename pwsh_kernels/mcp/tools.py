"""The seven tools, defined once over the Backend interface."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import anyio
import mcp_types as types
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.tools.base import Tool
from pydantic import AliasChoices, BaseModel, Field

from pwsh_kernels.catalog import RouteName
from pwsh_kernels.errors import AnswerLost, InvalidRequest, ProductError, RequestRefused
from pwsh_kernels.mcp import models, results
from pwsh_kernels.mcp.backend import Backend
from pwsh_kernels.mcp.output import MAX_CHARS
from pwsh_kernels.mcp.schema import strict_tool
from pwsh_kernels.mcp.waiting import Waiting, read_output, wait_for_run, wait_for_sign_in
from pwsh_kernels.records import OutputFormat

MAX_WAIT = 45
"""Seconds of one call: the TypeScript SDKs give up at 60 (measured: mcp.md)."""

START_SHIELD = 40.0
"""Seconds in which a command that was already sent may still tell its run id after the client cancelled the call."""

MIN_TENANT_CHARS = 500
"""Characters of each tenant's output in an answer about many."""

CANCEL_WAIT = 5.0
"""Seconds to wait until PowerShell has stopped."""

Json = dict[str, Any]
# connectionName is what the original pwsh-manager called it; prompts that say so keep working.
Tenant = Annotated[
    str,
    Field(validation_alias=AliasChoices("tenant", "connectionName"), description="The tenant's domain, such as contoso.com"),
]
Module = Annotated[str, Field(description="Service; pwsh_sessions lists them")]
Route = Annotated[RouteName | None, Field(description="Way to sign in; omit it for the tenant's configured one")]
RunId = Annotated[str, Field(description="From pwsh_run")]
WaitSeconds = Annotated[float, Field(ge=0, le=MAX_WAIT, description="Seconds to wait at most")]


@dataclass(frozen=True, slots=True)
class ToolFacts:
    """What a client is told about a tool beside its arguments."""

    title: str
    description: str
    annotations: types.ToolAnnotations


def _hints(read_only: bool, destructive: bool, idempotent: bool) -> types.ToolAnnotations:
    return types.ToolAnnotations(
        read_only_hint=read_only, destructive_hint=destructive, idempotent_hint=idempotent, open_world_hint=True
    )


FACTS: dict[str, ToolFacts] = {
    "pwsh_login": ToolFacts(
        "Sign in",
        "Start the sign-in of a tenant's session, once per tenant and module; everyone who uses this server shares it. "
        "Returns a device code and an address for the person, not for you. Calling it again while one is pending returns "
        "the same code. Not needed when pwsh_status says signed_in.",
        _hints(read_only=False, destructive=False, idempotent=True),
    ),
    "pwsh_status": ToolFacts(
        "Session status",
        "Say whether a tenant's session is signed in, as which account, and what it runs. Returns at once. To wait for a "
        "person to sign in, use pwsh_wait.",
        _hints(read_only=True, destructive=False, idempotent=True),
    ),
    "pwsh_run": ToolFacts(
        "Run PowerShell",
        "Run a PowerShell command or script in a tenant's signed-in session; variables stay for the next call. Example: "
        "tenant contoso.com, command Get-Mailbox -ResultSize 3. Give values as parameters with a param() block instead of "
        "pasting them into the command. Long output is shown by head and tail. A command that takes longer than wait_s "
        "goes on: follow it with pwsh_wait, do not run it again.",
        _hints(read_only=False, destructive=True, idempotent=False),
    ),
    "pwsh_wait": ToolFacts(
        "Wait",
        "Wait for a run (run_id) to end, or for a person to finish a sign-in (tenant, module). With cursor: the run's "
        "output from that character on, to page through long output.",
        _hints(read_only=True, destructive=False, idempotent=True),
    ),
    "pwsh_cancel": ToolFacts(
        "Cancel a run",
        "Stop a run. The session stays signed in; what the command has done already stays done.",
        _hints(read_only=False, destructive=True, idempotent=True),
    ),
    "pwsh_sessions": ToolFacts(
        "List sessions",
        "List all sessions with state, account and running command, and the modules there are. Runs nothing in them.",
        _hints(read_only=True, destructive=False, idempotent=True),
    ),
    "pwsh_disconnect": ToolFacts(
        "Sign out",
        "Sign out and close a session for everyone who uses it; its variables are lost. Only when the person asks for it.",
        _hints(read_only=False, destructive=True, idempotent=True),
    ),
}

TOOL_NAMES = tuple(FACTS)


def build_tools(backend: Backend) -> list[Tool]:
    """Return the tools, in the order of TOOL_NAMES."""
    tools = Tools(backend)
    return [_build(getattr(tools, name), name) for name in TOOL_NAMES]


def _build(function: Callable[..., Any], name: str) -> Tool:
    facts = FACTS[name]
    return strict_tool(function, name, facts.title, facts.description, facts.annotations)


class Tools:
    """The tools' functions; they hold nothing but the backend."""

    def __init__(self, backend: Backend) -> None:
        """All tools speak to one backend."""
        self._backend = backend

    async def pwsh_login(
        self, ctx: Context[Any, Any], tenant: Tenant, module: Module = "exo", route: Route = None
    ) -> Annotated[types.CallToolResult, models.SessionResult]:
        """Start or follow a sign-in; returns as soon as there is a code."""
        notice = await self._backend.ready()
        waiting = Waiting(MAX_WAIT, ctx.report_progress)
        async with waiting.signs_of_life(f"starting the sign-in to {tenant}:{module}"):
            facts = await self._backend.login(tenant, module, MAX_WAIT, route)
        return _session_answer(facts, notice)

    async def pwsh_status(
        self, tenant: Tenant, module: Module = "exo"
    ) -> Annotated[types.CallToolResult, models.SessionResult]:
        """Return a session's state."""
        notice = await self._backend.ready()
        return _session_answer(await self._backend.status(tenant, module, 0), notice)

    async def pwsh_run(  # noqa: PLR0917 - the tool's arguments, always named
        self,
        ctx: Context[Any, Any],
        command: Annotated[str, Field(min_length=1)],
        tenant: Tenant = "",
        tenants: Annotated[
            list[str] | Literal["*"] | None, Field(description='Several tenants at once; "*": all signed in to the module')
        ] = None,
        module: Module = "exo",
        parameters: Annotated[Json | None, Field(description="Values for the command's param() block")] = None,
        format: OutputFormat = "text",  # noqa: A002 - the name of the REST API
        wait_s: WaitSeconds = MAX_WAIT,
    ) -> Annotated[types.CallToolResult, models.RunResult]:
        """Run a command; cancelling the call cancels its run."""
        if bool(tenant) == bool(tenants):
            raise InvalidRequest("tenant", "or tenants must be given, and not both")
        notice = await self._backend.ready()
        waiting = Waiting(wait_s, ctx.report_progress)
        options: Json = {"parameters": parameters, "format": format}
        if tenants:
            return await self._run_everywhere(tenants, module, command, options, waiting, notice)
        run = await self._start(tenant, module, command, options)
        try:
            run = await wait_for_run(self._backend, run, waiting)
            return await self._run_answer(run, 0, notice)
        except anyio.get_cancelled_exc_class():
            await self._cancel_quietly(run["run_id"])
            raise

    async def pwsh_wait(  # noqa: PLR0917 - the tool's arguments, always named
        self,
        ctx: Context[Any, Any],
        run_id: RunId = "",
        tenant: Tenant = "",
        module: Module = "exo",
        cursor: Annotated[int, Field(ge=0, description="next_cursor of an earlier answer")] = 0,
        wait_s: WaitSeconds = MAX_WAIT,
    ) -> Annotated[types.CallToolResult, models.WaitResult]:
        """Wait for a run or a sign-in; cancelling the call ends only the waiting."""
        if bool(run_id) == bool(tenant):
            raise InvalidRequest("run_id", "or tenant must be given, and not both")
        notice = await self._backend.ready()
        waiting = Waiting(wait_s, ctx.report_progress)
        if tenant:
            return _awaited_sign_in(await wait_for_sign_in(self._backend, tenant, module, waiting), notice)
        run = await self._backend.read_run(run_id, cursor, 0, 1)
        # Output beyond the cursor is what a paging caller asked for: it need not wait for the end.
        if not (cursor and run["entries"]):
            run = await wait_for_run(self._backend, run, waiting)
        return await self._run_answer(run, cursor, notice, awaited=True)

    async def pwsh_cancel(self, run_id: RunId) -> Annotated[types.CallToolResult, models.RunResult]:
        """Stop a run and show what it printed."""
        notice = await self._backend.ready()
        run = await self._backend.cancel(run_id, CANCEL_WAIT)
        return await self._run_answer(run, 0, notice, failure_is_error=False)

    async def pwsh_sessions(self) -> Annotated[types.CallToolResult, models.SessionsResult]:
        """List sessions and modules."""
        notice = await self._backend.ready()
        result = results.sessions_result(await self._backend.sessions(), await self._backend.modules(), notice)
        return _answer(result, results.sessions_text(result))

    async def pwsh_disconnect(
        self,
        tenant: Tenant,
        confirmation: Literal["DISCONNECT"],  # noqa: ARG002 - that it is there is the confirmation
        module: Module = "exo",
        forget: Annotated[bool, Field(description="Also remove what is kept of the sign-in on disk")] = False,
    ) -> Annotated[types.CallToolResult, models.DisconnectResult]:
        """Sign out and close a session."""
        notice = await self._backend.ready()
        facts = await self._backend.disconnect(tenant, module, forget)
        result = models.DisconnectResult(session=f"{tenant}:{module}", message=facts["message"], notice=notice)
        return _answer(result, f"{notice}\n{result.message}".strip())

    async def _start(self, tenant: str, module: str, command: str, options: Json) -> Json:
        """Start a run. A cancelled call still learns the id of what it has started, and stops it."""
        with anyio.move_on_after(START_SHIELD, shield=True):
            return await self._backend.start_run(tenant, module, command, options)
        raise AnswerLost(url=f"{tenant}:{module}", reason=f"no run id within {START_SHIELD:.0f} s")

    async def _run_everywhere(  # noqa: PLR0917 - what pwsh_run was called with
        self, tenants: list[str] | Literal["*"], module: str, command: str, options: Json, waiting: Waiting, notice: str
    ) -> types.CallToolResult:
        runs = await self._start_everywhere(tenants, module, command, options)
        room = max(MIN_TENANT_CHARS, MAX_CHARS // len(runs))
        try:
            found = await asyncio.gather(*(self._tenant_result(one, waiting, room) for one in runs))
        except anyio.get_cancelled_exc_class():
            for one in runs:
                await self._cancel_quietly(one.get("run_id") or "")
            raise
        result = results.tenants_result(list(found), notice)
        return _answer(result, results.tenants_text(result), is_error=result.state == "failed")

    async def _start_everywhere(
        self, tenants: list[str] | Literal["*"], module: str, command: str, options: Json
    ) -> list[Json]:
        with anyio.move_on_after(START_SHIELD, shield=True):
            started = await self._backend.start_everywhere(tenants, module, command, options)
            return list(started["results"])
        raise AnswerLost(url=f"{tenants}:{module}", reason=f"no run ids within {START_SHIELD:.0f} s")

    async def _tenant_result(self, run: Json, waiting: Waiting, room: int) -> models.TenantResult:
        """Wait for the run in one tenant and tell the client when it has ended."""
        if not run.get("run_id"):
            return results.tenant_result(run, None)
        run = await wait_for_run(self._backend, run, waiting)
        await waiting.tell(f"{run['tenant']}: {run['state']}")
        run, shown = await read_output(self._backend, run, 0, room)
        return results.tenant_result(run, shown)

    async def _cancel_quietly(self, run_id: str) -> None:
        if not run_id:
            return
        with anyio.move_on_after(CANCEL_WAIT, shield=True):
            try:
                await self._backend.cancel(run_id, 0)
            except ProductError:  # the client is gone: nobody is left to tell
                return

    async def _run_answer(
        self, run: Json, cursor: int, notice: str, *, awaited: bool = False, failure_is_error: bool = True
    ) -> types.CallToolResult:
        run, shown = await read_output(self._backend, run, cursor)
        result = results.run_result(run, shown, notice)
        whole = models.WaitResult(run=result) if awaited else result
        return _answer(whole, results.run_text(result, shown), is_error=failure_is_error and results.is_failure(run))


def _session_answer(facts: Json, notice: str) -> types.CallToolResult:
    if not facts.get("success", True):
        where = {name: facts.get(name) for name in ("tenant", "module")}
        raise RequestRefused(200, facts.get("code") or "", facts.get("error") or "The sign-in failed.", where)
    result = results.session_result(facts, notice)
    return _answer(result, results.session_text(result))


def _awaited_sign_in(facts: Json, notice: str) -> types.CallToolResult:
    result = results.session_result(facts, notice)
    ended_badly = result.state not in ("signed_in", "starting", "signing_in")
    return _answer(models.WaitResult(session=result), results.session_text(result), is_error=ended_badly)


def _answer(result: BaseModel, text: str, *, is_error: bool = False) -> types.CallToolResult:
    content: list[types.ContentBlock] = [types.TextContent(type="text", text=text)]
    return types.CallToolResult(content=content, structured_content=result.model_dump(mode="json"), is_error=is_error)
