"""What a text must not contain to be parsed at all: PowerShell's parser loads what `using` and
`configuration` name, and takes many seconds for what is nested deeply or has very many pieces.

Pure.
"""

import re

MAX_TEXT = 30_000
"""Characters of a text that is parsed."""
DEEPEST = 100
"""Brackets within brackets."""
MOST_PIECES = 3_000
"""Pipeline elements, statements and lines; 9,000 commands took 2.9 s (measured)."""
APART = frozenset("|;\n")
USING = re.compile(r"(?<![\w$-])using(?![\w:-])", re.IGNORECASE)
CONFIGURATION = re.compile(
    r"(?<![\w$.-])(?:configuration(?=[\s`<({][\s\S]*\{)|import-dscresource)", re.IGNORECASE
)
"""Found in prose, too: to know better, the text would have to be parsed."""


def refusal(text: str) -> str:
    """Return the code of the reason why a text is not parsed; "" if it may be."""
    if len(text) > MAX_TEXT:
        return "too_long"
    if _depth(text) > DEEPEST or sum(one in APART for one in text) > MOST_PIECES:
        return "tangled"
    return "loads" if USING.search(text) or CONFIGURATION.search(text) else ""


def _depth(text: str) -> int:
    """Return how deeply brackets are nested at most, also those in strings and comments."""
    depth = deepest = 0
    for one in text:
        if one in "([{":
            depth += 1
            deepest = max(deepest, depth)
        elif one in ")]}" and depth:
            depth -= 1
    return deepest
