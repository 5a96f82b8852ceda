"""Secrets stay where they are kept until they are used, and appear in no text that we write."""

import os
from pathlib import Path

import pytest

from pwsh_kernels.catalog import SecretSource
from pwsh_kernels.errors import BadSecret

CANARY = "canary-7f3a"


def secret_file(folder: Path, content: bytes, mode: int = 0o600) -> Path:
    file = folder / "secret"
    file.write_bytes(content)
    file.chmod(mode)
    return file


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"canary-7f3a", CANARY),
        (b"canary-7f3a\n", CANARY),
        (b"canary-7f3a\r\n", CANARY),
        (b"canary-7f3a\n\n", f"{CANARY}\n"),
        (b" canary-7f3a ", f" {CANARY} "),
    ],
)
def test_a_secret_file_is_read_without_one_newline_at_its_end(
    tmp_path: Path, content: bytes, text: str
) -> None:
    assert SecretSource(file=secret_file(tmp_path, content)).read().text == text


def test_a_secret_is_read_anew_each_time(tmp_path: Path) -> None:
    source = SecretSource(file=secret_file(tmp_path, b"old"))
    source.read()
    secret_file(tmp_path, b"new")
    assert source.read().text == "new"


def test_a_secret_can_be_an_environment_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXO_PASSWORD", CANARY)
    assert SecretSource(env="EXO_PASSWORD").read().text == CANARY


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666, 0o610])
def test_a_file_that_others_can_reach_is_refused_with_the_command_that_helps(
    tmp_path: Path, mode: int
) -> None:
    file = secret_file(tmp_path, CANARY.encode(), mode)
    with pytest.raises(BadSecret) as refused:
        SecretSource(file=file).read()
    assert (
        refused.value.text()
        == f"The secret in {file} cannot be used: other users can read it; run `chmod 600 {file}`."
    )


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadSecret) as refused:
        SecretSource(file=tmp_path / "none").read()
    assert (
        refused.value.text()
        == f"The secret in {tmp_path / 'none'} cannot be used: no such file or directory."
    )


@pytest.mark.parametrize("content", [b"", b"\n", b" \n"])
def test_an_empty_file_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(BadSecret, match="it is empty"):
        SecretSource(file=secret_file(tmp_path, content)).read()


def test_a_named_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(BadSecret, match="it is not a regular file"):
        SecretSource(file=tmp_path / "pipe").read()


@pytest.mark.parametrize(
    ("content", "problem"), [(b"\xff" * 8, "not UTF-8"), (b"x" * 65_537, "larger than 65536")]
)
def test_a_file_that_is_no_secret_is_refused(tmp_path: Path, content: bytes, problem: str) -> None:
    with pytest.raises(BadSecret, match=problem):
        SecretSource(file=secret_file(tmp_path, content)).read()


def test_a_variable_that_is_not_set_is_refused_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EXO_PASSWORD", raising=False)
    with pytest.raises(BadSecret) as refused:
        SecretSource(env="EXO_PASSWORD").read()
    assert refused.value.to_json() == {
        "success": False,
        "error": (
            "The secret in the environment variable EXO_PASSWORD cannot be used: it is not set."
        ),
        "code": "bad_secret",
        "name": "the environment variable EXO_PASSWORD",
        "problem": "it is not set",
    }


def test_a_secret_is_in_no_repr(tmp_path: Path) -> None:
    source = SecretSource(file=secret_file(tmp_path, CANARY.encode()))
    assert CANARY not in f"{source!r} {source} {source.read()!r} {source.read()}"
