"""The commands other than `run`: what they print, and how they end."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
import typer

from pwsh_kernels.catalog import Catalog
from pwsh_kernels.cli.doctor import damaged
from pwsh_kernels.cli.doctor_modules import module_finding
from pwsh_kernels.cli.run import read_parameters
from pwsh_kernels.cli.sessions import status_line
from pwsh_kernels.landlock import abi_version, not_enforced
from pwsh_kernels.sandbox import Authority
from pwsh_kernels.sessions.damaged_files import put_aside
from pwsh_kernels.settings import setting_rows
from pwsh_kernels.shapes import Status
from tests.fixtures.cli import LIMIT, child_command, run_command
from tests.fixtures.server import FABRIKAM, Server, server_environment
from tests.fixtures.store import install

pytestmark = [pytest.mark.xdist_group("commands"), pytest.mark.slow]

SESSION = (FABRIKAM, "exo")
UNKNOWN_MODULE = (
    "pwsh-kernels: Unknown module: exchange. Known modules: azure, exo, graph, pnp, powerplatform,"
    " teams\n"
)
ACCOUNT = f"admin@{FABRIKAM}"


@pytest.fixture
def signed_out(server: Server) -> Iterator[Server]:
    """The shared server without a session for fabrikam."""
    server.post("/disconnect", tenant=FABRIKAM)
    yield server
    server.post("/disconnect", tenant=FABRIKAM)


def sign_in_line(code: str, url: str) -> str:
    """Return the line that tells a person what to do."""
    return f"To sign in to fabrikam.example:exo, open {url} and enter the code {code} (TIMES).\n"


def timeless(text: str) -> str:
    """Return a text with each validity in the same word."""
    return re.sub(r"\(valid for 1[45] minutes, until [\d: -]*\d\d:\d\d\)", "(TIMES)", text)


def test_a_sign_in_from_the_first_command_to_the_last(signed_out: Server) -> None:
    environment = signed_out.environment
    refused = (
        "pwsh-kernels: Not signed in to fabrikam.example exo. Run `pwsh-kernels login"
        " fabrikam.example exo`.\n"
    )
    assert run_command(environment, "run", *SESSION, "1") == ("", refused, 3)

    stdout, stderr, code = run_command(environment, "login", *SESSION, "--no-wait")
    facts = signed_out.post("/status", tenant=FABRIKAM)
    line = sign_in_line(facts["device_code"], facts["auth_url"])
    assert (timeless(stdout), stderr, code) == (line, "", 0)
    stdout, stderr, code = run_command(environment, "status", *SESSION)
    assert stdout.startswith("fabrikam.example:exo: signing_in")
    assert (timeless(stdout).splitlines(keepends=True)[1], stderr, code) == (line, "", 3)
    pending = run_command(environment, "run", *SESSION, "1")
    assert facts["device_code"] in pending[1]
    assert pending[2] == 3

    with child_command(environment, "login", *SESSION) as child:
        assert child.stdout
        assert timeless(child.stdout.readline()) == line
        signed_out.approve(facts["device_code"], ACCOUNT)
        stdout, stderr = child.communicate(timeout=LIMIT)
    assert (stdout, child.returncode) == (f"Signed in to fabrikam.example:exo as {ACCOUNT}.\n", 0)
    assert stderr == "Waiting for the sign-in (Ctrl-C leaves it pending) ...\n"

    stdout, _, code = run_command(environment, "sessions")
    rows = [line.split() for line in stdout.splitlines()]
    assert rows[0] == ["SESSION", "STATE", "ACCOUNT", "RUNNING", "MEMORY", "LAST", "USED"]
    assert ["fabrikam.example:exo", "signed_in", ACCOUNT, "-"] in [row[:4] for row in rows]
    assert run_command(environment, "disconnect", *SESSION) == (
        "Disconnected fabrikam.example:exo\n",
        "",
        0,
    )
    gone = (
        "pwsh-kernels: There is no session for fabrikam.example exo. `pwsh-kernels sessions` lists"
        " the existing ones.\n"
    )
    assert run_command(environment, "disconnect", *SESSION) == ("", gone, 1)


def test_a_signed_out_session_is_one_whole_line(signed_out: Server) -> None:
    signed_out.post("/login", tenant=FABRIKAM)
    Authority(signed_out.data_dir / "sandbox").decline(
        signed_out.post("/status", tenant=FABRIKAM)["device_code"]
    )
    signed_out.post("/status", tenant=FABRIKAM, wait_s=LIMIT)
    stdout, stderr, code = run_command(signed_out.environment, "status", *SESSION)
    declined = "The sign-in was declined on the page. Sign in again for a new code."
    assert (stdout, code) == (f"fabrikam.example:exo: signed_out ({declined})\n", 3)
    assert stderr.endswith(" to sign in.\n")
    known = {"session": "a:b", "state": "signed_out", "reason": "two\nlines"}
    facts = cast("Status", {**known, "account": None, "current_run": None})
    assert status_line(facts) == "a:b: signed_out (two lines)"


def test_ctrl_c_leaves_a_sign_in_pending_and_says_so(signed_out: Server) -> None:
    with child_command(signed_out.environment, "login", *SESSION) as child:
        assert child.stderr
        assert child.stderr.readline().startswith("Waiting for the sign-in")
        child.send_signal(2)
        _, stderr = child.communicate(timeout=LIMIT)
    kept = (
        "The sign-in is still pending: finish it on the page. `pwsh-kernels status fabrikam.example"
        " exo` shows it.\n"
    )
    assert (stderr, child.returncode) == (kept, 130)
    assert signed_out.post("/status", tenant=FABRIKAM)["state"] == "signing_in"


def test_another_account_than_the_expected_one_is_refused(signed_out: Server) -> None:
    with child_command(
        signed_out.environment, "login", *SESSION, "--account", f"someone@{FABRIKAM}"
    ) as child:
        assert child.stdout
        child.stdout.readline()
        signed_out.approve(signed_out.post("/status", tenant=FABRIKAM)["device_code"], ACCOUNT)
        stdout, stderr = child.communicate(timeout=LIMIT)
    assert (stdout, child.returncode) == ("", 3)
    assert f"someone@{FABRIKAM}" in stderr


def test_an_empty_account_is_refused_in_words(server: Server) -> None:
    assert run_command(server.environment, "login", *SESSION, "--account", "") == (
        "",
        "pwsh-kernels: expected_account must not be empty; leave it out\n",
        2,
    )


def test_commands_are_listed_and_sign_ins_only_when_asked_for(server: Server) -> None:
    server.sign_in()
    server.run("'listed command'")
    assert "listed command" in run_command(server.environment, "runs")[0]
    assert "sign in to" not in run_command(server.environment, "runs")[0]
    assert (
        "sign in to contoso.example:exo"
        in run_command(server.environment, "runs", "--all", "--limit", "500")[0]
    )


def test_the_modules_are_listed(server: Server) -> None:
    stdout, stderr, code = run_command(server.environment, "modules")
    lines = stdout.splitlines()
    assert (stderr, code) == ("", 0)
    assert lines[0].split() == [
        "MODULE",
        "POWERSHELL",
        "MODULE",
        "FROM",
        "INSTALLED",
        "SIGN-IN",
        "ROUTES",
    ]
    assert lines[2].split()[:2] == ["exo", "ExchangeOnlineManagement"]
    assert lines[2].endswith("device_code, certificate, managed_identity, access_token")
    assert any(line.startswith("spo is not supported: ") for line in lines)
    (missing,) = [line for line in lines if "sandbox tenants need nothing" in line]
    assert missing.startswith("Not installed: azure, exo, ")
    assert missing.endswith("`pwsh-kernels modules install azure` installs the first.")
    listed = json.loads(run_command(server.environment, "modules", "--json")[0])
    assert listed["modules"] == ["azure", "exo", "graph", "pnp", "powerplatform", "teams"]
    assert (list(listed["unsupported"]), listed["broken"]) == (["ipps", "spo"], [])


def test_the_settings_are_listed_without_a_server(tmp_path: Path) -> None:
    environment = server_environment(
        tmp_path, PWSH_MANAGER_PORT="5200", PWSH_MANAGER_TOKEN="hunter2" * 5
    )
    stdout, stderr, code = run_command(environment, "settings")
    assert [line.split()[0] for line in stdout.splitlines()[1:]] == [
        row.env for row in setting_rows()
    ]
    assert "PWSH_MANAGER_PORT 5200 5100 port" in " ".join(stdout.split())
    assert "PWSH_MANAGER_TOKEN (set) - text" in " ".join(stdout.split())
    assert "hunter2" not in stdout
    assert (stderr, code) == ("", 0)
    first = json.loads(run_command(environment, "settings", "--json")[0])[0]
    assert (first["setting"], first["value"], first["default"]) == (
        "PWSH_MANAGER_HOST",
        "127.0.0.1",
        "127.0.0.1",
    )


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (("status", "contoso.example", "exchange"), 2, UNKNOWN_MODULE),
        (
            ("follow", "r-1"),
            1,
            (
                "pwsh-kernels: There is no run r-1. `pwsh-kernels runs` lists those that the server"
                " remembers.\n"
            ),
        ),
        (("cancel", "../sessions"), 1, "pwsh-kernels: There is no run ../sessions."),
        (
            ("run", "contoso.example", "exo"),
            2,
            "give either a command (`-`: from stdin) or --file FILE",
        ),
        (
            ("run", "contoso.example", "exo", "1", "--param", "novalue"),
            2,
            "'novalue' is not name=value",
        ),
    ],
)
def test_wrong_usage_is_said_in_words(
    server: Server, arguments: tuple[str, ...], code: int, text: str
) -> None:
    stdout, stderr, ended = run_command(server.environment, *arguments)
    assert (stdout, ended) == ("", code)
    assert text in stderr
    assert "Traceback" not in stderr


def test_values_are_text_unless_they_are_said_to_be_json() -> None:
    given = ["a=1", "b:=1", "c=x=y", "d=", 'e:={"f": [null]}']
    assert read_parameters(given) == {"a": "1", "b": 1, "c": "x=y", "d": "", "e": {"f": [None]}}


@pytest.mark.parametrize("given", ["novalue", "=x", ":=1", "a:=x"])
def test_what_is_no_value_is_refused(given: str) -> None:
    with pytest.raises(typer.BadParameter):
        read_parameters([given])


def test_no_server_is_said_in_one_line(tmp_path: Path, free_tcp_port: int) -> None:
    environment = {
        **server_environment(tmp_path),
        "PWSH_MANAGER_URL": f"http://127.0.0.1:{free_tcp_port}",
    }
    stdout, stderr, code = run_command(environment, "sessions")
    assert (stdout, code, stderr.count("\n")) == ("", 4, 1)
    assert stderr.startswith(
        f"pwsh-kernels: No pwsh-kernels server answers at http://127.0.0.1:{free_tcp_port} ("
    )


def test_a_refused_token_is_said_in_one_line(server: Server) -> None:
    refused = (
        "pwsh-kernels: The server refuses the token: it is unknown, has expired or was revoked, or"
        " the server cannot read its principals file (its log says so). Ask who owns the server.\n"
    )
    assert run_command({**server.environment, "PWSH_MANAGER_TOKEN": "wrong" * 8}, "sessions") == (
        "",
        refused,
        4,
    )


def test_an_empty_token_is_not_the_owners(server: Server) -> None:
    stdout, stderr, code = run_command({**server.environment, "PWSH_MANAGER_TOKEN": ""}, "sessions")
    assert (stdout, code) != ("", 0)
    assert stderr.startswith("pwsh-kernels: PWSH_MANAGER_TOKEN: is set and empty")


def test_a_wrong_setting_is_said_in_one_line(tmp_path: Path) -> None:
    stdout, stderr, code = run_command(
        server_environment(tmp_path, PWSH_MANAGER_PORT="many"), "sessions"
    )
    assert (stdout, code, stderr.count("\n")) == ("", 2, 1)
    assert stderr.startswith("pwsh-kernels: PWSH_MANAGER_PORT: ")


def test_a_status_shows_which_modules_the_session_has_pinned(signed_out: Server) -> None:
    install(signed_out.data_dir, "Contoso.Tools", "1.0")
    signed_out.post("/login", tenant=FABRIKAM)
    (signed_out.data_dir / "modules.lock.toml").unlink()
    stdout, _, _ = run_command(signed_out.environment, "status", *SESSION)
    assert "Modules: Contoso.Tools 1.0" in stdout.splitlines()


def test_the_doctor_finds_everything_in_order(server: Server) -> None:
    stdout, stderr, code = run_command(server.environment, "doctor")
    assert (stderr, code) == ("", 0)
    assert [
        line.split()[:2] for line in stdout.splitlines() if ", if its PowerShell ends: " not in line
    ] == [
        ["ok", "pwsh-kernels"],
        ["ok", "PowerShell"],
        ["ok", "Settings:"],
        ["ok", "Sessions"],
        ["note" if not_enforced(abi_version()) else "ok", "Confinement"],
        ["ok", "Sessions"],
        ["ok", "Data"],
        ["ok", "Server"],
        ["ok", "Token"],
        ["ok", "Limits"],
    ]
    assert server.token not in stdout


def test_the_doctor_names_each_thing_that_is_broken(tmp_path: Path, free_tcp_port: int) -> None:
    data = tmp_path / "data"
    data.mkdir()
    data.chmod(0o755)
    environment = server_environment(
        tmp_path,
        PWSH_MANAGER_URL=f"http://127.0.0.1:{free_tcp_port}",
        PWSH_MANAGER_PWSH=str(tmp_path / "none"),
    )
    stdout, stderr, code = run_command(environment, "doctor")
    assert (stderr, code) == ("", 1)
    wrong = [
        line.removeprefix("wrong  ") for line in stdout.splitlines() if line.startswith("wrong")
    ]
    assert wrong[0].startswith("PowerShell: ")
    assert wrong[1] == f"Data folder {data} is open to other users. Run `chmod 700 {data}`."
    assert wrong[2].startswith("No pwsh-kernels server answers at ")


def test_the_doctor_names_each_file_that_was_put_aside(tmp_path: Path) -> None:
    for name in ("b.json", "a.json"):
        put_aside_file = tmp_path / name
        put_aside_file.write_text("{")
        put_aside(put_aside_file, "no JSON")
    texts = [one.text for one in damaged([tmp_path / "nowhere", tmp_path])]
    assert [text.split()[0] for text in texts] == [
        str(tmp_path / "a.json.bad"),
        str(tmp_path / "b.json.bad"),
    ]


def test_the_doctor_tells_of_each_service_of_a_real_tenant_whether_its_module_is_installed(
    tmp_path: Path,
) -> None:
    tenants = tmp_path / "tenants.toml"
    tenants.write_text(
        '[[tenant]]\nname = "adatum.com"\n[tenant.exo]\n[tenant.graph]\n[tenant.teams]\n',
        encoding="utf-8",
    )
    install(tmp_path / "data", "ExchangeOnlineManagement", "3.9.0")
    install(tmp_path / "data", "MicrosoftTeams", "5.0.0")
    (tmp_path / "data").chmod(0o700)
    environment = server_environment(tmp_path, PWSH_MANAGER_TENANTS=str(tenants))
    stdout, stderr, code = run_command({**environment, "HOME": str(tmp_path)}, "doctor")
    assert (stderr, code) == ("", 1)
    known = Catalog.load().modules
    missing = (
        f"The PowerShell module Microsoft.Graph.Authentication {known['graph'].minimum_version} or"
        " newer is not installed."
    )
    old = (
        "The PowerShell module MicrosoftTeams is too old: 5.0.0 is installed,"
        f" {known['teams'].minimum_version} or newer is"
    )
    assert stdout.splitlines()[2:5] == [
        "ok     exo: ExchangeOnlineManagement 3.9.0 is installed by `modules install`",
        f"wrong  graph: {missing} Install it: {known['graph'].install}",
        f"wrong  teams: {old} needed. Install it: {known['teams'].install}",
    ]


def test_the_doctor_says_what_the_check_of_the_tenants_file_says(tmp_path: Path) -> None:
    tenants = tmp_path / "tenants.toml"
    tenants.write_text(
        '[[tenant]]\nname = "adatum.com"\n[tenant.exo]\nroute = "certificate"\nclient_id = "x"\n'
        'certificate_file = "none.pfx"\n[tenant.pnp]\nclient_id = "x"\n',
        encoding="utf-8",
    )
    environment = server_environment(tmp_path, PWSH_MANAGER_TENANTS=str(tenants))
    said, _, code = run_command({**environment, "HOME": str(tmp_path)}, "doctor")
    checked, _, _ = run_command(environment, "tenants", "check")
    assert (code, len(checked.splitlines())) == (1, 2)
    assert {f"wrong  {line}" for line in checked.splitlines()} <= set(said.splitlines())
    tenants.write_text("[[tenant", encoding="utf-8")
    said, _, code = run_command({**environment, "HOME": str(tmp_path)}, "doctor")
    assert (code, said.count("wrong ")) == (1, 1)
    tenants.write_text("", encoding="utf-8")
    said, _, code = run_command({**environment, "HOME": str(tmp_path)}, "doctor")
    assert (code, f"ok     Tenants file {tenants}" in said.splitlines()) == (0, True)


def test_the_doctor_says_what_would_become_of_sign_ins_that_there_are(signed_out: Server) -> None:
    line = f"ok     {FABRIKAM}:exo, if its PowerShell ends: Nothing of this sign-in survives"
    signed_out.post("/login", tenant=FABRIKAM)
    stdout, _, _ = run_command(signed_out.environment, "doctor")
    assert f"{FABRIKAM}:exo" not in stdout
    signed_out.approve(signed_out.post("/status", tenant=FABRIKAM)["device_code"], ACCOUNT)
    signed_out.post("/status", tenant=FABRIKAM, wait_s=LIMIT)
    stdout, _, _ = run_command(signed_out.environment, "doctor")
    assert line in stdout


def test_what_the_machine_has_counts_where_the_store_has_nothing_fit() -> None:
    exo = Catalog.load().module("exo")
    found = [
        module_finding(exo, *versions).text.rpartition("Management ")[2]
        for versions in (("", "3.9.0"), ("3.1", "3.8"))
    ]
    assert found == ["3.9.0 is installed on this machine", "3.8 is installed on this machine"]


def test_a_server_that_nobody_has_started_is_nothing_broken(tmp_path: Path) -> None:
    stdout, _, code = run_command({**server_environment(tmp_path), "HOME": str(tmp_path)}, "doctor")
    assert code == 0, stdout
    assert stdout.splitlines()[-1].startswith(
        "note   No pwsh-kernels server answers at http://localhost:5100"
    )


def test_the_command_line_loads_only_what_it_needs() -> None:
    """People wait for it: the server, the kernel and the MCP SDK stay out."""
    heavy = ("mcp", "tornado", "zmq", "ipykernel", "httpx")
    script = f"import sys, pwsh_kernels.cli; print([one for one in {heavy} if one in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=LIMIT, check=True
    )
    assert done.stdout == "[]\n"
