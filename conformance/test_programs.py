"""Programs of Jupyter that run our kernel in processes of their own: nbconvert, jupyter console,
jupyter qtconsole.
"""

import os
import subprocess
import sys
from pathlib import Path

import nbformat

from tests.fixtures.notebooks import notebook, text

PROGRAM_WAIT = 80
"""Seconds for a program that starts a kernel of its own."""


def test_nbconvert_executes_a_notebook(tmp_path: Path) -> None:
    nbformat.write(
        notebook("'plain'; Write-Progress Working; Get-Item /etc | Format-Table Name"),
        tmp_path / "in.ipynb",
    )
    command = [
        sys.executable,
        "-m",
        "jupyter",
        "nbconvert",
        "--to",
        "notebook",
        "--execute",
        "--output",
        "out",
        "in.ipynb",
    ]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=PROGRAM_WAIT)
    done = nbformat.read(tmp_path / "out.ipynb", as_version=4)
    nbformat.validate(done)
    assert text(done.cells[0]) == "plain\n"
    progress, table = (
        one["data"]["text/html"]
        for one in done.cells[0].outputs
        if one["output_type"] == "display_data"
    )
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


def test_jupyter_qtconsole_shows_text_asks_and_shows_errors(tmp_path: Path) -> None:
    cells = [
        "Get-Item /etc | Format-Table Name, Mode",
        "'Hello ' + (Read-Host 'Your name')\tAda",
        "$p = Read-Host 'Password' -AsSecureString; $p.Length\tsecret",
        "throw 'not today'",
    ]
    console = subprocess.run(
        [sys.executable, Path(__file__).with_name("qtconsole_cells.py"), *cells],
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=2 * PROGRAM_WAIT,
        check=False,
    )
    assert "Name Mode\n---- ----\netc  " in console.stdout, console.stderr
    assert "Your name: Ada\nHello Ada\n" in console.stdout
    assert "QtConsole does not support password mode" in console.stdout
    assert console.stdout.partition("Password: ")[2].startswith("secret\n6\n")
    assert "Exception: " in console.stdout
    assert "not today" in console.stdout.rpartition("throw 'not today'")[2]
