"""A session's kernel and who can read its connection file, over HTTP and over ZeroMQ: what comes
through the server is done, what goes past it is not.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.fixtures.connection_file import connection_file, connection_of
from tests.fixtures.front_end import Notebook
from tests.fixtures.granted import GRANTS
from tests.fixtures.kernel import Client
from tests.fixtures.server import CONTOSO, FABRIKAM, Server

pytestmark = pytest.mark.xdist_group("server")


@pytest.fixture(scope="module")
def sessions(server: Server) -> Server:
    """The shared server with two signed-in sessions."""
    for tenant in (CONTOSO, FABRIKAM):
        assert server.sign_in(tenant)["state"] == "signed_in"
    return server


@pytest.fixture
def past_the_server(sessions: Server) -> Iterator[Client]:
    """A client of contoso's kernel by its connection file alone."""
    facts = connection_of(sessions, CONTOSO)
    del facts[GRANTS]
    client = Client(facts)
    yield client
    client.close()


def test_who_has_the_connection_file_alone_runs_nothing_and_the_server_says_so(
    sessions: Server, past_the_server: Client
) -> None:
    refused = past_the_server.run("$past = 1", user_expressions={"x": "$past = 2"}).content
    assert (refused["code"], refused["reason"]) == ("not_granted", "missing")
    assert sessions.run('"past: $past"', format="text")["result"] == "past: \n"
    sessions.until(
        lambda: any("contoso.example:exo did not do what no server" in one for one in sessions.log)
    )
    runs = sessions.get("/runs", tenant=CONTOSO)["runs"]
    assert not any("past = 1" in one["command"] or not one["command"] for one in runs)


def test_another_session_s_key_grants_nothing(sessions: Server) -> None:
    ours, other = connection_of(sessions, CONTOSO), connection_of(sessions, FABRIKAM)
    client = Client({**ours, GRANTS: other[GRANTS]})
    try:
        assert client.run("1").content["reason"] == "signature"
    finally:
        client.close()


def test_the_key_is_in_a_file_of_the_server_s_user_and_in_no_connection_file(
    sessions: Server,
) -> None:
    file = connection_file(sessions, CONTOSO)
    key = connection_of(sessions, CONTOSO)[GRANTS]
    assert file.with_suffix(".grants").stat().st_mode & 0o777 == 0o600
    assert key not in file.read_text(encoding="utf-8")


@pytest.mark.parametrize("key", ["pwsh_grant", "pwsh"])
async def test_a_notebook_s_own_words_about_grants_count_for_nothing(
    sessions: Server, key: str
) -> None:
    kernel_id = sessions.post("/status", tenant=CONTOSO)["kernel_id"]
    async with Notebook(sessions.url, sessions.token, kernel_id) as notebook:
        metadata: dict[str, Any] = {key: {} if key == "pwsh" else "forged.grant"}
        cell = await notebook.execute("'as granted'", metadata)
        ended = await notebook.until(cell, lambda one: one.ended)
        assert ended.text == "as granted\n"


async def test_cells_and_completion_go_on_and_a_cell_stays_its_sender_s_after_the_server_s_restart(
    own_server: Server,
) -> None:
    own_server.sign_in(CONTOSO)
    own_server.run("$kept = 'kept'")
    kernel_id = own_server.post("/status", tenant=CONTOSO)["kernel_id"]
    async with Notebook(own_server.url, own_server.token, kernel_id) as notebook:
        cell = await notebook.execute("'begun'; Start-Sleep 60")
        await notebook.until(cell, lambda one: "begun" in one.text)
    own_server.stop()
    own_server.start()
    (left,) = [one for one in own_server.get("/runs")["runs"] if one["state"] == "running"]
    assert (left["principal"], left["client"]) == ("token", 'jupyter, claims to be "ada"')
    own_server.post(f"/runs/{left['run_id']}/cancel")
    own_server.until(lambda: own_server.post("/status", tenant=CONTOSO)["state"] == "signed_in")
    assert own_server.run("$kept", format="text")["result"] == "kept\n"
    async with Notebook(own_server.url, own_server.token, kernel_id) as notebook:
        assert (await notebook.run("$kept")).text == "kept\n"
        asked = await notebook.send("complete_request", {"code": "Get-Ch", "cursor_pos": 6})
        told = await notebook.until(asked, lambda one: bool(one.of_kind("complete_reply")))
        assert "Get-ChildItem" in json.dumps(told.of_kind("complete_reply"))
