"""What the tools answer, as structured content: the models behind their output schemas."""

from pydantic import BaseModel


class Fault(BaseModel):
    """An error record of PowerShell."""

    message: str
    error_id: str = ""
    line: int | None = None


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
    next_step: str = ""
    notice: str = ""


class TenantResult(BaseModel):
    """What a command gave in one of several tenants."""

    tenant: str
    state: str
    run_id: str = ""
    output: str = ""
    tail: str = ""
    truncated: bool = False
    error: str = ""


class RunResult(BaseModel):
    """A run and what is shown of its output: `output` up to `next_cursor`, then `tail` when the middle was left out."""

    state: str
    run_id: str = ""
    session: str = ""
    results: list[TenantResult] = []
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
    next_step: str = ""
    notice: str = ""


class WaitResult(BaseModel):
    """What was waited for: a run or a session's sign-in."""

    run: RunResult | None = None
    session: SessionResult | None = None


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
