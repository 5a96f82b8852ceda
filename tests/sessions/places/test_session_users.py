"""Sessions with users of their own: which numbers they get, what becomes theirs, and what a server
that may not switch users says.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from pydantic import ValidationError

from pwsh_kernels.errors import NoSessionUserLeft
from pwsh_kernels.sandbox import Authority
from pwsh_kernels.sessions.key import SessionKey
from pwsh_kernels.sessions.places.session_users import SessionUsers, give, next_number
from pwsh_kernels.sessions.places.user_switch import (
    CAPABILITIES,
    check_users,
    closed,
    is_mapped,
    obstacle,
)
from pwsh_kernels.settings import Settings
from tests.fixtures.sandbox import AUTOMATION, CERTIFICATE_PASSWORD, make_certificate
from tests.fixtures.server import CONTOSO, FABRIKAM, Server, server_environment
from tests.fixtures.session_users import FIRST, LAST, SWITCHES, USERS, passable_folder

WHOLE_WAIT_S = 300
"""Several sessions, one after the other, on a busy machine."""
END_WAIT_S = 20.0
"""A killed process ends when Linux comes to it; nothing waits for that."""
REAL, OTHER = "adatum.com", "northwind.com"
WHO = (
    "(id -u), (id -g), (id -G), (Get-Content /proc/self/status | Select-String 'CapEff|NoNewPrivs')"
)
ROOT = "CapEff:\t000001ffffffffff\n"
WHOLE = "         0          0 4294967295\n"
SMALL = "         0     100000      65536\n"
UNIT_USER = 69000
UNIT_RIGHTS = ",".join(f"+{name.removeprefix('CAP_').lower()}" for name in CAPABILITIES.values())
UNIT = (
    *("setpriv", f"--reuid={UNIT_USER}", f"--regid={UNIT_USER}", "--clear-groups"),
    *("--no-new-privs", f"--inh-caps={UNIT_RIGHTS}", f"--ambient-caps={UNIT_RIGHTS}"),
)
"""What a systemd unit does with User= and AmbientCapabilities=."""


# -- numbers


@pytest.fixture
def users(tmp_path: Path) -> SessionUsers:
    """The users of a data folder; two numbers are left for real tenants."""
    return SessionUsers((FIRST, FIRST + 3), tmp_path / "users.json")


def choose(users: SessionUsers, folder: Path, tenant: str, *, simulated: bool = False) -> int:
    """Return the number of a tenant's session."""
    home = folder / "homes" / tenant / "exo"
    return users.choose(SessionKey(tenant, "exo"), simulated=simulated, home=home).number


def test_a_session_keeps_its_number_and_no_other_gets_it(
    users: SessionUsers, tmp_path: Path
) -> None:
    first = choose(users, tmp_path, REAL)
    later = SessionUsers((FIRST, FIRST + 3), tmp_path / "users.json")
    assert choose(later, tmp_path, OTHER) != first
    assert choose(later, tmp_path, REAL) == first
    assert (tmp_path / "users.json").stat().st_mode & 0o777 == 0o600


def test_simulated_tenants_share_the_first_number_and_no_session_has_the_group_of_all(
    users: SessionUsers, tmp_path: Path
) -> None:
    shared = [choose(users, tmp_path, one, simulated=True) for one in (CONTOSO, FABRIKAM)]
    assert shared == [FIRST, FIRST]
    assert users.everyone == FIRST + 1
    assert choose(users, tmp_path, REAL) == FIRST + 2


def test_a_range_that_is_used_up_refuses_new_sessions_alone(
    users: SessionUsers, tmp_path: Path
) -> None:
    numbers = [choose(users, tmp_path, one) for one in (REAL, OTHER)]
    with pytest.raises(NoSessionUserLeft, match="Make the range longer"):
        choose(users, tmp_path, "third.example")
    assert [choose(users, tmp_path, one) for one in (REAL, OTHER)] == numbers


@pytest.mark.parametrize("damage", ["", "[1]", '{"a": "b"}', '{"adatum.com:exo": 0}'])
def test_a_damaged_note_gives_nobody_a_number_that_a_home_belongs_to(
    users: SessionUsers, tmp_path: Path, damage: str
) -> None:
    (tmp_path / "users.json").write_text(damage)
    assert choose(users, tmp_path, REAL) == FIRST + 2


@pytest.mark.parametrize(
    ("taken", "owner", "number"),
    [
        ([], None, 12),
        ([12, 13], None, 14),
        ([12], 13, 13),
        ([12, 13, 14], None, None),
        ([], 0, 12),
    ],
)
def test_a_lost_number_is_read_from_the_homes_owner(
    taken: list[int], owner: int | None, number: int | None
) -> None:
    assert next_number(range(12, 15), taken, owner) == number


@pytest.mark.parametrize("wrong", ["0-99", "70000", "70000-70001", "70999-70000", "a-b"])
def test_a_range_that_cannot_be_meant_is_refused(wrong: str) -> None:
    with pytest.raises(ValidationError, match="PWSH_MANAGER_SESSION_USERS"):
        Settings.model_validate({"PWSH_MANAGER_SESSION_USERS": wrong})


