"""The JSON shapes of docs/rest.md: the server fills them, the client returns them, the command line
and MCP read them.

A key that only some answers have is NotRequired; a value that may be unknown is None.
"""

from collections.abc import Mapping
from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict

from pwsh_kernels.records import OutputFormat, ProgressFacts, PromptFacts, RecordFacts

ForeignJson = dict[str, Any]
"""JSON whose shape is not ours: Jupyter's messages, models and notebooks, MCP's arguments, JSON
schemas, settings files of MCP clients.
"""

RunState = Literal[
    "waiting_for_approval",
    "queued",
    "running",
    "waiting_for_input",
    "succeeded",
    "failed",
    "cancelled",
    "lost",
]
OPEN: frozenset[RunState] = frozenset(
    {"waiting_for_approval", "queued", "running", "waiting_for_input"}
)
"""States of a run that has not ended."""
GOING: frozenset[RunState] = OPEN - {"waiting_for_input"}
"""Those of them without a question."""
ENDED: frozenset[RunState] = frozenset({"succeeded", "failed", "cancelled", "lost"})
FAILED: frozenset[RunState] = ENDED - {"succeeded"}
Tier = Literal["write", "read"]
"""Of a session: `read` has an account of its own and runs only what reads (docs/governance.md)."""
SessionState = Literal["starting", "signed_out", "signing_in", "signed_in", "lost", "closed"]
Purpose = Literal["command", "sign_in", "check", "sign_out", "query"]
"""`query`: one of the product's own queries about the session; it never calls the service."""
Action = Literal["", "retry", "ask_person", "do_not_retry", "fix_command", "sign_in"]
"""`retry`: the same again, later; `fix_command`: another command or another value; `ask_person`:
somebody must change or decide something; `sign_in`: sign in again, then the same; `do_not_retry`:
it can never work here.
"""


class Error(TypedDict):
    """An error; further keys are its own facts."""

    success: Literal[False]
    error: str
    code: str


class Failure(TypedDict):
    """Why something has not succeeded (yet); absent from other answers."""

    error: NotRequired[str]
    code: NotRequired[str]


class PowerShellHealth(TypedDict):
    """The PowerShell that was found; `found` is None during the first moments."""

    found: bool | None
    version: str
    place: str
    error: str


class Confinement(TypedDict):
    """The confinement of sessions: what the setting requests, and which parts this machine
    enforces.
    """

    confine: Literal["on", "off", "required"]
    files: bool
    tcp: bool
    signals: bool


class LimitsInForce(TypedDict):
    """By what the sessions of this machine are kept within their limits."""

    memory: Literal["cgroup", "watch", "none"]
    processes: Literal["cgroup", "user", "none"]


KubernetesState = Literal["not set up", "not asked", "answers", "silent"]


class Counts(TypedDict):
    """How many sessions and runs are in each state, and how their places are."""

    sessions: dict[SessionState, int]
    runs: dict[RunState, int]
    limits: LimitsInForce
    kubernetes: KubernetesState


class AuditHealth(TypedDict):
    """Whether the audit log is written, and how often that has failed."""

    state: Literal["on", "off", "failed"]
    failures: int


class AuditProblem(TypedDict):
    """What is wrong with the audit log, and where; `line` 0: with the log as a whole."""

    file: str
    line: int
    text: str


class AuditVerified(TypedDict):
    """What the server found when it verified its log; `first` and `last` are numbers of records."""

    at: str
    first: int
    last: int
    problems: list[AuditProblem]


class AuditAnchor(TypedDict):
    """Which record syslog was told of, and when; `problem`: why it was not told the newest."""

    syslog: str
    seq: int | None
    at: str | None
    problem: str


class AuditHead(TypedDict):
    """What GET /audit/head and POST /audit/verify answer: the last record, by number and hash."""

    success: Literal[True]
    state: Literal["on", "off", "failed"]
    seq: int
    hash: str
    verified: AuditVerified | None
    anchor: AuditAnchor | None


