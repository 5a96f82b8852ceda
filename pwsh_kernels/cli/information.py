"""`pwsh-kernels settings` and `modules`: what can be set, and which services there are."""

import asyncio
from dataclasses import asdict

from pwsh_kernels.cli.console import Json, connected, say, say_json, table
from pwsh_kernels.cli.sessions import AsJson
from pwsh_kernels.settings import setting_rows


def settings(as_json: AsJson = False) -> None:
    """List every setting.

    Each is an environment variable, with its default, unit and meaning.
    """
    rows = setting_rows()
    if as_json:
        say_json([asdict(row) for row in rows])
        return
    say(table(("SETTING", "DEFAULT", "UNIT", "MEANING"), [(row.env, row.default, row.unit, row.text) for row in rows]))


def modules(as_json: AsJson = False) -> None:
    """List the services."""
    answer = asyncio.run(_modules())
    if as_json:
        say_json(answer)
        return
    rows = [(key, facts["name"], facts.get("purpose")) for key, facts in answer["details"].items()]
    say(table(("MODULE", "POWERSHELL MODULE", "PURPOSE"), rows))


async def _modules() -> Json:
    async with connected() as client:
        return await client.modules()
