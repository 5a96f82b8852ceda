"""Halves of surrogate pairs (`"\\ud800"`) in messages of clients: JSON can say one, no reply can
carry it.
"""

import json
from typing import Any


def unpack(packed: bytes) -> Any:
    """Return a part of a message with U+FFFD in place of each half.

    That is how a terminal shows invalid characters, and Jupyter bytes that are not UTF-8.
    """
    text = packed.decode("utf-8", "replace")
    value = json.loads(text)
    return json.loads(_whole(json.dumps(value, ensure_ascii=False))) if "\\u" in text else value


def _whole(text: str) -> str:
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
