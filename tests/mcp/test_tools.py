"""The tools through the SDK's own client, in both protocol eras, over a real server."""

import asyncio
import json
import re

import pytest
from mcp import Client

from pwsh_kernels.mcp.answers.excerpts import MAX_CHARS
from pwsh_kernels.mcp.backend import RestBackend
from pwsh_kernels.mcp.server import build_server
from pwsh_kernels.mcp.tools import TOOL_NAMES
from tests.fixtures.server import ADMIN, CONTOSO, FABRIKAM, Server
from tests.mcp.client import ERAS, Era, Json, call, connected, facts_of, settings_for, text_of

NUMBER = re.compile(r"----- ([0-9a-f]{8}) ")
"""The beginning of a mark, with the number that no other answer has."""
pytestmark = pytest.mark.xdist_group("server")


def ended(server: Server, run_id: str) -> str:
    """Return the state in which a run ended."""
    total = 10**9
    state: str = server.get(f"/runs/{run_id}", cursor=total, wait_s=20)["state"]
    return state


@pytest.mark.parametrize("era", ERAS)
async def test_the_whole_story_from_sign_in_to_sign_out(signed_in: Server, era: Era) -> None:
    server = signed_in
    server.post("/disconnect", tenant=FABRIKAM)
    async with connected(server, era) as client:
        first = await call(client, "pwsh_run", tenant=FABRIKAM, command="1")
        assert (facts_of(first)["state"], facts_of(first)["run_id"]) == ("signing_in", "")
        code, address = facts_of(first)["device_code"], facts_of(first)["auth_url"]
        assert facts_of(first)["advice"] == "ask_person"
        assert "The command was not run" in text_of(first)
        assert f"Ask the person to open {address} and enter the code {code}" in text_of(first)

        login = await call(client, "pwsh_login", tenant=FABRIKAM)
        assert facts_of(login)["device_code"] == code
        assert f"Ask the person to open {address} and enter the code {code}" in text_of(login)
        pending = await call(client, "pwsh_run", tenant=FABRIKAM, command="1")
        assert facts_of(pending)["device_code"] == code
        assert "Do not open the page yourself" in text_of(pending)

        waiting = asyncio.create_task(call(client, "pwsh_wait", tenant=FABRIKAM))
        server.approve(code, f"admin@{FABRIKAM}")
        done = facts_of(await waiting)["session"]
        assert (done["state"], done["account"]) == ("signed_in", f"admin@{FABRIKAM}")

        run = await call(
            client, "pwsh_run", tenant=FABRIKAM, command="'first'; Start-Sleep 60", wait_s=1
        )
        run_id = facts_of(run)["run_id"]
        assert (facts_of(run)["state"], facts_of(run)["output"]) == ("running", "first\n")
        assert f"pwsh_wait with run_id {run_id} and cursor 6" in text_of(run)
        listed = facts_of(await call(client, "pwsh_sessions"))
        assert [
            one["current_run"] for one in listed["sessions"] if one["session"] == f"{FABRIKAM}:exo"
        ] == [run_id]
        assert listed["modules"]["exo"] == "ExchangeOnlineManagement"
        cancelled = await call(client, "pwsh_cancel", run_id=run_id)
        assert facts_of(cancelled)["state"] == "cancelled"
        assert facts_of(cancelled)["output"].startswith("first\n")
        status = await call(client, "pwsh_status", tenant=FABRIKAM)
        assert text_of(status).startswith(f"fabrikam.example:exo: signed_in as admin@{FABRIKAM}")
        assert facts_of(status)["recent_runs"][0].startswith(f"{run_id} cancelled, begun 20")
        assert facts_of(status)["recent_runs"][0].endswith(": 'first'; Start-Sleep 60")

        unconfirmed = await call(client, "pwsh_disconnect", tenant=FABRIKAM)
        assert unconfirmed.is_error
        assert "confirmation is missing" in text_of(unconfirmed)
        gone = await call(client, "pwsh_disconnect", tenant=FABRIKAM, confirmation="DISCONNECT")
        assert text_of(gone) == "Disconnected fabrikam.example:exo"
        assert facts_of(await call(client, "pwsh_status", tenant=FABRIKAM))["state"] in (
            "none",
            "closed",
            "signed_out",
        )


async def test_a_result_is_told_in_words_and_not_as_json_again(signed_in: Server) -> None:
    async with connected(signed_in) as client:
        run = await call(
            client, "pwsh_run", tenant=CONTOSO, command="'one'; Write-Warning 'mind'; 2"
        )
    facts = facts_of(run)
    size = facts["total_chars"]
    assert facts["output"] == "one\nWARNING: mind\n2\n"
    assert facts["warnings"] == ["mind"]
    mark = NUMBER.search(text_of(run))
    assert mark
    assert (
        text_of(run)
        == f"contoso.example:exo as {ADMIN}: succeeded after {facts['duration_s']:.1f} s (run"
        f" {facts['run_id']})\n----- {mark[1]} output, characters 0 to {size} of {size}"
        f" -----\none\nWARNING: mind\n2\n----- {mark[1]} end -----"
    )


