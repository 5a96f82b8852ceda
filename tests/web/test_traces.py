"""Traces: from a client's headers or `_meta` through MCP, REST and the run to PowerShell; exported
only where that is switched on, and without what was run.
"""

import asyncio
import json
import secrets
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from mcp import Client

from pwsh_kernels.records import Summary
from pwsh_kernels.sessions.key import SessionKey
from pwsh_kernels.sessions.runs.output_log import OutputLog
from pwsh_kernels.sessions.runs.run import Run
from pwsh_kernels.web.spans import parts_of
from tests.fixtures.server import CONTOSO, Server, server_environment
from tests.fixtures.trace_collector import Collector, collecting, facts, of
from tests.mcp.client import ERAS, Era, facts_of
from tests.mcp.doors import through
from tests.mcp.test_stdio import LIMIT, stdio

SECRET = "hunter2-of-a-command"
APPROVAL = {"id": "a-1", "state": "pending"}
RUN = "run exo"


def new_parent() -> tuple[str, str, dict[str, str]]:
    """Return the ids of a client's span, and the headers that say so."""
    trace, span = secrets.token_hex(16), secrets.token_hex(8)
    return trace, span, {"traceparent": f"00-{trace}-{span}-01", "tracestate": "tested=1"}


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    """What the server exports to."""
    with collecting() as one:
        yield one


@pytest.fixture(scope="module")
def traced(
    powershell_path: Path, tmp_path_factory: pytest.TempPathFactory, collector: Collector
) -> Iterator[Server]:
    """A signed-in server that exports its spans."""
    settings = {
        "PWSH_MANAGER_TRACES": "true",
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "OTEL_BSP_SCHEDULE_DELAY": "20",
    }
    one = Server(tmp_path_factory.mktemp("server"), settings).start()
    assert one.sign_in()["state"] == "signed_in"
    yield one
    one.close()


def test_a_trace_goes_from_a_header_through_rest_and_the_run_to_powershell(
    traced: Server, collector: Collector
) -> None:
    trace, span, headers = new_parent()
    with traced.http(**headers) as http:
        run = http.post("/run", json={"tenant": CONTOSO, "command": f"Get-Date # {SECRET}"}).json()
    names = ("POST /run", RUN, "queued", "running", "powershell")
    route, whole, queued, running, powershell = (collector.span(one, trace) for one in names)
    assert route.parent_span_id.hex() == span
    assert (whole.parent_span_id, running.parent_span_id) == (route.span_id, whole.span_id)
    assert (queued.parent_span_id, powershell.parent_span_id) == (whole.span_id, running.span_id)
    assert (route.kind, route.trace_state) == (2, "tested=1")
    assert facts(route)["http.response.status_code"] == 200
    told = {name.removeprefix("pwsh_kernels."): value for name, value in facts(whole).items()}
    assert (told["tenant"], told["module"]) == (CONTOSO, "exo")
    assert (told["run_id"], told["tier"], told["state"]) == (run["run_id"], "write", "succeeded")
    assert (told["errors"], told["objects"]) == (0, 1)
    assert powershell.start_time_unix_nano < powershell.end_time_unix_nano
    assert not any(SECRET.encode() in body for body in collector.bodies)
    assert not any(traced.token.encode() in body for body in collector.bodies)


@pytest.mark.parametrize("era", ERAS)
async def test_an_mcp_call_names_its_trace_in_meta(
    traced: Server, collector: Collector, era: Era
) -> None:
    trace, span, headers = new_parent()
    arguments = {"tenant": CONTOSO, "command": "1"}
    async with through("http", traced, era) as client:
        run = facts_of(await client.call_tool("pwsh_run", arguments, meta=headers))  # type: ignore[arg-type]
    call = collector.span("tools/call pwsh_run", trace)
    route, whole = collector.span("POST /run", trace), collector.span(RUN, trace)
    assert call.parent_span_id.hex() == span
    assert (route.parent_span_id, whole.parent_span_id) == (call.span_id, route.span_id)
    assert facts(call)["gen_ai.tool.name"] == "pwsh_run"
    assert facts(call)["mcp.method.name"] == "tools/call"
    assert facts(whole)["pwsh_kernels.run_id"] == run["run_id"]


def test_without_a_clients_trace_a_request_begins_one(traced: Server, collector: Collector) -> None:
    run = traced.run("throw 'no'")
    whole = collector.span(RUN, run["trace_id"])
    assert facts(whole)["error.type"] == "failed"
    assert not collector.span("POST /run", run["trace_id"]).parent_span_id


def test_a_stranger_leaves_no_span(traced: Server, collector: Collector) -> None:
    trace, _, headers = new_parent()
    with traced.http(**headers, Authorization="Bearer wrong") as http:
        assert http.get("/runs").status_code == 401
        assert http.get("/health").status_code == 200
    later, _, headers = new_parent()
    with traced.http(**headers) as http:
        http.get("/runs")
    collector.span("GET /runs", later)
    assert not [one for one in collector.spans if of(one) == trace]


async def test_an_mcp_server_over_stdio_exports_its_calls(
    traced: Server, collector: Collector
) -> None:
    trace, span, headers = new_parent()
    environment = {**traced.environment, **traced.settings}
    async with asyncio.timeout(LIMIT), Client(stdio(environment)) as client:
        await client.call_tool("pwsh_sessions", {}, meta=headers)  # type: ignore[arg-type]
    call = collector.span("tools/call pwsh_sessions", trace)
    assert call.parent_span_id.hex() == span
    assert collector.span("GET /sessions", trace).parent_span_id == call.span_id


