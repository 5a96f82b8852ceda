"""The catalog: modules read from files, built-in and the user's own."""

import re
from pathlib import Path

import pytest

from pwsh_kernels.catalog import SECRET_FACTS, Catalog, Facts, Module, Route, Script, Secret
from pwsh_kernels.catalog.catalog import CATALOG_FOLDER
from pwsh_kernels.errors import BrokenFile, UnknownModule, UnsupportedModule

MODULE = """\
title = "Test"
powershell_module = "Test.Module"
minimum_version = "1.0"
purpose = "Testing."
check = { script = "3" }
disconnect = { script = "4" }

[routes.device_code]
script = "param($Org) 2"
parameters = { Org = "organization" }

[routes.certificate]
needs = ["client_id", ["certificate_file", "certificate_thumbprint"]]
parameters = { Id = "client_id" }
script = '''
param($Id)
needs = "no key: this stands inside a text"
'''
"""
KEYS = ["azure", "exo", "graph", "pnp", "powerplatform", "teams"]
BUILT_IN = Catalog.load()


def catalog(folder: Path, text: str = MODULE, name: str = "test.toml") -> Catalog:
    (folder / name).write_text(text, encoding="utf-8")
    return Catalog.load(folder)


def scripts(module: Module) -> list[Script]:
    return [
        module.prepare,
        module.check,
        module.disconnect,
        *(route.script for route in module.routes.values()),
    ]


def test_six_services_are_known_and_two_are_named_as_unsupported() -> None:
    assert list(BUILT_IN.modules) == KEYS
    assert list(BUILT_IN.unsupported) == ["ipps", "spo"]
    assert BUILT_IN.broken == ()


def test_an_unknown_module_is_refused_with_the_known_ones_and_the_nearest() -> None:
    with pytest.raises(
        UnknownModule, match=r"Unknown module: exchange\. Known modules: azure, exo, graph"
    ):
        BUILT_IN.module("exchange")
    with pytest.raises(UnknownModule, match=r"Did you mean azure\?"):
        BUILT_IN.module("azur")


def test_an_unsupported_module_is_refused_with_the_reason_and_what_to_use_instead() -> None:
    with pytest.raises(UnsupportedModule) as refused:
        BUILT_IN.module("spo")
    assert (
        refused.value.text()
        == "spo is not supported: Microsoft.Online.SharePoint.PowerShell runs on Windows only, and"
        " it has no device code sign-in. Use pnp; its admin cmdlets work with the site"
        " https://TENANT-admin.sharepoint.com (`site` in the tenants file)."
    )


@pytest.mark.parametrize("key", KEYS)
def test_every_parameter_of_a_script_is_bound_by_name_and_forgotten_afterwards(key: str) -> None:
    for script in scripts(BUILT_IN.module(key)):
        block = re.match(r"param\((.*?)\)\n", script.text, re.DOTALL)
        named = set(re.findall(r"\$(\w+)", block[1])) if block else set()
        removed = re.search(r"Remove-Variable -Name ([\w, ]+) -ErrorAction Ignore", script.text)
        assert named == set(script.parameters)
        assert named == (set(removed[1].split(", ")) if removed else set())


@pytest.mark.parametrize("key", KEYS)
def test_secrets_reach_scripts_as_secure_strings_only(key: str) -> None:
    for script in scripts(BUILT_IN.module(key)):
        for name, fact in script.parameters.items():
            assert (f"[securestring] ${name}" in script.text) == (fact in SECRET_FACTS)


@pytest.mark.parametrize(
    ("key", "routes"),
    [
        ("exo", "device_code certificate managed_identity access_token"),
        ("pnp", "device_code certificate managed_identity workload_identity access_token"),
        (
            "azure",
            "device_code certificate managed_identity workload_identity access_token client_secret",
        ),
        (
            "powerplatform",
            "device_code certificate managed_identity workload_identity access_token client_secret",
        ),
        ("graph", "device_code certificate managed_identity access_token client_secret"),
        ("teams", "device_code certificate managed_identity access_token"),
    ],
)
def test_a_module_has_every_route_that_needs_no_browser_and_device_code_first(
    key: str, routes: str
) -> None:
    module = BUILT_IN.module(key)
    assert " ".join(module.routes) == routes
    assert [route.name for route in module.routes.values() if route.asks_person] == ["device_code"]


