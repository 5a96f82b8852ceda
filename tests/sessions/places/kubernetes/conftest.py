"""A namespace of a real API server for each test, and a node that plays kubelet there."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.sessions.places.kubernetes.node import Node, namespace


@pytest.fixture
async def node(
    kubeconfig: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> AsyncIterator[Node]:
    """Play the node of a new namespace."""
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig))
    async with namespace() as name:
        played = Node(name, tmp_path / "node")
        yield played
        await played.close()
