"""The first steps: what was found on this machine, what to do next, and MCP's configuration."""

import json
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from jupyter_server.auth.decorator import allow_unauthenticated

from pwsh_kernels import shapes
from pwsh_kernels.mcp_clients import Client, Place, configuration
from pwsh_kernels.principals.principal import SERVER, Kind
from pwsh_kernels.principals.verbs import Verb
from pwsh_kernels.settings import Settings
from pwsh_kernels.web.pages.page_handler import PageHandler

CLIENTS: dict[Client, tuple[str, str]] = {
    "claude-code": ("Claude Code", ".mcp.json of a project"),
    "claude-desktop": ("Claude Desktop", "claude_desktop_config.json"),
    "vscode": ("VS Code", ".vscode/mcp.json of a folder"),
}
"""Clients whose configuration the page shows: title, and where it goes."""


@dataclass(frozen=True, slots=True)
class Found:
    """Something that was looked for: its mark, and what it means."""

    what: str
    mark: str
    said: str


def found_powershell(health: shapes.Health) -> Found:
    """Return whether there is a PowerShell."""
    facts = health["powershell"]
    if facts["found"]:
        return Found("PowerShell", "good", f"{facts['version']}, {facts['place']}")
    if facts["found"] is None:
        return Found("PowerShell", "busy", "is being looked for; reload in a moment")
    return Found("PowerShell", "bad", f"{facts['error']}: run pwsh-kernels doctor")


def found_confinement(health: shapes.Health) -> Found:
    """Return whether this machine confines sessions."""
    facts = health["confinement"]
    parts = [name for name, held in (("files", facts["files"]), ("network", facts["tcp"])) if held]
    if len(parts) == 2:
        return Found("Confinement", "good", "sessions reach only their own files and port 443")
    said = f"only {parts[0]} are confined here" if parts else "sessions are not confined here"
    return Found("Confinement", "wait", f"{said}: pwsh-kernels doctor says why")


def found_tenants(tenants: shapes.KnownTenants) -> Found:
    """Return whether a real tenant is known."""
    real = [one["names"][0] for one in tenants["tenants"] if not one["sandbox"]]
    if real:
        return Found("Tenants", "good", f"{len(real)} of yours: {', '.join(real[:3])}")
    return Found("Tenants", "wait", "only simulated ones: try everything with them first")


def found_modules(modules: shapes.Modules) -> Sequence[Found]:
    """Return which PowerShell modules are installed; simulated tenants need none."""
    return [
        Found(one["title"], "good", f"{one['name']} {one['installed']}")
        if one["installed"]
        else Found(one["title"], "off", f"{one['name']} is not installed")
        for one in modules["details"].values()
    ]


@dataclass(frozen=True, slots=True)
class Steps:
    """Which of the first steps somebody has done."""

    signed_in: bool
    run: bool
    tenant: bool
    agent: bool

    @property
    def done(self) -> Sequence[str]:
        """The steps that are done, in words."""
        words = {
            "signed_in": "a session is signed in",
            "run": "a command was run",
            "tenant": "a tenant of yours is there",
            "agent": "an agent has a token of its own",
        }
        return [said for name, said in words.items() if getattr(self, name)]

    @property
    def finished(self) -> bool:
        """Whether no step is left."""
        return self.signed_in and self.run and self.tenant and self.agent


class StartPage(PageHandler):
    """What is found, what to do next; for whoever administers the server."""

    verb = Verb.ADMINISTER
    where = SERVER
    tab = "start"

    @allow_unauthenticated
    async def get(self) -> None:
        """Show what was found and what to do next."""
        health, tenants = await self.ask("GET /health"), await self.ask("GET /tenants")
        docker = shutil.which("docker")
        docker_said = f"found; the image runs the same server: {docker}" if docker else "not found"
        found = [
            found_powershell(health),
            found_confinement(health),
            found_tenants(tenants),
            Found("Docker", "good" if docker else "off", f"{docker_said} (not needed)"),
        ]
        self.show(
            "start.html",
            found=found,
            steps=await self.steps(tenants),
            modules=found_modules(await self.ask("GET /modules")),
            configurations=self.configurations(),
            clients=CLIENTS,
        )

    async def steps(self, tenants: shapes.KnownTenants) -> Steps:
        """Return which steps are done, as far as it is remembered."""
        sessions = (await self.ask("GET /sessions"))["sessions"]
        runs = (await self.ask("GET /runs", {"purpose": "command", "limit": 1}))["runs"]
        known = self.site.principals.current().known
        return Steps(
            any(one["state"] == "signed_in" for one in sessions),
            bool(runs),
            not all(one["sandbox"] for one in tenants["tenants"]),
            any(one.kind is Kind.AGENT and not one.revoked for one in known),
        )

    def configurations(self) -> dict[Client, str]:
        """Return the JSON for each MCP client: paths of this machine, no secret."""
        address = self.site.address()
        known = Settings.model_fields["url"].default
        environment = None if address == known else {"PWSH_MANAGER_URL": address}
        place = Place(
            sys.executable, self.site.mcp_program, f"{address}/mcp", environment=environment
        )
        return {one: json.dumps(configuration(one, place), indent=2) for one in CLIENTS}
