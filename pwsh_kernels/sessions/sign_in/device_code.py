"""The device code of a sign-in: found in a connect script's output, and kept out of everything that
is stored.

Pure.
"""

import re

from pwsh_kernels.records import Record
from pwsh_kernels.sessions.session import DeviceCode

DEFAULT_URL = "https://login.microsoft.com/device"
"""Where to enter a code if the module prints no address (decision 0014)."""

_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_TOKEN = re.compile(r"(?<![A-Za-z0-9-])(?=[A-Z0-9]*[0-9])[A-Z0-9]{8,10}(?![A-Za-z0-9-])")
"""A likely code in a translated sentence, which has no known words: upper case with at least one
digit.
"""

_EXPIRED = re.compile(r"expired|timed[ -]out")
_OVER = re.compile(r"expired_token|code_expired|authentication timed out after \d+ seconds")
"""How errors report an expired code: the sign-in library's own codes; graph: "Authentication timed
out after 120 seconds due to inactivity.", and older "Device code terminal timed-out after 120
seconds.".
"""


def find_device_code(
    output: str, code: re.Pattern[str], url: re.Pattern[str], *, complete: bool
) -> DeviceCode | None:
    """Return the code and address in the output of a connect script, or None when there is no code
    yet.

    `code` and `url` are the module's patterns (catalog). Knows ANSI colours, wrapped lines and
    translated sentences (decision 0014). Unless `complete`, a code at the very end is not trusted
    yet: more of it may follow.
    """
    text = _ANSI.sub("", output) + ("\n" if complete else "")
    unwrapped = _unwrapped(text)
    found = _last_group(code, text) or _last_group(code, unwrapped)
    if found:
        return DeviceCode(found, _url(url, text, unwrapped))
    words = url.sub(" ", text)
    lone = {match.group() for match in _TOKEN.finditer(words) if match.end() < len(words)}
    return (
        DeviceCode(lone.pop(), _url(url, text, unwrapped))
        if len(lone) == 1 and url.search(unwrapped)
        else None
    )


def declined(record: Record | None) -> bool:
    """Return whether an error says that the person declined (an explanation only: that it failed is
    the engine's word).
    """
    said = record.said.casefold() if record else ""
    return "authorization_declined" in said or "declined" in said


def expired(record: Record | None) -> bool:
    """Return whether an error says that the code has expired (an explanation only)."""
    said = record.said.casefold() if record else ""
    return _OVER.search(said) is not None or ("code" in said and _EXPIRED.search(said) is not None)


def _unwrapped(text: str) -> str:
    return re.sub(r"[ \t]*\r?\n[ \t]*(?=.)", "", text)


def _last_group(pattern: re.Pattern[str], text: str) -> str | None:
    """Return the last match: if a connect script shows a second code, the second one counts."""
    whole = [match.group(1) for match in pattern.finditer(text) if match.end(1) < len(text)]
    return whole[-1] if whole else None


def _url(pattern: re.Pattern[str], text: str, unwrapped: str) -> str:
    found = [match.group() for match in (pattern.search(text), pattern.search(unwrapped)) if match]
    return max(found, key=len, default=DEFAULT_URL)
