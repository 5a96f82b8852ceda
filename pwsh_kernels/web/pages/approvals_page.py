"""Changes that wait for a person: the list, one as an approver must see it, the decision."""

from jupyter_server.auth.decorator import allow_unauthenticated

from pwsh_kernels import shapes
from pwsh_kernels.approvals.proof import Proof
from pwsh_kernels.errors import (
    ApprovalRefused,
    PageCodeRefused,
)
from pwsh_kernels.preview_text import preview_text
from pwsh_kernels.sessions.moment import now
from pwsh_kernels.web.approval_links import ARGUMENT
from pwsh_kernels.web.page_codes import approving
from pwsh_kernels.web.pages.page_handler import AFTER_SIGN_IN, PageHandler
from pwsh_kernels.web.pages.passkeys_page import PasskeyHandler, PasskeyOptions
from pwsh_kernels.web.passkeys.relying_party import relying_party

MARKS = {
    "pending": "wait",
    "approved": "good",
    "used": "good",
    "declined": "off",
    "withdrawn": "off",
    "expired": "off",
    "outdated": "bad",
}
WORDS = {
    "pending": "waits",
    "approved": "approved",
    "used": "approved, has run",
    "declined": "declined",
    "withdrawn": "taken back",
    "expired": "expired",
    "outdated": "approved in vain",
}
CLASSES = {"write": "wait", "unknown": "wait", "destructive": "bad", "read": "good"}
NO_PROOF = "approve it with a passkey, or with the code that `pwsh-kernels approvals code` prints."
BAD_CODE = (
    "the code is wrong, was used, is older than five minutes, or is for another change. Run"
    " `pwsh-kernels approvals code` again."
)


def in_one_line(text: str) -> str:
    """Return a canonical text in one line, with marks for its line ends: without them, everything
    behind a comment would look like one.
    """
    return " \u21b5 ".join(text.split("\n"))


LOOKS = {
    "marks": MARKS,
    "words": WORDS,
    "classes": CLASSES,
    "in_one_line": in_one_line,
    "preview_text": preview_text,
}
"""How states, classes and texts are shown."""


class ApprovalsPage(PageHandler):
    """What waits, and what was decided."""

    tab = "approvals"

    @allow_unauthenticated
    async def get(self) -> None:
        """Show what waits first."""
        found = (await self.ask("GET /approvals"))["approvals"]
        self.show("approvals.html", approvals=found, **LOOKS)


class OneApproval(PasskeyHandler):
    """What is about one approval."""

    tab = "approvals"

    async def view(self, approval_id: str) -> shapes.Approval:
        """Return it, as far as whoever looks may read it. Raises UnknownApproval."""
        found: shapes.Approval = await self.ask("GET /approvals/{id}", of=approval_id)
        return found

    @property
    def who(self) -> str:
        """The id of whoever looks."""
        return self.caller.name if self.caller else ""


class ApprovalPage(OneApproval):
    """One approval, with the forms that decide it."""

    @property
    def then(self) -> str:
        """A sign-in leads back to it."""
        here = f"approvals/{self.path_kwargs['approval_id']}"
        return here if AFTER_SIGN_IN.fullmatch(here) else ""

    def show_stranger(self) -> None:
        """Tell who has the link of a notification that something waits, and nothing of it."""
        approval_id = self.path_kwargs["approval_id"]
        until = self.backend.links.until(approval_id, self.get_query_argument(ARGUMENT, ""))
        if until is None:
            super().show_stranger()
            return
        self.set_status(401)
        self.set_header("WWW-Authenticate", 'Bearer realm="pwsh-kernels"')
        self.show("approval_waits.html", ends=until.isoformat())

    @allow_unauthenticated
    async def get(self, approval_id: str) -> None:
        """Show it as it stands now."""
        if self.get_query_argument(ARGUMENT, ""):
            self.redirect(self.request.path)
            return
        one = await self.view(approval_id)
        keys = self.backend.passkeys.store.ring(self.who).keys
        public = self.backend.settings.public_url
        party = relying_party(public, self.request.protocol, self.request.host)
        self.show("approval.html", one=one, has_key=bool(keys), party=party, **LOOKS)


class ApprovalWish(OneApproval, PasskeyOptions):
    """What the browser needs to sign an approval."""

    @allow_unauthenticated
    async def post(self, approval_id: str) -> None:
        """Send it to the script, for who may decide. Raises ApprovalRefused."""
        one = await self.view(approval_id)
        if not one["may_decide"]:
            raise ApprovalRefused(approval_id, "it does not wait for you.")
        party = self.party()
        self.send(
            self.backend.passkeys.assertion_options(self.who, party, one["id"], one["digest"])
        )


class ApprovalApprove(OneApproval):
    """Approves a change, for somebody who has proved to be there."""

    @allow_unauthenticated
    async def post(self, approval_id: str) -> None:
        """Approve what was shown, and show what became of it.

        Raises ApprovalRefused, PasskeyRefused, and as the route does.
        """
        one = await self.view(approval_id)
        proof = self.proof(one)
        digest = {"digest": self.get_body_argument("digest", "")}
        await self.ask("POST /approvals/{id}/approve", digest, approval_id, proof)
        self.go(f"approvals/{approval_id}")

    def proof(self, one: shapes.Approval) -> Proof:
        """Return what shows that a person is there, which is used up by it."""
        answer = self.get_body_argument("credential", "")
        if answer:
            where = (one["id"], one["digest"])
            self.backend.passkeys.check(self.who, self.party(), *where, answer)
            return Proof.PASSKEY
        code = self.get_body_argument("code", "")
        if not code:
            raise ApprovalRefused(one["id"], NO_PROOF)
        self.use_code(one["id"], code)
        return Proof.CODE

    def use_code(self, approval_id: str, code: str) -> None:
        """Use a code up, which must be this person's and for this change."""
        purpose = approving(self.backend.approvals.desk.get(approval_id, now()))
        try:
            holder = self.holder(code, purpose).id
        except PageCodeRefused as refused:
            raise ApprovalRefused(approval_id, BAD_CODE) from refused
        if holder != self.who:
            raise ApprovalRefused(approval_id, BAD_CODE)
        self.backend.page_codes.redeem(code, purpose)


class ApprovalDecline(OneApproval):
    """Declines a change; that needs no proof: nothing runs."""

    @allow_unauthenticated
    async def post(self, approval_id: str) -> None:
        """Decline it in the decider's words."""
        words = {"reason": self.get_body_argument("words", "")}
        await self.ask("POST /approvals/{id}/decline", words, approval_id)
        self.go(f"approvals/{approval_id}")
