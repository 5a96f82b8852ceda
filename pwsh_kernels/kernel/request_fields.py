"""What a client's message may contain: the fields that this kernel reads, and their kinds.

Pure.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

LONGEST_NAME = 1000
"""Characters of an id or a name in a header; every message about the request repeats the header."""
LARGEST = 2**31 - 1


class Kind(NamedTuple):
    """A kind of value: what a refusal calls it, and how it is recognised."""

    name: str
    fits: Callable[[Any], bool]


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= LARGEST


def _is_expressions(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(one, str) for one in value.values())


TEXT = Kind("a string", lambda value: isinstance(value, str))
TRUTH = Kind("true or false", lambda value: isinstance(value, bool))
WHOLE = Kind(f"a whole number up to {LARGEST}", _is_whole)
TEXTS = Kind(
    "a list of strings", lambda value: isinstance(value, list) and all(map(TEXT.fits, value))
)
EXPRESSIONS = Kind("an object of strings", _is_expressions)

REQUIRED: Mapping[str, Mapping[str, Kind]] = {
    "execute_request": {"code": TEXT},
    "complete_request": {"code": TEXT},
    "inspect_request": {"code": TEXT, "cursor_pos": WHOLE},
    "is_complete_request": {"code": TEXT},
}
OPTIONAL: Mapping[str, Mapping[str, Kind]] = {
    "execute_request": {
        "silent": TRUTH,
        "store_history": TRUTH,
        "user_expressions": EXPRESSIONS,
        "allow_stdin": TRUTH,
        "stop_on_error": TRUTH,
    },
    "complete_request": {"cursor_pos": WHOLE},
    "inspect_request": {"detail_level": WHOLE, "omit_sections": TEXTS},
    "history_request": {
        "hist_access_type": TEXT,
        "output": TRUTH,
        "raw": TRUTH,
        "session": WHOLE,
        "start": WHOLE,
        "stop": WHOLE,
        "n": WHOLE,
        "pattern": TEXT,
        "unique": TRUTH,
    },
    "comm_info_request": {"target_name": TEXT},
    "shutdown_request": {"restart": TRUTH},
}
"""null is as good as absent."""


def problem_of(message: Mapping[str, Any]) -> str:
    """Return why a message cannot be accepted, "" if it can."""
    for part in ("parent_header", "metadata", "content"):
        if not isinstance(message[part], dict):
            return f"{part} must be an object"
    header, content, kind = message["header"], message["content"], message["msg_type"]
    if problem := _problem_of_header(header):
        return problem
    if header.get("subshell_id") is not None:
        return "header.subshell_id names a subshell, and this kernel has none"
    return _problem_of_content(content, kind)


def answerable(message: Mapping[str, Any]) -> bool:
    """Return whether somebody waits for a reply to a message, and can be given one."""
    kind = message["msg_type"]
    return not _problem_of_header(message["header"]) and kind.endswith("_request")


def _problem_of_header(header: Mapping[str, Any]) -> str:
    for name in ("msg_id", "msg_type", "session"):
        if not header.get(name) or not isinstance(header[name], str):
            return f"header.{name} must be a non-empty string"
    for name, value in header.items():
        if not isinstance(value, str | int | datetime | None):
            return f"header.{name[:40]} must be a string"
        if isinstance(value, str) and len(value) > LONGEST_NAME:
            return f"header.{name[:40]} is longer than {LONGEST_NAME} characters"
    return ""


def _problem_of_content(content: Mapping[str, Any], kind: str) -> str:
    for name, wanted in REQUIRED.get(kind, {}).items():
        if not wanted.fits(content.get(name)):
            return f"{name} must be {wanted.name}"
    for name, wanted in OPTIONAL.get(kind, {}).items():
        if content.get(name) is not None and not wanted.fits(content[name]):
            return f"{name} must be {wanted.name}"
    return ""
