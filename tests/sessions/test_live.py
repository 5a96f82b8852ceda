"""A signed-in session on a real kernel: runs, prompts, cancelling, output, other clients."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from pwsh_kernels.errors import InvalidRequest, RunNotWaiting, UnknownRun, WaitingForInput
from pwsh_kernels.sessions.moment import now
from tests.sessions.world import CONTOSO, END_WAIT, World

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.pwsh]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """One server's sessions; contoso.example is signed in and stays so."""
    one = await World.begin(tmp_path_factory.mktemp("live"), PWSH_MANAGER_RUN_MEMORY="5000")
    assert (await one.sign_in())["state"] == "signed_in"
    yield one
    await one.end()


async def test_values_come_back_exact_and_ok_means_no_output(world: World) -> None:
    commands = {"0": 0, "$false": False, "''": "", "'a','b'": ["a", "b"], "@{a=1}": {"a": 1}}
    for command, value in commands.items():
        answer = await world.run(command, format="json")
        assert answer["success"]
        assert json.loads(answer["result"]) == value
    assert (await world.run("$x = 1", format="json"))["result"] == "OK"
    assert (await world.run("$x", format="json"))["result"] == "1"


async def test_a_failed_command_says_why_and_keeps_what_it_printed(world: World) -> None:
    answer = await world.run("'before'; Write-Warning 'careful'; Write-Error 'oops' -ErrorId Mine")
    assert (answer["success"], answer["state"], answer["code"], answer["error"]) == (
        False,
        "failed",
        "command_failed",
        "oops",
    )
    assert answer["result"] == "before\n"
    assert answer["errors"][0]["error_id"].startswith("Mine")
    assert answer["warnings"][0]["message"] == "careful"


async def test_a_throw_is_the_error_of_the_run(world: World) -> None:
    answer = await world.run("'before'; throw 'boom'")
    assert (answer["state"], answer["error"], answer["result"]) == ("failed", "boom", "before\n")
    assert answer["errors"][-1]["terminating"]


async def test_an_exit_code_decides_without_an_error_record(world: World) -> None:
    answer = await world.run("exit 3")
    assert (answer["state"], answer["exit_code"], answer["error"]) == (
        "failed",
        3,
        "The command ended with exit code 3.",
    )
    assert (await world.run("exit 0"))["success"]


async def test_text_with_the_word_error_is_a_success(world: World) -> None:
    assert (await world.run("'Error: exception in line 1'"))["success"]


async def test_parameters_are_bound_and_never_code(world: World) -> None:
    answer = await world.run("param($Name) $Name", parameters={"Name": "x'; Get-Date #"})
    assert answer["result"] == "x'; Get-Date #\n"


async def test_the_width_and_the_maximum_of_characters_reach_the_engine(world: World) -> None:
    answer = await world.run("'x' * 100", max_chars=10)
    assert (answer["result"].strip(), answer["truncated"]) == ("x" * 10, 91)


@pytest.mark.parametrize(
    ("field", "more"),
    [("format", {"format": "xml"}), ("width", {"width": 3}), ("max_chars", {"max_chars": 0})],
)
async def test_a_bad_option_is_named(world: World, field: str, more: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest) as caught:
        await world.run("1", **more)
    assert caught.value.field == field


async def test_a_run_outlives_its_callers_wait_and_is_followed(world: World) -> None:
    answer = await world.run(
        "'first'; while (-not $go) { Start-Sleep -Milliseconds 20 }", wait_s=0.2
    )
    assert (answer["state"], answer["code"], answer["success"]) == ("running", "run_pending", False)
    assert answer["run_id"] in answer["error"]
    assert "first" in await world.output_of(answer["run_id"], "first")
    ended = await world.sessions.cancel(answer["run_id"], wait_s=END_WAIT)
    assert (ended["state"], ended["code"], ended["stopping"]) == (
        "cancelled",
        "run_cancelled",
        False,
    )
    assert (await world.sessions.status(CONTOSO, "exo"))["state"] == "signed_in"
    assert (await world.run("'still here'"))["result"] == "still here\n"


