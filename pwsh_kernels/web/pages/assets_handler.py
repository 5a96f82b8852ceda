"""The style sheet and the scripts of the pages: files of ours, the same for everybody."""

from pathlib import Path

from tornado.web import StaticFileHandler

ASSETS = Path(__file__).parent / "assets"


class Assets(StaticFileHandler):
    """Serves the files; nothing in them is secret."""

    def set_extra_headers(self, path: str) -> None:  # noqa: ARG002 - Tornado's signature
        """Let a browser keep them, and ask whether they have changed."""
        self.set_header("Cache-Control", "no-cache")
        self.set_header("X-Content-Type-Options", "nosniff")
