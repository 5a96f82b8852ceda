"""`pwsh-kernels run`, `follow` and `cancel` as a person uses them, where a signal or a terminal
matters as a child.
"""

import json
import os
import pty
import signal
import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import IO, Any

import pytest

from tests.fixtures.cli import LIMIT, child_command, run_command
from tests.fixtures.server import CONTOSO, Server

pytestmark = [pytest.mark.xdist_group("commands"), pytest.mark.slow]

SESSION = (CONTOSO, "exo")


@pytest.fixture(scope="module")
def signed_in(server: Server) -> Server:
    """The shared server with contoso signed in."""
    status = server.sign_in(CONTOSO)
    assert status["state"] == "signed_in", status
    return server


def run(server: Server, *arguments: str, stdin: str = "") -> tuple[str, str, int]:
    """Run the command to its end; return stdout, stderr and the exit code."""
    return run_command(server.environment, *arguments, stdin=stdin)


def started(
    server: Server, *arguments: str, **streams: Any
) -> AbstractContextManager["subprocess.Popen[str]"]:
    """Start the command as a child process; it is ended with the block."""
    return child_command(server.environment, *arguments, **streams)


def opened(stream: IO[str] | None) -> IO[str]:
    """Return a stream that was asked for."""
    assert stream is not None
    return stream


def last_run(server: Server) -> dict[str, Any]:
    """Return the newest run, after it has ended."""
    run_id = server.get("/runs", tenant=CONTOSO, limit=1)["runs"][0]["run_id"]
    return server.get(f"/runs/{run_id}", cursor=10**9, wait_s=20)


@pytest.mark.parametrize(
    ("script", "stdout", "stderr", "code"),
    [
        ("'out'; Write-Warning 'mind'; Write-Host 'shown'", "out\nshown\n", "WARNING: mind\n", 0),
        ("& sh -c 'exit 9'; 'after'", "after\n", "", 9),
        ("$PSStyle.Foreground.Red + 'red' + $PSStyle.Reset", "red\n", "", 0),
        ("", "", "pwsh-kernels: command is required\n", 2),
    ],
)
def test_what_a_command_prints_and_how_it_ends(
    signed_in: Server, script: str, stdout: str, stderr: str, code: int
) -> None:
    assert run(signed_in, "run", *SESSION, script) == (stdout, stderr, code)


def test_an_error_is_on_stderr_and_fails_the_command_whatever_its_last_program_said(
    signed_in: Server,
) -> None:
    stdout, stderr, code = run(
        signed_in, "run", *SESSION, "'before'; Write-Error 'no'; & sh -c 'exit 0'"
    )
    assert (stdout, code) == ("before\n", 1)
    assert stderr.endswith(": no\n")


def test_what_helps_against_an_error_stands_behind_it(signed_in: Server) -> None:
    _, stderr, code = run(signed_in, "run", *SESSION, "Get-Mailbx")
    assert code == 1
    *_, hint = stderr.splitlines()
    assert hint.startswith("pwsh-kernels: Get-Mailbx is not known. Did you mean Get-Mailbox")


def test_values_are_bound_and_the_script_comes_from_stdin(signed_in: Server) -> None:
    script = 'param($Name, $Count)\n"$Name," + ($Count + 1)'
    values = ("--param", "Name=o'neil; exit 3", "--param", "Count:=41")
    assert run(signed_in, "run", *SESSION, "-", *values, stdin=script) == (
        "o'neil; exit 3,42\n",
        "",
        0,
    )


PARAM = (
    "<#\r\n.SYNOPSIS x\r\n#>\r\n#Requires -Version 5.1\r\n[CmdletBinding()]\r\nparam(\r\n"
    ' [string]$Name = "d"\r\n)\r\n'
    '"name=$Name root=[$PSScriptRoot] cmd=[$PSCommandPath]'
    ' my=[$($MyInvocation.MyCommand.Name)]"\r\n'
    "exit 6\r\n"
)