def test_codes_live_as_long_as_the_real_modules_let_them() -> None:
    assert {key: one.routes["device_code"].expires_s for key, one in BUILT_IN.modules.items()} == {
        **dict.fromkeys(KEYS, 900),
        "graph": 120,
    }


def test_what_survives_a_restart_is_said_for_every_route() -> None:
    device = {key: one.routes["device_code"].survives for key, one in BUILT_IN.modules.items()}
    others = {
        route.survives
        for one in BUILT_IN.modules.values()
        for route in one.routes.values()
        if not route.asks_person
    }
    assert device == {
        **dict.fromkeys(["exo", "graph", "teams"], "nothing"),
        **dict.fromkeys(["azure", "pnp", "powerplatform"], "cache"),
    }
    assert others == {"again"}


@pytest.mark.parametrize(
    ("facts", "missing"),
    [
        ({"sharepoint_url": "https://contoso.sharepoint.com"}, [("client_id",)]),
        ({"client_id": "1", "sharepoint_url": None}, [("sharepoint_url",)]),
        ({"client_id": "1", "sharepoint_url": "https://contoso.sharepoint.com"}, []),
    ],
)
def test_a_missing_client_id_of_pnp_is_found_before_anything_runs(
    facts: Facts, missing: list[tuple[str]]
) -> None:
    assert BUILT_IN.module("pnp").routes["device_code"].missing(facts) == missing


def test_one_of_several_facts_is_enough_where_the_route_says_so() -> None:
    route = BUILT_IN.module("graph").routes["certificate"]
    assert route.missing({"client_id": "1", "certificate_thumbprint": "AB"}) == []
    assert route.missing({"client_id": "1"}) == [("certificate_file", "certificate_thumbprint")]


def test_the_default_patterns_find_entras_sentence_and_pnps() -> None:
    route = BUILT_IN.module("exo").routes["device_code"]
    page = "https://microsoft.com/devicelogin"
    for text in (
        (
            f"To sign in, use a web browser to open the page {page} and enter the code ABCDEFGH2 to"
            " authenticate."
        ),
        f"Open a browser, navigate to {page} and authenticate using code ABCDEFGH2 to proceed.",
    ):
        code, url = route.code_pattern.search(text), route.url_pattern.search(text)
        assert (code and code[1], url and url[0]) == ("ABCDEFGH2", page)


def test_a_script_gets_the_facts_that_are_known_and_secrets_marked_as_such() -> None:
    script = Script(
        "1",
        {"Org": "organization", "Who": "expected_account", "Key": "client_secret", "For": "scopes"},
    )
    facts: Facts = {
        "organization": "contoso.com",
        "client_secret": Secret("canary"),
        "scopes": ("a", "b"),
        "expected_account": None,
    }
    assert script.bind(facts) == {
        "Org": "contoso.com",
        "Key": {"$secret": "canary"},
        "For": ["a", "b"],
    }


def test_a_secret_is_in_no_repr() -> None:
    assert "canary" not in f"{Secret('canary')!r} {[Secret('canary')]} {Secret('canary')}"


def test_a_file_may_leave_out_what_has_a_default(tmp_path: Path) -> None:
    module = catalog(tmp_path).module("test")
    assert (module.key, module.limits, module.environment, module.ended) == ("test", (), {}, ())
    assert module.identity == ("account", "tenant_id", "domains")
    assert module.install == "pwsh-kernels modules install test"
    assert module.prepare.parameters == {
        "Name": "powershell_module",
        "MinimumVersion": "minimum_version",
        "Install": "install",
    }
    assert module.facts()["catalog_folder"] == str(tmp_path)
    device: Route = module.routes["device_code"]
    assert (device.needs, device.expires_s, device.survives, device.code_channel) == (
        (),
        900,
        "nothing",
        "any",
    )


