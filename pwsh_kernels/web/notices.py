"""Notices of approvals: what people are told, without secrets. Pure."""

from datetime import timedelta

from pwsh_kernels.approvals.approval import Approval
from pwsh_kernels.approvals.canonical_text import visible
from pwsh_kernels.notifications.notice import COMMAND_CHARS, Notice
from pwsh_kernels.sessions.audit_events import SEARCHED_CHARS
from pwsh_kernels.sessions.redaction import Known, redacted_beginning, secrets_of
from pwsh_kernels.sessions.runs.run import Run

TOLD_FOR = timedelta(days=1)
"""How long it is worth telling that a run needed no approval."""


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


def broken_notice(run: Run, link: str) -> Notice:
    """Return the notice of a run that needs no approval because the owner broke the glass."""
    known = Known(secrets_of(run.command[:SEARCHED_CHARS], run.options.parameters))
    return Notice(
        approval="none",
        requester=run.principal,
        tenants=(run.key.tenant,),
        module=run.key.module,
        kind=run.judged or "unknown",
        command=redacted_beginning(visible(run.command), COMMAND_CHARS + 1, known),
        reason=redacted_beginning(run.break_glass, len(run.break_glass), known),
        expires_at=run.created_at + TOLD_FOR,
        link=link,
        occasion="glass_broken",
    )
