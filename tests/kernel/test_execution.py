"""What a client sees of a cell, from a real kernel: outputs in order with their facts, one error, a
reply with a summary.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import zmq
from jupyter_client.manager import KernelManager

from pwsh_kernels.kernel.stopping import BLOCKED
from pwsh_kernels.messages import KEY
from pwsh_kernels.records import Record
from tests.fixtures.kernel import WAIT_S, Client

pytestmark = pytest.mark.xdist_group("kernel")


def record(message: dict[str, Any]) -> Record:
    """Return the record that a message shows."""
    return Record.from_json(message["metadata"][KEY]["record"])


def test_output_comes_as_text_on_stdout(client: Client) -> None:
    run = client.run("1 + 1; 'grüße 😀'")
    assert run.text() == "2\ngrüße 😀\n"
    assert run.content["status"] == "ok"
    assert run.content["user_expressions"] == {}
    assert run.summary.outcome == "completed"
    assert not run.summary.had_errors


def test_the_text_of_a_program_is_a_table_of_text(client: Client) -> None:
    run = client.run(
        "1..2 | ForEach-Object { [pscustomobject]@{ N = $_; Square = $_ * $_ } }",
        {"format": "text"},
    )
    assert set(run.kinds) == {"text"}
    assert run.text() == "\nN Square\n- ------\n1      1\n2      4\n\n"


def test_variables_live_from_cell_to_cell(client: Client) -> None:
    client.run("$kept = 41")
    assert client.run("$kept + 1").text() == "42\n"


def test_streams_keep_their_order_and_carry_their_facts(client: Client) -> None:
    run = client.run(
        "'a'; Write-Warning w; 'b'; Write-Host h; Write-Error e; Write-Verbose v -Verbose; 'c'"
    )
    assert run.kinds == ["text", "warning", "text", "host", "error", "verbose", "text"]
    assert [one["content"]["name"] for one in run.outputs] == [
        "stdout", "stderr", "stdout", "stdout", "stderr", "stderr", "stdout",
    ]  # fmt: skip
    assert run.text() == "a\nb\nh\nc\n"
    assert record(run.outputs[1]).message == "w"
    assert record(run.outputs[4]).error_id.startswith(
        "Microsoft.PowerShell.Commands.WriteErrorException"
    )


def test_raw_console_text_arrives_with_its_own_kind(client: Client) -> None:
    run = client.run("[Console]::WriteLine('raw'); Start-Sleep -Milliseconds 50")
    assert "raw\n" in run.text()
    assert "console" in run.kinds


def test_a_non_terminating_error_leaves_the_reply_ok_and_is_counted(client: Client) -> None:
    run = client.run("Get-Item /nope1; Get-Item /nope2; Write-Warning w; 'done'")
    assert run.content["status"] == "ok"
    assert (run.summary.errors, run.summary.warnings, run.summary.had_errors) == (2, 1, True)
    assert run.text() == "done\n"


def test_a_terminating_error_is_one_error_message_and_an_error_reply(client: Client) -> None:
    run = client.run("'before'\nthrow 'boom'")
    assert run.kinds == ["text", "error"]
    assert run.outputs[-1]["msg_type"] == "error"
    assert run.content["status"] == "error"
    assert run.content["evalue"] == "boom"
    assert run.content["ename"] == "RuntimeException"
    assert any("throw 'boom'" in line for line in run.content["traceback"])
    assert run.summary.outcome == "failed"
    assert record(run.outputs[-1]).line == 2


def test_a_parse_error_runs_nothing_and_shows_its_place(client: Client) -> None:
    run = client.run("'not run'\nif (")
    assert [one["msg_type"] for one in run.outputs] == ["error"]
    assert run.content["ename"] == "ParseException"


def test_text_written_fast_comes_in_few_messages(client: Client) -> None:
    run = client.run("1..3000 | ForEach-Object { Write-Host $_ }")
    assert run.text().split() == [str(one) for one in range(1, 3001)]
    assert len(run.outputs) < 300


def test_what_records_say_behind_a_thousand_costs_what_text_costs(client: Client) -> None:
    run = client.run("foreach ($i in 1..4000) { Write-Error \"<$i>\" }; 'end'")
    told = [one for one in run.outputs if one["content"]["name"] == "stderr"]
    said = "".join(one["content"]["text"] for one in told)
    assert re.findall(r"<(\d+)>", said) == [str(one) for one in range(1, 4001)]
    assert sum("record" in one["metadata"][KEY] for one in told) == 1000
    assert len(told) < 1300
    assert {one["metadata"][KEY]["kind"] for one in told} == {"error"}
    assert (run.summary.errors, run.text()) == (4000, "end\n")


def warning(socket: zmq.Socket[bytes]) -> bytes:
    """Return the digits of the next warning on iopub."""
    while True:
        assert socket.poll(WAIT_S * 1000), "a message is missing"
        found = re.search(rb"WARNING: (\d+)", b"".join(socket.recv_multipart()))
        if found:
            return found[1]


@pytest.fixture
def slow_subscriber(kernel: KernelManager) -> Iterator[zmq.Socket[bytes]]:
    """A client whose own buffers hold next to nothing."""
    with zmq.Context() as context, context.socket(zmq.SUB) as socket:
        socket.setsockopt(zmq.RCVHWM, 1)
        socket.setsockopt(zmq.RCVBUF, 65_536)
        socket.connect(f"tcp://{kernel.ip}:{kernel.iopub_port}")
        socket.subscribe(b"")
        yield socket


def test_no_output_is_lost_for_a_client_that_reads_late(
    client: Client, slow_subscriber: zmq.Socket[bytes]
) -> None:
    while not slow_subscriber.poll(20):
        client.ask("kernel_info_request", {}, "control")
    run_id = client.send("1..1000 | ForEach-Object { Write-Warning ($_.ToString('d4') * 1000) }")
    client.read_until(lambda: run_id in client.replies)
    for number in range(1, 1001):
        assert warning(slow_subscriber) == b"%04d" % number * 1000


def test_progress_is_one_display_that_is_updated_and_ends_in_its_last_state(client: Client) -> None:
    run = client.run(
        '1..5000 | ForEach-Object { Write-Progress Copying -Status "file $_" -PercentComplete ($_ /'
        " 50) }"
    )
    assert run.outputs[0]["msg_type"] == "display_data"
    assert {one["msg_type"] for one in run.outputs[1:]} <= {"update_display_data"}
    assert len({one["content"]["transient"]["display_id"] for one in run.outputs}) == 1
    assert len(run.outputs) <= 12 + 11 * run.summary.duration_s
    last, gone = run.outputs[-2:]
    assert "file 5000" in last["content"]["data"]["text/plain"]
    assert 'value="100"' in last["content"]["data"]["text/html"]
    assert last["metadata"][KEY]["progress"]["percent"] == 100
    assert gone["content"]["data"] == {"text/plain": "", "text/html": ""}


def test_a_bar_is_nested_under_its_parent_and_removed_when_completed(client: Client) -> None:
    code = (
        "Write-Progress Outer big -Id 1; Write-Progress Inner deep -Id 2 -ParentId 1;"
        " Write-Progress Other -Id 3;Start-Sleep -Milliseconds 150; Write-Progress Inner -Id 2"
        " -Completed"
    )
    run = client.run(code)
    shown = [one for one in run.outputs if one["metadata"][KEY]["kind"] == "progress"]
    displays = {one["content"]["transient"]["display_id"] for one in shown}
    assert len(displays) == 2
    plain = [one["content"]["data"]["text/plain"] for one in shown]
    nested = plain.index("Outer big\n  Inner deep")
    assert "Outer big" in plain[nested + 1 :]
    assert plain[-2:] == ["", ""]


@pytest.mark.parametrize(
    ("chosen", "shown"),
    [
        ("json", '{\n  "a": 1,\n  "b": false\n}'),
        ("csv", '"a","b"\n"1","False"\n'),
        ("list", "\na : 1\nb : False\n\n"),
    ],
)
def test_the_format_is_chosen_by_metadata(client: Client, chosen: str, shown: str) -> None:
    run = client.run("[pscustomobject]@{ a = 1; b = $false }", {"format": chosen})
    assert run.text().strip() == shown.strip()


def test_parameters_are_bound_and_never_run(client: Client) -> None:
    evil = "\"; Get-Date #$(Get-Date)`n'"
    run = client.run(
        "param($Name, [int]$Count) $Name; $Count + 1", {"parameters": {"Name": evil, "Count": 41}}
    )
    assert run.text() == f"{evil}\n42\n"


def test_a_maximum_of_characters_cuts_and_counts_the_rest(client: Client) -> None:
    run = client.run("'x' * 100", {"max_chars": 10})
    assert run.text() == "x" * 10
    assert run.summary.truncated == 91


def test_the_width_is_that_of_the_request(client: Client) -> None:
    run = client.run(
        "[pscustomobject]@{ a = 'y' * 50; b = 'z' * 50 } | Format-Table", {"width": 40}
    )
    assert "yyy" in run.text()
    assert max(map(len, run.text().splitlines())) <= 40


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"format": "xml"}, "pwsh.format"),
        ({"colour": 1}, "pwsh.colour"),
        ({"width": 1}, "pwsh.width"),
    ],
)
def test_a_bad_option_is_named_and_nothing_runs(
    client: Client, options: dict[str, Any], named: str
) -> None:
    client.run("$ran = 0")
    run = client.run("$ran = 1", options)
    assert run.content["ename"] == "InvalidRequest"
    assert named in run.content["evalue"]
    assert client.run("$ran").text() == "0\n"


def test_an_empty_cell_is_fine(client: Client) -> None:
    run = client.run(" \n")
    assert run.content["status"] == "ok"
    assert run.outputs == []


def test_a_silent_cell_shows_nothing_but_that_the_kernel_was_busy(client: Client) -> None:
    run = client.run(
        "'x'; Write-Warning w; $quiet = 7; throw 'no'", silent=True, store_history=False
    )
    assert [one["content"]["execution_state"] for one in run.messages] == ["busy", "idle"]
    assert run.content["evalue"] == "no"
    assert client.run("$quiet").text() == "7\n"


def test_user_expressions_are_answered_each_in_its_own_shape(client: Client) -> None:
    run = client.run("$n = 20", user_expressions={"good": "$n + 1", "bad": "throw 'expression'"})
    good, bad = run.content["user_expressions"]["good"], run.content["user_expressions"]["bad"]
    assert good == {"status": "ok", "data": {"text/plain": "21"}, "metadata": {}}
    assert (bad["status"], bad["evalue"]) == ("error", "expression")


def test_exit_with_a_code_is_told_and_the_session_lives_on(client: Client) -> None:
    client.run("$stays = 'here'")
    run = client.run("'before'; exit 3")
    assert run.text() == "before\n"
    assert (run.summary.exit_called, run.summary.exit_code, run.summary.had_errors) == (
        True,
        3,
        True,
    )
    assert run.content["payload"] == [{"source": "ask_exit", "keepkernel": True}]
    assert client.run("$stays").text() == "here\n"


def test_a_native_program_tells_its_exit_code(client: Client) -> None:
    run = client.run("sh -c 'echo out; echo err >&2; exit 5'")
    assert run.text() == "out\n"
    assert run.text("stderr") == "err\n"
    assert run.summary.exit_code == 5


def test_cell_ids_and_foreign_metadata_are_accepted(client: Client) -> None:
    session = client.jupyter.session
    content = {"code": "'cell'", "silent": False}
    message = session.msg(
        "execute_request", content, metadata={"cellId": "c-1", "deletedCells": [], "trusted": True}
    )
    client.jupyter.shell_channel.send(message)
    client.read_until(lambda: message["msg_id"] in client.replies)
    assert client.replies[message["msg_id"]]["content"]["status"] == "ok"


FILLS_SCREEN = """sh -c 'echo Vim: Warning: Input is not from a terminal >&2; sleep 300; true'"""


@pytest.mark.parametrize(
    ("start", "code"), [("& ./fill", 129), ("Start-Process -Wait ./fill", None)]
)
def test_a_program_that_fills_a_screen_is_told_that_there_is_none_and_the_cell_goes_on(
    client: Client, tmp_path: Path, start: str, code: int | None
) -> None:
    program = tmp_path / "fill"
    program.write_text(f"#!/bin/sh\n{FILLS_SCREEN}\ntrue\n", encoding="utf-8")
    program.chmod(0o700)
    run = client.run(f"{start.replace('./fill', str(program))}; 'on'", {})
    assert run.text().splitlines()[-1] == "on"
    assert "fills a screen" in run.text("stderr")
    assert (run.summary.outcome, run.summary.exit_code) == ("completed", code)


@pytest.mark.parametrize("options", [None, {}], ids=["a person", "a program"])
def test_a_program_that_waits_for_a_terminal_is_told_of_and_the_cell_goes_on(
    client: Client, options: dict[str, Any] | None
) -> None:
    # What vi does with 2>$null: its input has ended, so it reads from where its errors go.
    run = client.run("$null = sh -c 'exec sleep 300 0<&2' 2>$null; 'on'", options)
    assert run.text() == "on\n"
    assert "sleep was waiting for input from a terminal. There is none" in run.text("stderr")


def test_a_program_that_only_takes_its_time_is_left_alone(client: Client) -> None:
    run = client.run("sh -c 'sleep 6; echo done'; $LASTEXITCODE", {})
    assert (run.text(), run.text("stderr")) == ("done\n0\n", "")


@pytest.mark.parametrize("options", [None, {}], ids=["a person", "a program"])
@pytest.mark.parametrize(
    ("left", "number"),
    [("sleep 300", "SIGTERM"), ("(trap '' TERM; sleep 300; true)", "SIGKILL")],
)
def test_stop_ends_what_a_program_has_left_running_and_says_so(
    client: Client, options: dict[str, Any] | None, left: str, number: str
) -> None:
    quoted = left.replace("'", "''")
    run_id = client.send(
        f"$kept = Start-Process sleep 300 -PassThru; bash -c '{quoted} & echo started'; 'back'",
        options,
    )
    client.until(run_id, lambda run: "started" in run.text())
    client.interrupt()
    run = client.finish(run_id)
    assert (run.text(), run.summary.outcome) == ("started\n", "stopped")
    said = run.text("stderr").splitlines()
    assert "Stop ended programs that this run had started" in said[-1]
    assert said[-1].endswith(f"({number}).")
    assert "sleep " in said[-1]
    assert BLOCKED not in run.text("stderr")
    assert client.run("$kept.HasExited; $kept.Kill()").text() == "False\n"


def test_what_an_earlier_cell_has_started_is_not_told_of_a_screen(client: Client) -> None:
    client.run("$earlier = Start-Process sleep 300 -PassThru", {})
    run = client.run(f"{FILLS_SCREEN}; $earlier.HasExited; $earlier.Kill()", {})
    assert run.text() == "False\n"


def test_a_byte_order_mark_before_a_cell_is_no_part_of_it(client: Client) -> None:
    run = client.run("\ufeff'first'\n'second'")
    assert (run.text(), run.content["status"]) == ("first\nsecond\n", "ok")
