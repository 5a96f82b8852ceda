"""The output of commands: tables, JSON, one line per error, and the exit codes."""

import json
import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from enum import IntEnum
from typing import IO, TYPE_CHECKING, Any

from pwsh_kernels.discovery import read_settings
from pwsh_kernels.errors import ProductError
from pwsh_kernels.escapes import one_line, plain_json, visible, visible_json, without_escapes

if TYPE_CHECKING:
    from pwsh_kernels.client import RestClient

CLIENT_NAME = "pwsh-kernels-cli"
"""The client name that runs show."""


class ExitCode(IntEnum):
    """Exit codes of our own commands, besides those of the commands that they run (docs/cli.md)."""

    OK = 0
    FAILED = 1
    USAGE = 2
    NOT_SIGNED_IN = 3
    UNREACHABLE = 4
    STILL_RUNNING = 5
    INTERRUPTED = 130


_CODES = {
    "bad_token_file": ExitCode.USAGE,
    "invalid_request": ExitCode.USAGE,
    "invalid_setting": ExitCode.USAGE,
    "invalid_tenant": ExitCode.USAGE,
    "unknown_tenant": ExitCode.USAGE,
    "unknown_module": ExitCode.USAGE,
    "unsupported_module": ExitCode.USAGE,
    "undecodable_script": ExitCode.USAGE,
    "unknown_sign_in_route": ExitCode.USAGE,
    "route_not_configured": ExitCode.USAGE,
    "not_signed_in": ExitCode.NOT_SIGNED_IN,
    "sign_in_pending": ExitCode.NOT_SIGNED_IN,
    "sign_in_failed": ExitCode.NOT_SIGNED_IN,
    "sign_in_expired": ExitCode.NOT_SIGNED_IN,
    "sign_in_declined": ExitCode.NOT_SIGNED_IN,
    "sign_in_cancelled": ExitCode.NOT_SIGNED_IN,
    "sign_in_blocked": ExitCode.NOT_SIGNED_IN,
    "sign_in_ended": ExitCode.NOT_SIGNED_IN,
    "sign_in_needs_person": ExitCode.NOT_SIGNED_IN,
    "sign_in_unreachable": ExitCode.NOT_SIGNED_IN,
    "too_many_sign_ins": ExitCode.NOT_SIGNED_IN,
    "wrong_account": ExitCode.NOT_SIGNED_IN,
    "wrong_tenant": ExitCode.NOT_SIGNED_IN,
    "session_lost": ExitCode.NOT_SIGNED_IN,
    "unauthorized": ExitCode.UNREACHABLE,
    "server_unreachable": ExitCode.UNREACHABLE,
    "not_our_server": ExitCode.UNREACHABLE,
    "answer_lost": ExitCode.UNREACHABLE,
}


def exit_code(error: ProductError) -> ExitCode:
    """Return the exit code of an error, by its stable code."""
    return _CODES.get(error.to_json()["code"], ExitCode.FAILED)


def error_line(error: ProductError) -> str:
    """Return what happened, and the command to run next, in one line."""
    facts = error.to_json()
    return one_line(_sentence(error, facts))


def _sentence(error: ProductError, facts: Mapping[str, object]) -> str:
    where = f"{facts.get('tenant')} {facts.get('module')}"
    run_id, reason = facts.get("run_id"), facts.get("reason")
    login = "" if facts.get("unconfigured") else f"Run `pwsh-kernels login {where}`."
    texts = {
        "not_signed_in": f"Not signed in to {where}. {reason or ''} {login}",
        "session_lost": (
            f"The PowerShell of {where} has died ({reason}), and its sign-in with it. {login}"
        ),
        "unknown_session": (
            f"There is no session for {where}. `pwsh-kernels sessions` lists the existing ones."
        ),
        "unknown_run": (
            f"There is no run {run_id}. `pwsh-kernels runs` lists those that the server remembers."
        ),
        "unknown_approval": (
            f"There is no approval {facts.get('approval')}. `pwsh-kernels approvals list --all`"
            " lists those that the server remembers."
        ),
        "unauthorized": (
            "The server refuses the token: it is unknown, has expired or was revoked, or the server"
            " cannot read its principals file (its log says so). Ask who owns the server."
        ),
        "waiting_for_input": (
            f"Run {run_id} is waiting for an answer to: {facts.get('question')!r}. Answer it with"
            f" `pwsh-kernels follow {run_id}` or stop it with `pwsh-kernels cancel {run_id}`."
        ),
        "waits_behind_question": (
            f"The command was not run: {run_id} is waiting for an answer from"
            f" {facts.get('asker')}. `pwsh-kernels follow {run_id}` shows it."
        ),
    }
    return texts.get(str(facts["code"]), error.text())


@asynccontextmanager
async def connected() -> AsyncIterator["RestClient"]:
    """Give a client of the server that is found.

    Raises ServerUnreachable, NotOurServer, InvalidSetting.
    """
    from pwsh_kernels.client import RestClient, find_server

    settings = read_settings()
    async with RestClient(
        await find_server(settings), settings.client_timeout, CLIENT_NAME
    ) as client:
        yield client


def prepare_streams() -> None:
    """Make sure that no character which a terminal cannot show ends a command with an error."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


def shows_colours(stream: IO[str]) -> bool:
    """Return whether terminal escapes belong on a stream."""
    return stream.isatty() and not os.environ.get("NO_COLOR")


def say(text: str) -> None:
    """Print a line of the result; foreign names in it are shown in full, but no terminal obeys
    them.
    """
    sys.stdout.write(f"{visible(text)}\n")
    sys.stdout.flush()


def note(text: str) -> None:
    """Print a line about the progress, separate from the result."""
    sys.stderr.write(f"{visible(text)}\n")
    sys.stderr.flush()


def say_json(value: Any, indent: int = 2) -> None:
    """Print a value as JSON that a person can read, without terminal escapes in its texts."""
    text = json.dumps(plain_json(value), indent=indent, ensure_ascii=False)
    sys.stdout.write(f"{visible_json(text)}\n")
    sys.stdout.flush()


def show(text: str, *, aside: bool = False) -> None:
    """Print a command's output, on stderr if it is `aside`, not part of the result. Of escape
    sequences only colours are kept, and only on a terminal.
    """
    stream = sys.stderr if aside else sys.stdout
    stream.write(f"{without_escapes(text, colours=shows_colours(stream))}\n")
    stream.flush()


def table(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return rows under headings, in columns as wide as their longest text."""
    texts = [list(headings), *([_cell(one) for one in row] for row in rows)]
    widths = [max(len(row[column]) for row in texts) for column in range(len(headings))]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
        for row in texts
    )


def _cell(value: object) -> str:
    return "-" if value is None or value == "" else one_line(str(value))
