"""The resources and the completion of what they are named by: the same through both doors, in both
eras.
"""

import json
import re
from typing import Any, cast

import pytest
from mcp import Client, MCPError
from mcp_types import PromptReference, ResourceTemplateReference, TextResourceContents

from pwsh_kernels.mcp.backend import RestBackend
from pwsh_kernels.mcp.offers.completion import MAX_VALUES, listed, matching
from pwsh_kernels.mcp.offers.resources import MAX_OUTPUT, OUTPUT, SESSIONS, STATUS, output_text
from pwsh_kernels.mcp.server import build_server
from pwsh_kernels.shapes import RunPage
from tests.fixtures.documentation import page, rows, words
from tests.fixtures.server import ADMIN, CONTOSO, FABRIKAM, Server
from tests.mcp.client import Era, settings_for
from tests.mcp.doors import EACH_WAY, through

pytestmark = pytest.mark.xdist_group("server")

INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603


@pytest.fixture(scope="module")
def signed_in(server: Server) -> Server:
    """The shared server with contoso signed in."""
    assert server.sign_in(CONTOSO)["state"] == "signed_in"
    return server


async def read(client: Client, uri: str) -> TextResourceContents:
    """Return the one content of a resource."""
    [content] = (await client.read_resource(uri)).contents
    assert isinstance(content, TextResourceContents)
    assert content.uri == uri
    return content


async def refusal(client: Client, uri: str) -> tuple[int, str]:
    """Return how reading a resource is refused."""
    with pytest.raises(MCPError) as caught:
        await client.read_resource(uri)
    return caught.value.error.code, caught.value.error.message


async def completed(client: Client, uri: str, name: str, typed: str, **given: str) -> list[str]:
    """Return what completes an argument of a resource's address."""
    reference = ResourceTemplateReference(uri=uri)
    found = await client.complete(reference, {"name": name, "value": typed}, given or None)
    return found.completion.values


def facts(page: TextResourceContents) -> dict[str, Any]:
    """Return the facts of a JSON resource."""
    assert page.mime_type == "application/json"
    found: dict[str, Any] = json.loads(page.text)
    return found


@EACH_WAY
async def test_every_resource_is_listed_and_can_be_read(
    signed_in: Server, door: str, era: Era
) -> None:
    run = signed_in.run(
        "'one'; Write-Warning 'mind'; \"$([char]27)[31mred$([char]27)[0m\"", format="text"
    )
    async with through(door, signed_in, era) as client:
        assert [one.uri for one in (await client.list_resources()).resources] == [SESSIONS]
        templates = (await client.list_resource_templates()).resource_templates
        assert [one.uri_template for one in templates] == [STATUS, OUTPUT]
        assert all(one.title and one.description for one in templates)
        sessions = facts(await read(client, SESSIONS))
        status = facts(await read(client, f"pwsh://{CONTOSO}/exo/status"))
        nobody = facts(await read(client, "pwsh://nobody.example/exo/status"))
        output = await read(client, f"pwsh://runs/{run['run_id']}/output")
    assert [
        one["account"] for one in sessions["sessions"] if one["session"] == f"{CONTOSO}:exo"
    ] == [ADMIN]
    assert (status["state"], status["account"]) == ("signed_in", ADMIN)
    assert "qr_svg" not in status
    assert nobody["state"] == "none"
    assert (output.mime_type, output.text) == ("text/plain", "one\nWARNING: mind\nred\n")


@EACH_WAY
async def test_what_is_not_there_is_refused_with_the_next_step(
    server: Server, door: str, era: Era
) -> None:
    async with through(door, server, era) as client:
        run = await refusal(client, "pwsh://runs/r-none/output")
        module = await refusal(client, f"pwsh://{CONTOSO}/exchange/status")
        tenant = await refusal(client, "pwsh://contso.example/exo/status")
        address = await refusal(client, "pwsh://contoso.example/exo/else")
        escaping = await refusal(client, "pwsh://runs/%2E%2E%2Fsessions/output")
    assert run[0] == module[0] == tenant[0] == address[0] == escaping[0] == INVALID_PARAMS
    assert run[1].startswith("No run 'r-none'.")
    assert module[1].startswith("Unknown module: exchange. Known modules: azure, exo, ")
    assert "contoso.example" in tenant[1]
    assert "Traceback" not in " ".join((run[1], module[1], tenant[1], address[1], escaping[1]))


async def test_without_a_server_a_resource_says_what_to_do(free_tcp_port: int) -> None:
    backend = RestBackend(settings_for(f"http://127.0.0.1:{free_tcp_port}"))
    async with Client(build_server(backend)) as client:
        code, text = await refusal(client, SESSIONS)
        with pytest.raises(MCPError, match="pwsh-kernels serve"):
            await completed(client, STATUS, "tenant", "")
    assert code == INTERNAL_ERROR
    assert "pwsh-kernels serve" in text


