"""The runbook with other parameters, as papermill runs it."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from papermill.execute import execute_notebook

from tests.fixtures.notebooks import NOTEBOOKS, shown
from tests.fixtures.server import CONTOSO, Server

PERSON = "aiko.hansen@contoso.example"


@pytest.fixture
def server_of_the_runbook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server that the kernel of this process finds, with the commands on PATH."""
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    one = Server(tmp_path).start()
    for name, value in one.environment.items():
        monkeypatch.setenv(name, value)
    yield one
    one.close()


def test_papermill_runs_the_runbook_for_another_person(
    server_of_the_runbook: Server, tmp_path: Path
) -> None:
    runbook = str(NOTEBOOKS / "runbook-offboarding.ipynb")
    done = execute_notebook(
        runbook, str(tmp_path / "done.ipynb"), {"User": PERSON}, cwd=str(tmp_path)
    )
    assert any("Aiko Hansen" in text for text in shown(done))
    mailbox = server_of_the_runbook.run(
        f"(Get-Mailbox {PERSON}).RecipientTypeDetails", CONTOSO, format="text"
    )
    assert mailbox["result"].strip() == "SharedMailbox"
