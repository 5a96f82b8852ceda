"""Halves of surrogate pairs (`"\\ud800"`) in messages of clients: JSON can say one, no reply can
carry it.
"""

import json
from typing import Any


def unpack(packed: bytes) -> Any:
    """Return what a part of a message says, each half with U+FFFD in its place.

    That is what a terminal makes of what is no character, and Jupyter of bytes that are no UTF-8.
    """
    text = packed.decode("utf-8", "replace")
    value = json.loads(text)
    return json.loads(_whole(json.dumps(value, ensure_ascii=False))) if "\\u" in text else value


def _whole(text: str) -> str:
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
