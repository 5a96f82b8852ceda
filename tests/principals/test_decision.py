"""The decision: properties that hold for every principal, and what a person reads of it."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pwsh_kernels.principals.decision import Reason, decide, held_verbs
from pwsh_kernels.principals.principal import (
    OWNER,
    SERVER,
    SOMEWHERE,
    Grant,
    Kind,
    Principal,
    Where,
    derived_agent,
)
from pwsh_kernels.principals.verbs import IMPLIED, PEOPLE_ONLY, Verb
from tests.fixtures.odd_values import few
from tests.principals.grants import (
    LATER,
    NOW,
    grants,
    places,
    principals,
    session,
    sessions,
    verbs,
)


@few(200)
@given(principals, verbs, places)
def test_who_has_no_grant_may_do_nothing(one: Principal, verb: Verb, where: Where) -> None:
    decision = decide(replace(one, grants=()), verb, where, NOW)
    assert not decision.allowed
    assert decision.held == frozenset()


@few(200)
@given(principals, verbs, places)
def test_only_a_grant_that_covers_the_place_and_the_verb_allows(
    one: Principal, verb: Verb, where: Where
) -> None:
    decision = decide(one, verb, where, NOW)
    named = [
        number
        for number, grant in enumerate(one.grants, 1)
        if grant.covers(where)
        and (verb in grant.verbs or any(verb in IMPLIED[held] for held in grant.verbs))
    ]
    never = one.kind is Kind.AGENT and verb in PEOPLE_ONLY
    assert decision.allowed == (bool(named) and not never)
    assert list(decision.by) == ([] if never else named)


@few(200)
@given(principals, grants, verbs, places, st.integers(0, 4))
def test_one_more_grant_takes_no_right_away(
    one: Principal, more: Grant, verb: Verb, where: Where, at: int
) -> None:
    richer = replace(one, grants=(*one.grants[:at], more, *one.grants[at:]))
    before, after = (decide(each, verb, where, NOW) for each in (one, richer))
    assert after.allowed >= before.allowed
    assert after.held >= before.held


@few(200)
@given(principals, verbs, places, st.timedeltas(timedelta(0), timedelta(days=4000)))
def test_who_is_revoked_or_expired_may_do_nothing(
    one: Principal, verb: Verb, where: Where, since: timedelta
) -> None:
    revoked = decide(replace(one, revoked=NOW), verb, where, NOW)
    expired = decide(replace(one, expires=LATER), verb, where, LATER + since)
    assert (revoked.reason, expired.reason) == (Reason.REVOKED, Reason.EXPIRED)
    assert revoked.held == expired.held == frozenset()


@few(200)
@given(principals, places)
def test_no_grant_lets_an_agent_approve_or_administer(one: Principal, where: Where) -> None:
    agent = replace(one, kind=Kind.AGENT)
    for verb in PEOPLE_ONLY:
        decision = decide(agent, verb, where, NOW)
        assert decision.reason is Reason.NEVER_FOR_AGENTS
        assert verb not in decision.held


@few(200)
@given(principals, verbs, places)
def test_a_derived_agent_may_no_more_than_whom_it_acts_for(
    one: Principal, verb: Verb, where: Where
) -> None:
    agent = derived_agent(one, "claude-code")
    allowed = decide(agent, verb, where, NOW).allowed
    assert allowed <= decide(one, verb, where, NOW).allowed
    assert agent.kind is Kind.AGENT
    assert not (agent.acts_for and (agent.jupyter or agent.token_hash))
    assert decide(replace(agent, revoked=NOW), verb, where, NOW).reason is Reason.REVOKED


@few(200)
@given(principals, verbs, sessions)
def test_a_right_on_the_whole_server_is_one_on_every_session(
    one: Principal, verb: Verb, where: Where
) -> None:
    everywhere = decide(one, verb, SERVER, NOW).allowed
    here = decide(one, verb, where, NOW).allowed
    assert everywhere <= here <= decide(one, verb, SOMEWHERE, NOW).allowed


@few(200)
@given(principals, verbs, places)
def test_the_decision_and_what_is_held_agree(one: Principal, verb: Verb, where: Where) -> None:
    decision = decide(one, verb, where, NOW)
    assert decision.held == held_verbs(one, where)
    assert decision.allowed == (verb in decision.held)
    assert decision.facts()["allowed"] == decision.allowed


@pytest.mark.parametrize("verb", list(Verb))
def test_the_owner_may_do_everything_and_its_agent_what_agents_may(verb: Verb) -> None:
    for where in (session(), SERVER, SOMEWHERE):
        assert decide(OWNER, verb, where, NOW).allowed
        agent = derived_agent(OWNER, "claude-code")
        assert decide(agent, verb, where, NOW).allowed == (verb not in PEOPLE_ONLY)
    assert agent.id == "token/agent:claude-code"


def test_an_agent_with_a_token_of_its_own_stays_itself_behind_mcp() -> None:
    agent = Principal("claude", Kind.AGENT, (), "ab")
    assert derived_agent(agent, "other") is agent


READER = Principal(
    "claude",
    Kind.AGENT,
    (
        Grant(frozenset({Verb.READ}), frozenset({"con"}), modules=frozenset({"exo"})),
        Grant(frozenset({Verb.SIGN_IN}), tags=frozenset({"customer"})),
    ),
    expires=LATER,
)


@pytest.mark.parametrize(
    ("verb", "where", "sentence"),
    [
        (Verb.READ, session("con"), "agent:claude may read in con:exo: by grant 1."),
        (
            Verb.SEE,
            session("con", "exo", "customer"),
            "agent:claude may see in con:exo: by grants 1, 2.",
        ),
        (
            Verb.WRITE,
            session("con"),
            "agent:claude may not write in con:exo: no grant says so. There it may: read, see.",
        ),
        (
            Verb.READ,
            session("con", "azure"),
            "agent:claude may not read in con:azure: no grant says so. There it may: nothing.",
        ),
        (
            Verb.READ,
            SERVER,
            (
                "agent:claude may not read in the whole server: no grant says so. There it may:"
                " nothing."
            ),
        ),
        (
            Verb.APPROVE,
            session("con"),
            "agent:claude may not approve: no grant gives that to an agent.",
        ),
    ],
)
def test_a_decision_is_a_sentence(verb: Verb, where: Where, sentence: str) -> None:
    assert decide(READER, verb, where, NOW).text() == sentence


def test_a_decision_about_somebody_who_is_gone_says_since_when() -> None:
    gone = decide(replace(READER, revoked=NOW), Verb.SEE, session(), NOW)
    over = decide(READER, Verb.SEE, session(), LATER)
    assert gone.text() == f"agent:claude was revoked at {NOW} and may do nothing."
    assert over.text() == f"agent:claude expired at {LATER} and may do nothing."
    assert gone.facts()["since"] == NOW.isoformat()
