"""The message that starts a pipeline, written once for each shape of a pipeline and then filled
with its texts.

Pure.

psrpcore takes longer to write it than everything else that our side does for a short run
(measured), and little of it ever differs.
"""

import re
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

from psrpcore.types import serialize

from pwsh_kernels.powershell.wire.characters import carried
from pwsh_kernels.powershell.wire.happenings import Command

MAX_TEMPLATES = 32
"""Shapes that are kept at a time; a session's runs have about ten."""
MAX_TEXTS = 10_000
"""Characters that are filled in; more would not fit into one fragment, where each text stands up to
three times.
"""
_PLAIN = (str, bool, int, type(None))
"""Types of values whose XML does not depend on other values, unlike references and secrets."""

Writer = Callable[[Sequence[Command], str | None], bytes]
"""Returns the XML of a pipeline; the text is the one for Get-History."""


class Templates:
    """The pipelines that one connection has started, by shape; the oldest shape is
    forgotten first.
    """

    def __init__(self, write: Writer) -> None:
        self._write = write
        self._known: dict[tuple[Any, ...], list[bytes]] = {}

    def fill(self, commands: Sequence[Command], history: str | None) -> bytes | None:
        """Return the XML of a pipeline, or None when psrpcore has to write it: it is long, or a
        value is not a plain one.
        """
        texts = list(_texts(commands, history))
        plain = all(type(value) in _PLAIN for one in commands for value in one.parameters.values())
        words = any(one.words for one in commands)
        if words or not plain or sum(map(len, texts)) > MAX_TEXTS:
            return None
        shape = _shape(commands, history)
        if shape not in self._known:
            if len(self._known) >= MAX_TEMPLATES:
                del self._known[next(iter(self._known))]
            self._known[shape] = self._parts(commands, history)
        pieces = enumerate(self._known[shape])
        return b"".join(
            _escaped(texts[int(piece)]) if index % 2 else piece for index, piece in pieces
        )

    def _parts(self, commands: Sequence[Command], history: str | None) -> list[bytes]:
        """Return the XML cut at its texts: a piece of it, the number of a text, a piece,
        and so on.
        """
        mark = f"text {uuid.uuid4()} "
        marks = (f"{mark}{number}." for number, _ in enumerate(_texts(commands, history)))
        marked = [_with_texts(one, marks) for one in commands]
        xml = self._write(marked, None if history is None else next(marks))
        return re.split(rb"%s(\d+)\." % mark.encode(), xml)


def _texts(commands: Sequence[Command], history: str | None) -> Iterator[str]:
    """Yield every text that may differ the next time."""
    for one in commands:
        if one.is_script:
            yield one.text
        yield from (value for value in one.parameters.values() if isinstance(value, str))
    if history is not None:
        yield history


def _with_texts(command: Command, texts: Iterator[str]) -> Command:
    """Return the command with other texts, taken in the order of `_texts`."""
    text = next(texts) if command.is_script else command.text
    values = {
        name: next(texts) if isinstance(value, str) else value
        for name, value in command.parameters.items()
    }
    return replace(command, text=text, parameters=values)


def _shape(commands: Sequence[Command], history: str | None) -> tuple[Any, ...]:
    """Return what pipelines that differ only in their texts have in common."""
    return (
        history is None,
        *(
            (one.is_script or one.text, one.merge, one.local, one.gathers, _values(one))
            for one in commands
        ),
    )


def _values(command: Command) -> tuple[Any, ...]:
    """Return the parameters without their texts; the type tells True from 1."""
    return tuple(
        (name, type(one), isinstance(one, str) or one) for name, one in command.parameters.items()
    )


def _escaped(text: str) -> bytes:
    """Return a text as it is written in an element."""
    return xml_of(text)[3:-4] if text else b""


def xml_of(value: Any, **capabilities: Any) -> bytes:
    """Return the CLIXML of a value that holds no secret, so that no key is needed."""
    no_key: Any = None
    xml: bytes = ElementTree.tostring(serialize(value, no_key, **capabilities), encoding="utf-8")
    return carried(xml)
