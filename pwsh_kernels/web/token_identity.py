"""Jupyter's own token check (notebooks, WebSockets, the browser's login page), with a constant-time
comparison.
"""

from jupyter_server.auth.identity import PasswordIdentityProvider, User
from tornado.web import RequestHandler

from pwsh_kernels.web.access import same_token


class TokenIdentity(PasswordIdentityProvider):
    """One token, no password."""

    async def get_user_token(self, handler: RequestHandler) -> User | None:
        """Return the user behind a request's token.

        Jupyter's `==` is only asked about a token that is right.
        """
        if not same_token(self.get_token(handler) or "", self.token):
            return None
        return await super().get_user_token(handler)

    def process_login_form(self, handler: RequestHandler) -> User | None:
        """Return the user who typed the token into the browser's login page."""
        typed = handler.get_argument("password", default="")
        return self.generate_anonymous_user(handler) if same_token(typed, self.token) else None
