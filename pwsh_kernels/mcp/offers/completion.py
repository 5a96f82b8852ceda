"""Completion of tenants, modules and runs, in the addresses of resources and in the arguments of
prompts.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping

from mcp_types import (
    Completion,
    CompletionArgument,
    CompletionContext,
    PromptReference,
    ResourceTemplateReference,
)

from pwsh_kernels.mcp.backend import Backend
from pwsh_kernels.mcp.offers.prompts import PROMPTS
from pwsh_kernels.mcp.offers.protocol_errors import protocol_refusals
from pwsh_kernels.mcp.offers.resources import OUTPUT, STATUS

MAX_VALUES = 100
"""Values of one answer, by the specification."""
MAX_RUNS = 200
"""Runs that are searched, newest first."""

Source = Callable[[Mapping[str, str]], Awaitable[list[str]]]


class Completions:
    """Completes the beginning of a value that a person has typed; asks the product each time."""

    def __init__(self, backend: Backend) -> None:
        """Take the backend that all values come from."""
        self._backend = backend
        self._sources: Mapping[str, Source] = {
            "tenant": self._tenants,
            "tenants": self._tenants,
            "module": self._modules,
            "id": self._runs,
        }

    async def complete(
        self,
        ref: PromptReference | ResourceTemplateReference,
        argument: CompletionArgument,
        context: CompletionContext | None,
    ) -> Completion:
        """Return the completions of an argument; none for an unknown prompt or address.

        Raises MCPError.
        """
        source = self._sources.get(argument.name) if is_known(ref) else None
        if source is None:
            return Completion(values=[], total=0, has_more=False)
        with protocol_refusals():
            await self._backend.find()
            candidates = await source((context.arguments if context else None) or {})
        return (
            listed(candidates, argument.value)
            if argument.name == "tenants"
            else matching(candidates, argument.value)
        )

    async def _tenants(self, _: Mapping[str, str]) -> list[str]:
        """Return the tenants of sessions, then those of the tenants file by all their names, the
        simulated ones last.
        """
        sessions = (await self._backend.sessions())["sessions"]
        known = sorted(
            (await self._backend.tenants())["tenants"], key=lambda one: bool(one["sandbox"])
        )
        return [
            *(one["tenant"] for one in sessions),
            *(name for one in known for name in one["names"]),
        ]

    async def _modules(self, given: Mapping[str, str]) -> list[str]:
        """Return the modules that the tenant has sessions of, then the others."""
        sessions = (await self._backend.sessions())["sessions"]
        used = [
            one["module"] for one in sessions if one["tenant"] == given.get("tenant", "").lower()
        ]
        return [*used, *(await self._backend.modules(installed=False))["modules"]]

    async def _runs(self, _: Mapping[str, str]) -> list[str]:
        found = await self._backend.runs(purpose="command", limit=MAX_RUNS)
        return [run["run_id"] for run in found["runs"]]


def is_known(ref: PromptReference | ResourceTemplateReference) -> bool:
    """Return whether there is such a prompt or address.

    Unknown ones are not an error: the conformance suite asks for one.
    """
    return ref.name in PROMPTS if isinstance(ref, PromptReference) else ref.uri in (STATUS, OUTPUT)


def matching(candidates: Iterable[str], typed: str) -> Completion:
    """Return the candidates that begin with the typed text, otherwise those that contain it."""
    wanted, different = typed.casefold(), list(dict.fromkeys(candidates))
    found = [one for one in different if one.casefold().startswith(wanted)]
    found = found or [one for one in different if wanted in one.casefold()]
    return Completion(values=found[:MAX_VALUES], total=len(found), has_more=len(found) > MAX_VALUES)


def listed(candidates: Iterable[str], typed: str) -> Completion:
    """Complete the last name of a list (`contoso.com, fab`) by one that is not in it yet."""
    before, comma, last = typed.rpartition(",")
    named = {one.strip().casefold() for one in before.split(",")}
    found = matching((one for one in candidates if one.casefold() not in named), last.strip())
    start = f"{before}{comma} " if comma else ""
    return Completion(
        values=[start + one for one in found.values], total=found.total, has_more=found.has_more
    )
