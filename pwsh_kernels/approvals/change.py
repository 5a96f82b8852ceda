"""What exactly is approved: a command with its values, where, as whom, in which form.

Pure.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import rfc8785


@dataclass(frozen=True, slots=True)
class Change:
    """One change in one session. Another value anywhere in it is another change."""

    command: str
    tenant: str
    module: str
    account: str
    """Who is signed in where it is to run."""
    tier: str = "write"
    format: str = "text"
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """The values that are bound to the command's parameters, as JSON."""

    def digest(self) -> str:
        """Return the SHA-256 of it as canonical JSON (RFC 8785).

        Raises ValueError for values that have no such form, such as very large integers.
        """
        return hashlib.sha256(rfc8785.dumps(asdict(self))).hexdigest()


def digest_of(changes: Sequence[Change]) -> str:
    """Return what an approval is bound to: the hash of one change, or of the list of several."""
    digests = [one.digest() for one in changes]
    if len(digests) == 1:
        return digests[0]
    return hashlib.sha256(rfc8785.dumps(digests)).hexdigest()


def gist(change: Change) -> str:
    """Return what stays of a change when it is written in another way that does the same: in other
    spaces or letters, for another format, with values that its text does not use.
    """
    text = change.command.casefold()
    used = {
        name.casefold(): value
        for name, value in change.parameters.items()
        if f"${name.casefold()}" in text or f"{{{name.casefold()}}}" in text
    }
    facts: list[Any] = [" ".join(text.split()), change.tenant, change.module, change.tier, used]
    return hashlib.sha256(rfc8785.dumps(facts)).hexdigest()


def difference(then: Change, now: Change) -> str:
    """Return what is different about a change since it was asked for; "": nothing."""
    where = f"{then.tenant}:{then.module}"
    if then.account != now.account:
        who, whom = now.account or "nobody", then.account or "nobody"
        return f"In {where} {who} is signed in now, and {whom} was when it was asked for."
    if then.digest() != now.digest():
        return f"What would run in {where} is not what was asked for."
    return ""
