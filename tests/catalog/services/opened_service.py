"""One PowerShell per service module, in which a test runs the catalog's scripts as a session does,
on the sandbox.
"""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from tornado.httpserver import HTTPServer

from pwsh_kernels.catalog import Catalog, Fact, FactName, Facts, Module, RouteName, Script, Secret
from pwsh_kernels.errors import DeviceCodeRefused
from pwsh_kernels.powershell import (
    ConsoleText,
    Event,
    HostText,
    PowerShell,
    RecordWritten,
    Text,
)
from pwsh_kernels.records import OutputFormat, Record, RunOptions
from pwsh_kernels.sandbox import Authority
from tests.fixtures.powershell import WAIT_S, Said, collect
from tests.fixtures.sandbox import AUTOMATION, CERTIFICATE_PASSWORD

ADMIN = "admin@contoso.example"
PAGE = "http://127.0.0.1:5100/sandbox/devicelogin"
CONTOSO = "c0070500-0001-4a11-8c0d-5a9d0b0c0001"
IDENTITY = "c0070500-1d00-4c00-8a00-0000000001d0"
TEAMS = "48ac35b8-9aa8-4d74-927d-1f4a14a0b239"
ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
CATALOG = Catalog.load()
AUDIENCES: Mapping[str, str] = {
    "exo": "https://outlook.office365.com",
    "pnp": "https://contoso.sharepoint.com",
    "azure": "https://management.azure.com/",
    "powerplatform": "https://service.powerapps.com/",
    "graph": "https://graph.microsoft.com",
    "teams": TEAMS,
}


OpenService = Callable[..., Awaitable["Service"]]


@dataclass
class Service:
    """A session's PowerShell of one module, and the authority that answers its device codes."""

    module: Module
    shell: PowerShell
    authority: Authority
    endpoint: HTTPServer
    """The simulated PowerApps service."""
    facts: Mapping[FactName, Fact | None]
    seen: list[tuple[str, str]] = field(default_factory=list)
    """What the last script showed, with the channel it came on."""

    async def run(
        self, script: Script, account: str | None = None, out: OutputFormat = "text", **facts: Any
    ) -> Said:
        """Run a script with its facts bound; `account` enters each device code that a module waits
        for.
        """
        known: dict[FactName, Fact | None] = {
            **self.module.facts(),
            **self.facts,
            **cast(Facts, facts),
        }
        options = RunOptions(parameters=script.bind(known), format=out)
        return await self._end(script.text, options, account)

    async def ask(self, text: str) -> Any:
        """Run a script of the test's own; return its output as JSON, or None without output.

        Raises on its errors.
        """
        said = await self._end(text, RunOptions(format="json"))
        assert said.summary.outcome == "completed", said.summary
        return json.loads(said.text) if said.text.strip() else None

    async def connect(
        self, route: RouteName = "device_code", account: str = ADMIN, **facts: Any
    ) -> Said:
        """Sign in on a route."""
        return await self.run(self.module.routes[route].script, account, **facts)

    async def check(self) -> dict[str, Any] | None:
        """Return who is signed in, as the check script says."""
        said = await self.run(self.module.check, out="json")
        assert said.summary.outcome == "completed", said.summary
        found = json.loads(said.text) if said.text.strip() else None
        return found[0] if isinstance(found, list) else found

    async def _end(self, text: str, options: RunOptions, account: str | None = None) -> Said:
        self.seen.clear()
        async with asyncio.timeout(WAIT_S):
            pipeline = await self.shell.start(text, options, add_to_history=False)

        async def look(event: Event) -> None:
            self.seen.extend(shown(event))
            if account:
                self._answer(account)

        return await collect(pipeline, look)

    def _answer(self, account: str) -> None:
        for file in self.authority.codes.glob("*.json"):
            with suppress(DeviceCodeRefused):
                self.authority.approve(self.authority.pending(file.stem).code, account)

    def codes(self) -> set[tuple[str, str]]:
        """Return each channel on which the device code route's pattern finds the code that the last
        script showed.
        """
        pattern = self.module.routes["device_code"].code_pattern
        plain = [(channel, ANSI.sub("", text)) for channel, text in self.seen]
        return {(channel, match[1]) for channel, text in plain if (match := pattern.search(text))}

    async def close(self) -> None:
        """End the PowerShell, and what was started for it."""
        await self.shell.close()
        self.endpoint.stop()


def shown(event: Event) -> Iterator[tuple[str, str]]:
    """Yield the channel and the text of what a person would see."""
    if isinstance(event, ConsoleText):
        yield "console", event.text
    elif isinstance(event, Text):
        yield "output", event.text
    elif isinstance(event, HostText):
        yield "host", event.text
    elif isinstance(event, RecordWritten):
        yield event.record.kind, event.record.message


def error_of(said: Said) -> Record:
    """Return the error that ended a script."""
    assert said.summary.outcome == "failed", said.events
    return said.error


def contoso_facts(authority: Authority, key: str, certificate: Path) -> dict[FactName, Fact | None]:
    """Return everything that a tenants file could say of the sandbox's contoso."""
    application = AUTOMATION["contoso"]
    token = authority.issue_token
    return {
        "tenant": "contoso.example",
        "tenant_id": CONTOSO,
        "organization": "contoso.onmicrosoft.example",
        "sharepoint_url": "https://contoso.sharepoint.com",
        "client_id": application,
        "certificate_file": str(certificate),
        "certificate_password": Secret(CERTIFICATE_PASSWORD),
        "client_secret": Secret("contoso-automation-sandbox-secret"),
        "access_token": Secret(token(ADMIN, AUDIENCES[key])),
        "graph_token": Secret(token(ADMIN, AUDIENCES["graph"])),
        "federated_token": Secret(token(application, "api://AzureADTokenExchange")),
    }
