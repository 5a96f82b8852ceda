"""Where agents are stopped: what a freeze takes, from whom, and what a file of them may hold."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pwsh_kernels.principals.decision import Reason, decide
from pwsh_kernels.principals.freeze_file import NAME, FreezeFile
from pwsh_kernels.principals.freezes import STOPPED_VERBS, Freeze, Freezes, read_freezes
from pwsh_kernels.principals.principal import (
    OWNER,
    SERVER,
    Kind,
    Principal,
    Where,
    derived_agent,
    is_agents_id,
)
from pwsh_kernels.principals.verbs import Verb
from tests.fixtures.odd_values import few
from tests.principals.grants import NOW, places, principals, session, verbs

ALL = Freezes((Freeze("", "person:ada", NOW, "an accident"),))
freezes = st.builds(
    Freezes,
    st.lists(
        st.builds(
            Freeze,
            st.sampled_from(["", "contoso.com", "fabrikam.com"]),
            st.text(max_size=20),
            st.just(NOW),
            st.text(max_size=20),
        ),
        max_size=3,
    ).map(tuple),
)


@few(200)
@given(principals, verbs, places, freezes)
def test_a_freeze_gives_nobody_anything(
    one: Principal, verb: Verb, where: Where, stopped: Freezes
) -> None:
    if decide(one, verb, where, NOW, stopped).allowed:
        assert decide(one, verb, where, NOW).allowed


@few(200)
@given(principals, verbs, places, freezes)
def test_only_agents_and_only_what_changes_something_are_stopped(
    one: Principal, verb: Verb, where: Where, stopped: Freezes
) -> None:
    frozen = decide(one, verb, where, NOW, stopped)
    if frozen.reason is Reason.FROZEN:
        assert one.kind is Kind.AGENT
        assert verb in STOPPED_VERBS
    else:
        assert frozen == decide(one, verb, where, NOW)


@few(200)
@given(principals, st.sampled_from(sorted(STOPPED_VERBS)), places)
def test_when_everything_is_frozen_no_agent_changes_anything_anywhere(
    one: Principal, verb: Verb, where: Where
) -> None:
    assert not decide(replace(one, kind=Kind.AGENT), verb, where, NOW, ALL).allowed


def test_the_owners_own_agent_is_stopped_and_the_owner_is_not() -> None:
    where = session("contoso.com", "exo")
    agent = derived_agent(OWNER, "claude-code")
    refused = decide(agent, Verb.WRITE, where, NOW, ALL)
    assert refused.text() == (
        "token/agent:claude-code may not write in contoso.com:exo:"
        f" person:ada has stopped all agents everywhere at {NOW.isoformat()} (an accident)."
    )
    assert decide(agent, Verb.READ, where, NOW, ALL).allowed
    assert decide(OWNER, Verb.WRITE, where, NOW, ALL).allowed


def test_a_tenant_is_frozen_by_any_of_its_names_and_others_go_on() -> None:
    one = Freezes((Freeze("contoso.onmicrosoft.com", "token", NOW),))
    where = replace(session("contoso.com", "exo"), names=frozenset({"contoso.onmicrosoft.com"}))
    assert one.over(where) is not None
    assert one.over(session("fabrikam.com", "exo")) is None
    assert one.over(SERVER) is None


@few(100)
@given(freezes)
def test_what_is_written_is_read(stopped: Freezes) -> None:
    assert read_freezes(stopped.to_json()) == stopped


@few(100)
@given(freezes, st.sampled_from(["", "contoso.com"]))
def test_a_place_is_frozen_once_and_thawed_whole(stopped: Freezes, tenant: str) -> None:
    twice = stopped.frozen(Freeze(tenant, "a", NOW)).frozen(Freeze(tenant, "b", NOW))
    assert [one.by for one in twice if one.tenant == tenant] == ["b"]
    assert not [one for one in twice.thawed(tenant) if one.tenant == tenant]


@pytest.mark.parametrize(
    ("principal", "is_agent"),
    [
        ("agent:claude", True),
        ("token/agent:claude-code", True),
        ("person:ada/agent:mcp", True),
        ("token", False),
        ("person:agent", False),
        ("script:agent.nightly", False),
        ("jupyter (claims agent:x)", False),
    ],
)
def test_an_agent_is_known_by_its_id(principal: str, is_agent: bool) -> None:
    assert is_agents_id(principal) is is_agent


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"frozen": 1}', '{"frozen": [{"tenant": ""}]}', "\0"]
)
def test_a_file_that_nobody_can_understand_stops_all_agents(tmp_path: Path, text: str) -> None:
    file = FreezeFile(tmp_path)
    assert not file.current().known
    (tmp_path / NAME).write_text(text)
    assert file.current().over(SERVER) is not None
    file.write(Freezes())
    assert not file.current().known


def test_another_server_knows_what_is_frozen_and_only_the_user_can_read_it(tmp_path: Path) -> None:
    FreezeFile(tmp_path / "data").write(ALL)
    assert FreezeFile(tmp_path / "data").current() == ALL
    assert (tmp_path / "data" / NAME).stat().st_mode & 0o777 == 0o600