class AuditPage(TypedDict):
    """What GET /audit answers."""

    success: Literal[True]
    records: list[ForeignJson]
    next: int
    more: bool


class Health(Counts):
    """What GET /health answers."""

    status: Literal["healthy", "degraded"]
    timestamp: str
    service: str
    version: str
    powershell: PowerShellHealth
    confinement: Confinement
    audit: AuditHealth
    uptime_s: float


class Live(TypedDict):
    """What GET /health/live answers."""

    status: Literal["live"]


class Ready(TypedDict):
    """What GET /health/ready answers."""

    status: Literal["ready"]


class Route(TypedDict):
    """A way to sign in to a module."""

    name: str
    asks_person: bool
    needs: list[list[str]]
    survives_restart: bool
    survival: str


class Module(TypedDict):
    """A service of the catalog; `installed` is "" if it is not installed, None if that is
    unknown.
    """

    name: str
    title: str
    purpose: str
    minimum_version: str
    install: str
    installed: str | None
    routes: list[Route]
    limits: list[str]


class Unsupported(TypedDict):
    """A service that cannot be used from Linux."""

    title: str
    reason: str
    instead: str


class Modules(TypedDict):
    """What GET /modules answers."""

    success: bool
    modules: list[str]
    details: dict[str, Module]
    unsupported: dict[str, Unsupported]
    broken: list[str]


class TenantModule(TypedDict):
    """What the tenants file says about a tenant's module, and the end of its certificate."""

    route: str | None
    certificate_expires_at: str | None


class Tenant(TypedDict):
    """A tenant; its own name is the first of `names`."""

    tenant: str
    names: list[str]
    sandbox: bool
    modules: dict[str, TenantModule]
    read: dict[str, TenantModule]
    """How each module's session of the read tier signs in."""


class KnownTenants(TypedDict):
    """The tenants, and whether there are no others."""

    tenants: list[Tenant]
    closed: bool


class Tenants(KnownTenants):
    """What GET /tenants answers."""

    success: bool


class WatchdogLimits(TypedDict):
    """Seconds, in the predecessor's names."""

    interval_seconds: float
    auth_pending_timeout: float
    idle_session_timeout: float
    stuck_process_timeout: float
    input_timeout: float


class WatchdogState(TypedDict):
    """Whether the watchdog runs, and its limits."""

    running: bool
    config: WatchdogLimits


class Watchdog(WatchdogState):
    """What GET /watchdog answers."""

    success: bool


class Busy(TypedDict):
    """Whom a session is working for now."""

    run_id: str
    principal: str
    client: str
    purpose: Purpose
    state: RunState
    started_at: str | None


class Survival(TypedDict):
    """Whether a sign-in would survive the end of PowerShell; None if there was none."""

    survives_restart: bool | None
    survival: str | None


class SessionNames(TypedDict):
    """The names of a session in every answer about it."""

    session: str
    tenant: str
    module: str
    tier: Tier


class Session(SessionNames, Survival):
    """A session; GET /sessions has a list of them."""

    kernel_id: str
    version: str
    state: SessionState
    reason: str
    account: str | None
    tenant_id: str | None
    route: str | None
    token_expires_at: str | None
    signed_in_at: str | None
    sandbox: bool
    modules: dict[str, str]
    place: str
    working_folder: str
    memory_mb: int | None
    title: str
    busy: Busy | None
    current_run: str | None
    queued_runs: int
    conversation_id: str | None
    authenticated: bool
    auth_pending: bool
    auth_pending_since: str | None
    auth_completed_at: str | None
    connected: bool
    created_at: str | None
    last_used: str | None
    last_health_check: str | None
    stuck: bool
    stuck_reason: str | None


class Sessions(TypedDict):
    """What GET /sessions answers."""

    success: bool
    version: str
    sessions: list[Session]


