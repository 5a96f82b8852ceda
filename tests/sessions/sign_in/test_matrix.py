"""Every module, every route, every outcome: how each sign-in on the sandbox ends, through REST.

An outcome that a route cannot have stands in `IMPOSSIBLE` with the reason. Where something near to
it is real, that is tested: what a person declines is, for an application, a consent or an entry in
the directory that is missing.

`dies` (PowerShell ends while it connects) costs a new session each time. By default one route of
each module dies, such that every kind of route does (`SAMPLE`); with PWSH_KERNELS_TEST_DEATHS=all
every route of every module.

`make test` tries the routes of the sample in every outcome, `make test-sweeps` all others.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace

import pytest

from pwsh_kernels.catalog import RouteName
from tests.catalog.services.opened_service import CATALOG, IDENTITY
from tests.fixtures.sandbox import AUTOMATION
from tests.fixtures.server import ADMIN, CONTOSO, STRANGER
from tests.sessions.sign_in.desk import Case, Ending, SignInDesk

pytestmark = [pytest.mark.xdist_group("signin"), pytest.mark.slow]

OUTCOMES = ("wrong_account", "wrong_tenant", "expired", "declined", "blocked", "success", "dies")
"""In the order in which they are tested; after `dies` there is no session any more."""
IMPOSSIBLE = {
    "*-managed_identity-expired": (
        "Azure renews what proves a managed identity: nobody holds a secret that could expire"
    ),
    "powerplatform-access_token-blocked": (
        "the service never asks Conditional Access about a token that was issued"
    ),
    "powerplatform-access_token-dies": (
        "a token that is handed in is kept for later: nothing connects that could die"
    ),
    "teams-managed_identity-declined": (
        "Teams takes the machine's own identity only: there is no id that could be unknown"
    ),
}
SAMPLE: Mapping[str, RouteName] = {
    "exo": "certificate",
    "pnp": "workload_identity",
    "azure": "client_secret",
    "powerplatform": "managed_identity",
    "graph": "access_token",
    "teams": "device_code",
}
"""Of each module one route, such that there is every kind of route."""
READER = "reader@contoso.example"
REPORTING = "c0070500-a992-4c00-8a00-00000000a992"
NOBODY = "11111111-2222-4333-8444-555555555555"
FABRIKAM_ID = "fab21ca0-0002-4b22-9f0e-6b8e0c0d0002"
OF_FABRIKAM = Case(
    tenant={"organization": "fabrikam.onmicrosoft.example"},
    access={
        "client_id": AUTOMATION["fabrikam"],
        "certificate_file": "fabrikam-automation1.pfx",
        "client_secret": {"file": "fabrikam-automation.secret"},
        "federated_token": {"file": "fabrikam-automation.token"},
    },
)
"""Everything of another tenant's application, as after a copy in the tenants file."""
BLOCKED = Ending("signed_out", "blocked", explanation="AADSTS53003")
WRONG_ACCOUNT = Ending("signed_out", "wrong_account")
WRONG_TENANT = Ending("signed_out", "wrong_tenant")
LOST = Ending("lost", "failed", run="session_lost")
Row = tuple[Case, Ending]


def failed(explanation: str | None) -> Ending:
    return Ending("signed_out", "failed", explanation=explanation)


def signed_in(account: str) -> Ending:
    return Ending("signed_in", "succeeded", account, run="succeeded")


def approve(desk: SignInDesk, _: str, code: str) -> None:
    desk.authority.approve(code, ADMIN)


def approve_the_next_code(desk: SignInDesk, module: str, code: str) -> None:
    """Be too late for the first code; use the one that is offered then."""
    desk.authority.clear_traps(CONTOSO)
    desk.authority.approve(desk.server.until(lambda: another_code(desk, code)), ADMIN)


def another_code(desk: SignInDesk, code: str) -> str | None:
    found = desk.status()["device_code"]
    return found if found != code else None


def keeps_login(module: str) -> bool:
    return CATALOG.modules[module].routes["device_code"].survives == "cache"


# -- what is done on a route, and how it must end ----------------------------------------------


def person_rows(desk: SignInDesk, module: str) -> dict[str, Row]:
    """Device code.

    Only Exchange's sign-in takes an account of any tenant; the others name the tenant, and Entra
    refuses.
    """
    too_late = Case(traps={"code_expiry": 0.3})
    rows = {
        "wrong_account": (
            Case(
                login={"expected_account": ADMIN},
                person=lambda at, _, code: at.authority.approve(code, READER),
            ),
            WRONG_ACCOUNT,
        ),
        "wrong_tenant": (
            Case(person=lambda at, _, code: at.authority.approve(code, STRANGER)),
            WRONG_TENANT if module == "exo" else failed("AADSTS50020"),
        ),
        "expired": (too_late, Ending("signed_out", "expired")),
        "declined": (
            Case(person=lambda at, _, code: at.authority.decline(code)),
            Ending("signed_out", "declined"),
        ),
        "blocked": (Case(traps={"ca_block": True}, person=approve), BLOCKED),
        "success": (Case(person=approve), signed_in(ADMIN)),
        "dies": (Case(traps={"dies": "connect"}, person=approve, forget=keeps_login(module)), LOST),
    }
    if keeps_login(module):  # the command begins a new session, in case that a login is kept
        rows["dies"] = (rows["dies"][0], replace(LOST, run="not_signed_in"))
    if module == "graph":  # a code of graph lives 120 s of the 15 minutes that a person has
        rows["expired"] = (
            Case(traps={"code_expiry": 0.3}, person=approve_the_next_code),
            signed_in(ADMIN),
        )
    return rows


