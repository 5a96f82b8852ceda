"""The audit log in JSON: pages of records, the head, what a verification found. Pure."""

from collections.abc import Sequence

from pwsh_kernels import shapes
from pwsh_kernels.audit.anchor import SyslogAnchor
from pwsh_kernels.audit.event import written
from pwsh_kernels.audit.trail import AuditTrail
from pwsh_kernels.audit.verifier import Verified

MOST_PROBLEMS = 100
"""Problems of one answer: a file that is another one has as many as lines."""


def page_view(
    records: Sequence[shapes.ForeignJson], following: int, more: bool
) -> shapes.AuditPage:
    """Return records with the number to go on from."""
    return {"success": True, "records": list(records), "next": following, "more": more}


def head_view(trail: AuditTrail) -> shapes.AuditHead:
    verified = trail.verifier.last if trail.verifier else None
    return {
        "success": True,
        "state": trail.state,
        "seq": trail.log.last if trail.log else 0,
        "hash": trail.log.head if trail.log else "",
        "verified": _verified(verified) if verified else None,
        "anchor": _anchor(trail.anchor) if trail.anchor else None,
    }


def _verified(one: Verified) -> shapes.AuditVerified:
    return {
        "at": written(one.at),
        "first": one.first,
        "last": one.found.last,
        "problems": [
            {"file": found.file, "line": found.line, "text": found.text}
            for found in one.found.problems[:MOST_PROBLEMS]
        ],
    }


def _anchor(one: SyslogAnchor) -> shapes.AuditAnchor:
    return {
        "syslog": one.to,
        "seq": one.told.seq if one.told else None,
        "at": written(one.told.at) if one.told else None,
        "problem": one.problem,
    }
