"""Messages are sent, sent again after a failure, and hold nobody up."""

import asyncio
import datetime as dt
import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from pwsh_kernels.audit.event import Event, Kind
from pwsh_kernels.audit.trail import AuditTrail
from pwsh_kernels.errors import NotificationFailed, NotificationsOff
from pwsh_kernels.notifications.bodies import json_body
from pwsh_kernels.notifications.mail import Encryption, Mail, encryption
from pwsh_kernels.notifications.notifier import MOST_WAITING, Notifier
from pwsh_kernels.notifications.signature import read_secret, signature_headers
from pwsh_kernels.notifications.webhook import Webhook
from tests.fixtures.receivers import SECRET_PATH, WAIT, mail_server, webhook
from tests.notifications.notices import notice
from tests.notifications.test_signature import SECRET


class Heard:
    """The end of each message, as the audit trail hears it."""

    def __init__(self) -> None:
        self.events: asyncio.Queue[Event] = asyncio.Queue()

    @property
    def trail(self) -> AuditTrail:
        return AuditTrail(heard=self.events.put_nowait)

    async def next(self) -> Event:
        return await asyncio.wait_for(self.events.get(), WAIT)


def mail(port: int, how: Encryption | None = None) -> Mail:
    receivers = ("ada@contoso.example",)
    encrypted = how or encryption(port, loopback=True)
    return Mail("127.0.0.1", port, "pwsh@contoso.example", receivers, encrypted)


async def test_a_webhook_and_a_mailbox_get_the_same_notice() -> None:
    heard = Heard()
    with webhook() as hook, mail_server() as post:
        both = Notifier([Webhook(hook.url, json_body, None), mail(post.port)], heard.trail)
        both.tell(notice())
        ends = [await heard.next(), await heard.next()]
        posted, mailed = hook.next(), post.next()
    assert {one.kind for one in ends} == {Kind.NOTIFICATION_SENT}
    assert {one.more["channel"] for one in ends} == {"webhook", "mail"}
    assert posted.json["approval"] == ends[0].more["approval"] == "a1"
    assert mailed["To"] == "ada@contoso.example"
    assert "Set-Mailbox ada" in mailed.get_content()


async def test_a_receiver_with_the_secret_can_check_a_body() -> None:
    key = read_secret(SECRET)
    with webhook() as hook:
        await Webhook(hook.url, json_body, key).send(notice())
        posted = hook.next()
    at = int(posted.headers["webhook-timestamp"])
    made = signature_headers(key, posted.headers["webhook-id"], at, posted.body)
    assert made.items() <= posted.headers.items()


async def test_a_busy_receiver_gets_it_later() -> None:
    heard = Heard()
    with webhook(503, 429) as hook:
        Notifier([Webhook(hook.url, json_body, None)], heard.trail, (0, 0, 0)).tell(notice())
        assert (await heard.next()).kind is Kind.NOTIFICATION_SENT
        assert hook.posted.qsize() == 3


@pytest.mark.parametrize("status", [400, 404, 302])
async def test_a_receiver_that_refuses_is_not_asked_again(status: int) -> None:
    heard = Heard()
    with webhook(status) as hook:
        Notifier([Webhook(hook.url, json_body, None)], heard.trail, (0, 0)).tell(notice())
        end = await heard.next()
        assert (end.kind, hook.posted.qsize()) == (Kind.NOTIFICATION_FAILED, 1)
    assert end.outcome == f"it answered {status}"


async def test_after_so_many_attempts_it_gives_up() -> None:
    heard = Heard()
    with webhook(500, 500, 500, 500) as hook:
        Notifier([Webhook(hook.url, json_body, None)], heard.trail, (0, 0)).tell(notice())
        assert (await heard.next()).outcome == "it answered 500"
        assert hook.posted.qsize() == 3


async def test_what_has_expired_is_not_tried_again() -> None:
    heard = Heard()
    with webhook(500) as hook:
        late = notice(expires_at=datetime.now(UTC))
        Notifier([Webhook(hook.url, json_body, None)], heard.trail, (0, 0)).tell(late)
        assert (await heard.next()).kind is Kind.NOTIFICATION_FAILED
        assert hook.posted.qsize() == 1


async def test_a_receiver_that_does_not_answer_holds_nobody_up_and_more_are_refused() -> None:
    heard = Heard()
    with webhook(held=True) as hook:
        slow = Notifier([Webhook(hook.url, json_body, None)], heard.trail)
        for _ in range(MOST_WAITING + 1):
            slow.tell(notice())
        assert (await heard.next()).outcome == "100 others are under way"
        await slow.stop()
    assert heard.events.empty()


async def test_no_failure_tells_the_address_of_a_webhook(caplog: pytest.LogCaptureFixture) -> None:
    heard = Heard()
    caplog.set_level("DEBUG", logger="pwsh_kernels")
    url = f"http://127.0.0.1:1{SECRET_PATH}"
    Notifier([Webhook(url, json_body, None)], heard.trail, ()).tell(notice())
    end = await heard.next()
    assert (end.kind, end.outcome) == (
        Kind.NOTIFICATION_FAILED,
        "it cannot be reached (ConnectError)",
    )
    assert SECRET_PATH not in str(end) + caplog.text
    assert "Nobody was told of a1 by webhook" in caplog.text


async def test_a_test_tells_what_became_of_it_on_each_channel() -> None:
    with webhook(404) as hook, mail_server() as post:
        both = Notifier([Webhook(hook.url, json_body, None), mail(post.port)])
        first, second = await both.test(notice())
    assert (first.problem, second.problem) == ("it answered 404", "")
    with pytest.raises(NotificationsOff):
        await Notifier().test(notice())


@pytest.mark.parametrize(("answer", "again"), [("550 no such user", False), ("451 later", True)])
async def test_a_mail_server_s_no_is_final_only_if_it_says_so(answer: str, again: bool) -> None:
    with mail_server(answer) as post, pytest.raises(NotificationFailed) as failed:
        await mail(post.port).send(notice())
    assert (failed.value.again, failed.value.problem[-3:]) == (again, answer[:3])


def test_mail_is_encrypted_except_on_this_machine() -> None:
    assert encryption(465, loopback=True) == {"use_tls": True, "start_tls": False}
    assert encryption(587, loopback=False) == {"use_tls": False, "start_tls": True}
    assert encryption(25, loopback=True)["start_tls"] is None


async def test_a_mail_server_without_starttls_gets_nothing_where_it_is_required() -> None:
    with mail_server() as post, pytest.raises(NotificationFailed, match="SMTPException"):
        await mail(post.port, encryption(25, loopback=False)).send(notice())
    assert post.mails.empty()


async def test_starttls_needs_a_certificate_that_this_machine_trusts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = certified(tmp_path)
    required = encryption(587, loopback=False)
    with mail_server(tls_context=context, require_starttls=True) as post:
        with pytest.raises(NotificationFailed):
            await mail(post.port, required).send(notice())
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
        await mail(post.port, required).send(notice())
        assert post.next()["Subject"].startswith("agent:claude asks")


def certified(folder: Path) -> ssl.SSLContext:
    """Return the context of a server of this machine with a certificate of its own."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    names: list[x509.GeneralName] = [
        x509.DNSName("localhost"),
        x509.IPAddress(ip_address("127.0.0.1")),
    ]
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate, secret = folder / "certificate.pem", folder / "key.pem"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    form: Callable[..., bytes] = key.private_bytes
    secret.write_bytes(
        form(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, secret)
    return context
