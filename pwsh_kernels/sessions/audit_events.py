"""What is told to the audit log of runs, sign-ins and sessions: without secrets, output or answers.
Pure.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, TypedDict

from pwsh_kernels.audit.event import Door, Event, Kind, Value, door_of
from pwsh_kernels.errors import NotCarried, NotGranted, NotOnlyReading
from pwsh_kernels.sessions.key import SessionKey
from pwsh_kernels.sessions.live import OURSELVES, claim
from pwsh_kernels.sessions.redaction import Known, masked, redacted_beginning, secrets_of
from pwsh_kernels.sessions.requests import LoginRequest, RunRequest
from pwsh_kernels.sessions.runs.run import FOR_CALLERS, Run, utc
from pwsh_kernels.sessions.session import SignIn

COMMAND_CHARS = 4000
"""Characters of a command, and of its parameters, that a record holds."""
SEARCHED_CHARS = 16_000
"""Characters of a command in which literals are looked for that must not appear elsewhere in it."""


class CommandFacts(TypedDict):
    """What a record tells of a command."""

    command_sha256: str
    command: str


def command_facts(command: str, parameters: Mapping[str, Any] | None = None) -> CommandFacts:
    """Return the hash of a command, and its beginning without secrets."""
    known = Known(secrets_of(command[:SEARCHED_CHARS], parameters or {}))
    return {
        "command_sha256": hashlib.sha256(command.encode("utf-8", "surrogatepass")).hexdigest(),
        "command": redacted_beginning(command, COMMAND_CHARS, known),
    }


def accepted(run: Run) -> Event:
    """Return what is recorded before a run begins; of a notebook's, when its kernel says so."""
    kind = Kind.RUN_OBSERVED if run.observed else Kind.RUN_ACCEPTED
    more: dict[str, Value] = {"purpose": run.purpose, "account": run.account or ""}
    if run.dry_run:
        more["dry_run"] = True
    if run.break_glass:
        more["break_glass"] = run.break_glass
    if run.approval:
        more["approval"] = run.approval["id"]
    if run.options.parameters:
        text = json.dumps(masked(run.options.parameters), ensure_ascii=False, sort_keys=True)
        known = Known(secrets_of(run.command[:SEARCHED_CHARS], run.options.parameters))
        more["parameters"] = redacted_beginning(text, COMMAND_CHARS, known)
    return _of_run(kind, run, more, **command_facts(run.command, run.options.parameters))


def ended(run: Run) -> Event:
    """Return what is recorded when a run has ended. `started_at` is missing if it never began."""
    more: dict[str, Value] = {
        "started_at": utc(run.started_at) or "",
        "account": run.account or "",
        "code": run.code,
        "message_id": run.message_id if run.observed else "",
        "output_chars": run.log.total_chars,
        "connection_changed": run.connection_changed,
    }
    if run.ended_at and run.started_at:
        more["duration_ms"] = round((run.ended_at - run.started_at).total_seconds() * 1000)
    return _of_run(Kind.RUN_ENDED, run, more, outcome=run.state, output_sha256=run.log.sha256)


def is_recorded(run: Run) -> bool:
    """Return whether somebody asked for a run; the others are the product's own scripts."""
    return run.purpose in FOR_CALLERS


def of_run(kind: Kind, run: Run, principal: str, client: str, **more: Value) -> Event:
    """Return what somebody did to a run: `by` others than who started it."""
    return Event(
        kind,
        door_of(client),
        principal,
        client,
        run.key.tenant,
        run.key.module,
        run.id,
        more={"run_of": run.principal, **tier_of(run.key), **more},
    )


def of_session(
    kind: Kind,
    key: SessionKey,
    principal: str,
    client: str = "",
    *,
    outcome: str = "",
    **more: Value,
) -> Event:
    """Return what somebody did to a session."""
    door = Door.SERVER if principal == OURSELVES else door_of(client)
    who = (principal, client, key.tenant, key.module)
    return Event(kind, door, *who, outcome=outcome, more={**tier_of(key), **more})


def read_refused(
    key: SessionKey, request: RunRequest, refused: NotOnlyReading | NotCarried
) -> Event:
    """Return that a command for the read tier was not run."""
    return Event(
        Kind.DENIED,
        door_of(request.client),
        request.principal,
        request.client,
        key.tenant,
        key.module,
        **command_facts(request.command),
        judged=refused.kind,
        outcome=refused.code,
        more={"verb": "read", "reason": refused.code, **tier_of(key)},
    )


def refused_by_kernel(key: SessionKey, facts: Mapping[str, Any]) -> Event:
    """Return that a session's kernel did not act on a message that no server granted; who sent it,
    nobody knows.
    """
    told = {"reason": "reason", "message": "message_id", "kind": "message_kind"}
    more: dict[str, Value] = {ours: str(facts.get(name) or "") for name, ours in told.items()}
    return Event(
        Kind.DENIED,
        Door.NOTEBOOK,
        client=claim(str(facts.get("claims") or "")),
        tenant=key.tenant,
        module=key.module,
        outcome=NotGranted.code,
        more=more,
    )


def sign_in_started(key: SessionKey, sign_in: SignIn, request: LoginRequest) -> Event:
    """Return what is recorded before a sign-in begins."""
    return of_session(
        Kind.SIGN_IN_STARTED,
        key,
        request.principal,
        request.client,
        route=sign_in.route.name,
        expected_account=sign_in.expected_account or "",
        attended=sign_in.attended,
    )


def sign_in_ended(
    key: SessionKey, request: LoginRequest, outcome: str, account: str | None
) -> Event:
    """Return how a sign-in ended: `signed_in`, or the code of its failure."""
    return of_session(
        Kind.SIGN_IN_ENDED,
        key,
        request.principal,
        request.client,
        outcome=outcome,
        account=account or "",
    )


def _of_run(kind: Kind, run: Run, more: Mapping[str, Value], **facts: str) -> Event:
    door = Door.NOTEBOOK if run.observed else door_of(run.client)
    key = run.key
    who = (run.principal, run.client, key.tenant, key.module, run.id)
    told = {**tier_of(key), "trace_id": run.trace_id, **more}
    judged = run.judged or ("read" if key.reads else "")  # nothing else is let into that tier
    return Event(kind, door, *who, judged=judged, more=told, **facts)


def tier_of(key: SessionKey) -> dict[str, Value]:
    """Return the tier of a session, if it is the one that reads."""
    return {"tier": key.tier} if key.reads else {}
