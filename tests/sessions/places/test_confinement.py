"""What a confined session may reach, as rules; and machines whose Linux has no Landlock or an old
one.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from pwsh_kernels import landlock
from pwsh_kernels.cli.doctor import confinement
from pwsh_kernels.errors import ConfinementUnavailable
from pwsh_kernels.landlock import abi_version, not_enforced
from pwsh_kernels.powershell import Launch
from pwsh_kernels.powershell.host.launch import engine_files
from pwsh_kernels.sessions.places.confinement import Needs, port_of, readable, rules, shortfall
from pwsh_kernels.sessions.places.homes import Homes
from pwsh_kernels.sessions.places.local import LocalPlace
from pwsh_kernels.settings import Settings
from tests.fixtures.server import CONTOSO, Server
from tests.fixtures.without_landlock import BEFORE

TEMPORARY = Path("/nowhere")
NO_LANDLOCK = pytest.mark.skipif(
    not abi_version(), reason="NOT TESTED: confinement. This machine's Linux has no Landlock"
)


def ports(environment: dict[str, str], *more: int, addresses: tuple[str, ...] = ()) -> list[str]:
    """Return the TCP ports of a session's rules."""
    text = rules(Needs(addresses=addresses), environment, more, TEMPORARY, required=False)
    found: list[str] = json.loads(text)["ports"]
    return found


def test_a_session_connects_to_https_its_proxies_the_sandbox_and_what_the_settings_add() -> None:
    assert ports({}) == ["443"]
    assert ports({"https_proxy": "http://proxy.example:3128"}, 587) == ["443", "587", "3128"]
    assert ports({}, addresses=("http://127.0.0.1:5100/sandbox",)) == ["443", "5100"]


@pytest.mark.parametrize(
    ("needed", "required", "kinds"),
    [
        (True, False, ["Local", "Global"]),
        (True, True, ["Local"]),
        (False, False, ["Local"]),
    ],
)
def test_memory_is_shared_only_where_a_module_needs_it_and_not_everything_is_required(
    needed: bool, required: bool, kinds: list[str]
) -> None:
    text = rules(Needs(machine_mutexes=needed), {}, (), TEMPORARY, required=required)
    assert json.loads(text)["mutexes"] == kinds


@pytest.mark.parametrize(
    ("url", "port"),
    [("proxy:8080", 8080), ("http://proxy", 80), ("socks5://p", 1080), ("http://a:x", None)],
)
def test_the_port_of_a_proxy_is_read_as_programs_read_it(url: str, port: int | None) -> None:
    assert port_of(url) == port


