"""Trouble in the middle of a call is reported in time, with what to do: long commands, floods,
deaths, broken lines.
"""

import asyncio

import pytest

from pwsh_kernels.mcp.answers.excerpts import MAX_CHARS
from tests.fixtures.server import CONTOSO, Server
from tests.fixtures.sweeps import swept
from tests.mcp.client import call, connected, facts_of, text_of

pytestmark = pytest.mark.xdist_group("server")


async def test_a_command_of_ten_minutes_is_answered_when_its_wait_is_over_and_can_be_stopped(
    signed_in: Server,
) -> None:
    command = "Write-Progress -Activity Moving -PercentComplete 3; 'begun'; Start-Sleep 600"
    async with connected(signed_in) as client:
        run = await call(client, "pwsh_run", tenant=CONTOSO, command=command, wait_s=1)
        facts = facts_of(run)
        assert (facts["state"], facts["output"], facts["advice"]) == ("running", "begun\n", "wait")
        assert (
            f"call pwsh_wait with run_id {facts['run_id']} and cursor 6 to continue, pwsh_cancel to"
            " stop it" in text_of(run)
        )
        again = facts_of(
            await call(client, "pwsh_wait", run_id=facts["run_id"], cursor=6, wait_s=1)
        )["run"]
        assert (again["state"], again["output"]) == ("running", "")
        cancelled = await call(client, "pwsh_cancel", run_id=facts["run_id"])
        assert facts_of(cancelled)["state"] == "cancelled"
        assert not cancelled.is_error


@pytest.mark.parametrize("rows", swept([10_000, 50_000], [10_000]))
async def test_thousands_of_rows_are_told_by_head_and_tail_with_the_ways_to_the_rest(
    signed_in: Server, rows: int
) -> None:
    async with connected(signed_in) as client:
        run = await call(
            client, "pwsh_run", tenant=CONTOSO, command=f'1..{rows} | ForEach-Object {{ "row $_" }}'
        )
        facts = facts_of(run)
        assert facts["output"].startswith("row 1\nrow 2\n")
        assert facts["tail"].endswith(f"row {rows}\n")
        assert len(facts["output"]) + len(facts["tail"]) <= MAX_CHARS
        assert "characters left out" in text_of(run)
        assert "Call pwsh_output with run_id" in facts["next_step"]
        page = facts_of(
            await call(client, "pwsh_output", run_id=facts["run_id"], cursor=facts["next_cursor"])
        )
        assert page["output"].splitlines()[0] == f"row {facts['output'].count(chr(10)) + 1}"
        assert page["left_out"] == facts["total_chars"] - page["next"]
        search = f"row {rows // 10 - 1}[0-3]$"
        found = facts_of(await call(client, "pwsh_output", run_id=facts["run_id"], search=search))
        assert (found["matches"], found["total"]) == (4, rows)
        assert found["output"] == "".join(
            f"{number}: row {number}\n" for number in range(rows - 10, rows - 6)
        )
        last = facts_of(await call(client, "pwsh_output", run_id=facts["run_id"], lines="-2"))
        assert last["output"] == f"{rows - 1}: row {rows - 1}\n{rows}: row {rows}\n"


async def test_a_powershell_that_dies_is_told_and_the_next_command_leads_to_a_new_sign_in(
    server: Server,
) -> None:
    server.sign_in(CONTOSO)
    async with connected(server) as client:
        pids = "'{0}' -f $PID; Start-Sleep 600"
        running = asyncio.create_task(call(client, "pwsh_run", tenant=CONTOSO, command=pids))
        begun = await asyncio.to_thread(server.until, lambda: begun_run(server))
        [powershell] = [one for one in server.powershells() if one.pid == int(begun["output"])]
        powershell.kill()
        lost = await running
        assert lost.is_error
        assert (facts_of(lost)["state"], facts_of(lost)["advice"]) == ("lost", "sign_in")
        assert "How far the command got is unknown" in text_of(lost)
        after = await call(client, "pwsh_run", tenant=CONTOSO, command="1")
    facts = facts_of(after)
    assert (facts["state"], facts["run_id"], facts["advice"]) == ("signing_in", "", "ask_person")
    assert "The PowerShell of contoso.example:exo has died" in facts["notice"]
    assert "The command was not run" in text_of(after)
    server.sign_in(CONTOSO)


def begun_run(server: Server) -> dict[str, str] | None:
    """Return the run that goes on and has written something, with its output."""
    runs = server.get("/runs", tenant=CONTOSO, state="running", limit=1)["runs"]
    if not runs or not runs[0]["total_chars"]:
        return None
    entries = server.get(f"/runs/{runs[0]['run_id']}")["entries"]
    return {"run_id": runs[0]["run_id"], "output": "".join(entry["text"] for entry in entries)}


async def test_an_answer_that_got_lost_is_found_by_the_newest_runs(signed_in: Server) -> None:
    async with connected(signed_in) as client:
        waiting = asyncio.create_task(
            call(client, "pwsh_run", tenant=CONTOSO, command="'mine'; Start-Sleep 600")
        )
        begun = await asyncio.to_thread(signed_in.until, lambda: begun_run(signed_in))
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    async with connected(signed_in) as client:
        status = facts_of(await call(client, "pwsh_status", tenant=CONTOSO))
        assert status["recent_runs"][0].startswith(f"{begun['run_id']} running, begun ")
        assert status["recent_runs"][0].endswith(": 'mine'; Start-Sleep 600")
        assert (
            facts_of(await call(client, "pwsh_output", run_id=begun["run_id"]))["output"]
            == "mine\n"
        )
        await call(client, "pwsh_cancel", run_id=begun["run_id"])


async def test_what_a_person_typed_is_not_told_to_an_agent(signed_in: Server) -> None:
    signed_in.run("'typed by a person'")
    async with connected(signed_in) as client:
        status = facts_of(await call(client, "pwsh_status", tenant=CONTOSO))
    assert " succeeded, begun " in status["recent_runs"][0]
    assert not any("typed by a person" in one for one in status["recent_runs"])
