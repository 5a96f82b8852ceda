"""`pwsh-kernels tenants` as a person uses it: whole answers, exit codes, and a file that is never
left broken.
"""

import json
import stat
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from pwsh_kernels.catalog import Catalog
from pwsh_kernels.catalog.tenants.parsing import MODULE_KEYS, TENANT_KEYS
from pwsh_kernels.cli import main

Command = Callable[..., "Done"]
CONTOSO_ID = "c0070500-0001-4a11-8c0d-5a9d0b0c0001"


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    out: str
    err: str
    code: int


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the place of the tenants file; there is none yet."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    for name in (
        "PWSH_MANAGER_TENANTS",
        "TENANT_ALIASES",
        "SHAREPOINT_TENANTS",
        "PWSH_MANAGER_MODULES_DIR",
    ):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "pwsh-kernels" / "tenants.toml"


@pytest.fixture
def tenants(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    """Run `pwsh-kernels tenants ...` in this process."""

    def run(*arguments: str) -> Done:
        monkeypatch.setattr(sys, "argv", ["pwsh-kernels", "tenants", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        return Done(*capsys.readouterr(), code=int(ended.value.code or 0))

    return run


def test_without_a_file_the_sandbox_tenants_are_listed(tenants: Command, file: Path) -> None:
    done = tenants()
    lines = [line.split() for line in done.out.splitlines()]
    assert lines[1] == ["contoso.example", "-", CONTOSO_ID, "-", "-", "yes"]
    assert (done.err, done.code) == (
        f"There is no tenants file ({file}): any domain name is accepted as a tenant.\n",
        0,
    )
    file.parent.mkdir()
    file.touch()
    assert tenants().err == f"{file} names no tenant: any domain name is accepted as a tenant.\n"


def test_rules_about_changes_and_a_reader_are_added(tenants: Command, file: Path) -> None:
    assert (
        tenants("add", "adatum.com", "--changes", "agent=ask", "--changes", "script=never").code
        == 0
    )
    reader = ("--module", "exo", "--read", "--expected-account", "reader@adatum.com")
    assert tenants("add", "adatum.com", *reader).code == 0
    assert tenants("add", "adatum.com", "--module", "graph", "--changes", "never").code == 0
    assert tenants("add", "adatum.com", *reader[:3], "--route", "device_code").code == 0
    text = file.read_text(encoding="utf-8")
    assert text == (
        '[[tenant]]\nname = "adatum.com"\nchanges = {agent = "ask", script = "never"}\n\n'
        '[tenant.read.exo]\nexpected_account = "reader@adatum.com"\nroute = "device_code"\n\n'
        '[tenant.graph]\nchanges = "never"\n'
    )
    told = tenants("add", "fabrikam.com", "--read-with", "write_account", "--changes", "ask")
    assert told.code == 0
    assert 'changes = "ask"\nread_with = "write_account"' in file.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (("--changes", "ask", "--changes", "never"), "is one word, or KIND=WORD for each kind"),
        (("--changes", "asks"), "changes must be one of free, ask, never"),
        (("--changes", "robot=ask"), "a table of these by owner, person, agent, script"),
        (("--read",), "--read needs --module"),
        (("--read", "--module", "exo", "--site", "https://a.b"), "must be said who reads"),
        (("--read-with", "x"), "read_with"),
    ],
)
def test_a_wrong_rule_or_reader_is_not_added(
    tenants: Command, file: Path, options: tuple[str, ...], problem: str
) -> None:
    done = tenants("add", "adatum.com", *options)
    assert (done.code, problem in done.err) == (2, True), done.err
    assert not file.exists()


def test_a_tenant_is_added_and_listed(tenants: Command, file: Path) -> None:
    options = (
        "--module",
        "exo",
        "--route",
        "certificate",
        "--client-id",
        "app",
        "--certificate-password",
        "env:EXO_P",
    )
    tenants("add", "Adatum.com", "--culture", "de-ch")
    done = tenants(
        "add",
        "Adatum.com",
        "--alias",
        "Ada",
        "--expected-account",
        "app",
        *options,
        "--culture",
        "fr-FR",
    )
    assert (done.out, done.code) == (
        (
            f"adatum.com is in {file}. A running server sees it at once; an open session keeps"
            " what it started with until `pwsh-kernels disconnect adatum.com MODULE`.\n"
        ),
        0,
    )
    listed = tenants()
    assert listed.out.splitlines()[3].split() == [
        "adatum.com",
        "ada",
        "-",
        "-",
        "exo",
        "(certificate)",
        "-",
    ]
    assert listed.err == ""
    assert json.loads(tenants("--json").out)[2] == {
        "name": "adatum.com",
        "sandbox": False,
        "aliases": ["ada"],
        "culture": "de-CH",
        "changes": "free",
        "approve": "confirm",
        "modules": {
            "exo": {
                "route": "certificate",
                "client_id": "app",
                "expected_account": "app",
                "culture": "fr-FR",
                "certificate_password": {"env": "EXO_P"},
            }
        },
    }


def test_only_its_owner_can_read_the_file_and_a_link_to_it_stays(
    tenants: Command, file: Path, tmp_path: Path
) -> None:
    file.parent.mkdir()
    (tmp_path / "real.toml").write_text("# kept\n", encoding="utf-8")
    file.symlink_to(tmp_path / "real.toml")
    tenants("add", "adatum.com")
    assert file.is_symlink()
    assert (tmp_path / "real.toml").read_text(
        encoding="utf-8"
    ) == '# kept\n\n[[tenant]]\nname = "adatum.com"\n'
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [one.name for one in tmp_path.iterdir() if one.name.startswith(".")] == []


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("adatum",), "'adatum' is not a tenant: give its domain name, such as contoso.com"),
        (
            ("adatum.com", "--alias", "con"),
            "adatum.com cannot be added: con would mean both contoso.com and adatum.com",
        ),
        (
            ("contoso.com", "--tenant-id", "7"),
            "contoso.com cannot be added: tenant_id must be an id such as",
        ),
        (
            ("a.com", "--client-id", "x"),
            "--module is needed: client_id belongs to a module, such as --module exo",
        ),
        (
            ("a.com", "--client-id", "x", "--route", "certificate"),
            "--module is needed: route, client_id belong to a module, such as --module exo",
        ),
        (
            ("a.com", "--module", "exo", "--route", "device_code", "--module", "pnp"),
            "--module names one service, not 2: call `tenants add` once for each service",
        ),
        (
            ("a.com", "--culture", "xx-QQ"),
            "a.com cannot be added: culture must be the name of an existing culture",
        ),
        (("a.com", "--module", "exoo"), "Unknown module: exoo"),
        (
            ("a.com", "--module", "exo", "--client-secret", "canary"),
            "--client-secret must be file:PATH or env:NAME, never the secret itself",
        ),
    ],
)
def test_what_would_make_the_file_wrong_is_refused_and_changes_nothing(
    tenants: Command, file: Path, arguments: tuple[str, ...], error: str
) -> None:
    tenants("add", "contoso.com", "--alias", "con")
    before = file.read_bytes()
    done = tenants("add", *arguments)
    assert (done.out, done.code) == ("", 2)
    assert done.err.startswith(f"pwsh-kernels: {error}")
    assert "canary" not in done.err
    assert file.read_bytes() == before


