"""Interrupts, other clients and the questions about code that a client may ask."""

import os
import signal
from typing import Any

import pytest
from jupyter_client.manager import KernelManager

from tests.fixtures.kernel import Client, Run

pytestmark = pytest.mark.xdist_group("kernel")


def started(run: Run) -> bool:
    """Say whether the cell has printed that it runs."""
    return "started" in run.text()


@pytest.mark.parametrize(
    "code",
    [
        "'started'; Start-Sleep 60",
        "'started'; while ($true) { }",
        "'started'; sleep 60",
        "try { 'started'; Start-Sleep 60 } finally { 'cleaned' }",
    ],
)
def test_an_interrupt_stops_the_cell_and_the_kernel_goes_on(client: Client, code: str) -> None:
    run_id = client.send(code)
    client.until(run_id, started)
    assert client.interrupt() == {"status": "ok"}
    run = client.finish(run_id)
    assert run.content["ename"] == "PipelineStopped"
    assert [one["msg_type"] for one in run.outputs].count("error") == 1
    assert run.summary.outcome == "stopped"
    assert ("cleaned" in run.text()) == ("cleaned" in code)
    assert client.run("'alive'").text() == "alive\n"


@pytest.mark.parametrize(
    "code",
    [
        "Read-Host 'Never answered'",
        "Read-Host PIN -AsSecureString",
        "Get-Credential",
        "function f { param([Parameter(Mandatory)]$Who) } f",
        (
            "function f { [CmdletBinding(SupportsShouldProcess)] param()"
            " $PSCmdlet.ShouldProcess('it') } f -Confirm"
        ),
    ],
)
def test_an_interrupt_withdraws_an_open_prompt(client: Client, code: str) -> None:
    run_id = client.send(code, allow_stdin=True)
    client.question(run_id)
    client.interrupt()
    assert client.finish(run_id).content["ename"] == "PipelineStopped"
    client.answer("too late")
    assert client.run("'got ' + (Read-Host 'Next')", answers=["in time"]).text() == "got in time\n"


def test_an_interrupt_of_an_idle_kernel_does_nothing(client: Client) -> None:
    assert client.interrupt() == {"status": "ok"}
    assert client.run("'alive'").content["status"] == "ok"


def test_the_signal_sigint_does_nothing(client: Client, kernel: KernelManager) -> None:
    pid: int = kernel.provisioner.pid  # type: ignore[union-attr]
    run_id = client.send("'started'; Start-Sleep -Milliseconds 200; 'finished'")
    client.until(run_id, started)
    os.kill(pid, signal.SIGINT)
    assert client.finish(run_id).text() == "started\nfinished\n"
    os.kill(pid, signal.SIGINT)
    assert client.run("'alive'").text() == "alive\n"


def test_an_error_aborts_only_what_its_own_client_has_queued(
    client: Client, other_client: Client
) -> None:
    first = client.send(
        "'started'; Start-Sleep -Milliseconds 300; throw 'mine'", stop_on_error=True
    )
    client.until(first, started)
    mine = [client.send(f"'a{one}'", stop_on_error=True) for one in range(3)]
    theirs = [other_client.send(f"'b{one}'") for one in range(3)]
    assert client.finish(first).content["status"] == "error"
    assert [client.finish(one).content["status"] for one in mine] == ["aborted"] * 3
    assert [other_client.finish(one).text() for one in theirs] == ["b0\n", "b1\n", "b2\n"]
    assert client.run("'again'").text() == "again\n"


def test_without_stop_on_error_the_queue_goes_on(client: Client) -> None:
    first = client.send("throw 'x'", stop_on_error=False)
    second = client.send("'second'")
    assert client.finish(first).content["status"] == "error"
    assert client.finish(second).text() == "second\n"


def test_kernel_info_tells_the_real_version_even_while_a_cell_runs(client: Client) -> None:
    run_id = client.send("'started'; Start-Sleep 60")
    client.until(run_id, started)
    info = client.ask("kernel_info_request", {}, "control")
    client.interrupt()
    client.finish(run_id)
    version = client.run("$PSVersionTable.PSVersion.ToString()").text().strip()
    assert info["language_info"]["version"] == version
    assert info["implementation"] == "pwsh_kernels"
    assert version in info["banner"]
    assert info["supported_features"] == []
    assert info["pwsh"] == {"understands": ["packed", "own", "guards", "state"]}
    assert "subshell" not in str(info)


