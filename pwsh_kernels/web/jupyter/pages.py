"""Jupyter's own pages (errors, signing out), without the owner's token, which they would show to
every user who is signed in.
"""

from typing import Any

from jinja2 import Environment, Template


class TokenlessTemplate(Template):
    """A template that never learns the token; nothing in Jupyter's own pages needs it."""

    def render(self, *args: Any, **values: Any) -> str:
        return super().render(*args, **{**values, "token": ""})


def hide_token(pages: Environment) -> None:
    """Make the pages of an environment tokenless; none may have been loaded yet."""
    pages.template_class = TokenlessTemplate
