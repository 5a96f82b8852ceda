"""Unreachable hosts: found by the session's own check or named by an error, and the sentence about
them.

Pure.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

UNREACHABLE = "network_unreachable"
"""Code of the explanation for such errors (catalog/texts/explanations.toml)."""
ADVICE = (
    "Check this machine's network and the proxy settings in the server's environment (HTTPS_PROXY,"
    " HTTP_PROXY, NO_PROXY). An open session keeps the settings that it began with: restart the"
    " server and disconnect the session after a change."
)
_NAMED = re.compile(
    r"(?P<problem>[A-Z][A-Za-z /']{2,80}) \((?P<host>[A-Za-z0-9.-]+\.[A-Za-z]{2,}):\d+\)"
)
"""`Connection refused (login.microsoftonline.com:443)`, as .NET's HTTP client writes it."""


@dataclass(frozen=True, slots=True)
class OutOfReach:
    """A host that cannot be reached; `proxy` is the one that leads to it, if the environment names
    one.
    """

    host: str
    problem: str = ""
    proxy: str = ""


def read_reach(output: str) -> list[OutOfReach]:
    """Return the unreachable hosts according to the JSON that the session's check printed
    (Reach.ps1); none for no output.
    """
    facts = json.loads(output) if output.strip() else []
    found = facts if isinstance(facts, list) else [facts]
    return [
        OutOfReach(str(one["host"]), str(one["problem"]), str(one["proxy"] or "")) for one in found
    ]


def named_in(text: str, hosts: Sequence[str]) -> list[OutOfReach]:
    """Return the host that an error's text names, else all `hosts` that the sign-in needs."""
    named = _NAMED.search(text)
    return (
        [OutOfReach(named["host"], named["problem"])]
        if named
        else [OutOfReach(host) for host in hosts]
    )


def unreachable_sentence(found: Sequence[OutOfReach]) -> str:
    """Return what cannot be reached, why, and what to do."""
    hosts = " and ".join(one.host for one in found) or "The service"
    problems = ", ".join(dict.fromkeys(one.problem for one in found if one.problem))
    why = f" ({problems})" if problems else ""
    proxy = next((one.proxy for one in found if one.proxy), "")
    if proxy:
        return (
            f"The proxy {proxy}, through which this session reaches {hosts}, cannot be"
            f" reached{why}. {ADVICE}"
        )
    return f"{hosts} cannot be reached from this session{why}. {ADVICE}"
