"""What a text must not contain to be parsed at all: PowerShell's parser loads what `using` and
`configuration` name.

Pure.
"""

import re

MAX_TEXT = 30_000
"""Characters of a text that is parsed."""
USING = re.compile(r"(?<![\w$-])using(?![\w:-])", re.IGNORECASE)
CONFIGURATION = re.compile(
    r"(?<![\w$.-])(?:configuration(?=[\s`<({][\s\S]*\{)|import-dscresource)", re.IGNORECASE
)
"""Found in prose, too: to know better, the text would have to be parsed."""


def refusal(text: str) -> str:
    """Return the code of the reason why a text is not parsed; "" if it may be."""
    if len(text) > MAX_TEXT:
        return "too_long"
    return "loads" if USING.search(text) or CONFIGURATION.search(text) else ""
