"""The eleven tools: their descriptions for models, and their arguments; defined once over the
Backend interface.
"""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import mcp_types as types
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.tools.base import Tool
from pydantic import AliasChoices, BaseModel, Field

from pwsh_kernels.catalog import RouteName
from pwsh_kernels.errors import InvalidRequest
from pwsh_kernels.mcp.answers import (
    arguments,
    command_results,
    models,
    run_results,
    session_results,
)
from pwsh_kernels.mcp.answers.questions import value_of
from pwsh_kernels.mcp.backend import CLIENT_NAME, Backend
from pwsh_kernels.mcp.calls import reading_output, running
from pwsh_kernels.mcp.calls.call import CANCEL_WAIT, MAX_WAIT, Call, begin
from pwsh_kernels.mcp.calls.following import follow
from pwsh_kernels.mcp.calls.signing_in import sign_in
from pwsh_kernels.mcp.calls.waiting import read_output, wait_for_sign_in
from pwsh_kernels.mcp.strict_tool import strict_tool
from pwsh_kernels.principals.verbs import Verb
from pwsh_kernels.records import OutputFormat
from pwsh_kernels.shapes import ForeignJson, LinesRange, QueryArguments, Run, RunArguments, Tier

OUTCOMES = ("succeeded", "failed")
"""States in which a run has come to its own end, whatever was declined meanwhile."""
VERB = "pwsh-kernels/verb"
"""Key of a tool's metadata that holds the verb which its caller needs (docs/governance.md)."""
RECENT_RUNS = 5
"""Runs that pwsh_status names."""
MOST_FOUND = 25
"""Commands of one answer of pwsh_find."""

Asked = types.InputRequiredResult
"""What a call of the era of 2026-07-28 returns when the person has to be asked first."""
# connectionName is what pwsh-manager, the predecessor, called it; prompts that say so keep working.
Tenant = Annotated[
    str,
    Field(
        validation_alias=AliasChoices("tenant", "connectionName"),
        description="Its domain, such as contoso.com",
    ),
]
Module = Annotated[str, Field(description="Service; pwsh_sessions lists them")]
Read = Annotated[bool, Field(description="pwsh_read's session")]
Route = Annotated[
    RouteName | None, Field(description="Omit it for the tenant's usual way to sign in")
]
RunId = Annotated[str, Field(description="From pwsh_run")]
WaitSeconds = Annotated[float, Field(ge=0, le=MAX_WAIT)]
Cursor = Annotated[int, Field(ge=0, description="next_cursor of an earlier answer")]
Texts = list[str] | str | None
Format = Literal["text", "json", "csv", "list"]
FORMATS: Mapping[str, OutputFormat] = {"text": "compact"}
"""Formats of the REST API that have another name here: a model pays for padding and loses what a
width cuts off.
"""


@dataclass(frozen=True, slots=True)
class ToolFacts:
    """The description of a tool for clients, besides its arguments.

    `verb` is what its caller needs; the routes that it calls enforce it.
    """

    title: str
    verb: Verb
    description: str
    annotations: types.ToolAnnotations


def _hints(read_only: bool, destructive: bool, idempotent: bool) -> types.ToolAnnotations:
    return types.ToolAnnotations(
        read_only_hint=read_only,
        destructive_hint=destructive,
        idempotent_hint=idempotent,
        open_world_hint=True,
    )