@pytest.mark.parametrize("by_stdin", [False, True])
def test_a_script_file_has_path_parameters_and_exit_code_as_powershell_gives_them(
    signed_in: Server, tmp_path: Path, by_stdin: bool
) -> None:
    file = tmp_path / "param.ps1"
    file.write_text(PARAM)
    source = ("-",) if by_stdin else ("-f", str(file))
    with (
        file.open() as text,
        started(signed_in, "run", *SESSION, *source, "--param", "Name=x y", stdin=text) as child,
    ):
        assert child.communicate(timeout=LIMIT) == (
            f"name=x y root=[{tmp_path}] cmd=[{file}] my=[param.ps1]\n",
            "",
        )
        assert child.returncode == 6


@pytest.mark.parametrize(
    ("data", "stdout"),
    [
        (
            b'\xef\xbb\xbfWrite-Host "bom \xc3\xa9"\r\nGet-Mailbox -ResultSize 1 | % Name\r\n',
            "bom é\nAdele Gupta\n",
        ),
        ('\ufeffWrite-Output "utf16 é"\n'.encode("utf-16-le"), "utf16 é\n"),
    ],
)
def test_a_script_file_with_a_byte_order_mark_runs_from_its_first_command_on(
    signed_in: Server, tmp_path: Path, data: bytes, stdout: str
) -> None:
    file = tmp_path / "marked.ps1"
    file.write_bytes(data)
    said, _, code = run(signed_in, "run", *SESSION, "-f", str(file))
    assert (said, code) == (stdout, 0)


def test_a_script_file_that_is_no_utf_8_is_refused_by_name_and_nothing_runs(
    signed_in: Server, tmp_path: Path
) -> None:
    file = tmp_path / "old.ps1"
    file.write_bytes(b'Write-Output "cp1252 \xe9"\r\n')
    before = last_run(signed_in)["run_id"]
    stdout, stderr, code = run(signed_in, "run", *SESSION, "--file", str(file))
    assert (stdout, code, last_run(signed_in)["run_id"]) == ("", 2, before)
    assert stderr.startswith(f"pwsh-kernels: {file}, line 1: this is not UTF-8")
    assert "It looks like WINDOWS-1252: `iconv -f WINDOWS-1252 -t UTF-8` converts it." in stderr


def test_a_requirement_that_is_not_met_is_the_reason_of_the_failure(signed_in: Server) -> None:
    script = '#Requires -Modules NoSuchModuleX\r\n"ran anyway"\r\n'
    stdout, stderr, code = run(signed_in, "run", *SESSION, "-", stdin=script)
    assert (stdout, code) == ("", 1)
    assert "NoSuchModuleX" in stderr


def test_a_command_and_a_file_at_once_are_refused(signed_in: Server, tmp_path: Path) -> None:
    assert run(signed_in, "run", *SESSION)[2] == 2
    file = tmp_path / "x.ps1"
    file.write_text("'x'")
    assert run(signed_in, "run", *SESSION, "'y'", "-f", str(file))[2] == 2


def test_a_byte_order_mark_before_a_command_of_rest_is_no_part_of_it(signed_in: Server) -> None:
    answer = signed_in.post(
        "/run", tenant=CONTOSO, command="\ufeff'a'; $PSScriptRoot", format="text"
    )
    assert (answer["success"], answer["result"], answer["command"]) == (
        True,
        "a\n\n",
        "'a'; $PSScriptRoot",
    )
    refused = signed_in.post("/run", tenant=CONTOSO, command="\ufeff")
    assert (refused["code"], refused["error"]) == ("invalid_request", "command is required")


@pytest.mark.parametrize("file", ["x.ps1", "C:\\x.ps1", "/x\n.ps1", ""])
def test_the_path_of_a_script_is_an_absolute_one(signed_in: Server, file: str) -> None:
    answer = signed_in.post("/run", tenant=CONTOSO, command="1", file=file)
    assert (answer["code"], answer["field"]) == ("invalid_request", "file")


SEVERAL = f"{CONTOSO},nobody.example"
OBJECT = 'Write-Warning "$([char]27)[31mmind"; Write-Host \'shown\'; @{A = "$([char]27)[32mg"}; 5'


def test_json_of_several_tenants_is_one_json_with_their_names(signed_in: Server) -> None:
    stdout, stderr, code = run(signed_in, "run", SEVERAL, "exo", OBJECT, "--format", "json")
    assert json.loads(stdout) == [
        {"tenant": CONTOSO, "A": "\x1b[32mg"},
        {"tenant": CONTOSO, "value": 5},
    ]
    assert code == 1
    assert "\x1b" not in stdout + stderr
    assert stderr.splitlines()[-4:] == [
        f"== {CONTOSO}: succeeded",
        "WARNING: mind",
        "shown",
        "== nobody.example: refused",
    ]


