"""The catalog: modules read from files, tenants found by name."""

import re
from pathlib import Path

import pytest

from pwsh_kernels.catalog import Catalog, Script, Tenant, Tenants
from pwsh_kernels.catalog.catalog import read_module
from pwsh_kernels.errors import BrokenFile, InvalidTenant, UnknownModule

MODULE = """
title = "Test"
powershell_module = "Test.Module"
minimum_version = "1.0"
purpose = "Testing."
prepare = { script = "1" }
connect = { script = "param($Org) 2", parameters = { Org = "organization" } }
check = { script = "3" }
disconnect = { script = "4" }
"""


def module_file(folder: Path, text: str) -> Path:
    file = folder / "test.toml"
    file.write_text(text, encoding="utf-8")
    return file


def tenants_file(folder: Path, text: str) -> Path:
    file = folder / "tenants.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_exchange_online_is_in_the_catalog() -> None:
    module = Catalog.load().module("exo")
    assert (module.powershell_module, module.expires_s, module.survives_restart) == ("ExchangeOnlineManagement", 900, ())


def test_an_unknown_module_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UnknownModule, match=r"Unknown module: exchange\. Known modules: exo"):
        Catalog.load().module("exchange")


def test_every_parameter_of_a_script_is_bound_by_name_and_declared() -> None:
    module = Catalog.load().module("exo")
    for script in (module.prepare, module.connect, module.check, module.disconnect):
        block = re.match(r"param\(([^)]*)\)", script.text)
        assert set(re.findall(r"\$(\w+)", block[1]) if block else []) == set(script.parameters)


def test_the_default_patterns_find_entras_sentence() -> None:
    module = Catalog.load().module("exo")
    page = "https://microsoft.com/devicelogin"
    text = f"To sign in, use a web browser to open the page {page} and enter the code ABCDEFGH2 to authenticate."
    code, url = module.code_pattern.search(text), module.url_pattern.search(text)
    assert code
    assert url
    assert (code[1], url[0]) == ("ABCDEFGH2", page)


def test_a_file_may_leave_out_what_has_a_default(tmp_path: Path) -> None:
    module = read_module(module_file(tmp_path, MODULE))
    assert (module.key, module.expires_s, module.limits) == ("test", 900, ())


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (("title", "titel"), "title is missing"),
        (('"Testing."', '"Testing."\ncolour = "red"'), "colour is not a key of this file"),
        (('"Test"', "7"), "title must be a text"),
        (("check = {", "check = 3 #"), "check must be a table"),
        (('check = { script = "3" }', 'check = { text = "3" }'), "check.script is missing"),
        (('"organization"', '"city"'), "connect.parameters.Org: 'city' is not one of tenant, tenant_id"),
        (('"Testing."', '"Testing."\nexpires_s = 0'), "expires_s must be a whole number of seconds"),
        (('"Testing."', '"Testing."\nlimits = "none"'), "limits must be a list of texts"),
        (('"Testing."', '"Testing."\ncode_pattern = "no group"'), "code_pattern must have 1 groups"),
        (('"Testing."', '"Testing."\nurl_pattern = "["'), "unterminated character set"),
        (('"Testing."', "Testing."), "Invalid value"),
    ],
)
def test_a_broken_file_is_named_with_its_reason(tmp_path: Path, change: tuple[str, str], problem: str) -> None:
    file = module_file(tmp_path, MODULE.replace(*change))
    with pytest.raises(BrokenFile) as broken:
        Catalog.load(tmp_path)
    assert broken.value.file == file.name
    assert problem in broken.value.problem


def test_a_script_gets_the_facts_that_are_known() -> None:
    script = Script("param($Org, $Who) 1", {"Org": "organization", "Who": "expected_account"})
    assert script.bind(Tenant("contoso.com", organization="contoso.onmicrosoft.com").facts()) == {
        "Org": "contoso.onmicrosoft.com"
    }


def test_the_sandbox_tenants_are_built_in() -> None:
    tenants = Tenants.load()
    assert list(tenants.known) == ["contoso.example", "fabrikam.example"]
    assert all(tenant.sandbox and tenant.tenant_id for tenant in tenants.known.values())


def test_letter_case_of_a_tenant_does_not_matter() -> None:
    tenants = Tenants.load()
    assert tenants.find_tenant("Contoso.EXAMPLE") is tenants.known["contoso.example"]
    assert tenants.find_tenant("Adatum.Com") == Tenant("adatum.com")


LONGEST = ".".join(["a" * 63] * 3 + ["a" * 61])


@pytest.mark.parametrize(
    "name", ["contoso.com", "a.b", "xn--mnchen-3ya.example", "7-eleven.co.uk", "contoso.onmicrosoft.com", LONGEST]
)
def test_any_domain_name_is_a_tenant(name: str) -> None:
    assert Tenants.load().find_tenant(name) == Tenant(name)


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
        Tenants.load().find_tenant(name)
    assert refused.value.tenant == name


def test_a_tenants_file_adds_tenants_and_completes_built_in_ones(tmp_path: Path) -> None:
    text = """
        [[tenant]]
        name = "Adatum.com"
        tenant_id = "3750b40b-a68b-4632-9fb3-5b1aff664079"
        expected_account = "admin@adatum.com"
        organization = "adatum.onmicrosoft.com"

        [[tenant]]
        name = "contoso.example"
        expected_account = "admin@contoso.example"
    """
    tenants = Tenants.load(tenants_file(tmp_path, text))
    adatum = Tenant(
        "adatum.com", "3750b40b-a68b-4632-9fb3-5b1aff664079", "admin@adatum.com", organization="adatum.onmicrosoft.com"
    )
    contoso = tenants.find_tenant("contoso.example")
    assert tenants.find_tenant("adatum.com") == adatum
    assert (contoso.sandbox, contoso.expected_account) == (True, "admin@contoso.example")
    assert contoso.tenant_id == Tenants.load().find_tenant("contoso.example").tenant_id
    assert tenants.find_tenant("fabrikam.example").sandbox


def test_a_built_in_tenant_can_be_switched_off_by_the_file(tmp_path: Path) -> None:
    text = '[[tenant]]\nname = "contoso.example"\nsandbox = false'
    assert not Tenants.load(tenants_file(tmp_path, text)).find_tenant("contoso.example").sandbox


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('[[tenant]]\ntenant_id = "x"', "a [[tenant]] has no name"),
        ('[[tenant]]\nname = "contoso"', "'contoso' is not a tenant"),
        ('[[tenant]]\nname = "a.com"\nacount = "x"', "acount is not a key of a tenant"),
        ('[[tenant]]\nname = "a.com"\nsandbox = "yes"', "sandbox must be true or false"),
        (
            '[[tenant]]\nname = "a.com"\nsandbox = true',
            "a.com is not simulated; sandbox = true is for contoso.example, fabrikam.example",
        ),
        ('[[tenant]]\nname = "a.com"\n[[tenant]]\nname = "A.com"', "a tenant is named twice"),
        ('[[tenants]]\nname = "a.com"', "only [[tenant]] tables are known here"),
        ("tenant = 7", "only [[tenant]] tables are known here"),
        ("[[tenant", "Expected ']]'"),
    ],
)
def test_a_broken_tenants_file_is_named_with_its_reason(tmp_path: Path, text: str, problem: str) -> None:
    file = tenants_file(tmp_path, text)
    with pytest.raises(BrokenFile) as broken:
        Tenants.load(file)
    assert broken.value.file == str(file)
    assert problem in broken.value.problem


def test_a_tenants_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BrokenFile, match=r"missing\.toml: .*No such file"):
        Tenants.load(tmp_path / "missing.toml")
