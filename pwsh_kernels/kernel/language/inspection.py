"""The thing at the cursor: a command, parameter, variable, member or type.

Pure: parameters and answer of scripts/inspection.ps1.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from pwsh_kernels.kernel.language.completion import utf16_units


def parameters(code: str, cursor: int, detail: int) -> Mapping[str, object]:
    """Return the script's parameters; `cursor` counts code points."""
    values = {"Code": code, "Cursor": utf16_units(code, cursor), "Detail": detail}
    return {f"PwshKernels{name}": value for name, value in values.items()}


def not_found() -> dict[str, Any]:
    """Return the content of an inspect_reply without a result."""
    return {"status": "ok", "found": False, "data": {}, "metadata": {}}


def answer(output: Sequence[Any]) -> dict[str, Any]:
    """Return the content of an inspect_reply from the script's output."""
    if not output:
        return not_found()
    kind, title, *details = (str(text) for text in output)
    return {
        "status": "ok",
        "found": True,
        "data": {"text/plain": _text(kind, title, details)},
        "metadata": {},
    }


def _text(kind: str, title: str, details: Sequence[str]) -> str:
    if kind == "variable":
        return f"{title} [{details[0]}]"
    if kind == "command":
        return _command_text(title, details)
    return "\n".join(part for part in (title, *details) if part)


def _command_text(title: str, details: Sequence[str]) -> str:
    """Return title, help and syntax.

    Get-Help repeats the syntax as synopsis when a command has no help: shown once.
    """
    syntax, *rest = details
    parts = [
        title,
        *(help_text for help_text in rest if help_text and help_text.split() != syntax.split()),
        syntax,
    ]
    return "\n\n".join(part for part in parts if part)