async def test_cancelling_a_waiting_run_leaves_the_running_one_alone(world: World) -> None:
    first = await world.begin_run("'one'; $null = Read-Host 'Go on'; 'end of one'")
    await world.output_of(first, "one")
    await world.asked(first)
    live = world.sessions._lifecycle.find(CONTOSO, "exo")
    assert live is not None
    second = world.sessions._runs.add(live.key, "'two'")
    third = world.sessions._runs.add(live.key, "'three'")
    live.submit(second, "'two'")
    live.submit(third, "'three'")
    assert (await world.status())["queued_runs"] == 2
    cancelled = await world.sessions.cancel(second.id)
    assert (cancelled["state"], cancelled["total_chars"], cancelled["started_at"]) == (
        "cancelled",
        0,
        None,
    )
    assert (await world.sessions.run_view(first))["state"] == "waiting_for_input"
    await world.sessions.answer(first, "x")
    assert (await world.ended(first))["state"] == "succeeded"
    assert (await world.ended(third.id))["state"] == "succeeded"


async def test_a_prompt_is_shown_and_answered(world: World) -> None:
    run_id = await world.begin_run("$answer = Read-Host 'Your name'; \"Hello $answer\"")
    asked = await world.asked(run_id)
    assert (asked["state"], asked["code"]) == ("waiting_for_input", "waiting_for_input")
    assert "Your name" in asked["error"]
    await world.sessions.answer(run_id, "Ada")
    assert "Hello Ada" in await world.output_of(run_id, "Hello")
    assert (await world.ended(run_id))["state"] == "succeeded"


async def test_credentials_choices_and_secrets_are_answered_in_one_go(world: World) -> None:
    run_id = await world.begin_run(
        "$c = Get-Credential -Message m; $s = Read-Host -AsSecureString secret;$i ="
        " $Host.UI.PromptForChoice('c', 'm', @('&Yes', '&No'), 0);\"$($c.UserName)"
        ' $($c.GetNetworkCredential().Password) $($s | ConvertFrom-SecureString -AsPlainText) $i"'
    )
    for kind, value in (
        ("credential", {"user": "u", "password": "p"}),
        ("secret", "s"),
        ("choice", 1),
    ):
        asked = await world.asked(run_id)
        assert asked["prompt"]["kind"] == kind
        await world.sessions.answer(run_id, value)
    ended = await world.ended(run_id)
    assert [entry["text"] for entry in ended["entries"]] == ["u p s 1\n"]


async def test_an_answer_of_the_wrong_shape_leaves_the_prompt_open(world: World) -> None:
    run_id = await world.begin_run("Read-Host 'Name'")
    await world.asked(run_id)
    with pytest.raises(InvalidRequest):
        await world.sessions.answer(run_id, 7)
    assert (await world.sessions.run_view(run_id))["state"] == "waiting_for_input"
    await world.sessions.refuse(run_id, "not now")
    ended = await world.ended(run_id)
    assert ended["state"] == "failed"
    assert "not now" in ended["error"]


async def test_another_command_is_refused_while_a_question_is_open(world: World) -> None:
    run_id = await world.begin_run("Read-Host 'Name'")
    await world.asked(run_id)
    with pytest.raises(WaitingForInput) as caught:
        await world.run("1")
    assert caught.value.run_id == run_id
    assert "Name" in caught.value.question
    assert (await world.sessions.cancel(run_id, wait_s=END_WAIT))["state"] == "cancelled"