def test_csv_of_several_tenants_is_one_csv_with_their_names(signed_in: Server) -> None:
    script = "Write-Warning 'mind'; [pscustomobject]@{A = 1; Tenant = 'x'}"
    stdout, _, _ = run(signed_in, "run", SEVERAL, "exo", script, "--format", "csv")
    assert stdout == f'"tenant","A","value.Tenant"\n"{CONTOSO}","1","x"\n'


def test_text_of_several_tenants_is_on_stdout_and_whose_it_is_on_stderr(
    signed_in: Server,
) -> None:
    stdout, stderr, _ = run(signed_in, "run", SEVERAL, "exo", "'out'; Write-Error 'no'")
    assert stdout == "out\n"
    assert f"== {CONTOSO}: failed\n" in stderr
    assert stderr.rstrip().endswith("== nobody.example: refused")


def test_no_json_that_the_command_line_prints_carries_escapes(signed_in: Server) -> None:
    for tenants in (CONTOSO, SEVERAL):
        stdout, _, _ = run(signed_in, "run", tenants, "exo", OBJECT, "--json")
        assert "mind" in stdout
        assert "\\u001b" not in stdout.replace("\\\\u001b", "")


def test_only_the_result_is_on_stdout_when_a_program_reads_it(signed_in: Server) -> None:
    stdout, stderr, code = run(
        signed_in, "run", *SESSION, "Write-Host 'shown'; @{A = 1}", "--format", "json"
    )
    assert (json.loads(stdout), stderr, code) == ({"A": 1}, "shown\n", 0)
    assert stdout.endswith("\n")


def test_the_whole_run_is_printed_as_json(signed_in: Server) -> None:
    stdout, stderr, code = run(signed_in, "run", *SESSION, "'x'; Write-Error 'no'", "--json")
    facts = json.loads(stdout)
    assert (facts["result"], facts["state"], facts["errors"][0]["message"]) == (
        "x\n",
        "failed",
        "no",
    )
    assert (stderr, code) == ("", 1)


def test_output_is_printed_as_it_arrives(signed_in: Server, tmp_path: Path) -> None:
    sign = tmp_path / "go"
    script = (
        f"'first'; while (-not (Test-Path '{sign}')) {{ Start-Sleep -Milliseconds 20 }}; 'second'"
    )
    with started(signed_in, "run", *SESSION, script) as child:
        assert opened(child.stdout).readline() == "first\n"
        sign.touch()
        assert child.communicate(timeout=LIMIT) == ("second\n", "")
        assert child.returncode == 0


def test_ctrl_c_cancels_the_run_and_keeps_the_session(signed_in: Server) -> None:
    with started(signed_in, "run", *SESSION, "'started'; Start-Sleep 60") as child:
        assert opened(child.stdout).readline() == "started\n"
        child.send_signal(signal.SIGINT)
        _, stderr = child.communicate(timeout=LIMIT)
        assert child.returncode == 130
    ended = last_run(signed_in)
    assert stderr.startswith(f"Cancelling {ended['run_id']} ... (Ctrl-C again leaves it running)\n")
    assert ended["state"] == "cancelled"
    assert signed_in.post("/status", tenant=CONTOSO)["state"] == "signed_in"


def test_a_second_ctrl_c_leaves_a_run_that_cannot_stop(signed_in: Server) -> None:
    with started(signed_in, "run", *SESSION, "'started'; [Threading.Thread]::Sleep(2500)") as child:
        assert opened(child.stdout).readline() == "started\n"
        child.send_signal(signal.SIGINT)
        cancelling = opened(child.stderr).readline()
        child.send_signal(signal.SIGINT)
        _, stderr = child.communicate(timeout=LIMIT)
        assert child.returncode == 130
    run_id = cancelling.split()[1]
    assert stderr == f"Left running: `pwsh-kernels follow {run_id}` attaches again.\n"
    assert signed_in.get(f"/runs/{run_id}", cursor=10**9, wait_s=20)["state"] == "cancelled"


