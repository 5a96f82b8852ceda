"""The page at the server's address if JupyterLab is not installed: what to do next."""

from pathlib import Path

from jupyter_server.auth.decorator import allow_unauthenticated
from jupyter_server.base.handlers import JupyterHandler
from tornado.routing import PathMatches, Rule

PAGE = Path(__file__).parent / "home.html"


class HomePage(JupyterHandler):
    """Shows the same to everybody: nothing about the sessions or the token."""

    @allow_unauthenticated
    def get(self) -> None:
        """Show the page."""
        self.finish(PAGE.read_text(encoding="utf-8"))


def home_rules(base_url: str) -> list[Rule]:
    """Return Tornado's rule for the page."""
    return [Rule(PathMatches(base_url + "$"), HomePage)]
