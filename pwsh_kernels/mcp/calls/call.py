"""One call of a tool: the product, the person behind the client, the time limit, and notices for
the answer.
"""

from dataclasses import dataclass
from typing import Any

from mcp.server.mcpserver import Context

from pwsh_kernels.mcp.answers.marks import Marks
from pwsh_kernels.mcp.backend import Backend
from pwsh_kernels.mcp.calls.person import Person
from pwsh_kernels.mcp.calls.waiting import Waiting

MAX_WAIT = 45
"""Seconds of one call: the TypeScript SDKs give up at 60 (decision 0013)."""

CANCEL_WAIT = 5.0
"""Seconds to wait until PowerShell has stopped."""


@dataclass(frozen=True, slots=True)
class Call:
    """State that the parts of one call share."""

    backend: Backend
    person: Person
    waiting: Waiting
    marks: Marks
    notice: str = ""
    """A notice for the model besides the answer, such as that a server was started."""


async def begin(backend: Backend, ctx: Context[Any, Any], wait_s: float = MAX_WAIT) -> Call:
    """Make sure that the product answers, and begin to count the time.

    Raises as `Backend.ready` does.
    """
    person = Person(ctx)
    named = backend.for_client(person.client_name)
    notice = await named.ready()
    return Call(named, person, Waiting(wait_s, ctx.report_progress), Marks.fresh(), notice)