@pytest.mark.parametrize(
    "kind", ["execute_request", "complete_request", "create_subshell_request", "debug_request"]
)
def test_the_control_channel_runs_no_code(client: Client, kind: str) -> None:
    message = client.jupyter.session.msg(kind, {"code": "$control = 1", "cursor_pos": 0})
    client.jupyter.control_channel.send(message)
    client.ask("kernel_info_request", {}, "control")
    assert message["msg_id"] not in client.replies
    assert client.run("$control").text() == ""


def complete(client: Client, code: str, cursor: int | None = None) -> dict[str, Any]:
    """Ask for completion."""
    return client.ask(
        "complete_request", {"code": code, "cursor_pos": len(code) if cursor is None else cursor}
    )


def test_completion_finds_commands_parameters_and_variables(client: Client) -> None:
    client.run("$completable = 1")
    assert "Get-Date" in complete(client, "Get-Da")["matches"]
    assert "-UFormat" in complete(client, "Get-Date -UF")["matches"]
    assert complete(client, "1; $completab")["matches"] == ["$completable"]


def test_completion_counts_code_points_after_an_emoji(client: Client) -> None:
    code = "'😀😀'; Get-Da ; 'after'"
    cursor = code.index("Get-Da") + len("Get-Da")
    reply = complete(client, code, cursor)
    assert "Get-Date" in reply["matches"]
    assert (reply["cursor_start"], reply["cursor_end"]) == (code.index("Get-Da"), cursor)
    assert reply["metadata"]["_jupyter_types_experimental"][0]["type"] == "command"


def test_completion_of_nothing_is_empty(client: Client) -> None:
    reply = complete(client, "Get-NoSuchThingAtAll")
    assert (reply["status"], reply["matches"]) == ("ok", [])


OPEN_CODE = """if (1) {|if (1)|if (1) {} else|if (1) {} elseif|switch (1) {|switch (1)|for (|for ($i = 0;|foreach ($x in
foreach ($x in 1)|while (1)|do {|do {}|do {} while (|try {|try {}|try {} catch {|try {} finally|trap {|begin {
function f|function f {|filter f {|class A {|class A|enum E {|data {|param(|[Parameter(|[int|using namespace
@{|@{ a =|@{ a = 1|@(|$(|(|foo(|$x[|${abc|1 +|1,|1..|1 -eq|$true -and|-not|$x =|$x.|[int]::|$a ??|1 ? 2|1 ? 2 :
&|1 &&|1 >|"abc|'abc|"$(|"$(if (1) {|<# note|Get-Date `|'a' % {"""  # noqa: E501


@pytest.mark.parametrize(
    "code",
    [
        *OPEN_CODE.replace("\n", "|").split("|"),
        "Get-Date |",
        "Get-Date |\n",
        "1 ||",
        "@'\nabc",
        '@"\nabc\n',
        "{\n\n",
    ],
)
def test_open_code_is_incomplete(client: Client, code: str) -> None:
    assert client.ask("is_complete_request", {"code": code})["status"] == "incomplete"


def test_an_open_block_asks_for_an_indent_and_an_open_here_string_does_not(client: Client) -> None:
    assert (
        client.ask("is_complete_request", {"code": "if (1) {\n  foreach ($x in 1) {"})["indent"]
        == " " * 8
    )
    assert client.ask("is_complete_request", {"code": 'if (1) {\n@"\ntext'})["indent"] == ""


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("1 + 1", "complete"),
        ("", "complete"),
        ("}", "invalid"),
        ("1 + )", "invalid"),
        ("1 1", "invalid"),
    ],
)
def test_code_is_complete_or_invalid_as_the_parser_says(
    client: Client, code: str, status: str
) -> None:
    assert client.ask("is_complete_request", {"code": code})["status"] == status


def inspect(client: Client, code: str, cursor: int | None = None, detail: int = 0) -> str:
    """Return what the kernel says about the code at the cursor, "" when it found nothing."""
    asked = {
        "code": code,
        "cursor_pos": len(code) if cursor is None else cursor,
        "detail_level": detail,
    }
    reply = client.ask("inspect_request", asked)
    assert reply["status"] == "ok"
    return str(reply["data"].get("text/plain", "")) if reply["found"] else ""


def test_a_command_is_inspected_with_syntax_and_synopsis(client: Client) -> None:
    client.run(
        "function Get-Tea { <#\n.SYNOPSIS\nMakes tea.\n.DESCRIPTION\nSlowly.\n#>"
        " param([string]$Kind) }"
    )
    text = inspect(client, "'😀'; Get-Tea -Kind green")
    assert "Get-Tea [[-Kind] <string>]" in text
    assert "Makes tea." in text
    assert "Slowly." in inspect(client, "Get-Tea", detail=1)


