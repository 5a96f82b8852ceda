"""Commands of a session by words, and advice with errors, over HTTP."""

import json
from typing import Any

import pytest

from pwsh_kernels.client import RestClient
from pwsh_kernels.discovery import ServerAddress
from pwsh_kernels.shapes import LinesArguments
from tests.fixtures.server import CONTOSO, FABRIKAM, Server

pytestmark = pytest.mark.xdist_group("server")


@pytest.fixture(scope="module")
def contoso(server: Server) -> Server:
    """The shared server with a signed-in session."""
    assert server.sign_in(CONTOSO)["state"] == "signed_in"
    return server


def find(
    server: Server, words: str, tenant: str = CONTOSO, module: str = "exo", **more: Any
) -> dict[str, Any]:
    return server.get(f"/sessions/{tenant}:{module}/commands", words=words, **more)


def test_words_find_commands_with_synopsis_and_syntax(contoso: Server) -> None:
    answer = find(contoso, "largest mailboxes", limit=3, wait_s=60)
    assert (answer["success"], answer["session"], answer["state"]) == (
        True,
        f"{CONTOSO}:exo",
        "signed_in",
    ), answer
    first = answer["commands"][0]
    assert (first["name"], first["module"]) == ("Get-MailboxStatistics", "ExchangeOnlineManagement")
    assert first["syntax"][0].startswith("Get-MailboxStatistics ")
    assert "CommonParameters" not in str(answer)
    assert len(answer["commands"]) == 3
    assert answer["total"] > 3
    assert answer["more"] is True


def test_a_command_that_is_named_comes_first_with_all_its_parameter_sets(contoso: Server) -> None:
    sets = contoso.run("(Get-Command Get-ChildItem).ParameterSets.Count", format="text")["result"]
    answer = find(contoso, "get-childitem", wait_s=60)
    assert answer["commands"][0]["name"] == "Get-ChildItem"
    assert len(answer["commands"][0]["syntax"]) == int(sets)


def test_a_function_of_the_session_is_found_with_its_help(contoso: Server) -> None:
    contoso.run("function Get-Zebra { <#\n.SYNOPSIS\nCounts zebras.\n#> param([int]$Stripes) }")
    (found,) = find(contoso, "zebras", wait_s=60)["commands"]
    assert found == {
        "name": "Get-Zebra",
        "module": "",
        "synopsis": "Counts zebras.",
        "syntax": ["Get-Zebra [[-Stripes] <int>]"],
    }
    assert find(contoso, "unicorns", wait_s=60) == {
        "success": True, "session": f"{CONTOSO}:exo", "state": "signed_in", "commands": [], "total": 0, "more": False,  # noqa: E501
    }  # fmt: skip


def test_a_search_leaves_no_trace_and_is_no_command(contoso: Server) -> None:
    before = contoso.run("'before'")["run_id"]
    find(contoso, "mailbox", wait_s=60)
    *_, last = contoso.get(f"/sessions/{CONTOSO}:exo/notebook")["cells"]
    assert last["metadata"]["pwsh_run"]["run_id"] == before
    assert contoso.run("(Get-Variable PwshKernels*).Count", format="text")["result"].strip() == "0"
    purposes = {one["purpose"] for one in contoso.get("/runs", tenant=CONTOSO, limit=2)["runs"]}
    assert purposes == {"command", "query"}


def test_a_signed_out_session_tells_its_commands_too(server: Server) -> None:
    server.sign_in(FABRIKAM, module="graph")
    assert (
        server.post("/status", tenant=FABRIKAM, module="graph", wait_s=30)["state"] == "signed_in"
    )
    server.run("Disconnect-MgGraph", FABRIKAM, module="graph")
    found = find(server, "users", FABRIKAM, "graph", wait_s=60)
    assert found["commands"][0]["name"] == "Get-MgUser", found
    assert server.post("/kill", tenant=FABRIKAM, module="graph")["killed"]
    gone = find(server, "users", FABRIKAM, "graph")
    assert (gone["code"], "Call /login" in gone["error"]) == ("not_signed_in", True)


def test_a_busy_session_says_what_it_does(contoso: Server) -> None:
    busy = contoso.run("Start-Sleep 60", wait_s=0)["run_id"]
    answer = find(contoso, "mailbox", wait_s=0)
    assert (answer["code"], answer["run_id"]) == ("session_busy", busy)
    contoso.post(f"/runs/{busy}/cancel")


