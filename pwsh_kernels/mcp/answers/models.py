"""What the tools answer, as structured content: the models behind their output schemas."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, WithJsonSchema

Advice = Literal[
    "", "retry", "wait", "sign_in", "answer", "ask_person", "fix_command", "do_not_retry"
]
"""What to do about a result: nothing, the same call again, pwsh_wait, pwsh_login, pwsh_answer, tell
the person what they have to do, another command, or tell the person and leave it.
"""


# Schemas are read by every model with every conversation: these say once in words what would be
# repeated in full.
ShortAdvice = Annotated[Advice, WithJsonSchema({"type": "string"})]


class Fault(BaseModel):
    """An error record of PowerShell."""

    message: str
    error_id: str = ""
    category: str = ""
    line: int | None = None
    column: int | None = None
    suggestion: str = ""


class SessionResult(BaseModel):
    """A session and its sign-in."""

    session: str
    state: str
    account: str = ""
    route: str = ""
    sign_in_as: str = ""
    signed_in_at: str = ""
    token_expires_at: str = ""
    survives_restart: bool | None = None
    device_code: str = ""
    auth_url: str = ""
    expires_at: str = ""
    reason: str = ""
    current_run: str = ""
    advice: ShortAdvice = ""
    next_step: str = ""
    notice: str = ""


class StatusResult(SessionResult):
    """A session with its newest runs, one line each: an answer that was lost is found by them.

    `modules`: the installed PowerShell modules that it has pinned, with their versions.
    """

    modules: dict[str, str] = {}
    working_folder: str = ""
    recent_runs: list[str] = []


class TenantResult(BaseModel):
    """What a command gave in one of several tenants."""

    tenant: str
    state: str
    run_id: str = ""
    output: str = ""
    tail: str = ""
    truncated: bool = False
    error: str = ""
    next_step: str = ""


class RunResult(BaseModel):
    """A run and what is shown of its output: `output` up to `next_cursor`, then `tail` when the
    middle was left out.
    """

    state: str
    run_id: str = ""
    session: str = ""
    tenant: str = ""
    account: str = ""
    output: str = ""
    tail: str = ""
    truncated: bool = False
    total_chars: int = 0
    next_cursor: int | None = None
    errors: list[Fault] = []
    warnings: list[str] = []
    exit_code: int | None = None
    duration_s: float | None = None
    question: str = ""
    preview: str = ""
    advice: ShortAdvice = ""
    next_step: str = ""
    notice: str = ""


class StartedResult(RunResult):
    """A run, or the sign-in that has to come first (`state` is signing_in, nothing was run), or one
    entry per tenant.
    """

    results: list[TenantResult] = []
    sign_in_as: str = ""
    device_code: str = ""
    auth_url: str = ""
    expires_at: str = ""


class ReadResult(BaseModel):
    """What pwsh_read answers is a StartedResult, which its schema says in words."""

    model_config = ConfigDict(
        json_schema_extra={"properties": {}, "title": "as pwsh_run answers"}, extra="allow"
    )


class WaitResult(BaseModel):
    """What was waited for: a run or a session's sign-in."""

    run: Annotated[
        RunResult | None,
        WithJsonSchema({"type": ["object", "null"], "description": "as pwsh_run answers"}),
    ] = None
    session: Annotated[
        SessionResult | None,
        WithJsonSchema({"type": ["object", "null"], "description": "as pwsh_status answers"}),
    ] = None


class OutputResult(BaseModel):
    """A part of a run's output.

    `total`, `left_out` and `next` count in `unit`; `next`: where the following part begins.
    """

    run_id: str
    state: str
    output: str = ""
    tail: str = ""
    unit: Literal["characters", "lines", "objects"]
    total: int = 0
    matches: int | None = None
    left_out: int = 0
    next: int | None = None
    next_step: str = ""
    notice: str = ""


class Command(BaseModel):
    """A command of a session."""

    name: str
    module: str = ""
    synopsis: str = ""
    syntax: list[str] = []


class FindResult(BaseModel):
    """Commands, best first; `total` is how many fit the words."""

    commands: list[Command]
    total: int = 0
    next_step: str = ""
    notice: str = ""


class SessionsResult(BaseModel):
    """Every session, and the services that a session can be opened for."""

    sessions: list[SessionResult]
    modules: dict[str, str]
    notice: str = ""


class DisconnectResult(BaseModel):
    """The session that was closed."""

    session: str
    message: str
    notice: str = ""
