"""A session: everything known of one tenant and module, with its state and its sign-in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from pwsh_kernels.catalog import APP_ROUTES, Explanation, Fact, FactName, Module, Route, Tenant
from pwsh_kernels.sessions.broadcast import Broadcast
from pwsh_kernels.sessions.key import SessionKey
from pwsh_kernels.sessions.moment import now
from pwsh_kernels.sessions.places.place import PlaceName
from pwsh_kernels.sessions.runs.run import Run
from pwsh_kernels.sessions.states import GONE, session_may_become
from pwsh_kernels.shapes import SessionState

SignInCode = Literal[
    "sign_in_failed",
    "sign_in_declined",
    "sign_in_expired",
    "sign_in_cancelled",
    "sign_in_blocked",
    "sign_in_ended",
    "sign_in_needs_person",
    "sign_in_unreachable",
    "too_many_sign_ins",
    "wrong_account",
    "wrong_tenant",
]
"""How a sign-in ended without success; `sign_in_ended`: it had succeeded, and the service has ended
it since; `sign_in_unreachable`: a host cannot be reached; `too_many_sign_ins`: too many others are
already waiting busily for a person.
"""

FILE_CODES = frozenset({"certificate_unreadable"})
"""Explanations of problems with a file that the tenants file names."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """What a module's check script says about the present sign-in."""

    account: str
    tenant_id: str = ""
    domains: tuple[str, ...] = ()
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class DeviceCode:
    """What a person needs to sign in."""

    code: str
    url: str


@dataclass(eq=False)
class SignIn:
    """One attempt to sign in, from the connect script's start to the verdict.

    `expires_at` is the code's, else its own.
    """

    route: Route
    expires_at: datetime
    ends_at: datetime
    expected_account: str | None = None
    sharepoint_tenant: str | None = None
    attended: bool = True
    """False for one that nobody asked for: it must end if it needs a person."""
    started_at: datetime = field(default_factory=now)
    code: DeviceCode | None = None
    run: Run | None = None
    connecting: bool = False
    """True once the connect script may ask for a person."""


@dataclass(frozen=True, slots=True)
class SignInFailure:
    """Why the last sign-in did not succeed."""

    code: SignInCode
    reason: str
    explanation: Explanation | None = None
    unconfigured: bool = False
    """Something that the tenants file names is missing: another try would fail in the same way."""
    account: str | None = None
    """The account that signed in and was refused."""


