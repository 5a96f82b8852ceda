"""GET /health/live and /health/ready: what a supervisor asks, and what a load balancer asks."""

from pathlib import Path

import httpx
import pytest

from tests.fixtures.server import Server
from tests.fixtures.without_landlock import BEFORE

pytestmark = pytest.mark.xdist_group("server")


def ask(server: Server, path: str) -> httpx.Response:
    """Ask as somebody without a token."""
    with httpx.Client(base_url=server.url, verify=False, trust_env=False) as http:
        return http.get(path)


def test_a_server_that_works_is_live_and_ready_for_anybody(server: Server) -> None:
    for path, status in (("/health/live", "live"), ("/health/ready", "ready")):
        answer = ask(server, path)
        assert (answer.status_code, answer.json()) == (200, {"status": status})


def test_a_server_without_powershell_is_live_and_not_ready_and_names_no_path(
    tmp_path: Path,
) -> None:
    server = Server(tmp_path, {"PWSH_MANAGER_PWSH": str(tmp_path / "no-such-pwsh")}).start()
    try:
        refused = server.until(
            lambda: (one := ask(server, "/health/ready")).status_code == 503 and one
        )
        facts = refused.json()
        assert (facts["code"], facts["reason"]) == ("not_ready", "powershell_not_found")
        assert "no-such-pwsh" not in refused.text
        assert ask(server, "/health/live").status_code == 200
    finally:
        server.close()


def test_a_server_that_must_confine_and_cannot_is_not_ready(tmp_path: Path) -> None:
    server = Server(tmp_path, {"PWSH_MANAGER_CONFINE": "required"}, prefix=BEFORE).start()
    try:
        refused = ask(server, "/health/ready")
        facts = refused.json()
        assert (refused.status_code, facts["code"]) == (503, "not_ready")
        assert facts["reason"] == "confinement_unavailable"
        assert server.get("/health")["status"] == "degraded"
    finally:
        server.close()
