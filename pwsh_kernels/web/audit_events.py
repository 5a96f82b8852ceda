"""What the doors tell the audit log: refusals, a notebook's cells, the configuration. Pure but for
the reading of a configuration file.
"""

import hashlib
from pathlib import Path

from pwsh_kernels import __version__
from pwsh_kernels.approvals.approval import Approval
from pwsh_kernels.audit.event import Door, Event, Kind, Value, door_of
from pwsh_kernels.errors import ApprovalNeeded, ChangesRefused, NotOnlyReading
from pwsh_kernels.principals.decision import Decision
from pwsh_kernels.sessions.audit_events import command_facts, tier_of
from pwsh_kernels.sessions.key import SessionKey
from pwsh_kernels.web.access import Caller
from pwsh_kernels.web.jupyter.messages import ClientMessage, executed_texts

EXPRESSION = "\n[user_expressions {name}] {text}"
"""How a cell's expressions stand behind its code; they run as well."""


def denied(caller: Caller, decision: Decision, door: Door, left_out: int) -> Event:
    """Return the refusal of somebody who is known."""
    more: dict[str, Value] = {"verb": decision.verb.value, "reason": decision.reason.value}
    where = decision.where
    return Event(
        Kind.DENIED,
        door,
        caller.name,
        caller.client,
        where.tenant,
        where.module,
        outcome="forbidden",
        more={**more, **_more_of(left_out)},
    )


def change_refused(
    caller: Caller, door: Door, text: str, refused: ChangesRefused | ApprovalNeeded
) -> Event:
    """Return that a text was not run because it does not only read."""
    return Event(
        Kind.DENIED,
        door,
        caller.name,
        caller.client,
        refused.tenant,
        refused.module,
        judged=refused.kind,
        outcome=refused.code,
        **command_facts(text),
    )


def approval_events(
    kind: Kind, approval: Approval, who: tuple[str, str], **more: Value
) -> list[Event]:
    """Return what became of an approval, for each session that it is about; `who`: principal and
    client.
    """
    request = approval.request
    facts: dict[str, Value] = {
        "approval": approval.id,
        "digest": approval.digest,
        "requester": request.requester,
        "reason": request.reason,
        "words": approval.words,
    }
    return [
        Event(
            kind,
            door_of(who[1]) if who[0] else Door.SERVER,
            *who,
            change.tenant,
            change.module,
            run_id,
            judged=request.kind.value,
            more={**facts, "account": change.account, **more},
            **command_facts(change.command, change.parameters),
        )
        for change, run_id in zip(request.changes, request.runs, strict=True)
    ]


def approval_refused(caller: Caller, approval: Approval, verb: str, code: str) -> Event:
    """Return that somebody's decision was not taken."""
    change = approval.request.changes[0]
    more: dict[str, Value] = {"approval": approval.id, "verb": verb}
    who = (caller.name, caller.client, change.tenant, change.module)
    return Event(Kind.DENIED, door_of(caller.client), *who, outcome=code, more=more)


def unknown(door: Door, client: str, address: str, what: str, left_out: int) -> Event:
    """Return the refusal of somebody without a valid token."""
    more: dict[str, Value] = {"from": address, "request": what, **_more_of(left_out)}
    return Event(Kind.DENIED, door, client=client, outcome="unauthorized", more=more)


def _more_of(left_out: int) -> dict[str, Value]:
    return {"left_out": left_out} if left_out else {}


def cell_accepted(
    caller: Caller,
    key: SessionKey | None,
    kernel_id: str,
    message: ClientMessage,
    judged: str = "",
) -> Event:
    """Return what is recorded before a notebook's execution is passed on. Raises ValueError for one
    that cannot be read.
    """
    content = message.content
    expressions = content.get("user_expressions") or {}
    texts = [str(content.get("code", ""))]
    if isinstance(expressions, dict):
        texts += [
            EXPRESSION.format(name=name, text=text) for name, text in sorted(expressions.items())
        ]
    return _of_kernel(
        Kind.CELL_ACCEPTED,
        caller,
        key,
        kernel_id,
        message_id=message.id,
        silent=message.silent,
        judged=judged,
        **command_facts("".join(texts)),
    )


