"""The place `local`: which place a session gets, and what it reports about kernels and HOMEs."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import get_args

import pytest
from pydantic import ValidationError

from pwsh_kernels.catalog import ModuleAccess, Tenant
from pwsh_kernels.catalog.tenants.tenant import PlaceName as NameInTheFile
from pwsh_kernels.errors import UnsafeFolder
from pwsh_kernels.sessions.key import SessionKey
from pwsh_kernels.sessions.places.homes import Homes
from pwsh_kernels.sessions.places.local import LocalPlace
from pwsh_kernels.sessions.places.place import PlaceName
from pwsh_kernels.sessions.places.places import Places
from pwsh_kernels.settings import Settings
from tests.sessions.world import CONTOSO, World

KEY = SessionKey(CONTOSO, "exo")


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A world whose sessions run commands before anybody is signed in."""
    one = await World.begin(tmp_path, PWSH_MANAGER_RUN_SIGNED_OUT="true")
    yield one
    await one.end()


def places(folder: Path) -> Places:
    """Return the places of a server that has its data in the folder."""
    settings = Settings.model_validate({"PWSH_MANAGER_DATA_DIR": folder})
    return Places(settings, lambda key: folder / f"kernel-{key.kernel_id}.json", abi=7)


def test_the_settings_the_tenants_file_and_the_code_know_the_same_places(tmp_path: Path) -> None:
    known = {place.name for place in places(tmp_path)}
    named = get_args(Settings.model_fields["place"].annotation)
    assert known == set(named) == set(get_args(NameInTheFile)) == set(get_args(PlaceName))


def test_a_place_that_there_is_not_is_refused_by_the_settings() -> None:
    with pytest.raises(ValidationError, match="Input should be 'local' or 'kubernetes'"):
        Settings.model_validate({"PWSH_MANAGER_PLACE": "nomad"})


def test_a_session_lives_where_its_modules_entry_says_else_its_tenants_else_the_settings(
    tmp_path: Path,
) -> None:
    by_module = Tenant("adatum.com", modules={"exo": ModuleAccess(place="local")})
    assert by_module.place_of("exo") == Tenant("adatum.com", place="local").place_of("exo")
    assert by_module.place_of("teams") is None
    assert places(tmp_path).chosen(by_module, "teams") == Settings().place


async def test_of_a_session_that_never_began_nothing_lives(tmp_path: Path) -> None:
    place = places(tmp_path)["local"]
    assert await place.alive(KEY) is None
    assert await place.find(KEY) is None
    await (await place.remains(KEY)).kill()
    async with place.yielding(KEY):
        await place.stop_yielding(KEY)


def test_a_home_is_private_is_known_by_its_folder_and_forgotten_once(tmp_path: Path) -> None:
    homes = Homes(tmp_path / "homes")
    home = homes.prepare(KEY)
    assert home.stat().st_mode & 0o777 == 0o700
    assert (homes.key_of(home), homes.key_of(tmp_path)) == (KEY, None)
    assert [homes.forget(KEY), homes.forget(KEY)] == [True, False]


def test_homes_that_everybody_can_enter_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "homes"
    folder.mkdir()
    folder.chmod(0o755)
    place = LocalPlace(Homes(folder), lambda _: tmp_path / "none", Settings(), abi=7)
    with pytest.raises(UnsafeFolder):
        place.prepare_home(KEY)


async def test_the_reason_of_a_lost_session_names_the_signal_that_ended_its_kernel(
    world: World,
) -> None:
    assert (await world.run("1"))["success"]
    status = await world.status()
    assert status["place"] == "local"
    world.kernel().kill()
    lost = await world.becomes(CONTOSO, "lost")
    assert lost["reason"] == "its kernel process has ended (SIGKILL)"


async def test_a_kernel_imports_nothing_that_its_session_has_put_into_its_home(
    world: World,
) -> None:
    assert (await world.run("1"))["success"]
    home = world.folder / "data" / "homes" / CONTOSO / "exo"
    planted = "raise SystemExit('planted code ran outside the confinement')"
    for module in ("pwsh_kernels/kernel/__main__.py", "zmq/__init__.py", "json.py"):
        file = home / module
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(planted)
    await world.sessions.kill(CONTOSO, "exo")
    assert (await world.run("1"))["success"]


async def test_a_living_kernel_is_known_by_its_place_and_a_new_one_is_another(world: World) -> None:
    await world.run("1")
    place = world.sessions._lifecycle._places["local"]
    first = await place.alive(KEY)
    assert first
    assert await place.find(KEY) == first
    assert KEY in await place.living()
    await (await place.remains(KEY)).kill()
    await world.becomes(CONTOSO, "lost")
    assert await place.alive(KEY) is None
    await world.login()
    assert await place.alive(KEY) not in (None, first)
