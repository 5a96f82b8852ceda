"""The wall of the read tier on a whole server: what real reading texts give behind it, and what its
kernel does with a message that the server has granted and nobody has judged.

The account may write here, so that nothing but the wall stands in the way.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pwsh_kernels.messages import CARRIED, TRUSTED
from pwsh_kernels.reading import Argument, Call, Carried, Step
from tests.fixtures.connection_file import connection_of
from tests.fixtures.kernel import Client
from tests.fixtures.repository import ROOT
from tests.fixtures.server import ADMIN, CONTOSO, Server

pytestmark = [pytest.mark.xdist_group("reading_wall"), pytest.mark.slow]
AUTOMATION = "c0070500-a991-4c00-8a00-00000000a991"
TENANTS = f"""
[[tenant]]
name = "{CONTOSO}"
read_with = "write_account"
[tenant.pnp]
client_id = "{AUTOMATION}"
"""
IDIOMS = (ROOT / "tests" / "reading_idioms.txt").read_text(encoding="utf-8").splitlines()
"""Texts as administrators write them, one a line."""
SERVICES = {
    "graph": ("Get-MgUser -Top 2 | Select-Object DisplayName", "Update-MgUser", "New-MgGroup"),
    "azure": ("Get-AzResourceGroup | select ResourceGroupName", "New-AzResourceGroup"),
    "teams": ("Get-Team | Select-Object -First 1 DisplayName", "New-Team", "Set-CsUser"),
    "pnp": (
        "Get-PnPList | ? { -not $_.Hidden } | select Title",
        "Set-PnPWeb",
        "Get-PnPAccessToken",
    ),
}


@pytest.fixture(scope="module")
def server(powershell_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Give a server in which both tiers of Exchange are signed in as an administrator."""
    folder = tmp_path_factory.mktemp("server")
    (folder / "tenants.toml").write_text(TENANTS, encoding="utf-8")
    one = Server(folder, {"PWSH_MANAGER_TENANTS": str(folder / "tenants.toml")}).start()
    assert one.sign_in(CONTOSO)["state"] == "signed_in"
    assert signed_in(one, "exo") == "signed_in"
    yield one
    one.close()


def signed_in(server: Server, module: str) -> str:
    """Sign the session of the read tier in, and return its state."""
    where = {"tenant": CONTOSO, "module": module, "tier": "read"}
    more = {"sharepoint_tenant": "contoso"} if module == "pnp" else {}
    login = server.post("/login", **where, **more)
    server.approve(login["device_code"], ADMIN)
    return str(server.post("/status", **where, wait_s=30)["state"])


@pytest.fixture
def kernel(server: Server) -> Iterator[Client]:
    """Give who has the server's own key, and asks nobody."""
    client = Client(connection_of(server, CONTOSO, tier="read"))
    yield client
    client.close()


def test_real_texts_give_behind_the_wall_what_they_give_elsewhere(server: Server) -> None:
    assert len(IDIOMS) >= 60
    answers = {text: (server.run(text, tier="read"), server.run(text)) for text in IDIOMS}
    other = {
        text: (read.get("error") or read["result"], write["result"])
        for text, (read, write) in answers.items()
        if (read.get("state"), read.get("result")) != (write["state"], write["result"])
    }
    assert other == {}
    assert [text for text, (_, write) in answers.items() if write["state"] != "succeeded"] == []


def pipeline(name: str, *words: str) -> dict[str, Any]:
    """Return a command as the kernel is given it."""
    given = tuple(
        Argument(name=one) if one.startswith("-") else Argument(value=one) for one in words
    )
    return {CARRIED: Carried((Step((Call("command", name, given),)),)).to_json()}


@pytest.mark.parametrize(
    "text",
    [
        "Set-Mailbox adele.gupta -DisplayName changed",
        "& ('Set' + '-Mailbox') adele.gupta -DisplayName changed",
        "[IO.File]::WriteAllText('changed.txt', 'x')",
        "function Get-Mailbox { 'mine' }",
        "$global:PSDefaultParameterValues = @{}",
        "Get-Mailbox -ResultSize 1",
        "/bin/ls",
    ],
)
def test_a_text_that_nobody_judged_meets_the_engine_s_refusal(kernel: Client, text: str) -> None:
    cell = kernel.run(text)
    assert cell.content["status"] == "error"
    assert "no-language mode" in cell.content["evalue"]


