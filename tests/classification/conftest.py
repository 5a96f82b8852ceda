"""A classifier that all tests of this room share: PowerShell starts once."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pwsh_kernels.catalog import Catalog
from pwsh_kernels.classification import Classification, Classifier, Plan

Judge = Callable[..., Classification]
Planner = Callable[[str], Plan]


@pytest.fixture(scope="session")
def asked(powershell_path: Path) -> Iterator[tuple[asyncio.Runner, Classifier]]:
    """A warm classifier of the built-in services, and the loop that it lives on."""
    assert powershell_path
    with asyncio.Runner() as runner:
        classifier = Classifier(Catalog.load())
        yield runner, classifier
        runner.run(classifier.stop())


@pytest.fixture(scope="session")
def judge(asked: tuple[asyncio.Runner, Classifier]) -> Judge:
    """Asks for the class of a text, also from tests that are not async."""
    runner, classifier = asked
    return lambda text, module="": runner.run(classifier.classify(text, module))


@pytest.fixture(scope="session")
def planner(asked: tuple[asyncio.Runner, Classifier]) -> Planner:
    """Asks how a text of an exo session can be previewed."""
    runner, classifier = asked
    return lambda text: runner.run(classifier.plan(text, "exo"))[0]
