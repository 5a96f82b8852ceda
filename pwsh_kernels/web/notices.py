"""Notices of approvals: what people are told, without secrets. Pure."""

from pwsh_kernels.approvals.approval import Approval
from pwsh_kernels.notifications.notice import COMMAND_CHARS, Notice
from pwsh_kernels.sessions.audit_events import SEARCHED_CHARS
from pwsh_kernels.sessions.redaction import Known, redacted_beginning, secrets_of


def notice_of(one: Approval, link: str) -> Notice:
    """Return the notice of an approval that waits."""
    request, (change, *_) = one.request, one.request.changes
    known = Known(secrets_of(change.command[:SEARCHED_CHARS], change.parameters))
    return Notice(
        approval=one.id,
        requester=request.requester,
        tenants=tuple(dict.fromkeys(it.tenant for it in request.changes)),
        module=change.module,
        kind=request.kind.value,
        command=redacted_beginning(request.text, COMMAND_CHARS + 1, known),
        reason=redacted_beginning(request.reason, len(request.reason), known),
        expires_at=one.expires_at,
        link=link,
    )
