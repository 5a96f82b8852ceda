"""papermill runs notebooks on our kernel, with parameters (nbconvert and jupyter console:
conformance/test_programs.py).
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from papermill.execute import execute_notebook
from papermill.inspection import inspect_notebook
from papermill.translators import translate_parameters

from tests.fixtures.kernel import WAIT_S
from tests.fixtures.notebooks import notebook, text
from tests.fixtures.repository import ROOT

pytestmark = pytest.mark.pwsh

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


def test_papermill_runs_a_notebook_with_parameters_that_arrive_as_they_are(tmp_path: Path) -> None:
    names = ", ".join(f"{name} = ${name}" for name in TRICKY if name != "Huge")
    code = (
        f"[ordered]@{{ {names.replace(', ', '; ')} }} | ConvertTo-Json -Depth 5; $Huge.ToString()"
    )
    source = notebook(
        code, "[pscustomobject]@{ Name = 'row' }", parameters="$Text = 'default'\n$Other = 'kept'"
    )
    nbformat.write(source, tmp_path / "in.ipynb")
    done = execute_notebook(
        tmp_path / "in.ipynb", tmp_path / "out.ipynb", TRICKY, progress_bar=False
    )
    nbformat.validate(done)
    json_text, _, huge = text(done.cells[2]).rpartition("}\n")
    assert json.loads(json_text + "}") == {
        name: value for name, value in TRICKY.items() if name != "Huge"
    }
    assert huge == f"{2**70}\n"
    assert "<td" in done.cells[3].outputs[0]["data"]["text/html"]


def test_papermill_lists_the_parameters_that_a_notebook_declares(tmp_path: Path) -> None:
    nbformat.write(
        notebook(parameters="[int]$Days = 30  # how far back\n$Who = 'all'\nGet-Date"),
        tmp_path / "in.ipynb",
    )
    found = inspect_notebook(tmp_path / "in.ipynb")
    assert found["Days"] == {
        "name": "Days",
        "inferred_type_name": "int",
        "default": "30",
        "help": "how far back",
    }
    assert found["Who"]["default"] == "'all'"


def test_a_parameter_whose_name_is_no_plain_word_is_assigned_too() -> None:
    assert (
        translate_parameters("pwsh", "powershell", {"a-b": float("inf")})
        == "# Parameters\n${a-b} = [double]::PositiveInfinity\n"
    )


def test_papermill_runs_notebooks_of_net_interactive_on_this_kernel_in_the_folder_that_it_is_told(
    tmp_path: Path,
) -> None:
    source = notebook(
        "(Get-Location).Path; [Environment]::CurrentDirectory; (Import-Csv ./data.csv).A; $alpha",
        parameters="$alpha = 0",
    )
    source.metadata.kernelspec = {
        "name": ".net-powershell",
        "display_name": ".NET (PowerShell)",
        "language": "PowerShell",
    }
    source.metadata.language_info = {"name": "PowerShell"}
    (tmp_path / "data.csv").write_text("A\nrow\n", encoding="utf-8")
    nbformat.write(source, tmp_path / "in.ipynb")
    done = execute_notebook(
        tmp_path / "in.ipynb",
        tmp_path / "out.ipynb",
        {"alpha": "9.5 $(throw)"},
        kernel_name="pwsh",
        cwd=tmp_path,
        progress_bar=False,
    )
    assert text(done.cells[2]).splitlines() == [str(tmp_path), str(tmp_path), "row", "9.5 $(throw)"]


@pytest.mark.parametrize("kernel", ["pwsh", ".net-powershell", "contoso.example.exo"])
@pytest.mark.parametrize("language", ["powershell", "PowerShell"])
def test_every_spelling_of_the_language_gets_literals(kernel: str, language: str) -> None:
    written = translate_parameters(kernel, language, {"a": "$(run)"}, "Parameters")
    assert "$a = '$(run)'" in written


def test_the_documented_command_gives_the_kernel_a_second_name(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "kernel.md").read_text(encoding="utf-8")
    command = page.partition("```sh\njupyter kernelspec install")[2].partition("```")[0]
    environment = {
        **os.environ,
        "JUPYTER_DATA_DIR": str(tmp_path),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    subprocess.run(
        ["sh", "-c", f"jupyter kernelspec install{command}"],
        env=environment,
        check=True,
        capture_output=True,
        timeout=WAIT_S,
    )
    (given,) = tmp_path.glob("kernels/.net-powershell/kernel.json")
    assert json.loads(given.read_text("utf-8"))["argv"][:3] == [
        "python",
        "-m",
        "pwsh_kernels.kernel",
    ]
