"""One call of every tool that succeeds, for programs that call whatever a server lists.

A new tool needs a row here.
"""

from collections.abc import Callable
from typing import Any

from tests.fixtures.server import CONTOSO, FABRIKAM, Server

Json = dict[str, Any]
RUN = "id of a run that has ended"
ASKING = "id of a run that waits for an answer"
OPEN = "tenant with a session that nobody needs"
READING = "tenant whose reader is signed in"
CALLS: dict[str, Json] = {
    "pwsh_login": {"tenant": CONTOSO},
    "pwsh_status": {"tenant": CONTOSO, "module": "exo"},
    "pwsh_run": {
        "tenant": CONTOSO,
        "command": "param($name) $name.Length",
        "parameters": {"name": "Ada"},
        "format": "json",
        "wait_s": 30,
    },
    "pwsh_read": {"tenant": READING, "command": "Get-Mailbox -ResultSize 1", "wait_s": 30},
    "pwsh_wait": {"run_id": RUN, "cursor": 0, "wait_s": 5},
    "pwsh_cancel": {"run_id": RUN},
    "pwsh_answer": {"run_id": ASKING, "answer": "Ada"},
    "pwsh_sessions": {},
    "pwsh_output": {"run_id": RUN, "search": "counted"},
    "pwsh_find": {"tenant": CONTOSO, "module": "exo", "words": "mailbox"},
    "pwsh_disconnect": {"tenant": OPEN, "confirmation": "DISCONNECT"},
}
"""Tool → arguments. RUN, ASKING, OPEN and READING stand for what is made when the call is made."""
ASKS: Json = {"tenant": FABRIKAM, "command": "Read-Host 'Name?'", "wait_s": 30}
"""Arguments of pwsh_run for a run that asks. In a tenant of its own, because it blocks others."""


def arguments(tool: str, server: Server, asking: Callable[[], str]) -> Json:
    """Return the arguments of a tool's call, with what it needs in place.

    `asking` starts ASKS as the client that makes the call, because nobody else may answer it, and
    returns its run id.

    Raises KeyError for a tool without a row.
    """
    makers: dict[Any, Callable[[Server], str]] = {
        RUN: ended_run,
        ASKING: lambda _: asking(),
        OPEN: open_tenant,
        READING: reading_tenant,
    }
    return {
        name: makers[value](server) if isinstance(value, str) and value in makers else value
        for name, value in CALLS[tool].items()
    }


def ended_run(server: Server) -> str:
    """Run something to its end; return its id."""
    run_id: str = server.run("'counted'")["run_id"]
    return run_id


def open_tenant(server: Server) -> str:
    """Open a session that nobody signs in to; return its tenant."""
    assert server.post("/login", tenant=FABRIKAM)["success"]
    return FABRIKAM


def reading_tenant(server: Server) -> str:
    """Name a reader in the tenants file, and sign the session of the read tier in; return the
    tenant.
    """
    reader = f"reader@{CONTOSO}"
    file = server.folder / "home" / ".config" / "pwsh-kernels" / "tenants.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    text = f'[[tenant]]\nname = "{CONTOSO}"\n[tenant.read.exo]\nexpected_account = "{reader}"\n'
    file.write_text(text, encoding="utf-8")
    login = server.post("/login", tenant=CONTOSO, tier="read")
    if login.get("auth_pending"):
        server.approve(login["device_code"], reader)
    status = server.post("/status", tenant=CONTOSO, tier="read", wait_s=30)
    assert status["state"] == "signed_in", status
    return CONTOSO