@dataclass(eq=False)
class Session:
    """Everything known of one session.

    Lives on the event loop; changes only through its methods.
    """

    key: SessionKey
    tenant: Tenant
    module: Module
    state: SessionState = "starting"
    reason: str = ""
    place: PlaceName = "local"
    """Where it lives (docs/places.md)."""
    created_at: datetime = field(default_factory=now)
    last_used: datetime = field(default_factory=now)
    conversation_id: str | None = None
    signed_in: SignedIn | None = None
    signed_in_at: datetime | None = None
    signing_in_since: datetime | None = None
    checked_at: datetime | None = None
    expected_account: str | None = None
    """The account that the present or last sign-in was asked for."""
    sharepoint_tenant: str | None = None
    """The SharePoint host that was asked for."""
    sign_in: SignIn | None = None
    route: Route | None = None
    """The route of the present sign-in, or of the last one."""
    failure: SignInFailure | None = None
    was_pending: bool = False
    stuck_reason: str | None = None
    modules: Mapping[str, str] = field(default_factory=dict)
    """The PowerShell modules that it has pinned, with their versions."""
    working_folder: str = ""
    """Where its commands begin, and where relative paths lead."""
    pins_settled: bool = False
    """Somebody was signed in with these modules, or an earlier server pinned them: a sign-in
    changes them only if they do not work.
    """
    memory: int | None = None
    """Bytes that its PowerShell uses with everything that it started; None: not known (yet)."""
    changes: Broadcast = field(default_factory=Broadcast)

    @property
    def gone(self) -> bool:
        """True when its process is gone or going."""
        return self.state in GONE

    def facts(self) -> dict[FactName, Fact | None]:
        """Return the facts that scripts of the catalog can ask for, without secrets."""
        facts = {**self.tenant.facts(self.module.key), **self.module.facts()}
        if self.key.reads:
            facts["read_commands"] = self.module.read_commands or None
        facts["expected_account"] = facts.get("expected_account") or self.expected_account
        if self.sharepoint_tenant:
            facts["sharepoint_url"] = f"https://{self.sharepoint_tenant}.sharepoint.com"
        return facts

    @property
    def wanted_account(self) -> str | None:
        """The account that must sign in: the configured one, otherwise the requested one; on an
        application's routes its client id.
        """
        access = self.tenant.access(self.module.key)
        expected = self.facts().get("expected_account")
        app_only = self.route is not None and self.route.name in APP_ROUTES
        return str(expected) if expected else (access.client_id if app_only else None)

    @property
    def unconfigured(self) -> bool:
        """True if the last sign-in failed because of something that the tenants file names."""
        failure = self.failure
        explained = failure.explanation.code if failure and failure.explanation else ""
        return failure is not None and (failure.unconfigured or explained in FILE_CODES)

    def become(self, state: SessionState, reason: str = "") -> bool:
        """Change to `state` if the table allows it; return whether it did."""
        if not session_may_become(self.state, state):
            return False
        self.state, self.reason = state, reason
        if state != "signing_in":
            self.sign_in = None
        if state != "signed_in":
            self.signed_in = None
        if self.gone:
            self.memory = None
        self.changes.notify()
        return True

    def say(self, reason: str) -> None:
        """Record why its state is as it is."""
        self.reason = reason
        self.changes.notify()

    def configure(self, tenant: Tenant) -> None:
        """Adopt the tenant's current configuration; nobody is signed in."""
        self.tenant = tenant

    def begin_in(self, folder: str) -> None:
        """Remember the folder in which its commands begin."""
        self.working_folder = folder

    def pin(self, modules: Mapping[str, str]) -> bool:
        """Remember the modules that it has pinned; return whether they changed."""
        before, self.modules = self.modules, modules
        return before != modules

    def settle_pins(self) -> None:
        """Keep the modules that it has pinned."""
        self.pins_settled = True

    def check(self) -> None:
        """Remember that it has just been checked who is signed in."""
        self.checked_at = now()

    def find_stuck(self, reason: str | None) -> None:
        """Remember why the watchdog finds it stuck; None: it does not."""
        self.stuck_reason = reason

    def measure(self, memory: int | None) -> None:
        """Remember how many bytes it uses; nobody is woken for that."""
        self.memory = memory

    def take_pending(self) -> bool:
        """Return whether a code was shown since the last call."""
        pending, self.was_pending = self.was_pending, False
        return pending

    def use(self, conversation_id: str | None = None) -> None:
        """Remember that somebody used it now."""
        self.last_used = now()
        self.conversation_id = conversation_id or self.conversation_id

    def begin_sign_in(self, sign_in: SignIn) -> bool:
        """Begin signing in; return False if the session cannot now."""
        if not self.become("signing_in"):
            return False
        self.sign_in, self.route, self.failure = sign_in, sign_in.route, None
        self.signing_in_since, self.signed_in_at = sign_in.started_at, None
        self.expected_account = sign_in.expected_account
        self.sharepoint_tenant = sign_in.sharepoint_tenant
        return True

    def not_begun(self, reason: str, *, unconfigured: bool) -> None:
        """Remember why a sign-in could not even begin."""
        self.failure = SignInFailure("sign_in_failed", reason, unconfigured=unconfigured)
        self.say(reason)

    def show_code(self, code: DeviceCode) -> None:
        """Remember the code that a person has to enter."""
        if self.sign_in is not None and self.sign_in.code != code:
            self.sign_in.code = code
            self.changes.notify()

    def accept(self, signed_in: SignedIn, since: datetime | None = None) -> None:
        """End signed in; `since` is given if an earlier server recorded it."""
        self.signed_in_at = since or self.signed_in_at
        self.was_pending = self.was_pending or bool(self.sign_in and self.sign_in.code)
        if self.become("signed_in"):
            self.settle_pins()
            self.signed_in = signed_in
            self.signed_in_at = self.signed_in_at or now()
            self.changes.notify()

    def recognize(self, signed_in: SignedIn) -> None:
        """Record who is signed in now: a command may have signed in as somebody else."""
        if self.state == "signed_in" and self.signed_in != signed_in:
            self.signed_in = signed_in
            self.changes.notify()

    def lose(self, reason: str) -> None:
        """End without its process; anyone who follows a sign-in learns its outcome at once."""
        if self.state == "signing_in":
            self.failure = SignInFailure(
                "sign_in_failed", f"The session was lost during the sign-in: {reason}"
            )
        self.become("lost", reason)

    def refuse(self, failure: SignInFailure) -> None:
        """End signed out, with the reason."""
        self.was_pending = self.was_pending or bool(self.sign_in and self.sign_in.code)
        self.failure = failure
        self.become("signed_out", failure.reason)