class DeviceCode(TypedDict):
    """What a person needs for a pending sign-in; all None if there is no code to show."""

    device_code: str | None
    auth_url: str | None
    expires_at: str | None
    expires_in_s: int | None
    qr_text: str | None
    qr_svg: str | None


class Explanation(TypedDict):
    """The explanation of a known sign-in error."""

    code: str
    sentence: str
    remedy: str
    link: str
    ends_sign_in: bool
    blocks_route: bool


class Attempt(TypedDict):
    """The present or last sign-in; `state` is pending, succeeded, none, or why it failed."""

    state: str
    route: str
    expected_account: str | None
    reason: str
    explanation: Explanation | None


class Expected(TypedDict):
    """Who has to sign in, and the state of that sign-in."""

    expected_account: str | None
    sign_in: Attempt | None


class Login(SessionNames, DeviceCode, Expected, Failure):
    """POST /login: the Sign-in of docs/rest.md."""

    success: bool
    result: str
    auth_pending: bool
    account: str | None
    route: str | None
    signed_in_at: str | None
    token_expires_at: str | None
    survives_restart: bool | None
    state: SessionState
    reason: str


class Polled(DeviceCode, Expected):
    """The fields of POST /status besides the session's."""

    success: bool
    was_pending: bool
    auth_duration_seconds: float | None


class SessionStatus(Session, Polled):
    """POST /status of an existing session."""


class NoSession(SessionNames, Polled):
    """POST /status of a session that does not exist."""

    state: Literal["none"]
    reason: str
    account: None
    sandbox: bool
    modules: dict[str, str]
    working_folder: str
    connected: bool
    authenticated: bool
    auth_pending: bool
    conversation_id: None


Status = SessionStatus | NoSession
"""POST /status; `state` tells the two apart."""


class ErrorRecord(RecordFacts):
    """An error of a run, with what to do about it."""

    suggestion: str
    advice: Action


class Counted(TypedDict):
    """How many objects a query found; `beyond`: how many exceeded the limit and were not kept."""

    kept: int
    matched: int
    shown: int
    of_run: str
    beyond: NotRequired[int]


class PreviewedChange(TypedDict):
    """A value that would become another one."""

    property: str
    old: str
    new: str


class PreviewedObject(TypedDict):
    """What a command said it would do to an object; `target`: "" where it does not name one."""

    action: str
    target: str
    changes: list[PreviewedChange]


class Preview(TypedDict):
    """What a dry run said: `complete` is false where it is known to lack something; `ran`: the text
    with what made its commands only say it.
    """

    objects: list[PreviewedObject]
    complete: bool
    says: str
    ran: str


class Question(TypedDict):
    """Fields that only some answers about a run have: `query` only those of that purpose."""

    query: NotRequired[Counted | None]
    yours: NotRequired[bool]
    """Whether the caller started it, and so may answer its questions; set by the web layer."""
    preview: NotRequired[Preview | None]
    """Of a dry run: null until it has ended."""


class RunAhead(TypedDict):
    """The run that a queued one is waiting for."""

    run_id: str
    state: RunState
    asker: str


ClassName = Literal["read", "write", "unknown", "destructive"]
"""What a text does; `unknown` counts as a write."""
ApprovalState = Literal[
    "pending", "approved", "declined", "expired", "used", "outdated", "withdrawn"
]
RunApproval = TypedDict(
    "RunApproval",
    {
        "id": str,
        "state": ApprovalState,
        "class": ClassName,
        "reasons": list[str],
        "reason": str,
        "expires_at": str,
        "approvers": list[str],
        "decided_by": str,
    },
)
"""The approval that a run waits for, or has had; `approvers` are those who may decide."""


RunClass = TypedDict("RunClass", {"class": str})
"""What a run's command does; "": nobody has asked."""


