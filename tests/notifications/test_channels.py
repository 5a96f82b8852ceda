"""Which channels the settings name, and which settings cannot be."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from pwsh_kernels.errors import InvalidSetting
from pwsh_kernels.notifications.channels import channels_of
from pwsh_kernels.settings import Settings

NOTIFY = "PWSH_MANAGER_NOTIFY_"
MAIL = {"SMTP_HOST": "smtp.contoso.example", "SMTP_FROM": "a@b.example", "SMTP_TO": "c@d.example"}


def settings(**named: str) -> Settings:
    return Settings(**{f"{NOTIFY}{name}": value for name, value in named.items()})  # type: ignore[arg-type]


def test_without_a_setting_nobody_is_told() -> None:
    assert channels_of(settings()) == []


def test_a_webhook_and_mail_can_be_used_together() -> None:
    both = settings(WEBHOOK="https://hooks.example/x", **MAIL)
    assert [one.name for one in channels_of(both)] == ["webhook", "mail"]


@pytest.mark.parametrize(
    "address",
    [
        "http://hooks.example/x",
        "ftp://localhost/x",
        "hooks.example",
        "https:///x",
        "https://a:99999",
    ],
)
def test_an_address_that_others_can_read_along_is_refused(address: str) -> None:
    with pytest.raises(ValidationError, match="https://"):
        settings(WEBHOOK=address)
    with pytest.raises(ValidationError, match="https://"):
        Settings.model_validate({"PWSH_MANAGER_PUBLIC_URL": address})


def test_mail_needs_a_sender_and_a_receiver() -> None:
    with pytest.raises(ValidationError, match="_SMTP_TO"):
        settings(SMTP_HOST="smtp.contoso.example")


def test_a_file_that_is_missing_or_says_nothing_useful_stops_the_start(tmp_path: Path) -> None:
    hook = {"WEBHOOK": "https://hooks.example/x", "WEBHOOK_SECRET_FILE": str(tmp_path / "secret")}
    with pytest.raises(InvalidSetting, match="SECRET_FILE: cannot be read"):
        channels_of(settings(**hook))
    (tmp_path / "secret").write_text("short")
    with pytest.raises(InvalidSetting, match="SECRET_FILE: holds"):
        channels_of(settings(**hook))


def test_no_secret_of_a_channel_is_shown(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("hunter2 and more\n")
    hook = "https://hooks.example/the-secret"
    both = settings(WEBHOOK=hook, SMTP_PASSWORD_FILE=str(tmp_path / "password"), **MAIL)
    assert "the-secret" not in repr(both)
    assert "hunter2" not in repr(channels_of(both))