async def test_a_question_that_nobody_answers_is_refused_at_the_limit(world: World) -> None:
    run_id = await world.begin_run("Read-Host 'Name'")
    await world.asked(run_id)
    await world.sessions._watchdog.look(
        now() + timedelta(seconds=world.settings.input_timeout - 60)
    )
    assert (await world.sessions.run_view(run_id))["state"] == "waiting_for_input"
    await world.sessions._watchdog.look(now() + timedelta(seconds=world.settings.input_timeout + 1))
    ended = await world.ended(run_id)
    assert "nobody answered within 900 s" in ended["error"]


async def test_a_cancelled_run_that_cannot_stop_marks_its_session_stuck_until_it_ends(
    world: World,
) -> None:
    run_id = await world.begin_run("'begun'; [Threading.Thread]::Sleep(1000)")
    await world.output_of(run_id, "begun")
    cancelled = await world.sessions.cancel(run_id, wait_s=0)
    assert (cancelled["state"], cancelled["stopping"]) == ("running", True)
    await world.sessions._watchdog.look(
        now() + timedelta(seconds=world.settings.stuck_timeout - 60)
    )
    assert not (await world.status())["stuck"]
    await world.sessions._watchdog.look(now() + timedelta(seconds=world.settings.stuck_timeout + 1))
    status = await world.status()
    assert status["stuck"]
    assert run_id in status["stuck_reason"]
    assert (await world.ended(run_id))["state"] == "cancelled"
    await world.sessions._watchdog.look(now())
    assert not (await world.status())["stuck"]


async def test_the_idle_limit_never_closes_a_session_that_runs(world: World) -> None:
    run_id = await world.begin_run("'begun'; Start-Sleep 60")
    await world.output_of(run_id, "begun")
    await world.sessions._watchdog.look(now() + timedelta(seconds=world.settings.idle_timeout + 1))
    assert (await world.sessions.status(CONTOSO, "exo"))["state"] == "signed_in"
    assert (await world.sessions.cancel(run_id, wait_s=END_WAIT))["state"] == "cancelled"


async def test_input_for_a_run_that_asks_nothing_is_refused(world: World) -> None:
    answer = await world.run("1")
    with pytest.raises(RunNotWaiting):
        await world.sessions.answer(answer["run_id"], "x")
    with pytest.raises(UnknownRun):
        await world.sessions.cancel("r-none")


async def test_output_beyond_the_memory_limit_is_read_from_the_file(world: World) -> None:
    answer = await world.run('1..3000 | ForEach-Object { "line $_" }')
    expected = "".join(f"line {number}\n" for number in range(1, 3001))
    assert answer["result"] == expected
    assert list((world.settings.data_dir / "runs").glob(f"{answer['run_id']}*"))
    page = await world.sessions.run_view(answer["run_id"], cursor=20_000, limit=100)
    assert "".join(entry["text"] for entry in page["entries"]) == expected[20_000:20_100]
    assert (page["next_cursor"], page["more"]) == (20_100, True)


async def test_progress_is_shown_while_it_lasts(world: World) -> None:
    run_id = await world.begin_run(
        "Write-Progress Copying -PercentComplete 25; $null = Read-Host 'Go on'"
    )
    await world.asked(run_id)
    shown = await world.progress(run_id)  # it comes by another channel than the question
    assert (shown["activity"], shown["percent"]) == ("Copying", 25)
    await world.sessions.answer(run_id, "")
    assert (await world.ended(run_id))["progress"] is None


async def test_a_notebook_shares_the_session_and_its_runs_are_seen(world: World) -> None:
    await world.run("$shared = 'from REST'")
    client = world.front_end()
    client.start_channels()
    try:
        await client.wait_for_ready(timeout=END_WAIT)
        reply = asyncio.ensure_future(
            client.execute_interactive("$shared; $back = 'from notebook'", timeout=END_WAIT)
        )
        assert (await reply)["content"]["status"] == "ok"
    finally:
        client.stop_channels()
    assert (await world.run("$back"))["result"] == "from notebook\n"
    (seen,) = [run for run in world.sessions.run_views() if run["principal"] == "jupyter"]
    assert (seen["command"], seen["state"]) == ("$shared; $back = 'from notebook'", "succeeded")
    page = await world.sessions.run_view(seen["run_id"])
    assert "".join(entry["text"] for entry in page["entries"]) == "from REST\n"


