"""The JSON of a classification.

Pure.
"""

from pwsh_kernels import shapes
from pwsh_kernels.approvals.policy import needs
from pwsh_kernels.catalog import Changes
from pwsh_kernels.classification import Classification, Found, Reason


def classification_view(
    found: Classification, changes: Changes | None = None
) -> shapes.Classification:
    """Return a text's class, its commands and the reasons why it does not only read; with a
    tenant's rule about changes, what it needs there.
    """
    view: shapes.Classification = {
        "success": True,
        "class": found.kind.value,
        "commands": [_command(one) for one in found.commands],
        "reasons": [_reason(one) for one in found.reasons],
    }
    if changes:
        view["needs"] = needs(changes, found.kind).value
    return view


def _command(one: Found) -> shapes.ClassifiedCommand:
    return {
        "name": one.name,
        "class": one.kind.value,
        "service": one.service,
        "line": one.place.line,
        "column": one.place.column,
    }


def _reason(one: Reason) -> shapes.ClassReason:
    return {
        "code": one.code,
        "class": one.kind.value,
        "text": one.text,
        "line": one.place.line,
        "column": one.place.column,
        "piece": one.place.piece,
        "instead": one.instead,
    }
