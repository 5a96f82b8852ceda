"""Signing a browser in with a code of `pwsh-kernels page`, and out again."""

from jupyter_server.auth.decorator import allow_unauthenticated

from pwsh_kernels.audit.event import Kind
from pwsh_kernels.errors import PageCodeRefused
from pwsh_kernels.web.audit_events import page_event
from pwsh_kernels.web.pages.page_handler import CLIENT, PageHandler
from pwsh_kernels.web.token_identity import TokenIdentity


class SignInPage(PageHandler):
    """Asks a person who brings a code whether to sign in; the form then uses the code up.

    Two steps, so that whatever fetches an address by itself (a preview, a virus scanner) does not
    use the code up, and nobody is signed in as somebody else without seeing it.
    """

    def show_stranger(self) -> None:
        """Let a stranger in: that is what this page is for."""

    @allow_unauthenticated
    def get(self) -> None:
        """Ask whether to sign in."""
        code = self.get_query_argument("code", "")
        if not code:
            super().show_stranger()
            return
        try:
            self.show("sign_in.html", code=code, whom=self.holder(code).id)
        except PageCodeRefused as refused:
            self.refuse(refused)

    @allow_unauthenticated
    def post(self) -> None:
        """Exchange a code for the cookie."""
        try:
            principal = self.holder(self.get_body_argument("code", ""))
        except PageCodeRefused as refused:
            self.backend.guard.stranger(self.request, client=CLIENT)
            self.refuse(refused)
            return
        self.backend.page_codes.redeem(self.get_body_argument("code", ""))
        identity = self.identity_provider
        if not isinstance(identity, TokenIdentity):
            raise PageCodeRefused
        signed_in = page_event(Kind.PAGE_SIGNED_IN, principal.id)
        self.backend.audit.note(signed_in)
        identity.sign_in(self, principal)
        self.go(self.then)

    def refuse(self, refused: PageCodeRefused) -> None:
        """Say that a code is no good, and how to get another."""
        self.set_status(refused.status)
        self.show("stranger.html", error=refused.text())


class SignOut(PageHandler):
    """Takes a browser's cookie away; sessions stay signed in."""

    @allow_unauthenticated
    def post(self) -> None:
        """Sign the browser out; a person whom the provider knows, in every browser."""
        if self.caller:
            self.backend.people.sign_out(self.caller.name)
        self.identity_provider.clear_login_cookie(self)
        self.go("sign-in")
