"""The server that the tools are tried on."""

from collections.abc import Iterator

import pytest

from tests.fixtures.server import CONTOSO, FABRIKAM, Server


@pytest.fixture(scope="module")
def signed_in(server: Server) -> Iterator[Server]:
    """The shared server with contoso signed in."""
    status = server.sign_in(CONTOSO)
    assert status["state"] == "signed_in", status
    yield server
    server.post("/disconnect", tenant=FABRIKAM)
