"""What a session keeps in its HOME: private files, sign-ins that return without a person, and how
they are removed.
"""

import asyncio
from pathlib import Path

import pytest

from pwsh_kernels.catalog import Catalog
from pwsh_kernels.cli.doctor import homes
from pwsh_kernels.errors import NotSignedIn, SessionLost, UnsafeFolder
from tests.fixtures.sandbox import AUTOMATION, CERTIFICATE_PASSWORD, make_certificate
from tests.sessions.world import CONTOSO, FABRIKAM, World, make_settings

pytestmark = [pytest.mark.slow, pytest.mark.pwsh]

ADMIN = "admin@contoso.example"
MUTEXES = ".dotnet"
TENANTS = """
[[tenant]]
name = "contoso.example"
[tenant.exo]
route = "certificate"
client_id = "{client}"
certificate_file = "{certificate}"
certificate_password = {{ file = "password" }}
[tenant.azure]
{restore}
[tenant.pnp]
client_id = "{client}"
"""
PLACES = (
    "[Environment]::GetFolderPath('LocalApplicationData'),"
    " [Environment]::GetFolderPath('UserProfile'), $HOME"
)


def write_tenants(folder: Path, restore: str = "") -> None:
    """Write a tenants file: a certificate for Exchange, an application for PnP, and how Azure is
    restored.
    """
    (folder / "password").touch(0o600)
    (folder / "password").write_text(CERTIFICATE_PASSWORD, encoding="utf-8")
    text = TENANTS.format(
        client=AUTOMATION["contoso"], certificate=make_certificate(folder), restore=restore
    )
    (folder / "tenants.toml").write_text(text, encoding="utf-8")


async def begin(folder: Path, **settings: str) -> World:
    """Start with the folder's tenants file."""
    return await World.begin(folder, PWSH_MANAGER_TENANTS=str(folder / "tenants.toml"), **settings)


def kept(home: Path) -> set[str]:
    """Return the first folders of what is in a HOME."""
    return {path.name for path in home.iterdir()} if home.exists() else set()


def open_to_others(home: Path) -> list[str]:
    """Return what in a HOME, with itself, others could read.

    .NET gives the folder of its mutexes to everybody, within one that is closed to them.
    """
    return [
        str(path)
        for path in (home, *home.rglob("*"))
        if path.lstat().st_mode & 0o077 and not path.is_symlink() and MUTEXES not in path.parts
    ]


async def test_sessions_are_opened_at_the_start_and_sign_in_as_far_as_nobody_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "elsewhere"))
    write_tenants(tmp_path, "restore = true")
    first = await begin(
        tmp_path, PWSH_MANAGER_RESTORE=f"{CONTOSO}:exo,nonsense:exo,{CONTOSO}:nonsense"
    )
    exo, azure = await asyncio.gather(first.status(), first.status(module="azure"))
    assert (exo["state"], exo["account"], exo["route"]) == (
        "signed_in",
        AUTOMATION["contoso"],
        "certificate",
    )
    assert (azure["state"], azure["sign_in"]) == ("signed_out", None)
    assert (await first.sign_in(module="azure"))["account"] == ADMIN
    home = first.settings.homes / CONTOSO / "azure"
    places = await first.run(f"{PLACES}; 'x' > ~/mine.txt", module="azure")
    assert places["result"].splitlines() == [str(home / ".local" / "share"), str(home), str(home)]
    assert {".Azure", ".local", "mine.txt"} <= kept(home)
    assert open_to_others(home) == []
    assert not kept(tmp_path / "elsewhere")
    known = Catalog.load().modules
    assert list(homes(first.settings.homes, known, {CONTOSO})) == []
    (note,) = homes(first.settings.homes, known, ())  # as if Contoso were real
    assert note.text.startswith(f"{home} may keep a sign-in as plain text")

    await first.stop()
    first.kernel(module="azure").kill()
    second = await begin(tmp_path)
    try:
        exo, azure = await asyncio.gather(second.status(), second.status(module="azure"))
        assert (exo["state"], exo["account"]) == ("signed_in", AUTOMATION["contoso"])
        assert (azure["state"], azure["account"], azure["was_pending"]) == (
            "signed_in",
            ADMIN,
            False,
        ), azure
        await forgets(second, "azure", home)
    finally:
        await second.end()