def test_the_head_of_the_audit_log_is_told_when_the_server_stops(
    traced: Server, collector: Collector, tmp_path: Path
) -> None:
    one = Server(tmp_path, dict(traced.settings)).start()
    one.get("/runs")
    one.stop()
    told = [facts(span) for span in collector.spans if span.name == "audit head"]
    last = (one.data_dir / "audit").glob("*.jsonl")
    record = json.loads(max(last).read_text().splitlines()[-1])
    assert {
        "pwsh_kernels.audit.seq": record["seq"],
        "pwsh_kernels.audit.hash": record["hash"],
    } in told


# -- without export -------------------------------------------------------------------------------


async def test_the_trace_of_a_run_is_known_without_export(server: Server) -> None:
    assert server.sign_in()["state"] == "signed_in"
    trace, _, headers = new_parent()
    with server.http(**headers) as http:
        run = http.post("/run", json={"tenant": CONTOSO, "command": "1"}).json()
    assert (run["trace_id"], server.run("2")["trace_id"]) == (trace, None)
    lines = (server.data_dir / "audit").glob("*.jsonl")
    records = [json.loads(one) for file in lines for one in file.read_text().splitlines()]
    of_run = [one for one in records if one.get("run_id") == run["run_id"]]
    assert [one["trace_id"] for one in of_run] == [trace, trace]
    cells = server.get(f"/sessions/{CONTOSO}:exo/notebook")["cells"]
    told = {one["id"]: one["metadata"].get("pwsh_run", {}).get("trace_id") for one in cells}
    assert told[run["run_id"]] == trace


@pytest.mark.parametrize("door", ["http", "rest"])
async def test_the_trace_of_an_mcp_call_reaches_the_run_without_export(
    server: Server, door: str
) -> None:
    assert server.sign_in()["state"] == "signed_in"
    trace, _, headers = new_parent()
    arguments = {"tenant": CONTOSO, "command": "1"}
    async with through(door, server, "auto") as client:
        ran = facts_of(await client.call_tool("pwsh_run", arguments, meta=headers))  # type: ignore[arg-type]
    assert server.get(f"/runs/{ran['run_id']}")["trace_id"] == trace


def test_a_server_that_exports_nothing_loads_no_opentelemetry() -> None:
    check = (
        "import sys, pwsh_kernels.web.app, pwsh_kernels.web.launch;"
        " print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", check], check=False, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.strip() == "[]", done.stderr


def test_without_the_extra_the_start_says_what_to_install(tmp_path: Path) -> None:
    check = (
        "import sys; sys.modules['opentelemetry.exporter'] = None\n"
        "from pwsh_kernels.tracing.export import exporter\n"
        "from pwsh_kernels.discovery import read_settings\n"
        "exporter(read_settings())"
    )
    environment = server_environment(tmp_path, PWSH_MANAGER_TRACES="true")
    done = subprocess.run(
        [sys.executable, "-c", check],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        env=environment,
    )
    assert "pip install 'pwsh-kernels[otel]'" in done.stderr


# -- the spans of a run ---------------------------------------------------------------------------


def test_a_run_that_never_began_only_waited(tmp_path: Path) -> None:
    run = Run("r-1", SessionKey(CONTOSO, "exo"), "x", OutputLog(tmp_path / "log", 1000))
    run.finish("cancelled")
    whole = parts_of(run)
    assert [(one.name, one.ended) for one in whole.parts] == [("queued", run.ended_at)]
    assert (whole.error, whole.facts["pwsh_kernels.state"]) == ("", "cancelled")


def test_an_approval_is_waited_for_before_the_runs_turn(tmp_path: Path) -> None:
    facts = {"state": "waiting_for_approval", "approval": APPROVAL}
    key = SessionKey(CONTOSO, "exo")
    waits, declined = (
        Run(f"r-{number}", key, "x", OutputLog(tmp_path / f"{number}", 1000), **facts)  # type: ignore[arg-type]
        for number in (1, 2)
    )
    for state in ("queued", "running"):
        waits.become(state)
    waits.finish("succeeded")
    declined.finish("cancelled")
    names = ["waiting_for_approval", "queued", "running"]
    assert [one.name for one in parts_of(waits).parts] == names
    assert parts_of(waits).parts[1].begun == waits.queued_at
    [only] = parts_of(declined).parts
    assert (only.name, only.ended) == ("waiting_for_approval", declined.ended_at)


def test_powershells_span_is_by_the_kernels_own_clock(tmp_path: Path) -> None:
    run = Run("r-1", SessionKey(CONTOSO, "exo", "read"), "x", OutputLog(tmp_path / "log", 1000))
    run.become("running")
    run.finish("failed", Summary("failed", errors=2, duration_s=1.5, began_at=1_000_000.0))
    whole = parts_of(run)
    [_, running] = whole.parts
    [powershell] = running.parts
    assert powershell.begun == datetime.fromtimestamp(1_000_000, UTC)
    assert powershell.ended - powershell.begun == timedelta(seconds=1.5)
    assert (whole.error, whole.facts["pwsh_kernels.tier"]) == ("failed", "read")
