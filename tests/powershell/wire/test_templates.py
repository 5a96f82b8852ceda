"""Messages that start pipelines: what is filled in must be what psrpcore would have written."""

import re
from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree

import psrpcore
import pytest
from psrpcore.types import PSDouble, PSSecureString

from pwsh_kernels.powershell.run_events import run_commands
from pwsh_kernels.powershell.wire.happenings import Command
from pwsh_kernels.powershell.wire.templates import MAX_TEMPLATES, MAX_TEXTS, Templates, xml_of
from pwsh_kernels.records import RunOptions

AWKWARD = "<a> & \"b\" 'c'\r\n\t_x000A_ _X \x00\x1b\x85 é 漢 \U0001f600 \ud800 ]]>"
PRINTED = re.compile(rb"<ToString(?: />|>.*?</ToString>)", re.DOTALL)


class Writer:
    """psrpcore's own writing, counted."""

    def __init__(self) -> None:
        self.pool = psrpcore.ClientRunspacePool()
        self.written = 0

    def __call__(self, commands: Sequence[Command], history: str | None) -> bytes:
        self.written += 1
        pipeline = psrpcore.ClientPowerShell(
            self.pool, add_to_history=history is not None, history=history
        )
        for one in commands:
            command = psrpcore.Command(one.text, is_script=one.is_script, use_local_scope=one.local)
            command.add_parameters(**one.parameters)
            pipeline.add_command(command)
        return xml_of(pipeline.metadata, our_capability=self.pool.our_capability)


def same(one: bytes | None, other: bytes) -> bool:
    """Tell whether two texts are the same XML, but for what .NET would print: psrpcore puts texts
    there as they are.
    """
    assert one is not None
    ElementTree.fromstring(one)
    return plain(one) == plain(other)


def plain(xml: bytes) -> str:
    return ElementTree.canonicalize(PRINTED.sub(b"", xml).decode())


def script(text: str, **parameters: Any) -> list[Command]:
    return [
        Command(text, parameters, is_script=True),
        Command("Out-Session", {"Format": "text", "Width": 80}),
    ]


@pytest.mark.parametrize("history", [None, "", "as it was typed", AWKWARD])
@pytest.mark.parametrize(
    "commands",
    [
        script("1"),
        script(""),
        script(AWKWARD),
        script("text 0. of text 1.", Name="text 0."),
        script("param($A)", A=AWKWARD, B=True, C=None, D=-5, E=""),
        [Command("Get-Date", {"Format": AWKWARD}, local=True)],
        run_commands("Get-Mailbox", RunOptions(keep_as="key", width=200, max_chars=5)),
    ],
)
def test_a_filled_pipeline_is_what_psrpcore_writes_and_again(
    commands: list[Command], history: str | None
) -> None:
    write = Writer()
    templates = Templates(write)
    wanted = write(commands, history)
    assert same(templates.fill(commands, history), wanted)
    assert same(templates.fill(commands, history), wanted)


def test_pipelines_that_differ_in_texts_alone_are_written_once() -> None:
    write = Writer()
    templates = Templates(write)
    filled = [
        templates.fill(script(f"{number}", Name=f"n{number}"), f"h{number}") for number in range(3)
    ]
    assert write.written == 1
    assert all(f">n{number}<".encode() in (one or b"") for number, one in enumerate(filled))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (script("x", A=1), script("x", A=True)),
        (script("x", A=1), script("x", A=2)),
        (script("x", A="1"), script("x", A=None)),
        (script("x", A="1"), script("x", B="1")),
        (script("x"), [Command("x"), script("x")[1]]),
        ([Command("Get-Date")], [Command("Get-Item")]),
        ([Command("Get-Date")], [Command("Get-Date", local=True)]),
    ],
)
def test_whatever_else_differs_is_another_message(one: list[Command], other: list[Command]) -> None:
    write = Writer()
    templates = Templates(write)
    for commands in (one, other, one, other):
        assert same(templates.fill(commands, None), Writer()(commands, None))
    assert write.written == 2


@pytest.mark.parametrize("value", [PSSecureString("secret"), PSDouble(1.5), ["a"], {"a": "b"}, 1.5])
def test_what_is_no_plain_value_is_left_to_psrpcore(value: Any) -> None:
    assert Templates(Writer()).fill(script("x", A=value), None) is None


def test_a_long_script_is_left_to_psrpcore_which_cuts_it() -> None:
    write = Writer()
    assert Templates(write).fill(script("x" * (MAX_TEXTS + 1)), None) is None
    assert write.written == 0


def test_the_oldest_shape_makes_room() -> None:
    write = Writer()
    templates = Templates(write)
    for number in range(MAX_TEMPLATES + 1):
        templates.fill(script("x", A=number), None)
    templates.fill(script("x", A=MAX_TEMPLATES), None)
    assert write.written == MAX_TEMPLATES + 1
    templates.fill(script("x", A=0), None)
    assert write.written == MAX_TEMPLATES + 2
