"""One server in a cluster, for all tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.cluster_tests.cluster import Cluster, obstacle

pytest_plugins = ["tests.fixtures.figures"]


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Run a server in a cluster."""
    assert not obstacle()
    one = Cluster(Path(tmp_path_factory.mktemp("kustomization")))
    try:
        one.start()
        yield one
    finally:
        one.remove()
