"""Whether a session accepts a command now, and what happens when it does not. Pure."""

import json
from typing import Protocol, TypedDict, TypeVar

from pwsh_kernels.errors import (
    CommandTooLarge,
    InvalidRequest,
    NotSignedIn,
    QueueFull,
    SessionLost,
    SessionStarting,
    SignInPending,
    WaitingForInput,
    WaitsBehindQuestion,
)
from pwsh_kernels.sessions.key import SessionKey
from pwsh_kernels.sessions.live import LiveSession
from pwsh_kernels.sessions.requests import RunRequest
from pwsh_kernels.sessions.runs.run import Run, question, utc
from pwsh_kernels.sessions.session import Session


class Where(TypedDict):
    """The session in an error."""

    tenant: str
    module: str
    tier: str


class Candidate(Protocol):
    """A session that may take a command, and the run that its kernel executes."""

    session: Session

    @property
    def active(self) -> Run | None:
        """The run that the kernel executes now."""


Live = TypeVar("Live", bound=Candidate)


def admit(
    key: SessionKey,
    live: Live | None,
    *,
    run_signed_out: bool,
    principal: str = "token",
    client: str = "",
) -> Live:
    """Return the session of `key` if this caller's command may be queued in it.

    Raises NotSignedIn, SessionStarting, SignInPending, SessionLost, WaitingForInput if the caller
    has a question to answer first, WaitsBehindQuestion if somebody else has.
    """
    if live is None or live.session.state == "closed":
        raise NotSignedIn(**_where(key))
    _check_state(live.session, run_signed_out=run_signed_out)
    if live.active is not None and live.active.prompt is not None:
        raise _open_question(live.active, live.active.asks(principal, client))
    return live


def _open_question(run: Run, callers: bool) -> WaitingForInput | WaitsBehindQuestion:
    where = _where(run.key)
    if callers:
        return WaitingForInput(**where, run_id=run.id, question=question(run))
    return WaitsBehindQuestion(**where, run_id=run.id, asker=run.asker)


def check_command(request: RunRequest, limit: int) -> None:
    """Raise InvalidRequest for a command that is empty, CommandTooLarge for one that is too long.

    The content of its parameters counts too.
    """
    if not request.command.strip():
        raise InvalidRequest(field="command", problem="is empty")
    parameters = request.options.parameters
    size = len(request.command) + (len(json.dumps(parameters)) if parameters else 0)
    if size > limit:
        raise CommandTooLarge(size=size, limit=limit)


def check_room(live: LiveSession, limit: int) -> None:
    """Raise QueueFull when the limit of waiting commands in a session is reached."""
    active, waiting, _ = live.counts
    if waiting >= limit:
        raise QueueFull(**_where(live.key), waiting=waiting, run_id=active or "")


def _check_state(session: Session, *, run_signed_out: bool) -> None:
    where = _where(session.key)
    if session.state == "lost":
        raise SessionLost(**where, reason=session.reason)
    if session.state == "signing_in":
        raise _pending(session)
    if session.state == "starting":
        raise SessionStarting(**where, reason=session.reason)
    if session.state == "signed_out" and not run_signed_out:
        raise NotSignedIn(**where, reason=session.reason, unconfigured=session.unconfigured)


def _where(key: SessionKey) -> Where:
    return {"tenant": key.tenant, "module": key.module, "tier": key.tier}


def _pending(session: Session) -> SignInPending:
    sign_in = session.sign_in
    code = sign_in.code if sign_in else None
    return SignInPending(
        **_where(session.key),
        device_code=code.code if code else None,
        auth_url=code.url if code else None,
        expires_at=utc(sign_in.expires_at) if sign_in and code else None,
        route=sign_in.route.name if sign_in else "",
    )
