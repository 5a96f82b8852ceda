"""What to do about an error of a command: a sentence, and one word that a program can act on.

Pure.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from pwsh_kernels.catalog import CommandIndex, Explanation, Home, Module, Unsupported, explain
from pwsh_kernels.records import Record
from pwsh_kernels.screens import MISSING_COMMAND, screen_advice
from pwsh_kernels.shapes import Action

NAME_CHARS = 100
"""Longest text that is looked up as a command: anything longer is not a name."""
TEXT_CHARS = 4_000
"""Characters of an error's message that are looked at."""
SIGN_IN_CODES = frozenset(
    {
        "AADSTS65004",
        "AADSTS70018",
        "AADSTS70019",
        "AADSTS70020",
        "AADSTS90120",
        "graph_code_timeout",
    }
)
"""Explained errors that a new sign-in resolves, besides those that mean an ended sign-in."""
_PAUSE = re.compile(
    r"retry[- ]after\D{0,5}(\d{1,5})|(?:try again|retry) (?:in|after) (\d{1,5}) (?:second|s\b)",
    re.IGNORECASE,
)
_COMMAND = re.compile(r"[A-Za-z]+-\w+")
_BESIDE = re.compile(
    r"(?<![\w-])(?:-Parallel|-AsJob|(?:Start|Receive)-Job|Start-ThreadJob|sajb|rcjb)(?![\w-])"
    r"|(?<!&)&\s*$",
    re.IGNORECASE | re.MULTILINE,
)
"""The parts of a script that run in another runspace or process, without a connection of its
own."""
NOT_SIMULATED = "The sandbox does not simulate {} (docs/sandbox.md)."


@dataclass(frozen=True, slots=True)
class Advice:
    """What to do about an error; both are empty when nothing is known."""

    suggestion: str = ""
    action: Action = ""


@dataclass(frozen=True, slots=True)
class _Rule:
    """`pattern` is searched for in the error id, category and message, joined in this order with
    spaces.
    """

    pattern: re.Pattern[str]
    action: Action
    suggestion: str


def _rule(pattern: str, action: Action, suggestion: str) -> _Rule:
    return _Rule(re.compile(pattern, re.IGNORECASE), action, suggestion)