FACTS: dict[str, ToolFacts] = {
    "pwsh_login": ToolFacts(
        "Sign in",
        Verb.SIGN_IN,
        "Start the sign-in of a tenant's session, once per tenant and module; everyone who uses"
        " this server shares it. Returns a device code and an address for the person, not for you."
        " While one is pending: the same code. Not needed when pwsh_status says signed_in, nor"
        " before pwsh_run, which starts it too.",
        _hints(read_only=False, destructive=False, idempotent=True),
    ),
    "pwsh_status": ToolFacts(
        "Session status",
        Verb.SEE,
        "Say at once whether a tenant's session is signed in, as which account, what it runs, and"
        " its newest runs: also after an answer got lost. To wait for a person to sign in, use"
        " pwsh_wait.",
        _hints(read_only=True, destructive=False, idempotent=True),
    ),
    "pwsh_run": ToolFacts(
        "Run PowerShell",
        Verb.WRITE,
        "Run a PowerShell command or script in a tenant's signed-in session; variables stay for the"
        " next call. Example: tenant contoso.com, command Get-Mailbox -ResultSize 3. Several"
        " tenants at once: tenants [contoso.com, fabrikam.com]. Give values as parameters with a"
        " param() block instead of pasting them into the command. Signed out: starts the sign-in"
        " and runs nothing. A command that takes longer than wait_s continues: follow it with"
        " pwsh_wait, do not run it again. Never run it again to see more or to sort and filter: use"
        " pwsh_output. Unsure of a cmdlet: pwsh_find.",
        _hints(read_only=False, destructive=True, idempotent=False),
    ),
    "pwsh_read": ToolFacts(
        "Read with PowerShell",
        Verb.READ,
        "Run PowerShell that only reads, in a tenant's session for reading, which has an account of"
        " its own. For looking, use it before pwsh_run. What could change anything is refused, with"
        " the piece and how to write it. Signs nobody in: pwsh_login with read. Else as pwsh_run.",
        _hints(read_only=True, destructive=False, idempotent=True),
    ),
    "pwsh_wait": ToolFacts(
        "Wait",
        Verb.SEE,
        "Wait for a run (run_id) to end, or for a person to finish a sign-in (tenant, module). With"
        " cursor: show the run's output from there on. Not for output of an ended run:"
        " pwsh_output.",
        _hints(read_only=True, destructive=False, idempotent=True),
    ),
    "pwsh_output": ToolFacts(
        "Read output",
        Verb.READ,
        'Read a run\'s output again without running it again: from cursor on; or lines "200-260",'
        ' "-50" (the last 50); or search, a regular expression; or its objects by where, sort_by,'
        " select. Example: sort_by ItemCount desc, first 10, select [DisplayName, ItemCount], where"
        ' ["ItemCount gt 1000", "City like Ro*"].',
        _hints(read_only=True, destructive=False, idempotent=True),
    ),
    "pwsh_answer": ToolFacts(
        "Answer a question",
        Verb.ANSWER,
        "Answer what a run in state waiting_for_input asks, then wait for the run. Ask the person"
        " before you confirm a change. Passwords and other secrets are refused: a person answers"
        " those elsewhere.",
        _hints(read_only=False, destructive=True, idempotent=False),
    ),
    "pwsh_cancel": ToolFacts(
        "Cancel a run",
        Verb.WRITE,
        "Stop a run. The session stays signed in; what the command has already done remains.",
        _hints(read_only=False, destructive=True, idempotent=True),
    ),
    "pwsh_find": ToolFacts(
        "Find commands",
        Verb.READ,
        "Find commands of a session by words, with purpose and syntax, instead of guessing names."
        ' Example: words "mailbox permission". A command\'s exact name gives its whole syntax.',
        _hints(read_only=True, destructive=False, idempotent=True),
    ),
    "pwsh_sessions": ToolFacts(
        "List sessions",
        Verb.SEE,
        "List all sessions with state, account and running command, and the available modules. Runs"
        " nothing in them.",
        _hints(read_only=True, destructive=False, idempotent=True),
    ),
    "pwsh_disconnect": ToolFacts(
        "Sign out",
        Verb.END,
        "Sign out and close a session for everyone who uses it; its variables are lost. Only if"
        " the person asks for it.",
        _hints(read_only=False, destructive=True, idempotent=True),
    ),
}

TOOL_NAMES = tuple(FACTS)


def build_tools(backend: Backend) -> list[Tool]:
    """Return the tools, in the order of TOOL_NAMES."""
    tools = Tools(backend)
    return [_described(name).model_copy(update={"fn": getattr(tools, name)}) for name in TOOL_NAMES]


@functools.cache  # pydantic takes 0.1 s for the schemas of all (measured); no backend changes them
def _described(name: str) -> Tool:
    facts = FACTS[name]
    function = getattr(object.__new__(Tools), name)
    tool = strict_tool(function, name, facts.title, facts.description, facts.annotations)
    return tool.model_copy(update={"meta": {VERB: facts.verb.value}})


