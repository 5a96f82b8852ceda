"""A classifier that all tests of this room share: PowerShell starts once."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pwsh_kernels.catalog import Catalog
from pwsh_kernels.classification import Classification, Classifier

Judge = Callable[..., Classification]


@pytest.fixture(scope="session")
def judge(powershell_path: Path) -> Iterator[Judge]:
    """Asks a warm classifier of the built-in services, also from tests that are not async."""
    assert powershell_path
    with asyncio.Runner() as runner:
        classifier = Classifier(Catalog.load())
        yield lambda text, module="": runner.run(classifier.classify(text, module))
        runner.run(classifier.stop())
