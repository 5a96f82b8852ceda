"""Parameters of papermill as PowerShell assignments. papermill loads it when `papermill` is
imported (entry point below).
"""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from papermill.engines import NBClientEngine
from papermill.models import Parameter
from papermill.translators import Translator, papermill_translators

NAMES = ("pwsh", ".net-powershell", "powershell", "PowerShell")
"""papermill looks translators up by the kernel's name, then by the language as the notebook writes
it: ours is `powershell`, that of .NET Interactive's notebooks `PowerShell` or `pwsh`. papermill's
own for `.net-powershell` writes texts that PowerShell expands.
"""
_QUOTES = re.compile("(['\u2018\u2019\u201a\u201b])")
"""The characters that PowerShell treats as a single quote."""
_PLAIN_NAME = re.compile(r"\w+")
_ASSIGNMENT = re.compile(
    r"^\s*(?:\[(?P<type>[\w.\[\]]+)\]\s*)?\$(?P<name>\w+)\s*=\s*(?P<value>[^#]+?)\s*(?:#\s*(?P<help>.*))?$"
)
_LARGEST_INT64 = 2**63


class PowerShellTranslator(Translator):
    """Values become literals: no text of a parameter is ever expanded or run."""

    @classmethod
    def translate_escaped_str(cls, str_val: Any) -> str:
        """Return a single-quoted string."""
        return "'" + _QUOTES.sub(r"\1\1", str(str_val)) + "'"

    @classmethod
    def translate_none(cls, val: None) -> str:  # noqa: ARG003 - papermill's signature
        return "$null"

    @classmethod
    def translate_bool(cls, val: bool) -> str:
        return "$true" if val else "$false"

    @classmethod
    def translate_int(cls, val: int) -> str:
        """Return a number, a BigInteger where PowerShell would lose digits."""
        return str(val) if -_LARGEST_INT64 < val < _LARGEST_INT64 else f"[bigint]::Parse('{val}')"

    @classmethod
    def translate_float(cls, val: float) -> str:
        if math.isfinite(val):
            return repr(val)
        return (
            "[double]::NaN"
            if math.isnan(val)
            else f"[double]::{'Positive' if val > 0 else 'Negative'}Infinity"
        )

    @classmethod
    def translate_list(cls, val: Sequence[Any]) -> str:
        """Return an array; one that holds a single array keeps it as such."""
        nested = ", " if len(val) == 1 and isinstance(val[0], list | tuple) else ""
        return f"@({nested}{', '.join(cls.translate(one) for one in val)})"

    @classmethod
    def translate_tuple(cls, val: Sequence[Any]) -> str:
        return cls.translate_list(val)

    @classmethod
    def translate_dict(cls, val: Mapping[str, Any]) -> str:
        """Return a hashtable that keeps the order."""
        pairs = "; ".join(
            f"{cls.translate_escaped_str(name)} = {cls.translate(one)}" for name, one in val.items()
        )
        return f"[ordered]@{{{pairs}}}"

    @classmethod
    def comment(cls, cmt_str: str) -> str:
        return f"# {cmt_str}".strip()

    @classmethod
    def assign(cls, name: str, str_val: str) -> str:
        return f"${name} = {str_val}" if _PLAIN_NAME.fullmatch(name) else f"${{{name}}} = {str_val}"

    @classmethod
    def inspect(cls, parameters_cell: Any) -> list[Parameter]:
        """Return the parameters that a cell declares, one in a line: `[int]$Days = 30  # how far
        back`.
        """
        found = [_ASSIGNMENT.match(line) for line in parameters_cell["source"].splitlines()]
        return [
            Parameter(one["name"], one["type"] or "None", one["value"], one["help"] or "")
            for one in found
            if one
        ]


def __getattr__(name: str) -> Any:
    """Give papermill an engine, and register the translator while it asks.

    papermill 2.7 has entry points only for engines, loads them when it is imported, and has no
    other extension point.
    """
    if name != "Engine":
        raise AttributeError(name)
    for one in NAMES:
        papermill_translators.register(one, PowerShellTranslator)
    return NBClientEngine
