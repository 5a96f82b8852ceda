"""Sign-ins that are missing, still waiting for somebody, or cannot begin."""

from dataclasses import dataclass, field
from typing import ClassVar

from pwsh_kernels.errors.product_error import ProductError
from pwsh_kernels.errors.session_name import session_name


@dataclass(eq=False)
class UnknownSignInRoute(ProductError):
    """The module has no such way to sign in."""

    code: ClassVar[str] = "unknown_sign_in_route"
    status: ClassVar[int] = 400
    module: str
    route: str
    known: list[str]

    def text(self) -> str:
        return (
            f"{self.module} has no sign-in route {self.route}. Its routes: {', '.join(self.known)}"
        )


@dataclass(eq=False)
class RouteNotConfigured(ProductError):
    """A sign-in route lacks facts that the tenants file must provide."""

    code: ClassVar[str] = "route_not_configured"
    status: ClassVar[int] = 400
    tenant: str
    module: str
    route: str
    missing: list[str]

    def text(self) -> str:
        return (
            f"The sign-in route {self.route} of {self.tenant}:{self.module} needs"
            f" {' and '.join(self.missing)}. Add it to [tenant.{self.module}] of {self.tenant} in"
            " the tenants file (docs/tenants.md)."
        )


@dataclass(eq=False)
class AccountNotAllowed(ProductError):
    """A request expects a different account from the one that the tenants file allows."""

    code: ClassVar[str] = "account_not_allowed"
    status: ClassVar[int] = 400
    tenant: str
    module: str
    asked: str
    configured: str

    def text(self) -> str:
        return (
            f"The tenants file allows only {self.configured} to sign in to"
            f" {self.tenant}:{self.module}, but the request expects {self.asked}. A request can"
            " narrow who may sign in but not change it: omit expected_account, or have the file"
            " changed."
        )


@dataclass(eq=False)
class NotSignedIn(ProductError):
    """A command was sent to a session that is not signed in. The text is the predecessor's."""

    code: ClassVar[str] = "not_signed_in"
    status: ClassVar[int] = 401
    tenant: str
    module: str
    tier: str = field(default="write", kw_only=True)
    reason: str = ""
    connected: bool = False
    unconfigured: bool = False
    """The tenants file lacks something, so a login would fail for the same reason."""

    def text(self) -> str:
        tier = ' with "tier": "read"' if self.tier == "read" else ""
        first = "" if self.unconfigured else f" Call /login{tier} first."
        start = f"Not authenticated.{first}"
        return f"{start} {self.reason}" if self.reason else start


@dataclass(eq=False)
class SignInPending(ProductError):
    """A command was sent while a person still has to enter the device code."""

    code: ClassVar[str] = "sign_in_pending"
    status: ClassVar[int] = 409
    tenant: str
    module: str
    tier: str = field(default="write", kw_only=True)
    device_code: str | None
    auth_url: str | None
    expires_at: str | None
    route: str = ""

    def text(self) -> str:
        if self.route not in ("", "device_code"):
            return (
                f"{session_name(self)} signs in unattended ({self.route}). Try again in a moment."
            )
        if not self.device_code:
            return (
                f"The sign-in to {session_name(self)} has started, but there is no code yet."
                " Ask /status again."
            )
        return (
            f"The sign-in to {session_name(self)} is waiting for a person: open"
            f" {self.auth_url} and enter the code {self.device_code} (until {self.expires_at}),"
            " then try again."
        )


@dataclass(eq=False)
class DeviceCodeRefused(ProductError):
    """The sandbox's sign-in page got a code that nobody is waiting for.

    The code itself is a secret and not among the facts.
    """

    code: ClassVar[str] = "device_code_refused"
    status: ClassVar[int] = 400
    reason: str

    def text(self) -> str:
        why = {
            "expired": "That code has expired.",
            "used": "That code was already used.",
        }.get(self.reason, "No sign-in waits for that code.")
        return f"{why} Check it, or start the sign-in again to get a new one."
