"""The values of `user_expressions`: text as PowerShell shows it, errors in the shape of an error.

Pure: reads the output of scripts/expressions.ps1.
"""

from collections.abc import Sequence
from typing import Any


def answer(output: Sequence[Any]) -> dict[str, Any]:
    """Return the value of one expression from the script's output."""
    texts = [str(one) for one in output]
    if len(texts) >= 3 and texts[-3] == "error":
        return failure(texts[-2], texts[-1])
    return {
        "status": "ok",
        "data": {"text/plain": texts[-1] if len(texts) > 1 else ""},
        "metadata": {},
    }


def failure(name: str, message: str) -> dict[str, Any]:
    """Return the value of an expression that could not be evaluated."""
    return {
        "status": "error",
        "ename": name,
        "evalue": message,
        "traceback": [f"{name}: {message}"],
    }