class Tools:
    """The tools' functions; they hold only the backend."""

    def __init__(self, backend: Backend) -> None:
        """All tools speak to one backend."""
        self._backend = backend

    async def pwsh_login(
        self,
        ctx: Context[Any, Any],
        tenant: Tenant,
        module: Module = "exo",
        route: Route = None,
        read: Read = False,
    ) -> Annotated[types.CallToolResult, models.SessionResult] | Asked:
        """Start or follow a sign-in; returns as soon as there is a code, or when a person who was
        asked has signed in.
        """
        call = await begin(self._backend, ctx)
        facts = await sign_in(call, tenant, module, route, tier_of(read))
        return facts if isinstance(facts, Asked) else _session_answer(facts, call)

    async def pwsh_status(
        self, ctx: Context[Any, Any], tenant: Tenant, module: Module = "exo", read: Read = False
    ) -> Annotated[types.CallToolResult, models.StatusResult]:
        """Return a session's state and its newest runs."""
        call = await begin(self._backend, ctx)
        facts = await call.backend.status(tenant, module, 0, tier_of(read))
        found = await call.backend.runs(
            tenant=facts["tenant"],
            module=facts["module"],
            tier=facts["tier"],
            purpose="command",
            limit=RECENT_RUNS,
        )
        standing = session_results.of_status(facts)
        result = session_results.status_result(standing, found["runs"], CLIENT_NAME, call.notice)
        return _answer(result, session_results.status_text(result, call.marks))

    async def pwsh_run(  # noqa: PLR0917 - the tool's arguments, always named
        self,
        ctx: Context[Any, Any],
        command: Annotated[str, Field(min_length=1)],
        tenant: Tenant = "",
        tenants: Annotated[
            list[str] | Literal["*"] | None,
            Field(description='Instead of tenant; "*": all signed in to the module'),
        ] = None,
        module: Module = "exo",
        parameters: Annotated[
            ForeignJson | None, Field(description="Values for the command's param() block")
        ] = None,
        format: Format = "text",  # noqa: A002 - the name of the REST API
        wait_s: WaitSeconds = MAX_WAIT,
        reason: Annotated[str, Field(description="What a change is for, for its approver")] = "",
        dry_run: Annotated[bool, Field(description="Only say what would change")] = False,
    ) -> Annotated[types.CallToolResult, models.StartedResult] | Asked:
        """Run a command; a client that cancels the call cancels its run."""
        if bool(tenant) == bool(tenants):
            raise InvalidRequest("tenant", "or tenants must be given, and not both")
        call = await begin(self._backend, ctx, wait_s)
        options: RunArguments = {
            "parameters": parameters,
            "format": FORMATS.get(format, format),
            "reason": reason or None,
        }
        if dry_run:
            options["dry_run"] = True
        if tenants:
            return _everywhere_answer(
                call, await running.run_everywhere(call, tenants, module, command, options)
            )
        run = await running.run_here(call, tenant, module, command, options)
        if isinstance(run, session_results.Standing):
            first = run_results.sign_in_first(run, call.notice)
            return _answer(first, run_results.sign_in_text(first))
        return run if isinstance(run, Asked) else await _started_answer(call, run)

    async def pwsh_read(  # noqa: PLR0917 - the tool's arguments, always named
        self,
        ctx: Context[Any, Any],
        command: Annotated[str, Field(min_length=1)],
        tenant: Tenant = "",
        tenants: list[str] | Literal["*"] | None = None,
        module: Module = "exo",
        format: Format = "text",  # noqa: A002 - the name of the REST API
        wait_s: WaitSeconds = MAX_WAIT,
    ) -> Annotated[types.CallToolResult, models.ReadResult] | Asked:
        """Run a command in the read tier, and nowhere else."""
        if bool(tenant) == bool(tenants):
            raise InvalidRequest("tenant", "or tenants must be given, and not both")
        call = await begin(self._backend, ctx, wait_s)
        options: RunArguments = {"format": FORMATS.get(format, format), "tier": "read"}
        if tenants:
            return _everywhere_answer(
                call, await running.run_everywhere(call, tenants, module, command, options)
            )
        run = await running.read_here(call, tenant, module, command, options)
        return run if isinstance(run, Asked) else await _started_answer(call, run)

    async def pwsh_wait(  # noqa: PLR0917 - the tool's arguments, always named
        self,
        ctx: Context[Any, Any],
        run_id: RunId = "",
        tenant: Tenant = "",
        module: Module = "exo",
        read: Read = False,
        cursor: Cursor = 0,
        wait_s: WaitSeconds = MAX_WAIT,
    ) -> Annotated[types.CallToolResult, models.WaitResult] | Asked:
        """Wait for a run or a sign-in; cancelling the call ends only the waiting."""
        if bool(run_id) == bool(tenant):
            raise InvalidRequest("run_id", "or tenant must be given, and not both")
        call = await begin(self._backend, ctx, wait_s)
        if tenant:
            status = await wait_for_sign_in(
                call.backend, tenant, module, call.waiting, tier_of(read)
            )
            return _awaited_sign_in(session_results.of_status(status), call)
        run = await follow(call, await call.backend.read_run(run_id, cursor, 0, 1))
        return run if isinstance(run, Asked) else await _run_answer(call, run, cursor, awaited=True)

    async def pwsh_output(  # noqa: PLR0917 - the tool's arguments, always named
        self,
        ctx: Context[Any, Any],
        run_id: RunId,
        cursor: Cursor = 0,
        lines: str = "",
        search: str = "",
        where: Annotated[
            Texts,
            Field(description="PROPERTY OPERATOR VALUE; eq ne gt ge lt le like match contains in"),
        ] = None,
        sort_by: Annotated[str, Field(description="Property, or Property desc")] = "",
        select: Annotated[
            Texts, Field(description="Properties to show; Owner.Name reaches into objects")
        ] = None,
        first: Annotated[int, Field(ge=1, le=arguments.MOST_LINES)] = 100,
        skip: Annotated[int, Field(ge=0)] = 0,
        format: Format = "text",  # noqa: A002 - the name of the REST API
    ) -> Annotated[types.CallToolResult, models.OutputResult]:
        """Show a part of a run's output, or its kept objects in another way."""
        call = await begin(self._backend, ctx)
        wanted: QueryArguments = {
            "where": arguments.condition_list(where),
            "select": arguments.name_list(select),
            "skip": skip,
            "first": first,
            "format": FORMATS.get(format, format),
            "width": None,
            **arguments.sort_order(sort_by),
        }
        objects = bool(
            wanted["where"] or wanted["select"] or sort_by.strip() or skip or format != "text"
        )
        arguments.one_way(page=cursor > 0, lines=bool(lines or search), objects=objects)
        if objects:
            result, text, failed = await reading_output.query(call, run_id, wanted)
            return _answer(result, text, is_error=failed)
        if lines or search:
            place: LinesRange = {"from": 1, "count": first}
            result, text = await reading_output.read_lines(
                call, run_id, arguments.line_range(lines) if lines else place, search
            )
            return _answer(result, text)
        result, text = await reading_output.read_page(call, run_id, cursor)
        return _answer(result, text)

    async def pwsh_answer(  # noqa: PLR0917 - the tool's arguments, always named
        self,
        ctx: Context[Any, Any],
        run_id: RunId,
        answer: Annotated[str, Field(description="Text, or a choice's label")] = "",
        fields: Annotated[
            dict[str, str] | None, Field(description="For a question with several named fields")
        ] = None,
        refuse: Annotated[
            bool, Field(description="Refuse to answer; the command gets an error")
        ] = False,
        wait_s: WaitSeconds = MAX_WAIT,
    ) -> Annotated[types.CallToolResult, models.RunResult] | Asked:
        """Answer a run's question, then wait for the run."""
        call = await begin(self._backend, ctx, wait_s)
        run: Run = await call.backend.read_run(run_id, 0, 0, 1)
        if (
            not call.person.state
        ):  # else this is the same call again, with the answer to a later question
            value = None if refuse else value_of(run, answer, fields)
            run = await (
                call.backend.refuse(run_id) if refuse else call.backend.answer(run_id, value)
            )
        run_or_question = await follow(call, run)
        return (
            run_or_question
            if isinstance(run_or_question, Asked)
            else await _run_answer(call, run_or_question, 0)
        )

    async def pwsh_cancel(
        self, ctx: Context[Any, Any], run_id: RunId
    ) -> Annotated[types.CallToolResult, models.RunResult]:
        """Stop a run and show what it printed."""
        call = await begin(self._backend, ctx)
        run = await call.backend.cancel(run_id, CANCEL_WAIT)
        return await _run_answer(call, run, 0, failure_is_error=False)

    async def pwsh_find(  # noqa: PLR0917 - the tool's arguments, always named
        self,
        ctx: Context[Any, Any],
        tenant: Tenant,
        words: Annotated[str, Field(min_length=1)],
        module: Module = "exo",
        limit: Annotated[int, Field(ge=1, le=MOST_FOUND)] = 8,
        read: Read = False,
    ) -> Annotated[types.CallToolResult, models.FindResult]:
        """Return the commands that fit the words best."""
        call = await begin(self._backend, ctx)
        async with call.waiting.signs_of_life(f"looking for commands of {tenant}:{module}"):
            found = await call.backend.find_commands(
                tenant, module, words, limit, call.waiting.left_s, tier=tier_of(read)
            )
        result = command_results.find_result(found, call.notice)
        return _answer(result, command_results.find_text(result, call.marks))

    async def pwsh_sessions(
        self, ctx: Context[Any, Any]
    ) -> Annotated[types.CallToolResult, models.SessionsResult]:
        """List sessions and modules."""
        call = await begin(self._backend, ctx)
        sessions, modules = (
            await call.backend.sessions(),
            await call.backend.modules(installed=False),
        )
        result = session_results.sessions_result(sessions, modules, call.notice)
        return _answer(result, session_results.sessions_text(result, call.marks))

    async def pwsh_disconnect(
        self,
        ctx: Context[Any, Any],
        tenant: Tenant,
        confirmation: Literal["DISCONNECT"],  # noqa: ARG002 - that it is there is the confirmation
        module: Module = "exo",
        forget: Annotated[
            bool, Field(description="Also remove what is kept of the sign-in on disk")
        ] = False,
    ) -> Annotated[types.CallToolResult, models.DisconnectResult]:
        """Sign out and close a session."""
        call = await begin(self._backend, ctx)
        facts = await call.backend.disconnect(tenant, module, forget=forget)
        result = models.DisconnectResult(
            session=f"{tenant}:{module}", message=facts["message"], notice=call.notice
        )
        return _answer(result, f"{call.notice}\n{result.message}".strip())


