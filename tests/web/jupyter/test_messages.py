"""A message of a notebook's WebSocket with the server's grant: in each form in which it travels."""

import json
from typing import Any

import pytest
from jupyter_server.services.kernels.connection.base import (
    deserialize_binary_message,
    deserialize_msg_from_ws_v1,
    serialize_binary_message,
    serialize_msg_to_ws_v1,
)

from pwsh_kernels.grants import KEY, Signer, Verifier
from pwsh_kernels.web.jupyter.messages import with_grant

MESSAGE: dict[str, Any] = {
    "header": {"msg_id": "m-1", "msg_type": "execute_request"},
    "parent_header": {},
    "metadata": {"cellId": "c", KEY: "what the client says"},
    "content": {"code": "'ä'", "silent": False},
}
PARTS = ("header", "parent_header", "metadata", "content")


def as_v1(message: dict[str, Any], *buffers: bytes) -> bytes:
    parts = [json.dumps(message[name], ensure_ascii=False).encode() for name in PARTS]
    return bytes(serialize_msg_to_ws_v1([*parts, *buffers], "shell"))  # type: ignore[no-untyped-call]


def from_v1(message: bytes) -> tuple[dict[str, Any], list[bytes]]:
    channel, parts = deserialize_msg_from_ws_v1(message)  # type: ignore[no-untyped-call]
    assert channel == "shell"
    return {name: json.loads(one) for name, one in zip(PARTS, parts, strict=False)}, parts[4:]


def assert_granted(signer: Signer, message: dict[str, Any]) -> None:
    header = message["header"]
    read = {**message, "msg_id": header["msg_id"], "msg_type": header["msg_type"]}
    grant = Verifier(signer.public).admit(read)
    assert grant is not None
    assert grant.principal == "person:ada"
    assert message["content"] == MESSAGE["content"]
    assert message["metadata"]["cellId"] == "c"


def test_a_text_carries_a_grant_in_place_of_the_client_s() -> None:
    signer, text = Signer.new(), json.dumps({**MESSAGE, "channel": "shell"})
    granted = json.loads(with_grant(text, signer, "person:ada", v1=False))
    assert granted["channel"] == "shell"
    assert_granted(signer, granted)


def test_a_binary_message_carries_one_and_keeps_its_buffers() -> None:
    signer, whole = Signer.new(), {**MESSAGE, "buffers": [b"one"]}
    binary = serialize_binary_message(whole)  # type: ignore[no-untyped-call]
    sent = with_grant(binary, signer, "person:ada", v1=False)
    granted = deserialize_binary_message(sent)  # type: ignore[no-untyped-call]
    assert [bytes(one) for one in granted["buffers"]] == [b"one"]
    assert_granted(signer, granted)


def test_jupyterlab_s_form_carries_one_and_keeps_its_buffers() -> None:
    signer = Signer.new()
    granted = with_grant(as_v1(MESSAGE, b"one", b"two"), signer, "person:ada", v1=True)
    assert isinstance(granted, bytes)
    message, buffers = from_v1(granted)
    assert buffers == [b"one", b"two"]
    assert_granted(signer, message)


@pytest.mark.parametrize("part", ["metadata", "content", "parent_header"])
def test_a_message_with_a_part_of_a_wrong_kind_goes_on_as_it_is_for_its_kernel_to_refuse(
    part: str,
) -> None:
    wrong = {**MESSAGE, part: []}
    assert with_grant(as_v1(wrong), Signer.new(), "x", v1=True) == as_v1(wrong)
    text = json.dumps(wrong)
    assert with_grant(text, Signer.new(), "x", v1=False) == text
