"""`pwsh-kernels login`: start or follow a sign-in, and wait until the person has finished it."""

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from pwsh_kernels.cli.console import ExitCode, connected, note, say
from pwsh_kernels.cli.following import interrupts
from pwsh_kernels.cli.times import lasting, local_clock
from pwsh_kernels.discovery import is_loopback
from pwsh_kernels.errors import RequestRefused
from pwsh_kernels.shapes import Login, LoginArguments, Status

if TYPE_CHECKING:
    from pwsh_kernels.client import RestClient

Standing = Login | Status
"""The state of a sign-in, first from /login, then from /status."""

END_WAIT = 2.0
"""Seconds that an interrupted request may take to end."""
POLL_WAIT = 30.0
"""Seconds that one request about a pending sign-in waits on the server."""


def login(
    tenant: Annotated[str, typer.Argument(help="The tenant's domain, such as contoso.example.")],
    module: Annotated[
        str, typer.Argument(help="Service; `pwsh-kernels modules` lists them.")
    ] = "exo",
    account: Annotated[
        str | None, typer.Option(help="Refuse any other account, such as admin@contoso.example.")
    ] = None,
    route: Annotated[
        str | None,
        typer.Option(help="Sign-in route, such as certificate; `pwsh-kernels modules` lists them."),
    ] = None,
    token_from: Annotated[
        str | None,
        typer.Option(
            "--access-token-from", help="File with an access token; `-` reads it from stdin."
        ),
    ] = None,
    graph_token_from: Annotated[
        str | None,
        typer.Option("--graph-token-from", help="File with the second token that teams needs."),
    ] = None,
    read: Annotated[
        bool, typer.Option("--read", help="The session that only reads (docs/governance.md).")
    ] = False,
    wait: Annotated[bool, typer.Option(help="Wait until the person has signed in.")] = True,
) -> None:
    """Sign in to a tenant.

    Prints a code and an address: open the address and enter the code to complete the sign-in. Other
    routes (certificate, managed identity, access token ...) need no person.
    """
    asked: LoginArguments = {
        "expected_account": account,
        "route": route,
        "access_token": read_token(token_from),
        "graph_token": read_token(graph_token_from),
        "tier": "read" if read else None,
    }
    if not asyncio.run(_login_unless_interrupted(tenant, module, asked, wait)):
        note(
            f"The sign-in is still pending: finish it on the page. `pwsh-kernels status {tenant}"
            f" {module}{' --read' if read else ''}` shows it."
        )
        raise typer.Exit(ExitCode.INTERRUPTED)


def read_token(source: str | None) -> str | None:
    """Return a token from a file or stdin; on the command line, every user of the machine could
    read it.
    """
    if source is None:
        return None
    try:
        text = sys.stdin.read() if source == "-" else Path(source).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise typer.BadParameter(f"{source} cannot be read ({type(error).__name__})") from None
    if not text.strip():
        raise typer.BadParameter(f"{source} is empty")
    return text.strip()


async def _login_unless_interrupted(
    tenant: str, module: str, asked: LoginArguments, wait: bool
) -> bool:
    """Return whether it came to an end before Ctrl-C.

    The loops look at the interrupt themselves: asyncio's own, a cancellation, can be lost below an
    HTTP request (measured).
    """
    with interrupts() as (interrupted, _):
        work = asyncio.create_task(_login(tenant, module, asked, wait, interrupted))
        stop = asyncio.create_task(interrupted.wait())
        await asyncio.wait({work, stop}, return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            work.cancel()
            await asyncio.wait({work}, timeout=END_WAIT)
            work.add_done_callback(
                lambda task: task.cancelled() or task.exception()
            )  # nobody waits for it any more
            return False
        stop.cancel()
        work.result()
        return True


async def _login(
    tenant: str, module: str, asked: LoginArguments, wait: bool, interrupted: asyncio.Event
) -> None:
    async with connected() as client:
        begun = await client.login(tenant, module, **asked)
        if not begun["success"]:
            raise RequestRefused(200, begun["code"], begun["error"], dict(begun))
        facts: Standing = begun
        if facts["auth_pending"]:
            facts = await _until_code(client, facts, interrupted)
            say_code(facts)
            show_qr(facts)
            if not wait:
                return
            facts = await _until_ended(client, facts, interrupted)
        if facts["state"] != "signed_in":
            raise _refusal(facts)
        say(f"Signed in to {facts['session']} as {facts['account']}.")


def _refusal(facts: Standing) -> RequestRefused:
    code = facts["sign_in"]["state"] if facts["sign_in"] else "failed"
    code = code if code.startswith("wrong_") else f"sign_in_{code}"
    return RequestRefused(
        200, code, facts["reason"] or f"The sign-in ended: {facts['state']}.", dict(facts)
    )


def say_code(facts: Standing) -> None:
    """Print what the person has to do."""
    if facts["device_code"]:
        account = facts["expected_account"]
        say(
            f"To sign in to {facts['session']}, open {facts['auth_url']} and enter the code"
            f" {facts['device_code']} ({_validity(facts)})."
            + (f" Sign in as {account}." if account else "")
        )


def _validity(facts: Standing) -> str:
    until = local_clock(facts["expires_at"] or "")
    return f"valid for {lasting(facts['expires_in_s'] or 0)}, until {until}"


def show_qr(facts: Standing) -> None:
    """Show the address as a QR code if stdout is a terminal."""
    if qr_of(facts) and sys.stdout.isatty():
        say(qr_of(facts))


def qr_of(facts: Standing) -> str:
    """Return the QR code of an address that another device can open, else an empty text."""
    host = urlsplit(facts["auth_url"] or "").hostname or ""
    return "" if is_loopback(host) else facts["qr_text"] or ""


async def _until_code(
    client: "RestClient", facts: Standing, interrupted: asyncio.Event
) -> Standing:
    while _pending(facts, interrupted) and not facts["device_code"]:
        facts = await client.status(facts["tenant"], facts["module"], 1, facts["tier"])
        if _signs_in_alone(facts):
            break
    return facts


def _pending(facts: Standing, interrupted: asyncio.Event) -> bool:
    return facts["state"] in ("starting", "signing_in") and not interrupted.is_set()


def _signs_in_alone(facts: Standing) -> bool:
    return facts["sign_in"] is not None and facts["sign_in"]["route"] != "device_code"


async def _until_ended(
    client: "RestClient", facts: Standing, interrupted: asyncio.Event
) -> Standing:
    note("Waiting for the sign-in (Ctrl-C leaves it pending) ...")
    shown = facts["device_code"]
    while _pending(facts, interrupted):
        facts = await client.status(facts["tenant"], facts["module"], POLL_WAIT, facts["tier"])
        if facts["device_code"] not in (None, shown):  # the first one has expired
            shown = facts["device_code"]
            say_code(facts)
    return facts
