"""PowerShells that are closed after the tests."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from pwsh_kernels.powershell import (
    Launch,
    PowerShell,
)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shell(
    powershell_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[PowerShell]:
    """One PowerShell for the tests of a worker: leave it as it was."""
    opened = await PowerShell.open(
        Launch(powershell_path, home=tmp_path_factory.mktemp("home"), machine_modules=False)
    )
    yield opened
    await opened.close()


@pytest_asyncio.fixture(loop_scope="function")
async def own_shell(powershell_path: Path, tmp_path: Path) -> AsyncIterator[PowerShell]:
    """A PowerShell that the test may kill."""
    opened = await PowerShell.open(
        Launch(powershell_path, home=tmp_path / "home", machine_modules=False)
    )
    yield opened
    await opened.close()
