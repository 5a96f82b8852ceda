"""The table of commands, and the one place where an error becomes a line on stderr and an exit code."""

import os
import sys

import typer

from pwsh_kernels.cli import doctor, information, login, run, runs, serve, sessions
from pwsh_kernels.cli.console import ExitCode, error_line, exit_code, prepare_streams
from pwsh_kernels.errors import ProductError

app = typer.Typer(
    name="pwsh-kernels",
    help="Signed-in PowerShell sessions, one per tenant and module, shared by people, agents and scripts.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for _command in (
    serve.serve,
    doctor.doctor,
    login.login,
    sessions.status,
    run.run,
    runs.follow,
    sessions.sessions,
    runs.runs,
    runs.cancel,
    sessions.disconnect,
    information.modules,
    information.settings,
):
    app.command()(_command)


def main() -> None:
    """Run the command of the command line and leave with its exit code."""
    prepare_streams()
    try:
        app()
    except ProductError as error:
        sys.stderr.write(f"pwsh-kernels: {error_line(error)}\n")
        sys.exit(exit_code(error))
    except KeyboardInterrupt:
        sys.exit(ExitCode.INTERRUPTED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the last flush would fail as well
        sys.exit(ExitCode.FAILED)
