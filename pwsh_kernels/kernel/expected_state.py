"""How the session resolves commands, asked and compared in the turn of the cell that needs it:
nothing that another client asks for comes between.
"""

import json
from collections.abc import Mapping
from typing import Any

from pwsh_kernels.command_state import CommandState, StateQuestion
from pwsh_kernels.errors import InvalidRequest, PowerShellQueryFailed, StateUnknown
from pwsh_kernels.messages import state_asked
from pwsh_kernels.powershell import PowerShell


def read_question(metadata: Mapping[str, Any]) -> StateQuestion | None:
    """Return what an execute_request asks about the state. Raises InvalidRequest."""
    asked = state_asked(metadata)
    if asked is None:
        return None
    try:
        return StateQuestion.from_json(asked)
    except (AttributeError, KeyError, TypeError, ValueError) as problem:
        raise InvalidRequest(field="pwsh.state", problem="is no question") from problem


async def found_state(shell: PowerShell, question: StateQuestion) -> CommandState:
    """Return the state. Raises StateUnknown, PowerShellDied."""
    asked = {"names": question.names, "variables": question.variables}
    try:
        return CommandState.from_json(json.loads(await shell.command_state(json.dumps(asked))))
    except (PowerShellQueryFailed, KeyError, TypeError, ValueError) as problem:
        raise StateUnknown(str(problem)) from problem
