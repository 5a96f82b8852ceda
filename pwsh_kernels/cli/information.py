"""`pwsh-kernels settings` and `modules`: the settings and the services."""

import asyncio
from dataclasses import asdict

import typer

from pwsh_kernels.cli.console import (
    ExitCode,
    connected,
    error_line,
    note,
    say,
    say_json,
    table,
)
from pwsh_kernels.cli.sessions import AsJson
from pwsh_kernels.discovery import read_settings
from pwsh_kernels.errors import BadTokenFile, InvalidSetting
from pwsh_kernels.settings import Settings, setting_rows
from pwsh_kernels.shapes import Module, Modules


def settings(as_json: AsJson = False) -> None:
    """List every setting.

    Each is an environment variable. Shows the value in force, the default, unit and meaning.
    """
    problem = None
    try:
        values = values_in_force(read_settings())
    except (BadTokenFile, InvalidSetting) as error:
        problem, values = error, [row.default for row in setting_rows()]
    rows = [
        {"setting": row.env, "value": value, **asdict(row)}
        for row, value in zip(setting_rows(), values, strict=True)
    ]
    if as_json:
        say_json([{name: value for name, value in row.items() if name != "env"} for row in rows])
    else:
        columns = ("setting", "value", "default", "unit", "text")
        headings = ("SETTING", "VALUE", "DEFAULT", "UNIT", "MEANING")
        say(table(headings, [[row[name] for name in columns] for row in rows]))
    if problem:
        note(f"pwsh-kernels: {error_line(problem)} The values shown are the defaults.")
        raise typer.Exit(ExitCode.USAGE)


def values_in_force(given: Settings) -> list[str]:
    """Return the values in the order of `setting_rows`; the token is never shown."""
    return [_shown(name, getattr(given, name)) for name in Settings.model_fields]


def _shown(name: str, value: object) -> str:
    if name == "token":
        return "(set)" if value else ""
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return ",".join(f"{one}={meaning}" for one, meaning in value.items())
    return (
        ",".join(map(str, value))
        if isinstance(value, tuple)
        else ("" if value is None else str(value))
    )


def modules(context: typer.Context, as_json: AsJson = False) -> None:
    """List the services; install, list, update, remove and verify PowerShell modules.

    Without a command it lists the services as the server knows them.
    """
    if context.invoked_subcommand:
        return
    answer = asyncio.run(_modules())
    if as_json:
        say_json(answer)
        return
    details = answer["details"].items()
    rows = [
        (key, facts["name"], facts["minimum_version"], facts["installed"], routes(facts))
        for key, facts in details
    ]
    say(table(("MODULE", "POWERSHELL MODULE", "FROM", "INSTALLED", "SIGN-IN ROUTES"), rows))
    if missing := [key for key, facts in details if facts["installed"] == ""]:
        say(
            f"Not installed: {', '.join(missing)} (sandbox tenants need nothing)."
            f" `pwsh-kernels modules install {missing[0]}` installs the first."
        )
    for key, other in answer["unsupported"].items():
        say(f"{key} is not supported: {other['reason']} {other['instead']}")
    for problem in answer["broken"]:
        note(f"pwsh-kernels: {problem}")


def routes(facts: Module) -> str:
    """Return the names of a module's sign-in routes, the default first."""
    return ", ".join(one["name"] for one in facts["routes"])


async def _modules() -> Modules:
    async with connected() as client:
        return await client.modules()
