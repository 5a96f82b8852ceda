"""Sessions that do not exist, are not ready, are busy, or are lost."""

from dataclasses import dataclass, field
from typing import ClassVar

from pwsh_kernels.errors.product_error import ProductError
from pwsh_kernels.errors.session_name import session_name


@dataclass(eq=False)
class SessionStarting(ProductError):
    """A command was sent to a session that is not ready yet."""

    code: ClassVar[str] = "session_starting"
    status: ClassVar[int] = 409
    tenant: str
    module: str
    tier: str = field(default="write", kw_only=True)
    reason: str

    def text(self) -> str:
        reason = self.reason or "it is starting"
        return f"The session {session_name(self)} is not ready: {reason}. Try again in a moment."


@dataclass(eq=False)
class ConfinementUnavailable(ProductError):
    """Sessions must be confined, but this machine cannot enforce all of it."""

    code: ClassVar[str] = "confinement_unavailable"
    status: ClassVar[int] = 503
    missing: list[str]

    def text(self) -> str:
        return (
            "No session was started: PWSH_MANAGER_CONFINE is `required`, and the Linux kernel of"
            f" this machine does not confine {', '.join(self.missing)} (Landlock: Linux 5.13 for"
            " files, 6.7 for tcp, 6.12 for signals). Use a newer one, or set it to `on`."
        )


@dataclass(eq=False)
class SessionUsersUnavailable(ProductError):
    """Sessions should have users of their own, but this server cannot give them any."""

    code: ClassVar[str] = "session_users_unavailable"
    status: ClassVar[int] = 503
    problem: str

    def text(self) -> str:
        return (
            "PWSH_MANAGER_SESSION_USERS gives each session a user of its own, and that is not"
            f" possible here: {self.problem}. See docs/places.md."
        )


@dataclass(eq=False)
class NoSessionUserLeft(ProductError):
    """Every user of the range belongs to a session already."""

    code: ClassVar[str] = "no_session_user_left"
    status: ClassVar[int] = 503
    first: int
    last: int

    def text(self) -> str:
        return (
            "No session was started: every user of PWSH_MANAGER_SESSION_USERS"
            f" ({self.first}-{self.last}) belongs to another session already. Make the range"
            " longer; what has a user keeps it."
        )


@dataclass(eq=False)
class PlaceUnavailable(ProductError):
    """A session is to live in a place that this server is not set up for."""

    code: ClassVar[str] = "place_unavailable"
    status: ClassVar[int] = 503
    place: str
    problem: str

    def text(self) -> str:
        return (
            f"No session was started: it is to live in the place `{self.place}`, and"
            f" {self.problem}."
        )


@dataclass(eq=False)
class OutOfReach(ProductError):
    """A session needs a folder of the server's machine that its Pod cannot see."""

    code: ClassVar[str] = "out_of_reach"
    status: ClassVar[int] = 409
    folder: str

    def text(self) -> str:
        return (
            f"No session was started: it needs {self.folder}, as every session of a simulated"
            " tenant does, and a Pod sees that only if PWSH_MANAGER_KUBERNETES_DATA_CLAIM names"
            " the claim of the server's data folder. Set it, or let this tenant's sessions live on"
            ' the server\'s machine (`place = "local"` in the tenants file).'
        )


@dataclass(eq=False)
class WaitingForInput(ProductError):
    """The session's running command asks a question; another command would wait behind it."""

    code: ClassVar[str] = "waiting_for_input"
    status: ClassVar[int] = 409
    tenant: str
    module: str
    tier: str = field(default="write", kw_only=True)
    run_id: str
    question: str

    def text(self) -> str:
        return (
            f"Run {self.run_id} in {session_name(self)} is waiting for an answer to:"
            f" {self.question!r}. Answer it with POST /runs/{self.run_id}/input, or cancel it with"
            f" POST /runs/{self.run_id}/cancel."
        )


@dataclass(eq=False)
class WaitsBehindQuestion(ProductError):
    """The session's running command is waiting for an answer from somebody other than the
    caller.
    """

    code: ClassVar[str] = "waits_behind_question"
    status: ClassVar[int] = 409
    tenant: str
    module: str
    tier: str = field(default="write", kw_only=True)
    run_id: str
    asker: str

    def text(self) -> str:
        return (
            f"The command was not run: run {self.run_id} in {session_name(self)} is waiting"
            f" for an answer from {self.asker}. Try again when that run has ended; GET"
            f" /runs/{self.run_id} follows it."
        )


@dataclass(eq=False)
class SessionLost(ProductError):
    """The session's process died, and its sign-in with it."""

    code: ClassVar[str] = "session_lost"
    status: ClassVar[int] = 409
    tenant: str
    module: str
    tier: str = field(default="write", kw_only=True)
    reason: str

    def text(self) -> str:
        return (
            f"The PowerShell of {session_name(self)} has died ({self.reason}); its variables"
            " and its sign-in are gone. Sign in again (/login) to start a new session."
        )


@dataclass(eq=False)
class SessionBusy(ProductError):
    """The session did not become free for one of the product's own queries within the wait."""

    code: ClassVar[str] = "session_busy"
    status: ClassVar[int] = 409
    session: str
    run_id: str
    waited_s: float

    def text(self) -> str:
        if self.run_id:
            return (
                f"{self.session} is busy with {self.run_id} and did not become free within"
                f" {self.waited_s:g} s: wait for that run, or cancel it, then try again."
            )
        return (
            f"{self.session} did not answer within {self.waited_s:g} s: try again with a longer"
            " wait_s."
        )


@dataclass(eq=False)
class CommandSearchFailed(ProductError):
    """PowerShell did not list its commands."""

    code: ClassVar[str] = "command_search_failed"
    status: ClassVar[int] = 502
    session: str
    reason: str

    def text(self) -> str:
        return (
            f"The commands of {self.session} could not be listed: {self.reason} Try again;"
            " Get-Command lists them too."
        )


@dataclass(eq=False)
class UnknownSession(ProductError):
    """No session exists for that tenant and module."""

    code: ClassVar[str] = "unknown_session"
    status: ClassVar[int] = 404
    tenant: str
    module: str
    tier: str = field(default="write", kw_only=True)

    def text(self) -> str:
        return f"No session for {session_name(self)}"


@dataclass(eq=False)
class QueueFull(ProductError):
    """The limit of waiting commands in a session is reached."""

    code: ClassVar[str] = "queue_full"
    status: ClassVar[int] = 429
    tenant: str
    module: str
    tier: str = field(default="write", kw_only=True)
    waiting: int
    run_id: str

    def text(self) -> str:
        running = f"run {self.run_id} to end, or cancel it" if self.run_id else "them to end"
        return (
            f"{self.waiting} commands are queued in {session_name(self)}, which is the limit"
            f" (PWSH_MANAGER_QUEUED_RUNS). This one was not accepted: wait for {running}, then send"
            " it again."
        )


@dataclass(eq=False)
class TooManySessions(ProductError):
    """The limit of sessions is reached."""

    code: ClassVar[str] = "too_many_sessions"
    status: ClassVar[int] = 429
    limit: int

    def text(self) -> str:
        return (
            f"There are {self.limit} sessions, which is the limit (PWSH_MANAGER_SESSIONS)."
            " Disconnect one that is not needed, then try again."
        )
