"""The browser's cookie: who gets one, how long it holds, and what ends it."""

from email.utils import parsedate_to_datetime
from http.cookies import SimpleCookie

import httpx

from tests.fixtures.server import ANSWER_WAIT, Server

HOURS_8 = 8 * 3600
PATH = "/api/kernels"


def browser(server: Server) -> httpx.Client:
    """Return a client that keeps cookies and sends no token by itself."""
    return httpx.Client(base_url=server.url, timeout=ANSWER_WAIT, verify=False, trust_env=False)


def test_a_browser_stays_signed_in_for_8_hours_and_never_longer_than_the_server(
    own_server: Server,
) -> None:
    with browser(own_server) as http:
        answer = http.get(PATH, params={"token": own_server.token}).raise_for_status()
        cookie = next(
            morsel
            for header in answer.headers.get_list("Set-Cookie")
            for name, morsel in SimpleCookie(header).items()
            if name.startswith("username-")
        )
        assert (cookie["samesite"], cookie["httponly"]) == ("Strict", True)
        sent, ends = map(parsedate_to_datetime, (answer.headers["Date"], cookie["expires"]))
        assert abs((ends - sent).total_seconds() - HOURS_8) < 60
        assert http.get(PATH).status_code == 200
        own_server.settings["PWSH_MANAGER_PORT"] = own_server.url.rpartition(":")[2]
        own_server.settings["PWSH_MANAGER_TOKEN"] = own_server.token
        own_server.stop()
        own_server.start()
        assert http.get(PATH).status_code == 403
    with own_server.http() as program:
        assert "username-" not in program.get(PATH).headers.get("Set-Cookie", "")
