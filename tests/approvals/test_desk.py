"""The desk at which changes wait: it remembers, counts, forgets and tells."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from pwsh_kernels.approvals.approval import DECLINE_REMEMBERED, LIFETIME, Approval, Request, State
from pwsh_kernels.approvals.change import Change
from pwsh_kernels.approvals.desk import KEPT, MOST_OPEN, ApprovalDesk
from pwsh_kernels.approvals.proof import Proof, holds
from pwsh_kernels.classification import Class
from pwsh_kernels.errors import (
    ApprovalDeclinedLately,
    ApprovalRefused,
    AuditUnavailable,
    TooManyApprovals,
    UnknownApproval,
)
from pwsh_kernels.principals.principal import OWNER, Kind, Principal, derived_agent

NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
LATE = NOW + LIFETIME
ADA = Principal("ada", Kind.PERSON)
AGENT = derived_agent(ADA, "claude-code")


def wish(number: int = 1, by: Principal = AGENT) -> Request:
    change = Change(f"Remove-Mailbox {number}", "contoso.com", "exo", "admin@contoso.com")
    return Request((change,), Class.DESTRUCTIVE, by.id)


def test_what_is_asked_can_be_seen_decided_and_used() -> None:
    desk, told = ApprovalDesk(), list[Approval]()
    desk.on_asked.append(told.append)
    desk.on_decided.append(told.append)
    one = desk.ask(wish(), NOW)
    assert desk.get(one.id, NOW) == one
    assert desk.listed(lambda _: True, NOW) == [one]
    desk.approve(one.id, ADA, one.digest[:12], NOW, four_eyes=False)
    desk.use(one.id, one.request.changes, AGENT.id, NOW)
    assert [it.state for it in told] == [State.PENDING, State.USED]
    with pytest.raises(ApprovalRefused, match="it is used, not pending"):
        desk.approve(one.id, ADA, one.digest, NOW, four_eyes=False)


@pytest.mark.parametrize("seen", ["", "0" * 64, "short"])
def test_nobody_approves_what_they_have_not_seen(seen: str) -> None:
    desk = ApprovalDesk()
    one = desk.ask(wish(), NOW)
    with pytest.raises(ApprovalRefused, match="another change than the one that was shown"):
        desk.approve(one.id, ADA, seen or one.digest[:11], NOW, four_eyes=False)


def test_what_waits_too_long_is_let_go_and_told_once() -> None:
    desk, told = ApprovalDesk(), list[Approval]()
    desk.on_decided.append(told.append)
    one = desk.ask(wish(), NOW)
    assert desk.expire(LATE - timedelta(seconds=1)) == []
    assert desk.get(one.id, LATE).state is State.EXPIRED
    assert desk.expire(LATE) == []
    assert [it.id for it in told] == [one.id]
    assert ApprovalDesk(timedelta(hours=1)).ask(wish(), NOW).expires_at == NOW + timedelta(hours=1)


def test_an_agent_cannot_flood_a_person_under_any_name() -> None:
    desk = ApprovalDesk()
    asked = [desk.ask(wish(number), NOW) for number in range(MOST_OPEN)]
    for by in (AGENT, derived_agent(ADA, "another")):
        with pytest.raises(TooManyApprovals):
            desk.ask(wish(99, by), NOW)
    desk.ask(wish(99, ADA), NOW)
    desk.withdraw(asked[0].id, NOW)
    desk.ask(wish(99), NOW)


def test_what_was_declined_is_not_asked_again_for_an_hour() -> None:
    desk = ApprovalDesk()
    one = desk.ask(wish(), NOW)
    desk.decline(one.id, OWNER, "not on a Monday", NOW)
    with pytest.raises(ApprovalDeclinedLately, match="the owner has declined this change lately"):
        desk.ask(wish(), NOW)
    assert desk.ask(wish(), NOW + DECLINE_REMEMBERED).state is State.PENDING


def test_what_cannot_be_recorded_is_neither_asked_nor_granted() -> None:
    def fails(_: Approval) -> None:
        raise AuditUnavailable(folder="audit", problem="full")

    desk = ApprovalDesk()
    with pytest.raises(AuditUnavailable):
        desk.ask(wish(), NOW, fails)
    assert desk.listed(lambda _: True, NOW) == []
    one = desk.ask(wish(), NOW)
    with pytest.raises(AuditUnavailable):
        desk.approve(one.id, ADA, one.digest, NOW, four_eyes=False, record=fails)
    assert desk.get(one.id, NOW).state is State.PENDING


def test_what_waits_comes_first_and_old_decisions_are_forgotten() -> None:
    desk = ApprovalDesk()
    first = desk.ask(wish(0), NOW)
    for number in range(1, KEPT + 2):
        desk.decline(desk.ask(wish(number), NOW).id, ADA, "", NOW)
    desk.ask(wish(9999), NOW)
    listed = desk.listed(lambda _: True, NOW)
    assert [one.state for one in listed[:3]] == [State.PENDING, State.PENDING, State.DECLINED]
    assert len(listed) == KEPT + 2
    assert first in listed
    with pytest.raises(UnknownApproval):
        desk.get("a-none", NOW)


def test_a_listener_that_fails_decides_nothing() -> None:
    def fails(_: Approval) -> None:
        raise RuntimeError

    desk, told = ApprovalDesk(), list[Approval]()
    desk.on_asked += [fails, told.append]
    desk.on_decided += [fails, told.append]
    desk.decline(desk.ask(wish(), NOW).id, ADA, "", NOW)
    assert [it.state for it in told] == [State.PENDING, State.DECLINED]


def test_nothing_of_a_granted_request_may_be_left_to_run() -> None:
    desk = ApprovalDesk()
    one = desk.ask(wish(), NOW)
    with pytest.raises(ApprovalRefused, match="it is pending, not approved"):
        desk.outdate(one.id, "no", NOW)
    desk.approve(one.id, ADA, one.digest, NOW, four_eyes=False)
    assert desk.outdate(one.id, "Another account.", NOW).words == "Another account."
    changed = [replace(one.request.changes[0], command="Get-Date")]
    with pytest.raises(ApprovalRefused, match="it is outdated"):
        desk.use(one.id, changed, AGENT.id, NOW)


def test_a_token_proves_a_person_only_where_no_session_reads_it() -> None:
    assert holds(Proof.TOKEN_CONFINED, confined=True)
    assert not holds(Proof.TOKEN_CONFINED, confined=False)
    assert all(holds(one, confined=False) for one in (Proof.PASSKEY, Proof.CODE))
