"""Whether the bytes of a WebSocket message contain as many pieces as they claim.

Pure. Jupyter's readers trust the count: 8 bytes could make the server build a list of 2**64
numbers.
"""

COUNT_BYTES = {"v1": 8, "legacy": 4}
"""Length of the count at the beginning, and of each offset behind it."""


def refuse_wrong_count(message: bytes, *, v1: bool) -> None:
    """Raise ValueError for a message whose offsets lie outside it.

    v1: JupyterLab's subprotocol, else the binary messages of front ends without one.
    """
    size = COUNT_BYTES["v1" if v1 else "legacy"]
    count = int.from_bytes(message[:size], "little" if v1 else "big")
    if not 0 < count < len(message) // size:
        raise ValueError(f"{count} offsets do not fit into {len(message)} bytes")
