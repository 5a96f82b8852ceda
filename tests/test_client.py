"""The REST client against servers that do not do what they should, and what it asks of one that
does.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from pwsh_kernels.client import RestClient
from pwsh_kernels.discovery import ServerAddress
from pwsh_kernels.errors import AnswerLost, NotOurServer, RequestRefused, ServerUnreachable
from tests.fixtures.server import Server

pytestmark = pytest.mark.xdist_group("server")


@asynccontextmanager
async def program_that_answers(answer: bytes) -> AsyncIterator[tuple[ServerAddress, list[str]]]:
    """Give the address of a program that answers every request with these bytes, and the requests
    that it has heard.
    """
    heard: list[str] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append((await reader.readuntil(b"\r\n\r\n")).decode())
        writer.write(answer)
        writer.close()

    program = await asyncio.start_server(talk, "127.0.0.1", 0)
    port = program.sockets[0].getsockname()[1]
    async with program:
        yield ServerAddress(f"http://127.0.0.1:{port}", "token", "test"), heard


def response(status: str, body: bytes, *headers: str) -> bytes:
    """Return an HTTP answer."""
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join([*head, "", ""]).encode() + body


async def test_an_answer_that_breaks_off_is_told_as_lost_since_the_work_may_be_done() -> None:
    half = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"
    async with (
        program_that_answers(half) as (address, _),
        RestClient(address, 10, "test") as client,
    ):
        with pytest.raises(AnswerLost, match="may still carry out"):
            await client.run("contoso.example", "exo", "1")


async def test_a_connection_that_is_refused_has_sent_nothing(free_tcp_port: int) -> None:
    async with RestClient(
        ServerAddress(f"http://127.0.0.1:{free_tcp_port}", "token", "test"), 10, "test"
    ) as client:
        with pytest.raises(ServerUnreachable):
            await client.run("contoso.example", "exo", "1")


@pytest.mark.parametrize("body", [b"<html>", b"[]", b""])
async def test_what_is_no_json_object_is_not_our_server(body: bytes) -> None:
    async with (
        program_that_answers(response("200 OK", body)) as (address, _),
        RestClient(address, 10, "test") as client,
    ):
        with pytest.raises(NotOurServer, match="status 200 without a JSON object"):
            await client.sessions()


async def test_a_redirect_takes_no_token_elsewhere() -> None:
    async with program_that_answers(response("200 OK", b"{}")) as (elsewhere, heard_elsewhere):
        moved = response("302 Found", b'{"error": "moved"}', f"Location: {elsewhere.url}/sessions")
        async with (
            program_that_answers(moved) as (address, _),
            RestClient(address, 10, "test") as client,
        ):
            with pytest.raises(RequestRefused):
                await client.sessions()
        assert heard_elsewhere == []


async def test_a_proxy_of_the_environment_sees_nothing_that_goes_to_this_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with program_that_answers(response("200 OK", b"{}")) as (proxy, heard_by_proxy):
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        async with program_that_answers(response("200 OK", b"{}")) as (address, heard):
            async with RestClient(address, 10, "test") as client:
                await client.sessions()
            assert "Authorization: Bearer token" in heard[0]
        assert heard_by_proxy == []


async def test_a_refusal_keeps_its_status_its_code_and_its_facts(server: Server) -> None:
    async with RestClient(ServerAddress(server.url, server.token, "test"), 10, "test") as client:
        with pytest.raises(RequestRefused) as caught:
            await client.login("contoso.example", "exchange")
    error = caught.value
    assert (error.http_status, error.error_code, error.details) == (
        400,
        "unknown_module",
        {
            "module": "exchange",
            "known": ["azure", "exo", "graph", "pnp", "powerplatform", "teams"],
            "nearest": [],
        },
    )
    assert error.to_json() == {
        "success": False,
        "error": error.text(),
        "code": "unknown_module",
        **error.details,
    }


async def test_a_change_between_two_reads_is_not_waited_for(server: Server) -> None:
    assert server.sign_in()["state"] == "signed_in"
    asking = server.run("Read-Host 'Your name'", wait_s=30)
    assert asking["state"] == "waiting_for_input"
    async with (
        asyncio.timeout(20),
        RestClient(ServerAddress(server.url, server.token, "test"), 60, "test") as client,
    ):
        run = await client.read_run(asking["run_id"], wait_s=60, seen="running")
        assert run["state"] == "waiting_for_input"
        await client.refuse(asking["run_id"], for_other=True)
        ended = await client.read_run(asking["run_id"], cursor=10**9, wait_s=60, seen="running")
        assert ended["state"] == "failed"


@pytest.mark.parametrize("run_id", ["../sessions", "a/b", "", "%2e%2e", "?x=1"])
async def test_an_id_names_no_other_route(server: Server, run_id: str) -> None:
    async with RestClient(ServerAddress(server.url, server.token, "test"), 10, "test") as client:
        with pytest.raises(RequestRefused) as caught:
            await client.read_run(run_id)
    assert caught.value.error_code == "unknown_run"
