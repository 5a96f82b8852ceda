"""The guard: whose token it is, what is in force now, and tenants that somebody may not know of."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from pwsh_kernels.catalog import Tenant, Tenants
from pwsh_kernels.errors import Forbidden, InvalidTenant, ProductError, Unauthorized, UnknownTenant
from pwsh_kernels.principals.principal import Grant, Kind, Principal
from pwsh_kernels.principals.roll import Roll
from pwsh_kernels.principals.tokens import hash_of
from pwsh_kernels.principals.verbs import Verb
from pwsh_kernels.sessions.key import SessionKey
from pwsh_kernels.web.access import Caller
from pwsh_kernels.web.guard import Guard

NOW = datetime(2026, 11, 30, 18, 0, tzinfo=UTC)
OWNERS, ADAS = "o" * 40, "pwk_ada"
ADA = Principal(
    "ada",
    Kind.PERSON,
    (Grant(frozenset({Verb.WRITE}), tags=frozenset({"customer"})),),
    hash_of(ADAS),
    NOW + timedelta(days=1),
)
TENANTS = Tenants.of(
    [
        Tenant("contoso.com", aliases=("con",), tags=("customer",)),
        Tenant("fabrikam.com", aliases=("fab",), domains=("fabrikam.de",)),
    ],
    closed=True,
)


class World:
    """A guard whose principals, tenants and time the test changes."""

    def __init__(self, *known: Principal, tenants: Tenants = TENANTS) -> None:
        self.known: Sequence[Principal] = known
        self.tenants = tenants
        self.now = NOW
        self.guard = Guard(
            OWNERS, lambda: Roll(tuple(self.known)), lambda: self.tenants, lambda: self.now
        )

    def caller(self, token: str = ADAS, agent: str = "curl/8") -> Caller:
        """Return who calls with a token."""
        found = self.guard.caller(f"Bearer {token}", agent)
        assert found is not None
        return found


def test_a_token_is_the_owners_or_a_principals_or_nobodys() -> None:
    world = World(ADA)
    assert world.caller(OWNERS).name == "token"
    assert world.caller().name == "person:ada"
    assert [world.guard.holder(one) for one in ("", "x", hash_of(ADAS))] == [None] * 3


@pytest.mark.parametrize(
    ("token", "agent", "name"),
    [
        (OWNERS, "pwsh-kernels-mcp/0.1 (claude-code)", "token/agent:claude-code"),
        (OWNERS, "pwsh-kernels-mcp/0.1", "token/agent:mcp"),
        (ADAS, "pwsh-kernels-mcp/0.1 (cursor)", "person:ada/agent:cursor"),
        (OWNERS, "pwsh-kernels-cli/0.1", "token"),
    ],
)
def test_a_call_for_an_mcp_client_is_that_of_an_agent(token: str, agent: str, name: str) -> None:
    assert World(ADA).caller(token, agent).name == name


def test_who_expires_is_revoked_or_is_taken_out_of_the_file_has_nothing_from_then_on() -> None:
    world = World(ADA)
    caller, agent = world.caller(), world.caller(agent="pwsh-kernels-mcp/0.1 (x)")
    key = SessionKey("contoso.com", "exo")

    def rights() -> list[bool]:
        return [world.guard.allows(one, Verb.WRITE, key) for one in (caller, agent)]

    assert rights() == [True, True]
    for known in ([replace(ADA, revoked=NOW)], [], [replace(ADA, kind=Kind.SCRIPT)]):
        world.known = known
        assert rights() == [False, False]
        with pytest.raises(Unauthorized):
            world.guard.require_valid(caller)
    world.known = [ADA]
    assert rights() == [True, True]
    world.now = NOW + timedelta(days=1)
    assert rights() == [False, False]
    assert world.guard.holder(ADAS) is None


def test_a_grant_that_is_taken_away_is_gone_for_who_calls_already() -> None:
    world = World(ADA)
    caller = world.caller()
    world.known = [replace(ADA, grants=())]
    world.guard.require_valid(caller)
    assert not world.guard.allows(caller, Verb.SEE, SessionKey("contoso.com", "exo"))


def test_a_tag_that_is_taken_from_a_tenant_takes_the_right_away() -> None:
    world = World(ADA)
    caller = world.caller()
    world.guard.require_session(caller, Verb.WRITE, "con", "exo")
    world.tenants = Tenants.of([Tenant("contoso.com", aliases=("con",))], closed=True)
    with pytest.raises(InvalidTenant):
        world.guard.require_session(caller, Verb.WRITE, "con", "exo")


def test_what_is_seen_and_not_allowed_is_refused_with_the_decision() -> None:
    world = World(ADA)
    with pytest.raises(Forbidden) as refused:
        world.guard.require_session(world.caller(), Verb.END, "contoso.com", "exo")
    assert refused.value.facts() == {
        "principal": "person:ada",
        "verb": "end",
        "tenant": "contoso.com",
        "module": "exo",
        "reason": "no_grant",
        "why": (
            "person:ada may not end in contoso.com:exo: no grant says so. There it may: read, see,"
            " write."
        ),
        "instead": "",
    }


@pytest.mark.parametrize("closed", [True, False])
@pytest.mark.parametrize(
    ("hidden", "absent"),
    [
        ("fabrikam.com", "adventure.com"),
        ("fabrikam.de", "adventure.de"),
        ("FABRIKAM.COM", "ADVENTURE.COM"),
        ("fab", "adv"),
    ],
)
def test_a_tenant_that_is_hidden_is_answered_as_one_that_does_not_exist(
    closed: bool, hidden: str, absent: str
) -> None:
    world = World(ADA, tenants=replace(TENANTS, closed=closed))

    def answer(name: str) -> tuple[type[ProductError], str]:
        with pytest.raises(ProductError) as refused:
            world.guard.require_session(world.caller(), Verb.SEE, name, "exo")
        return type(refused.value), refused.value.text().replace(name, "NAME")

    assert answer(hidden) == answer(absent)
    assert "fab" not in answer(hidden)[1]
    assert "fabrikam" not in answer("fabrikan.com")[1]


def test_names_near_one_that_is_seen_are_still_suggested() -> None:
    world = World(ADA)
    with pytest.raises(UnknownTenant) as refused:
        world.guard.find_tenant(world.caller(), "contosso.com")
    assert refused.value.nearest == ["contoso.com"]


def test_the_owner_is_told_of_every_tenant_as_ever() -> None:
    world = World(ADA)
    owner = world.caller(OWNERS)
    assert world.guard.find_tenant(owner, "fab").name == "fabrikam.com"
    with pytest.raises(UnknownTenant) as refused:
        world.guard.find_tenant(owner, "fabrikan.com")
    assert refused.value.nearest == ["fabrikam.com"]
