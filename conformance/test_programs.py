"""Programs of Jupyter that run our kernel in processes of their own: nbconvert, jupyter console."""

import subprocess
import sys
from pathlib import Path

import nbformat
from notebook_fixtures import notebook, text

PROGRAM_WAIT = 80
"""Seconds for a program that starts a kernel of its own."""


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
