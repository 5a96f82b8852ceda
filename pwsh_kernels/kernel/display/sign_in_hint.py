"""What a person's cell shows after an error that may mean that nobody is signed in.

Pure.
"""

import json
import re
from dataclasses import dataclass

from pwsh_kernels.records import Record


@dataclass(frozen=True, slots=True)
class SignInHint:
    """Which errors of a session's module may mean that nobody is signed in, and the next step; by
    default none.
    """

    errors: tuple[re.Pattern[str], ...] = ()
    sentence: str = ""

    def of(self, record: Record) -> str:
        """Return the next step, or "" for any other record."""
        if record.kind != "error":
            return ""
        return self.sentence if any(one.search(record.said) for one in self.errors) else ""


def read_hint(text: str) -> SignInHint:
    """Return the hint that a session's kernel finds in its environment; without text, none."""
    if not text:
        return SignInHint()
    facts = json.loads(text)
    return SignInHint(tuple(map(re.compile, facts["errors"])), str(facts["hint"]))
