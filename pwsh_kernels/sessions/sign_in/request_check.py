"""Whether a requested sign-in is allowed, and whether it is the existing one.

Pure.
"""

from dataclasses import dataclass, replace
from typing import Literal

from pwsh_kernels.catalog import Module, Tenant, checked_sharepoint_host
from pwsh_kernels.errors import AccountNotAllowed, InvalidRequest
from pwsh_kernels.sessions.requests import LoginRequest
from pwsh_kernels.sessions.session import Session


def checked_request(request: LoginRequest, tenant: Tenant, module: Module) -> LoginRequest:
    """Return the request with its values checked.

    Raises AccountNotAllowed for an account other than the configured one, InvalidRequest for an
    invalid SharePoint host.
    """
    asked, configured = request.expected_account, tenant.facts(module.key).get("expected_account")
    if asked and configured and asked.casefold() != str(configured).casefold():
        raise AccountNotAllowed(tenant.name, module.key, asked, str(configured))
    if request.sharepoint_tenant is None:
        return request
    try:
        host = checked_sharepoint_host(request.sharepoint_tenant)
    except ValueError as problem:
        raise InvalidRequest(field="sharepoint_tenant", problem=str(problem)) from None
    return replace(request, sharepoint_tenant=host)


@dataclass(frozen=True, slots=True)
class LoginRefusal:
    """Why a request is refused: the session is signed in, or signing in, in a different way."""

    code: Literal["wrong_account", "already_signed_in", "already_signing_in"]
    reason: str


def refusal(session: Session, request: LoginRequest) -> LoginRefusal | None:
    """Return why a session that is signed in, or signing in, refuses the request; None if it asks
    for the existing sign-in. The session is not changed.
    """
    pending = session.signed_in is None
    there = _pending_sentence(session) if pending else _signed_in_sentence(session)
    account = _other_account(session, request)
    asked = account or _other_way(session, request)
    if not asked:
        return None
    reason = f"{there}, but {asked}. Sign out (disconnect) first, then sign in again."
    if pending:
        return LoginRefusal("already_signing_in", reason)
    return LoginRefusal("wrong_account" if account else "already_signed_in", reason)


def _signed_in_sentence(session: Session) -> str:
    account = session.signed_in.account if session.signed_in else ""
    return f"{session.key} is already signed in as {account}{_by_route(session)}"


def _pending_sentence(session: Session) -> str:
    who = f" of {session.wanted_account}" if session.wanted_account else ""
    return f"A sign-in{who} to {session.key}{_by_route(session)} is pending"


def _by_route(session: Session) -> str:
    return f" by the route {session.route.name}" if session.route else ""


def _other_account(session: Session, request: LoginRequest) -> str:
    asked = request.expected_account
    present = session.signed_in.account if session.signed_in else session.wanted_account
    same = asked is None or asked.casefold() == (present or "").casefold()
    return "" if same else f"the request expects {asked}"


def _other_way(session: Session, request: LoginRequest) -> str:
    if request.route and session.route and request.route != session.route.name:
        return f"the request asks for the route {request.route}"
    if request.secrets:
        return "the request contains a token, which may be another account's and was not used"
    host = request.sharepoint_tenant
    if host and session.facts().get("sharepoint_url") != f"https://{host}.sharepoint.com":
        return f"the request asks for the SharePoint host {host}"
    return ""
