"""The tenants file: everything that it can say, every mistake with its line, and changes while the
server runs.
"""

import logging
import os
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pwsh_kernels.catalog import (
    Catalog,
    ModuleAccess,
    SecretSource,
    Tenant,
    TenantsFile,
    load_tenants,
)
from pwsh_kernels.catalog.tenants.checking import check_tenants
from pwsh_kernels.catalog.tenants.loading import read_file
from pwsh_kernels.catalog.tenants.parsing import MODULE_KEYS, TENANT_KEYS
from pwsh_kernels.errors import BrokenFile, InvalidSetting, UnknownTenant
from tests.fixtures.repository import ROOT
from tests.fixtures.sandbox import CERTIFICATE_PASSWORD, make_certificate

WHOLE = """\
# every key
[[tenant]]
name = "Adatum.com"
domains = ["adatum.co.uk"]
tenant_id = "3750B40B-a68b-4632-9fb3-5b1aff664079"
aliases = ["Ada"]
changes = "ask"
approve = "four_eyes"
sharepoint_host = "adatumcorp"
organization = "adatum.onmicrosoft.com"
delegated_organization = "customer.onmicrosoft.com"
expected_account = "admin@adatum.com"

[tenant.exo]
route = "certificate"
client_id = "app"
certificate_file = "keys/exo.pfx"
certificate_password = { file = "/run/secrets/exo" }
certificate_thumbprint = "AB"
client_secret = { env = "EXO_SECRET" }
access_token = { env = "TOKEN" }
graph_token = { env = "GRAPH" }
federated_token = { file = "~/token" }
identity_id = "identity"
expected_account = "app"
subscription = "sub"
scopes = ["User.Read.All"]
changes = { agent = "never" }
approve = "confirm"
read_only = false
restore = true

[tenant.pnp]
site = "https://adatum.sharepoint.com/sites/team"
culture = "zh-hans-cn"

[[tenant]]
name = "contoso.example"
expected_account = "admin@contoso.example"
traps = { slow_import = 3, throttling = true }
"""


def tenants_file(folder: Path, text: str) -> Path:
    file = folder / "tenants.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_a_file_can_say_everything_about_a_tenant(tmp_path: Path) -> None:
    assert load_tenants(tenants_file(tmp_path, WHOLE)).find_tenant("ada") == Tenant(
        name="adatum.com",
        domains=("adatum.co.uk",),
        tenant_id="3750b40b-a68b-4632-9fb3-5b1aff664079",
        aliases=("ada",),
        sharepoint_host="adatumcorp",
        organization="adatum.onmicrosoft.com",
        delegated_organization="customer.onmicrosoft.com",
        expected_account="admin@adatum.com",
        changes="ask",
        approve="four_eyes",
        modules={
            "exo": ModuleAccess(
                route="certificate",
                client_id="app",
                certificate_file=tmp_path / "keys/exo.pfx",
                certificate_password=SecretSource(file=Path("/run/secrets/exo")),
                certificate_thumbprint="AB",
                client_secret=SecretSource(env="EXO_SECRET"),
                access_token=SecretSource(env="TOKEN"),
                graph_token=SecretSource(env="GRAPH"),
                federated_token=SecretSource(file=Path.home() / "token"),
                identity_id="identity",
                expected_account="app",
                subscription="sub",
                scopes=("User.Read.All",),
                changes={"agent": "never"},
                approve="confirm",
                restore=True,
            ),
            "pnp": ModuleAccess(
                site="https://adatum.sharepoint.com/sites/team", culture="zh-Hans-CN"
            ),
        },
    )


def test_an_entry_with_the_name_of_a_sandbox_tenant_completes_that_one(tmp_path: Path) -> None:
    tenants = load_tenants(tenants_file(tmp_path, WHOLE))
    built_in = load_tenants().find_tenant("contoso.example")
    traps = {"slow_import": 3, "throttling": True}
    assert tenants.find_tenant("contoso.example") == replace(
        built_in, expected_account="admin@contoso.example", traps=traps
    )
    assert tenants.find_tenant("fabrikam.example").sandbox


