"""The two addresses at which a browser leaves for the provider, and comes back."""

from dataclasses import dataclass, field, replace

from jupyter_server.auth.decorator import allow_unauthenticated
from jupyter_server.utils import url_path_join

from pwsh_kernels.audit.event import Door, Kind
from pwsh_kernels.errors import PersonRefused
from pwsh_kernels.settings import Settings
from pwsh_kernels.web.audit_events import page_event
from pwsh_kernels.web.oidc.addresses import COME_BACK
from pwsh_kernels.web.oidc.journeys import LIFE_S, Journeys
from pwsh_kernels.web.oidc.provider import Provider
from pwsh_kernels.web.pages.page_handler import PageHandler, Site
from pwsh_kernels.web.token_identity import TokenIdentity

COOKIE = "pwsh-oidc"
"""Proves that the browser that comes back is the one that left."""


@dataclass(frozen=True, slots=True)
class OidcParts:
    """What both addresses share."""

    settings: Settings
    provider: Provider
    journeys: Journeys = field(default_factory=Journeys)


class OidcHandler(PageHandler):
    """A page of the sign-in: for strangers."""

    def initialize(self, site: Site, door: OidcParts) -> None:  # type: ignore[override]
        """Take what the sign-in knows."""
        super().initialize(site)
        self.door = door

    def show_stranger(self) -> None:
        """Let a stranger in: that is what these pages are for."""

    @property
    def cookie_path(self) -> str:
        """Where the browser sends the cookie: to these two addresses only."""
        return url_path_join(self.base_url, "/oidc/")


class OidcSignIn(OidcHandler):
    """Sends a browser to the provider."""

    @allow_unauthenticated
    async def get(self) -> None:
        """Send the browser to the provider."""
        here = self.door.settings.public_url or f"{self.request.protocol}://{self.request.host}"
        redirect = url_path_join(here, self.base_url, COME_BACK)
        url, journey = await self.door.provider.send(redirect)
        self.door.journeys.begin(replace(journey, then=self.then))
        # Lax: the way back is a link of another site, which no Strict cookie survives.
        self.set_cookie(
            COOKIE,
            journey.browser,
            path=self.cookie_path,
            max_age=int(LIFE_S),
            httponly=True,
            secure=redirect.startswith("https:"),
            samesite="Lax",
        )
        self.redirect(url)


class OidcCallback(OidcHandler):
    """Takes a browser back, and gives it the cookie of the person whom the provider names."""

    @allow_unauthenticated
    async def get(self) -> None:
        """Come back. Raises PersonRefused."""
        try:
            await self._welcome()
        except PersonRefused:
            self.backend.guard.stranger(self.request, Door.NOTEBOOK, client="")
            raise

    async def _welcome(self) -> None:
        browser = self.get_cookie(COOKIE) or ""
        self.clear_cookie(COOKIE, path=self.cookie_path)
        journey = self.door.journeys.end(self.get_query_argument("state", ""), browser)
        if self.get_query_argument("error", ""):
            raise PersonRefused(problem="it did not sign anybody in")
        code = self.get_query_argument("code", "")
        name, claims = await self.door.provider.welcome(journey, code)
        principal = self.backend.people.sign_in(name, claims)
        identity = self.identity_provider
        if principal is None or not isinstance(identity, TokenIdentity):
            raise PersonRefused(problem="no [[claim]] of the principals file is about this person")
        self.backend.audit.note(page_event(Kind.PAGE_SIGNED_IN, principal.id, how="openid"))
        identity.sign_in(self, principal)
        self.log.info("%s has signed in through the provider", principal.id)
        # Not a redirect: the browser would still count it as the provider's, and send no cookie.
        self.show("signed_in.html", whom=principal.id, then=journey.then)