def test_a_changing_command_that_nobody_judged_is_not_found(server: Server, kernel: Client) -> None:
    before = server.run("Get-Mailbox adele.gupta | % DisplayName")["result"]
    words = ("Set-Mailbox", "adele.gupta", "-DisplayName", "changed")
    cell = kernel.run("Get-Mailbox adele.gupta", beside=pipeline(*words))
    assert "'Set-Mailbox' is not recognized" in cell.content["evalue"]
    assert server.run("Get-Mailbox adele.gupta | % DisplayName")["result"] == before
    read = kernel.run("x", beside=pipeline("Get-Mailbox", "-ResultSize", "1"))
    assert read.content["status"] == "ok"


@pytest.mark.parametrize("module", SERVICES)
def test_every_service_reads_behind_it_and_shows_no_command_that_does_more(
    server: Server, module: str
) -> None:
    read, *changes = SERVICES[module]
    assert signed_in(server, module) == "signed_in"
    run = server.run(read, module=module, tier="read")
    assert (run["state"], bool(json.loads(run["result"]))) == ("succeeded", True)
    client = Client(connection_of(server, CONTOSO, module, tier="read"))
    try:
        for name in changes:
            cell = client.run("x", beside=pipeline(name))
            assert f"'{name}' is not recognized" in cell.content["evalue"]
    finally:
        client.close()
    server.post("/kill", tenant=CONTOSO, module=module, tier="read")


def test_what_cannot_be_carried_is_refused_with_its_place_before_anything_runs(
    server: Server,
) -> None:
    refused = server.run("Get-Mailbox\nif (1) { Get-AcceptedDomain }", tier="read")
    assert (refused["code"], refused["line"], refused["column"]) == ("not_carried", 2, 1)
    assert refused["piece"].startswith("if (1)")
    assert refused["instead"] in refused["error"]


def test_completion_and_help_go_on_in_a_notebook(kernel: Client) -> None:
    asked = {"code": "Get-Mailb", "cursor_pos": 9}
    assert "Get-Mailbox" in kernel.ask("complete_request", asked)["matches"]
    shown = kernel.ask(
        "inspect_request", {"code": "Get-Mailbox", "cursor_pos": 11, "detail_level": 0}
    )
    assert shown["found"]


def test_stop_ends_a_run_for_each_object(server: Server) -> None:
    text = "1..1000 | % { Start-Sleep -Milliseconds 200 }"
    run = server.run(text, tier="read", wait_s=0)
    server.until(lambda: server.get(f"/runs/{run['run_id']}")["state"] == "running")
    server.post(f"/runs/{run['run_id']}/cancel")
    ended = server.until(
        lambda: (one := server.get(f"/runs/{run['run_id']}"))["state"] == "cancelled" and one
    )
    assert ended["state"] == "cancelled"
    assert server.run("1 + 1", tier="read")["result"] == "2"


def test_formats_and_errors_are_as_elsewhere(server: Server) -> None:
    for shape in ("text", "csv", "list", "compact"):
        asked = {"command": "Get-AcceptedDomain | select DomainName, Default", "format": shape}
        read = server.run(asked["command"], tier="read", format=shape)
        assert read["result"] == server.run(**asked)["result"]
    failed = server.run("Get-Mailbox nobody.at.all", tier="read")
    assert (
        failed["errors"][0]["message"]
        == (server.run("Get-Mailbox nobody.at.all")["errors"][0]["message"])
    )


def test_nobody_but_an_administrator_may_send_a_text_as_the_server_s_own(
    server: Server, kernel: Client
) -> None:
    assert kernel.run("1 + 1", beside={TRUSTED: True}).text() == "2\n"
    asked = server.post("/run", tenant=CONTOSO, command="1 + 1", tier="read", pwsh_trusted=True)
    assert asked["code"] == "invalid_request"
