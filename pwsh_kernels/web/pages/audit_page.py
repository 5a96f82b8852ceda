"""The audit log as a page: the newest records, a search, and whether the chain is whole."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from jupyter_server.auth.decorator import allow_unauthenticated

from pwsh_kernels import shapes
from pwsh_kernels.audit.event import Kind
from pwsh_kernels.classification.classes import Class
from pwsh_kernels.escapes import one_line
from pwsh_kernels.principals.principal import SERVER
from pwsh_kernels.principals.verbs import Verb
from pwsh_kernels.web.pages.page_handler import PageHandler

LISTED = 100
"""Records of one page."""
AT_ONCE = 5000
"""A log with no more records is verified whenever the page is opened: it takes 0.3 s."""
SINCE = {
    "1h": ("the last hour", timedelta(hours=1)),
    "1d": ("the last day", timedelta(days=1)),
    "7d": ("the last 7 days", timedelta(days=7)),
    "30d": ("the last 30 days", timedelta(days=30)),
}
"""How far back a search looks: key, words, span."""
ASKED = ("who", "tenant", "kind", "class", "run", "since")
GROUPS = tuple(dict.fromkeys(kind.value.partition(".")[0] for kind in Kind if "." in kind.value))
MARKS = {
    "denied": "bad",
    "session.killed": "bad",
    "session.lost": "bad",
    "log.recovered": "bad",
    "log.resumed": "bad",
    "agents.frozen": "wait",
    "approval.asked": "wait",
    "approval.approved": "good",
    "succeeded": "good",
    "signed_in": "good",
    "failed": "bad",
}
"""Kinds and outcomes that somebody should notice."""
IN_LINE = frozenset(
    {"seq", "time", "kind", "principal", "client", "tenant", "module", "session", "run_id"}
    | {"command", "class", "outcome"}
)
"""Facts that a record's line shows; all others are under *more*."""

SAID = ("verb", "reason", "what", "problem", "why", "route", "account", "how")
"""Facts of which a line shows the values, where there is no command."""


@dataclass(frozen=True, slots=True)
class RecordRow:
    """A record as the page shows it."""

    seq: int
    time: str
    kind: str
    mark: str
    who: str
    client: str
    session: str
    run_id: str
    command: str
    judged: str
    outcome: str
    outcome_mark: str
    said: str
    more: Sequence[tuple[str, str]]


def row_of(record: Mapping[str, Any]) -> RecordRow:
    """Return a record as the page shows it."""

    def fact(name: str) -> str:
        return one_line(str(record.get(name, "")))

    return RecordRow(
        int(record["seq"]),
        str(record.get("time", "")),
        fact("kind"),
        MARKS.get(fact("kind"), "off"),
        str(record.get("principal", "")),
        fact("client"),
        fact("session") or fact("tenant"),
        fact("run_id"),
        fact("command"),
        fact("class"),
        fact("outcome"),
        MARKS.get(fact("outcome"), "off"),
        ", ".join(fact(name).replace("_", " ") for name in SAID if fact(name)),
        [(name, _text(value)) for name, value in sorted(record.items()) if name not in IN_LINE],
    )


def _text(value: object) -> str:
    return one_line(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


@dataclass(frozen=True, slots=True)
class Chain:
    """The state of the chain: a mark, what was found, and what is wrong."""

    mark: str
    said: str
    problems: Sequence[str] = ()


def chain_of(head: shapes.AuditHead) -> Chain:
    """Return what is known of the chain."""
    verified = head["verified"]
    if head["state"] == "off":
        return Chain("off", "nothing is recorded (PWSH_MANAGER_AUDIT is off)")
    if verified is None:
        return Chain("off", "not verified since the server was started")
    if verified["problems"]:
        problems = [_problem(one) for one in verified["problems"]]
        return Chain("bad", "records were changed, removed, inserted or swapped", problems)
    return Chain("good", f"records {verified['first']} to {verified['last']} are as written")


def _problem(one: shapes.AuditProblem) -> str:
    return f"{one['file']}, line {one['line']}: {one['text']}" if one["line"] else one["text"]


class AuditPage(PageHandler):
    """The newest records, and those before them."""

    verb = Verb.ADMINISTER
    where = SERVER
    tab = "audit"

    @allow_unauthenticated
    async def get(self) -> None:
        """Show the records that match the search, and the state of the chain."""
        asked = {name: self.get_query_argument(name, "") for name in ASKED}
        before = self.get_query_argument("before", "0")
        query: dict[str, object] = {**asked, "newest": True, "limit": LISTED}
        query["before"] = int(before) if before.isdecimal() else 0
        query["since"] = since_text(asked["since"], datetime.now(UTC))
        found: shapes.AuditPage = await self.ask("GET /audit", query)
        head: shapes.AuditHead = await self.ask("GET /audit/head")
        if head["seq"] <= AT_ONCE:
            head = await self.ask("POST /audit/verify")
        self.show(
            "audit.html",
            rows=[row_of(one) for one in found["records"]],
            older=found["next"] if found["more"] else 0,
            newest=not query["before"],
            asked=asked,
            head=head,
            chain=chain_of(head),
            groups=GROUPS,
            kinds=[one.value for one in Kind],
            classes=[one.value for one in Class],
            spans={key: words for key, (words, _) in SINCE.items()},
        )


def since_text(asked: str, now: datetime) -> str | None:
    """Return the time from which on a search looks; None: from the beginning on."""
    return (now - SINCE[asked][1]).isoformat() if asked in SINCE else None


class AuditVerify(PageHandler):
    """Verifies the chain now."""

    verb = Verb.ADMINISTER
    where = SERVER
    tab = "audit"

    @allow_unauthenticated
    async def post(self) -> None:
        """Verify, and show what was found."""
        await self.ask("POST /audit/verify")
        self.go("audit")