RULES = (
    _rule(
        r"\b429\b|too ?many ?requests|throttl|server ?busy|micro delay|activitylimit|\bquota for"
        r" requests",
        "retry",
        "The service is throttling: wait {pause} s, then repeat the command for fewer objects or"
        " with pauses.",
    ),
    _rule(
        r"specified file length was too large|\bfile too large\b",
        "fix_command",
        "The file would be larger than a session's files may be: the limit is"
        " PWSH_MANAGER_SESSION_FILE_SIZE_MB of the server. Write several smaller files.",
    ),
    _rule(
        r"too many open files",
        "fix_command",
        "The session has as many files and connections open as it may: the limit is"
        " PWSH_MANAGER_SESSION_OPEN_FILES of the server. Close those that are no longer needed.",
    ),
    _rule(
        r"access to the path '.*' is denied|read-only file system",
        "fix_command",
        "The session may not read or write this path on its machine: write to its working folder,"
        " where it started.",
    ),
    _rule(
        r"/\.dotnet/shm|/\.dotnet\.\w+\"\)",
        "fix_command",
        "A named mutex cannot be had: a session may not share memory with others. Use a name"
        " without Global\\, or no name (docs/places.md, Confinement).",
    ),
    _rule(
        r"permission denied (?:\[\S*\]:\d|\(\S+:\d+\))"
        r"|^WebCmdletWebResponseException.* permission denied",
        "ask_person",
        "The session may not connect to this port: an administrator allows ports besides 443 with"
        " PWSH_MANAGER_CONFINE_PORTS.",
    ),
    _rule(
        r"calling .(?:Start|Bind|Listen). .*permission denied",
        "do_not_retry",
        "No session may listen on a port.",
    ),
    _rule(
        r"access(?: to \S+)? (?:is |was )?denied|accessdenied|\b403\b|forbidden|insufficient"
        r" (?:privilege|permission|access)"
        r"|permissiondenied|unauthorizedaccess|not authorized|within (?:a|the) (?:write"
        r" )?scope|management role",
        "ask_person",
        "The signed-in account may not do this: ask the person for the role or permission, or for"
        " another account.",
    ),
    _rule(
        r"already exists|alreadyexist|already (?:being )?(?:used|in use|assigned|a"
        r" member)|resourceexists|proxyaddressexists"
        r"|conflictingobjects|MemberAlreadyExists",
        "fix_command",
        "It exists already: look at it with the Get command, then change that one or use another"
        " name.",
    ),
    _rule(
        r"NamedParameterNotFound|AmbiguousParameter|PositionalParameterNotFound|MissingMandatoryParameter|MissingArgument"
        r"|ParameterArgument|AmbiguousParameterSet|CannotConvertArgument|ParameterBinding",
        "fix_command",
        "Check the parameters: Get-Command {command} -Syntax shows them.",
    ),
    _rule(
        r"ParserError|ParseException|UnexpectedToken|MissingEndCurlyBrace|TerminatorExpected",
        "fix_command",
        "The script is not valid PowerShell: correct it at the line and column shown;"
        " none of it was run.",
    ),
    _rule(
        r"^(?:Path|Drive)NotFound\b|^FileOpenFail|cannot find (?:path|drive) '"
        r"|could not find (?:a part of the path|file) '|no such file or directory",
        "fix_command",
        "There is nothing at this path on the machine that the session runs on, which does not have"
        " the caller's files; relative paths start at Get-Location. Get-ChildItem shows what is"
        " there.",
    ),
    _rule(
        r"Modules_ModuleNotFound|no valid module file was found",
        "ask_person",
        "No such module is installed for this session: Get-Module -ListAvailable lists those that"
        " are. An administrator adds one with `pwsh-kernels modules install NAME`, for new"
        " sessions.",
    ),
    _rule(
        r"could not load file or assembly",
        "ask_person",
        "A library of a module is missing, or another module has loaded another version of it: use"
        " a separate session for this module, or ask who installs modules here.",
    ),
    _rule(
        r"^(?:MethodNotFound|MethodCountCouldNotFindBest|\w*PropertyNotFound)",
        "fix_command",
        "The object has no such property or method, or not with these values: Get-Member shows what"
        " it has.",
    ),
    _rule(
        r"^TypeNotFound|(?:cannot|unable to) find type \[",
        "fix_command",
        "No such .NET type is loaded: correct its full name, or import the module that has it.",
    ),
    _rule(
        r"could ?n[o']t be found|cannot find|was not found|wasn't found|not ?found|does not"
        r" exist|doesn't exist"
        r"|no \w+ (?:was|were) found|objectnotfound|\b404\b",
        "fix_command",
        "Nothing has that name: list what there is with the Get command, without the name or with a"
        " filter.",
    ),
    _rule(
        r"timed? ?out|temporar(?:y|ily)|service ?unavailable|gateway|\b50[234]\b"
        r"|connection (?:was )?(?:closed|reset)|could not be resolved|try again later|transient",
        "retry",
        "This may be temporary: wait {pause} s, then repeat the command once.",
    ),
    _rule(
        r"PlatformNotSupported|not supported on this platform|only supported on Windows",
        "do_not_retry",
        "It does not work on Linux.",
    ),
)
PAUSE_S = 30
"""The wait to advise when the service names none."""


