"""A token in a file, such as a container's secret: accepted, or refused in one sentence."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pwsh_kernels.discovery import read_settings, read_token_file
from pwsh_kernels.errors import BadTokenFile
from tests.fixtures.cli import run_command
from tests.fixtures.server import Server, server_environment
from tests.fixtures.sweeps import swept

TOKEN = "a-token-in-a-file-that-nobody-guesses"
VARIABLES = ["PWSH_MANAGER_TOKEN_FILE", "JUPYTER_TOKEN_FILE"]
START_LIMIT = 60
"""Seconds in which a server that cannot start must say so."""


def test_the_token_of_a_file_is_taken_without_the_line_s_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n", encoding="utf-8")
    monkeypatch.setenv("PWSH_MANAGER_TOKEN_FILE", str(file))
    monkeypatch.delenv("PWSH_MANAGER_TOKEN", raising=False)
    assert read_settings().token == TOKEN


def test_a_token_of_the_settings_comes_before_a_file_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PWSH_MANAGER_TOKEN_FILE", str(tmp_path / "missing"))
    monkeypatch.setenv("PWSH_MANAGER_TOKEN", TOKEN[::-1])
    assert read_settings().token == TOKEN[::-1]


@pytest.mark.parametrize("variable", swept(VARIABLES, ["JUPYTER_TOKEN_FILE"]))
def test_a_server_has_the_token_of_either_file(tmp_path: Path, variable: str) -> None:
    file = tmp_path / "secret"
    file.write_text(f"{TOKEN}\n", encoding="utf-8")
    server = Server(tmp_path, {variable: str(file)}).start()
    try:
        assert server.token == TOKEN
    finally:
        server.close()


@pytest.mark.parametrize("variable", swept(VARIABLES, ["PWSH_MANAGER_TOKEN_FILE"]))
def test_a_server_without_its_token_file_says_one_sentence_and_no_traceback(
    tmp_path: Path, variable: str
) -> None:
    missing = str(tmp_path / "missing")
    done = subprocess.run(
        [sys.executable, "-m", "pwsh_kernels", "serve"],
        env=server_environment(tmp_path, **{variable: missing}),
        capture_output=True,
        text=True,
        check=False,
        timeout=START_LIMIT,
    )
    (line,) = (one for one in done.stderr.splitlines() if "token file" in one)
    assert line.startswith(f"pwsh-kernels: The token file {missing} cannot be used: No such file")
    assert "Traceback" not in done.stderr
    assert done.returncode > 0


@pytest.mark.parametrize(
    ("content", "problem"),
    [(b"", "has 0 characters"), (b"short\n", "has 5 characters"), (b"\xff" * 40, "is not text")],
)
def test_a_file_without_a_usable_token_is_refused_and_not_shown(
    tmp_path: Path, content: bytes, problem: str
) -> None:
    file = tmp_path / "token"
    file.write_bytes(content)
    with pytest.raises(BadTokenFile, match=problem) as refused:
        read_token_file(file)
    assert f"user {os.getuid()}" in str(refused.value)
    assert "short" not in str(refused.value)


def test_the_list_of_settings_names_the_file_s_problem_and_shows_no_token(tmp_path: Path) -> None:
    file = tmp_path / "token"
    environment = server_environment(tmp_path, PWSH_MANAGER_TOKEN_FILE=str(file))
    out, err, code = run_command(environment, "settings")
    assert (code, "PWSH_MANAGER_TOKEN_FILE" in out) == (2, True)
    assert "No such file" in err
    file.write_text(TOKEN, encoding="utf-8")
    out, _, code = run_command(environment, "settings")
    assert (code, TOKEN in out, "(set)" in out) == (0, False, True)
