"""Tenants are found by each of their names and by nothing that is only like one; they know what
each module needs.
"""

from pathlib import Path

import pytest

from pwsh_kernels.catalog import Facts, ModuleAccess, SecretSource, Tenant, Tenants, load_tenants
from pwsh_kernels.errors import InvalidTenant, UnknownTenant

ADATUM = Tenant(
    "adatum.com", domains=("adatum.onmicrosoft.com", "adatum.co.uk"), aliases=("ada", "head office")
)
FABRIKAM = Tenant("fabrikam.com", aliases=("fab",))
CLOSED = Tenants.of([ADATUM, FABRIKAM], closed=True)
LONGEST = ".".join(["a" * 63] * 3 + ["a" * 61])


def test_the_sandbox_tenants_are_built_in() -> None:
    tenants = load_tenants()
    assert list(tenants.known) == ["contoso.example", "fabrikam.example"]
    assert all(tenant.sandbox and tenant.tenant_id for tenant in tenants.known.values())
    assert tenants.find_tenant("contoso.onmicrosoft.example").name == "contoso.example"


@pytest.mark.parametrize(
    "name",
    [
        "adatum.com",
        "Adatum.COM",
        "adatum.onmicrosoft.com",
        "ADATUM.co.uk",
        "Ada",
        "ada",
        "Head Office",
    ],
)
def test_a_tenant_is_found_by_name_domain_and_alias_in_any_letter_case(name: str) -> None:
    assert CLOSED.find_tenant(name) is ADATUM


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("adatum.con", ["adatum.com"]),
        ("adatum.co", ["adatum.com", "adatum.co.uk"]),
        ("adatum.test", ["adatum.com", "adatum.co.uk"]),
        ("fabrikan.com", ["fabrikam.com"]),
        ("woodgrove.example", []),
    ],
)
def test_beside_a_file_with_tenants_any_other_domain_is_unknown(
    name: str, nearest: list[str]
) -> None:
    with pytest.raises(UnknownTenant) as refused:
        CLOSED.find_tenant(name)
    assert (refused.value.tenant, sorted(refused.value.nearest)) == (name, sorted(nearest))


def test_the_refusal_names_the_nearest_tenants_and_the_commands_that_help() -> None:
    with pytest.raises(UnknownTenant) as refused:
        CLOSED.find_tenant("fabrikan.com")
    assert refused.value.to_json() == {
        "success": False,
        "error": (
            "Unknown tenant: fabrikan.com. Nearest: fabrikam.com. `pwsh-kernels tenants` lists the"
            " known ones; if it is another one, a person adds it with `pwsh-kernels tenants add"
            " fabrikan.com`."
        ),
        "code": "unknown_tenant",
        "tenant": "fabrikan.com",
        "nearest": ["fabrikam.com"],
    }


@pytest.mark.parametrize("name", ["adat", "a", "fabrikam", "head"])
def test_the_beginning_of_a_name_is_no_name(name: str) -> None:
    with pytest.raises(InvalidTenant):
        CLOSED.find_tenant(name)


def test_what_is_neither_domain_nor_alias_is_refused_with_the_nearest_names() -> None:
    with pytest.raises(InvalidTenant) as refused:
        CLOSED.find_tenant("Fabrikam")
    assert (
        refused.value.text()
        == "'Fabrikam' is not a tenant: give its domain name, such as contoso.com. Nearest:"
        " fabrikam.com"
    )


@pytest.mark.parametrize(
    "name",
    [
        "contoso.com",
        "fabrikam.com",
        "a.b",
        "xn--mnchen-3ya.example",
        "7-eleven.co.uk",
        "contoso.onmicrosoft.com",
        LONGEST,
    ],
)
def test_without_a_file_any_domain_name_is_a_tenant(name: str) -> None:
    assert load_tenants().find_tenant(name.upper()) == Tenant(name)


@pytest.mark.parametrize(
    "name",
    ["contoso.exampel", "contso.example", "fabrikam.examples"],  # codespell:ignore
)
def test_without_a_file_a_mistyped_known_name_is_refused(name: str) -> None:
    with pytest.raises(UnknownTenant) as refused:
        load_tenants().find_tenant(name)
    assert refused.value.nearest[0] in ("contoso.example", "fabrikam.example")


