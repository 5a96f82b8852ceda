"""From the parser's description of a text to the commands and parameters that carry it, or to the
piece that cannot be carried.

Pure.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pwsh_kernels.classification.command_classes import DASHES
from pwsh_kernels.classification.tables import engine
from pwsh_kernels.reading import BLOCKS, ENGINE, Argument, Call, Carried, Node, Step

Requests = Callable[[str], bool]
POWERSHELL = frozenset(one.lower() for one in ENGINE)
TAKE_BLOCKS = frozenset(one.lower() for one in BLOCKS)
FOREACH = "foreach-object"
INSTEAD: Mapping[str, str] = {
    "statement": "Write commands and pipelines, one after the other, without if or foreach.",
    "assignment": "Assign the result of a pipeline to a variable: $boxes = Get-Mailbox.",
    "variable": "A variable holds what the same text has assigned to it before.",
    "for_each": "A block holds one expression of $_, without commands; pass objects on instead:"
    " Get-Mailbox | Get-MailboxStatistics.",
    "redirection": "Leave the redirection out.",
    "command": "Name the command itself.",
    "engine": "This command takes files, methods or code.",
    "block": "Blocks are for Where-Object, Select-Object, Sort-Object and the like.",
    "method": "Name a property, or write { $_.Name.ToUpper() }.",
    "expression": "Write it with comparisons, properties and methods of plain values.",
}
"""How to write it, by the code of what is wrong."""


@dataclass(frozen=True, slots=True)
class Uncarried:
    """The first piece of a text that cannot be carried."""

    code: str
    line: int
    column: int
    piece: str

    @property
    def instead(self) -> str:
        """Return how to write it."""
        return INSTEAD.get(self.code, INSTEAD["expression"])


class _CannotCarryError(Exception):
    def __init__(self, code: str, said: Mapping[str, Any]) -> None:
        super().__init__(code)
        self.found = _uncarried(said, code)


def carried(answer: Mapping[str, Any], requests: Requests) -> Carried | Uncarried:
    """Return what an answer of the parser means; `requests` says whether a command sends a request
    with a method. Raises KeyError, TypeError for another form.
    """
    if piece := answer.get("uncarried"):
        return _uncarried(piece, str(piece["code"]))
    try:
        return Carried(tuple(_step(one, requests) for one in answer["steps"]))
    except _CannotCarryError as refusal:
        return refusal.found


def _uncarried(said: Mapping[str, Any], code: str) -> Uncarried:
    return Uncarried(code, int(said["line"]), int(said["column"]), str(said["text"]))


def _step(said: Mapping[str, Any], requests: Requests) -> Step:
    return Step(
        tuple(_call(one, requests) for one in said["calls"]),
        str(said["into"]),
        str(said.get("each", "")),
    )


def _call(said: Mapping[str, Any], requests: Requests) -> Call:
    if "command" not in said:
        return Call("expression", "", (Argument(nodes=_nodes(said)),))
    arguments = tuple(_arguments(said["arguments"]))
    written = str(said["command"]).translate(DASHES)
    name = engine().aliases.get(written.lower(), written)
    bare = name.rpartition("\\")[2].lower()
    if bare in TAKE_BLOCKS and (bare == FOREACH or any(map(_has_block, arguments))):
        return Call("blocks", bare_name(bare), _for_each(said, bare, arguments))
    if any(map(_has_block, arguments)):
        raise _CannotCarryError("block", said)
    if bare in engine().commands and bare not in POWERSHELL:
        raise _CannotCarryError("engine", said)
    if requests(bare):
        return Call("request", name, arguments)
    return Call("command", name, tuple(map(_constant, arguments)))


def bare_name(lowered: str) -> str:
    """Return a command that takes blocks as it is written."""
    return next(one for one in BLOCKS if one.lower() == lowered)


def _arguments(said: Sequence[Mapping[str, Any]]) -> Iterator[Argument]:
    for one in said:
        if "name" in one:
            yield Argument(name=str(one["name"]))
        else:
            yield Argument(nodes=_nodes(one))


def _nodes(said: Mapping[str, Any]) -> tuple[Node, ...]:
    return tuple(tuple(one) for one in said["nodes"])


def _has_block(one: Argument) -> bool:
    return any(node[0] == "block" for node in one.nodes)


def _for_each(
    said: Mapping[str, Any], name: str, arguments: tuple[Argument, ...]
) -> tuple[Argument, ...]:
    """Return the arguments of a command with blocks; `% Name` becomes the property alone, as a
    method of that name must not be called.
    """
    if name != FOREACH:
        return arguments
    values = [one for one in arguments if not one.name]
    named = [one.name.lower() for one in arguments if one.name]
    if len(values) != 1 or len(named) > 1 or not all(one in NAMES for one in named):
        raise _CannotCarryError("method", said)
    only = values[0]
    if only.nodes[-1][0] == "block":
        return (only,)
    if len(only.nodes) != 1 or not isinstance(only.nodes[0][-1], str):
        raise _CannotCarryError("method", said)
    return (Argument(nodes=(("item",), ("property", 0, only.nodes[0][-1]), ("block", 1))),)


NAMES = ("-process", "-membername")


def _constant(one: Argument) -> Argument:
    """Return an argument with its value, if that is written in the text."""
    values: list[Any] = []
    for node in one.nodes:
        made = _value(node, values)
        if made is None:
            return one
        values.append(made[0])
    return Argument(one.name, values[-1]) if values else one


def _value(node: Node, values: Sequence[Any]) -> tuple[Any] | None:
    kind, *parts = node
    if kind == "constant":
        return (parts[0],)
    if kind == "list":
        return ([values[one] for one in parts],)
    if kind == "array":
        only = values[parts[0]]
        return (only if isinstance(only, list) else [only],)
    if kind == "table" and parts[0] == "":
        return ({str(key): values[number] for key, number in parts[1:]},)
    return None
