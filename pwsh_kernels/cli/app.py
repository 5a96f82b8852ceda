"""The table of commands, and the one place where an error becomes a line on stderr and an exit
code.
"""

import os
import sys
from typing import Annotated

import typer

from pwsh_kernels import __version__
from pwsh_kernels.cli import (
    approvals,
    audit,
    classify,
    decision,
    doctor,
    freeze,
    information,
    lab,
    login,
    mcp,
    mcp_config,
    modules,
    modules_change,
    notebook,
    notify,
    page,
    passkey,
    principals,
    pwsh,
    run,
    runs,
    serve,
    session_console,
    sessions,
    tenants,
    tenants_change,
)
from pwsh_kernels.cli.console import (
    ExitCode,
    error_line,
    exit_code,
    note,
    prepare_streams,
    say,
    say_json,
)
from pwsh_kernels.errors import ProductError

app = typer.Typer(
    name="pwsh-kernels",
    help=(
        "Signed-in PowerShell sessions, one per tenant and module, shared by people, agents and"
        " scripts."
    ),
    no_args_is_help=True,
    invoke_without_command=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Take what stands before a command."""
    if version:
        say(f"pwsh-kernels {__version__}")
        raise typer.Exit


for _command in (
    serve.serve,
    doctor.doctor,
    login.login,
    sessions.status,
    run.run,
    classify.classify,
    runs.follow,
    sessions.sessions,
    runs.runs,
    runs.cancel,
    freeze.freeze,
    freeze.thaw,
    sessions.disconnect,
    notebook.notebook,
    page.page,
    lab.lab,
    session_console.console,
    mcp.mcp,
    mcp_config.mcp_config,
    information.settings,
):
    app.command()(_command)
app.command(cls=pwsh.Untouched)(pwsh.pwsh)

_tenants = typer.Typer(invoke_without_command=True, rich_markup_mode=None)
_tenants.callback()(tenants.tenants)
_tenants.command()(tenants.check)
_tenants.command()(tenants_change.add)
_tenants.command("import")(tenants_change.import_connections)
app.add_typer(_tenants, name="tenants")

_approvals = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
_approvals.callback()(approvals.approvals)
_approvals.command("list")(approvals.list_approvals)
_approvals.command()(approvals.show)
_approvals.command()(approvals.approve)
_approvals.command()(approvals.decline)
_approvals.command()(approvals.code)
app.add_typer(_approvals, name="approvals")

_principals = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
_principals.callback()(principals.principals)
_principals.command()(principals.add)
_principals.command("list")(principals.list_principals)
_principals.command()(principals.rotate)
_principals.command()(principals.revoke)
_principals.command("test")(decision.explain)
app.add_typer(_principals, name="principals")

_audit = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
_audit.callback()(audit.audit)
_audit.command()(audit.show)
_audit.command("verify")(audit.verify_log)
_audit.command()(audit.export)
app.add_typer(_audit, name="audit")

_passkey = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
_passkey.callback()(passkey.passkey)
_passkey.command()(passkey.add)
_passkey.command("list")(passkey.list_passkeys)
_passkey.command()(passkey.remove)
app.add_typer(_passkey, name="passkey")

_notify = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
_notify.callback()(notify.notify)
_notify.command("test")(notify.send_test)
app.add_typer(_notify, name="notify")

_modules = typer.Typer(invoke_without_command=True, rich_markup_mode=None)
_modules.callback()(information.modules)
_modules.command()(modules_change.install)
_modules.command("list")(modules.list_modules)
_modules.command()(modules_change.update)
_modules.command()(modules_change.remove)
_modules.command()(modules.verify)
app.add_typer(_modules, name="modules")


def main() -> None:
    """Run the command of the command line and leave with its exit code."""
    prepare_streams()
    try:
        app()
    except ProductError as error:
        if "--json" in sys.argv[1:]:
            say_json(
                error.to_json()
            )  # a program that reads stdout as JSON must find the refusal there
        note(f"pwsh-kernels: {error_line(error)}")
        sys.exit(exit_code(error))
    except KeyboardInterrupt:
        sys.exit(ExitCode.INTERRUPTED)
    except BrokenPipeError:
        os.dup2(
            os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno()
        )  # or the last flush would fail as well
        sys.exit(ExitCode.FAILED)
