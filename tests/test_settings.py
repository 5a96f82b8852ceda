"""Settings come from the environment under their documented names, and bad values are refused by
name.
"""

from pathlib import Path

import pytest
from pydantic import ValidationError

from pwsh_kernels.settings import Settings, setting_rows

SEED = {
    "PWSH_MANAGER_HOST", "PWSH_MANAGER_PORT", "PWSH_MANAGER_LOG_LEVEL", "PWSH_MANAGER_DEBUG", "PWSH_WATCHDOG_INTERVAL",  # noqa: E501
    "PWSH_AUTH_TIMEOUT", "PWSH_IDLE_TIMEOUT", "PWSH_STUCK_TIMEOUT", "PWSH_MANAGER_TOKEN_DIR", "PWSH_MANAGER_URL",  # noqa: E501
    "PWSH_MANAGER_TIMEOUT",
}  # fmt: skip


def test_every_name_of_the_original_still_works() -> None:
    assert {row.env for row in setting_rows()} >= SEED


@pytest.mark.parametrize("row", setting_rows(), ids=lambda row: row.env)
def test_a_setting_has_a_unit_and_one_line_of_help(row: object) -> None:
    unit, text = getattr(row, "unit", ""), getattr(row, "text", "")
    assert unit
    assert text.endswith(".")
    assert "\n" not in text


def test_the_server_listens_on_loopback_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PWSH_MANAGER_HOST", raising=False)
    assert Settings().host == "127.0.0.1"


def test_values_are_read_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PWSH_MANAGER_PORT", "5200")
    monkeypatch.setenv("PWSH_MANAGER_PASS_ENV", "HTTPS_PROXY, MY_VAR")
    monkeypatch.setenv("PWSH_MANAGER_TOKEN_DIR", str(tmp_path))
    settings = Settings()
    assert (settings.port, settings.pass_env, settings.homes) == (
        5200,
        ("HTTPS_PROXY", "MY_VAR"),
        tmp_path,
    )


def test_an_empty_variable_means_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PWSH_AUTH_TIMEOUT", "")
    assert Settings().auth_timeout == 900


def test_a_bad_value_is_refused_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PWSH_MANAGER_PORT", "many")
    with pytest.raises(ValidationError, match="PWSH_MANAGER_PORT"):
        Settings()


def test_the_token_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PWSH_MANAGER_TOKEN", "canary-token" * 3)
    assert "canary-token" not in repr(Settings())


def test_clients_look_on_the_port_that_the_server_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PWSH_MANAGER_URL", raising=False)
    monkeypatch.setenv("PWSH_MANAGER_PORT", "5200")
    assert Settings().url == "http://localhost:5200"
    monkeypatch.setenv("PWSH_MANAGER_URL", "http://127.0.0.1:5300")
    assert (Settings().port, Settings().url) == (5200, "http://127.0.0.1:5300")


def test_any_free_port_of_the_server_leaves_clients_the_default(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("PWSH_MANAGER_URL", raising=False)
    monkeypatch.setenv("PWSH_MANAGER_PORT", "0")
    assert Settings().url == "http://localhost:5100"


def test_a_token_that_can_be_guessed_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PWSH_MANAGER_TOKEN", "a" * 31)
    with pytest.raises(ValidationError, match="a token has at least 32 characters"):
        Settings()
    monkeypatch.setenv("PWSH_MANAGER_TOKEN", "a" * 32)
    assert Settings().token == "a" * 32
