"""Jupyter's own token check (notebooks, WebSockets, the browser's login page): whose token it is,
and whether the request may go on.
"""

import json
import os
from pathlib import Path
from typing import cast

from jupyter_core.utils import ensure_async
from jupyter_server.auth.authorizer import Authorizer
from jupyter_server.auth.identity import PasswordIdentityProvider, User
from jupyter_server.base.handlers import JupyterHandler
from tornado.web import RequestHandler
from traitlets import Instance, default

from pwsh_kernels.audit.event import Door
from pwsh_kernels.discovery import read_token_file
from pwsh_kernels.principals.principal import OWNER, SERVER, Principal
from pwsh_kernels.principals.verbs import Verb
from pwsh_kernels.web.access import Caller, client_label, read_token
from pwsh_kernels.web.jupyter.gate import CALLER, JupyterGate, caller_of

COOKIE_DAYS = 8 / 24
"""How long a browser stays signed in: a working day."""
CREDENTIAL = "pwsh_credential"
"""Field of a cookie: the beginning of the hash of the token for which a principal got it."""
CREDENTIAL_CHARS = 16
SHARED_RESOURCES = frozenset({"kernels", "sessions", "kernelspecs", "api", "csp"})
"""Jupyter's names of what principals that do not administer the server may have a part of."""


class TokenIdentity(PasswordIdentityProvider):
    """A token and no password; a browser that has shown it gets a cookie for a working day.

    A user whose name has a colon is a principal of the file, anybody else the owner.
    """

    gate = Instance(
        JupyterGate, allow_none=True, help="Knows the principals; without it nobody is let in."
    )

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

    def user_to_cookie(self, user: User) -> str:
        """Return a user as a cookie, which ends with the token of its principal."""
        facts = json.loads(super().user_to_cookie(user))
        return json.dumps({**facts, CREDENTIAL: self._credential(user)})

    def user_from_cookie(self, cookie_value: str) -> User | None:
        """Return the user of a cookie, unless the token has changed for which it was given."""
        user = super().user_from_cookie(cookie_value)
        given = json.loads(cookie_value).get(CREDENTIAL)
        return user if user and given == self._credential(user) else None

    async def get_user(self, handler: RequestHandler) -> User | None:
        """Return the user behind a request, if the gate lets the request pass.

        Raises HTTPError 403, or 404, for what the user may not do, or may not know of.
        """
        user = cast("User | None", await ensure_async(super().get_user(handler)))
        principal = self._principal(user) if user else None
        if principal is None or self.gate is None:
            return None
        caller = Caller(principal, client_label(handler.request.headers.get("User-Agent", "")))
        setattr(handler, CALLER, caller)
        await self.gate.admit(caller, cast(JupyterHandler, handler))
        return user

    async def get_user_token(self, handler: RequestHandler) -> User | None:
        """Return the user behind a request's token.

        Jupyter's `==` only ever sees the owner's correct token.
        """
        given = self.get_token(handler) or ""
        holder = self._holder(given)
        if holder is None:
            self._note_unknown(handler, given)
            return None
        if holder is not OWNER:
            return _user(holder)
        user = await super().get_user_token(handler)
        # The cookie of a principal in the same browser is not the owner's.
        return self.generate_anonymous_user(handler) if user and _is_named(user) else user

    def process_login_form(self, handler: RequestHandler) -> User | None:
        """Return the user who typed a token into the browser's login page."""
        given = handler.get_argument("password", default="")
        holder = self._holder(given)
        if holder is None:
            self._note_unknown(handler, given)
            return None
        return self.generate_anonymous_user(handler) if holder is OWNER else _user(holder)

    def sign_in(self, handler: RequestHandler, principal: Principal) -> None:
        """Give a browser the cookie of a principal who has shown a code instead of a token."""
        owner = principal is OWNER
        user = self.generate_anonymous_user(handler) if owner else _user(principal)
        self.set_login_cookie(handler, user)

    def _holder(self, token: str) -> Principal | None:
        return self.gate.guard.holder(token) if self.gate else None

    def _note_unknown(self, handler: RequestHandler, given: str) -> None:
        """Record a token that is not valid; whoever gives none is only shown the login page."""
        if given and self.gate:
            self.gate.guard.stranger(handler.request, Door.NOTEBOOK)

    def _principal(self, user: User) -> Principal | None:
        """Return who a user is now; None for one whose token is not valid any more."""
        if not _is_named(user):
            return OWNER
        return self.gate.guard.returning(user.username) if self.gate else None

    def _credential(self, user: User) -> str:
        principal = self._principal(user)
        return principal.token_hash[:CREDENTIAL_CHARS] if principal else ""


class PrincipalAuthorizer(Authorizer):
    """What a user may do with Jupyter's resources at all: the gate has already asked for the one
    that a request is about.
    """

    def is_authorized(
        self,
        handler: JupyterHandler,
        user: User,  # noqa: ARG002 - who it is, the gate has noted
        action: str,  # noqa: ARG002 - the gate has checked the method
        resource: str,
    ) -> bool:
        """Return whether a user may use a resource."""
        caller, identity = caller_of(handler), self.identity_provider
        if caller is None or not isinstance(identity, TokenIdentity) or identity.gate is None:
            return False
        if resource in SHARED_RESOURCES:
            return True
        return identity.gate.guard.decide(caller, Verb.ADMINISTER, SERVER).allowed


def _is_named(user: User) -> bool:
    """Return whether a user is a principal of the file: those have a kind in their id."""
    return ":" in user.username


def _user(principal: Principal) -> User:
    return User(principal.id, principal.name, principal.name, principal.name[:2].upper())
