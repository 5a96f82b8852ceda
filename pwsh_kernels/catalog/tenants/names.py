"""Names of tenants: valid domain names and aliases, and known names that are similar to a mistyped
one.

Pure.
"""

import difflib
import re
from collections.abc import Iterable

from pwsh_kernels.errors import InvalidTenant

MAX_DOMAIN = 253
NEARLY_THE_SAME = 0.85
"""From this similarity on, an unknown domain name counts as a mistyped known one."""
_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")
_ALIAS = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 ._-]{0,61}[A-Za-z0-9])?")


def domain_name(text: str) -> str:
    """Return a domain name (ASCII labels, a dot, at most 253 characters) in lower case.

    Raises InvalidTenant.
    """
    name = text.lower()
    if not text.isascii() or not is_domain_name(name):
        raise InvalidTenant(tenant=text)
    return name


def is_domain_name(name: str) -> bool:
    """Return whether a lower-case text is a domain name."""
    labels = name.split(".")
    plausible = len(name) <= MAX_DOMAIN and len(labels) > 1 and not labels[-1].isdigit()
    return plausible and all(_LABEL.fullmatch(label) for label in labels)


def checked_domain(text: str) -> str:
    """Return a domain name in lower case. Raises ValueError, for values in files."""
    try:
        return domain_name(text)
    except InvalidTenant as problem:
        raise ValueError(problem.text()) from None


def checked_alias(text: str) -> str:
    """Return an alias in lower case. Raises ValueError."""
    if not _ALIAS.fullmatch(text):
        raise ValueError(
            f"{text!r} is not a valid alias: at most 63 ASCII letters, digits, spaces, - . _; a"
            " letter or digit at each end"
        )
    return text.lower()


def checked_sharepoint_host(text: str) -> str:
    """Return the prefix of a SharePoint host (`contoso` of contoso.sharepoint.com) in small
    letters.

    Raises ValueError, for values of files and of requests: it becomes part of an address.
    """
    if not _LABEL.fullmatch(text.lower()):
        raise ValueError("must be the part before .sharepoint.com")
    return text.lower()


def nearest(name: str, known: Iterable[str], likeness: float = 0.6) -> list[str]:
    """Return at most three known names that are similar to a name or begin with it, the most
    similar first.
    """
    names = list(known)
    alike = difflib.get_close_matches(name, names, n=3, cutoff=likeness)
    return [*alike, *(one for one in names if name and one.startswith(name) and one not in alike)][
        :3
    ]
