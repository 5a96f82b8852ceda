"""`pwsh-kernels notify test` tells people by what the server's settings name."""

from collections.abc import Iterator

import pytest

from pwsh_kernels.audit.files import named_lines
from tests.fixtures.cli import run_command
from tests.fixtures.receivers import SECRET_PATH, Hook, webhook
from tests.fixtures.server import Server


@pytest.fixture(scope="module")
def hook() -> Iterator[Hook]:
    """A webhook."""
    with webhook() as one:
        yield one


@pytest.fixture(scope="module")
def telling(hook: Hook, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that tells a webhook, and mails through a server that is not there."""
    settings = {
        "PWSH_MANAGER_NOTIFY_WEBHOOK": hook.url,
        "PWSH_MANAGER_NOTIFY_SMTP_HOST": "127.0.0.1",
        "PWSH_MANAGER_NOTIFY_SMTP_PORT": "1",
        "PWSH_MANAGER_NOTIFY_SMTP_FROM": "pwsh@contoso.example",
        "PWSH_MANAGER_NOTIFY_SMTP_TO": "ada@contoso.example",
        "PWSH_MANAGER_PUBLIC_URL": "https://pwsh.contoso.example/",
        "PWSH_MANAGER_METRICS": "true",
        "PWSH_MANAGER_DEBUG": "true",
    }
    one = Server(tmp_path_factory.mktemp("server"), settings).start()
    yield one
    one.close()


def test_a_test_is_sent_and_each_channel_s_end_is_told(telling: Server, hook: Hook) -> None:
    said, _, code = run_command(telling.environment, "notify", "test")
    assert (said.splitlines()[0], code) == ("webhook: sent", 1)
    assert said.splitlines()[1].startswith("mail: the mail server cannot be used")
    body = hook.next().json
    assert (body["type"], body["link"]) == ("test", "https://pwsh.contoso.example")
    assert body["requester"] == "token"


def test_it_is_recorded_and_counted_and_the_address_stands_nowhere(
    telling: Server, hook: Hook
) -> None:
    telling.post("/notifications/test")
    hook.next()
    folder = telling.data_dir / "audit"
    log = b"".join(line for _, lines in named_lines(folder) for line in lines).decode()
    assert '"kind":"notification.sent"' in log
    assert '"kind":"notification.failed"' in log
    with telling.http() as http:
        counted = http.get("/metrics").text
    assert 'pwsh_kernels_notifications_total{channel="mail",outcome="failed"}' in counted
    assert SECRET_PATH not in log + counted + "".join(telling.log)


def test_where_nothing_is_set_the_refusal_names_the_settings(server: Server) -> None:
    _, said, code = run_command(server.environment, "notify", "test")
    assert code == 1
    assert "set PWSH_MANAGER_NOTIFY_WEBHOOK" in said
