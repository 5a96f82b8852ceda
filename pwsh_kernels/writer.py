"""A command of a text that changes something, with what the text says of its arguments."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Writer:
    """`name` is the command that `written` should be; `service`: whose it is."""

    name: str
    written: str
    service: str
    values: Mapping[str, str]
    """Constants, by their parameters' names as written."""
    first: str
    """The first constant without a name; "" without one."""