def test_a_built_in_tenant_can_be_switched_off_by_the_file(tmp_path: Path) -> None:
    text = '[[tenant]]\nname = "contoso.example"\nsandbox = false'
    assert load_tenants(tenants_file(tmp_path, text)).find_tenant("contoso.example") == Tenant(
        "contoso.example"
    )


def test_a_file_that_names_no_tenant_leaves_every_domain_a_tenant(tmp_path: Path) -> None:
    assert load_tenants(tenants_file(tmp_path, "# nothing yet")).find_tenant(
        "adatum.com"
    ) == Tenant("adatum.com")


A = '[[tenant]]\nname = "a.com"\n'
SECRET = 'is a secret: write { file = "PATH" } or { env = "NAME" } here, never the secret itself'


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ('[[tenant]]\ntenant_id = "x"', 1, "a [[tenant]] has no name"),
        ("[[tenant]]\nname = 7", 1, "a [[tenant]] has no name"),
        ('\n[[tenant]]\nname = "contoso"', 3, "name 'contoso' is not a tenant"),
        (
            f'{A}acount = "x"',  # codespell:ignore
            3,
            "acount is not a key of a tenant; known: name, tenant_id,",  # codespell:ignore
        ),
        (f'{A}sandbox = "yes"', 3, "sandbox must be true or false"),
        (
            f"{A}sandbox = true",
            3,
            "a.com is not simulated; sandbox = true is for contoso.example, fabrikam.example",
        ),
        (
            f"{A}traps = {{ silence = 3 }}",
            3,
            "traps are for sandbox tenants only, and a.com is not one",
        ),
        (f'{A}tenant_id = "contoso"', 3, "tenant_id must be an id such as 3750b40b-"),
        (f'{A}aliases = "x"', 3, "aliases must be a list of strings"),
        (f'{A}aliases = ["$(x)"]', 3, "aliases '$(x)' is not a valid alias"),
        (f'{A}domains = ["x"]', 3, "domains 'x' is not a tenant: give its domain name"),
        (
            f'{A}sharepoint_host = "a.sharepoint.com"',
            3,
            "sharepoint_host must be the part before .sharepoint.com",
        ),
        (f"{A}{A.replace('a.com', 'A.com')}", 4, "a tenant is named twice: a.com"),
        (
            f'{A}\n[[tenant]]\nname = "b.com"\naliases = ["A.COM"]',
            4,
            "a.com would mean both a.com and b.com",
        ),
        (
            f'{A}aliases = ["x"]\n{A.replace("a.com", "b.com")}domains = ["x"]',
            6,
            "domains 'x' is not a tenant",
        ),
        (
            f'{A}aliases = ["x"]\n{A.replace("a.com", "b.com")}aliases = ["X"]',
            4,
            "x would mean both a.com and b.com",
        ),
        (
            f'{A}domains = ["contoso.example"]',
            1,
            "contoso.example would mean both contoso.example and a.com",
        ),
        (f"{A}exo = 7", 3, "exo is not a key of a tenant"),
        (
            f'{A}[tenant.exo]\nrout = "x"',
            4,
            "exo.rout is not a key of a module; known: route, client_id,",
        ),
        (
            f'{A}[tenant.exo]\n\nroute = "browser"',
            5,
            "exo.route must be one of 'device_code', 'certificate'",
        ),
        (f'{A}[tenant.exo]\nrestore = "yes"', 4, "exo.restore must be true or false"),
        (f"{A}[tenant.exo]\nread_only = true", 4, "exo.read_only is refused: write changes = "),
        (f'{A}[tenant.exo]\nscopes = "a"', 4, "exo.scopes must be a list of strings"),
        (
            f'{A}[tenant.exo]\ncertificate_file = ""',
            4,
            "exo.certificate_file must be the path of a file",
        ),
        (
            f'{A}[tenant.pnp]\nsite = "http://a.sharepoint.com"',
            4,
            "pnp.site must be an address such as https://",
        ),
        (
            f'{A}changes = "maybe"',
            3,
            "changes must be one of free, ask, never, or a table of these",
        ),
        (f'{A}changes = {{ robot = "ask" }}', 3, "changes must be one of free, ask, never, or a"),
        (f"{A}[tenant.exo]\nchanges = 1", 4, "exo.changes must be one of free, ask, never, or a"),
        (f'{A}read_with = "it"', 3, "read_with must be one of 'write_account'"),
        (f"{A}[tenant.read.exo]", 3, "read.exo needs expected_account, or the route of an"),
        (
            f'{A}[tenant.read.exo]\nclient_id = "x"\nroute = "device_code"',
            3,
            "read.exo needs expected_account",
        ),
        (
            f'{A}expected_account = "a@a.com"\n[tenant.read.exo]\nexpected_account = "A@A.com"',
            4,
            "read.exo names A@A.com, which also writes",
        ),
        (
            (
                f'{A}[tenant.exo]\nroute = "certificate"\nclient_id = "app"\n[tenant.read.exo]\n'
                'route = "client_secret"\nclient_id = "APP"'
            ),
            6,
            "read.exo names APP, which also writes",
        ),
        (
            f'{A}[tenant.read.exo]\nrout = "x"',
            4,
            "read.exo.rout is not a key of a module; known: route, client_id,",
        ),
        (f'{A}place = "nomad"', 3, "place must be one of 'local'"),
        (f'{A}culture = "xx-QQ"', 3, "culture must be the name of an existing culture"),
        (f'{A}culture = "de-QQ"', 3, "culture must be the name of an existing culture"),
        (f'{A}culture = "German"', 3, "culture must be the name of a culture, such as de-CH"),
        (
            f'{A}[tenant.exo]\nculture = "de_CH.UTF-8"',
            4,
            "exo.culture must be the name of a culture, such as de-CH",
        ),
        (f'{A}[tenant.exo]\nclient_secret = "canary"', 4, f"exo.client_secret {SECRET}"),
        (f'{A}[tenant.exo]\naccess_token = {{ text = "canary" }}', 4, f"exo.access_token {SECRET}"),
        (
            f'{A}[tenant.exo]\ngraph_token = {{ file = "canary", env = "X" }}',
            4,
            f"exo.graph_token {SECRET}",
        ),
        (
            f'{A}[tenant.exo]\ngraph_token = {{ env = "canary;x" }}',
            4,
            "exo.graph_token env must be the name of an",
        ),
        ('[[tenants]]\nname = "a.com"', None, "only [[tenant]] tables are known here"),
        ("tenant = 7", None, "only [[tenant]] tables are known here"),
        ("\n[[tenant", 2, "Expected ']]'"),
    ],
)
def test_a_mistake_is_named_with_its_line_and_without_a_secret(
    tmp_path: Path, text: str, line: int | None, problem: str
) -> None:
    file = tenants_file(tmp_path, text)
    with pytest.raises(BrokenFile) as broken:
        load_tenants(file)
    assert (broken.value.file, broken.value.line) == (str(file), line)
    assert broken.value.problem.startswith(problem)
    assert "canary" not in repr(broken.value) + broken.value.text() + repr(broken.value.__context__)