def cell_ended(accepted: Event, status: str) -> Event:
    """Return the end of a silent cell."""
    kept = {name: accepted.more[name] for name in ("kernel_id", "message_id", "silent")}
    return Event(
        Kind.CELL_ENDED,
        accepted.door,
        accepted.principal,
        accepted.client,
        accepted.tenant,
        accepted.module,
        outcome=status,
        more=kept,
    )


def cell_refused(
    caller: Caller, key: SessionKey, kernel_id: str, message: ClientMessage, kind: str
) -> Event:
    """Return that a cell for the read tier was not passed on, because of its class."""
    return _of_kernel(
        Kind.DENIED,
        caller,
        key,
        kernel_id,
        judged=kind,
        outcome=NotOnlyReading.code,
        verb="read",
        reason=NotOnlyReading.code,
        **command_facts("\n".join(executed_texts(message))),
    )


def kernel_started(caller: Caller, key: SessionKey | None, name: str) -> Event:
    """Return that somebody starts a kernel by one of Jupyter's routes; without a session, a kernel
    of any kind, in which nothing is judged or recorded.
    """
    return _of_kernel(Kind.KERNEL_STARTED, caller, key, "", kernelspec=name)


def prompt_answered(caller: Caller, key: SessionKey | None, kernel_id: str) -> Event:
    """Return that somebody answered a question in a notebook."""
    return _of_kernel(Kind.PROMPT_ANSWERED, caller, key, kernel_id)


def interrupted(caller: Caller, key: SessionKey | None, kernel_id: str, how: str) -> Event:
    """Return that somebody stopped what a kernel was executing."""
    return _of_kernel(Kind.RUN_CANCELLED, caller, key, kernel_id, how=how)


def _of_kernel(
    kind: Kind,
    caller: Caller,
    key: SessionKey | None,
    kernel_id: str,
    *,
    command: str = "",
    command_sha256: str = "",
    judged: str = "",
    outcome: str = "",
    **more: Value,
) -> Event:
    return Event(
        kind,
        Door.NOTEBOOK,
        caller.name,
        caller.client,
        key.tenant if key else "",
        key.module if key else "",
        command=command,
        command_sha256=command_sha256,
        judged=judged,
        outcome=outcome,
        more={"kernel_id": kernel_id, **(tier_of(key) if key else {}), **more},
    )


def agents(kind: Kind, caller: Caller, tenant: str, why: str = "") -> Event:
    """Return that somebody stopped all agents, or lets them go on; without a tenant in all."""
    more: dict[str, Value] = {"why": why} if why else {}
    door = door_of(caller.client)
    return Event(kind, door, caller.name, caller.client, tenant=tenant, more=more)


def page_event(kind: Kind, principal: str, client: str = "page", how: str = "code") -> Event:
    """Return that somebody got a code for the page, or signed a browser in, with one or at an
    OpenID provider.
    """
    return Event(kind, door_of(client), principal, client, more={"how": how})


def approval_code_given(caller: Caller, one: Approval) -> Event:
    """Return that somebody got a code with which they approve a change on the page."""
    door = door_of(caller.client)
    more: dict[str, Value] = {"approval": one.id}
    return Event(Kind.APPROVAL_CODE_GIVEN, door, caller.name, caller.client, more=more)


def passkey_event(kind: Kind, principal: str, client: str, name: str = "") -> Event:
    """Return what became of somebody's passkey, or that they got a code to add one."""
    more: dict[str, Value] = {"passkey": name} if name else {}
    return Event(kind, door_of(client), principal, client, more=more)


def server_started(process: int) -> Event:
    """Return the first record of a server."""
    return Event(Kind.SERVER_STARTED, more={"version": __version__, "process": process})


def configuration_read(what: str, path: Path | None, problem: str) -> Event:
    """Return that a file was read, and the hash of what it says now."""
    more: dict[str, Value] = {"what": what, "file": str(path or ""), "problem": problem}
    try:
        more["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest() if path else ""
    except OSError as error:
        more["missing"] = error.strerror or str(error)
    return Event(Kind.CONFIGURATION_READ, more=more)
