"""The output of the last executions of a session's kernel, and how they ended: for a server that
comes back while one is running or has ended.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pwsh_kernels.grants import principal_of
from pwsh_kernels.messages import journal_entry

MOST_CHARS = 4_000_000
"""Characters of text that are kept of all executions; the rest is counted."""
KEPT = 8
"""Executions that are kept."""


@dataclass(eq=False)
class _Entry:
    header: Mapping[str, Any]
    code: str
    messages: list[dict[str, Any]] = field(default_factory=list)
    chars: int = 0
    dropped: int = 0
    reply: Mapping[str, Any] | None = None
    principal: str = ""


class Journal:
    """The last executions, the oldest first.

    The main loop writes; the control thread reads.
    """

    def __init__(self) -> None:
        self._entries: dict[str, _Entry] = {}

    def begin(self, request: Mapping[str, Any]) -> None:
        """The execution of a request begins."""
        header = request["header"]
        code, principal = str(request["content"].get("code", "")), principal_of(request["metadata"])
        self._entries[header["msg_id"]] = _Entry(header, code, principal=principal)
        while len(self._entries) > KEPT or self._is_full():
            del self._entries[next(iter(self._entries))]

    def add(self, asked: str, message: Mapping[str, Any], size: int) -> None:
        """An execution has sent a message of that many characters on iopub."""
        entry = self._entries.get(asked)
        if entry is None:
            return
        if entry.chars + size > MOST_CHARS:
            entry.dropped += size
            return
        entry.chars += size
        kept = ("header", "msg_type", "metadata", "content")
        entry.messages.append({name: message[name] for name in kept})

    def end(self, asked: str, status: str, metadata: Mapping[str, Any]) -> None:
        """An execution has ended, with a reply that has this status and metadata."""
        if entry := self._entries.get(asked):
            entry.reply = {"content": {"status": status}, "metadata": dict(metadata)}

    def to_json(self) -> list[dict[str, Any]]:
        """Return everything that is kept."""
        return [
            journal_entry(
                one.header,
                one.code,
                list(one.messages),
                one.dropped,
                one.reply,
                principal=one.principal,
            )
            for one in list(self._entries.values())
        ]

    def _is_full(self) -> bool:
        return (
            len(self._entries) > 1 and sum(one.chars for one in self._entries.values()) > MOST_CHARS
        )


def text_size(content: Mapping[str, Any]) -> int:
    """Return about how many characters a message's content has: texts and lists of texts count."""
    texts = [
        content.get("text"),
        *(content.get("traceback") or ()),
        *(content.get("data") or {}).values(),
    ]
    return 200 + sum(
        len(text) if isinstance(text, str) else len(str(text)) for text in texts if text
    )
