"""Secrets taken out of scripts, output and records before anybody keeps them. Pure."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from pwsh_kernels.records import Record

HIDDEN = "•••"
_BETWEEN = r"(?:\x1b\[[0-9;?]*[A-Za-z]|[\r\n])*"
_JWT = re.compile(r"\beyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){1,2}")
"""A JSON web token, as every service of Microsoft uses."""
_LITERAL = r"""(?:'(?:[^']|'')*'|"(?:[^"`]|`.|"")*")"""
_NAME = r"\w*(?:password|passphrase|secret|token|apikey|api_key)\w*"
_WORD = r"""[^\s$@({'"|;&<>,`-][^\s|;&<>,`]*"""
_PATTERNS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"ConvertTo-SecureString\b[^|;\n]*?(?P<secret>{_LITERAL})",
        rf"(?P<secret>{_LITERAL})\s*\|\s*ConvertTo-SecureString\b",
        rf"\s-{_NAME}(?:\s*:\s*|\s+)(?P<secret>{_LITERAL}|{_WORD})",
        rf"(?:\${{?|\b){_NAME}}}?\s*=\s*(?P<secret>{_LITERAL})",
    )
)
"""Where a script writes a secret down: SecureStrings, parameters and names that say what
they hold.
"""
SHORTEST = 4
"""A secret with fewer characters is hidden where it stands, not wherever its characters appear."""


def secrets_of(script: str, parameters: Mapping[str, Any]) -> set[str]:
    """Return the secrets that a script holds as literals, and those that were bound to its
    parameters.
    """
    bound = {
        text
        for value in parameters.values()
        if isinstance(value, Mapping) and "$secret" in value
        for text in _texts(value["$secret"])
    }
    written = {
        match["secret"].strip("'\"") for pattern in _PATTERNS for match in pattern.finditer(script)
    }
    return {one for one in bound | written if len(one) >= SHORTEST}


def _texts(value: Any) -> Iterator[str]:
    """Yield the texts in a value that was bound as a secret: it may be an object, by mistake."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from _texts(one)
    else:
        yield str(value)


def redacted(text: str, secrets: Collection[str]) -> str:
    """Return a text without these secrets, without literals that look like one, and
    without tokens.
    """
    for pattern in _PATTERNS:
        text = pattern.sub(_hide, text)
    return hide_secrets(text, sorted(secrets, key=len, reverse=True))


def _hide(match: re.Match[str]) -> str:
    secret, whole = match["secret"], match.group()
    quote = secret[0] if secret[0] in "'\"" else "'"
    start = match.start("secret") - match.start()
    return f"{whole[:start]}{quote}{HIDDEN}{quote}{whole[start + len(secret) :]}"


def hide_secrets(text: str, secrets: Iterable[str]) -> str:
    """Return `text` without the codes and secrets, also where colours or a line break are inside
    one, and without tokens.
    """
    for secret in secrets:
        text = re.sub(_BETWEEN.join(map(re.escape, secret)), HIDDEN, text) if secret else text
    return _JWT.sub(HIDDEN, text)


def hide_in_record(record: Record, secrets: Collection[str]) -> Record:
    """Return the record with no text that holds a code, a secret or a token."""
    return replace(
        record,
        message=hide_secrets(record.message, secrets),
        causes=tuple(hide_secrets(cause, secrets) for cause in record.causes),
        error_id=hide_secrets(
            record.error_id, secrets
        ),  # a script names its errors, and who wrote them, as it likes
        command=hide_secrets(record.command, secrets),
        target=hide_secrets(record.target, secrets),
        position=hide_secrets(record.position, secrets),
        script_stack=hide_secrets(record.script_stack, secrets),
    )
