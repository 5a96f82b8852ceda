"""What an audit record tells: who did what, where, and how it ended. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

Value = str | int | bool
LONGEST = 10_000
"""Characters of one fact, so that a record stays short whatever somebody sends."""


class Kind(StrEnum):
    """What a record is about."""

    SERVER_STARTED = "server.started"
    SERVER_STOPPED = "server.stopped"
    LOG_OPENED = "log.opened"
    """The first record of every file; `previous` is the last hash of the file before it."""
    LOG_RECOVERED = "log.recovered"
    """The last line was not finished, because of a crash; it was taken out."""
    LOG_RESUMED = "log.resumed"
    """It can be written again; `unrecorded` events happened meanwhile."""
    CONFIGURATION_READ = "configuration.read"
    RUN_ACCEPTED = "run.accepted"
    """Before it is sent to the session."""
    RUN_OBSERVED = "run.observed"
    """The kernel says that it executes something that no run of ours asked for, such as a cell."""
    RUN_ENDED = "run.ended"
    KERNEL_STARTED = "kernel.started"
    """Before a kernel is started by one of Jupyter's routes."""
    CELL_ACCEPTED = "cell.accepted"
    """Before a notebook's execute_request is passed on to the kernel."""
    CELL_ENDED = "cell.ended"
    """The end of a silent cell; any other ends as a run."""
    RUN_CANCELLED = "run.cancelled"
    PROMPT_ANSWERED = "prompt.answered"
    PROMPT_REFUSED = "prompt.refused"
    SIGN_IN_STARTED = "sign_in.started"
    SIGN_IN_ENDED = "sign_in.ended"
    DISCONNECTED = "session.disconnected"
    KILLED = "session.killed"
    SESSION_LOST = "session.lost"
    APPROVAL_ASKED = "approval.asked"
    APPROVAL_APPROVED = "approval.approved"
    APPROVAL_DECLINED = "approval.declined"
    APPROVAL_EXPIRED = "approval.expired"
    APPROVAL_USED = "approval.used"
    APPROVAL_OUTDATED = "approval.outdated"
    """Approved, and nothing ran: what it is for had changed."""
    APPROVAL_WITHDRAWN = "approval.withdrawn"
    GLASS_BROKEN = "glass.broken"
    """The owner runs a command in spite of what the tenant says of changes."""
    FROZEN = "agents.frozen"
    THAWED = "agents.thawed"
    PAGE_CODE_GIVEN = "page.code_given"
    PAGE_SIGNED_IN = "page.signed_in"
    APPROVAL_CODE_GIVEN = "approval.code_given"
    PASSKEY_CODE_GIVEN = "passkey.code_given"
    PASSKEY_ADDED = "passkey.added"
    PASSKEY_REMOVED = "passkey.removed"
    NOTIFICATION_SENT = "notification.sent"
    NOTIFICATION_FAILED = "notification.failed"
    EXPORTED = "exported"
    DENIED = "denied"


class Door(StrEnum):
    """The way by which it came."""

    REST = "rest"
    MCP = "mcp"
    NOTEBOOK = "notebook"
    CLI = "cli"
    PAGE = "page"
    SERVER = "server"


PROGRAMS = {"pwsh-kernels-cli": Door.CLI, "pwsh-kernels-mcp": Door.MCP, "page": Door.PAGE}
"""Our own clients, by the names that they give themselves."""


def door_of(client: str) -> Door:
    """Return the door of a REST caller, by the name of its program."""
    return PROGRAMS.get(client.partition(":")[0], Door.REST)


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened. Empty facts are not written; `more` are facts of its kind alone."""

    kind: Kind
    door: Door = Door.SERVER
    principal: str = ""
    client: str = ""
    tenant: str = ""
    module: str = ""
    run_id: str = ""
    command_sha256: str = ""
    command: str = ""
    """Without secrets; the hash is that of the whole text."""
    judged: str = ""
    """The class of the command (`read`, `write`, …), where one is known."""
    outcome: str = ""
    output_sha256: str = ""
    more: Mapping[str, Value] = field(default_factory=dict)

    def record(self, sequence: int, time: datetime) -> dict[str, Value]:
        """Return the facts of a record, without its hash."""
        session = f"{self.tenant}:{self.module}" if self.tenant and self.module else ""
        if session and "tier" in self.more:
            session += f":{self.more['tier']}"
        facts: dict[str, Value] = {
            **self.more,
            "seq": sequence,
            "time": written(time),
            "kind": self.kind.value,
            "door": self.door.value,
            "principal": self.principal,
            "client": self.client,
            "tenant": self.tenant,
            "module": self.module,
            "session": session,
            "run_id": self.run_id,
            "command_sha256": self.command_sha256,
            "command": self.command,
            "class": self.judged,
            "outcome": self.outcome,
            "output_sha256": self.output_sha256,
        }
        return {name: _clean(value) for name, value in facts.items() if value != ""}


def written(time: datetime) -> str:
    """Return a time as records have it: as text it is in the same order."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _clean(value: Value) -> Value:
    """Return a text without halves of surrogate pairs, which JSON in UTF-8 cannot hold."""
    return value[:LONGEST].encode("utf-8", "replace").decode() if isinstance(value, str) else value