LINES = 30_000
LONG = "".join(f"line {number} \U0001f600\n" for number in range(1, LINES + 1))


@pytest.fixture(scope="module")
def long_run(signed_in: Server) -> str:
    """A run whose output is longer than the bound."""
    command = f'1..{LINES} | ForEach-Object {{ "line $_ \U0001f600" }}'
    run = signed_in.run(command, format="text", wait_s=60)
    assert run["total_chars"] > MAX_OUTPUT
    return str(run["run_id"])


@EACH_WAY
async def test_a_long_output_is_shown_to_its_bound_and_the_last_line_says_how_to_read_on(
    signed_in: Server, long_run: str, door: str, era: Era
) -> None:
    async with through(door, signed_in, era) as client:
        text = (await read(client, f"pwsh://runs/{long_run}/output")).text
    shown, _, last = text.rpartition("-----\n")[0].rpartition("----- ")
    cursor = re.search(r"pwsh_output with run_id (\S+) and cursor (\d+)", last)
    assert cursor
    assert cursor[1] == long_run
    assert len(shown) <= MAX_OUTPUT
    assert shown.endswith("\U0001f600\n")
    rest = signed_in.get(f"/runs/{long_run}", cursor=int(cursor[2]), limit=1_000_000)
    assert shown + "".join(entry["text"] for entry in rest["entries"]) == LONG


async def test_the_output_of_a_run_that_goes_on_says_so(signed_in: Server) -> None:
    run = signed_in.run("'begun'; Start-Sleep 60", format="text", wait_s=0)
    signed_in.until(lambda: signed_in.get(f"/runs/{run['run_id']}")["total_chars"])
    async with through("rest", signed_in, "auto") as client:
        text = (await read(client, f"pwsh://runs/{run['run_id']}/output")).text
    signed_in.post(f"/runs/{run['run_id']}/cancel")
    assert text.startswith("begun\n")
    assert text.endswith(
        f"----- the run is running and continues: pwsh_wait with run_id {run['run_id']} -----\n"
    )


def test_half_a_character_at_the_bound_is_left_to_the_next_page() -> None:
    half = "x" * (MAX_OUTPUT - 1) + "\ud83d"
    entry = {"start": 0, "stream": "stdout", "kind": "text", "text": half, "record": None}
    run = {
        "run_id": "r-1",
        "state": "succeeded",
        "ended_at": "2026",
        "total_chars": MAX_OUTPUT + 1,
        "truncated": 0,
    }
    page = {"cursor": 0, "entries": [entry], "next_cursor": MAX_OUTPUT, "more": True}
    text = output_text(cast("RunPage", {**run, **page}))
    assert f"cursor {MAX_OUTPUT - 1} " in text
    assert "\ufffd" not in text
    assert text.isascii()


@EACH_WAY
async def test_names_are_completed_by_what_is_there(signed_in: Server, door: str, era: Era) -> None:
    run = signed_in.run("1")
    async with through(door, signed_in, era) as client:
        assert (await completed(client, STATUS, "tenant", "CONT"))[0] == CONTOSO
        assert (await completed(client, STATUS, "tenant", ""))[0] in {CONTOSO, FABRIKAM}
        assert FABRIKAM in await completed(client, STATUS, "tenant", "kam")
        assert await completed(client, STATUS, "module", "p") == ["pnp", "powerplatform"]
        assert (await completed(client, STATUS, "module", "", tenant=CONTOSO))[0] == "exo"
        assert (await completed(client, OUTPUT, "id", "r-"))[0] == run["run_id"]
        assert await completed(client, OUTPUT, "nothing", "r-") == []
        prompt = PromptReference(name="compare_tenants")
        several = await client.complete(prompt, {"name": "tenants", "value": f"{CONTOSO}, fab"})
        assert several.completion.values[0] == f"{CONTOSO}, {FABRIKAM}"
        unknown = await client.complete(
            PromptReference(name="nothing"), {"name": "tenant", "value": ""}
        )
        assert (
            unknown.completion.values
            == await completed(client, "pwsh://nothing", "tenant", "")
            == []
        )


def test_every_address_and_its_bound_are_documented() -> None:
    text = page("mcp.md")
    assert [words(row[0])[0] for row in rows(text, "Address")] == [SESSIONS, STATUS, OUTPUT]
    assert f"{MAX_OUTPUT:,} characters" in text


def test_no_more_values_are_given_than_the_specification_allows() -> None:
    found = matching([f"t{number}.example" for number in range(250)], "t")
    assert (len(found.values), found.total, found.has_more) == (MAX_VALUES, 250, True)


def test_a_tenant_that_is_in_the_list_is_not_offered_again() -> None:
    assert listed(["a.example", "b.example"], "A.example,").values == ["A.example, b.example"]
    assert listed(["a.example", "b.example"], "").values == ["a.example", "b.example"]