async def test_a_command_waits_behind_a_notebooks_cell_and_can_be_cancelled_alone(
    world: World,
) -> None:
    live = world.sessions._lifecycle.find(CONTOSO, "exo")
    assert live is not None
    assert live.queue is not None
    client = world.front_end()
    client.start_channels()
    try:
        await client.wait_for_ready(timeout=END_WAIT)
        client.execute("Start-Sleep 30")
        async with asyncio.timeout(END_WAIT):
            while live.active is None:
                await live.queue.connection.request("control", "kernel_info_request")
        waiting = await world.run("'mine'", wait_s=0)
        assert waiting["state"] == "queued"
        assert (await world.sessions.cancel(waiting["run_id"]))["state"] == "cancelled"
        cell = await world.sessions.cancel(live.active.id, wait_s=END_WAIT)
        assert (cell["principal"], cell["command"], cell["state"]) == (
            "jupyter",
            "Start-Sleep 30",
            "cancelled",
        )
    finally:
        client.stop_channels()


async def test_old_runs_are_forgotten_with_their_files(world: World) -> None:
    answer = await world.run("'x' * 20000")
    file = world.settings.data_dir / "runs" / f"{answer['run_id']}.jsonl"
    assert file.exists()
    await world.sessions._watchdog.look(
        now() + timedelta(seconds=world.settings.runs_max_age + 1 - 60)
    )
    world.sessions._runs.forget_old(now() + timedelta(seconds=world.settings.runs_max_age + 1))
    with pytest.raises(UnknownRun):
        await world.sessions.run_view(answer["run_id"])
    assert not file.exists()


async def test_the_sessions_home_is_its_own_and_private(world: World) -> None:
    home = world.settings.homes / CONTOSO / "exo"
    assert (await world.run("$HOME"))["result"] == f"{home}\n"
    assert home.stat().st_mode & 0o777 == 0o700


async def test_a_secret_that_is_no_text_makes_nobody_deaf(world: World) -> None:
    odd = await world.run("param($p) 1", parameters={"p": {"$secret": {"a": "hidden-1"}}})
    page = await world.sessions.run_view(odd["run_id"])
    assert page["state"] == odd["state"]
    assert [(await world.run(f"'{mark}'"))["result"] for mark in "ab"] == ["a\n", "b\n"]


async def test_damaged_lines_of_the_history_are_left_out_and_counted(world: World) -> None:
    await world.run("'good one'")
    file = world.settings.data_dir / "history" / "contoso.example.exo" / "runs.jsonl"
    with file.open("ab") as lines:
        lines.write(b'{"run_id": "r-1", "sta\n\xff\xfe\x00\nnull\n5\n[]\n')
        lines.write(b'{"run_id": "r-odd", "started_at": 5, "ended_at": "x", "principal": 7}\n')
    answer = await world.run("(Get-SessionHistory -Last 1000).Command")
    assert answer["state"] == "succeeded"
    assert "'good one'" in answer["result"]
    assert answer["warnings"][0]["message"].startswith("5 lines of ")
    assert (await world.run("'goes on'"))["result"] == "goes on\n"


async def test_a_mark_of_another_encoding_hides_no_line_of_the_history(world: World) -> None:
    file = world.settings.data_dir / "history" / "contoso.example.exo" / "runs.jsonl"
    file.write_bytes(b"\xff\xfe\n")
    await world.run("'behind the mark'")
    answer = await world.run("Get-SessionHistory -Last 2 | ForEach-Object { $_.State, $_.Command }")
    assert answer["result"].split("\n")[:1] == ["changed"]
    assert "'behind the mark'" in answer["result"]
    assert answer["warnings"][0]["message"].startswith("1 line of ")
