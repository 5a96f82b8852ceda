"""Values and bound parameters written as PowerShell, so that a run can be repeated by hand.

Pure.
"""

from collections.abc import Mapping
from typing import Any

SECRET = "$secret"  # noqa: S105 - the name of a JSON field


def literal(value: Any) -> str:
    """Return a JSON value as a PowerShell expression; a bound secret becomes the question
    for it.
    """
    match value:
        case None | bool():
            return {None: "$null", True: "$true", False: "$false"}[value]
        case int() | float():
            return str(value)
        case str():
            return quoted(value)
        case Mapping() if SECRET in value:
            return "(Read-Host -AsSecureString 'Secret')"
        case Mapping():
            return (
                "@{ "
                + "; ".join(f"{quoted(str(name))} = {literal(one)}" for name, one in value.items())
                + " }"
            )
        case _:
            return "@(" + ", ".join(literal(one) for one in value) + ")"


def quoted(text: str) -> str:
    """Return a text in single quotes; PowerShell takes typographic quotes for the plain one, so
    they are doubled too.
    """
    return (
        "'"
        + "".join(
            letter * 2 if letter in "'\u2018\u2019\u201a\u201b" else letter for letter in text
        )
        + "'"
    )


def with_parameters(command: str, parameters: Mapping[str, Any]) -> str:
    """Return a script that runs the command with its parameters bound, in the scope that it was run
    in.
    """
    if not parameters:
        return command
    values = "".join(
        f"    {quoted(name)} = {literal(value)}\n" for name, value in parameters.items()
    )
    return f"$parameters = @{{\n{values}}}\n. {{\n{command}\n}} @parameters"
