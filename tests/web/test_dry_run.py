"""A dry run says what a text would change, by every door, and changes nothing."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pwsh_kernels.audit.files import named_lines
from pwsh_kernels.sessions.queries.previews import SAYS
from tests.fixtures.cli import run_command
from tests.fixtures.server import CONTOSO, FABRIKAM, Server, ruled_server
from tests.mcp.client import call, connected, facts_of, text_of

pytestmark = pytest.mark.xdist_group("dry_run")

RULES = f"""
[[tenant]]
name = "{CONTOSO}"
changes = {{ owner = "ask", agent = "never" }}

[[tenant]]
name = "{FABRIKAM}"
"""
AGENT = "pwsh-kernels-mcp/1.0 (claude-code)"


@pytest.fixture(scope="module")
def ruled(powershell_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server on which changes in contoso.example need an approval; signed in to both tenants."""
    with ruled_server(tmp_path_factory.mktemp("server"), RULES) as one:
        yield one


@pytest.fixture(scope="module")
def alias(ruled: Server) -> str:
    """The alias of a mailbox of contoso.example."""
    answer = ruled.run("(Get-Mailbox -ResultSize 1).Alias", format="text")
    return str(answer["result"]).strip()


def dry(server: Server, command: str, tenant: str = CONTOSO, **more: Any) -> dict[str, Any]:
    return dict(server.run(command, tenant, **{"dry_run": True, "format": "text", **more}))


def office(server: Server, alias: str) -> str:
    return str(server.run(f"(Get-Mailbox {alias}).Office", format="text")["result"]).strip()


def test_a_change_that_needs_an_approval_is_seen_beforehand_and_not_made(
    ruled: Server, alias: str
) -> None:
    before = office(ruled, alias)
    answer = dry(ruled, f"Set-Mailbox {alias} -Office Elsewhere -AuditEnabled $false")
    assert answer["state"] == "succeeded"
    preview = answer["preview"]
    (one,) = preview["objects"]
    name = str(ruled.run(f"(Get-Mailbox {alias}).Name", format="text")["result"]).strip()
    assert (one["action"], one["target"]) == ("Setting mailbox", name)
    assert one["changes"] == [
        {"property": "Office", "old": before, "new": "Elsewhere"},
        {"property": "AuditEnabled", "old": "True", "new": "False"},
    ]
    assert (preview["complete"], preview["says"]) == (True, SAYS)
    assert "-WhatIf:$true" in preview["ran"]
    assert answer["command"] == f"Set-Mailbox {alias} -Office Elsewhere -AuditEnabled $false"
    assert (answer["class"], office(ruled, alias)) == ("write", before)


def test_objects_that_come_through_a_pipeline_are_told_one_by_one(ruled: Server) -> None:
    many = "Get-Mailbox -ResultSize 3 -WarningAction Ignore"
    for text in (f"{many} | Set-Mailbox -Office X", f"{many} | % {{ Set-Mailbox $_ -Office X }}"):
        preview = dry(ruled, text)["preview"]
        assert len(preview["objects"]) == 3
        assert all(one["changes"][0]["new"] == "X" for one in preview["objects"])
        assert preview["complete"]


def test_what_would_be_made_is_no_object_to_go_on_with(ruled: Server) -> None:
    answer = dry(ruled, "New-Mailbox -Name Zoe -Shared | Set-Mailbox -Office X")
    assert not answer["preview"]["complete"]
    assert len(answer["preview"]["objects"]) == 1
    assert ruled.run("Get-Mailbox Zoe", format="text")["state"] == "failed"


def test_a_text_that_nobody_can_preview_is_refused_with_the_piece(ruled: Server) -> None:
    refused = dry(ruled, "Set-Mailbox x -Office y; Invoke-Expression 'x'")
    assert refused["code"] == "cannot_preview"
    assert "Invoke-Expression" in refused["pieces"][0]
    assert dry(ruled, "Get-Mailbox")["code"] == "cannot_preview"
    assert dry(ruled, "Remove-NoSuchThing x")["pieces"] == [
        "Remove-NoSuchThing is not there: the session has no such command."
    ]
    assert dry(ruled, "Set-Mailbox x -Office y", tier="read")["field"] == "dry_run"


PLANTS = {
    "function Set-Mailbox { [CmdletBinding(SupportsShouldProcess)] param($a, $Office) $x = 1 }": (
        "Set-Mailbox is not the module's: it is a function defined in this session."
    ),
    "Set-Alias Set-CASMailbox Remove-Item": "Set-CASMailbox is an alias of Remove-Item",
    "$PSDefaultParameterValues['Set-Mailbox:Office'] = 'x'": "$PSDefaultParameterValues sets",
}


@pytest.mark.parametrize("plant", PLANTS)
def test_a_session_that_somebody_has_bent_previews_nothing(ruled: Server, plant: str) -> None:
    """In the other tenant, where everything may be planted; the session ends afterwards."""
    assert ruled.run(plant, FABRIKAM)["state"] == "succeeded"
    refused = dry(ruled, "Set-Mailbox x -Office y; Set-CASMailbox x -PopEnabled $true", FABRIKAM)
    ruled.post("/disconnect", tenant=FABRIKAM, module="exo")
    assert ruled.sign_in(FABRIKAM)["state"] == "signed_in"
    assert refused["code"] == "cannot_preview"
    assert any(piece.startswith(PLANTS[plant]) for piece in refused["pieces"]), refused["pieces"]


def test_who_may_change_nothing_sees_no_change_beforehand(ruled: Server) -> None:
    body = {"tenant": CONTOSO, "module": "exo", "command": "Remove-Mailbox x", "dry_run": True}
    with ruled.http(**{"User-Agent": AGENT}) as http:
        assert http.post("/run", json=body).json()["code"] == "changes_refused"


def test_a_model_and_a_terminal_read_what_would_change(ruled: Server, alias: str) -> None:
    command = f"Set-Mailbox {alias} -Office Elsewhere"

    async def told() -> Any:
        async with connected(ruled) as client:
            place = {"tenant": FABRIKAM, "module": "exo"}
            return await call(client, "pwsh_run", command=command, dry_run=True, **place)

    answer = asyncio.run(told())
    assert "Setting mailbox: " in text_of(answer)
    assert "-> Elsewhere" in facts_of(answer)["preview"]
    said = run_command(ruled.environment, "run", CONTOSO, "exo", command, "--dry-run")
    assert "-> Elsewhere" in said[1]
    assert SAYS in said[1]


def test_the_audit_log_says_that_it_was_only_a_preview(ruled: Server, alias: str) -> None:
    run = dry(ruled, f"Set-Mailbox {alias} -Office Audited")
    files = named_lines(ruled.data_dir / "audit")
    records = [json.loads(line) for _, lines in files for line in lines]
    own = [one for one in records if one.get("run_id") == run["run_id"]]
    assert [one["kind"] for one in own] == ["run.accepted", "run.ended"]
    assert (own[0]["dry_run"], own[0]["class"]) == (True, "write")