EXPIRED: Mapping[str, Row] = {
    "certificate": (
        Case(access={"certificate_file": "contoso-automation-1.pfx"}),
        failed("AADSTS700027"),
    ),
    "client_secret": (
        Case(access={"client_secret": {"file": "wrong.secret"}}),
        failed("AADSTS7000215"),
    ),
    "workload_identity": (
        Case(access={"federated_token": {"file": "expired.token"}}),
        failed("AADSTS700024"),
    ),
}
APPLICATION_OF_OTHER_TENANT: Mapping[tuple[str, str], Ending] = {
    ("exo", "certificate"): WRONG_TENANT,  # Exchange connects to the organization that is named
    ("pnp", "certificate"): failed(
        "AADSTS500011"
    ),  # that tenant does not know contoso's SharePoint
}
"""Elsewhere the tenant's own id is asked for, and the application is unknown there."""


def application_rows(route: RouteName, module: str) -> dict[str, Row]:
    """Certificate, client secret, federated token."""
    return {
        "wrong_account": (Case(login={"expected_account": REPORTING}), WRONG_ACCOUNT),
        "wrong_tenant": (
            OF_FABRIKAM,
            APPLICATION_OF_OTHER_TENANT.get((module, route), failed("AADSTS700016")),
        ),
        "expired": EXPIRED[route],
        "declined": (Case(access={"client_id": NOBODY}), failed("AADSTS700016")),
        "blocked": (Case(traps={"ca_block": True}), BLOCKED),
        "success": (Case(), signed_in(AUTOMATION["contoso"])),
        "dies": (Case(traps={"dies": "connect"}), LOST),
    }


def machine_rows() -> dict[str, Row]:
    """Managed identity. It belongs to one tenant, whatever was asked for."""
    return {
        "wrong_account": (Case(login={"expected_account": REPORTING}), WRONG_ACCOUNT),
        "wrong_tenant": (Case(tenant={"tenant_id": FABRIKAM_ID}), WRONG_TENANT),
        "declined": (Case(access={"identity_id": NOBODY}), failed("managed_identity_unknown")),
        "blocked": (Case(traps={"ca_block": True}), BLOCKED),
        "success": (Case(), signed_in(IDENTITY)),
        "dies": (Case(traps={"dies": "connect"}), LOST),
    }


TOKEN_OF_OTHER_TENANT: Mapping[str, Ending] = {
    "exo": failed("token_refused"),
    "pnp": failed("AADSTS500011"),
    "azure": failed("account_of_other_tenant"),
    "powerplatform": WRONG_TENANT,
    "graph": WRONG_TENANT,
    "teams": failed("AADSTS50020"),
}
"""Graph and Power Platform take the tenant from the token; the others compare it with the one that
is asked for.
"""


def token_rows(desk: SignInDesk, module: str) -> dict[str, Row]:
    """Access token.

    Nobody signs in, so nobody can decline: a token that was given for something else is nearest.
    """
    misplaced = desk.token(audience="https://vault.azure.net")
    return {
        "wrong_account": (
            Case(login={**desk.token(READER), "expected_account": ADMIN}),
            WRONG_ACCOUNT,
        ),
        "wrong_tenant": (Case(login=desk.token(STRANGER)), TOKEN_OF_OTHER_TENANT[module]),
        "expired": (Case(login=desk.token(lifetime_s=-60)), failed("token_expired")),
        "declined": (
            Case(login=misplaced),
            failed(None if module == "teams" else "token_unusable"),
        ),
        "blocked": (Case(login=desk.token(), traps={"ca_revoked": True}), BLOCKED),
        "success": (Case(login=desk.token()), signed_in(ADMIN)),
        "dies": (Case(login=desk.token(), traps={"dies": "connect"}), LOST),
    }


def rows(desk: SignInDesk, module: str, route: RouteName) -> dict[str, Row]:
    """Return what is done for each outcome that the route can have, and how it must end."""
    if route == "device_code":
        return person_rows(desk, module)
    if route == "access_token":
        return token_rows(desk, module)
    if route == "managed_identity":
        return machine_rows()
    return application_rows(route, module)


def possible(module: str, route: RouteName) -> Iterator[str]:
    """Yield the outcomes to test on a route, in order."""
    everywhere = os.environ.get("PWSH_KERNELS_TEST_DEATHS") == "all"
    for outcome in OUTCOMES:
        impossible = {f"*-{route}-{outcome}", f"{module}-{route}-{outcome}"} & IMPOSSIBLE.keys()
        if not impossible and (outcome != "dies" or everywhere or SAMPLE[module] == route):
            yield outcome


def in_order(module: str) -> list[RouteName]:
    """Return a module's routes, the one that dies last, so that a module needs one session."""
    return sorted(CATALOG.modules[module].routes, key=lambda route: route == SAMPLE[module])


@pytest.mark.parametrize(
    ("module", "route"),
    [
        pytest.param(
            module,
            route,
            id=f"{module}-{route}",
            marks=() if SAMPLE[module] == route else pytest.mark.sweep,
        )
        for module in CATALOG.modules
        for route in in_order(module)
    ],
)
def test_a_sign_in_ends_as_it_must(
    desk: SignInDesk, subtests: pytest.Subtests, module: str, route: RouteName
) -> None:
    desk.use(module)
    for outcome in possible(module, route):
        case, ending = rows(desk, module, route)[outcome]
        with subtests.test(f"{module}-{route}-{outcome}"):
            assert desk.ending(route, case) == ending


def test_the_sample_has_every_module_and_every_kind_of_route() -> None:
    assert set(SAMPLE) == set(CATALOG.modules)
    assert set(SAMPLE.values()) == {
        route for module in CATALOG.modules.values() for route in module.routes
    }
