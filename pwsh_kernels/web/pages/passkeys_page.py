"""A person's passkeys: which there are, adding one, removing one."""

from typing import Any

from jupyter_server.auth.decorator import allow_unauthenticated

from pwsh_kernels.audit.event import Kind
from pwsh_kernels.errors import PageCodeRefused, PasskeyRefused, ProductError
from pwsh_kernels.web.audit_events import passkey_event
from pwsh_kernels.web.page_codes import ADD_PASSKEY
from pwsh_kernels.web.pages.page_handler import CLIENT, PageHandler
from pwsh_kernels.web.passkeys.relying_party import RelyingParty, relying_party

NOT_FRESH = (
    "adding one needs a code that is less than five minutes old and was not used: run"
    " `pwsh-kernels passkey add`, or sign in at your provider once more"
)
NO_NAME = (
    "at this address browsers keep no passkeys: open the page under its name"
    " (PWSH_MANAGER_PUBLIC_URL), or on this machine as http://localhost:PORT"
)


class PasskeyHandler(PageHandler):
    """What a browser's passkeys are for: this server, under the name by which people know it."""

    def party(self) -> RelyingParty:
        """Return who we are for the browser. Raises PasskeyRefused."""
        public = self.backend.settings.public_url
        found = relying_party(public, self.request.protocol, self.request.host)
        if found is None:
            raise PasskeyRefused(problem=NO_NAME)
        return found


class PasskeyOptions(PasskeyHandler):
    """Answers a script of ours: with JSON, or with a refusal that it shows."""

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Say a refusal as JSON."""
        _, error, _ = kwargs.get("exc_info", (None, None, None))
        known = isinstance(error, ProductError)
        self.set_status(error.status if known else status_code)
        self.finish({"error": (error if known else ProductError()).text()})

    def send(self, options: str) -> None:
        """Send what a browser needs."""
        self.set_header("Content-Type", "application/json")
        self.finish(options)


class PasskeysPage(PageHandler):
    """The passkeys of whoever looks."""

    @allow_unauthenticated
    async def get(self) -> None:
        """List them with when they were used."""
        self.show("passkeys.html", keys=(await self.ask("GET /passkeys"))["passkeys"])


class PasskeyRemove(PageHandler):
    """Forgets a passkey."""

    @allow_unauthenticated
    async def post(self) -> None:
        """Forget it and show the others."""
        await self.ask("POST /passkeys/remove", {"id": self.get_body_argument("id", "")})
        self.go("passkeys")


class AddsPasskey(PasskeyHandler):
    """Adding needs no cookie, but a fresh sign that its person is there: a code of the command
    line, or a sign-in at the provider just now.
    """

    def show_stranger(self) -> None:
        """Let a stranger in who has a code."""

    def whose(self) -> str:
        """Return for whom a passkey may be added. Raises PasskeyRefused, PasskeysLocked."""
        code = self.get_argument("code", "")
        if not code and self.caller and self.backend.people.is_fresh(self.caller.name):
            return self.caller.name
        try:
            whom = self.holder(code, ADD_PASSKEY).id
        except PageCodeRefused as refused:
            raise PasskeyRefused(problem=NOT_FRESH) from refused
        self.backend.require_first_passkey(whom)
        return whom


class PasskeyAdd(AddsPasskey):
    """The form; a script asks the browser for the passkey and sends it."""

    @allow_unauthenticated
    def get(self) -> None:
        """Ask for a name."""
        whom, _ = self.whose(), self.party()
        self.show("passkey_add.html", whom=whom, code=self.get_argument("code", ""))

    @allow_unauthenticated
    def post(self) -> None:
        """Keep the passkey; the code is used up."""
        whom, code = self.whose(), self.get_body_argument("code", "")
        answer, name = (self.get_body_argument(one, "") for one in ("credential", "name"))
        key = self.backend.passkeys.add(whom, self.party(), answer, name)
        if code:
            self.backend.page_codes.redeem(code, ADD_PASSKEY)
        self.backend.audit.note(passkey_event(Kind.PASSKEY_ADDED, whom, CLIENT, key.name))
        self.show("passkey_added.html", key=key, whom=whom)


class PasskeyCreation(AddsPasskey, PasskeyOptions):
    """What the browser needs to make a passkey."""

    @allow_unauthenticated
    def post(self) -> None:
        """Send it to the script."""
        self.send(self.backend.passkeys.creation_options(self.whose(), self.party()))
