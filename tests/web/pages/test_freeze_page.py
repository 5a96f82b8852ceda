"""Stopping agents on the page: a question first, a reason that they are told, and going on."""

from collections.abc import Iterator

import pytest

from tests.fixtures.browser import signed_in
from tests.fixtures.principals import Principals
from tests.fixtures.server import CONTOSO, FABRIKAM, Server

pytestmark = pytest.mark.xdist_group("principals")
AGENT = {"User-Agent": "pwsh-kernels-mcp/0.1 (claude-code)"}
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def server(guarded: Server) -> Iterator[Server]:
    """Give a server in which nothing is frozen afterwards."""
    yield guarded
    guarded.post("/thaw", tenant=CONTOSO)
    guarded.post("/thaw")


@pytest.mark.parametrize("tenant", [CONTOSO, ""])
def test_agents_are_stopped_by_a_form_and_go_on_by_another(server: Server, tenant: str) -> None:
    command = {"tenant": CONTOSO, "command": "1"}
    with signed_in(server) as one, server.http(**AGENT) as agent:
        ask = one.open(f"/page/freeze?tenant={tenant}")
        assert agent.post("/run", json=command).status_code == 200  # asking stops nobody
        page = one.send(ask.form("/page/freeze"), why=f"too fast {HOSTILE}")
        assert f"Agents are stopped in {tenant or 'all tenants'}" in page.text
        assert HOSTILE not in page.html
        refused = agent.post("/run", json=command)
        assert refused.status_code == 403
        assert "too fast" in refused.json()["error"]
        one.send(page.form("/page/thaw"))
        assert "Agents are stopped" not in one.open("/").text
        assert agent.post("/run", json=command).status_code == 200


def test_who_may_end_in_one_tenant_stops_agents_there_only_and_lets_none_go_on(
    server: Server, principals: Principals
) -> None:
    with signed_in(server, principals.tokens["ender"]) as one:
        links = one.open("/").links
        assert f"/page/freeze?tenant={CONTOSO}" in links
        assert "/page/freeze" not in links
        for elsewhere in ("/page/freeze", f"/page/freeze?tenant={FABRIKAM}"):
            page = one.open(elsewhere)
            assert not [shown for shown in page.forms if shown.action.endswith("/page/freeze")]
            assert one.answer.status_code in {400, 403}
        form = one.open(f"/page/freeze?tenant={CONTOSO}").form("/page/freeze")
        refused = [one.send(form, tenant=name).text for name in ("", FABRIKAM)]
        assert one.answer.status_code == 400  # it does not know of that tenant
        assert "may not end in the whole server" in refused[0]
        page = one.send(form)
        assert "Agents are stopped" in page.text
        assert not [shown for shown in page.forms if shown.action.endswith("/page/thaw")]
        form.action = "/page/thaw"
        one.send(form)
        assert one.answer.status_code == 403
    with signed_in(server, principals.tokens["other"]) as stranger:
        assert "Agents are stopped" not in stranger.open("/").text