class Advisor:
    """Advises on errors of commands, with what the catalog knows of commands and services."""

    def __init__(self, index: CommandIndex) -> None:
        self._index = index
        self._on_missing: Callable[[str, str, bool, bool], Advice] = lru_cache(256)(self._missing)

    def advise(
        self, module_key: str, record: Record, *, script: str = "", simulated: bool = False
    ) -> Advice:
        """Return what to do about an error in a session of a module.

        `script`: what ran; `simulated`: in a tenant of the sandbox.
        """
        if on_screen := screen_advice(record):
            return Advice(on_screen, "fix_command")
        if record.exception_type.endswith(MISSING_COMMAND) or record.error_id.startswith(
            MISSING_COMMAND
        ):
            name = record.target.rpartition("\\")[2]
            beside = runs_beside(script)
            known = len(name) <= NAME_CHARS
            return self._on_missing(name, module_key, beside, simulated) if known else Advice()
        causes = " ".join(record.causes)[:TEXT_CHARS]
        text = (
            f"{record.error_id} {record.category} {record.message[:TEXT_CHARS]} {causes}".rstrip()
        )
        elsewhere = self._elsewhere(module_key, text, record.command)
        if elsewhere:
            return elsewhere
        explained = explain(f"{record.error_id} {record.message[:TEXT_CHARS]} {causes}")
        if explained:
            return _of_explanation(explained)
        module = self._index.catalog.modules.get(module_key)
        if module and _ended(module, text):
            return Advice(
                "The service no longer accepts the sign-in: sign in again, then repeat the"
                " command.",
                "sign_in",
            )
        return _by_rule(text, record)

    def _elsewhere(self, own: str, text: str, command: str) -> Advice | None:
        """Return which service a command belongs to if it is another one, to which nobody is signed
        in here.
        """
        home = self._index.home(command, own) if len(command) <= NAME_CHARS else None
        if (
            home is None
            or home.module.key == own
            or not isinstance(home.module, Module)
            or not _ended(home.module, text)
        ):
            return None
        return _at_home(command, home, own)

    def _missing(self, name: str, own: str, beside: bool, simulated: bool) -> Advice:
        home = self._index.home(name, own)
        if home and home.by == "name" and isinstance(home.module, Module):
            if beside and home.module.key == own:
                return no_connection(home.module)
            if simulated and home.module.key == own:
                return Advice(NOT_SIMULATED.format(name), "fix_command")
        if home and (home.by != "pattern" or home.module.key != own):
            return _at_home(name, home, own)
        nearest = self._index.nearest(name, own)
        if nearest:
            meant = " or ".join(
                one if key == own else f"{one} (module {key})" for one, key in nearest
            )
            return Advice(f"{name} is not known. Did you mean {meant}?", "fix_command")
        if home and isinstance(home.module, Module):
            said = NOT_SIMULATED.format(name) if simulated else _not_there(name, home.module)
            return Advice(said, "fix_command")
        return Advice("", "fix_command")


def runs_beside(script: str) -> bool:
    """Return whether a script starts parallel runspaces or jobs, or receives their results."""
    return _BESIDE.search(script) is not None


def no_connection(module: Module) -> Advice:
    """Return what to do about a command that needs a connection where there is none."""
    return Advice(
        f"A parallel runspace (a job) has no {module.title} connection: use ForEach-Object without"
        " -Parallel.",
        "fix_command",
    )


def lacks_connection(module: Module, record: Record) -> bool:
    """Return whether an error says in the module's own words that nobody is connected."""
    return _ended(module, record.said)


def _at_home(name: str, home: Home, own: str) -> Advice:
    """Return what to do about a command that belongs to a service."""
    module = home.module
    if isinstance(module, Unsupported):
        said = (
            f"{name} belongs to {module.title}, which cannot be reached from here: {module.reason}"
            f" {module.instead}"
        )
        return Advice(said, "do_not_retry")
    where = "" if module.key == own else f" in module {module.key} ({module.title})"
    if home.by == "retired":
        return Advice(
            f"{name} is retired or not available here; use {home.instead}{where}.", "fix_command"
        )
    if module.key == own:
        return Advice(_not_there(name, module), "ask_person")
    return Advice(
        f"{name} belongs to module {module.key} ({module.title}): call with module {module.key}.",
        "fix_command",
    )


def _ended(module: Module, text: str) -> bool:
    return any(one.search(text) for one in module.ended)


def _not_there(name: str, module: Module) -> str:
    return (
        f"{name} belongs to this session's service, {module.title}, and is not there: nobody is"
        " signed in, the signed-in account's roles do not have it, or the PowerShell module with"
        f" it is not installed (`{module.install}`, or the module's own name)."
    )


def _of_explanation(found: Explanation) -> Advice:
    action: Action = "sign_in" if found.code in SIGN_IN_CODES else "ask_person"
    if found.ends_sign_in and not found.blocks_route:
        action = "sign_in"
    return Advice(f"{found.sentence} {found.remedy} ({found.code})", action)


def _by_rule(text: str, record: Record) -> Advice:
    rule = next((one for one in RULES if one.pattern.search(text)), None)
    if rule is None:
        return Advice()
    pause = _PAUSE.search(text)
    seconds = (pause[1] or pause[2]) if pause else str(PAUSE_S)
    command = record.command if _COMMAND.fullmatch(record.command) else "NAME"
    return Advice(
        rule.suggestion.replace("{pause}", seconds).replace("{command}", command), rule.action
    )
