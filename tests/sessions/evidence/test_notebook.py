"""The runs of a session as a notebook: valid, true, without secrets, and fit to be run again."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import nbformat
import pytest

from pwsh_kernels.records import Record, RunOptions
from pwsh_kernels.sessions.evidence.history import history_line
from pwsh_kernels.sessions.evidence.literals import literal, with_parameters
from pwsh_kernels.sessions.evidence.notebook import evidence
from pwsh_kernels.sessions.key import SessionKey
from pwsh_kernels.sessions.redaction import redacted, secrets_of
from pwsh_kernels.sessions.runs.run import Run
from pwsh_kernels.sessions.runs.table import Runs

KEY = SessionKey("contoso.example", "exo")
TIME = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
TOKEN = "eyJhbGciOiJub25lIn0.eyJhdWQiOiJodHRwcyJ9."


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    """A table of runs."""
    return Runs(tmp_path, 100_000, 200, 86400)


def begun(runs: Runs, command: str, **facts: Any) -> Run:
    """Return a run that has begun."""
    run = runs.add(
        KEY, command, principal="token", client="agent", account="admin@contoso.example", **facts
    )
    run.become("running")
    return run


def notebook_of(runs: Runs) -> Any:
    """Return the notebook, checked against the format's schema."""
    facts = asyncio.run(evidence(KEY, None, runs.of(KEY), TIME))
    read = nbformat.reads(json.dumps(facts), as_version=4)
    nbformat.validate(read)
    return read


def test_each_run_is_a_cell_with_its_output_in_order_and_its_facts(runs: Runs) -> None:
    run = begun(runs, "Get-Mailbox; Write-Warning 'slow'")
    run.log.append("stdout", "text", "Adele\n")
    run.log.append("stdout", "host", "shown\n")
    run.log.append("stderr", "warning", "WARNING: slow\n", Record("warning", "slow"))
    run.finish("succeeded")
    cell = notebook_of(runs).cells[1]
    assert cell.source == run.command
    assert [(one.name, one.text) for one in cell.outputs] == [
        ("stdout", "Adele\nshown\n"),
        ("stderr", "WARNING: slow\n"),
    ]
    facts = cell.metadata.pwsh_run
    assert (facts.run_id, facts.principal, facts.client, facts.state) == (
        run.id,
        "token",
        "agent",
        "succeeded",
    )
    assert facts.duration_s >= 0
    assert cell.metadata.execution["shell.execute_reply"] == facts.ended_at


def test_the_error_that_ended_a_run_is_an_error_and_others_are_text(runs: Runs) -> None:
    run = begun(runs, "Write-Error 'one'; throw 'two'")
    run.log.append("stderr", "error", "Write-Error: one\n", Record("error", "one"))
    ended = Record(
        "error",
        "two",
        exception_type="System.Management.Automation.RuntimeException",
        terminating=True,
    )
    run.log.append("stderr", "error", "Exception: two\n", ended)
    run.finish("failed")
    text, error = notebook_of(runs).cells[1].outputs
    assert (text.output_type, text.text) == ("stream", "Write-Error: one\n")
    assert (error.output_type, error.ename, error.evalue) == ("error", "RuntimeException", "two")


def test_a_deep_parameter_is_written_whole(runs: Runs) -> None:
    deep: Any = "the innermost"
    for level in range(100):
        deep = {"inside": deep} if level % 2 else [deep]
    options = RunOptions(parameters={"Deep": deep, "Pin": {"$secret": "hunter2!"}})
    run = begun(runs, "param($Deep, $Pin) 'done'", options=options)
    run.finish("succeeded")
    source = notebook_of(runs).cells[1].source
    assert source.count("'inside'") == 50
    assert "'the innermost'" in source
    assert "hunter2" not in source
    assert history_line(run)["command"] == run.command


def test_sign_ins_and_what_never_began_are_no_cells(runs: Runs) -> None:
    begun(runs, "sign in", purpose="sign_in")
    runs.add(KEY, "never begun").finish("cancelled")
    runs.add(SessionKey("contoso.example", "graph"), "another session").become("running")
    assert len(notebook_of(runs).cells) == 1


def test_output_beyond_the_limit_is_counted_and_its_place_is_named(runs: Runs) -> None:
    run = begun(runs, "1..1e9")
    run.log.append("stdout", "text", "x" * 200_010)
    last = notebook_of(runs).cells[1].outputs[-1]
    assert last.text.startswith("… 10 more characters")
    assert run.id in last.text


SECRETS = [
    "$p = ConvertTo-SecureString 'hunter2!' -AsPlainText -Force",
    '$p = ConvertTo-SecureString -String "hunter2!" -AsPlainText -Force',
    "$p = 'hunter2!' | ConvertTo-SecureString -AsPlainText",
    "Connect-Thing -Password 'hunter2!' -Verbose",
    "Connect-Thing -ClientSecret:hunter2! -Verbose",
    "$clientSecret = 'hunter2!'",
    "Invoke-RestMethod -Body @{ access_token = 'hunter2!' }",
    f"Connect-ExchangeOnline -AccessToken {TOKEN} # hunter2",
]


@pytest.mark.parametrize("script", SECRETS[:-1])
def test_a_secret_in_a_script_is_hidden_there_and_in_its_output(script: str) -> None:
    secrets = secrets_of(script, {})
    assert "hunter2" not in redacted(script, secrets)
    assert "hunter2" not in redacted("it was hunter2!", secrets)
    assert redacted(script, secrets).startswith(script[:3])


def test_tokens_are_hidden_everywhere() -> None:
    assert TOKEN[:20] not in redacted(f"{SECRETS[-1]}\n{TOKEN}", ())


@pytest.mark.parametrize(
    "script", ["Get-Mailbox -Identity 'token'", "Set-Thing -Password $secret", "Get-Token -All 'x'"]
)
def test_what_is_no_secret_stays(script: str) -> None:
    assert redacted(script, secrets_of(script, {})) == script


def test_a_bound_secret_is_asked_for_again_and_nowhere_in_the_notebook(runs: Runs) -> None:
    parameters = {"Name": "O'Neil", "Pin": {"$secret": "hunter2!"}}
    run = begun(runs, "param($Name, $Pin) $Name", options=RunOptions(parameters=parameters))
    run.log.append("stdout", "text", "O'Neil hunter2!\n")
    run.finish("succeeded")
    notebook = notebook_of(runs)
    assert "hunter2" not in json.dumps(notebook)
    assert "'Name' = 'O''Neil'" in notebook.cells[1].source
    assert "Read-Host -AsSecureString" in notebook.cells[1].source


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, "$null"),
        (True, "$true"),
        (5, "5"),
        (0.5, "0.5"),
        ("it's", "'it''s'"),
        ("a\u2019b", "'a\u2019\u2019b'"),
        ([1, "a"], "@(1, 'a')"),
        ([], "@()"),
        ({"a": [False]}, "@{ 'a' = @($false) }"),
    ],
)
def test_a_value_is_written_as_powershell(value: Any, written: str) -> None:
    assert literal(value) == written


def test_without_parameters_a_command_stays_as_it_was() -> None:
    assert with_parameters("Get-Date", {}) == "Get-Date"