def tier_of(read: bool) -> Tier:
    """Return the tier that an argument means."""
    return "read" if read else "write"


def _everywhere_answer(call: Call, result: models.StartedResult) -> types.CallToolResult:
    text = run_results.tenants_text(result, call.marks)
    return _answer(result, text, is_error=result.state == "failed")


async def _started_answer(call: Call, run: Run) -> types.CallToolResult:
    page, shown = await read_output(call.backend, run["run_id"], 0)
    started = run_results.started_result(page, shown, call.notice)
    if call.person.declined and page["state"] not in OUTCOMES:
        started = run_results.declined(started)
    text = run_results.run_text(started, shown, call.marks)
    return _answer(started, text, is_error=run_results.is_failure(page))


async def _run_answer(
    call: Call, run: Run, cursor: int, *, awaited: bool = False, failure_is_error: bool = True
) -> types.CallToolResult:
    page, shown = await read_output(call.backend, run["run_id"], cursor)
    result = run_results.run_result(page, shown, call.notice)
    if call.person.declined and page["state"] not in OUTCOMES:
        result = run_results.declined(result)
    whole = models.WaitResult(run=result) if awaited else result
    text = run_results.run_text(result, shown, call.marks)
    return _answer(whole, text, is_error=failure_is_error and run_results.is_failure(page))


def _session_answer(facts: session_results.Standing, call: Call) -> types.CallToolResult:
    result = session_results.session_result(facts, call.notice)
    return _answer(result, session_results.session_text(result, call.marks))


def _awaited_sign_in(facts: session_results.Standing, call: Call) -> types.CallToolResult:
    result = session_results.session_result(facts, call.notice)
    ended_badly = result.state not in ("signed_in", "starting", "signing_in")
    return _answer(
        models.WaitResult(session=result),
        session_results.session_text(result, call.marks),
        is_error=ended_badly,
    )


def _answer(result: BaseModel, text: str, *, is_error: bool = False) -> types.CallToolResult:
    content: list[types.ContentBlock] = [types.TextContent(type="text", text=text)]
    return types.CallToolResult(
        content=content, structured_content=result.model_dump(mode="json"), is_error=is_error
    )
