"""Makes the channels that the settings name."""

from pathlib import Path

from pwsh_kernels.discovery import is_loopback
from pwsh_kernels.errors import InvalidSetting
from pwsh_kernels.notifications.bodies import BODIES
from pwsh_kernels.notifications.channel import Channel
from pwsh_kernels.notifications.mail import Mail, encryption
from pwsh_kernels.notifications.signature import read_secret
from pwsh_kernels.notifications.webhook import Webhook
from pwsh_kernels.settings import Settings

SECRET = "PWSH_MANAGER_NOTIFY_WEBHOOK_SECRET_FILE"  # noqa: S105 - the name of a setting
PASSWORD = "PWSH_MANAGER_NOTIFY_SMTP_PASSWORD_FILE"  # noqa: S105 - the name of a setting


def channels_of(settings: Settings) -> list[Channel]:
    """Return the channels; none: nobody is told. Raises InvalidSetting."""
    channels: list[Channel] = []
    if settings.notify_webhook:
        body = BODIES[settings.notify_webhook_kind]
        channels.append(Webhook(settings.notify_webhook, body, _key(settings)))
    if settings.notify_smtp_host:
        channels.append(_mail(settings))
    return channels


def _key(settings: Settings) -> bytes | None:
    if settings.notify_webhook_secret_file is None:
        return None
    try:
        return read_secret(_read(settings.notify_webhook_secret_file, SECRET))
    except ValueError as error:
        raise InvalidSetting(SECRET, str(error)) from error


def _mail(settings: Settings) -> Mail:
    host, port = settings.notify_smtp_host, settings.notify_smtp_port
    file = settings.notify_smtp_password_file
    return Mail(
        host,
        port,
        settings.notify_smtp_from,
        settings.notify_smtp_to,
        encryption(port, loopback=is_loopback(host)),
        settings.notify_smtp_user,
        _read(file, PASSWORD) if file else "",
    )


def _read(file: Path, setting: str) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidSetting(setting, f"cannot be read: {error}") from error
