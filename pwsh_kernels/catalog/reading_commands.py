"""The commands of a service that only read, as regular expressions, for a session that shows no
others.

Pure.
"""

from collections.abc import Iterable

from pwsh_kernels.catalog.command_index import matcher
from pwsh_kernels.catalog.module import Module

READING_VERBS = "(?:Get|Search|Find)-"
"""Verbs of the listed commands that read unless a list says otherwise."""
NONE = "(?!)"


def reading_commands(module: Module) -> tuple[str, str, str]:
    """Return which names are shown; which of them are not, as lists of what does more win; and
    which send requests with a method.
    """
    classes = module.classes
    listed = _any(module.commands)
    shown = f"^(?:{_any(classes.reads)}|(?={READING_VERBS})(?:{listed}))$"
    more = (*module.connects, *module.disconnects, *classes.requests)
    hidden = _any((*more, *classes.secrets, *classes.destroys, *classes.writes))
    return shown, f"^(?:{hidden})$", f"^(?:{_any(classes.requests)})$"


def _any(patterns: Iterable[str]) -> str:
    return "|".join(matcher(one).pattern for one in patterns) or NONE
