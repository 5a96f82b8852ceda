"""The values of a change's parameters as an approver sees them: all of them, because whoever asks
chooses the names; a secret alone stays hidden, and is told of.

Pure.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from pwsh_kernels.approvals.canonical_text import one_line, visible

SECRET = "$secret"  # noqa: S105 - the name under which REST takes one
HIDDEN = "(hidden)"


def shown_values(parameters: Mapping[str, Any]) -> str:
    """Return them as visible JSON, "" if there are none."""
    if not parameters:
        return ""
    shown = json.dumps(_without_secrets(parameters), ensure_ascii=False, sort_keys=True, indent=1)
    return visible(shown)


def hidden_values(parameters: Mapping[str, Any]) -> list[str]:
    """Return the names of the parameters that hold a secret somewhere."""
    return [one_line(name) for name, value in parameters.items() if any(_secrets(value))]


def _without_secrets(value: Any) -> Any:
    if isinstance(value, Mapping):
        return (
            HIDDEN
            if SECRET in value
            else {name: _without_secrets(one) for name, one in value.items()}
        )
    return [_without_secrets(one) for one in value] if isinstance(value, list) else value


def _secrets(value: Any) -> Iterator[bool]:
    if isinstance(value, Mapping):
        yield SECRET in value
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from _secrets(one)