def test_tenants_in_a_list_of_inline_tables_are_read_as_well(tmp_path: Path) -> None:
    text = 'tenant = [{ name = "a.com", exo = { client_id = "x" } }, { name = "b.com" }]'
    tenants = load_tenants(tenants_file(tmp_path, text))
    assert tenants.find_tenant("a.com").access("exo").client_id == "x"
    assert tenants.find_tenant("b.com") == Tenant("b.com")


def test_a_mistake_in_a_list_of_inline_tables_is_named(tmp_path: Path) -> None:
    with pytest.raises(BrokenFile, match="sandbox must be true or false"):
        load_tenants(tenants_file(tmp_path, 'tenant = [{ name = "a.com", sandbox = 1 }]'))


def test_several_mistakes_are_counted_and_each_is_found(tmp_path: Path) -> None:
    file = tenants_file(tmp_path, f"{A}sandbox = 1\ntenant_id = 2\n[tenant.exo]\nrestore = 3")
    with pytest.raises(
        BrokenFile, match=r"\(and 2 more; `pwsh-kernels tenants check` lists them\)"
    ):
        load_tenants(file)
    assert sorted(problem.line or 0 for problem in read_file(file).problems) == [3, 4, 6]


@pytest.mark.parametrize(
    ("content", "problem"), [(None, "No such file or directory"), (b"\xff", "it is not UTF-8 text")]
)
def test_a_file_that_cannot_be_read_is_named(
    tmp_path: Path, content: bytes | None, problem: str
) -> None:
    file = tmp_path / "tenants.toml"
    if content:
        file.write_bytes(content)
    with pytest.raises(BrokenFile, match=problem):
        load_tenants(file)