@pytest.mark.parametrize(
    "name",
    [
        "",
        "contoso",
        'x"; Get-Date #',
        "contoso.com; Get-Date",
        "contoso.com\n",
        " contoso.com",
        "-a.com",
        "a-.com",
        "a..com",
        ".com",
        "contoso.com.",
        "münchen.example",
        "a_b.com",
        "10.0.0.1",
        "a/../b.com",
        "$(x).com",
        "a" * 64 + ".com",
        "a" + LONGEST,
        "\u212a.com",  # the Kelvin sign, whose small letter is an ASCII k
    ],
)
def test_what_is_no_domain_name_is_refused(name: str) -> None:
    with pytest.raises(InvalidTenant) as refused:
        load_tenants().find_tenant(name)
    assert refused.value.tenant == name


def test_a_letter_that_only_looks_ascii_finds_no_tenant() -> None:
    with pytest.raises(InvalidTenant):
        Tenants.of([Tenant("k.com")]).find_tenant("\u212a.com")


def test_a_tenant_gives_the_facts_that_scripts_ask_for() -> None:
    tenant = Tenant(
        "adatum.com",
        tenant_id="3750b40b-a68b-4632-9fb3-5b1aff664079",
        expected_account="admin@adatum.com",
        sharepoint_host="adatumcorp",
        organization="adatum.onmicrosoft.com",
        delegated_organization="customer.onmicrosoft.com",
        modules={
            "exo": ModuleAccess(
                client_id="app",
                certificate_file=Path("c.pfx"),
                certificate_thumbprint="AB",
                expected_account="app",
            ),
            "graph": ModuleAccess(scopes=("User.Read.All",), identity_id="id", subscription="sub"),
        },
    )
    assert tenant.facts() == {
        "tenant": "adatum.com",
        "tenant_id": "3750b40b-a68b-4632-9fb3-5b1aff664079",
        "organization": "adatum.onmicrosoft.com",
        "delegated_organization": "customer.onmicrosoft.com",
        "expected_account": "admin@adatum.com",
        "sharepoint_url": "https://adatumcorp.sharepoint.com",
        "client_id": None,
        "certificate_file": None,
        "certificate_thumbprint": None,
        "identity_id": None,
        "subscription": None,
        "scopes": None,
    }
    exo: Facts = {
        "client_id": "app",
        "certificate_file": "c.pfx",
        "certificate_thumbprint": "AB",
        "expected_account": "app",
    }
    assert tenant.facts("exo") == {**tenant.facts(), **exo}
    graph: Facts = {"scopes": ("User.Read.All",), "identity_id": "id", "subscription": "sub"}
    assert tenant.facts("graph") == {**tenant.facts(), **graph}
    assert tenant.access("teams") == ModuleAccess()


def test_a_tenants_name_stands_in_for_an_unknown_initial_domain() -> None:
    facts = Tenant("adatum.com").facts()
    assert (facts["organization"], facts["delegated_organization"], facts["sharepoint_url"]) == (
        "adatum.com",
        None,
        None,
    )


def test_the_site_of_a_module_goes_before_the_tenants_host() -> None:
    site = "https://adatum.sharepoint.com/sites/team"
    tenant = Tenant(
        "adatum.com", sharepoint_host="adatum", modules={"pnp": ModuleAccess(site=site)}
    )
    assert tenant.facts("pnp")["sharepoint_url"] == site


def test_a_sandbox_tenant_has_a_sharepoint_address_of_its_own() -> None:
    assert (
        load_tenants().find_tenant("contoso.example").facts()["sharepoint_url"]
        == "https://contoso.sharepoint.com"
    )
    assert (
        Tenant("adatum.example", sandbox=True).facts()["sharepoint_url"]
        == "https://adatum.sharepoint.com"
    )


def test_only_the_places_of_secrets_are_given_and_only_for_their_module() -> None:
    password, secret, token = (
        SecretSource(env="A"),
        SecretSource(env="B"),
        SecretSource(file=Path("t")),
    )
    exo = ModuleAccess(certificate_password=password, client_secret=secret, federated_token=token)
    teams = ModuleAccess(access_token=token, graph_token=secret)
    tenant = Tenant("adatum.com", modules={"exo": exo, "teams": teams})
    assert tenant.secrets("exo") == {
        "certificate_password": password,
        "client_secret": secret,
        "federated_token": token,
    }
    assert tenant.secrets("teams") == {"access_token": token, "graph_token": secret}
    assert tenant.secrets("graph") == {}
    assert not set(tenant.secrets("exo")) & set(tenant.facts("exo"))


def test_a_modules_culture_goes_before_the_tenants() -> None:
    tenant = Tenant("adatum.com", culture="de-CH", modules={"exo": ModuleAccess(culture="fr-FR")})
    assert [tenant.culture_of(module) for module in ("exo", "teams")] == ["fr-FR", "de-CH"]
    assert Tenant("adatum.com").culture_of("exo") is None