# -- whether it can be done


@pytest.mark.parametrize(
    ("own", "status", "map_", "says"),
    [
        (0, ROOT, WHOLE, ""),
        (1000, ROOT, WHOLE, ""),
        (FIRST, ROOT, WHOLE, "the server's own user"),
        (1000, "CapEff:\t0000000000000000\n", WHOLE, "may not switch users (CAP_CHOWN, "),
        (0, "CapEff:\t00000000000000bb\n", WHOLE, "may not switch users (CAP_SETGID). "),
        (0, ROOT, SMALL, "user namespace"),
    ],
)
def test_what_keeps_a_server_from_switching_users_is_said(
    own: int, status: str, map_: str, says: str
) -> None:
    said = obstacle(range(FIRST, LAST + 1), own, status, [map_, WHOLE])
    assert says in said
    assert bool(says) == bool(said)


def test_a_map_of_several_rows_has_numbers_only_within_a_row() -> None:
    rows = "0 1000 1\n1 100000 65536\n"
    assert is_mapped(range(1, 65537), rows)
    assert not is_mapped(range(2), rows)


def test_a_folder_on_the_way_that_is_closed_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    assert f"chmod o+x {tmp_path}" in closed([tmp_path / "data"])
    assert closed([Path("/usr/bin")]) == ""


def test_without_the_setting_nothing_is_asked() -> None:
    check_users(Settings())