def test_what_is_private_is_left_out_of_a_folder_that_is_granted(tmp_path: Path) -> None:
    secret = tmp_path / "etc" / "product" / "cert.pfx"
    for file in (secret, secret.with_name("readme"), tmp_path / "etc" / "hosts"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    (tmp_path / "etc" / "link").symlink_to(secret)
    granted = readable([str(tmp_path / "etc")], [secret])
    assert granted == [str(tmp_path / "etc" / "hosts"), str(secret.with_name("readme"))]
    assert readable([str(tmp_path / "etc")], [tmp_path / "etc"]) == []
    assert readable([str(tmp_path / "etc")], [tmp_path / "other"]) == [str(tmp_path / "etc")]


def test_every_file_of_every_tenants_secrets_is_private(tmp_path: Path) -> None:
    private = (tmp_path / "a.pfx",)
    text = rules(Needs(private=private), {"PATH": str(tmp_path)}, (), TEMPORARY, required=False)
    assert str(tmp_path) not in json.loads(text)["read"]


def test_a_powershell_reads_the_folder_that_it_is_in_and_a_script_alone(tmp_path: Path) -> None:
    engine = tmp_path / "engine" / "pwsh"
    engine.parent.mkdir()
    engine.touch()
    assert engine_files(engine, "") == [str(engine), str(engine)]
    (engine.parent / "System.Management.Automation.dll").touch()
    link = tmp_path / "pwsh"
    link.symlink_to(engine)
    assert engine_files(link, "") == [str(engine.parent)]
    tools = tmp_path / ".dotnet" / "tools"
    (tools / ".store").mkdir(parents=True)
    assert engine_files(tools / "pwsh", "") == [str(tools), str(tools.parent)]
    assert engine_files(tools / "pwsh", "/usr/share/dotnet")[1] == "/usr/share/dotnet"


def test_without_rules_powershell_is_started_as_it_is() -> None:
    assert Launch(Path("/x/pwsh")).argv == ["/x/pwsh", "-NoLogo", "-NoProfile", "-s"]


@pytest.mark.parametrize(
    ("abi", "missing"),
    [(0, ["files", "tcp", "signals"]), (3, ["tcp", "signals"]), (5, ["signals"]), (6, [])],
)
def test_what_an_older_linux_does_not_enforce_is_said(abi: int, missing: list[str]) -> None:
    assert not_enforced(abi) == missing
    assert bool(shortfall("on", abi)) is bool(missing)
    assert shortfall("off", abi) == ""
    verdicts = [confinement(confine, abi).verdict for confine in ("on", "required", "off")]
    assert verdicts == (["note", "wrong", "note"] if missing else ["ok", "ok", "note"])


@pytest.mark.parametrize("confine", ["on", "off", "required"])
def test_where_it_is_required_no_session_begins_without_all_of_it(
    tmp_path: Path, confine: str
) -> None:
    settings = Settings.model_validate({"PWSH_MANAGER_CONFINE": confine})
    old = LocalPlace(Homes(tmp_path), lambda _: tmp_path / "none", settings, abi=5)
    if confine == "required":
        with pytest.raises(ConfinementUnavailable, match="does not confine signals"):
            old.check(Needs())
    else:
        old.check(Needs())


def confined(
    before: tuple[str, ...], *, required: bool, script: str = "cd / && echo listed *"
) -> subprocess.CompletedProcess[str]:
    """Run a script of the shell that is confined to nothing but the system."""
    facts = json.loads(rules(Needs(), {}, (), TEMPORARY, required=required))
    program = ["/bin/sh", "-c", script]
    command = [*before, *landlock.command(json.dumps(facts), program)]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def test_a_program_runs_unconfined_where_there_is_no_landlock_unless_it_is_required() -> None:
    assert "listed bin" in confined(BEFORE, required=False).stdout
    refused = confined(BEFORE, required=True)
    assert refused.returncode == landlock.NOT_CONFINED
    assert "files, tcp, signals" in refused.stderr


@NO_LANDLOCK
def test_a_program_is_confined_where_there_is_landlock() -> None:
    assert confined((), required=False).stdout == "listed *\n"


def test_a_confined_program_ends_quietly_when_nobody_reads_what_it_writes() -> None:
    ended = confined((), required=False, script="yes | head -n 1")
    assert (ended.stdout, ended.stderr) == ("y\n", "")


def test_rules_that_cannot_be_applied_start_nothing() -> None:
    command = [sys.executable, "-I", "-S", landlock.__file__, "{}", "/bin/echo", "started"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert (ended.stdout, ended.returncode != 0) == ("", True)


@pytest.mark.slow
@pytest.mark.pwsh
def test_a_server_without_landlock_says_so_at_the_start_and_in_health_and_its_sessions_work(
    powershell_path: Path, tmp_path: Path
) -> None:
    server = Server(tmp_path, {"PWSH_MANAGER_RUN_SIGNED_OUT": "true"}, prefix=BEFORE).start()
    try:
        assert any("does not confine sessions fully" in line for line in server.log)
        health = server.get("/health")
        assert health["confinement"] == {
            "confine": "on",
            "files": False,
            "tcp": False,
            "signals": False,
        }
        assert server.run("1+1", CONTOSO, wait_s=60)["result"] == "2"
    finally:
        server.close()
