"""Sessions in the words of the tools: the model, a short text, and the next step. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from pwsh_kernels.errors.session_name import session_name
from pwsh_kernels.escapes import plain
from pwsh_kernels.mcp.answers.marks import Marks, named
from pwsh_kernels.mcp.answers.models import Advice, SessionResult, SessionsResult, StatusResult
from pwsh_kernels.mcp.answers.words import lines
from pwsh_kernels.shapes import Login, Modules, Run, Session, Sessions, Status, Tier

FOR_A_PERSON = frozenset({"blocked", "wrong_account", "wrong_tenant"})
"""Outcomes of a sign-in that another try would not change."""
COMMAND_CHARS = 80
"""Characters of a command by which an agent recognises its own run."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a session and its sign-in stand, whichever answer told it; "" for what it does not
    tell.
    """

    tenant: str
    module: str
    state: str
    account: str = ""
    route: str = ""
    expected_account: str = ""
    signed_in_at: str = ""
    token_expires_at: str = ""
    survives_restart: bool | None = None
    device_code: str = ""
    auth_url: str = ""
    expires_at: str = ""
    reason: str = ""
    current_run: str = ""
    attempt: str = ""
    """How the sign-in stands: the `state` of its own."""
    pending: bool = False
    declined: bool = False
    """The page was declined, or not shown by the client, which looks the same."""
    lost: str = ""
    """The notice that the previous session has died."""
    modules: Mapping[str, str] = field(default_factory=dict)
    working_folder: str = ""
    tier: Tier = "write"

    @property
    def session(self) -> str:
        """The name of the session."""
        return session_name(self)

    @property
    def where(self) -> str:
        """How a tool is to name it."""
        return where_of(self.tenant, self.module, self.tier)


def where_of(tenant: str, module: str, tier: str) -> str:
    """Return how a tool is to name a session."""
    named = f"tenant {tenant}, module {module} and read true"
    return named if tier == "read" else f"tenant {tenant} and module {module}"


def of_session(one: Session) -> Standing:
    """Return how a session of GET /sessions stands; its codes are in its status."""
    return replace(
        _of_sign_in(one),
        current_run=one["current_run"] or "",
        modules=one["modules"],
        working_folder=one["working_folder"],
    )


def of_status(one: Status) -> Standing:
    """Return how the session of POST /status stands."""
    if one["state"] != "none":
        return _with_code(of_session(one), one)
    known = Standing(
        one["tenant"], one["module"], one["state"], reason=one["reason"], tier=one["tier"]
    )
    return _with_code(known, one)


def of_login(one: Login) -> Standing:
    """Return how the sign-in of POST /login stands."""
    return _with_code(_of_sign_in(one), one)


def _of_sign_in(one: Session | Login) -> Standing:
    return Standing(
        tenant=one["tenant"],
        module=one["module"],
        tier=one["tier"],
        state=one["state"],
        account=one["account"] or "",
        route=one["route"] or "",
        signed_in_at=one["signed_in_at"] or "",
        token_expires_at=one["token_expires_at"] or "",
        survives_restart=one["survives_restart"],
        reason=one["reason"],
        pending=one["auth_pending"],
    )


def _with_code(known: Standing, one: Status | Login) -> Standing:
    return replace(
        known,
        expected_account=one["expected_account"] or "",
        device_code=one["device_code"] or "",
        auth_url=one["auth_url"] or "",
        expires_at=one["expires_at"] or "",
        attempt=one["sign_in"]["state"] if one["sign_in"] else "",
    )


def session_result(facts: Standing, notice: str = "") -> SessionResult:
    """Return how a session stands."""
    return SessionResult(
        session=facts.session,
        state=facts.state,
        account=facts.account,
        route=facts.route,
        sign_in_as=facts.expected_account,
        signed_in_at=facts.signed_in_at,
        token_expires_at=facts.token_expires_at,
        survives_restart=facts.survives_restart,
        device_code=facts.device_code,
        auth_url=facts.auth_url,
        expires_at=facts.expires_at,
        reason=plain(facts.reason),
        current_run=facts.current_run,
        advice=session_advice(facts),
        next_step=session_step(facts),
        notice=notice,
    )


def status_result(facts: Standing, runs: Sequence[Run], agent: str, notice: str) -> StatusResult:
    """Return a session with its newest runs; `agent` is the client name of runs whose commands may
    be shown.
    """
    newest = [run_line(run, agent) for run in runs]
    session = dict(session_result(facts, notice))
    return StatusResult(
        **session,
        modules=dict(facts.modules),
        working_folder=facts.working_folder,
        recent_runs=newest,
    )


def run_line(run: Run, agent: str) -> str:
    """Return a run in one line.

    Only agents' commands are shown: what a person typed in a notebook or a terminal is private.
    """
    of_agent = run["client"].partition(":")[0] == agent
    command = " ".join(plain(run["command"]).split()) if of_agent else ""
    shown = (
        f": {command[:COMMAND_CHARS]}{'…' if len(command) > COMMAND_CHARS else ''}"
        if command
        else ""
    )
    return f"{run['run_id']} {run['state']}, begun {run['started_at'] or run['created_at']}{shown}"


def session_advice(facts: Standing) -> Advice:
    """Return what to do about a session of that state."""
    if facts.state == "signed_in":
        return ""
    if facts.attempt in FOR_A_PERSON:
        return "do_not_retry"
    return "ask_person" if facts.device_code else "sign_in"


def session_step(facts: Standing) -> str:
    """Return what to do next in a session of that state."""
    where = facts.where
    if facts.state == "signed_in":
        tool = "pwsh_read" if facts.tier == "read" else "pwsh_run"
        return f"Call {tool} with tenant {facts.tenant} and module {facts.module}."
    if facts.declined and facts.device_code:
        return f"The page was declined, or this client did not show it. {sign_in_step(facts)}"
    if facts.device_code:
        return sign_in_step(facts)
    if facts.attempt in FOR_A_PERSON:
        return "Tell the person; do not retry."
    if facts.pending or facts.state in ("starting", "signing_in"):
        return f"There is no code yet: call pwsh_login with {where} again."
    return f"Call pwsh_login with {where}."


def sign_in_step(facts: Standing) -> str:
    """Return what a person has to do for a pending sign-in, and what the model does then."""
    account = f" and to sign in as {facts.expected_account}" if facts.expected_account else ""
    return (
        f"Ask the person to open {facts.auth_url} and enter the code"
        f" {facts.device_code} (valid until {facts.expires_at}){account}. Then call"
        f" pwsh_wait with {facts.where}. Do not"
        " open the page yourself and do not ask for another code."
    )


def page_message(facts: Standing) -> str:
    """Return the message to the person that accompanies the offer of the sign-in page."""
    account = f" as {facts.expected_account}" if facts.expected_account else ""
    to_read = ", to read" if facts.tier == "read" else ""
    return (
        f"Sign in to {facts.tenant} ({facts.module}{to_read}){account}: enter the code"
        f" {facts.device_code} on the page. Do it only if you asked for this; the code is"
        f" valid until {facts.expires_at}."
    )


def session_text(result: SessionResult, marks: Marks) -> str:
    """Return a session in words."""
    reason = marks.around("reason", result.reason)
    return lines(result.notice, _session_line(result), reason, result.next_step)


def _session_line(result: SessionResult) -> str:
    who = f" as {named(result.account)}" if result.account else ""
    who += f" by {result.route}" if result.account and result.route else ""
    if result.state == "signed_in":
        who += f" since {result.signed_in_at}" if result.signed_in_at else ""
        who += f", token until {result.token_expires_at}" if result.token_expires_at else ""
        who += ", survives a restart" if result.survives_restart else ", lost at a restart"
    busy = f", running {result.current_run}" if result.current_run else ""
    return f"{result.session}: {result.state}{who}{busy}"


def status_text(result: StatusResult, marks: Marks) -> str:
    """Return a session with its newest runs, in words."""
    pinned = ", ".join(f"{name} {version}" for name, version in result.modules.items())
    where = f"Working folder: {result.working_folder}" if result.working_folder else ""
    told = marks.closed(
        marks.part("reason", result.reason),
        marks.part("newest runs", "\n".join(result.recent_runs)),
    )
    return lines(
        result.notice,
        _session_line(result),
        f"Modules: {pinned}" if pinned else "",
        where,
        told,
        result.next_step,
    )


def sessions_result(sessions: Sessions, modules: Modules, notice: str) -> SessionsResult:
    """Return all sessions from the JSON of /sessions and /modules."""
    return SessionsResult(
        sessions=[session_result(of_session(one)) for one in sessions["sessions"]],
        modules={key: facts["name"] for key, facts in modules["details"].items()},
        notice=notice,
    )


def sessions_text(result: SessionsResult, marks: Marks) -> str:
    """Return all sessions in words, one line each."""
    shown = [
        _session_line(one) + (f" ({named(one.reason)})" if one.reason else "")
        for one in result.sessions
    ]
    modules = ", ".join(f"{key} ({name})" for key, name in result.modules.items())
    return lines(
        result.notice,
        marks.around("sessions", "\n".join(shown)) or "No sessions. Call pwsh_login with a tenant.",
        f"Modules: {modules}",
    )