@pytest.mark.parametrize(
    ("change", "problem", "line"),
    [
        (("title =", "titel ="), "title is missing", None),  # codespell:ignore
        (('"Testing."', '"Testing."\ncolour = "red"'), "colour is not a key of this file", 5),
        (('title = "Test"', "title = 7"), "title must be a string", 1),
        (('title = "Test"', 'title = " "'), "title must be a string", 1),
        (("check = {", "check = 3 #"), "check must be a table", 5),
        (('check = { script = "3" }', 'check = { text = "3" }'), "check.script is missing", 5),
        (('script = "param($Org) 2"', ""), "routes.device_code.script is missing", 8),
        (
            ('script = "param($Org) 2"', "script = 2"),
            "routes.device_code.script must be a string",
            9,
        ),
        (
            ('"organization" }', '"city" }'),
            "routes.device_code.parameters.Org is not one of 'tenant', 'tenant_id'",
            10,
        ),
        (
            ("[routes.device_code]", "[routes.telepathy]"),
            "routes.telepathy is not one of 'device_code'",
            8,
        ),
        (
            ('["certificate_file"', '["certificat_file"'),
            "routes.certificate.needs.1.0 is not one of 'tenant'",
            13,
        ),
        (
            ("[routes.certificate]", "[routes.certificate]\ntime_limit_s = 0"),
            "time_limit_s must be greater than 0",
            13,
        ),
        (
            ("[routes.certificate]", "[routes.certificate]\nexpires_s = 1.5"),
            "expires_s must be a whole number",
            13,
        ),
        (
            ("[routes.certificate]", "[routes.certificate]\ncode_channel = 'tv'"),
            "code_channel is not one of",
            13,
        ),
        (
            ("[routes.certificate]", "[routes.certificate]\ncolour = 1"),
            "certificate.colour is not a key of this file",
            13,
        ),
        (('"Testing."', '"Testing."\nlimits = "none"'), "limits must be a list", 5),
        (('"Testing."', '"Testing."\nended = ["["]'), "ended.0", 5),
        (
            ("[routes.certificate]", '[routes.certificate]\ncode_pattern = "none"'),
            "code_pattern must have 1 groups",
            13,
        ),
        (
            ("[routes.certificate]", '[routes.certificate]\nurl_pattern = "(a)"'),
            "url_pattern must have 0 groups",
            13,
        ),
        (('"Testing."', "Testing."), "Invalid value", 4),
        (('needs = "no key', "'''\nneeds = \"no key"), "Cannot overwrite a value", 18),
    ],
)
def test_a_broken_file_is_named_with_line_and_reason_and_the_rest_loads(
    tmp_path: Path, change: tuple[str, str], problem: str, line: int | None
) -> None:
    (tmp_path / "whole.toml").write_text(MODULE, encoding="utf-8")
    known = catalog(tmp_path, MODULE.replace(*change, 1))
    (broken,) = known.broken
    assert list(known.modules) == ["whole"]
    assert broken.file == str(tmp_path / "test.toml")
    assert problem in broken.problem
    assert broken.line == line


@pytest.mark.parametrize(
    ("text", "problem", "line"),
    [
        ('title = "T"\n[unsupported]\nreason = 1\ninstead = "B."\n', "reason must be a string", 3),
        ('title = "T"\n[unsupported]\nreason = "A."\n', "instead is missing", 2),
        (
            'title = "T"\ncolour = 1\n[unsupported]\nreason = "A."\ninstead = "B."\n',
            "colour is not a key",
            2,
        ),
    ],
)
def test_a_broken_file_of_an_unsupported_service_is_named_too(
    tmp_path: Path, text: str, problem: str, line: int
) -> None:
    (broken,) = catalog(tmp_path, text).broken
    assert problem in broken.problem
    assert broken.line == line


def test_asking_for_a_module_of_a_broken_file_says_what_is_wrong(tmp_path: Path) -> None:
    known = catalog(tmp_path, "title = 7\n")
    with pytest.raises(
        BrokenFile, match=r"test\.toml, line 1: .*\. Correct the file and start again\."
    ):
        known.module("test")


def test_the_files_name_must_fit_for_a_key(tmp_path: Path) -> None:
    known = catalog(tmp_path, name="My Module.toml")
    assert "must be lower-case letters, digits, - and _" in known.broken[0].problem


def test_a_folder_of_the_users_own_adds_modules_and_replaces_built_in_ones(tmp_path: Path) -> None:
    for name in ("own.toml", "exo.toml", "spo.toml"):
        (tmp_path / name).write_text(MODULE, encoding="utf-8")
    known = Catalog.load(extra=tmp_path)
    assert list(known.modules) == sorted([*KEYS, "own", "spo"])
    assert known.module("exo").title == "Test"
    assert list(known.unsupported) == ["ipps"]


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    (broken,) = Catalog.load(extra=tmp_path / "none").broken
    assert "there is no such folder" in broken.problem


def test_the_built_in_module_files_name_their_folder_for_what_lies_beside_them() -> None:
    assert BUILT_IN.module("powerplatform").facts()["catalog_folder"] == str(CATALOG_FOLDER)
