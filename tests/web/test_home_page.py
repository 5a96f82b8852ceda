"""What a browser shows at the server's address."""

import importlib.util

import httpx
import pytest

from tests.fixtures.server import Server

pytestmark = [
    pytest.mark.xdist_group("server"),
    pytest.mark.pwsh,
    pytest.mark.skipif(
        importlib.util.find_spec("jupyterlab") is not None,
        reason="JupyterLab is installed here, and takes the page's place",
    ),
]


@pytest.mark.parametrize("query", ["", "?token={token}"])
def test_the_server_s_address_shows_three_next_steps_and_no_token(
    server: Server, query: str
) -> None:
    page = httpx.get(f"{server.url}/{query.format(token=server.token)}")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=UTF-8")
    assert page.text.count("<li>") == 3
    assert "pwsh-kernels login contoso.example exo" in page.text
    assert server.token not in page.text


def test_the_last_line_of_a_start_names_the_next_command(server: Server) -> None:
    (line,) = [one for one in server.log if " listens on " in one]
    assert line.rstrip().endswith("; next: pwsh-kernels login contoso.example exo")
