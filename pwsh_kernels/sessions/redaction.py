"""Secrets taken out of scripts and output before they are written to a file that people hand on.

Pure.
"""

import re
from collections.abc import Collection, Mapping
from typing import Any

from pwsh_kernels.sessions.sign_in.device_code import HIDDEN, hide_secrets

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
        value["$secret"]
        for value in parameters.values()
        if isinstance(value, Mapping) and "$secret" in value
    }
    written = {
        match["secret"].strip("'\"") for pattern in _PATTERNS for match in pattern.finditer(script)
    }
    return {str(one) for one in bound | written if len(str(one)) >= SHORTEST}


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
