"""The desk at which tests of this room sign in."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pwsh_kernels.sandbox import Authority
from tests.fixtures.server import Server
from tests.sessions.sign_in.desk import SignInDesk, fill


@pytest.fixture(scope="session")
def desk(powershell_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SignInDesk]:
    """One server with a tenants file of its own, for all sign-ins of a worker."""
    folder = tmp_path_factory.mktemp("signin")
    tenants = folder / "keys" / "tenants.toml"
    tenants.parent.mkdir(mode=0o700)
    tenants.touch()
    server = Server(folder, {"PWSH_MANAGER_TENANTS": str(tenants)}).start()
    one = SignInDesk(server, Authority(server.data_dir / "sandbox"), tenants.parent)
    fill(one)
    yield one
    server.close()
