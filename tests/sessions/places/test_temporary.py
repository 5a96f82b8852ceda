"""Temporary files in a HOME: what an earlier session has left is removed, and nothing else."""

import os
import subprocess
from pathlib import Path

import pytest

from pwsh_kernels.sessions.places.temporary import empty_temporary, temporary_folder


def names(folder: Path) -> list[str]:
    """Return the names of what is in a folder."""
    return sorted(one.name for one in folder.iterdir())


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A HOME whose session has left files, folders and links behind."""
    home = tmp_path / "home"
    folder = home / ".tmp" / "folder" / "inside"
    folder.mkdir(parents=True)
    (folder / "file").touch()
    (home / ".tmp" / "file").touch()
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "file").touch()
    (home / ".tmp" / "link").symlink_to(tmp_path / "kept")
    (folder / "link").symlink_to(tmp_path / "kept")
    return home


def test_what_an_earlier_session_left_is_removed_and_no_link_is_followed(home: Path) -> None:
    empty_temporary(home)
    assert names(home / ".tmp") == []
    assert (home.parent / "kept" / "file").exists()


def test_nothing_is_removed_while_a_process_lives_in_this_home(home: Path) -> None:
    before = names(home / ".tmp")
    environment = {"HOME": str(home), "PATH": os.environ["PATH"]}
    with subprocess.Popen(["/bin/sh", "-c", "read line"], stdin=subprocess.PIPE, env=environment):
        empty_temporary(home)
        assert names(home / ".tmp") == before
    empty_temporary(home)
    assert names(home / ".tmp") == []


def test_a_link_in_its_place_is_replaced_and_what_it_leads_to_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir(mode=0o755)
    (tmp_path / "kept" / "file").touch()
    (tmp_path / ".tmp").symlink_to(tmp_path / "kept")
    empty_temporary(tmp_path)
    assert temporary_folder(tmp_path).is_dir()
    assert not (tmp_path / ".tmp").is_symlink()
    assert (tmp_path / "kept" / "file").exists()


def test_a_home_without_temporary_files_is_as_good(tmp_path: Path) -> None:
    empty_temporary(tmp_path)
    assert names(tmp_path) == []
