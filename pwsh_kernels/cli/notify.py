"""`pwsh-kernels notify test`: whether people are told of approvals that wait."""

import asyncio

import typer

from pwsh_kernels.cli.console import ExitCode, connected, say, say_json
from pwsh_kernels.cli.sessions import AsJson
from pwsh_kernels.shapes import NotificationTest


def notify() -> None:
    """Tell people of approvals that wait: by a webhook, by mail."""


def send_test(as_json: AsJson = False) -> None:
    """Send a test by every channel that the server's settings name."""
    answer = asyncio.run(_send_test())
    if as_json:
        say_json(answer)
    else:
        for one in answer["channels"]:
            say(f"{one['channel']}: {'sent' if one['sent'] else one['problem']}")
    if not all(one["sent"] for one in answer["channels"]):
        raise typer.Exit(ExitCode.FAILED)


async def _send_test() -> NotificationTest:
    async with connected() as client:
        return await client.try_notifications()
