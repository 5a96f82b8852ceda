"""Principals, grants and places at random, for the tests of properties."""

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from pwsh_kernels.principals.principal import (
    SERVER,
    SOMEWHERE,
    Grant,
    Kind,
    Principal,
    Reach,
    Where,
)
from pwsh_kernels.principals.verbs import Verb

NOW = datetime(2026, 11, 30, 18, 0, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
TENANTS = ("contoso.com", "fabrikam.com", "con")
TAGS = ("customer", "own")
MODULES = ("exo", "azure")

verbs = st.sampled_from(list(Verb))
grants = st.builds(
    Grant,
    st.frozensets(verbs, min_size=1),
    st.frozensets(st.sampled_from([*TENANTS, "*"])),
    st.frozensets(st.sampled_from(TAGS)),
    st.frozensets(st.sampled_from([*MODULES, "*"]), min_size=1),
)
kinds = st.sampled_from([Kind.PERSON, Kind.AGENT, Kind.SCRIPT])
principals = st.builds(
    Principal,
    st.just("ada"),
    kinds,
    st.lists(grants, max_size=4).map(tuple),
    expires=st.just(LATER),
    jupyter=st.booleans(),
)
tenants = st.builds(
    Where,
    st.just(Reach.TENANT),
    st.sampled_from(TENANTS[:2]),
    st.sampled_from([frozenset[str](), frozenset({"con"})]),
    st.frozensets(st.sampled_from(TAGS)),
)
sessions = st.builds(
    Where,
    st.just(Reach.SESSION),
    st.sampled_from(TENANTS[:2]),
    st.sampled_from([frozenset[str](), frozenset({"con"})]),
    st.frozensets(st.sampled_from(TAGS)),
    st.sampled_from(MODULES),
)
places = st.one_of(sessions, tenants, st.just(SERVER), st.just(SOMEWHERE))


def session(tenant: str = "contoso.com", module: str = "exo", *tags: str) -> Where:
    """Return the place of one session."""
    return Where(Reach.SESSION, tenant, frozenset({tenant}), frozenset(tags), module)