def test_an_alias_a_variable_and_nonsense_are_inspected(client: Client) -> None:
    client.run("$inspected = 42")
    assert "Get-ChildItem" in inspect(client, "gci")
    assert inspect(client, "1; $inspected", cursor=6) == "$inspected [System.Int32]"
    assert inspect(client, "Get-NoSuchThingAtAll") == ""


def test_a_parameter_is_inspected_with_its_type_aliases_values_and_help(client: Client) -> None:
    parameters = "[Alias('K')][ValidateSet('green')][string]$Kind"
    client.run(
        f"function Get-Tea {{ <#\n.PARAMETER Kind\nGreen or black.\n#> param({parameters}) }}"
    )
    text = inspect(client, "Get-Tea -Ki green", cursor=10)
    assert text.splitlines() == [
        "-Kind <string>",
        "Parameter of Get-Tea",
        "Aliases: K",
        "Values: green",
        "Green or black.",
    ]
    assert "SilentlyContinue" in inspect(client, "gci -ErrorAction Stop", cursor=8)


def test_a_member_is_inspected_with_its_signature_and_nothing_is_run(client: Client) -> None:
    client.run("$ran = 0; $text = 'abc'; $dated = Get-Date")
    assert "int Length" in inspect(client, "$text.Length")
    assert "Substring(int startIndex" in inspect(client, "$text.Substring(1)", cursor=9)
    assert inspect(client, "$dated.DayOfWeek", cursor=3) == "$dated [System.DateTime]"
    inspect(client, "(++$ran).ToString()", cursor=14)
    assert client.run("$ran").text() == "0\n"


def test_a_type_is_inspected_with_its_constructors_or_values(client: Client) -> None:
    text = inspect(client, "[datetime]::Now", cursor=4)
    assert text.startswith("[datetime]\nstruct, derived from System.ValueType\n")
    assert "datetime new(long ticks)" in text
    assert "Monday" in inspect(client, "[DayOfWeek]1", cursor=4)


@pytest.mark.parametrize(
    ("code", "text", "kind"),
    [
        ("Get-Da", "Get-Date", "command"),
        ("Get-Date -UF", "-UFormat", "parameter"),
        ("Get-Item -ErrorAction Si", "SilentlyContinue", "value"),
        ("$completabl", "$completable", "variable"),
        ("$completable.Subst", "Substring(", "method"),
        ("$completable.Leng", "Length", "property"),
        ("[datetim", "datetime", "class"),
        ("[System.Globaliz", "System.Globalization", "namespace"),
        ("Get-Item /etc/hostnam", "/etc/hostname", "path"),
    ],
)
def test_a_completion_has_its_kind_and_its_range(
    client: Client, code: str, text: str, kind: str
) -> None:
    client.run("$completable = 'text'")
    reply = complete(client, code)
    found = {one["text"]: one for one in reply["metadata"]["_jupyter_types_experimental"]}
    assert found[text]["type"] == kind
    assert (found[text]["start"], found[text]["end"]) == (reply["cursor_start"], len(code))


def test_internal_questions_leave_no_trace(client: Client) -> None:
    client.run("Clear-History; $Error.Clear()")
    complete(client, "Get-Da")
    inspect(client, "Get-NoSuchThingAtAll")
    client.ask("is_complete_request", {"code": "if ("})
    client.run("'x'", user_expressions={"n": "1 + 1"})
    assert (
        client.run("Get-History | ForEach-Object CommandLine").text()
        == "Clear-History; $Error.Clear()\n'x'\n"
    )
    assert (
        client.run("$Error.Count; $Code; $Detail; $tokens; Test-Path Variable:PwshKernels*").text()
        == "0\nFalse\n"
    )
    assert complete(client, "$PwshKern")["matches"] == []


def test_history_has_the_cells_of_all_but_silent_ones(client: Client) -> None:
    client.run("'hist 1'")
    client.run("'hist quiet'", silent=True)
    client.run("'hist unsaved'", store_history=False)
    client.run("'hist 2'")
    tail = client.ask(
        "history_request", {"hist_access_type": "tail", "n": 2, "output": False, "raw": True}
    )
    assert [one[2] for one in tail["history"]] == ["'hist 1'", "'hist 2'"]
    found = client.ask(
        "history_request",
        {
            "hist_access_type": "search",
            "pattern": "*hist*",
            "output": False,
            "raw": True,
            "unique": True,
            "n": 5,
        },
        "control",
    )
    assert [one[2] for one in found["history"]] == ["'hist 1'", "'hist 2'"]
