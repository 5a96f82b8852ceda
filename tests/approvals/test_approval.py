"""An approval is for one change, decided once by a person, used once and in time."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pwsh_kernels.approvals.approval import (
    DECLINE_REMEMBERED,
    LIFETIME,
    Approval,
    Request,
    State,
    approved,
    asked,
    declined,
    may_ask,
    used,
    withdrawn,
)
from pwsh_kernels.approvals.change import Change, difference, digest_of
from pwsh_kernels.classification import Class
from pwsh_kernels.errors import ApprovalRefused
from pwsh_kernels.principals.principal import OWNER, Kind, Principal, derived_agent

NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
ADA = Principal("ada", Kind.PERSON)
GRACE = Principal("grace", Kind.PERSON)
AGENT = Principal("claude", Kind.AGENT)
SCRIPT = Principal("nightly", Kind.SCRIPT)
CHANGE = Change("Set-Mailbox ada -Name Ada", "contoso.com", "exo", "admin@contoso.com")
OTHERS = [
    replace(CHANGE, command="Set-Mailbox ada -Name Bob"),
    replace(CHANGE, command="Set-Mailbox ada -Name Ada "),
    replace(CHANGE, tenant="fabrikam.com"),
    replace(CHANGE, module="graph"),
    replace(CHANGE, account="other@contoso.com"),
    replace(CHANGE, tier="read"),
    replace(CHANGE, format="json"),
    replace(CHANGE, parameters={"Name": "Ada"}),
]


def wish(by: Principal = AGENT, *changes: Change) -> Request:
    return Request(changes or (CHANGE,), Class.WRITE, by.id, reason="Ada married")


def request(by: Principal = AGENT, at: datetime = NOW) -> Approval:
    return asked("a-1", wish(by), at)


def granted(by: Principal = AGENT) -> Approval:
    return approved(request(by), GRACE, NOW, four_eyes=True)


def test_the_hash_of_a_change_is_that_of_its_canonical_json() -> None:
    """Fixed for ever: another order of keys is the same change, another value is not."""
    assert CHANGE.digest() == replace(CHANGE, parameters={}).digest()
    ordered = replace(CHANGE, parameters={"A": 1, "B": [True, None, "ü"]})
    assert ordered.digest() == replace(CHANGE, parameters={"B": [True, None, "ü"], "A": 1}).digest()
    assert len({one.digest() for one in [CHANGE, *OTHERS]}) == len(OTHERS) + 1


def test_an_approval_is_used_once_by_who_asked() -> None:
    once = used(granted(), [CHANGE], AGENT.id, NOW)
    assert once.state is State.USED
    with pytest.raises(ApprovalRefused, match="it is used, not approved"):
        used(once, [CHANGE], AGENT.id, NOW)
    with pytest.raises(ApprovalRefused, match="it is agent:claude's"):
        used(granted(), [CHANGE], ADA.id, NOW)


@pytest.mark.parametrize("other", OTHERS)
def test_an_approval_is_for_that_change_only(other: Change) -> None:
    with pytest.raises(ApprovalRefused, match="another command, value, place, account or form"):
        used(granted(), [other], AGENT.id, NOW)


def test_what_waits_too_long_expires_whether_granted_or_not() -> None:
    late = NOW + LIFETIME
    assert request().state_at(late - timedelta(seconds=1)) is State.PENDING
    assert (request().state_at(late), granted().state_at(late)) == (State.EXPIRED, State.EXPIRED)
    steps: list[Callable[[], Approval]] = [
        lambda: approved(request(), GRACE, late, four_eyes=False),
        lambda: declined(request(), GRACE, late),
        lambda: used(granted(), [CHANGE], AGENT.id, late),
    ]
    for step in steps:
        with pytest.raises(ApprovalRefused, match="it is expired"):
            step()


@pytest.mark.parametrize("by", [AGENT, SCRIPT, derived_agent(OWNER, "claude-code")])
@pytest.mark.parametrize("four_eyes", [True, False])
def test_only_a_person_decides(by: Principal, four_eyes: bool) -> None:
    with pytest.raises(ApprovalRefused, match="only a person decides"):
        approved(request(ADA), by, NOW, four_eyes=four_eyes)
    with pytest.raises(ApprovalRefused, match="only a person decides"):
        declined(request(ADA), by, NOW)


def test_with_four_eyes_somebody_else_decides_than_who_asked_or_for_whom() -> None:
    for requester, by in ((ADA, ADA), (derived_agent(ADA, "code"), ADA), (OWNER, OWNER)):
        with pytest.raises(ApprovalRefused, match="somebody else"):
            approved(request(requester), by, NOW, four_eyes=True)
        assert approved(request(requester), by, NOW, four_eyes=False).state is State.APPROVED
    assert approved(request(ADA), GRACE, NOW, four_eyes=True).decided_by == "person:grace"


def test_what_was_declined_is_not_asked_again_for_a_while() -> None:
    no = declined(request(), GRACE, NOW)
    soon, later = NOW + timedelta(minutes=1), NOW + DECLINE_REMEMBERED
    assert not may_ask(no, wish(), soon)
    assert may_ask(no, wish(), later)
    assert may_ask(no, wish(AGENT, OTHERS[0]), soon)
    assert may_ask(no, wish(ADA), soon)
    assert may_ask(granted(), wish(), soon)


@pytest.mark.parametrize(
    "again",
    [
        replace(CHANGE, format="json"),
        replace(CHANGE, command=f"  {CHANGE.command.upper()}\n"),
        replace(CHANGE, parameters={**CHANGE.parameters, "Unused": 1}),
        replace(CHANGE, account="other@contoso.com"),
    ],
    ids=["another format", "other letters", "a value that is not used", "another account"],
)
def test_what_was_declined_stays_declined_in_another_dress(again: Change) -> None:
    no, soon = declined(request(), GRACE, NOW), NOW + timedelta(minutes=1)
    assert not may_ask(no, replace(wish(), changes=(again,)), soon)


def test_what_was_declined_for_several_tenants_is_declined_for_each() -> None:
    elsewhere = replace(CHANGE, tenant="fabrikam.com")
    several = replace(wish(), changes=(CHANGE, elsewhere))
    no = declined(asked("a-1", several, NOW), GRACE, NOW)
    soon = NOW + timedelta(minutes=1)
    for again in ((CHANGE,), (elsewhere,), (elsewhere, CHANGE)):
        assert not may_ask(no, replace(several, changes=again), soon)
    assert may_ask(no, replace(several, changes=(replace(CHANGE, tenant="adatum.com"),)), soon)


def test_another_value_of_a_parameter_is_another_wish() -> None:
    one, other = (
        replace(CHANGE, command="param($Id) Remove-Thing $Id", parameters={"Id": number})
        for number in (1, 2)
    )
    no = declined(asked("a-1", replace(wish(), changes=(one,)), NOW), GRACE, NOW)
    assert may_ask(no, replace(wish(), changes=(other,)), NOW + timedelta(minutes=1))


def test_a_grant_can_be_taken_back_until_it_is_used() -> None:
    assert declined(granted(), ADA, NOW).state is State.DECLINED
    with pytest.raises(ApprovalRefused, match="it is used"):
        declined(used(granted(), [CHANGE], AGENT.id, NOW), ADA, NOW)


def test_a_client_that_calls_itself_something_else_is_no_other_agent() -> None:
    asked_it, other = derived_agent(ADA, "claude-code"), derived_agent(ADA, "cursor")
    no = declined(request(asked_it), GRACE, NOW)
    assert not may_ask(no, wish(other), NOW + timedelta(minutes=1))
    assert may_ask(no, wish(ADA), NOW + timedelta(minutes=1))


def test_one_approval_for_several_sessions_is_used_for_those_that_it_lists() -> None:
    elsewhere = replace(CHANGE, tenant="fabrikam.com", account="admin@fabrikam.com")
    both = asked("a-2", wish(AGENT, CHANGE, elsewhere), NOW)
    assert both.digest == digest_of([CHANGE, elsewhere])
    assert both.digest not in {CHANGE.digest(), digest_of([elsewhere, CHANGE])}
    yes = approved(both, GRACE, NOW, four_eyes=False)
    assert used(yes, [elsewhere], AGENT.id, NOW).state is State.USED
    for wrong in ([], [CHANGE, OTHERS[0]]):
        with pytest.raises(ApprovalRefused, match="another command"):
            used(yes, wrong, AGENT.id, NOW)


def test_what_has_changed_since_it_was_asked_for_is_said() -> None:
    assert difference(CHANGE, CHANGE) == ""
    said = difference(CHANGE, replace(CHANGE, account="eve@contoso.com"))
    assert said == (
        "In contoso.com:exo eve@contoso.com is signed in now, and admin@contoso.com was when it"
        " was asked for."
    )
    assert all(difference(CHANGE, other) for other in OTHERS)


def test_a_request_whose_run_has_ended_is_withdrawn_and_a_decision_stays() -> None:
    assert withdrawn(request()).state is State.WITHDRAWN
    no = declined(request(), GRACE, NOW)
    assert withdrawn(no) == no
    with pytest.raises(ApprovalRefused, match="it is withdrawn"):
        approved(withdrawn(request()), GRACE, NOW, four_eyes=False)


Step = tuple[str, Principal, Change, int, bool]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["approve", "decline", "use"]),
        st.sampled_from([ADA, GRACE, AGENT, SCRIPT, OWNER, derived_agent(ADA, "code")]),
        st.sampled_from([CHANGE, *OTHERS]),
        st.integers(0, 10),
        st.booleans(),
    ),
    max_size=12,
)


def taken(approval: Approval, step: Step, at: datetime) -> Approval:
    """Return what a step makes of an approval; a refused one changes nothing."""
    what, by, change, _, four_eyes = step
    steps: dict[str, Callable[[], Approval]] = {
        "approve": lambda: approved(approval, by, at, four_eyes=four_eyes),
        "decline": lambda: declined(approval, by, at),
        "use": lambda: used(approval, [change], by.id, at),
    }
    try:
        return steps[what]()
    except ApprovalRefused:
        return approval


@given(requester=st.sampled_from([ADA, AGENT, derived_agent(ADA, "code")]), steps=STEPS)
def test_in_no_order_of_steps_is_it_used_twice_late_or_without_a_person(
    requester: Principal, steps: list[Step]
) -> None:
    one, at, uses = request(requester), NOW, 0
    for step in steps:
        at += timedelta(minutes=step[3])
        after = taken(one, step, at)
        if after.state is State.USED and one.state is not State.USED:
            uses += 1
            assert one.state is State.APPROVED
            assert at < one.expires_at
            assert (step[1].id, step[2]) == (requester.id, CHANGE)
        if after.state is State.APPROVED and one.state is State.PENDING:
            assert step[1].kind in (Kind.PERSON, Kind.OWNER)
            assert not (step[4] and requester.id.startswith(step[1].id))
        if one.state in (State.DECLINED, State.USED):
            assert after == one
        one = after
    assert uses <= 1
