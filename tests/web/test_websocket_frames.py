"""Counts in WebSocket messages that their bytes cannot hold."""

import pytest

from pwsh_kernels.web.websocket_frames import refuse_wrong_count


@pytest.mark.parametrize("message", [b"", b"\0" * 8, b"\xff" * 8, b"\xff" * 7, b"\x7f\xff\xff\xff"])
@pytest.mark.parametrize("v1", [True, False])
def test_a_count_that_the_message_cannot_hold_is_refused(message: bytes, v1: bool) -> None:
    with pytest.raises(ValueError, match="do not fit"):
        refuse_wrong_count(message, v1=v1)


def test_a_count_that_fits_is_taken() -> None:
    refuse_wrong_count((1).to_bytes(8, "little") + (16).to_bytes(8, "little") + b"{}", v1=True)
    refuse_wrong_count((1).to_bytes(4, "big") + (8).to_bytes(4, "big") + b"{}", v1=False)
