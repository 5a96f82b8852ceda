"""The promise as a whole: sign in once, run from everywhere at the same time, each with the truth
about its own work.
"""

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import nbformat
import pytest
from jupyter_client.asynchronous.client import AsyncKernelClient
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from nbclient import NotebookClient

from tests.fixtures.cli import run_command
from tests.fixtures.connection_file import connection_of
from tests.fixtures.granted import granted_session
from tests.fixtures.kernel import Client
from tests.fixtures.repository import ROOT
from tests.fixtures.server import CONTOSO, FABRIKAM, Server

pytestmark = pytest.mark.xdist_group("server")

RUNS = 20
"""Runs that each kind of client sends to the two sessions, interleaved."""
CONSOLE_WAIT = 40
DEVICE_CODE = re.compile(r"[A-Z0-9]{9}")
CELL = """$forNotebook + 1; $fromNotebook = 'yes'"""
NOTEBOOK = {
    "nbformat": 4,
    "nbformat_minor": 4,
    "metadata": {},
    "cells": [
        {
            "cell_type": "code",
            "source": CELL,
            "outputs": [],
            "execution_count": None,
            "metadata": {},
        }
    ],
}


@pytest.fixture(scope="module")
def signed_in(server: Server) -> Server:
    """The shared server with a session signed in to each of the two tenants."""
    for tenant in (CONTOSO, FABRIKAM):
        status = server.sign_in(tenant)
        assert status["state"] == "signed_in", status
    return server


def tenant_of(number: int) -> str:
    """Return which tenant the run of that number belongs to."""
    return (CONTOSO, FABRIKAM)[number % 2]


def question(sender: str, number: int) -> str:
    """Return a command whose answer nobody else's command has: the sender, the number and the
    tenant that answers.
    """
    organization = "(Get-ConnectionInformation).UserPrincipalName.Split('@')[1]"
    return f"Start-Sleep -Milliseconds {number % 3 * 20}; '{sender}-{number}-' + {organization}"


def answer(sender: str, number: int) -> str:
    """Return the only right answer."""
    return f"{sender}-{number}-{tenant_of(number)}"


@pytest.fixture
def jupyter(signed_in: Server) -> Iterator[dict[str, Client]]:
    """A raw Jupyter client for each tenant's session."""
    clients = {tenant: Client(connection_of(signed_in, tenant)) for tenant in (CONTOSO, FABRIKAM)}
    yield clients
    for client in clients.values():
        client.close()


def ask_by_rest(server: Server) -> dict[str, str]:
    """Return the answers of RUNS commands sent over REST from four threads."""

    def one(number: int) -> tuple[str, str]:
        run = server.run(question("rest", number), tenant_of(number), format="text", wait_s=60)
        return answer("rest", number), str(run["result"]).strip()

    with ThreadPoolExecutor(4) as pool:
        return dict(pool.map(one, range(RUNS)))


def ask_by_jupyter(clients: dict[str, Client]) -> dict[str, str]:
    """Return the answers of RUNS cells, all sent before the first answer is read."""
    sent = [
        (number, clients[tenant_of(number)].send(question("jupyter", number)))
        for number in range(RUNS)
    ]
    answers = [
        (number, clients[tenant_of(number)].finish(run_id).text().strip())
        for number, run_id in sent
    ]
    return {answer("jupyter", number): text for number, text in answers}


async def ask_by_mcp(server: Server) -> dict[str, str]:
    """Return the answers of RUNS tool calls, all at once, through mcp_server.py over stdio."""
    command = StdioServerParameters(
        command=sys.executable, args=[str(ROOT / "mcp_server.py")], env=server.environment
    )
    async with stdio_client(command) as (read, write), ClientSession(read, write) as session:
        await session.initialize()

        async def one(number: int) -> tuple[str, str]:
            arguments = {
                "tenant": tenant_of(number),
                "module": "exo",
                "command": question("mcp", number),
            }
            result = await session.call_tool("pwsh_run", arguments)
            structured = result.structured_content or {}
            return answer("mcp", number), str(structured.get("output", structured)).strip()

        return dict(await asyncio.gather(*(one(number) for number in range(RUNS))))


async def test_interleaved_runs_of_three_kinds_of_clients_on_two_tenants_each_get_their_own_answer(
    signed_in: Server, jupyter: dict[str, Client]
) -> None:
    by_rest, by_jupyter, by_mcp = await asyncio.gather(
        asyncio.to_thread(ask_by_rest, signed_in),
        asyncio.to_thread(ask_by_jupyter, jupyter),
        ask_by_mcp(signed_in),
    )
    for answers in (by_rest, by_jupyter, by_mcp):
        assert len(answers) == RUNS
        assert answers == {expected: expected for expected in answers}