async def test_a_failed_command_is_an_error_that_names_its_cause_first(signed_in: Server) -> None:
    async with connected(signed_in) as client:
        run = await call(
            client,
            "pwsh_run",
            tenant=CONTOSO,
            command="'before'\nWrite-Error 'no such thing' -ErrorId Gone\n'after'",
        )
    assert run.is_error
    facts = facts_of(run)
    [fault] = facts["errors"]
    assert (fault["message"], fault["error_id"], fault["line"], fault["column"]) == (
        "no such thing",
        "Gone",
        2,
        None,
    )
    assert fault["category"]
    assert facts["advice"] == "fix_command"
    first, *rest = NUMBER.sub("----- N ", text_of(run)).splitlines()
    assert first.startswith(f"contoso.example:exo as {ADMIN}: failed after ")
    assert rest[:2] == ["----- N error -----", "no such thing"]
    assert rest[2].startswith("----- N output, ")
    assert rest[3] == "before"
    assert rest[4].startswith("ERROR: ")
    assert rest[-2:] == ["after", "----- N end -----"]


async def test_the_exit_code_of_a_command_is_told(signed_in: Server) -> None:
    async with connected(signed_in) as client:
        run = await call(client, "pwsh_run", tenant=CONTOSO, command="exit 7")
    assert run.is_error
    assert facts_of(run)["exit_code"] == 7
    assert ", exit code 7 (" in text_of(run)


@pytest.mark.parametrize("command", ["[1,2]", "null", '"text"', "5"])
async def test_a_command_that_looks_like_json_reaches_powershell_as_it_is(
    signed_in: Server, command: str
) -> None:
    async with connected(signed_in) as client:
        run = await call(
            client, "pwsh_run", tenant=CONTOSO, command="param($c) $c", parameters={"c": command}
        )
        assert facts_of(run)["output"] == f"{command}\n"
        facts = facts_of(await call(client, "pwsh_run", tenant=CONTOSO, command=command))
    assert signed_in.get(f"/runs/{facts['run_id']}")["command"] == command


async def test_parameters_are_bound_and_formats_are_chosen(signed_in: Server) -> None:
    script = "param([string] $Name, [int] $Count) [pscustomobject]@{Name = $Name; Count = $Count}"
    values = {"Name": "o'neil\"; Get-Date #", "Count": 3}
    async with connected(signed_in) as client:
        run = await call(
            client, "pwsh_run", tenant=CONTOSO, command=script, parameters=values, format="json"
        )
    assert json.loads(facts_of(run)["output"]) == values


async def test_json_is_nothing_but_json_whatever_the_command_says_beside_it(
    signed_in: Server,
) -> None:
    script = (
        "Write-Warning 'mind'; Write-Host 'shown'; @{Name = 'x'; Text = \"$([char]27)[31mred\"}"
    )
    async with connected(signed_in) as client:
        run = await call(client, "pwsh_run", tenant=CONTOSO, command=script, format="json")
        facts = facts_of(run)
        assert json.loads(facts["output"]) == {"Name": "x", "Text": "\x1b[31mred"}
        *_, marked_output = text_of(run).partition(" -----\n")
        shown, _ = json.JSONDecoder().raw_decode(marked_output)
        assert shown["Name"] == "x"
        assert facts["warnings"] == ["mind"]
        assert f'pwsh_output with run_id {facts["run_id"]} and lines "1-200"' in facts["next_step"]
        everything = facts_of(await call(client, "pwsh_output", run_id=facts["run_id"], lines="1"))
    assert "mind" in everything["output"]
    assert "shown" in everything["output"]


async def test_long_output_is_capped_and_its_pages_are_exactly_the_whole(signed_in: Server) -> None:
    command = '1..9000 | ForEach-Object { "line $_ é 😀" }'
    whole = "".join(f"line {number} é 😀\n" for number in range(1, 9001))
    async with connected(signed_in) as client:
        run = facts_of(await call(client, "pwsh_run", tenant=CONTOSO, command=command))
        assert (run["truncated"], run["total_chars"]) == (True, len(whole))
        assert len(run["output"]) + len(run["tail"]) <= MAX_CHARS
        assert whole.startswith(run["output"])
        assert whole.endswith(run["tail"])
        text, cursor = run["output"], run["next_cursor"]
        while cursor is not None:
            page = await call(client, "pwsh_wait", run_id=run["run_id"], cursor=cursor)
            assert len(facts_of(page)["run"]["output"]) <= MAX_CHARS
            text, cursor = (
                text + facts_of(page)["run"]["output"],
                facts_of(page)["run"]["next_cursor"],
            )
    assert text == whole