def test_a_broken_file_is_not_added_to(tenants: Command, file: Path) -> None:
    file.parent.mkdir()
    file.write_text("\n[[tenant", encoding="utf-8")
    done = tenants("add", "contoso.com")
    assert done.err.startswith(f"pwsh-kernels: {file}, line 2: Expected ']]'")
    assert (done.code, file.read_text(encoding="utf-8")) == (1, "\n[[tenant")


def test_a_check_names_every_problem_with_its_line(
    tenants: Command, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("EXO_P", raising=False)
    options = (
        "--module",
        "exo",
        "--route",
        "certificate",
        "--client-id",
        "app",
        "--certificate-password",
        "env:EXO_P",
    )
    tenants("add", "adatum.com", *options)
    done = tenants("check")
    secret = "the secret in the environment variable EXO_P cannot be used: it is not set"
    assert done.out.splitlines() == [
        f"{file}, line 5: adatum.com:exo: the route certificate needs certificate_file",
        f"{file}, line 7: adatum.com:exo: {secret}",
    ]
    assert (done.err, done.code) == ("", 1)
    problems = json.loads(tenants("check", "--json").out)["problems"]
    assert [one["line"] for one in problems] == [5, 7]


def test_what_an_added_tenant_lacks_is_said_at_once_and_nothing_of_other_tenants(
    tenants: Command, file: Path
) -> None:
    tenants("add", "contoso.com", "--module", "exo", "--route", "certificate")
    done = tenants("add", "adatum.com", "--module", "pnp", "--client-id", "app")
    assert done.err.splitlines() == [
        (
            f"pwsh-kernels: {file}, line 10: adatum.com:pnp: the route device_code needs site (or"
            " sharepoint_host next to the tenant's name)"
        )
    ]
    assert done.code == 0
    repaired = tenants("add", "adatum.com", "--sharepoint-host", "adatum")
    assert (repaired.err, repaired.code) == ("", 0)


def test_what_a_route_lacks_is_named_by_keys_of_the_tenants_file(
    tenants: Command, file: Path
) -> None:
    file.parent.mkdir()
    file.write_text(
        '[[tenant]]\nname = "adatum.com"\n[tenant.pnp]\nclient_id = "app"\n', encoding="utf-8"
    )
    done = tenants("check")
    assert "needs site (or sharepoint_host next to the tenant's name)" in done.out + done.err
    assert {"site", "sharepoint_host"} <= {*TENANT_KEYS, *MODULE_KEYS}
    known = {*TENANT_KEYS, *MODULE_KEYS, "sharepoint_url"}
    assert [
        need
        for one in Catalog.load().modules.values()
        for route in one.routes.values()
        for needs in route.needs
        for need in needs
        if need not in known
    ] == []


def test_a_check_says_that_all_is_well(tenants: Command, file: Path) -> None:
    assert tenants("check") == Done(f"{file}: there is no such file yet.\n", "", 0)
    tenants("add", "adatum.com")
    assert tenants("check") == Done(f"{file}: no problems.\n", "", 0)
    assert tenants("check", f"{file}x") == Done(f"{file}x: No such file or directory\n", "", 1)


def test_a_check_looks_at_the_settings_as_well(
    tenants: Command, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenants("add", "adatum.com", "--alias", "ada")
    monkeypatch.setenv("TENANT_ALIASES", '{"ada": "a.com"}')
    done = tenants("check")
    assert done.out.startswith(f"{file}: TENANT_ALIASES: ada would mean both adatum.com and a.com")
    assert done.code == 1


def test_aliases_and_hosts_of_the_settings_are_listed(
    tenants: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TENANT_ALIASES", "ada=adatum.com, con = contoso.example")
    monkeypatch.setenv("SHAREPOINT_TENANTS", '{"ada": "adatumcorp"}')
    listed = {one["name"]: one for one in json.loads(tenants("--json").out)}
    assert listed["adatum.com"]["aliases"] == ["ada"]
    assert listed["adatum.com"]["sharepoint_host"] == "adatumcorp"
    assert listed["contoso.example"]["aliases"] == ["con"]


@pytest.mark.parametrize("value", ["ada", "ada=", "=x", '{"a": 1}', "{"])
def test_a_setting_that_is_no_list_of_pairs_is_refused(
    tenants: Command, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("TENANT_ALIASES", value)
    done = tenants()
    assert done.code == 2
    assert done.err.startswith("pwsh-kernels: TENANT_ALIASES: ")


def test_the_originals_connections_are_imported_once(
    tenants: Command, file: Path, tmp_path: Path
) -> None:
    tenants("add", "contoso.com", "--alias", "con")
    those = {
        "Fabrikam": {"tenant": "fabrikam.com", "appId": "x"},
        "con": {"tenant": "b.com"},
        "C": {"tenant": "contoso.com"},
    }
    (tmp_path / "old.json").write_text(json.dumps({"connections": those}), encoding="utf-8")
    done = tenants("import", str(tmp_path / "old.json"))
    assert done == Done(
        f"Added to {file}: fabrikam.com. `pwsh-kernels tenants check` checks the whole file.\n",
        "pwsh-kernels: contoso.com already exists.\n"
        "pwsh-kernels: b.com cannot be added: con would mean both contoso.com and b.com.\n",
        0,
    )
    before = file.read_bytes()
    assert "Added to" in tenants("import", str(tmp_path / "old.json")).out
    assert file.read_bytes() == before


def test_a_file_that_is_none_of_the_originals_is_refused(tenants: Command, tmp_path: Path) -> None:
    (tmp_path / "old.json").write_text("[]", encoding="utf-8")
    done = tenants("import", str(tmp_path / "old.json"))
    assert done.err.startswith(
        f"pwsh-kernels: {tmp_path / 'old.json'}: it has no object `connections`."
    )
    assert done.code == 1
