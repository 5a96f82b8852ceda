"""An addition to a tenants file changes nothing else in it; pwsh-manager's connections become
entries.
"""

import json
import tomllib

import pytest

from pwsh_kernels.catalog.tenants.editing import Entry, with_entry
from pwsh_kernels.catalog.tenants.pwsh_manager_import import read_connections

FILE = """\
# Our tenants. Ask Avery before you change one.

[[tenant]]
name   = 'Contoso.com'   # the big one
aliases = [
    "con",  # short
]

[tenant.exo]
route = "device_code"

[[tenant]]
name = "fabrikam.com"
"""


def test_a_new_tenant_stands_at_the_end_and_the_rest_stays_as_it_was() -> None:
    exo: dict[str, object] = {"client_id": "app", "client_secret": {"env": "S"}}
    modules: dict[str, dict[str, object]] = {"exo": exo, "graph": {"scopes": ["a"]}}
    text = with_entry(
        FILE, Entry("adatum.com", {"aliases": ["ada"]}, modules, comment="two\nlines")
    )
    assert text == FILE + (
        "\n[[tenant]]\n# two lines\nname = \"adatum.com\"\naliases = [\"ada\"]\n\n"
        '[tenant.exo]\nclient_id = "app"\nclient_secret = {env = "S"}\n\n[tenant.graph]\nscopes = ["a"]\n'  # noqa: E501
    )  # fmt: skip


def test_the_first_tenant_makes_the_file() -> None:
    assert with_entry("", Entry("adatum.com")) == '[[tenant]]\nname = "adatum.com"\n'


def test_more_about_a_tenant_keeps_its_comments_and_lengthens_its_lists() -> None:
    values = {"tenant_id": "id", "aliases": ["con", "big"]}
    more = {"exo": {"route": "certificate"}, "pnp": {"client_id": "x"}}
    text = with_entry(FILE, Entry("contoso.com", values, more))
    assert tomllib.loads(text)["tenant"] == [
        {
            "name": "Contoso.com",
            "aliases": ["con", "big"],
            "tenant_id": "id",
            "exo": {"route": "certificate"},
            "pnp": {"client_id": "x"},
        },
        {"name": "fabrikam.com"},
    ]
    assert "# Our tenants. Ask Avery before you change one." in text
    assert "name   = 'Contoso.com'   # the big one" in text
    assert 'client_id = "x"\n\n[[tenant]]\nname = "fabrikam.com"' in text


def connections(**those: object) -> str:
    return json.dumps({"connections": those})


def test_a_connection_of_the_original_becomes_an_entry() -> None:
    imported = read_connections(
        connections(
            Fabrikam={
                "tenant": "Fabrikam.com",
                "appId": "pnp-app",
                "description": "The customer",
                "mcps": ["exo"],
                "tenantId": "3750b40b-a68b-4632-9fb3-5b1aff664079",
                "expectedEmail": "admin@fabrikam.com",
                "sharepoint_host": "fabrikam.sharepoint.com",
                "moduleApps": {"graph": "graph-app"},
            }
        )
    )
    values = {
        "tenant_id": "3750b40b-a68b-4632-9fb3-5b1aff664079",
        "aliases": ["fabrikam"],
        "sharepoint_host": "fabrikam",
        "expected_account": "admin@fabrikam.com",
    }
    modules = {"pnp": {"client_id": "pnp-app"}, "graph": {"client_id": "graph-app"}}
    assert imported.entries == (Entry("fabrikam.com", values, modules, "The customer"),)
    assert imported.notes == ()


def test_a_connection_that_names_its_tenant_by_id_takes_the_accounts_domain() -> None:
    tenant_id = "3750b40b-a68b-4632-9fb3-5b1aff664079"
    [entry] = read_connections(
        connections(X={"tenant": tenant_id, "expectedEmail": "A@Fabrikam.com"})
    ).entries
    assert (entry.name, entry.values["tenant_id"]) == ("fabrikam.com", tenant_id)


def test_two_connections_to_a_tenant_become_one_and_what_differs_is_said() -> None:
    imported = read_connections(
        connections(
            One={"tenant": "a.com", "appId": "x", "expectedEmail": "1@a.com"},
            Two={"tenant": "A.com", "appId": "y", "expectedEmail": "2@a.com"},
        )
    )
    [entry] = imported.entries
    values = {"aliases": ["one", "two"], "expected_account": "1@a.com"}
    assert (entry.values, entry.modules) == (values, {"pnp": {"client_id": "x"}})
    assert imported.notes == (
        "Two: expected_account differs from that of another connection to a.com; left out",
        "Two: client_id of pnp differs from that of another connection to a.com; left out",
    )


@pytest.mark.parametrize(
    "connection", [{"tenant": "contoso"}, {}, {"tenant": 7}, "text", {"tenant": "\u212a.com"}]
)
def test_a_connection_without_a_domain_name_is_left_out_and_named(connection: object) -> None:
    imported = read_connections(connections(Odd=connection))
    assert imported.entries == ()
    assert imported.notes == ("Odd: left out, its tenant is not a domain name",)


@pytest.mark.parametrize("title", ["Zürich (prod)!", "...", "x" * 80])
def test_a_title_becomes_an_alias_that_the_file_can_have(title: str) -> None:
    [entry] = read_connections(connections(**{title: {"tenant": "a.com"}})).entries
    assert entry.values.get("aliases", [""])[0] in ("z-rich -prod", "", "x" * 63)


@pytest.mark.parametrize("text", ["{", "[]", '{"connections": []}', "7"])
def test_another_file_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"connections|Expecting"):
        read_connections(text)
