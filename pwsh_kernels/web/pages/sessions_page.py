"""The first page: what needs a person, and the sessions; signing sessions in and out."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from jupyter_server.auth.decorator import allow_unauthenticated

from pwsh_kernels import shapes
from pwsh_kernels.principals.places import tenant_place
from pwsh_kernels.principals.principal import SERVER
from pwsh_kernels.principals.verbs import Verb
from pwsh_kernels.sessions.key import SessionKey
from pwsh_kernels.web.pages.overview import Overview, Rights, certificates_of, needs_of, rows_of
from pwsh_kernels.web.pages.page_handler import PageHandler
from pwsh_kernels.web.pages.times import moment

CODE_WAIT_S = 10.0
"""How long a form that signs a session in waits for the code, or for the end."""
SHOWN_FOR = timedelta(days=1)
"""How long a run without an approval is shown to who could have approved it."""
QUESTIONS = 50
"""Open questions that the first page shows."""


class OverviewPart(PageHandler):
    """Whatever shows the first page, or follows it."""

    tab = "sessions"

    async def overview(self) -> Overview:
        """Return what the first page shows to whoever looks."""
        sessions = (await self.ask("GET /sessions"))["sessions"]
        tenants = (await self.ask("GET /tenants"))["tenants"]
        waiting = {"state": "waiting_for_input", "limit": QUESTIONS}
        questions = (await self.ask("GET /runs", waiting))["runs"]
        codes = self.backend.sessions.pending_sign_ins(self.sees)
        now = datetime.now(UTC)
        needs = needs_of(codes, questions, sessions, self.rights, now)
        ending = [one for one in certificates_of(tenants, now) if self.rights(one.key).sign_in]
        titles = {key: one.title for key, one in self.backend.catalog.modules.items()}
        return Overview(
            replace(
                needs,
                certificates=ending,
                approvals=await self.undecided(),
                broken=await self.broken_glass(now),
            ),
            rows_of(tenants, sessions, titles, self.rights),
            titles,
            (await self.ask("GET /frozen"))["frozen"],
            frozenset(one["names"][0] for one in tenants if self.may_freeze(one["names"][0])),
            self.may(Verb.END, SERVER),
        )

    async def undecided(self) -> list[shapes.Approval]:
        """Return the changes about which whoever looks may decide."""
        found = (await self.ask("GET /approvals", {"waiting": True}))["approvals"]
        return [one for one in found if one["may_decide"]]

    async def broken_glass(self, now: datetime) -> list[shapes.Run]:
        """Return the runs of the last day that the owner let nobody approve, for who may."""
        found = (await self.ask("GET /runs", {"break_glass": True, "limit": QUESTIONS}))["runs"]
        return [
            one
            for one in found
            if now - moment(one["created_at"] or "") < SHOWN_FOR
            and self.allows(Verb.APPROVE, SessionKey.of(one))
        ]

    def may_freeze(self, tenant: str) -> bool:
        """Return whether whoever looks may stop the agents in a tenant."""
        guard, caller = self.backend.guard, self.caller
        found = guard.find_tenant(caller, tenant) if caller else None
        return found is not None and self.may(Verb.END, tenant_place(found))

    def sees(self, key: SessionKey) -> bool:
        """Return whether whoever looks may know of a session."""
        return self.allows(Verb.SEE, key)

    def rights(self, key: SessionKey) -> Rights:
        """Return what whoever looks may do in a session."""
        verbs = (Verb.WRITE, Verb.SIGN_IN, Verb.ANSWER, Verb.END)
        return Rights(*(self.allows(verb, key) for verb in verbs))


class SessionsPage(OverviewPart):
    """The first page."""

    @allow_unauthenticated
    async def get(self) -> None:
        """Show what needs a person, and the sessions."""
        self.show("overview.html", overview=await self.overview())


class SessionSignIn(PageHandler):
    """Signs a session in: asks for module, way and account, and then shows the code."""

    tab = "sessions"

    @allow_unauthenticated
    async def get(self) -> None:
        """Ask how to sign in."""
        await self.show_form("")

    async def show_form(self, error: str) -> None:
        """Show the form, filled in with what is asked for."""
        modules = (await self.ask("GET /modules", {"installed": False}))["details"]
        chosen = {
            name: self.get_argument(name, "")
            for name in ("tenant", "module", "route", "account", "tier")
        }
        self.show("session_sign_in.html", modules=modules, chosen=chosen, error=error)

    @allow_unauthenticated
    async def post(self) -> None:
        """Begin the sign-in, wait a moment for its code, and go where the code is shown."""
        body = {
            "tenant": self.get_body_argument("tenant", ""),
            "module": self.get_body_argument("module", ""),
            "route": self.get_body_argument("route", "") or None,
            "expected_account": self.get_body_argument("account", "") or None,
            "tier": self.get_body_argument("tier", "write"),
            "wait_s": CODE_WAIT_S,
        }
        answer = await self.ask("POST /login", body)
        if not answer["success"]:
            await self.show_form(answer["error"])
            return
        self.go("")


class SessionSignOut(PageHandler):
    """Signs a session out, after a question."""

    tab = "sessions"

    @allow_unauthenticated
    async def get(self) -> None:
        """Ask first, and say what ends with it."""
        body = {name: self.get_query_argument(name, "") for name in ("tenant", "module")}
        body["tier"] = self.get_query_argument("tier", "write")
        self.show("session_sign_out.html", session=await self.ask("POST /status", body))

    @allow_unauthenticated
    async def post(self) -> None:
        """Sign the session out and close it."""
        body: dict[str, object] = {
            name: self.get_body_argument(name, "") for name in ("tenant", "module")
        }
        body["tier"] = self.get_body_argument("tier", "write")
        body["forget"] = self.get_body_argument("forget", "") == "yes"
        await self.ask("POST /disconnect", body)
        self.go("")