async def test_output_that_json_cannot_carry_is_shown_as_far_as_it_can_be(
    signed_in: Server,
) -> None:
    async with connected(signed_in) as client:
        run = await call(
            client,
            "pwsh_run",
            tenant=CONTOSO,
            command="'a' + [char]0xD800 + 'b'; \"$([char]27)[31mred\"",
        )
    assert facts_of(run)["output"] == "a\ufffdb\nred\n"


SLOW = "1..12 | ForEach-Object { $_; Start-Sleep -Milliseconds 100 }"


async def test_a_client_that_cancels_its_waiting_leaves_the_run_alone(signed_in: Server) -> None:
    waits = asyncio.Event()

    async def heard(progress: float, total: float | None, message: str | None) -> None:
        waits.set()

    async with connected(signed_in) as client:
        run = facts_of(await call(client, "pwsh_run", tenant=CONTOSO, command=SLOW, wait_s=0))
        waiting = asyncio.create_task(
            client.call_tool("pwsh_wait", {"run_id": run["run_id"]}, progress_callback=heard)
        )
        await waits.wait()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        finished = facts_of(await call(client, "pwsh_wait", run_id=run["run_id"]))["run"]
    assert finished["state"] == "succeeded"
    assert finished["output"].endswith("12\n")


async def test_powershells_own_progress_reaches_the_client(signed_in: Server) -> None:
    seen: list[str] = []

    async def heard(progress: float, total: float | None, message: str | None) -> None:
        seen.append(message or "")

    command = (
        "Write-Progress -Activity 'Moving' -Status 'mailbox 4' -PercentComplete 40; 'x';"
        " Start-Sleep 1"
    )
    async with connected(signed_in) as client:
        await client.call_tool(
            "pwsh_run", {"tenant": CONTOSO, "command": command}, progress_callback=heard
        )
    assert "running: Moving, mailbox 4, 40 %" in seen


async def test_somebody_else_may_answer_what_a_command_asks(signed_in: Server) -> None:
    async with connected(signed_in) as client:
        asked = facts_of(
            await call(
                client,
                "pwsh_run",
                tenant=CONTOSO,
                command="$n = Read-Host 'Your name'; \"hello $n\"",
            )
        )
        assert (asked["state"], asked["advice"]) == ("waiting_for_input", "answer")
        assert "Your name" in asked["question"]
        assert (
            f"Call pwsh_answer with run_id {asked['run_id']} and answer as text"
            in asked["next_step"]
        )
        behind = await call(client, "pwsh_run", tenant=CONTOSO, command="1")
        assert behind.is_error
        assert f"pwsh_cancel with run_id {asked['run_id']}" in text_of(behind)
        waiting = asyncio.create_task(call(client, "pwsh_wait", run_id=asked["run_id"]))
        await asyncio.to_thread(
            signed_in.post, f"/runs/{asked['run_id']}/input", value="Adele", for_other=True
        )
        finished = facts_of(await waiting)["run"]
    assert finished["state"] == "succeeded"
    assert finished["output"].endswith("hello Adele\n")


async def test_an_agent_neither_answers_nor_is_told_to_answer_what_another_clients_run_asks(
    signed_in: Server,
) -> None:
    asked = signed_in.run("Read-Host 'Delete everything?'")
    who = "is waiting for an answer from token (python-httpx)"
    async with connected(signed_in) as client:
        behind = await call(client, "pwsh_run", tenant=CONTOSO, command="Get-Date")
        answer = await call(client, "pwsh_answer", run_id=asked["run_id"], answer="Yes")
        seen = await call(client, "pwsh_wait", run_id=asked["run_id"], wait_s=0)
    for refused in (behind, answer):
        assert refused.is_error
        assert who in text_of(refused)
        assert "Call pwsh_answer" not in text_of(refused)
    assert facts_of(seen)["run"]["advice"] == "wait"
    assert f"It {who}, who started it. Do not answer it" in text_of(seen)
    assert signed_in.get(f"/runs/{asked['run_id']}")["state"] == "waiting_for_input"
    signed_in.post(f"/runs/{asked['run_id']}/input", refuse=True)


