"""What each message of a notebook's WebSocket needs of its sender, and the same message with a
grant. Pure.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jupyter_server.services.kernels.connection.base import (
    deserialize_binary_message,
    deserialize_msg_from_ws_v1,
    serialize_binary_message,
    serialize_msg_to_ws_v1,
)

from pwsh_kernels.grants import Signer, needs_grant
from pwsh_kernels.messages import CLIENT_MESSAGES, JOURNAL_REQUEST, ends_session, is_own, is_trusted
from pwsh_kernels.principals.verbs import Verb

MESSAGE_VERBS: Mapping[str, Verb] = {
    "execute_request": Verb.WRITE,
    "complete_request": Verb.READ,
    "inspect_request": Verb.READ,
    "is_complete_request": Verb.READ,
    "history_request": Verb.READ,
    "comm_info_request": Verb.READ,
    "kernel_info_request": Verb.SEE,
    "connect_request": Verb.SEE,
    "usage_request": Verb.SEE,
    "input_reply": Verb.ANSWER,
    "interrupt_request": Verb.END,
    "shutdown_request": Verb.END,
    JOURNAL_REQUEST: Verb.ADMINISTER,
}
"""Another kind of message is only for those who administer the server."""
PARTS = ("header", "parent_header", "metadata", "content")
"""The parts of a message, in the order in which they travel."""


@dataclass(frozen=True, slots=True)
class ClientMessage:
    """The header of a message, its metadata, and the channel that it came for."""

    header: Mapping[str, Any]
    metadata: Mapping[str, Any]
    channel: str
    body: bytes | Mapping[str, Any] = b"{}"

    @property
    def content(self) -> Mapping[str, Any]:
        """Return its content. Raises ValueError if that is no JSON object."""
        facts = json.loads(self.body) if isinstance(self.body, bytes) else self.body
        if not isinstance(facts, Mapping):
            raise ValueError("the content of a message is an object")  # noqa: TRY004 - foreign data
        return facts

    @property
    def id(self) -> str:
        """Return its id, which its sender chose."""
        return str(self.header.get("msg_id", ""))

    @property
    def silent(self) -> bool:
        """Return whether an execution leaves no run."""
        return bool(self.content.get("silent"))

    @property
    def kind(self) -> str:
        """Return its type, as the kernel reads it."""
        return str(self.header["msg_type"])

    @property
    def verb(self) -> Verb:
        """Return what its sender needs in the kernel's session."""
        if (
            is_own(self.metadata)
            or is_trusted(self.metadata)
            or ends_session({"metadata": self.metadata})
        ):
            return Verb.ADMINISTER  # these are the server's own words to a kernel
        return MESSAGE_VERBS.get(self.kind, Verb.ADMINISTER)

    @property
    def needs_grant(self) -> bool:
        """Return whether a session's kernel does it for nobody without the server's grant."""
        return needs_grant(self.kind)


def executed_texts(message: ClientMessage) -> list[str]:
    """Return every text that an execute_request runs: the cell, and its expressions. Raises
    ValueError for content that is no object.
    """
    expressions = message.content.get("user_expressions") or {}
    named = expressions.values() if isinstance(expressions, Mapping) else [expressions]
    return [str(message.content.get("code", "")), *map(str, named)]


def undeclared_messages(kinds: Sequence[str] = CLIENT_MESSAGES) -> list[str]:
    """Return the kinds of messages that a session's kernel takes and nobody has declared."""
    return [kind for kind in kinds if kind not in MESSAGE_VERBS]


def read_message(message: str | bytes, *, v1: bool) -> ClientMessage:
    """Return a message of a WebSocket. Raises what Jupyter's readers do for an invalid one."""
    if v1:
        channel, parts = deserialize_msg_from_ws_v1(message)  # type: ignore[no-untyped-call]
        header, metadata = (json.loads(bytes(part)) for part in (parts[0], parts[2]))
        return ClientMessage(header, metadata, channel, bytes(parts[3]))
    read = json.loads if isinstance(message, str) else deserialize_binary_message
    facts = read(message)
    content = facts.get("content") or {}
    metadata, channel = facts.get("metadata") or {}, str(facts.get("channel"))
    return ClientMessage(facts["header"], metadata, channel, content)


def with_grant(message: str | bytes, signer: Signer, principal: str, *, v1: bool) -> str | bytes:
    """Return a message of a WebSocket with a grant for its sender, in place of any that it has; one
    with parts of a wrong kind as it is, since its kernel refuses it.

    Raises what Jupyter's readers do for an invalid one.
    """
    if v1:
        return _with_grant_v1(message, signer, principal)
    facts = json.loads(message) if isinstance(message, str) else deserialize_binary_message(message)  # type: ignore[no-untyped-call]
    if not _is_whole(facts):
        return message
    facts["metadata"] = signer.granted(facts, principal)
    return json.dumps(facts) if isinstance(message, str) else serialize_binary_message(facts)  # type: ignore[no-untyped-call]


def with_metadata(message: str | bytes, more: Mapping[str, Any], *, v1: bool) -> str | bytes:
    """Return a message of a WebSocket with more in its metadata.

    Raises what Jupyter's readers do for an invalid one.
    """
    if v1:
        channel, parts = deserialize_msg_from_ws_v1(message)  # type: ignore[no-untyped-call]
        metadata = json.dumps({**_read(parts[2]), **more}).encode()
        return bytes(serialize_msg_to_ws_v1([*parts[:2], metadata, *parts[3:]], channel))  # type: ignore[no-untyped-call]
    facts = json.loads(message) if isinstance(message, str) else deserialize_binary_message(message)  # type: ignore[no-untyped-call]
    facts["metadata"] = {**(facts.get("metadata") or {}), **more}
    return json.dumps(facts) if isinstance(message, str) else serialize_binary_message(facts)  # type: ignore[no-untyped-call]


def _with_grant_v1(message: str | bytes, signer: Signer, principal: str) -> str | bytes:
    channel, parts = deserialize_msg_from_ws_v1(message)  # type: ignore[no-untyped-call]
    facts = {name: _read(part) for name, part in zip(PARTS, parts, strict=False)}
    if not _is_whole(facts):
        return message
    metadata = json.dumps(signer.granted(facts, principal)).encode()
    granted = [*parts[:2], metadata, *parts[3:]]
    return bytes(serialize_msg_to_ws_v1(granted, channel))  # type: ignore[no-untyped-call]


def _is_whole(facts: Mapping[str, Any]) -> bool:
    return all(isinstance(facts.get(name), dict) for name in PARTS) and "msg_id" in facts["header"]


def _read(part: bytes) -> Any:
    """Return what a part says, read as the kernel reads it."""
    return json.loads(bytes(part).decode("utf-8", "replace"))