def test_a_reader_that_leaves_cancels_the_run(signed_in: Server) -> None:
    with started(signed_in, "run", *SESSION, "while ($true) { 'line' * 1000 }") as child:
        assert opened(child.stdout).readline().startswith("line")
        opened(child.stdout).close()
        assert child.wait(LIMIT) == 1
        assert opened(child.stderr).read() == ""
    assert last_run(signed_in)["state"] == "cancelled"


def test_a_detached_run_is_followed_and_cancelled_by_its_id(signed_in: Server) -> None:
    run_id, stderr, code = run(signed_in, "run", *SESSION, "'done'; exit 5", "--detach")
    assert (stderr, code) == ("", 0)
    assert run(signed_in, "follow", run_id.strip()) == ("done\n", "", 5)

    stdout, stderr, code = run(
        signed_in, "run", *SESSION, "'slow'; Start-Sleep 60", "--wait-s", "1"
    )
    slow = last_id(signed_in)
    assert (stdout, stderr, code) == (
        "slow\n",
        f"{slow} is running: `pwsh-kernels follow {slow}` attaches to it.\n",
        5,
    )
    assert run(signed_in, "cancel", slow) == (f"{slow}: cancelled\n", "", 0)
    listed = run(signed_in, "runs", "--tenant", CONTOSO, "--limit", "1")[0].splitlines()
    assert listed[0].split() == [
        "RUN",
        "SESSION",
        "STATE",
        "STARTED",
        "SECONDS",
        "CLIENT",
        "COMMAND",
    ]
    assert listed[1].split()[:3] == [slow, "contoso.example:exo", "cancelled"]


def test_runs_in_several_tenants_can_be_left_running_and_followed_one_by_one(
    signed_in: Server,
) -> None:
    here = f"{CONTOSO},"
    stdout, stderr, code = run(signed_in, "run", here, "exo", "'done'", "--detach")
    tenant, run_id = stdout.split()
    assert (tenant, stderr, code) == (CONTOSO, "", 0)
    assert run(signed_in, "follow", run_id) == ("done\n", "", 0)

    stdout, stderr, code = run(
        signed_in, "run", here, "exo", "'slow'; Start-Sleep 60", "--wait-s", "1"
    )
    slow = last_id(signed_in)
    assert (stdout, code) == ("slow\n", 5)
    told = f"{CONTOSO}: running: `pwsh-kernels follow {slow}` attaches to it"
    assert stderr == f"{told}\n== {CONTOSO}: running\n"
    assert run(signed_in, "cancel", slow) == (f"{slow}: cancelled\n", "", 0)


def last_id(server: Server) -> str:
    """Return the id of the newest run."""
    run_id: str = server.get("/runs", tenant=CONTOSO, limit=1)["runs"][0]["run_id"]
    return run_id


def test_a_question_without_a_terminal_is_refused(signed_in: Server) -> None:
    stdout, stderr, code = run(signed_in, "run", *SESSION, "Read-Host 'Your name'")
    assert (stdout, code) == ("", 1)
    assert stderr.startswith(
        "The command asks for 'Your name'; stdin is not a terminal, so the question is refused.\n"
    )


@contextmanager
def terminal() -> Iterator[tuple[int, int]]:
    """Give the two ends of a terminal: ours, and the one that a command sees."""
    ours, theirs = pty.openpty()
    with closing(os.fdopen(ours, "rb", buffering=0)), closing(os.fdopen(theirs, "rb", buffering=0)):
        yield ours, theirs


def read_until(stream: IO[str], end: str) -> str:
    """Return what a stream gives up to and with a text."""
    text = ""
    while not text.endswith(end):
        text += stream.read(1) or pytest.fail(f"the stream ended: {text!r}")
    return text


def test_questions_are_answered_at_the_terminal(signed_in: Server) -> None:
    script = "$n = Read-Host 'Your name'; $p = Read-Host 'Pin' -AsSecureString; \"$n $($p.Length)\""
    with (
        terminal() as (ours, theirs),
        started(signed_in, "run", *SESSION, script, stdin=theirs) as child,
    ):
        assert "Your name" in read_until(opened(child.stderr), ": ")
        os.write(ours, b"Adele\n")
        assert "Pin" in read_until(opened(child.stderr), ": ")
        os.write(ours, b"hunter2\n")
        stdout, stderr = child.communicate(timeout=LIMIT)
        os.set_blocking(ours, False)
        echoed = os.read(ours, 4096)
    assert (child.returncode, stdout) == (0, "Adele 7\n")
    assert b"Adele" in echoed
    assert b"hunter2" not in echoed
    assert "hunter2" not in stdout + stderr


