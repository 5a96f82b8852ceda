"""`pwsh-kernels login`: start or follow a sign-in, and wait until a person has finished it."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from pwsh_kernels.cli.console import ExitCode, Json, connected, note, say
from pwsh_kernels.errors import RequestRefused

if TYPE_CHECKING:
    from pwsh_kernels.client import RestClient

POLL_WAIT = 30.0
"""Seconds that one look at a pending sign-in waits on the server."""


def login(
    tenant: Annotated[str, typer.Argument(help="The tenant's domain, such as contoso.example.")],
    module: Annotated[str, typer.Argument(help="Service; `pwsh-kernels modules` lists them.")] = "exo",
    account: Annotated[str | None, typer.Option(help="Refuse any other account, such as admin@contoso.example.")] = None,
    wait: Annotated[bool, typer.Option(help="Wait until the person has signed in.")] = True,
) -> None:
    """Sign in to a tenant.

    Prints a code and an address: opening the address and entering the code completes the sign-in.
    """
    try:
        asyncio.run(_login(tenant, module, account, wait))
    except KeyboardInterrupt:
        note(f"The sign-in stays pending: finish it on the page. `pwsh-kernels status {tenant} {module}` shows it.")
        raise typer.Exit(ExitCode.INTERRUPTED) from None


async def _login(tenant: str, module: str, account: str | None, wait: bool) -> None:
    async with connected() as client:
        facts = await client.login(tenant, module, expected_account=account)
        _refuse_failure(facts)
        if facts["auth_pending"]:
            facts = await _until_code(client, facts)
            say_code(facts)
            if not wait:
                return
            facts = await _until_ended(client, facts)
        if facts["state"] != "signed_in":
            raise RequestRefused(200, "sign_in_failed", facts["reason"] or f"The sign-in ended: {facts['state']}.", facts)
        say(f"Signed in to {facts['session']} as {facts['account']}.")


def _refuse_failure(facts: Json) -> None:
    if not facts["success"]:
        raise RequestRefused(200, facts["code"], facts["error"], facts)


def say_code(facts: Json) -> None:
    """Print what the person has to do."""
    if facts.get("device_code"):
        say(
            f"To sign in to {facts['session']}, open {facts['auth_url']} and enter the code {facts['device_code']} "
            f"(valid until {facts['expires_at']})."
        )


async def _until_code(client: "RestClient", facts: Json) -> Json:
    while facts["state"] in ("starting", "signing_in") and not facts.get("device_code"):
        facts = await client.status(facts["tenant"], facts["module"], wait_s=1)
    return facts


async def _until_ended(client: "RestClient", facts: Json) -> Json:
    note("Waiting for the sign-in (Ctrl-C leaves it pending) ...")
    while facts["state"] in ("starting", "signing_in"):
        facts = await client.status(facts["tenant"], facts["module"], wait_s=POLL_WAIT)
    return facts