class Run(SessionNames, Question, Failure, RunClass):
    """A run without its output; it has `error` and `code` unless it has succeeded."""

    success: bool
    run_id: str
    account: str | None
    purpose: Purpose
    state: RunState
    stopping: bool
    format: OutputFormat
    command: str
    principal: str
    client: str
    trace_id: str | None
    errors: list[ErrorRecord]
    warnings: list[RecordFacts]
    exit_code: int | None
    objects: int | None
    created_at: str | None
    started_at: str | None
    ended_at: str | None
    duration_s: float | None
    total_chars: int
    truncated: int
    left_out: dict[str, int]
    prompt: PromptFacts | None
    progress: ProgressFacts | None
    waits_behind: RunAhead | None
    approval: RunApproval | None
    break_glass: str


class RunResult(Run):
    """POST /run, POST /runs/{id}/query: a run with its output so far."""

    result: str


class Refused(TypedDict):
    """One of several tenants, in which nothing was run; further keys are the error's own facts."""

    tenant: str
    module: str
    tier: Tier
    state: Literal["refused"]
    success: Literal[False]
    error: str
    code: str


TenantRun = RunResult | Refused
"""A command's result in one of several tenants; `state` tells the two apart."""


class Everywhere(Failure):
    """POST /run in several tenants: the results in the order asked for."""

    success: bool
    module: str
    results: list[TenantRun]
    states: dict[str, int]


class Runs(TypedDict):
    """What GET /runs answers: newest first."""

    success: bool
    runs: list[Run]


class Entry(TypedDict):
    """A piece of output; `start` counts characters of the whole output."""

    start: int
    stream: Literal["stdout", "stderr"]
    kind: str
    text: str
    record: RecordFacts | None


class Page(TypedDict):
    """A part of a run's output; the next one begins at `next_cursor`."""

    entries: list[Entry]
    cursor: int
    next_cursor: int
    more: bool


class RunPage(Run, Page):
    """GET /runs/{id}: a run, and its output from a cursor."""


class Line(TypedDict):
    """A line of a run's output; in a search, whether it matches or is context."""

    number: int
    text: str
    match: NotRequired[bool]


class LinesPage(TypedDict):
    """GET /runs/{id}/lines; `more` is the line from which to continue."""

    success: bool
    run_id: str
    session: str
    state: RunState
    total_lines: int
    matches: int | None
    lines: list[Line]
    more: int | None


class Command(TypedDict):
    """A command of a session, with a line for each parameter set."""

    name: str
    module: str
    synopsis: str
    syntax: list[str]


class ApprovalPlace(TypedDict):
    """One of the sessions that an approval is about, and the run that waits there."""

    tenant: str
    account: str
    session: str
    run_id: str
    oddities: list[str]
    """What was left in the session and bends the commands of the text, a sentence each."""
    preview: Preview | None
    """What it would change there; null where that cannot be told, or is not known yet."""


Approval = TypedDict(
    "Approval",
    {
        "success": bool,
        "id": str,
        "digest": str,
        "state": ApprovalState,
        "class": ClassName,
        "reasons": list[str],
        "text": str,
        "values": str,
        "commands": list[str],
        "module": str,
        "tier": Tier,
        "format": str,
        "places": list[ApprovalPlace],
        "requester": str,
        "client": str,
        "reason": str,
        "asked_at": str,
        "expires_at": str,
        "approvers": list[str],
        "rule": Literal["confirm", "four_eyes"],
        "may_decide": bool,
        "decided_by": str,
        "decided_at": str | None,
        "words": str,
    },
)
"""GET /approvals/{id}: a change that waits, or has waited, for a person. `text` is the command as
an approver reads it, `digest` what approving it is bound to.
"""


class Approvals(TypedDict):
    """What GET /approvals answers: what waits first, newest first."""

    success: bool
    version: str
    approvals: list[Approval]


class FoundCommands(TypedDict):
    """Commands, best first; `total` is how many match."""

    commands: list[Command]
    total: int
    more: bool


