"""Every notebook in notebooks/ runs to its end, and shows again what is committed with it."""

import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from nbclient.exceptions import CellExecutionError

from pwsh_kernels.sandbox import Company
from tests.fixtures.notebooks import NOTEBOOKS, read, run_on_own_kernel, run_on_session, shown
from tests.fixtures.server import CONTOSO, Server

pytestmark = [pytest.mark.xdist_group("commands"), pytest.mark.slow, pytest.mark.pwsh]

ALL = ["quickstart", "runbook-offboarding", "shared-session"]
AGENT = "$large = Get-Mailbox -ResultSize 5 -WarningAction Ignore; $large.Count"
"""What shared-session.ipynb says that the agent ran."""
_BUILDER = re.compile(r"/(?:tmp|home|work|root|Users)/")


@pytest.fixture(scope="module")
def notebooks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of their own: what they change in the sandbox is nobody else's; the commands are on
    PATH.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
        server = Server(tmp_path_factory.mktemp("notebooks")).start()
        yield server
        server.close()


def test_these_are_all_notebooks_there_are() -> None:
    assert sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb")) == ALL
    assert "contoso.example" in {tenant.name for tenant in Company.load().tenants}


@pytest.mark.parametrize("name", ALL)
def test_a_notebook_is_committed_with_its_outputs_and_without_places_of_a_machine(
    name: str,
) -> None:
    notebook = read(name)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    counts = [cell.execution_count for cell in code]
    assert counts == list(range(counts[0], counts[0] + len(code)))
    assert any(shown(notebook))
    assert not _BUILDER.search(json.dumps(notebook))


async def test_the_quickstart_runs_to_its_end(notebooks: Server) -> None:
    assert shown(await run_on_own_kernel(read("quickstart"), notebooks)) == shown(
        read("quickstart")
    )


async def test_the_quickstart_fails_where_nobody_can_sign_in(
    notebooks: Server, free_tcp_port: int
) -> None:
    elsewhere = Server(notebooks.folder, {"PWSH_MANAGER_AUTOSTART": "false"})
    elsewhere.url = f"http://127.0.0.1:{free_tcp_port}"
    with pytest.raises(CellExecutionError, match="The sign-in failed"):
        await run_on_own_kernel(read("quickstart"), elsewhere)


async def test_the_shared_session_shows_what_an_agent_did_there(notebooks: Server) -> None:
    notebooks.post("/login", tenant=CONTOSO, route="managed_identity")
    assert AGENT in json.dumps(read("shared-session").cells[0].source)
    assert notebooks.run(AGENT)["result"] == "5"
    assert shown(await run_on_session(read("shared-session"), notebooks, CONTOSO)) == shown(
        read("shared-session")
    )
    assert notebooks.run("$reviewed.Count")["result"] == "5"


async def test_the_offboarding_runbook_ends_with_every_check_true(notebooks: Server) -> None:
    assert shown(await run_on_own_kernel(read("runbook-offboarding"), notebooks)) == shown(
        read("runbook-offboarding")
    )
    mailbox = notebooks.run(
        "(Get-Mailbox adele.gupta@contoso.example).RecipientTypeDetails", format="text"
    )
    assert mailbox["result"].strip() == "SharedMailbox"
