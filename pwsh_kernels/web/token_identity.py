"""Jupyter's own token check (notebooks, WebSockets, the browser's login page), with a constant-time
comparison.
"""

import os
from pathlib import Path

from jupyter_server.auth.identity import PasswordIdentityProvider, User
from tornado.web import RequestHandler
from traitlets import default

from pwsh_kernels.discovery import read_token_file
from pwsh_kernels.web.access import read_token, same_token

COOKIE_DAYS = 8 / 24
"""How long a browser stays signed in: a working day."""


class TokenIdentity(PasswordIdentityProvider):
    """One token, no password; a browser that has shown it gets a cookie for a working day."""

    @default("token")
    def _token_default(self) -> str:
        """Take the token of JUPYTER_TOKEN_FILE without the line end, which Jupyter would keep.

        Raises BadTokenFile.
        """
        file = os.environ.get("JUPYTER_TOKEN_FILE")
        if file and not os.environ.get("JUPYTER_TOKEN"):
            return read_token_file(Path(file))
        return str(super()._token_default())

    @default("cookie_options")
    def _default_cookie_options(self) -> dict[str, object]:
        return {"samesite": "Strict", "expires_days": COOKIE_DAYS}

    @default("get_secure_cookie_kwargs")
    def _default_get_secure_cookie_kwargs(self) -> dict[str, object]:
        return {"max_age_days": COOKIE_DAYS}

    def set_login_cookie(self, handler: RequestHandler, user: User) -> None:
        """Give a browser its cookie; a program that sends the token in a header needs none."""
        if not read_token(handler.request.headers.get("Authorization", "")):
            super().set_login_cookie(handler, user)

    async def get_user_token(self, handler: RequestHandler) -> User | None:
        """Return the user behind a request's token.

        Jupyter's `==` only ever sees a correct token.
        """
        if not same_token(self.get_token(handler) or "", self.token):
            return None
        return await super().get_user_token(handler)

    def process_login_form(self, handler: RequestHandler) -> User | None:
        """Return the user who typed the token into the browser's login page."""
        typed = handler.get_argument("password", default="")
        return self.generate_anonymous_user(handler) if same_token(typed, self.token) else None
