"""The server application's own promises: what it starts with, and where it refuses to start."""

import subprocess
import sys
from pathlib import Path

import pytest
from jupyter_server.serverapp import ServerApp

from pwsh_kernels.web.app import PwshKernelsApp, PwshKernelsServer, greeting
from tests.fixtures.server import server_environment

WAIT = 60


def launch(
    folder: Path, program: str = "", *arguments: str, **settings: str
) -> subprocess.CompletedProcess[str]:
    """Run a server (or a program that starts one) that is expected to refuse to start."""
    what = ["-c", program] if program else ["-m", "pwsh_kernels.web.launch", *arguments]
    return subprocess.run(
        [sys.executable, *what],
        env=server_environment(folder, **settings),
        capture_output=True,
        text=True,
        timeout=WAIT,
        check=False,
    )


def test_another_jupyter_server_cannot_load_the_extension() -> None:
    extension = PwshKernelsApp(serverapp=ServerApp())
    with pytest.raises(RuntimeError, match="run `pwsh-kernels serve`"):
        extension.initialize_handlers()


def test_a_server_without_a_token_does_not_start(tmp_path: Path) -> None:
    answer = launch(tmp_path, "", "--IdentityProvider.token=")
    assert answer.returncode == 1
    assert "The token is empty" in answer.stderr


def test_a_server_with_a_short_token_does_not_start_and_does_not_show_it(tmp_path: Path) -> None:
    of_settings = launch(tmp_path, PWSH_MANAGER_TOKEN="hunter2")
    of_jupyter = launch(tmp_path, JUPYTER_TOKEN="hunter2")
    assert (of_settings.returncode, of_jupyter.returncode) == (1, 1)
    assert of_settings.stderr.startswith("PWSH_MANAGER_TOKEN: Value error, a token has at least 32")
    assert "The token is shorter than 32 characters." in of_jupyter.stderr
    assert "hunter2" not in of_settings.stderr + of_jupyter.stderr


def test_a_start_that_fails_ends_the_server_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "sandbox").write_text("a file where a folder must be", encoding="utf-8")
    answer = launch(tmp_path)
    assert answer.returncode == 1
    assert "The server cannot start" in answer.stderr


def test_a_server_that_cannot_tell_clients_where_it_is_ends_with_the_reason(
    tmp_path: Path,
) -> None:
    program = """
import errno
from pwsh_kernels.web import app, launch
def full(file):
    raise OSError(errno.ENOSPC, "No space left on device")
app.secure_write = full
launch.serve()
"""
    answer = launch(tmp_path, program)
    assert answer.returncode == 1
    assert f"{tmp_path / 'runtime'} cannot be written: No space left" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_a_python_without_docstrings_is_refused_in_one_sentence(tmp_path: Path) -> None:
    answer = launch(tmp_path, PYTHONOPTIMIZE="2")
    assert answer.returncode == 1
    assert answer.stderr.startswith("PYTHONOPTIMIZE: is 2 or -OO")
    assert "Traceback" not in answer.stderr


def test_a_broken_tenants_file_ends_the_server_with_its_reason(tmp_path: Path) -> None:
    broken = tmp_path / "tenants.toml"
    broken.write_text("[[tenant]]\nnaem = 'contoso.com'\n", encoding="utf-8")
    answer = launch(tmp_path, PWSH_MANAGER_TENANTS=str(broken))
    assert answer.returncode == 1
    assert answer.stderr.startswith(str(broken))
    assert "Traceback" not in answer.stderr


def test_a_server_with_a_route_without_a_permission_does_not_start(tmp_path: Path) -> None:
    program = """
from dataclasses import replace
from pwsh_kernels.web import launch
launch.spare_the_grammar()
from pwsh_kernels.web.rest import handlers
handlers.ROUTES = (*handlers.ROUTES, replace(handlers.ROUTES[0], path="/secret", permission=None))
launch.serve()
"""
    answer = launch(tmp_path, program)
    assert answer.returncode == 1
    assert "GET /secret declares no permission" in answer.stderr


def test_what_a_user_allows_for_other_notebooks_does_not_apply_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config").mkdir()
    loose = "c.ServerApp.ip = '0.0.0.0'\nc.ServerApp.port = 9999\nc.IdentityProvider.token = ''\n"
    (tmp_path / "config" / "jupyter_server_config.py").write_text(loose, encoding="utf-8")
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path / "config"))
    server = PwshKernelsServer()
    server.load_config_file()
    assert (server.ip, server.port, server.port_retries) == ("127.0.0.1", 5100, 0)
    assert "IdentityProvider" not in server.config


def test_the_command_line_overrides_a_default() -> None:
    server = PwshKernelsServer()
    server.parse_command_line(["--port=5200"])
    assert server.port == 5200


def test_the_greeting_says_where_and_how() -> None:
    text = greeting("http://127.0.0.1:5100/", "secret")
    assert "http://127.0.0.1:5100/?token=secret" in text
    assert "Bearer secret" in text
