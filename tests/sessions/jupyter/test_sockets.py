"""How many sessions the sockets of a server are enough for."""

from pathlib import Path

from tests.sessions.world import make_manager

SOCKETS_OF_A_SESSION = 8
"""At most, while one on Kubernetes begins (docs/scale.md)."""


def test_a_server_has_sockets_for_a_thousand_sessions(tmp_path: Path) -> None:
    manager = make_manager(tmp_path)
    assert manager.context.max_sockets >= 1000 * SOCKETS_OF_A_SESSION
