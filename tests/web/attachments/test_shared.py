"""Several clients on one session: everybody sees who runs what, an interrupt says whose it was, and
every prompt finds an answer.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.fixtures.connection_file import connection_of
from tests.fixtures.front_end import Notebook
from tests.fixtures.kernel import Client
from tests.fixtures.server import CONTOSO, Server

pytestmark = pytest.mark.xdist_group("server")

CELLS = 50
"""Cells of each of the four clients."""
COMMAND_WAIT = 60


@pytest.fixture(scope="module")
def contoso(server: Server) -> Server:
    """The shared server with a signed-in session."""
    assert server.sign_in(CONTOSO)["state"] == "signed_in"
    return server


@pytest.fixture
def kernel_id(contoso: Server) -> str:
    """The session's kernel."""
    return str(contoso.post("/status", tenant=CONTOSO)["kernel_id"])


@pytest.fixture
def clients(contoso: Server) -> Iterator[list[Client]]:
    """Four Jupyter clients of the session."""
    four = [Client(connection_of(contoso, CONTOSO)) for _ in range(4)]
    yield four
    for one in four:
        one.close()


def found(server: Server, probe: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    """Wait for a run of the session that the probe likes."""
    return dict(
        server.until(lambda: next(filter(probe, server.get("/runs", tenant=CONTOSO)["runs"]), None))
    )


def busy(server: Server) -> dict[str, Any] | None:
    """Return whom the session works for."""
    facts: dict[str, Any] | None = server.post("/status", tenant=CONTOSO)["busy"]
    return facts


# -- who runs what -----------------------------------------------------------------------------
# ---------------------------------------------------------------------------------------------------  # noqa: E501


def test_whatever_a_client_runs_is_a_run_and_in_the_history(
    contoso: Server, clients: list[Client]
) -> None:
    client = clients[0]
    assert (
        client.run("'not in the client''s history'", store_history=False).content["status"] == "ok"
    )
    silent = client.run("$unseen = 'by silent'", silent=True, store_history=False)
    assert (silent.content["status"], silent.content["ename"]) == ("error", "SharedSession")
    asked = client.run("'asked'", user_expressions={"x": "$unseen = 'by an expression'; 1"})
    assert asked.content["status"] == "ok"
    assert asked.content["user_expressions"]["x"]["ename"] == "SharedSession"
    assert contoso.run('"unseen: $unseen"', format="text")["result"] == "unseen: \n"
    found(contoso, lambda run: run["command"] == "'not in the client''s history'")
    found(contoso, lambda run: run["command"] == "'asked'")
    history = contoso.run("(Get-SessionHistory).Command", format="text")["result"]
    assert "'not in the client''s history'" in history
    assert "'asked'" in history


async def test_while_a_cell_runs_the_session_says_whose_it_is(
    contoso: Server, kernel_id: str
) -> None:
    async with Notebook(contoso.url, contoso.token, kernel_id) as notebook:
        cell = await notebook.execute("'begun'; Start-Sleep 60")
        await notebook.until(cell, lambda one: "begun" in one.text)
        facts = contoso.until(lambda: busy(contoso))
        assert (facts["principal"], facts["client"], facts["state"]) == (
            "token",
            'jupyter, claims to be "ada"',
            "running",
        )
        contoso.post(f"/runs/{facts['run_id']}/cancel")
        await notebook.until(cell, lambda one: one.ended)
    assert contoso.until(lambda: busy(contoso) is None)
    run = contoso.get(f"/runs/{facts['run_id']}")
    way = f"POST /runs/{run['run_id']}/cancel"
    whose = 'The command of token (jupyter, claims to be "ada")'
    assert run["error"] == f"{whose} was stopped by {way}."


def test_an_agents_run_that_a_notebook_interrupts_says_so_and_whose_it_was(
    contoso: Server, kernel_id: str
) -> None:
    with contoso.http(**{"User-Agent": "agent/1"}) as http:
        asked = {"tenant": CONTOSO, "wait_s": 0, "format": "text"}
        run = http.post("/run", json={**asked, "command": "'begun'; Start-Sleep 60"}).json()
        waiting = http.post("/run", json={**asked, "command": "'the next one'"}).json()
        contoso.until(lambda: "begun" in str(contoso.get(f"/runs/{run['run_id']}")["entries"]))
        assert http.post(f"/api/kernels/{kernel_id}/interrupt").status_code == 204
    stopped = contoso.until(
        lambda: (one := contoso.get(f"/runs/{run['run_id']}"))["state"] != "running" and one
    )
    assert (stopped["state"], stopped["code"]) == ("cancelled", "run_cancelled")
    assert stopped["error"].startswith(
        "The command of token (agent) was stopped by an interrupt of a Jupyter client"
    )
    assert contoso.until(lambda: contoso.get(f"/runs/{waiting['run_id']}")["state"] == "succeeded")


# -- prompts -----------------------------------------------------------------------------------
# ---------------------------------------------------------------------------------------------------------  # noqa: E501


async def test_a_prompt_of_a_closed_notebook_is_answered_by_whoever_says_so(
    contoso: Server, kernel_id: str
) -> None:
    async with Notebook(contoso.url, contoso.token, kernel_id) as notebook:
        cell = await notebook.execute("'Hello ' + (Read-Host 'Whose name')")
        await notebook.until(cell, lambda one: bool(one.of_kind("input_request")))
    asked = found(contoso, lambda run: run["state"] == "waiting_for_input")
    assert (asked["principal"], asked["prompt"]["message"]) == ("token", "Whose name")
    assert contoso.run("1")["code"] == "waits_behind_question"
    by_mistake = contoso.post(f"/runs/{asked['run_id']}/input", value="Ada")
    assert by_mistake["code"] == "answer_of_another"
    assert by_mistake["asker"] == 'token (jupyter, claims to be "ada")'
    contoso.post(f"/runs/{asked['run_id']}/input", value="Ada", for_other=True)
    ended = contoso.until(
        lambda: (run := contoso.get(f"/runs/{asked['run_id']}"))["state"] == "succeeded" and run
    )
    assert "Hello Ada" in str(ended["entries"])


async def test_a_prompt_that_comes_after_its_notebook_was_closed_waits_for_an_answer(
    contoso: Server, kernel_id: str
) -> None:
    async with Notebook(contoso.url, contoso.token, kernel_id) as notebook:
        cell = await notebook.execute(
            "'begun'; while (-not $goOn) { Start-Sleep -Milliseconds 20; $goOn = Test-Path ~/go };"
            " Read-Host 'Late'"
        )
        await notebook.until(cell, lambda one: "begun" in one.text)
    home = contoso.data_dir / "homes" / CONTOSO / "exo"
    (home / "go").touch()
    asked = found(contoso, lambda run: run["state"] == "waiting_for_input")
    (home / "go").unlink()
    contoso.post(f"/runs/{asked['run_id']}/input", refuse=True, for_other=True)
    assert contoso.until(lambda: contoso.get(f"/runs/{asked['run_id']}")["state"] == "failed")


async def test_a_prompt_is_answered_by_its_asker_and_then_is_closed_for_others(
    contoso: Server, kernel_id: str
) -> None:
    async with Notebook(contoso.url, contoso.token, kernel_id) as notebook:
        cell = await notebook.execute("Read-Host 'Mine'; 'on'; Start-Sleep 60")
        await notebook.until(cell, lambda one: bool(one.of_kind("input_request")))
        asked = found(contoso, lambda run: run["state"] == "waiting_for_input")
        await notebook.send("input_reply", {"value": "my answer"}, "stdin")
        await notebook.until(cell, lambda one: "on" in one.text)
        late = contoso.post(f"/runs/{asked['run_id']}/input", value="too late", for_other=True)
        assert late["code"] == "run_not_waiting"
        contoso.post(f"/runs/{asked['run_id']}/cancel")
        ended = await notebook.until(cell, lambda one: one.ended)
    assert ended.text.startswith("my answer\n")


# -- 200 cells ---------------------------------------------------------------------------------
# -------------------------------------------------------------------------------------------------------  # noqa: E501


def cells_of(name: str, contoso: Server, client: Client) -> list[str]:
    """Run a client's cells, with errors, prompts and an interrupt among them; return what was
    wrong.
    """
    wrong = []
    for number in range(CELLS):
        mark = f"{name}-{number}"
        kind = ("output", "error", "prompt", "output", "output")[number % 5]
        if number == CELLS - 1:
            kind = "interrupt"
        if text := one_cell(kind, mark, client):
            wrong.append(f"{mark} ({kind}): {text}")
    return wrong


def one_cell(kind: str, mark: str, client: Client) -> str:
    """Run one cell and return what is wrong with its result, or "" ."""
    if kind == "interrupt":
        run_id = client.send(f"'{mark}'; Start-Sleep 60")
        client.until(run_id, lambda run: mark in run.text())
        client.interrupt()
        run = client.finish(run_id)
        return (
            ""
            if run.content["ename"] == "PipelineStopped" and run.text() == f"{mark}\n"
            else str(run)
        )
    code, answers, status = {
        "output": (f"'{mark}'", [], "ok"),
        "error": (f"'{mark}'; throw '{mark}'", [], "error"),
        "prompt": ("Read-Host 'who'", [mark], "ok"),
    }[kind]
    run = client.run(code, answers=answers, stop_on_error=True)
    right = run.text() == f"{mark}\n" and run.content["status"] == status
    if kind == "error":
        right = right and run.content["evalue"] == mark
    return "" if right else str(run)


def test_two_hundred_cells_of_four_clients_each_get_their_own_output(
    contoso: Server, clients: list[Client]
) -> None:
    names = ["ada", "ben", "cleo", "dan"]
    with ThreadPoolExecutor(4) as pool:
        results = list(
            pool.map(
                lambda pair: cells_of(pair[0], contoso, pair[1]), zip(names, clients, strict=True)
            )
        )
    assert results == [[], [], [], []]
    runs = contoso.get("/runs", tenant=CONTOSO, limit=1000)["runs"]
    seen = {
        state: sum(run["state"] == state and run["client"].startswith("jupyter") for run in runs)
        for state in ("failed", "cancelled")
    }
    assert seen["failed"] >= 4 * CELLS // 5
    assert seen["cancelled"] >= 4
    assert contoso.post("/status", tenant=CONTOSO)["state"] == "signed_in"
