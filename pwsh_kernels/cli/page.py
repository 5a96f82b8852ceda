"""`pwsh-kernels page`: an address that signs a browser in to the server's page, once."""

import asyncio

from pwsh_kernels.cli.console import connected, note, say, say_json
from pwsh_kernels.cli.sessions import AsJson
from pwsh_kernels.cli.times import local_clock
from pwsh_kernels.shapes import PageCode


def page(as_json: AsJson = False) -> None:
    """Print the address of the server's page for people, with a code that signs a browser in.

    The code works once, for five minutes, and only for whoever asked for it. The token stays here.
    """
    url, given = asyncio.run(_page())
    tell_address(url, given, as_json=as_json)


def tell_address(url: str, given: PageCode, *, as_json: bool) -> None:
    """Print the address of a server's page that takes a code."""
    address = f"{url}{given['path']}"
    if as_json:
        say_json({**given, "url": address})
        return
    note(f"Open this address in a web browser before {local_clock(given['expires_at'])}:")
    say(address)


async def _page() -> tuple[str, PageCode]:
    async with connected() as client:
        return client.address.url, await client.page_code()
