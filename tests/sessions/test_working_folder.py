"""A session's commands begin in a folder of its own, which is named and which nothing removes."""

import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.sessions.world import CONTOSO, World

pytestmark = [pytest.mark.slow, pytest.mark.pwsh]


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A world with nobody signed in."""
    begun = await World.begin(tmp_path)
    yield begun
    await begun.end()


def mode(path: Path) -> int:
    """Return who may do what with a file."""
    return stat.S_IMODE(path.stat().st_mode)


def text(path: Path) -> str:
    """Return what a file holds."""
    return path.read_text(encoding="utf-8")


async def test_a_session_begins_in_a_private_folder_that_its_status_names(world: World) -> None:
    await world.sign_in()
    status = await world.sessions.status(CONTOSO, "exo", 0)
    folder = Path(status["working_folder"])
    assert mode(folder) == 0o700
    assert not folder.is_relative_to(world.settings.homes)
    run = await world.run(
        "\"$PWD\"; 'A,B' > data.csv; 'c,1' >> ./data.csv; (Import-Csv data.csv).A"
    )
    assert run["result"] == f"{folder}\nc\n"
    await world.sessions.disconnect(CONTOSO, "exo", forget=True)
    assert text(folder / "data.csv") == "A,B\nc,1\n"
