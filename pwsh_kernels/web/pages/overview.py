"""What the first page shows: what needs a person, and the sessions by tenant. Pure."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar, cast

from pwsh_kernels import shapes
from pwsh_kernels.sessions.key import SessionKey
from pwsh_kernels.web.pages.times import moment

Facts = TypeVar("Facts", bound=Mapping[str, Any])
SOON = timedelta(minutes=30)
"""How long before its end a sign-in is shown as something that needs somebody."""
CERTIFICATE_SOON = timedelta(days=30)
"""How long before its end a certificate is shown: somebody has to make a new one and upload it."""
SHOWN = {
    "starting": ("busy", "starting"),
    "signed_out": ("off", "signed out"),
    "signing_in": ("wait", "signing in"),
    "signed_in": ("good", "signed in"),
    "lost": ("bad", "lost"),
    "closed": ("off", "closed"),
}
"""A session's state as a mark and a word."""
BUSY = {"queued": ("busy", "queued"), "running": ("busy", "busy")}
ASKS = ("wait", "asks a question")
RESTLESS = frozenset({"expires_in_s", "duration_s", "memory_mb"})
"""Facts that change while nothing happens: a page shows them anew with something else, or once a
minute."""


@dataclass(frozen=True, slots=True)
class Rights:
    """What whoever looks may do in a session."""

    run: bool = False
    sign_in: bool = False
    answer: bool = False
    end: bool = False


RightsIn = Callable[[SessionKey], Rights]
"""Returns the rights in a session, by its tenant and its module."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A session as the grid shows it."""

    session: shapes.Session
    title: str
    mark: str
    word: str
    rights: Rights


@dataclass(frozen=True, slots=True)
class Row:
    """A tenant with its sessions."""

    name: str
    names: Sequence[str]
    sandbox: bool
    cells: Sequence[Cell]
    may_sign_in: bool


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate that ends soon, or has ended, and the session that signs in with it."""

    key: SessionKey
    ends: str
    over: bool


@dataclass(frozen=True, slots=True)
class Needs:
    """What needs a person now."""

    codes: Sequence[shapes.SessionStatus] = ()
    questions: Sequence[shapes.Run] = ()
    ending: Sequence[shapes.Session] = ()
    ended: Sequence[shapes.Session] = ()
    certificates: Sequence[Certificate] = ()
    approvals: Sequence[shapes.Approval] = ()
    broken: Sequence[shapes.Run] = ()
    """Runs of the last day that needed no approval because the owner broke the glass."""

    @property
    def count(self) -> int:
        """How many things need somebody."""
        waiting = (self.approvals, self.broken, self.codes, self.questions)
        return sum(map(len, (*waiting, self.ending, self.ended, self.certificates)))


@dataclass(frozen=True, slots=True)
class Overview:
    """The first page."""

    needs: Needs
    rows: Sequence[Row]
    titles: Mapping[str, str] = field(default_factory=dict)
    frozen: Sequence[shapes.Freeze] = ()
    """Where agents are stopped."""
    freezable: frozenset[str] = frozenset()
    """The tenants in which whoever looks may stop them."""
    all_freezable: bool = False
    """Whether they may stop them everywhere."""

    @property
    def sessions(self) -> int:
        """How many sessions are shown."""
        return sum(len(row.cells) for row in self.rows)


def at_rest(overview: Overview) -> Overview:
    """Return what must change before a page is worth sending again."""
    needs = overview.needs
    quiet = replace(
        needs,
        codes=[_at_rest(one) for one in needs.codes],
        questions=[_at_rest(one) for one in needs.questions],
        broken=[_at_rest(one) for one in needs.broken],
        ending=[_at_rest(one) for one in needs.ending],
        ended=[_at_rest(one) for one in needs.ended],
    )
    rows = [
        replace(row, cells=[replace(one, session=_at_rest(one.session)) for one in row.cells])
        for row in overview.rows
    ]
    return replace(overview, needs=quiet, rows=rows)


def _at_rest(facts: Facts) -> Facts:
    return cast(Facts, {name: one for name, one in facts.items() if name not in RESTLESS})


def rows_of(
    tenants: Iterable[shapes.Tenant],
    sessions: Iterable[shapes.Session],
    titles: Mapping[str, str],
    rights: RightsIn,
) -> list[Row]:
    """Return the tenants with their sessions; those that have sessions come first."""
    by_tenant: dict[str, list[shapes.Session]] = {}
    for one in sessions:
        by_tenant.setdefault(one["tenant"], []).append(one)
    known = {one["names"][0]: one for one in tenants}
    order = sorted({*known, *by_tenant}, key=lambda name: (name not in by_tenant, name))
    return [_row(name, known.get(name), by_tenant.get(name, []), titles, rights) for name in order]


def _row(
    name: str,
    tenant: shapes.Tenant | None,
    sessions: Iterable[shapes.Session],
    titles: Mapping[str, str],
    rights: RightsIn,
) -> Row:
    cells = [_cell(one, titles, rights) for one in sorted(sessions, key=SessionKey.of)]
    return Row(
        name,
        tenant["names"][1:] if tenant else (),
        tenant["sandbox"] if tenant else False,
        cells,
        any(rights(SessionKey(name, module)).sign_in for module in titles),
    )


def _cell(session: shapes.Session, titles: Mapping[str, str], rights: RightsIn) -> Cell:
    mark, word = state_of(session)
    module = session["module"]
    title = titles.get(module, module)
    return Cell(session, title, mark, word, rights(SessionKey.of(session)))


def state_of(session: shapes.Session) -> tuple[str, str]:
    """Return a session's state as a mark and a word."""
    busy = session["busy"]
    if session["state"] == "signed_in" and busy:
        return BUSY.get(busy["state"], ASKS)
    return SHOWN[session["state"]]


def needs_of(
    codes: Iterable[shapes.SessionStatus],
    questions: Iterable[shapes.Run],
    sessions: Sequence[shapes.Session],
    rights: RightsIn,
    now: datetime,
) -> Needs:
    """Return what needs whoever has these rights."""

    def signs_in(one: shapes.Session) -> bool:
        return rights(SessionKey.of(one)).sign_in

    return Needs(
        [one for one in codes if one["device_code"] and signs_in(one)],
        [one for one in questions if rights(SessionKey.of(one)).answer],
        [one for one in sessions if _ends_soon(one, now) and signs_in(one)],
        [one for one in sessions if _has_ended(one) and signs_in(one)],
    )


def certificates_of(tenants: Iterable[shapes.Tenant], now: datetime) -> Iterator[Certificate]:
    """Yield the certificates of the tenants file that end soon, or have ended."""
    for tenant in tenants:
        name = tenant["tenant"]
        writes = {SessionKey(name, one): access for one, access in tenant["modules"].items()}
        reads = {SessionKey(name, one, "read"): access for one, access in tenant["read"].items()}
        for key, access in {**writes, **reads}.items():
            ends = access["certificate_expires_at"]
            if ends and moment(ends) - now < CERTIFICATE_SOON:
                yield Certificate(key, ends, moment(ends) <= now)


def _ends_soon(session: shapes.Session, now: datetime) -> bool:
    ends = session["token_expires_at"]
    signed_in = session["state"] == "signed_in"
    return signed_in and bool(ends) and moment(ends or "") - now < SOON


def _has_ended(session: shapes.Session) -> bool:
    """Return whether a session was signed in, or should have been, and is not."""
    tried = session["route"] is not None
    return session["state"] == "lost" or (session["state"] == "signed_out" and tried)