def test_the_end_of_the_input_refuses_the_question(signed_in: Server) -> None:
    with (
        terminal() as (ours, theirs),
        started(signed_in, "run", *SESSION, "Read-Host 'Your name'", stdin=theirs) as child,
    ):
        read_until(opened(child.stderr), ": ")
        os.write(ours, b"\x04")
        stdout, _ = child.communicate(timeout=LIMIT)
        assert (child.returncode, stdout) == (1, "")


def test_somebody_elses_answer_is_as_good(signed_in: Server) -> None:
    with (
        terminal() as (_, theirs),
        started(
            signed_in, "run", *SESSION, "'hello ' + (Read-Host 'Your name')", stdin=theirs
        ) as child,
    ):
        read_until(opened(child.stderr), ": ")
        signed_in.post(f"/runs/{last_id(signed_in)}/input", value="Adele", for_other=True)
        stdout, stderr = child.communicate(timeout=LIMIT)
    assert (child.returncode, stdout) == (0, "hello Adele\n")
    assert "Answered elsewhere." in stderr


def test_who_follows_anothers_run_in_a_terminal_is_told_whose_question_it_answers(
    signed_in: Server,
) -> None:
    asked = signed_in.run("'hello ' + (Read-Host 'Your name')", format="text")
    whose = f"{asked['run_id']} is waiting for an answer from token (python-httpx), who started it."
    with (
        terminal() as (ours, theirs),
        started(signed_in, "follow", asked["run_id"], stdin=theirs) as child,
    ):
        assert whose in read_until(opened(child.stderr), "Your name: ")
        os.write(ours, b"Adele\n")
        stdout, _ = child.communicate(timeout=LIMIT)
    assert (child.returncode, stdout) == (0, "hello Adele\n")


def test_who_follows_anothers_run_without_a_terminal_leaves_the_question_to_them(
    signed_in: Server,
) -> None:
    asked = signed_in.run("'hello ' + (Read-Host 'Your name')", format="text")
    with started(signed_in, "follow", asked["run_id"]) as child:
        assert "It is left to them." in read_until(opened(child.stderr), "left to them.")
        assert signed_in.get(f"/runs/{asked['run_id']}")["state"] == "waiting_for_input"
        signed_in.post(f"/runs/{asked['run_id']}/input", value="Adele")
        stdout, _ = child.communicate(timeout=LIMIT)
    assert (child.returncode, stdout) == (0, "hello Adele\n")


def test_of_escape_sequences_a_terminal_gets_colours_alone_whatever_is_split(
    signed_in: Server,
) -> None:
    script = 'Write-Host -NoNewline "a`e]52;c;ZX"; Write-Host "ZpbA==`ab"; "$([char]0x9b)2J`e[31mc"'
    with (
        terminal() as (ours, theirs),
        started(signed_in, "run", *SESSION, script, stdout=theirs) as child,
    ):
        assert child.wait(LIMIT) == 0
        assert os.read(ours, 4096) == b"ab\r\n\x1b[31mc\r\n\x1b[0m"


def test_the_list_of_runs_shows_what_a_command_holds_and_obeys_nothing(signed_in: Server) -> None:
    signed_in.run("'\x1b]52;c;ZXZpbA==\x07\x9b2J\u202e'")
    stdout, _, code = run(signed_in, "runs", "--limit", "1")
    assert code == 0
    assert "'\\u{1B}]52;c;ZXZpbA==\\u{7}\\u{9B}2J\\u{202E}'" in stdout
    assert not set(stdout) & set("\x1b\x07\x9b\u202e")


def test_colours_are_printed_on_a_terminal(signed_in: Server) -> None:
    with (
        terminal() as (ours, theirs),
        started(signed_in, "run", *SESSION, '"`e[31mred`e[0m"', stdout=theirs) as child,
    ):
        assert child.wait(LIMIT) == 0
        assert os.read(ours, 4096).startswith(b"\x1b[31mred\x1b[0m")
