"""Commands that need a screen, a keyboard, a terminal or Windows, and what to use in a session
instead.

Pure.
"""

import re
from typing import NamedTuple

from pwsh_kernels.records import Record

MISSING_COMMAND = "CommandNotFoundException"
TEXT_CHARS = 2_000
"""Characters of an error's message that are looked at."""

NEEDS_SCREEN = {
    "out-gridview": (
        "opens a window, and there is no screen here: output the objects (a notebook shows them as"
        " a table) and choose among them with Where-Object."
    ),
    "show-command": (
        "opens a window, and there is no screen here: Get-Command NAME -Syntax shows the"
        " parameters."
    ),
    "out-printer": "needs a Windows printer: Out-File writes a file.",
    "show-eventlog": "opens a Windows window, and there is no screen here.",
    "show-controlpanelitem": "opens a Windows window, and there is no screen here.",
}
"""Commands (in lower case) that PowerShell for Linux does not have, and why."""
ALIASES = {
    "ogv": "out-gridview",
    "shcm": "show-command",
    "lp": "out-printer",
    "gsv": "get-service",
    "gwmi": "get-wmiobject",
}
WINDOWS_ONLY = {
    "get-service": " `systemctl` lists services.",
    "start-service": "",
    "stop-service": "",
    "restart-service": "",
    "set-service": "",
    "new-service": "",
    "get-eventlog": " `journalctl` shows the log.",
    "get-winevent": " `journalctl` shows the log.",
    "get-wmiobject": "",
    "invoke-wmimethod": "",
    "get-ciminstance": "",
    "invoke-cimmethod": "",
    "get-computerinfo": " $PSVersionTable.OS and `uname -a` describe the system.",
    "get-hotfix": "",
    "get-counter": "",
    "get-acl": " `stat` and `getfacl` show permissions.",
    "set-acl": " `chmod` and `setfacl` set permissions.",
    "get-scheduledtask": "",
    "rename-computer": "",
    "add-computer": "",
}
"""Commands of PowerShell for Windows, and what there is instead."""


class _Sign(NamedTuple):
    """`pattern` is looked for in an error's id and message, with a space between."""

    pattern: re.Pattern[str]
    sentence: str


def _sign(pattern: str, sentence: str) -> _Sign:
    return _Sign(re.compile(pattern, re.IGNORECASE), sentence)


SIGNS = (
    _sign(
        r"no keyboard and no screen buffer|Cannot read keys when|Cannot see if a key has been"
        r" pressed",
        "There is no keyboard here: Read-Host asks for a line.",
    ),
    _sign(
        r"EnterNestedPrompt is not implemented",
        "There is no prompt within a command here: Read-Host asks for a line.",
    ),
    _sign(
        r"ErrorLaunchingDefaultApplication|ParameterNotValidInRemoteRunspace|\bparameter name"
        r" '(?:Online|UseBrowser)'",
        "There is no browser here: leave out the parameter that opens one.",
    ),
    _sign(r"\bparameter name 'ShowWindow'", "There is no screen here: leave out -ShowWindow."),
    _sign(
        r"\bparameter name 'ComObject'",
        "COM is a part of Windows, and this PowerShell runs on Linux.",
    ),
    _sign(
        r"(?:System\.Windows\.Forms|PresentationFramework|PresentationCore)\b",
        "There is no screen here, and no Windows Forms or WPF: output text or objects.",
    ),
    _sign(
        r"HostFunctionNotImplemented",
        "Nobody can be asked from a thread job or -Parallel: ask first, and pass the answer on"
        " with $using:.",
    ),
)
NATIVE_SIGN = re.compile(
    r"not (?:to|from) a terminal|(?:not|isn't) a (?:tty|terminal)|failed tty get|(?:open|opening)"
    r" terminal"
    r"|(?:run|connected) (?:from|in|to) a terminal|inappropriate ioctl for device|no tty present",
    re.IGNORECASE,
)
NO_TERMINAL = (
    "The program wants a terminal, and there is none here: use another one, or an option that needs"
    " none. If it keeps running, stop it."
)

FULL_SCREEN = re.compile(r"\bVim: Warning: (?:In|Out)put is not|\x1b\[\?1049h")
"""Output of programs that fill a screen and wait for keys that nobody can press; the second is for
terminals.
"""
WAITED = (
    "{} was waiting for input from a terminal. There is none here, so it got SIGHUP. Use another"
    " program, or an option that needs no terminal."
)
HUNG_UP = "A program that fills a screen got SIGHUP, because there is no screen."


def screen_advice(record: Record) -> str:
    """Return what to use instead of something that needs a screen or Windows; "" for any other
    error.
    """
    text = f"{record.error_id} {record.message[:TEXT_CHARS]}"
    if record.native:
        return NO_TERMINAL if NATIVE_SIGN.search(text) else ""
    if record.error_id.startswith(MISSING_COMMAND) or record.exception_type.endswith(
        MISSING_COMMAND
    ):
        return _missing(record.target)
    return next((sign.sentence for sign in SIGNS if sign.pattern.search(text)), "")


def _missing(target: str) -> str:
    name = target.rpartition("\\")[2]
    key = ALIASES.get(name.lower(), name.lower())
    if key in NEEDS_SCREEN:
        return f"{name} {NEEDS_SCREEN[key]}"
    if key in WINDOWS_ONLY:
        return (
            f"{name} is in PowerShell for Windows only, and this one runs on"
            f" Linux.{WINDOWS_ONLY[key]}"
        )
    return ""
