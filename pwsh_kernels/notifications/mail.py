"""Sends notices by mail."""

from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import TypedDict

import aiosmtplib

from pwsh_kernels.errors import NotificationFailed
from pwsh_kernels.notifications.channel import SEND_S
from pwsh_kernels.notifications.notice import Notice

TLS_PORT = 465
"""Where TLS begins with the connection; on other ports STARTTLS begins it."""
GONE_FOR_GOOD = range(500, 600)
"""Answers after which another attempt is useless."""


class Encryption(TypedDict):
    """How a connection is encrypted, as aiosmtplib takes it."""

    use_tls: bool
    start_tls: bool | None


def encryption(port: int, *, loopback: bool) -> Encryption:
    """Return how a connection is encrypted: always, except on this machine where the mail server
    may offer none.
    """
    if port == TLS_PORT:
        return {"use_tls": True, "start_tls": False}
    return {"use_tls": False, "start_tls": None if loopback else True}


def message_of(notice: Notice, sender: str, receivers: tuple[str, ...]) -> EmailMessage:
    """Return a notice as a mail of plain text."""
    message = EmailMessage()
    message["Subject"] = notice.title
    message["From"] = sender
    message["To"] = ", ".join(receivers)
    message["Date"] = formatdate()
    message["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2] or "localhost")
    message["Auto-Submitted"] = "auto-generated"
    facts = "\n".join(f"{name}: {value}" for name, value in notice.facts)
    link = f"{notice.button}:\n{notice.link}\n\n{notice.note}\n"
    message.set_content(f"{notice.title}\n\n{facts}\n\n{notice.shown_command}\n\n{link}")
    return message


@dataclass(frozen=True, slots=True)
class Mail:
    """Gives one mail to one mail server."""

    host: str
    port: int
    sender: str
    receivers: tuple[str, ...]
    encryption: Encryption
    user: str = ""
    password: str = field(default="", repr=False)
    name: str = "mail"

    async def send(self, notice: Notice) -> None:
        """Send it once. Raises NotificationFailed."""
        try:
            await aiosmtplib.send(
                message_of(notice, self.sender, self.receivers),
                hostname=self.host,
                port=self.port,
                username=self.user or None,
                password=self.password or None,
                timeout=SEND_S,
                **self.encryption,
            )
        except aiosmtplib.SMTPResponseException as refused:
            again = refused.code not in GONE_FOR_GOOD
            problem = f"the mail server answered {refused.code}"
            raise NotificationFailed(self.name, problem, again=again) from None
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            problem = f"the mail server cannot be used ({type(error).__name__})"
            raise NotificationFailed(self.name, problem) from None