@pytest.mark.parametrize("query", [{"words": ""}, {"words": "x", "limit": 51}, {"limit": 5}])
def test_a_search_without_words_or_bounds_is_refused(server: Server, query: dict[str, Any]) -> None:
    answer = server.get(f"/sessions/{CONTOSO}:exo/commands", **query)
    assert answer["code"] == "invalid_request"


async def test_the_client_asks_for_lines_objects_and_commands(contoso: Server) -> None:
    async with RestClient(ServerAddress(contoso.url, contoso.token, "test"), 60, "test") as client:
        run = (
            await client.run(
                CONTOSO,
                "exo",
                "1..3 | ForEach-Object { [pscustomobject]@{ N = $_ } }",
                format="csv",
            )
        )["run_id"]
        lines = await client.lines(run, {"from": -1})
        asked: LinesArguments = {"search": "[23]", "ignore_case": False, "count": 1}
        assert lines["lines"] == [{"number": 4, "text": '"3"'}]
        assert (await client.lines(run, asked))["more"] == 4
        answer = await client.query(
            run, {"where": ["N gt 1"], "sort_by": "N", "descending": True, "format": "json"}
        )
        assert answer["query"]
        assert (json.loads(answer["result"]), answer["query"]["matched"]) == (
            [{"N": 3}, {"N": 2}],
            2,
        )
        assert (await client.find_commands(CONTOSO, "exo", "mailboxes", limit=1, wait_s=60))[
            "commands"
        ][0]["name"] == "Get-Mailbox"


def test_every_error_of_a_run_has_advice(contoso: Server) -> None:
    run = contoso.run("Get-MgUser; Get-Mailbox nobody@contoso.example; 1/0", format="text")
    advice = [(one["advice"], one["suggestion"][:48]) for one in run["errors"]]
    assert advice == [
        ("fix_command", "Get-MgUser belongs to module graph (Microsoft Gr"),
        ("fix_command", "Nothing has that name: list what there is with t"),
        ("", ""),
    ]
    assert contoso.get(f"/runs/{run['run_id']}")["errors"] == run["errors"]


def test_the_lines_of_a_run_are_read_and_searched(contoso: Server) -> None:
    run = contoso.run(
        "1..500 | ForEach-Object { \"line $_\" }; Write-Warning 'careful'", format="text"
    )["run_id"]
    page = contoso.get(f"/runs/{run}/lines", count=2)
    assert page == {
        "success": True, "run_id": run, "session": f"{CONTOSO}:exo", "state": "succeeded", "total_lines": 501,  # noqa: E501
        "matches": None, "lines": [{"number": 1, "text": "line 1"}, {"number": 2, "text": "line 2"}], "more": 3,  # noqa: E501
    }  # fmt: skip
    assert [one["text"] for one in contoso.get(f"/runs/{run}/lines", **{"from": -2})["lines"]] == [
        "line 500",
        "WARNING: careful",
    ]
    found = contoso.get(f"/runs/{run}/lines", search="LINE 49\\d", context=1, count=1)
    assert (found["matches"], found["more"]) == (10, 491)
    assert found["lines"] == [
        {"number": 489, "text": "line 489", "match": False},
        {"number": 490, "text": "line 490", "match": True},
    ]
    assert contoso.get(f"/runs/{run}/lines", search="LINE", ignore_case="false")["matches"] == 0
    for query, field in (
        ({"search": "("}, "search"),
        ({"from": 0}, "from"),
        ({"count": 2001}, "count"),
        ({"form": 1}, "form"),
    ):
        assert contoso.get(f"/runs/{run}/lines", **query)["field"] == field


def test_the_lines_of_a_running_run_are_those_printed_so_far(contoso: Server) -> None:
    run = contoso.run("'first'; Start-Sleep 60", format="text", wait_s=0)["run_id"]
    page = contoso.until(lambda: (one := contoso.get(f"/runs/{run}/lines"))["lines"] and one)
    assert (page["state"], page["lines"], page["more"]) == (
        "running",
        [{"number": 1, "text": "first"}],
        None,
    )
    contoso.post(f"/runs/{run}/cancel")