def test_a_changed_file_is_picked_up_and_an_unchanged_one_is_not_read_again(tmp_path: Path) -> None:
    file = tenants_file(tmp_path, A)
    watched = TenantsFile(file)
    first = watched.current()
    assert watched.current() is first
    tenants_file(tmp_path, A + 'aliases = ["x"]')
    assert watched.current().find_tenant("x").name == "a.com"
    assert first.find_tenant("a.com").aliases == ()


def test_a_file_replaced_by_one_of_the_same_size_and_time_is_picked_up(tmp_path: Path) -> None:
    file = tenants_file(tmp_path, A)
    watched = TenantsFile(file)
    watched.current()
    facts, new = file.stat(), tmp_path / "new"
    new.write_text(A.replace("a.com", "b.com"), encoding="utf-8")
    os.utime(new, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    new.replace(file)
    assert watched.current().find_tenant("b.com") == Tenant("b.com")


@pytest.mark.parametrize("broken", ["[[tenant", None])
def test_the_last_good_tenants_stay_when_the_file_breaks(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, broken: str | None
) -> None:
    file = tenants_file(tmp_path, A)
    watched = TenantsFile(file)
    good = watched.current()
    tenants_file(tmp_path, broken) if broken else file.unlink()
    with caplog.at_level(logging.ERROR):
        assert [watched.current() is good for _ in range(3)] == [True, True, True]
    assert len(caplog.records) == 1
    assert watched.problem
    assert (
        f"{watched.problem.problem}. The tenants stay as they were until that is corrected."
        in caplog.text
    )
    tenants_file(tmp_path, A.replace("a.com", "b.com"))
    assert watched.current().find_tenant("b.com") == Tenant("b.com")
    assert watched.problem is None


def test_a_file_that_is_broken_at_the_start_is_refused_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(BrokenFile) as refused:
        TenantsFile(tenants_file(tmp_path, "\n[[tenant")).current()
    assert refused.value.line == 2


def test_a_file_that_nobody_named_may_come_later(tmp_path: Path) -> None:
    watched = TenantsFile(tmp_path / "tenants.toml")
    assert not watched.current().closed
    tenants_file(tmp_path, A)
    with pytest.raises(UnknownTenant):
        watched.current().find_tenant("adatum.com")


def test_a_file_that_somebody_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(BrokenFile, match="No such file"):
        TenantsFile(tmp_path / "tenants.toml", must_exist=True).current()


def test_settings_add_aliases_and_sharepoint_hosts_and_the_file_wins(tmp_path: Path) -> None:
    file = tenants_file(tmp_path, A + 'aliases = ["x"]\nsharepoint_host = "file"')
    aliases = {
        "X": "a.com",
        "Y": "A.com",
        "fab": "fabrikam.com",
        "con": "contoso.onmicrosoft.example",
    }
    hosts = {"y": "setting", "fab": "https://FabriKam.sharepoint.com/", "b.com": "bee"}
    tenants = TenantsFile(file, aliases, hosts).current()
    assert tenants.find_tenant("a.com") == Tenant(
        "a.com", aliases=("x", "y"), sharepoint_host="file"
    )
    assert tenants.find_tenant("FAB") == Tenant(
        "fabrikam.com", aliases=("fab",), sharepoint_host="fabrikam"
    )
    assert tenants.find_tenant("b.com").sharepoint_host == "bee"
    assert tenants.find_tenant("con").sandbox


@pytest.mark.parametrize(
    ("aliases", "hosts", "problem"),
    [
        ({"x": "b.com"}, {}, "TENANT_ALIASES: x would mean both a.com and b.com"),
        (
            {"contoso.example": "b.com"},
            {},
            "TENANT_ALIASES: contoso.example would mean both contoso.example and b.com",
        ),
        ({"y": "nowhere"}, {}, "TENANT_ALIASES: 'nowhere' is not a tenant"),
        ({"$(y)": "a.com"}, {}, "TENANT_ALIASES: '$(y)' is not a valid alias"),
        ({}, {"nowhere": "x"}, "SHAREPOINT_TENANTS: 'nowhere' is not a tenant"),
        ({}, {"a.com": "a b"}, "SHAREPOINT_TENANTS: 'a b' is not a SharePoint host prefix"),
        ({}, {"a.com": "a.b"}, "SHAREPOINT_TENANTS: 'a.b' is not a SharePoint host prefix"),
    ],
)
def test_a_wrong_setting_is_refused_by_its_name(
    tmp_path: Path, aliases: dict[str, str], hosts: dict[str, str], problem: str
) -> None:
    with pytest.raises(InvalidSetting) as refused:
        TenantsFile(tenants_file(tmp_path, A + 'aliases = ["x"]'), aliases, hosts).current()
    assert refused.value.text().startswith(problem)


def test_a_file_that_contradicts_the_settings_later_changes_nothing(tmp_path: Path) -> None:
    watched = TenantsFile(tenants_file(tmp_path, A), {"x": "a.com"})
    good = watched.current()
    tenants_file(tmp_path, A + '[[tenant]]\nname = "b.com"\naliases = ["x"]')
    assert watched.current() is good
    assert watched.problem
    assert "x would mean both b.com and a.com" in watched.problem.problem


def test_a_check_finds_what_a_sign_in_would_miss(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NOT_SET", raising=False)
    (tmp_path / "open.pfx").write_bytes(b"x")
    (tmp_path / "open.pfx").chmod(0o644)
    text = f"""{A}sharepoint_host = "a"
[tenant.exo]
route = "certificate"
certificate_file = "none.pfx"
certificate_password = {{ env = "NOT_SET" }}
[tenant.pnp]
[tenant.exoo]
[tenant.ipps]
[tenant.graph]
client_id = "x"
certificate_file = "open.pfx"
[tenant.teams]
route = "client_secret"
"""
    form = read_file(tenants_file(tmp_path, text))
    found = {problem.line: problem.text for problem in check_tenants(form, Catalog.load())}
    lacks = [sentence for line, sentence in found.items() if line == 5]
    assert lacks == ["a.com:exo: the route certificate needs client_id"]
    assert (
        found[6]
        == f"a.com:exo: the certificate {tmp_path / 'none.pfx'} cannot be used: no such file or"
        " directory"
    )
    assert found[7].endswith(
        "the secret in the environment variable NOT_SET cannot be used: it is not set"
    )
    assert found[8] == "a.com:pnp: the route device_code needs client_id"
    assert "exoo" in found[9]
    assert "ipps" in found[10]
    assert found[13].endswith(f"run `chmod 600 {tmp_path / 'open.pfx'}`")
    assert found[15].startswith(
        "a.com:teams: there is no route client_secret; there are device_code,"
    )


def test_a_check_says_that_a_certificate_has_ended(tmp_path: Path) -> None:
    make_certificate(tmp_path, "over", days=-1).rename(tmp_path / "over.pfx")
    (tmp_path / "over.pfx").chmod(0o600)
    (tmp_path / "password").touch(mode=0o600)
    (tmp_path / "password").write_text(CERTIFICATE_PASSWORD, encoding="utf-8")
    text = f"""{A}[tenant.exo]
route = "certificate"
client_id = "x"
certificate_file = "over.pfx"
certificate_password = {{ file = "password" }}
"""
    [problem] = check_tenants(read_file(tenants_file(tmp_path, text)), Catalog.load())
    yesterday = datetime.now(UTC) - timedelta(days=1)
    assert problem.text.endswith(f"cannot be used: it was valid until {yesterday:%Y-%m-%d}")


def test_a_check_looks_at_the_accounts_that_only_read_too(tmp_path: Path) -> None:
    text = f"""{A}sharepoint_host = "a"
[tenant.read.exo]
route = "certificate"
client_id = "x"
certificate_file = "none.pfx"
[tenant.read.exoo]
expected_account = "r@a.com"
"""
    form = read_file(tenants_file(tmp_path, text))
    found = {problem.line: problem.text for problem in check_tenants(form, Catalog.load())}
    assert found[7].startswith("a.com:exo:read: the certificate ")
    assert "exoo" in found[8]


def test_the_tenant_of_the_read_tier_knows_the_reader_s_access_alone(tmp_path: Path) -> None:
    text = f"""{A}expected_account = "admin@a.com"
[tenant.exo]
client_secret = {{ env = "ADMINS" }}
[tenant.graph]
client_id = "g"
[tenant.read.exo]
route = "client_secret"
client_id = "reads"
client_secret = {{ file = "readers" }}
"""
    tenant = load_tenants(tenants_file(tmp_path, text)).find_tenant("a.com")
    reading = tenant.reading("exo")
    assert reading.facts("exo")["expected_account"] == "reads"
    assert reading.secrets("exo")["client_secret"] == SecretSource(file=tmp_path / "readers")
    assert (tenant.reads("graph"), tenant.reading("graph").modules) == (False, {})
    assert tenant.files() == {tmp_path / "readers"}
    words = replace(tenant, read_with="write_account")
    assert words.reading("graph").access("graph").client_id == "g"
    assert words.reading("graph").facts("graph")["expected_account"] == "admin@a.com"
    assert words.reading("exo").facts("exo")["expected_account"] == "reads"


def test_a_check_of_a_good_file_finds_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXO_PASSWORD", "x")
    (tmp_path / "c.pfx").touch(0o600)
    access = 'route = "certificate"\nclient_id = "x"\ncertificate_file = "c.pfx"'
    text = (
        f'{A}organization = "a.onmicrosoft.com"\n[tenant.exo]\n{access}\ncertificate_password = {{'
        ' env = "EXO_PASSWORD" }'
    )
    assert check_tenants(read_file(tenants_file(tmp_path, text)), Catalog.load()) == []


def test_the_documented_file_is_a_correct_one(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "tenants.md").read_text(encoding="utf-8")
    example, readers = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    adatum = load_tenants(tenants_file(tmp_path, example)).find_tenant("ada")
    assert adatum.access("exo").route == "certificate"
    reading = load_tenants(tenants_file(tmp_path, readers)).find_tenant("adatum.com")
    assert [reading.reads(one) for one in ("exo", "graph", "teams")] == [True, True, False]


@pytest.mark.parametrize("key", [*TENANT_KEYS, *MODULE_KEYS])
def test_every_key_is_documented(key: str) -> None:
    page = (ROOT / "docs" / "tenants.md").read_text(encoding="utf-8")
    assert any(
        f"`{key}`" in line.split("|")[1] for line in page.splitlines() if line.startswith("| `")
    )


def test_who_approves_is_said_by_the_module_then_by_the_tenant() -> None:
    access = {"exo": ModuleAccess(approve="confirm")}
    one = Tenant("adatum.com", approve="four_eyes", modules=access)
    assert [one.approve_of(module) for module in ("exo", "graph")] == ["confirm", "four_eyes"]
    assert Tenant("adatum.com").approve_of("exo") == "confirm"


def test_a_rule_about_changes_is_the_modules_then_the_tenants_then_free() -> None:
    access = {"exo": ModuleAccess(changes={"agent": "never"}), "pnp": ModuleAccess(changes="free")}
    one = Tenant("adatum.com", changes={"agent": "ask", "script": "ask"}, modules=access)
    assert [one.changes_of("exo", kind) for kind in ("agent", "script", "person")] == [
        "never",
        "ask",
        "free",
    ]
    assert one.changes_of("pnp", "agent") == "free"
    assert one.changes_of("graph", "agent") == "ask"
    assert Tenant("adatum.com").changes_of("exo", "owner") == "free"
