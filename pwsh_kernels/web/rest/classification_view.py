"""The JSON of a classification.

Pure.
"""

from collections.abc import Callable

from pwsh_kernels import shapes
from pwsh_kernels.approvals.policy import Need
from pwsh_kernels.classification import Class, Classification, Found, Reason

Policy = Callable[[Class], Need]
"""What a text of a class needs in a session, for one caller."""


def classification_view(
    found: Classification, policy: Policy | None = None
) -> shapes.Classification:
    """Return a text's class, its commands and the reasons why it does not only read; with a
    session's policy, what it needs there.
    """
    view: shapes.Classification = {
        "success": True,
        "class": found.kind.value,
        "commands": [_command(one) for one in found.commands],
        "reasons": [_reason(one) for one in found.reasons],
    }
    if policy:
        view["needs"] = policy(found.kind).value
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
