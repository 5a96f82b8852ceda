"""The prompts: what a person can ask for by name; each tells a model the order of our tools for one
piece of work.
"""

import functools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Annotated, Any

from mcp import MCPError
from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.prompts.base import Message, Prompt
from mcp_types import INVALID_PARAMS, InputRequiredResult
from pydantic import Field

from pwsh_kernels.shapes import ForeignJson

MAX_VALUE = 2000
"""Characters of one argument; a longer one is neither a name nor a question."""

FIRST_LOOK: Mapping[str, tuple[str, ...]] = {
    "exo": (
        "Get-AcceptedDomain | Select-Object DomainName, DomainType, Default",
        (
            "Get-Mailbox -ResultSize 3 | Select-Object DisplayName, PrimarySmtpAddress,"
            " RecipientTypeDetails"
        ),
        "Get-TransportRule | Select-Object Name, State, Priority",
    ),
    "graph": (
        "Get-MgContext | Select-Object Account, TenantId, AuthType, Scopes",
        "Get-MgUser -Top 3 | Select-Object DisplayName, UserPrincipalName, AccountEnabled",
        "Get-MgGroup -Top 3 | Select-Object DisplayName, Id",
    ),
    "azure": (
        "Get-AzContext | Select-Object Account, Tenant, Subscription",
        "Get-AzSubscription | Select-Object Name, Id, State",
        "Get-AzResourceGroup | Select-Object -First 3 ResourceGroupName, Location",
    ),
    "pnp": (
        "Get-PnPWeb | Select-Object Title, Url",
        "Get-PnPList | Select-Object -First 5 Title, ItemCount",
    ),
    "teams": (
        "Get-CsTenant | Select-Object DisplayName, TenantId, CountryOrRegion",
        "Get-Team | Select-Object -First 3 DisplayName, GroupId, Archived",
    ),
    "powerplatform": (
        "Get-PowerPlatformConnection",
        "Get-PowerPlatformEnvironment | Select-Object DisplayName, Name, Type, Location",
    ),
}
"""First commands of each service: they only read, cost the service little, and show whether the
account may read.
"""

Text = Annotated[str, Field(max_length=MAX_VALUE)]
Tenant = Annotated[Text, Field(description="The tenant's domain or alias, such as contoso.com")]
Tenants = Annotated[
    Text, Field(description="Two or more, with commas between: contoso.com, fabrikam.com")
]
Module = Annotated[Text, Field(description="Service: exo, graph, azure, pnp, powerplatform, teams")]
Mailbox = Annotated[Text, Field(description="Address, alias or name: adele.vance@contoso.com")]
Question = Annotated[Text, Field(description="What you want to know")]


def onboard_tenant(tenant: Tenant, module: Module = "exo") -> str:
    """Return the text: sign in, check who it is, see what can be done."""
    commands = FIRST_LOOK.get(
        module.lower(), ("Get-Command | Group-Object Source | Select-Object Name, Count",)
    )
    look = "\n".join(f"   * `{command}`" for command in commands)
    return filled(
        "onboard_tenant",
        tenant=needed("tenant", tenant),
        module=one_line(module) or "exo",
        first_look=look,
    )


def investigate_mailbox(
    tenant: Tenant, mailbox: Mailbox, question: Question = "is there anything unusual about it?"
) -> str:
    """Return the text: what it is, who gets in, where its mail goes."""
    values = {
        "tenant": needed("tenant", tenant),
        "mailbox": needed("mailbox", mailbox).replace('"', ""),
    }
    return filled("investigate_mailbox", **values, question=needed("question", question))


def compare_tenants(tenants: Tenants, question: Question, module: Module = "exo") -> str:
    """Return the text: one command, run in all, laid side by side."""
    names = [name for one in tenants.split(",") if (name := one_line(one))]
    if len(names) < 2:
        raise MCPError(
            INVALID_PARAMS,
            "tenants must name two or more, with commas between: contoso.com, fabrikam.com.",
        )
    quoted = ", ".join(f'"{name}"' for name in names)
    values = {
        "tenants": ", ".join(names),
        "quoted_tenants": quoted,
        "module": one_line(module) or "exo",
    }
    return filled("compare_tenants", **values, question=needed("question", question))


@dataclass(frozen=True, slots=True)
class PromptFacts:
    """What a client shows of a prompt, and what makes its text."""

    title: str
    description: str
    make: Callable[..., str]


PROMPTS: Mapping[str, PromptFacts] = {
    "onboard_tenant": PromptFacts(
        "Onboard a tenant",
        "Sign in to a tenant, check who it is, and see what can be done there.",
        onboard_tenant,
    ),
    "investigate_mailbox": PromptFacts(
        "Investigate a mailbox",
        "Look into a mailbox without changing it: size, access, forwarding, rules, mail flow.",
        investigate_mailbox,
    ),
    "compare_tenants": PromptFacts(
        "Compare tenants",
        "Run one reading command in several tenants and report what differs.",
        compare_tenants,
    ),
}


class StrictPrompt(Prompt):
    """A prompt that says in words which arguments it takes."""

    async def render(
        self, arguments: ForeignJson | None, context: Context[Any, Any]
    ) -> list[Message] | InputRequiredResult:
        """Check the arguments' names and lengths, then make the text. Raises MCPError."""
        given, known = arguments or {}, self.arguments or []
        problems = [
            f"{one.name} is missing" for one in known if one.required and one.name not in given
        ]
        problems += [
            f"There is no argument {name}"
            for name in given
            if name not in [one.name for one in known]
        ]
        problems += [
            f"{name} is too long" for name, value in given.items() if len(str(value)) > MAX_VALUE
        ]
        if problems:
            names = ", ".join(one.name for one in known)
            raise MCPError(INVALID_PARAMS, f"{self.name} takes {names}. {'; '.join(problems)}.")
        return await super().render(arguments, context)


def add_prompts(server: MCPServer[Any]) -> None:
    for name in PROMPTS:
        server.add_prompt(_described(name))


@functools.cache  # as the tools' are
def _described(name: str) -> Prompt:
    facts = PROMPTS[name]
    return StrictPrompt.from_function(facts.make, name, facts.title, facts.description)


def filled(name: str, **values: str) -> str:
    """Return a prompt's text with the values in it; what a value holds is not looked at again."""
    text = (
        files("pwsh_kernels.mcp.offers").joinpath("texts", f"{name}.md").read_text(encoding="utf-8")
    )
    return re.sub(r"\{\{(\w+)\}\}", lambda match: values[match[1]], text)


def one_line(value: str) -> str:
    """Return the value without line ends: it must not look like a step of ours."""
    return " ".join(value.split())


def needed(name: str, value: str) -> str:
    """Return the value as one line. Raises MCPError for an empty one."""
    text = one_line(value)
    if not text:
        raise MCPError(INVALID_PARAMS, f"{name} is empty.")
    return text
