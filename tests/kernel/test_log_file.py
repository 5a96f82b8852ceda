"""The kernel's own log."""

import logging
from pathlib import Path

import pytest

from pwsh_kernels.kernel.log_file import OLDER_FILES, SIZE, VARIABLE, write_log


@pytest.fixture
def app() -> logging.Logger:
    """A logger like the kernel application's; what the test adds to the root goes again."""
    return logging.Logger("KernelApp")


def test_the_log_is_private_begins_anew_when_it_is_long_and_takes_bounded_room(
    tmp_path: Path, app: logging.Logger
) -> None:
    file = tmp_path / "logs" / "one.log"
    file.parent.mkdir()
    before = logging.getLogger().handlers[:]
    try:
        assert write_log(app, {VARIABLE: str(file), SIZE: "1000"}, "") == file
        assert not file.exists()
        for number in range(200):
            app.error("line %d of many", number)
        logging.getLogger("pwsh_kernels.kernel").warning("of the kernel itself")
    finally:
        logging.getLogger().handlers[:] = before
    files = sorted(file.parent.iterdir())
    assert len(files) == 1 + OLDER_FILES
    assert {one.stat().st_mode & 0o777 for one in files} == {0o600}
    assert max(one.stat().st_size for one in files) <= 1000
    assert "of the kernel itself" in file.read_text(encoding="utf-8")


def test_what_is_logged_for_debugging_is_not_written_as_messages_carry_secrets(
    tmp_path: Path, app: logging.Logger
) -> None:
    before = logging.getLogger().handlers[:]
    try:
        file = write_log(app, {VARIABLE: str(tmp_path / "one.log")}, "")
        app.setLevel(logging.DEBUG)
        app.debug("the whole message")
        app.info("this too")
    finally:
        logging.getLogger().handlers[:] = before
    assert not file.exists()


def test_without_a_name_the_log_is_beside_the_connection_file(
    tmp_path: Path, app: logging.Logger
) -> None:
    before = logging.getLogger().handlers[:]
    try:
        assert write_log(app, {}, str(tmp_path / "kernel-1.json")) == tmp_path / "kernel-1.log"
    finally:
        logging.getLogger().handlers[:] = before
    assert list(tmp_path.iterdir()) == []
