"""The MCP project's own conformance suites as subprocesses: run them, read what they found."""

import asyncio
import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from authorizing_proxy import LOOPBACK, authorizing_proxy
from node_packages import node_command

SUITE_WAIT = 170.0
"""Seconds for one run of a suite: 15 were measured."""

PROGRAM = "dist/index.js"
_RESULT_FOLDER = re.compile(r"server-(?P<scenario>.+)-\d{4}-\d\d-\d\dT[0-9-]+Z")


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that a scenario has looked at.

    `status`: SUCCESS, FAILURE, WARNING, SKIPPED or INFO.
    """

    scenario: str
    name: str
    status: str
    text: str


@dataclass(frozen=True, slots=True)
class Findings:
    """What a run has found. `said` is what the suite printed."""

    checks: tuple[Check, ...]
    said: str
    status: int

    def of(self, status: str) -> list[Check]:
        """Return the checks with a status."""
        return [one for one in self.checks if one.status == status]

    def scenarios(self) -> set[str]:
        """Return the scenarios that have run."""
        return {one.scenario for one in self.checks}

    def summary(self, unscored: frozenset[str] = frozenset()) -> str:
        """Return the counts as a sentence; failures in `unscored` scenarios are not counted as
        such.
        """
        counts = Counter(one.status for one in self.checks if one.scenario not in unscored)
        words = [f"{counts['SUCCESS']} checks passed", f"{counts['FAILURE']} failed"]
        return ", ".join(words + ([f"{counts['WARNING']} warnings"] if counts["WARNING"] else []))


def read_checks(folder: Path) -> Iterator[Check]:
    """Yield the checks that a suite has written: a folder for each scenario with a checks.json."""
    for file in sorted(folder.glob("*/checks.json")):
        named = _RESULT_FOLDER.fullmatch(file.parent.name)
        assert named, file
        found: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))
        for one in found:
            text = f"{one['description']}: {one.get('errorMessage') or ''}"
            yield Check(named["scenario"], one["id"], one["status"], text)


@asynccontextmanager
async def opened_to(url: str, token: str, heard: bytearray | None = None) -> AsyncIterator[str]:
    """Give an address at which the MCP door of a server answers without a token; `heard` takes all
    that it answers.
    """
    port = urlsplit(url).port
    assert port
    async with authorizing_proxy(port, token, heard) as front:
        yield f"http://{LOOPBACK}:{front}/mcp"


async def run_suite(package: str, url: str, folder: Path, *options: str) -> Findings:
    """Run a suite against an MCP address; `folder` takes what it writes."""
    command = [
        *node_command(package, PROGRAM),
        "server",
        "--url",
        url,
        "--output-dir",
        str(folder),
        *options,
    ]
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        said, _ = await asyncio.wait_for(process.communicate(), SUITE_WAIT)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return Findings(tuple(read_checks(folder)), said.decode(), process.returncode)