@SWITCHES
def test_a_server_that_may_not_switch_users_does_not_start_and_says_why() -> None:
    with passable_folder() as folder:
        refused = subprocess.run(
            [
                *("setpriv", "--bounding-set=-setuid"),
                *(sys.executable, "-m", "pwsh_kernels.web.launch"),
            ],
            env=server_environment(folder, PWSH_MANAGER_SESSION_USERS=USERS),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert refused.returncode == 1
    assert "PWSH_MANAGER_SESSION_USERS" in refused.stderr
    assert "the server may not switch users (CAP_SETUID). Start it as root" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1


# -- folders


@SWITCHES
def test_giving_a_folder_follows_no_link_and_leaves_files_with_another_name(tmp_path: Path) -> None:
    home, outside = tmp_path / "home", tmp_path / "outside"
    (home / "deep").mkdir(parents=True)
    outside.mkdir()
    for file in (home / "deep" / "own", outside / "other", outside / "shared"):
        file.write_text("x")
    (home / "link").symlink_to(outside)
    os.link(outside / "shared", home / "second-name")
    give(home, FIRST, FIRST)
    owners = {one.name: one.lstat().st_uid for one in (home, *home.rglob("*"), *outside.iterdir())}
    assert owners == {
        **dict.fromkeys(("home", "deep", "own", "link"), FIRST),
        **dict.fromkeys(("second-name", "other", "shared"), 0),
    }


# -- whole


def begin(folder: Path, prefix: tuple[str, ...] = (), **settings: str) -> Server:
    """Return a server, not yet started, whose sessions have users and may run signed out."""
    given = {
        "PWSH_MANAGER_SESSION_USERS": USERS,
        "PWSH_MANAGER_CONFINE_FOLDERS": "",
        "PWSH_MANAGER_RUN_SIGNED_OUT": "true",
        **settings,
    }
    return Server(folder, given, prefix)


@pytest.fixture(params=["root", "unit"])
def server(powershell_path: Path, request: pytest.FixtureRequest) -> Iterator[Server]:
    """A server of root, and one of another user that may switch users, as in a systemd unit."""
    with passable_folder() as folder:
        one = begin(folder, UNIT if request.param == "unit" else ())
        if request.param == "unit":
            (folder / "home").mkdir()
            for path in (folder, folder / "home"):
                shutil.chown(path, UNIT_USER, UNIT_USER)
        yield one.start()
        one.close()


def who(server: Server, tenant: str) -> list[str]:
    """Return user, group, groups, capabilities and whether new rights are refused."""
    answer = server.run(WHO, tenant, format="text", wait_s=60)
    assert answer["success"], answer
    return re.findall(r"^\s*(?:\w+:\s+)?([\d ]+|[0-9a-f]{16})\s*$", answer["result"], re.MULTILINE)


@pytest.mark.slow
@pytest.mark.timeout(WHOLE_WAIT_S)
@SWITCHES
def test_each_session_has_a_user_of_its_own_without_rights_and_keeps_it(server: Server) -> None:
    assert server.sign_in()["state"] == "signed_in"
    assert server.run("(Get-Mailbox).Count -gt 0")["result"].strip() == "true"
    nobody = ["0000000000000000", "1"]
    shared, real, other = (str(FIRST + one) for one in (0, 2, 3))
    everyone = str(FIRST + 1)
    assert who(server, CONTOSO) == [shared, shared, f"{shared} {everyone}", *nobody]
    assert who(server, REAL) == [real, real, f"{real} {everyone}", *nobody]
    assert who(server, OTHER) == [other, other, f"{other} {everyone}", *nobody]
    server.stop()
    server.start()
    assert server.post("/status", tenant=CONTOSO, wait_s=30)["state"] == "signed_in"
    assert server.post("/disconnect", tenant=OTHER)["success"]
    assert who(server, OTHER)[0] == other
    processes = server.powershells()
    server.end_sessions()
    _, alive = psutil.wait_procs(processes, END_WAIT_S)
    assert not alive


LIMIT = "(Select-String '^Max processes +(\\d+)' /proc/self/limits).Matches[0].Groups[1].Value"
"""How many processes its user may have, of which Linux starts no more."""


@pytest.mark.slow
@pytest.mark.timeout(WHOLE_WAIT_S)
@SWITCHES
def test_a_session_with_a_user_of_its_own_has_a_limit_of_processes(powershell_path: Path) -> None:
    with passable_folder() as folder:
        server = begin(folder, PWSH_MANAGER_SESSION_PROCESSES="80").start()
        try:
            assert server.run(LIMIT, REAL, wait_s=60)["result"] == '"80"'
        finally:
            server.close()


TENANTS = """
[[tenant]]
name = "contoso.example"
[tenant.exo]
route = "certificate"
client_id = "{client}"
certificate_file = "{certificate}"
certificate_password = {{ file = "password" }}
"""


@pytest.mark.slow
@pytest.mark.timeout(WHOLE_WAIT_S)
@SWITCHES
def test_a_certificate_that_only_the_server_can_read_signs_in_and_a_replaced_one_too(
    powershell_path: Path,
) -> None:
    with passable_folder() as folder:
        config = folder / "tenants"
        config.mkdir(mode=0o700)
        certificate = make_certificate(config)
        (config / "password").write_text(CERTIFICATE_PASSWORD)
        file = config / "tenants.toml"
        file.write_text(TENANTS.format(client=AUTOMATION["contoso"], certificate=certificate))
        for path in (certificate, config / "password", file):
            path.chmod(0o600)
        server = begin(folder, PWSH_MANAGER_TENANTS=str(file)).start()
        try:
            mailbox = "(Get-Mailbox -ResultSize 1 | Measure-Object).Count"
            assert server.run(mailbox, wait_s=60)["result"].strip() == "1"
            lent = server.data_dir / "lent" / f"{CONTOSO}.exo" / certificate.name
            assert (lent.stat().st_uid, lent.stat().st_gid, lent.stat().st_mode & 0o777) == (
                *(0, FIRST),
                0o640,
            )
            before = lent.read_bytes()
            make_certificate(config).chmod(0o600)
            authority = Authority(server.data_dir / "sandbox", group=FIRST)
            authority.revoke(AUTOMATION["contoso"])
            assert server.run(mailbox, wait_s=60)["code"] == "sign_in_ended"
            assert server.run(mailbox, wait_s=60)["result"].strip() == "1"
            assert lent.read_bytes() != before
        finally:
            server.close()


def owners(folder: Path) -> set[int]:
    """Return whose a folder and everything in it is."""
    return {one.lstat().st_uid for one in (folder, *folder.rglob("*"))}


def facts_of(server: Server) -> dict[str, Any]:
    """Run a command that leaves a file in HOME and one in the working folder; return where."""
    answer = server.run("'x' > $HOME/kept; 'x' > kept; 1", REAL, wait_s=60)
    assert answer["success"], answer
    data = server.data_dir
    return {"home": data / "homes" / REAL / "exo", "files": data / "files" / REAL / "exo"}


@pytest.mark.slow
@pytest.mark.timeout(WHOLE_WAIT_S)
@SWITCHES
def test_homes_are_taken_over_when_the_setting_is_switched_on_and_handed_back_when_it_is_off(
    powershell_path: Path,
) -> None:
    with passable_folder() as folder:
        for users, owner in (("", 0), (USERS, FIRST + 2), ("", 0)):
            server = begin(folder, PWSH_MANAGER_SESSION_USERS=users).start()
            try:
                for place in facts_of(server).values():
                    assert owners(place) == {owner}
                assert server.post("/kill", tenant=REAL)["success"]
            finally:
                server.close()
        assert json.loads((server.data_dir / "session_users.json").read_text()) == {
            f"{REAL}:exo": FIRST + 2
        }


@pytest.mark.slow
@pytest.mark.timeout(WHOLE_WAIT_S)
@SWITCHES
def test_a_session_that_lives_keeps_its_folders_when_the_setting_is_switched_off(
    powershell_path: Path,
) -> None:
    with passable_folder() as folder:
        server = begin(folder).start()
        try:
            places = facts_of(server)
            server.stop()
            server.settings = {**server.settings, "PWSH_MANAGER_SESSION_USERS": ""}
            server.start()
            assert facts_of(server) == places
            assert owners(places["home"]) == {FIRST + 2}
        finally:
            server.close()
