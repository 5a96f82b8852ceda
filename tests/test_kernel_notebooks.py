"""Programs that run notebooks run ours: papermill with parameters, nbconvert, jupyter console."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
from papermill.execute import execute_notebook
from papermill.inspection import inspect_notebook
from papermill.translators import translate_parameters

PROGRAM_WAIT = 80
"""Seconds for a program that starts a kernel of its own."""
TRICKY: dict[str, Any] = {
    "Text": "it's $(throw 'run') `n \u2019; throw 'run' # \u201e\u201d\n\"two\"",
    "Number": 2**53 + 1,
    "Huge": 2**70,
    "Fraction": 1.5e-7,
    "Yes": True,
    "Nothing": None,
    "Items": [1, "two", [3]],
    "Nested": [[1]],
    "Table": {"it's": {"deep": False}, "b": []},
}


def notebook(*cells: str, parameters: str = "") -> Any:
    """Return a notebook for our kernel; `parameters` is the source of its parameters cell."""
    spec = {"name": "pwsh", "display_name": "PowerShell", "language": "powershell"}
    made = nbformat.v4.new_notebook(metadata={"kernelspec": spec, "language_info": {"name": "powershell"}})
    first = nbformat.v4.new_code_cell(parameters, metadata={"tags": ["parameters"]})
    made.cells = [*([first] if parameters else []), *(nbformat.v4.new_code_cell(one) for one in cells)]
    return made


def text(cell: Any) -> str:
    """Return what a cell wrote to its streams."""
    return "".join(one["text"] for one in cell.outputs if one["output_type"] == "stream")


def test_papermill_runs_a_notebook_with_parameters_that_arrive_as_they_are(tmp_path: Path) -> None:
    names = ", ".join(f"{name} = ${name}" for name in TRICKY if name != "Huge")
    code = f"[ordered]@{{ {names.replace(', ', '; ')} }} | ConvertTo-Json -Depth 5; $Huge.ToString()"
    source = notebook(code, "[pscustomobject]@{ Name = 'row' }", parameters="$Text = 'default'\n$Other = 'kept'")
    nbformat.write(source, tmp_path / "in.ipynb")
    done = execute_notebook(tmp_path / "in.ipynb", tmp_path / "out.ipynb", TRICKY, progress_bar=False)
    nbformat.validate(done)
    json_text, _, huge = text(done.cells[2]).rpartition("}\n")
    assert json.loads(json_text + "}") == {name: value for name, value in TRICKY.items() if name != "Huge"}
    assert huge == f"{2**70}\n"
    assert "<td" in done.cells[3].outputs[0]["data"]["text/html"]


def test_papermill_lists_the_parameters_that_a_notebook_declares(tmp_path: Path) -> None:
    nbformat.write(notebook(parameters="[int]$Days = 30  # how far back\n$Who = 'all'\nGet-Date"), tmp_path / "in.ipynb")
    found = inspect_notebook(tmp_path / "in.ipynb")
    assert found["Days"] == {"name": "Days", "inferred_type_name": "int", "default": "30", "help": "how far back"}
    assert found["Who"]["default"] == "'all'"


def test_a_parameter_whose_name_is_no_plain_word_is_assigned_too() -> None:
    assert translate_parameters("pwsh", "powershell", {"a-b": float("inf")}) == (
        "# Parameters\n${a-b} = [double]::PositiveInfinity\n"
    )


def test_nbconvert_executes_a_notebook(tmp_path: Path) -> None:
    nbformat.write(notebook("'plain'; Write-Progress Working; Get-Item /etc | Format-Table Name"), tmp_path / "in.ipynb")
    command = [sys.executable, "-m", "jupyter", "nbconvert", "--to", "notebook", "--execute", "--output", "out", "in.ipynb"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=PROGRAM_WAIT)
    done = nbformat.read(tmp_path / "out.ipynb", as_version=4)
    nbformat.validate(done)
    assert text(done.cells[0]) == "plain\n"
    progress, table = (one["data"]["text/html"] for one in done.cells[0].outputs if one["output_type"] == "display_data")
    assert progress == ""
    assert ">etc</td>" in table


def test_jupyter_console_shows_tables_as_text_and_leaves_on_exit(tmp_path: Path) -> None:
    console = subprocess.run(
        [sys.executable, "-m", "jupyter_console", "--kernel", "pwsh", "--simple-prompt"],
        input="Get-Item /etc | Format-Table Name, Mode\n'a' + 'b'\nexit\n",
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=PROGRAM_WAIT,
        check=False,
    )
    assert "Name Mode\n---- ----\netc  " in console.stdout, console.stderr
    assert "ab\n" in console.stdout