async def forgets(world: World, module: str, home: Path) -> None:
    """See that a disconnect keeps HOME, and that `forget` removes it, also when the session is
    gone.
    """
    assert (await world.sessions.disconnect(CONTOSO, module))["success"]
    assert kept(home)
    answer = await world.sessions.disconnect(CONTOSO, module, forget=True)
    assert answer["message"] == f"Forgot what {CONTOSO}:{module} kept on disk"
    assert not kept(home)


async def test_a_kept_login_returns_when_powershell_was_killed_and_others_need_a_person(
    tmp_path: Path,
) -> None:
    write_tenants(tmp_path)
    world = await begin(tmp_path)
    try:
        await returns(world)
    finally:
        await world.end()


async def returns(world: World) -> None:
    """See that PnP's login comes back without a person until it is revoked, and Exchange's does
    not.
    """
    home = world.settings.homes / CONTOSO / "pnp"
    pnp, exo = await asyncio.gather(world.sign_in(module="pnp"), world.sign_in(FABRIKAM))
    assert (pnp["state"], pnp["survives_restart"], exo["state"], exo["survives_restart"]) == (
        "signed_in",
        True,
        "signed_in",
        False,
    )
    assert ".m365pnppowershell" in kept(home)
    assert open_to_others(home) == []
    world.powershell(module="pnp").kill()
    world.powershell(FABRIKAM).kill()
    await asyncio.gather(world.becomes(CONTOSO, "lost", "pnp"), world.becomes(FABRIKAM, "lost"))
    with pytest.raises(SessionLost):
        await world.run("1", FABRIKAM)
    run = await world.run("(Get-PnPWeb).Url", module="pnp")
    assert (run["state"], run["result"], run["account"]) == (
        "succeeded",
        "https://contoso.sharepoint.com\n",
        ADMIN,
    )
    world.authority.revoke(ADMIN)
    world.powershell(module="pnp").kill()
    await world.becomes(CONTOSO, "lost", "pnp")
    with pytest.raises(
        NotSignedIn, match=f"{CONTOSO}:pnp needs a person to sign in again: use login"
    ):
        await world.run("(Get-PnPWeb).Url", module="pnp")
    assert (await world.sessions.disconnect(CONTOSO, "pnp", forget=True))[
        "message"
    ] == f"Disconnected {CONTOSO}:pnp"
    assert not kept(home)


def test_only_a_module_that_keeps_a_sign_in_is_told_to_keep_one(tmp_path: Path) -> None:
    for module in ("exo", "graph", "teams", "own"):
        (tmp_path / "adatum.com" / module / ".local/share/.IdentityService").mkdir(parents=True)
    tmp_path.chmod(0o700)
    notes = [one.text.split()[0] for one in homes(tmp_path, Catalog.load().modules, ())]
    assert notes == [str(tmp_path / "adatum.com" / "graph")]


async def test_no_sign_in_is_kept_in_a_folder_that_others_can_read(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir(mode=0o755)
    shared.chmod(0o755)
    world = await World.begin(tmp_path, PWSH_MANAGER_TOKEN_DIR=str(shared))
    try:
        with pytest.raises(UnsafeFolder) as refused:
            await world.login()
        assert (
            refused.value.text()
            == f"{shared} is open to other users, so no sign-in is kept there. Run `chmod 700"
            f" {shared}`."
        )
        assert world.sessions.views() == []
        assert kept(shared) == set()
    finally:
        await world.end()
    place = make_settings(tmp_path, PWSH_MANAGER_TOKEN_DIR=str(shared)).homes
    (finding,) = homes(place, {}, ())
    assert (finding.verdict, finding.text) == (
        "wrong",
        f"The sessions' HOMEs in {shared} are open to other users. Run `chmod 700 {shared}`.",
    )
