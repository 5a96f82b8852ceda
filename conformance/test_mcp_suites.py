"""The MCP project's own conformance suites: all of them against our door, those without a fixture
against the product.
"""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from node_packages import pinned_version
from official_suites import Findings, opened_to, run_suite

from tests.fixtures.server import Server

FIXTURE = Path(__file__).with_name("fixture_server.py")
TOKEN = "fixture"
FIXTURE_WAIT = 30.0
"""Seconds for the fixture server to start, and to end."""

OLD, NEW = "conformance-2025", "conformance-2026"
NAME = "@modelcontextprotocol/conformance"
TASKS = frozenset(
    {
        "tasks-capability-negotiation",
        "tasks-dispatch-and-envelope",
        "tasks-lifecycle",
        "tasks-mrtr-composition",
        "tasks-mrtr-input",
        "tasks-request-headers",
        "tasks-request-state-removal",
        "tasks-required-task-error",
        "tasks-wire-fields",
    }
)
"""Fail, and are not scored by the suite for 2026-07-28: tasks are an extension of the protocol that
the MCP SDK has not.
"""

OLD_POLLING = frozenset({"server-sse-priming-event", "server-sse-retry-field"})
"""Warnings of 0.1.16, whose scenario asks in the name of 2025-03-26, when there were no such
events; 0.2.0 asks rightly.
"""

WITHOUT_FIXTURE = (
    "tools-list",
    "resources-list",
    "prompts-list",
    "completion-complete",
    "dns-rebinding-protection",
    "server-sse-multiple-streams",
)
HANDSHAKE = ("server-initialize", "ping")
STATELESS = (
    "caching",
    "http-header-validation",
    "sep-2164-resource-not-found",
    "input-required-result-unsupported-methods",
    "input-required-result-ignore-extra-params",
    "server-stateless",
)
NEEDS_A_FIXTURE = frozenset(
    {"sep-2575-server-rejects-undeclared-capability", "sep-2575-missing-capability-http-400"}
)
"""Failures of server-stateless on the product: it calls a tool of a fixed name.

Against the fixture they pass.
"""

NEVER_CHANGES = frozenset(
    {
        "sep-2575-server-sends-prompts-list-changed-on-subscription",
        "sep-2575-server-sends-tools-list-changed-on-subscription",
    }
)
"""Warnings of server-stateless on the product: it calls tools of fixed names that change the lists;
ours never change.
"""

Prove = Callable[[str], None]


def proof(package: str, what: str, against: str) -> pytest.MarkDecorator:
    """Return the mark of a test that runs one of the suites."""
    return pytest.mark.proof(f"{NAME} {what}", pinned_version(package), against)


@pytest_asyncio.fixture
async def fixture_door() -> AsyncIterator[str]:
    """The address of the fixture server's MCP door, in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(FIXTURE),
        env={**os.environ, "FIXTURE_TOKEN": TOKEN},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdin
    assert process.stdout
    try:
        line = await asyncio.wait_for(process.stdout.readline(), FIXTURE_WAIT)
        async with opened_to(f"http://127.0.0.1:{json.loads(line)['port']}", TOKEN) as url:
            yield url
        process.stdin.close()
        assert await asyncio.wait_for(process.wait(), FIXTURE_WAIT) == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole run of a suite and what is expected of it: how many scenarios, which fail unscored,
    which checks only warn.
    """

    package: str
    options: str
    scenarios: int
    unscored: frozenset[str] = frozenset()
    warned: frozenset[str] = frozenset()


WHOLE = [
    Whole(OLD, "--suite all", 32, warned=OLD_POLLING),
    Whole(NEW, "--suite all --spec-version 2025-06-18", 27),
    Whole(NEW, "--suite all --spec-version 2025-11-25", 33),
    Whole(NEW, "--requirements 2026-07-28", 50, unscored=TASKS),
]


@pytest.mark.parametrize(
    "whole", [pytest.param(one, marks=proof(one.package, one.options, "our door")) for one in WHOLE]
)
async def test_the_suite_passes_against_our_door(
    fixture_door: str, tmp_path: Path, prove: Prove, whole: Whole
) -> None:
    found = await run_suite(whole.package, fixture_door, tmp_path, *whole.options.split())
    prove(f"{len(found.scenarios() - whole.unscored)} scenarios, {found.summary(whole.unscored)}")
    assert {one.scenario for one in found.of("FAILURE")} == whole.unscored, found.of("FAILURE")
    assert {one.name for one in found.of("WARNING")} == whole.warned, found.of("WARNING")
    assert found.status == 0, found.said
    assert len(found.scenarios()) == whole.scenarios


@dataclass(frozen=True, slots=True)
class Single:
    """Scenarios that need no fixture, each in a run of its own; `version` is of the protocol, empty
    for the suite's own.
    """

    package: str
    version: str
    scenarios: tuple[str, ...]
    failed: frozenset[str] = frozenset()
    warned: frozenset[str] = frozenset()


SINGLE = [
    Single(OLD, "", HANDSHAKE + WITHOUT_FIXTURE),
    Single(NEW, "2025-11-25", (*HANDSHAKE, "server-session-lifecycle", *WITHOUT_FIXTURE)),
    Single(
        NEW, "2026-07-28", WITHOUT_FIXTURE + STATELESS, failed=NEEDS_A_FIXTURE, warned=NEVER_CHANGES
    ),
]


@pytest.mark.parametrize(
    "single",
    [
        pytest.param(
            one,
            marks=proof(
                one.package, f"scenarios without a fixture {one.version}".strip(), "product, http"
            ),
        )
        for one in SINGLE
    ],
)
async def test_every_scenario_without_a_fixture_passes_against_the_product(
    server: Server, tmp_path: Path, prove: Prove, single: Single
) -> None:
    era = ["--spec-version", single.version] if single.version else []
    async with opened_to(server.url, server.token) as url:
        runs = [
            await run_suite(single.package, url, tmp_path / one, "--scenario", one, *era)
            for one in single.scenarios
        ]
    found = Findings(
        tuple(check for run in runs for check in run.checks), "".join(run.said for run in runs), 0
    )
    failed = [one for one in found.of("FAILURE") if one.name not in single.failed]
    prove(
        f"{len(single.scenarios)} scenarios, {len(found.of('SUCCESS'))} checks passed,"
        f" {len(failed)} failed"
    )
    assert failed == []
    assert {one.scenario for one in found.of("SUCCESS")} == {*single.scenarios}, found.said
    assert {one.name for one in found.of("FAILURE")} == single.failed
    assert {one.name for one in found.of("WARNING")} == single.warned, found.of("WARNING")
