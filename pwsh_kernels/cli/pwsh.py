"""`pwsh-kernels pwsh`: an ordinary PowerShell at the terminal, the same program and modules as
sessions have.
"""

import os
import sys

import typer
from typer.core import TyperCommand

from pwsh_kernels.discovery import read_settings


class Untouched(TyperCommand):
    """A command that takes no option itself, not even --help: all are PowerShell's."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        """Keep every argument as it is."""
        ctx.args = list(args)
        return []


def pwsh(context: typer.Context) -> None:
    """Start PowerShell in the terminal, to try something outside a session.

    It is the same program with the same modules as in sessions. All arguments and the exit code are
    PowerShell's.
    """
    from pwsh_kernels.modules.links import link_for_process

    settings = read_settings()
    modules = link_for_process(settings.data_dir.absolute(), os.getpid())  # PowerShell's id, too
    machine = "on" if settings.machine_modules else "off"
    program = [sys.executable, "-m", "pwsh_kernels.powershell.host.interactive"]
    program += [str(modules), machine]
    os.execv(sys.executable, [*program, *context.args])  # noqa: S606 - no shell is wanted
