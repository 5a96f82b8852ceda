"""PowerShells that are closed after the tests."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio

from pwsh_kernels.powershell import Launch, PowerShell


@asynccontextmanager
async def opened(powershell_path: Path, home: Path) -> AsyncIterator[PowerShell]:
    """Open a PowerShell that is closed with the block."""
    shell = await PowerShell.open(Launch(powershell_path, home=home, machine_modules=False))
    yield shell
    await shell.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shell(
    powershell_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[PowerShell]:
    """One PowerShell for the tests of a worker: what a test leaves in it must harm no other."""
    async with opened(powershell_path, tmp_path_factory.mktemp("home")) as one:
        yield one


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def fresh_shell(
    powershell_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[PowerShell]:
    """A PowerShell in which no other file has left anything."""
    async with opened(powershell_path, tmp_path_factory.mktemp("home")) as one:
        yield one


@pytest_asyncio.fixture(loop_scope="function")
async def own_shell(powershell_path: Path, tmp_path: Path) -> AsyncIterator[PowerShell]:
    """A PowerShell that the test may kill."""
    async with opened(powershell_path, tmp_path / "home") as one:
        yield one