async def test_the_argument_of_the_original_still_names_the_tenant(signed_in: Server) -> None:
    async with connected(signed_in) as client:
        status = await call(client, "pwsh_status", connectionName=CONTOSO)
        both = await call(client, "pwsh_status", connectionName=CONTOSO, tenant=FABRIKAM)
    assert facts_of(status)["session"] == "contoso.example:exo"
    assert both.is_error


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize(
    ("tool", "arguments", "text"),
    [
        (
            "pwsh_status",
            {"tenant": CONTOSO, "tennant": "x"},  # codespell:ignore
            "takes tenant, module, read. There is no argument tennant.",  # codespell:ignore
        ),
        ("pwsh_status", {}, "pwsh_status takes tenant, module, read. tenant is missing."),
        (
            "pwsh_sessions",
            {"x": "secret"},
            "pwsh_sessions takes no arguments. There is no argument x.",
        ),
        ("pwsh_wait", {}, "run_id or tenant must be given, and not both"),
        (
            "pwsh_wait",
            {"run_id": "r-1", "tenant": CONTOSO},
            "run_id or tenant must be given, and not both",
        ),
        (
            "pwsh_wait",
            {"run_id": "r-1"},
            "No run 'r-1'. GET /runs lists those that are kept. pwsh_status of its tenant ",
        ),
        (
            "pwsh_output",
            {"run_id": "r-1", "lines": "9-3"},
            'lines must be a range such as "200-260"',
        ),
        ("pwsh_answer", {"run_id": "r-1", "answer": "secret"}, "No run 'r-1'."),
        (
            "pwsh_status",
            {"tenant": CONTOSO, "module": "exchange"},
            "Unknown module: exchange. Known modules: azure, exo, ",
        ),
        (
            "pwsh_login",
            {"tenant": CONTOSO, "module": ""},
            "module must not be empty; leave it out",
        ),
        (
            "pwsh_disconnect",
            {"tenant": CONTOSO, "confirmation": "yes"},
            "confirmation: Input should be 'DISCONNECT'",
        ),
        (
            "pwsh_run",
            {"tenant": CONTOSO, "command": "1", "wait_s": 46},
            "wait_s: Input should be less than or equal to 45",
        ),
        (
            "pwsh_run",
            {"tenant": CONTOSO, "command": "1", "format": "xml"},
            "format: Input should be 'text', 'json', 'csv'",
        ),
        (
            "pwsh_run",
            {"tenant": CONTOSO, "command": ""},
            "command: String should have at least 1 character",
        ),
    ],
)
async def test_wrong_arguments_are_refused_in_words(
    server: Server, era: Era, tool: str, arguments: Json, text: str
) -> None:
    async with connected(server, era) as client:
        result = await client.call_tool(tool, arguments)
    assert result.is_error
    assert text in text_of(result)
    assert "secret" not in text_of(result)


async def test_no_server_is_said_with_the_next_step(free_tcp_port: int) -> None:
    backend = RestBackend(settings_for(f"http://127.0.0.1:{free_tcp_port}"))
    async with Client(build_server(backend)) as client:
        result = await call(client, "pwsh_sessions")
    assert result.is_error
    assert text_of(result).startswith(
        f"No pwsh-kernels server answers at http://127.0.0.1:{free_tcp_port} ("
    )
    assert text_of(result).endswith("Tell the person; do not retry.")


@pytest.mark.parametrize("era", ERAS)
async def test_the_list_of_tools_is_short_strict_and_says_what_each_does(
    server: Server, era: Era
) -> None:
    async with connected(server, era) as client:
        tools = (await client.list_tools()).tools
        assert client.instructions is not None
        assert "pwsh_login" in client.instructions
    assert tuple(tool.name for tool in tools) == TOOL_NAMES
    wire = json.dumps(
        [one.model_dump(mode="json", by_alias=True, exclude_none=True) for one in tools],
        separators=(",", ":"),
    )
    # Measured on such a list: 4.0 characters for a token of o200k_base, 3.88 for one of GPT-2.
    assert len(wire) / 3.88 < 4400
    for tool in tools:
        assert tool.input_schema["additionalProperties"] is False
        assert tool.output_schema
        assert tool.description
        assert len(tool.description) < 2048
    hints = {
        one.name: one.annotations.model_dump(exclude_none=True) for one in tools if one.annotations
    }
    assert [name for name in TOOL_NAMES if hints[name]["read_only_hint"]] == [
        "pwsh_status",
        "pwsh_read",
        "pwsh_wait",
        "pwsh_output",
        "pwsh_find",
        "pwsh_sessions",
    ]
    destructive = [name for name in TOOL_NAMES if hints[name]["destructive_hint"]]
    assert destructive == ["pwsh_run", "pwsh_answer", "pwsh_cancel", "pwsh_disconnect"]
    assert [name for name in TOOL_NAMES if not hints[name]["idempotent_hint"]] == [
        "pwsh_run",
        "pwsh_answer",
    ]
