"""What PowerShell's reader of XML cannot take: carried or refused before it is sent, so that no run
waits for ever.
"""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from pwsh_kernels.errors import InvalidRequest, PowerShellDied
from pwsh_kernels.powershell import Launch, PowerShell
from pwsh_kernels.powershell.link import UNREADABLE
from pwsh_kernels.records import MAX_CHARS, MAX_NESTING, MAX_SECRET
from tests.fixtures.powershell import WAIT_S, run, run_answering
from tests.powershell.test_faults import fake

__all__ = ["fake"]
pytestmark = [pytest.mark.pwsh, pytest.mark.asyncio(loop_scope="session")]
FORBIDDEN = "a\ufffeb\uffffc\ud9ff"


def nested(levels: int) -> Any:
    """Return an empty list in lists."""
    return json.loads("[" * levels + "]" * levels)


async def test_a_command_may_hold_what_xml_forbids(shell: PowerShell) -> None:
    assert (await run(shell, f"'{FORBIDDEN}'.Length # \uffff")).text == "6\n"
    long = f"'{FORBIDDEN}'.Length #" + "x" * 60_000
    assert (await run(shell, long)).text == "6\n"


async def test_a_parameter_may_hold_what_xml_forbids(shell: PowerShell) -> None:
    script = "param($v) if ($v -is [string]) { $v } else { $v.Keys; $v.Values }; $v.Length"
    assert (await run(shell, script, parameters={"v": "\uffff"})).text == "\uffff\n1\n"
    assert (
        "\ufffe\n\uffff\n"
        in (await run(shell, script, parameters={"v": {"\ufffe": "\uffff"}})).text
    )


async def test_an_answer_may_hold_what_xml_forbids(shell: PowerShell) -> None:
    said, _ = await run_answering(shell, "(Read-Host 'x').Length", FORBIDDEN)
    assert said.text == "6\n"
    said, _ = await run_answering(shell, "(Read-Host 'x' -AsSecureString).Length", FORBIDDEN)
    assert said.text == "6\n"


async def test_an_internal_question_may_hold_and_bring_what_xml_forbids(shell: PowerShell) -> None:
    assert await shell.query("param($t) $t, $t.Length", {"t": "\ufffe\uffff"}) == [
        "\ufffe\uffff",
        2,
    ]


async def test_parameters_nest_as_deep_as_is_promised_and_no_deeper(shell: PowerShell) -> None:
    depth = "param($v) $n = 1; while ($v.Count) { $v = $v[0]; $n++ }; $n"
    said = await run(shell, depth, parameters={"v": nested(MAX_NESTING)})
    assert said.text == f"{MAX_NESTING}\n"
    with pytest.raises(InvalidRequest, match=f"parameters.v nests .* {MAX_NESTING} levels"):
        await run(shell, depth, parameters={"v": nested(MAX_NESTING + 1)})
    with pytest.raises(InvalidRequest, match="nests"):
        await shell.query(depth, {"v": nested(900)})
    assert (await run(shell, "'after'")).text == "after\n"


async def test_secrets_are_as_long_as_powershell_can_read_and_no_longer(shell: PowerShell) -> None:
    length = "param($v) $v.Length"
    said = await run(shell, length, parameters={"v": {"$secret": "s" * MAX_SECRET}})
    assert said.text == f"{MAX_SECRET}\n"
    with pytest.raises(InvalidRequest, match=f"parameters.v must hold at most {MAX_SECRET} "):
        await run(shell, length, parameters={"v": {"$secret": "s" * (MAX_SECRET + 1)}})
    assert (await run(shell, "'after'")).text == "after\n"


async def test_the_largest_number_of_characters_can_be_asked_for(shell: PowerShell) -> None:
    assert (await run(shell, "'all'", max_chars=MAX_CHARS)).text == "all\n"


async def test_a_script_that_writes_the_words_of_a_transport_error_goes_on(
    shell: PowerShell,
) -> None:
    said = await run(
        shell,
        "[Console]::Error.WriteLine('Remote transport error: '); Start-Sleep 1; 'still here'",
    )
    assert said.text == "still here\n"


@pytest.mark.asyncio(loop_scope="function")
async def test_a_message_that_powershell_could_not_read_ends_it_at_once_with_the_reason(
    fake: Callable[..., Launch],
) -> None:
    shell = await PowerShell.open(fake())
    died = (await run(shell, "transport error")).died
    assert (died.signal, died.reason) == ("SIGKILL", UNREADABLE)
    async with asyncio.timeout(WAIT_S):
        with pytest.raises(PowerShellDied, match="could not read a message"):
            await shell.start("anything")
    await shell.close()
