"""`pwsh-kernels passkey`: the passkeys with which you approve changes on the page."""

import asyncio
from typing import Annotated
from urllib.parse import urlsplit

import typer

from pwsh_kernels.cli.console import connected, say, say_json, table
from pwsh_kernels.cli.page import tell_address
from pwsh_kernels.cli.sessions import AsJson
from pwsh_kernels.discovery import is_loopback
from pwsh_kernels.shapes import PageCode, Passkeys


def passkey() -> None:
    """Passkeys: with one you show on the page that you are there when you approve a change."""


def add(as_json: AsJson = False) -> None:
    """Print an address at which a browser adds a passkey for you, once, within five minutes."""
    url, given = asyncio.run(_add())
    tell_address(for_passkeys(url), given, as_json=as_json)


def for_passkeys(url: str) -> str:
    """Return a server's address under which a browser keeps passkeys: it keeps none for numbers."""
    parts = urlsplit(url)
    if not is_loopback(parts.hostname or ""):
        return url
    port = f":{parts.port}" if parts.port else ""
    return parts._replace(netloc=f"localhost{port}").geturl()


def list_passkeys(as_json: AsJson = False) -> None:
    """List your passkeys."""
    _show(asyncio.run(_passkeys()), as_json)


def remove(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="As `list` shows it.")],
    as_json: AsJson = False,
) -> None:
    """Forget one of your passkeys: it proves nothing any more."""
    _show(asyncio.run(_remove(key_id)), as_json)


def _show(answer: Passkeys, as_json: bool) -> None:
    if as_json:
        say_json(answer)
        return
    rows = [
        (it["name"], it["added_at"], it["used_at"] or "", it["id"]) for it in answer["passkeys"]
    ]
    columns = ("NAME", "ADDED", "USED", "ID")
    say(table(columns, rows) if rows else "You have no passkey: `pwsh-kernels passkey add`.")


async def _add() -> tuple[str, PageCode]:
    async with connected() as client:
        return client.address.url, await client.passkey_code()


async def _passkeys() -> Passkeys:
    async with connected() as client:
        return await client.passkeys()


async def _remove(key_id: str) -> Passkeys:
    async with connected() as client:
        return await client.remove_passkey(key_id)