class Commands(FoundCommands):
    """What GET /sessions/{id}/commands answers."""

    success: bool
    session: str
    state: SessionState


ClassifiedCommand = TypedDict(
    "ClassifiedCommand",
    {"name": str, "class": ClassName, "service": str, "line": int, "column": int},
)
ClassReason = TypedDict(
    "ClassReason",
    {
        "code": str,
        "class": ClassName,
        "text": str,
        "line": int,
        "column": int,
        "piece": str,
        "instead": str,
    },
)
Classification = TypedDict(
    "Classification",
    {
        "success": bool,
        "class": ClassName,
        "commands": list[ClassifiedCommand],
        "reasons": list[ClassReason],
        "needs": NotRequired[Literal["run", "ask", "refuse"]],
    },
)
"""What GET /classify and POST /classify answer; `needs`: if a tenant was named."""


class Disconnected(TypedDict):
    """What POST /disconnect answers."""

    success: bool
    message: str


class Killed(Disconnected):
    """POST /kill; `killed` is false if there was nothing to kill."""

    killed: bool


class Freeze(TypedDict):
    """Agents are stopped in a tenant; null: in all tenants."""

    tenant: str | None
    by: str
    since: str
    why: str


class Frozen(TypedDict):
    """GET /frozen, POST /thaw: where agents are stopped."""

    success: bool
    frozen: list[Freeze]


class FrozenNow(Frozen):
    """POST /freeze: also the commands of agents that it stopped."""

    stopped: list[Run]


class PageCode(TypedDict):
    """What POST /page-codes, /passkeys/code and /approvals/{id}/code answer; `path` is the page's
    address with the code, of an approval without it: the page has a field for it.
    """

    success: bool
    principal: str
    code: str
    path: str
    expires_at: str


class Passkey(TypedDict):
    """One passkey; the key itself is on a person's device."""

    id: str
    name: str
    added_at: str
    used_at: str | None


class Passkeys(TypedDict):
    """What GET /passkeys and POST /passkeys/remove answer: the caller's own."""

    success: bool
    principal: str
    passkeys: list[Passkey]


class NotificationOutcome(TypedDict):
    """What became of a test on one channel; `problem` says why it was not sent."""

    channel: str
    sent: bool
    problem: str


class NotificationTest(TypedDict):
    """What POST /notifications/test answers."""

    success: bool
    channels: list[NotificationOutcome]


class LoginArguments(TypedDict, total=False):
    """What POST /login takes besides tenant, module and wait."""

    expected_account: str | None
    route: str | None
    access_token: str | None
    graph_token: str | None
    sharepoint_tenant: str | None
    tier: Tier | None


class RunArguments(TypedDict, total=False):
    """What POST /run takes besides tenant, module, command and wait."""

    parameters: Mapping[str, Any] | None
    format: OutputFormat
    width: int | None
    max_chars: int | None
    file: str | None
    reason: str | None
    break_glass: str | None
    conversation_id: str | None
    tier: Tier | None
    dry_run: bool


class RunsArguments(TypedDict, total=False):
    """What GET /runs takes."""

    tenant: str | None
    module: str | None
    tier: Tier | None
    state: str | None
    purpose: Purpose | None
    break_glass: bool | None
    limit: int


LinesRange = TypedDict("LinesRange", {"from": int, "count": int}, total=False)
"""Lines by their numbers; `from` is a word of Python's, so that no class can have it."""


class LinesArguments(LinesRange, total=False):
    """What GET /runs/{id}/lines takes."""

    search: str | None
    context: int
    ignore_case: bool


class Order(TypedDict, total=False):
    """How objects are sorted."""

    sort_by: str
    descending: bool


class QueryArguments(Order, total=False):
    """What POST /runs/{id}/query takes."""

    where: list[str]
    select: list[str] | None
    skip: int
    first: int
    format: OutputFormat
    width: int | None
