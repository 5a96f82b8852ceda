"""Escape sequences of terminals (ECMA-48): colours, titles, links.

Pure; imports nothing of ours.
"""

import re
from collections.abc import Mapping
from typing import Any

_LONE_SURROGATES = re.compile(r"[\ud800-\udfff]")
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[ -/]*[0-Z\\^-~])")


def without_escapes(text: str) -> str:
    """Return the text without its escape sequences."""
    return _ESCAPES.sub("", text) if "\x1b" in text else text


def plain(text: str) -> str:
    """Return the text without terminal escapes and without characters that JSON cannot carry."""
    return _LONE_SURROGATES.sub("\ufffd", without_escapes(text))


def plain_json(value: Any) -> Any:
    """Return a JSON value whose texts, those of its names too, are plain."""
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, Mapping):
        return {plain(str(name)): plain_json(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain_json(one) for one in value]
    return value
