"""The commands by which a PowerShell that takes no text is asked: what a text was carried into, and
the server's own scripts, which prove by a key that they are.

Pure.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pwsh_kernels.powershell.run_events import bound
from pwsh_kernels.powershell.wire.conversion import to_psrp
from pwsh_kernels.powershell.wire.happenings import Command
from pwsh_kernels.reading import Argument, Call, Carried, Node, Step

WRAPPED = {
    "blocks": "PwshKernels.Invoke-WithBlock",
    "request": "PwshKernels.Invoke-ReadingRequest",
}
DEEPEST = 40
"""Levels of lists that a description may have."""


def trusted(script: str, parameters: Mapping[str, Any], key: str) -> Command:
    """Return the command that runs a script of the server's own."""
    values = {"Key": key, "Script": script, "Values": bound(parameters)}
    return Command("PwshKernels.Invoke-Trusted", values, local=True)


def showing(carried: Carried, key: str) -> list[Command]:
    """Return the pipeline that lets the commands of a text be found which read."""
    values = {"Key": key, "Name": list(carried.commands)}
    return [Command("PwshKernels.Show-ReadingCommand", values, local=True)]


def worked_out(step: Step) -> list[tuple[Node, ...]]:
    """Return what has to be worked out before a step, in the order of its arguments."""
    return [
        one.nodes
        for call in step.calls
        if call.kind == "command"
        for one in call.arguments
        if one.nodes
    ]


def value_commands(step: Step, expressions: Sequence[Sequence[Node]]) -> list[Command]:
    """Return the pipeline that gives a list of the values of expressions, for each time that a step
    runs.
    """
    given = to_psrp([list(map(list, one)) for one in expressions], "carried", DEEPEST)
    values = {"Expressions": given, "Each": step.each}
    return [Command("PwshKernels.Get-ArgumentValue", values, local=True)]


def step_commands(step: Step, values: Sequence[Any], last: Command) -> list[Command]:
    """Return the pipeline of a step: `values` are those of `worked_out`."""
    left = iter(values)
    return [*(_command(call, left) for call in step.calls), replace(last, local=True, gathers=True)]


def holding(step: Step) -> Command:
    """Return the command that holds the result of a step."""
    return Command("PwshKernels.Save-Result", {"Into": step.into, "Append": bool(step.each)})


def held(last: Command) -> list[Command]:
    """Return the pipeline that gives what the steps of a run have put out."""
    return [
        Command("PwshKernels.Get-Result", local=True),
        replace(last, local=True, gathers=True),
    ]


def _command(call: Call, values: Iterator[Any]) -> Command:
    if call.kind == "expression":
        return _expression(call.arguments[0].nodes)
    if call.kind in WRAPPED:
        arguments = [_described(one) for one in call.arguments]
        given = {"Command": call.command, "Arguments": to_psrp(arguments, "carried", DEEPEST)}
        return Command(WRAPPED[call.kind], given, local=True)
    return Command(call.command, words=tuple(_words(call, values)), local=True)


def _expression(nodes: Sequence[Node]) -> Command:
    given = to_psrp(list(map(list, nodes)), "carried", DEEPEST)
    return Command("PwshKernels.Get-ExpressionValue", {"Nodes": given}, local=True)


def _described(one: Argument) -> list[Any]:
    nodes = one.nodes or (("constant", one.value),)
    return [one.name, None] if one.name else [None, list(map(list, nodes))]


def _words(call: Call, values: Iterator[Any]) -> Iterator[tuple[str | None, Any]]:
    """Yield parameters and values; `-All:` takes what follows with it."""
    taking = None
    for one in call.arguments:
        if one.name.endswith(":"):
            taking = one.name
        elif one.name:
            yield one.name, None
        else:
            yield taking, next(values) if one.nodes else to_psrp(one.value, "carried", DEEPEST)
            taking = None
