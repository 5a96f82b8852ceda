"""What the wall of the read tier lets through: the commands that a session shows, and a text as the
commands and parameters that carry it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from pwsh_kernels.errors import InvalidRequest

CallKind = Literal["command", "blocks", "request", "expression"]
KINDS: tuple[CallKind, ...] = get_args(CallKind)
Node = Sequence[Any]
"""A piece of an expression: its kind, what it is made of, and earlier nodes by their number."""
FIELD = "carried"
MOST_STEPS = 100
ENGINE = (
    *("Compare-Object", "ConvertFrom-Csv", "ConvertFrom-Json", "ConvertFrom-StringData"),
    *("ConvertTo-Csv", "ConvertTo-Html", "ConvertTo-Json", "ConvertTo-Xml", "Format-Custom"),
    *("Format-List", "Format-Table", "Format-Wide", "Get-Culture", "Get-Date", "Get-Member"),
    *("Get-Random", "Get-SecureRandom", "Get-TimeZone", "Get-UICulture", "Get-Unique"),
    *("Get-Uptime", "Get-Verb", "Group-Object", "Measure-Object", "New-Guid", "New-TimeSpan"),
    *("Out-Null", "Out-String", "Select-Object", "Sort-Object", "Start-Sleep", "Where-Object"),
    *("Write-Debug", "Write-Error", "Write-Host", "Write-Information", "Write-Output"),
    *("Write-Progress", "Write-Verbose", "Write-Warning"),
)
"""PowerShell's own commands that a session of the read tier shows: none that takes a path, a script
block that is not an expression, or the name of a method.
"""
BLOCKS = (
    *("Where-Object", "ForEach-Object", "Select-Object", "Sort-Object", "Group-Object"),
    *("Measure-Object", "Format-Table", "Format-List", "Format-Wide", "Format-Custom"),
)
"""Those that take blocks, which a trusted function makes of expressions (reading.ps1)."""
OURS = "pwshkernels."
"""How the names of our own commands in a session begin: nobody else calls them."""


@dataclass(frozen=True, slots=True)
class Shown:
    """The commands that a session shows, as regular expressions, and those of PowerShell's own."""

    shown: str
    hidden: str
    requests: str
    """Those that send a request with a method: they are called with GET."""
    engine: tuple[str, ...]

    def text(self) -> str:
        """Return them as an environment variable says them."""
        return json.dumps(asdict(self))

    @classmethod
    def read(cls, text: str) -> "Shown | None":
        """Return what a variable says; None: the session is no reader's."""
        if not text:
            return None
        facts = json.loads(text)
        shown, hidden, requests = (str(facts[one]) for one in ("shown", "hidden", "requests"))
        return cls(shown, hidden, requests, tuple(map(str, facts["engine"])))


@dataclass(frozen=True, slots=True)
class Argument:
    """`name` is a parameter as it is written, `-All` or `-All:`; its value, or one without a name,
    is the next argument, as the engine reads them. `nodes`: how a value is worked out.
    """

    name: str = ""
    value: Any = None
    nodes: tuple[Node, ...] = ()


@dataclass(frozen=True, slots=True)
class Call:
    """One element of a pipeline: a command; one whose blocks are expressions; one that sends a
    request; or an expression.
    """

    kind: CallKind
    command: str = ""
    arguments: tuple[Argument, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """One pipeline. `into`: the name under which its result is held; "": it is output. `each`: the
    held result for each object of which it runs; "": it runs once.
    """

    calls: tuple[Call, ...]
    into: str = ""
    each: str = ""


@dataclass(frozen=True, slots=True)
class Carried:
    """A text as pipelines, one after the other."""

    steps: tuple[Step, ...]

    @property
    def commands(self) -> tuple[str, ...]:
        """Return the names of all commands, each once."""
        names = (call.command for step in self.steps for call in step.calls if call.command)
        return tuple(dict.fromkeys(names))

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)


def read_carried(facts: Any) -> Carried:
    """Return what `Carried.to_json` described. Raises InvalidRequest."""
    try:
        steps = tuple(_step(one) for one in facts["steps"])
    except (KeyError, TypeError, ValueError, AttributeError):
        raise InvalidRequest(FIELD, "must describe pipelines of commands") from None
    if not 0 < len(steps) <= MOST_STEPS:
        raise InvalidRequest(FIELD, f"must have 1 to {MOST_STEPS} steps")
    return Carried(steps)


def _step(facts: Mapping[str, Any]) -> Step:
    calls = tuple(_call(one) for one in facts["calls"])
    if not calls:
        raise ValueError("no calls")
    return Step(calls, str(facts["into"]), str(facts["each"]))


def _call(facts: Mapping[str, Any]) -> Call:
    kind, command = facts["kind"], str(facts["command"])
    if kind not in KINDS or command.lower().startswith(OURS):
        raise ValueError(kind)
    if bool(command) is (kind == "expression"):
        raise ValueError(command)
    arguments = tuple(
        Argument(str(one["name"]), one["value"], tuple(map(tuple, one["nodes"])))
        for one in facts["arguments"]
    )
    return Call(kind, command, arguments)
