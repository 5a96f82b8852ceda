"""Stopping all agents, in one tenant or in all, after a question; and letting them go on."""

from jupyter_server.auth.decorator import allow_unauthenticated

from pwsh_kernels.principals.places import tenant_place
from pwsh_kernels.principals.principal import SERVER
from pwsh_kernels.principals.verbs import Verb
from pwsh_kernels.web.pages.page_handler import PageHandler


class FreezePage(PageHandler):
    """Stops agents: what they run, and what they ask for until somebody lets them go on."""

    verb = Verb.END
    tab = "sessions"

    @allow_unauthenticated
    def get(self) -> None:
        """Ask first, and for a reason that agents are told. Raises as `Guard.find_tenant` does, and
        Forbidden.
        """
        tenant = self.get_query_argument("tenant", "")
        if self.caller is not None:
            guard, where = self.backend.guard, SERVER
            if tenant:
                where = tenant_place(guard.find_tenant(self.caller, tenant))
            guard.require(self.caller, Verb.END, where)
        self.show("freeze.html", tenant=tenant)

    @allow_unauthenticated
    async def post(self) -> None:
        """Stop them, and show where agents are stopped."""
        body = {name: self.get_body_argument(name, "") for name in ("tenant", "why")}
        await self.ask("POST /freeze", {**body, "tenant": body["tenant"] or None})
        self.go("")


class Thaw(PageHandler):
    """Lets agents go on; for whoever administers the server."""

    verb = Verb.ADMINISTER
    where = SERVER

    @allow_unauthenticated
    async def post(self) -> None:
        """Let them go on, in a tenant or everywhere."""
        await self.ask("POST /thaw", {"tenant": self.get_body_argument("tenant", "") or None})
        self.go("")
