"""The first steps: what was found, what is next, and what an MCP client's file needs."""

import json
import re
from html import unescape
from typing import Any, cast

import pytest

from pwsh_kernels import shapes
from pwsh_kernels.web.pages.start_page import (
    Steps,
    found_confinement,
    found_modules,
    found_powershell,
    found_tenants,
)
from tests.fixtures.browser import browser, signed_in
from tests.fixtures.server import Server

pytestmark = pytest.mark.xdist_group("principals")


def health(**facts: Any) -> shapes.Health:
    """Return what /health says, as far as the page reads it."""
    return cast(shapes.Health, facts)


@pytest.mark.parametrize(
    ("facts", "mark", "said"),
    [
        ({"found": True, "version": "7.6.9", "place": "the package"}, "good", "7.6.9"),
        ({"found": None}, "busy", "looked for"),
        ({"found": False, "error": "powershell_not_found"}, "bad", "doctor"),
    ],
)
def test_it_is_said_whether_there_is_a_powershell(
    facts: dict[str, Any], mark: str, said: str
) -> None:
    found = found_powershell(health(powershell=facts))
    assert found.mark == mark
    assert said in found.said


def test_what_this_machine_does_not_confine_is_said() -> None:
    def said(*, files: bool, tcp: bool) -> tuple[str, str]:
        found = found_confinement(health(confinement={"files": files, "tcp": tcp}))
        return found.mark, found.said

    assert said(files=True, tcp=True)[0] == "good"
    assert said(files=True, tcp=False) == (
        "wait",
        "only files are confined here: pwsh-kernels doctor says why",
    )
    assert "not confined" in said(files=False, tcp=False)[1]


def test_simulated_tenants_are_not_taken_for_yours() -> None:
    tenants = [{"names": [name], "sandbox": name == "sim"} for name in ("sim", "contoso.com")]
    both = cast(shapes.KnownTenants, {"tenants": tenants})
    assert found_tenants(both).said == "1 of yours: contoso.com"
    assert found_tenants(cast(shapes.KnownTenants, {"tenants": tenants[:1]})).mark == "wait"
    facts = {"title": "Exchange", "name": "EXO"}
    listed = {"details": {"a": facts | {"installed": ""}, "b": facts | {"installed": "3.5"}}}
    assert [one.mark for one in found_modules(cast(shapes.Modules, listed))] == ["off", "good"]


def test_a_new_server_leads_to_the_first_steps_and_tells_mcp_clients_how_to_find_it(
    own_server: Server,
) -> None:
    with signed_in(own_server) as one:
        assert "No session is signed in yet" in one.open("/").text
        page = one.open("/start")
    for fact in ("PowerShell", "7.", "Docker", "Sign in to contoso.example", "Claude Code"):
        assert fact in page.text
    blocks = [
        json.loads(unescape(text))
        for text in re.findall(r"<pre[^>]*><code>(\{.*?)</code>", page.html, re.DOTALL)
    ]
    assert len(blocks) == 3
    servers = [*(one["mcpServers"]["pwsh"] for one in blocks[:2]), blocks[2]["servers"]["pwsh"]]
    for server in servers:
        assert server["args"][0].endswith("mcp_server.py")
        assert server["env"] == {"PWSH_MANAGER_URL": own_server.url}
    assert own_server.token not in page.html
    with browser(own_server) as stranger:
        assert "mcp_server.py" not in stranger.open("/start").html


def test_a_server_stops_while_a_page_follows_it(own_server: Server) -> None:
    with signed_in(own_server) as one, one.http.stream("GET", "/page/stream") as answer:
        assert next(answer.iter_lines()).startswith("data: ")
        own_server.stop()
        assert own_server.process.returncode == 0
    assert "Traceback" not in "".join(own_server.log)


def test_what_somebody_has_done_is_no_step_any_more(guarded: Server) -> None:
    guarded.run("'once'")
    with signed_in(guarded) as one:
        page = one.open("/start")
    assert "Done: a session is signed in, a command was run, an agent has" in page.text
    assert "Sign in to contoso.example" not in page.text
    assert "Add a tenant of yours" in page.text
    assert Steps(signed_in=True, run=True, tenant=True, agent=True).finished