def test_a_variable_set_over_rest_is_seen_by_a_console(signed_in: Server) -> None:
    signed_in.run("$shared = 'set over REST'")
    console = subprocess.run(
        [
            sys.executable,
            *("-m", "pwsh_kernels", "console", CONTOSO, "exo", "--", "--simple-prompt"),
        ],
        input='"console sees: $shared"\n',
        env=signed_in.environment,
        capture_output=True,
        text=True,
        timeout=CONSOLE_WAIT,
        check=False,
    )
    assert "console sees: set over REST" in console.stdout, console.stderr
    assert signed_in.post("/status", tenant=CONTOSO)["state"] == "signed_in"


def test_a_console_on_a_session_that_is_not_there_creates_none(signed_in: Server) -> None:
    _, error, code = run_command(signed_in.environment, "console", "nobody.example")
    assert code != 0
    assert "There is no session for nobody.example exo." in error


class AttachedNotebook(NotebookClient):
    """nbclient on a kernel that is not its own: stock nbclient starts a new one (decision 0011)."""

    async def async_setup_kernel_on(self, client: AsyncKernelClient) -> None:
        """Use this client's kernel."""
        self.kc = client
        self.km = None


async def test_a_notebook_run_by_nbclient_sees_and_sets_the_sessions_variables(
    signed_in: Server,
) -> None:
    signed_in.run("$forNotebook = 41")
    notebook = nbformat.reads(json.dumps(NOTEBOOK), as_version=4)
    connection = connection_of(signed_in, CONTOSO)
    client = AsyncKernelClient(session=granted_session(connection))
    client.load_connection_info(cast(Any, connection))
    client.start_channels()
    try:
        await client.wait_for_ready(timeout=CONSOLE_WAIT)
        attached = AttachedNotebook(notebook, timeout=CONSOLE_WAIT)
        await attached.async_setup_kernel_on(client)
        await attached.async_execute_cell(notebook.cells[0], 0)
    finally:
        client.stop_channels()
    assert notebook.cells[0].outputs[0]["text"] == "42\n"
    assert signed_in.run("$fromNotebook", format="text")["result"].strip() == "yes"


def test_after_every_client_has_gone_the_session_is_still_signed_in(signed_in: Server) -> None:
    clients = [Client(connection_of(signed_in, CONTOSO)) for _ in range(2)]
    for client in clients:
        client.run("1")
        client.close()
    assert signed_in.post("/status", tenant=CONTOSO)["state"] == "signed_in"
    assert (
        signed_in.run("(Get-ConnectionInformation).UserPrincipalName")["result"]
        == '"admin@contoso.example"'
    )


def test_a_long_command_is_followed_and_cancelled_without_harm_to_the_sign_in(
    signed_in: Server,
) -> None:
    run = signed_in.run("'begun'; Start-Sleep 60", wait_s=1, format="text")
    assert run["code"] == "run_pending"
    page = signed_in.get(f"/runs/{run['run_id']}", wait_s=10)
    assert page["entries"][0]["text"] == "begun\n"
    cancelled = signed_in.post(f"/runs/{run['run_id']}/cancel", wait_s=1)
    assert cancelled["state"] == "cancelled"
    assert signed_in.post("/status", tenant=CONTOSO)["state"] == "signed_in"


def test_the_log_and_the_data_folder_hold_no_device_code_and_no_token(signed_in: Server) -> None:
    """Sign in anew, so that the code is known; then look for it everywhere that outlives the
    sign-in.
    """
    signed_in.post("/disconnect", tenant=FABRIKAM)
    login = signed_in.post("/login", tenant=FABRIKAM)
    code = login["device_code"]
    assert DEVICE_CODE.fullmatch(code)
    signed_in.approve(code, "admin@fabrikam.example")
    assert signed_in.post("/status", tenant=FABRIKAM, wait_s=30)["state"] == "signed_in"
    texts = [
        "".join(signed_in.log),
        json.dumps(signed_in.get("/runs", limit=500)),
        json.dumps(signed_in.get("/sessions")),
    ]
    texts += [
        path.read_text(encoding="utf-8", errors="replace")
        for path in signed_in.data_dir.rglob("*")
        if path.is_file()
    ]
    assert not [text for text in texts if code in text or signed_in.token in text]
