"""`pwsh-kernels lab` where JupyterLab is not installed, and notebooks that find the
command line.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pwsh_kernels.cli.lab import opening_page
from pwsh_kernels.discovery import ServerAddress
from pwsh_kernels.sessions.places.environment import with_our_commands
from tests.fixtures.server import Server, server_environment

WAIT_S = 60
WITHOUT_LAB = """
import sys
sys.modules["jupyterlab"] = None
import importlib.util
real = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: None if name == "jupyterlab" else real(name, package)
sys.argv = ["pwsh-kernels", "lab", "--no-browser"]
from pwsh_kernels.cli import main
main()
"""  # noqa: E501


def lab(environment: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    """Run `pwsh-kernels lab --no-browser` in a Python without JupyterLab."""
    return subprocess.run(
        [sys.executable, "-c", WITHOUT_LAB],
        env=environment,
        capture_output=True,
        text=True,
        timeout=WAIT_S,
        check=False,
    )


def test_without_jupyterlab_no_server_is_started_and_the_command_says_what_to_install(
    tmp_path: Path,
) -> None:
    refused = lab(server_environment(tmp_path, PWSH_MANAGER_URL="http://127.0.0.1:9"))
    assert refused.returncode == 1
    assert "`make lab`, elsewhere: `pip install 'pwsh-kernels[lab]'`" in refused.stderr
    assert not (tmp_path / "data").exists()


def test_a_running_server_is_used_and_its_token_is_not_printed(server: Server) -> None:
    page = next(server.folder.glob("runtime/jpserver-*-open.html"), None)
    answer = lab(server.environment)
    assert (f"JupyterLab is on {server.url}/lab" in answer.stderr) == (page is not None)
    assert server.token not in answer.stdout + answer.stderr
    assert ("for the server that is running" in answer.stderr) == (page is None)


@pytest.mark.parametrize(
    ("place", "page"),
    [("/run/jpserver-12.json", Path("/run/jpserver-12-open.html")), ("PWSH_MANAGER_URL", None)],
)
def test_the_page_that_opens_a_browser_is_beside_the_runtime_file(
    place: str, page: Path | None
) -> None:
    assert opening_page(ServerAddress("http://127.0.0.1:5100", "token", place)) == page


@pytest.mark.parametrize("path", ["/usr/bin", ""])
def test_a_notebook_of_an_ordinary_kernel_finds_the_command_line(path: str) -> None:
    given = with_our_commands({"PATH": path} if path else {})["PATH"].split(os.pathsep)
    assert given == [*([path] if path else []), str(Path(sys.executable).parent)]
