"""A PowerShell that misbehaves: every wait is bounded, every failure says what happened."""

import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from pwsh_kernels.errors import PowerShellStartFailed
from pwsh_kernels.powershell import Died, Launch, PowerShell
from tests.fixtures.powershell import collect, is_text, run, until
from tests.powershell import misbehaving_powershell

pytestmark = pytest.mark.asyncio(loop_scope="function")


@pytest.fixture
def fake(tmp_path: Path) -> Callable[..., Launch]:
    """Returns how to launch the misbehaving PowerShell with a fault."""
    program = tmp_path / "pwsh"
    program.write_text(f"#!/bin/sh\nexec {sys.executable} {misbehaving_powershell.__file__}\n")
    program.chmod(0o755)
    return lambda fault="": Launch(program, home=tmp_path / "home", environment={"FAULT": fault})


async def with_shell(launch: Launch, work: Callable[[PowerShell], Awaitable[None]]) -> None:
    shell = await PowerShell.open(launch)
    try:
        await work(shell)
    finally:
        await shell.close()


async def test_the_stand_in_speaks_the_protocol(fake: Callable[..., Launch]) -> None:
    async def work(shell: PowerShell) -> None:
        assert shell.version == "9.9.9"
        for _ in range(3):
            assert (await run(shell, "anything")).text == "hello\nbye\n"

    await with_shell(fake(), work)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("dies at once", "exit status 1; it said: no ICU was found"),
        ("dies at Data", "exit status 3"),
        ("dies at Command", "exit status 3"),
        ("dies at Close", "exit status 3"),
    ],
)
async def test_a_death_at_the_start_says_how_and_what_it_said(
    fake: Callable[..., Launch], fault: str, reason: str
) -> None:
    with pytest.raises(PowerShellStartFailed) as raised:
        await PowerShell.open(fake(fault))
    assert reason in raised.value.reason


async def test_one_that_never_opens_is_given_up_and_ended(fake: Callable[..., Launch]) -> None:
    with pytest.raises(PowerShellStartFailed, match="within"):
        await PowerShell.open(fake("silent"), wait_s=0.3)


async def test_a_program_that_cannot_be_started_is_named(tmp_path: Path) -> None:
    with pytest.raises(PowerShellStartFailed, match="missing"):
        await PowerShell.open(Launch(tmp_path / "missing"))


async def test_a_late_answer_is_taken(fake: Callable[..., Launch]) -> None:
    async def work(shell: PowerShell) -> None:
        assert (await run(shell, "late")).text == "bye\n"

    await with_shell(fake(), work)


async def test_noise_between_packets_is_console_text_and_loses_nothing(
    fake: Callable[..., Launch],
) -> None:
    async def work(shell: PowerShell) -> None:
        said = await run(shell, "garbage")
        assert said.text == "hello\nbye\n"
        for noise in ("noise\n", "\ufffd\ufffd\n", "glued", "more glue", "!!!", "broken message"):
            assert noise in said.console
        assert (await run(shell, "anything")).text == "hello\nbye\n"

    await with_shell(fake(), work)


async def test_what_belongs_to_no_run_is_dropped_and_odd_output_is_shown(
    fake: Callable[..., Launch],
) -> None:
    async def work(shell: PowerShell) -> None:
        assert (await run(shell, "not ours")).text == "{no jsonbye\n"

    await with_shell(fake(), work)


async def test_a_huge_message_arrives_whole(fake: Callable[..., Launch]) -> None:
    async def work(shell: PowerShell) -> None:
        assert len((await run(shell, "huge")).text) == (8 << 20) + 4

    await with_shell(fake(), work)


async def test_the_rest_of_a_run_is_fetched(fake: Callable[..., Launch]) -> None:
    async def work(shell: PowerShell) -> None:
        assert (await run(shell, "ends without rest")).text == "hello\nbye\n"

    await with_shell(fake(), work)


async def test_half_a_packet_and_a_death_is_a_death(fake: Callable[..., Launch]) -> None:
    async def work(shell: PowerShell) -> None:
        said = await run(shell, "half a packet")
        assert (said.text, said.died) == ("hello\n", Died(5, None))

    await with_shell(fake(), work)


async def test_one_that_does_not_stop_is_reported_and_can_be_killed(
    fake: Callable[..., Launch],
) -> None:
    async def work(shell: PowerShell) -> None:
        pipeline = await shell.start("never")
        await until(pipeline, is_text)
        assert not await pipeline.stop(0.1)
        assert not await pipeline.stop(0.1)
        shell.kill()
        assert (await collect(pipeline)).died == Died(None, "SIGKILL")

    await with_shell(fake(), work)


async def test_one_that_closes_its_output_is_killed(fake: Callable[..., Launch]) -> None:
    async def work(shell: PowerShell) -> None:
        assert (await run(shell, "closes its output")).died == Died(None, "SIGKILL")

    await with_shell(fake(), work)


async def test_one_that_ignores_its_end_is_killed(fake: Callable[..., Launch]) -> None:
    shell = await PowerShell.open(fake("ignores the end"))
    await shell.close()
    assert shell.died.result() == Died(None, "SIGKILL")
