"""The one error tree: each error has a stable code, an HTTP status, its facts, and a sentence that
says what to do.
"""

from dataclasses import dataclass, field, fields
from typing import Any, ClassVar


@dataclass(eq=False)
class ProductError(Exception):
    """Base of all our errors.

    Subclasses are dataclasses: their fields are the facts, `text()` is made from them.
    """

    code: ClassVar[str] = "internal_error"
    status: ClassVar[int] = 500

    def text(self) -> str:
        """Return the sentence for a person or a model: what happened and what to do next."""
        return "Something went wrong inside pwsh-kernels; the server's log has the traceback."

    def facts(self) -> dict[str, Any]:
        """Return the facts as JSON values."""
        return {one.name: getattr(self, one.name) for one in fields(self)}

    def to_json(self) -> dict[str, Any]:
        """Return the one shape in which every error leaves the product."""
        return {"success": False, "error": self.text(), "code": self.code, **self.facts()}

    def __str__(self) -> str:
        return self.text()


@dataclass(eq=False)
class InvalidRequest(ProductError):
    """A value of a request is missing or wrong."""

    code: ClassVar[str] = "invalid_request"
    status: ClassVar[int] = 400
    field: str
    problem: str

    def text(self) -> str:
        return f"{self.field} {self.problem}"


@dataclass(eq=False)
class UnknownModule(ProductError):
    """The catalog has no module of that key."""

    code: ClassVar[str] = "unknown_module"
    status: ClassVar[int] = 400
    module: str
    known: list[str]
    nearest: list[str] = field(default_factory=list)

    def text(self) -> str:
        meant = f". Did you mean {' or '.join(self.nearest)}?" if self.nearest else ""
        return f"Unknown module: {self.module}. Known modules: {', '.join(self.known)}{meant}"


@dataclass(eq=False)
class UnsupportedModule(ProductError):
    """A service that cannot be reached from here."""

    code: ClassVar[str] = "unsupported_module"
    status: ClassVar[int] = 400
    module: str
    reason: str
    instead: str

    def text(self) -> str:
        return f"{self.module} is not supported: {self.reason} {self.instead}"


@dataclass(eq=False)
class ModuleNotReady(ProductError):
    """A service's PowerShell module is not there, or in no version that works.

    `found`: the version that is there, or ""; `reason`: why it is known not to work, "" for one
    that is too old.
    """

    code: ClassVar[str] = "module_not_ready"
    status: ClassVar[int] = 409
    module: str
    powershell_module: str
    minimum: str
    found: str
    install: str
    reason: str = ""

    def text(self) -> str:
        what = f"The PowerShell module {self.powershell_module}"
        if self.reason:
            return (
                f"{what} {self.found} is known not to work: {self.reason}. Install another version:"
                f" {self.install}"
            )
        if not self.found:
            return f"{what} {self.minimum} or newer is not installed. Install it: {self.install}"
        return (
            f"{what} is too old: {self.found} is installed, {self.minimum} or newer is needed."
            f" Install it: {self.install}"
        )


@dataclass(eq=False)
class InvalidTenant(ProductError):
    """The tenant is neither a domain name nor an alias."""

    code: ClassVar[str] = "invalid_tenant"
    status: ClassVar[int] = 400
    tenant: str
    nearest: list[str] = field(default_factory=list)

    def text(self) -> str:
        start = f"{self.tenant!r} is not a tenant: give its domain name, such as contoso.com"
        return f"{start}. Nearest: {', '.join(self.nearest)}" if self.nearest else start


@dataclass(eq=False)
class UnknownTenant(ProductError):
    """The tenant is none of the known ones, or looks like a mistyped one."""

    code: ClassVar[str] = "unknown_tenant"
    status: ClassVar[int] = 400
    tenant: str
    nearest: list[str]

    def text(self) -> str:
        nearest = f" Nearest: {', '.join(self.nearest)}." if self.nearest else ""
        return (
            f"Unknown tenant: {self.tenant}.{nearest} `pwsh-kernels tenants` lists the known ones; "
            f"if it is another one, a person adds it with `pwsh-kernels tenants add {self.tenant}`."
        )


@dataclass(eq=False)
class BadSecret(ProductError):
    """A secret cannot be read from its place.

    `name` is that of the file or variable; the content is never shown.
    """

    code: ClassVar[str] = "bad_secret"
    status: ClassVar[int] = 500
    name: str
    problem: str

    def text(self) -> str:
        return f"The secret in {self.name} cannot be used: {self.problem}."


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
    """A sign-in route lacks facts that the tenants file must give."""

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
class UnsafeFolder(ProductError):
    """A folder that would hold sign-ins is open to other users."""

    code: ClassVar[str] = "unsafe_folder"
    status: ClassVar[int] = 500
    folder: str

    def text(self) -> str:
        return (
            f"{self.folder} is open to other users, so no sign-in is kept there. Run `chmod 700"
            f" {self.folder}`."
        )


@dataclass(eq=False)
class Unauthorized(ProductError):
    """The request carries no valid token."""

    code: ClassVar[str] = "unauthorized"
    status: ClassVar[int] = 401

    def text(self) -> str:
        return (
            "A valid token is required: send `Authorization: Bearer TOKEN`. `pwsh-kernels serve`"
            " prints it on a terminal, `jupyter server list` shows it; the pwsh-kernels command and"
            " mcp_server.py find it by themselves."
        )


@dataclass(eq=False)
class NotSignedIn(ProductError):
    """A command was asked for in a session without a sign-in. The text is the original's."""

    code: ClassVar[str] = "not_signed_in"
    status: ClassVar[int] = 401
    tenant: str
    module: str
    reason: str = ""
    connected: bool = False

    def text(self) -> str:
        start = "Not authenticated. Call /login first."
        return f"{start} {self.reason}" if self.reason else start


@dataclass(eq=False)
class SessionStarting(ProductError):
    """A command was asked for in a session that is not ready yet."""

    code: ClassVar[str] = "session_starting"
    status: ClassVar[int] = 409
    tenant: str
    module: str
    reason: str

    def text(self) -> str:
        reason = self.reason or "it is starting"
        return (
            f"The session {self.tenant}:{self.module} is not ready: {reason}. Try again in a"
            " moment."
        )


@dataclass(eq=False)
class SignInPending(ProductError):
    """A command was asked for while a person still has to enter the device code."""

    code: ClassVar[str] = "sign_in_pending"
    status: ClassVar[int] = 409
    tenant: str
    module: str
    device_code: str | None
    auth_url: str | None
    expires_at: str | None
    route: str = ""

    def text(self) -> str:
        if self.route not in ("", "device_code"):
            return (
                f"{self.tenant}:{self.module} signs in by itself ({self.route}). Try again in a"
                " moment."
            )
        if not self.device_code:
            return (
                f"The sign-in to {self.tenant}:{self.module} has started and shows no code yet. Ask"
                " /status again."
            )
        return (
            f"The sign-in to {self.tenant}:{self.module} waits for a person: open {self.auth_url}"
            f" and enter the code {self.device_code} (until {self.expires_at}), then try again."
        )


@dataclass(eq=False)
class WaitingForInput(ProductError):
    """The session's running command asks a question; another command would wait behind it."""

    code: ClassVar[str] = "waiting_for_input"
    status: ClassVar[int] = 409
    tenant: str
    module: str
    run_id: str
    question: str

    def text(self) -> str:
        return (
            f"Run {self.run_id} in {self.tenant}:{self.module} waits for an answer to:"
            f" {self.question!r}. Answer it with POST /runs/{self.run_id}/input, or cancel it with"
            f" POST /runs/{self.run_id}/cancel."
        )


@dataclass(eq=False)
class SessionLost(ProductError):
    """The session's process died, and its sign-in with it."""

    code: ClassVar[str] = "session_lost"
    status: ClassVar[int] = 409
    tenant: str
    module: str
    reason: str

    def text(self) -> str:
        return (
            f"The PowerShell of {self.tenant}:{self.module} has died ({self.reason}); its variables"
            " and its sign-in are gone. Sign in again (/login) to start a new session."
        )


@dataclass(eq=False)
class SessionBusy(ProductError):
    """The session had no time for a question of the product's own within the wait."""

    code: ClassVar[str] = "session_busy"
    status: ClassVar[int] = 409
    session: str
    run_id: str
    waited_s: float

    def text(self) -> str:
        if self.run_id:
            return (
                f"{self.session} runs {self.run_id} and had no time for this within"
                f" {self.waited_s:g} s: wait for that run, or cancel it, then ask again."
            )
        return (
            f"{self.session} did not answer within {self.waited_s:g} s: ask again with a longer"
            " wait_s."
        )


@dataclass(eq=False)
class CommandSearchFailed(ProductError):
    """PowerShell did not tell what commands there are."""

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
    """There is no session for that tenant and module."""

    code: ClassVar[str] = "unknown_session"
    status: ClassVar[int] = 404
    tenant: str
    module: str

    def text(self) -> str:
        return f"No session for {self.tenant}:{self.module}"


@dataclass(eq=False)
class UnknownRun(ProductError):
    """No run has that id: it never existed, or it is older than what is kept."""

    code: ClassVar[str] = "unknown_run"
    status: ClassVar[int] = 404
    run_id: str

    def text(self) -> str:
        return f"No run {self.run_id!r}. GET /runs lists those that are kept."


@dataclass(eq=False)
class RunNotWaiting(ProductError):
    """Input was given to a run that asks for none."""

    code: ClassVar[str] = "run_not_waiting"
    status: ClassVar[int] = 409
    run_id: str
    state: str

    def text(self) -> str:
        return f"Run {self.run_id} is {self.state} and asks for no input."


@dataclass(eq=False)
class AnswerNotUsable(ProductError):
    """An answer does not fit what the run asks.

    The answer itself is no fact: it may be a secret.
    """

    code: ClassVar[str] = "answer_not_usable"
    status: ClassVar[int] = 400
    run_id: str
    wanted: str

    def text(self) -> str:
        return f"That does not answer run {self.run_id}, which still waits. It wants {self.wanted}."


@dataclass(eq=False)
class SecretNotTaken(ProductError):
    """A secret would have to pass through a model."""

    code: ClassVar[str] = "secret_not_taken"
    status: ClassVar[int] = 403
    run_id: str
    question: str

    def text(self) -> str:
        return (
            f"Run {self.run_id} asks for a secret ({self.question}), which must not pass through"
            f" here. Ask the person to run `pwsh-kernels follow {self.run_id}` in a terminal, or to"
            " answer in the notebook whose cell it is."
        )


@dataclass(eq=False)
class RunNotEnded(ProductError):
    """The objects of a run were asked for before it has ended."""

    code: ClassVar[str] = "run_not_ended"
    status: ClassVar[int] = 409
    run_id: str
    state: str

    def text(self) -> str:
        return (
            f"Run {self.run_id} is {self.state}: its objects can be asked for when it has ended."
            " Wait for it; the lines that it has printed so far can be read and searched now."
        )


@dataclass(eq=False)
class NoObjects(ProductError):
    """Nothing was kept of a run's output: it gave no objects, or made text of them itself."""

    code: ClassVar[str] = "no_objects"
    status: ClassVar[int] = 409
    run_id: str

    def text(self) -> str:
        return (
            f"Nothing is kept of run {self.run_id}: it gave no objects, only text or numbers, or it"
            " formatted them itself (Format-Table, Out-String, ConvertTo-Json), or"
            " PWSH_MANAGER_KEPT_OBJECTS is 0. Search its lines instead, or run the command again"
            " without the formatting."
        )


@dataclass(eq=False)
class ObjectsForgotten(ProductError):
    """The objects of a run were kept, and newer runs have taken their place."""

    code: ClassVar[str] = "objects_forgotten"
    status: ClassVar[int] = 409
    run_id: str
    session: str

    def text(self) -> str:
        return (
            f"The objects of run {self.run_id} are no longer kept: {self.session} keeps those of"
            " its newest runs only. Run the command again, or search the lines of its output."
        )


@dataclass(eq=False)
class ObjectsLost(ProductError):
    """The PowerShell that kept the objects of a run has ended."""

    code: ClassVar[str] = "objects_lost"
    status: ClassVar[int] = 409
    run_id: str
    session: str
    reason: str

    def text(self) -> str:
        return (
            f"The PowerShell of {self.session} that kept the objects of run {self.run_id} is gone"
            f" ({self.reason}). Search the lines of the run's output, or run the command again."
        )


@dataclass(eq=False)
class UnknownProperty(ProductError):
    """None of a run's objects has a property of that name."""

    code: ClassVar[str] = "unknown_property"
    status: ClassVar[int] = 400
    property: str
    inside: str
    known: list[str]
    total: int
    nearest: list[str] = field(default_factory=list)

    def text(self) -> str:
        owner = f"{self.inside} of the objects" if self.inside else "the objects"
        meant = f" Did you mean {' or '.join(self.nearest)}?" if self.nearest else ""
        more = f", and {self.total - len(self.known)} more" if self.total > len(self.known) else ""
        there = (
            f"Properties of {owner}: {', '.join(self.known)}{more}."
            if self.known
            else f"There are none in {owner}."
        )
        return f"No object has a property {self.property}.{meant} {there}"


@dataclass(eq=False)
class PromptRefused(ProductError):
    """A script's prompt got no answer; the script sees this as an error."""

    code: ClassVar[str] = "prompt_refused"
    status: ClassVar[int] = 409
    question: str
    reason: str

    def text(self) -> str:
        return f"The script asked for input ({self.question}) and got none: {self.reason}."


@dataclass(eq=False)
class PowerShellNotFound(ProductError):
    """No PowerShell was found in any of the named places."""

    code: ClassVar[str] = "powershell_not_found"
    status: ClassVar[int] = 503
    looked_in: list[str]

    def text(self) -> str:
        return (
            f"No PowerShell was found (looked in: {'; '.join(self.looked_in)}). Install PowerShell"
            " 7.4 or newer (https://aka.ms/powershell), name one in PWSH_MANAGER_PWSH, or install"
            " the embedded one (vendor/README.md)."
        )


@dataclass(eq=False)
class PowerShellTooOld(ProductError):
    """The PowerShell that was found is older than the product supports, or says no version."""

    code: ClassVar[str] = "powershell_too_old"
    status: ClassVar[int] = 503
    path: str
    version: str
    minimum: str = "7.4"

    def text(self) -> str:
        return (
            f"{self.path} is PowerShell {self.version or '(unknown)'}; {self.minimum} or newer is"
            " needed. Install one (https://aka.ms/powershell) or name another in"
            " PWSH_MANAGER_PWSH."
        )


@dataclass(eq=False)
class PowerShellStartFailed(ProductError):
    """PowerShell was found but did not open a runspace."""

    code: ClassVar[str] = "powershell_start_failed"
    status: ClassVar[int] = 503
    path: str
    reason: str

    def text(self) -> str:
        return (
            f"{self.path} did not start: {self.reason}. `pwsh-kernels doctor` checks the"
            " installation."
        )


@dataclass(eq=False)
class PowerShellDied(ProductError):
    """The PowerShell process ended while it was needed."""

    code: ClassVar[str] = "powershell_died"
    status: ClassVar[int] = 502
    exit_status: int | None
    signal: str | None

    def how(self) -> str:
        """Return how it ended, as a part of a sentence."""
        return f"killed by {self.signal}" if self.signal else f"exit status {self.exit_status}"

    def text(self) -> str:
        return (
            f"PowerShell has ended ({self.how()}); its variables and sign-ins are gone. Start a new"
            " session."
        )


@dataclass(eq=False)
class PowerShellQueryFailed(ProductError):
    """A question that the product itself asked PowerShell was not answered."""

    code: ClassVar[str] = "powershell_query_failed"
    status: ClassVar[int] = 502
    reason: str

    def text(self) -> str:
        return (
            f"PowerShell did not answer an internal question: {self.reason}. Try again; the"
            " server's log may say more."
        )


@dataclass(eq=False)
class ForeignHost(ProductError):
    """The request names a host that is not this machine: a web page may have rebound a domain name
    to us.
    """

    code: ClassVar[str] = "foreign_host"
    status: ClassVar[int] = 403
    host: str

    def text(self) -> str:
        return f"{self.host!r} is not a name of this machine: use 127.0.0.1 or localhost."


@dataclass(eq=False)
class ForeignOrigin(ProductError):
    """A web page of another site sent the request."""

    code: ClassVar[str] = "foreign_origin"
    status: ClassVar[int] = 403
    origin: str

    def text(self) -> str:
        return (
            f"Requests of web pages from {self.origin!r} are refused: only this server's own pages"
            " may call it."
        )


@dataclass(eq=False)
class UnknownRoute(ProductError):
    """The server has no such path."""

    code: ClassVar[str] = "unknown_route"
    status: ClassVar[int] = 404
    path: str

    def text(self) -> str:
        return f"There is nothing at {self.path}. docs/rest.md lists every route."


@dataclass(eq=False)
class MethodNotAllowed(ProductError):
    """The path exists, for other methods."""

    code: ClassVar[str] = "method_not_allowed"
    status: ClassVar[int] = 405
    method: str
    allowed: list[str]

    def text(self) -> str:
        return f"{self.method} is not possible here, only {', '.join(self.allowed)}."


@dataclass(eq=False)
class BodyTooLarge(ProductError):
    """The request's body is larger than the server reads."""

    code: ClassVar[str] = "body_too_large"
    status: ClassVar[int] = 413
    size: int
    limit: int

    def text(self) -> str:
        return (
            f"The body has {self.size} bytes; at most {self.limit} are read. Put large data into a"
            " file and read that."
        )


@dataclass(eq=False)
class ServerStarting(ProductError):
    """The server listens, and has not yet found the sessions that live from before."""

    code: ClassVar[str] = "server_starting"
    status: ClassVar[int] = 503

    def text(self) -> str:
        return "The server is still starting. Try again in a few seconds."


@dataclass(eq=False)
class DeviceCodeRefused(ProductError):
    """The sandbox's sign-in page was given a code that nobody waits for.

    The code itself is a secret and no fact.
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


@dataclass(eq=False)
class BrokenFile(ProductError):
    """A file that the product reads at start (catalog, tenants) has a wrong form."""

    code: ClassVar[str] = "broken_file"
    file: str
    problem: str
    line: int | None = None

    def text(self) -> str:
        place = f"{self.file}, line {self.line}" if self.line else self.file
        return f"{place}: {self.problem}. Correct the file and start again."


@dataclass(eq=False)
class InvalidSetting(ProductError):
    """A setting has a value that the product cannot use."""

    code: ClassVar[str] = "invalid_setting"
    status: ClassVar[int] = 400
    setting: str
    problem: str

    def text(self) -> str:
        return (
            f"{self.setting}: {self.problem}. `pwsh-kernels settings` lists every setting with its"
            " unit."
        )


@dataclass(eq=False)
class ServerUnreachable(ProductError):
    """A client found no server: nothing was sent."""

    code: ClassVar[str] = "server_unreachable"
    status: ClassVar[int] = 503
    url: str
    reason: str

    def text(self) -> str:
        return (
            f"No pwsh-kernels server answers at {self.url} ({self.reason}). "
            "Start one with `pwsh-kernels serve`, or name another in PWSH_MANAGER_URL."
        )


@dataclass(eq=False)
class AnswerLost(ProductError):
    """The server took a request and its answer did not arrive: what was asked may have
    been done.
    """

    code: ClassVar[str] = "answer_lost"
    status: ClassVar[int] = 502
    url: str
    reason: str

    def text(self) -> str:
        return (
            f"The server at {self.url} did not answer ({self.reason}); what was asked may still be"
            " done. `pwsh-kernels runs` shows what it does; PWSH_MANAGER_TIMEOUT sets the longest"
            " wait."
        )


@dataclass(eq=False)
class NotOurServer(ProductError):
    """Something answers at the address, and it is not a pwsh-kernels server."""

    code: ClassVar[str] = "not_our_server"
    status: ClassVar[int] = 502
    url: str
    problem: str

    def text(self) -> str:
        return (
            f"What answers at {self.url} is not a pwsh-kernels server ({self.problem}). Name the"
            " right address in PWSH_MANAGER_URL, or start a server on another port with"
            " PWSH_MANAGER_PORT."
        )


@dataclass(eq=False)
class RequestRefused(ProductError):
    """The server answered with an error: its status, its stable code, its sentence and
    its facts.
    """

    code: ClassVar[str] = "request_refused"
    status: ClassVar[int] = 502
    http_status: int
    error_code: str
    message: str
    details: dict[str, Any]

    def text(self) -> str:
        return self.message

    def to_json(self) -> dict[str, Any]:
        return {"success": False, "error": self.message, "code": self.error_code, **self.details}


@dataclass(eq=False)
class ServerStartFailed(ProductError):
    """A server that was started in the background did not come up."""

    code: ClassVar[str] = "server_start_failed"
    status: ClassVar[int] = 503
    reason: str
    log: str

    def text(self) -> str:
        return (
            f"The server that was started in the background did not come up ({self.reason}). "
            f"Its log is {self.log}; `pwsh-kernels doctor` checks the installation."
        )


@dataclass(eq=False)
class FileNotWritten(ProductError):
    """A file that was asked for cannot be written."""

    code: ClassVar[str] = "file_not_written"
    file: str
    problem: str

    def text(self) -> str:
        return f"{self.file} was not written: {self.problem}."


@dataclass(eq=False)
class LabNotInstalled(ProductError):
    """`pwsh-kernels lab` needs JupyterLab."""

    code: ClassVar[str] = "lab_not_installed"
    where: str

    def text(self) -> str:
        return (
            f"JupyterLab is not installed {self.where}. Run `pip install 'pwsh-kernels[lab]'` there"
            " and start the server again; or attach your own JupyterLab: `jupyter lab"
            " --gateway-url ADDRESS` (docs/notebooks.md)."
        )


@dataclass(eq=False)
class DataFolderInUse(ProductError):
    """Another server holds the data folder and its sessions."""

    code: ClassVar[str] = "data_folder_in_use"
    status: ClassVar[int] = 409
    folder: str
    pid: str

    def text(self) -> str:
        return (
            f"A pwsh-kernels server (process {self.pid or 'unknown'}) already has the sessions in"
            f" {self.folder}. Use that one, or give this one another folder with"
            " PWSH_MANAGER_DATA_DIR."
        )


@dataclass(eq=False)
class PackageNotFound(ProductError):
    """A repository has no PowerShell module of that name."""

    code: ClassVar[str] = "package_not_found"
    status: ClassVar[int] = 404
    name: str
    source: str
    nearest: list[str] = field(default_factory=list)

    def text(self) -> str:
        meant = f" Did you mean {' or '.join(self.nearest)}?" if self.nearest else ""
        return (
            f"{self.source} has no PowerShell module {self.name}.{meant} Check the name, or name"
            " another source with --from."
        )


@dataclass(eq=False)
class PackageVersionNotFound(ProductError):
    """A repository has the module, and not in a version that was asked for."""

    code: ClassVar[str] = "package_version_not_found"
    status: ClassVar[int] = 404
    name: str
    version: str
    source: str
    available: list[str]

    def text(self) -> str:
        there = (
            f"It has {', '.join(self.available)}." if self.available else "It has no other either."
        )
        return (
            f"{self.source} has no version {self.version} of {self.name}. {there} Name one of them"
            " with --version."
        )


@dataclass(eq=False)
class PackageUnfit(ProductError):
    """The catalog says that a version of a service's module does not work."""

    code: ClassVar[str] = "package_unfit"
    status: ClassVar[int] = 409
    name: str
    version: str
    reason: str
    minimum: str

    def text(self) -> str:
        return (
            f"{self.name} {self.version} is not installed: {self.reason.rstrip('. ')}. Name another"
            f" version with --version (the oldest that works is {self.minimum}), or say --force."
        )


@dataclass(eq=False)
class PackageConflict(ProductError):
    """What new sessions would get does not fit together.

    `version` is what `needs` would find; empty: nothing.
    """

    code: ClassVar[str] = "package_conflict"
    status: ClassVar[int] = 409
    name: str
    needs: str
    range: str
    version: str
    other: str = ""
    """What takes none of these versions of `needs`; "": there is a version that fits."""

    def text(self) -> str:
        if self.other:
            return (
                f"{self.name} needs {self.needs} {self.range}, and {self.other}: no version of"
                f" {self.needs} fits both. Nothing was changed; one can be installed without the"
                " other."
            )
        found = (
            f"the one for new sessions would be {self.version}"
            if self.version
            else "there would be none"
        )
        return (
            f"{self.name} needs {self.needs} {self.range or '(any version)'}, and {found}. Nothing"
            " was changed. Install or remove the two together: `pwsh-kernels modules install"
            f" {self.name} {self.needs}`."
        )


@dataclass(eq=False)
class PackagePinned(ProductError):
    """A living session has a version that is to be removed or replaced."""

    code: ClassVar[str] = "package_pinned"
    status: ClassVar[int] = 409
    name: str
    version: str
    sessions: list[str]

    def text(self) -> str:
        return (
            f"{self.name} {self.version} is in use by {', '.join(self.sessions)}. Close them first"
            " (`pwsh-kernels disconnect TENANT MODULE`), or say --force: their commands may then"
            " fail."
        )


@dataclass(eq=False)
class PackageNotInstalled(ProductError):
    """A command is about an installed module, and there is none of that name and version."""

    code: ClassVar[str] = "package_not_installed"
    status: ClassVar[int] = 404
    name: str
    version: str
    installed: list[str]

    def text(self) -> str:
        there = (
            f"Installed: {', '.join(self.installed)}."
            if self.installed
            else "Nothing is installed."
        )
        what = f"{self.name} {self.version}".strip()
        return (
            f"{what} is not installed. {there} `pwsh-kernels modules install {self.name}`"
            " installs it."
        )


@dataclass(eq=False)
class PackageHashMismatch(ProductError):
    """A package is not the one that the lock file names."""

    code: ClassVar[str] = "package_hash_mismatch"
    status: ClassVar[int] = 409
    name: str
    version: str
    source: str
    expected: str
    found: str

    def text(self) -> str:
        return (
            f"{self.name} {self.version} from {self.source} is not what the lock file names: its"
            f" SHA-256 is {self.found}, not {self.expected}. Nothing was installed. Find out who"
            " changed the package, or take it from another source (--from)."
        )


@dataclass(eq=False)
class PackageBroken(ProductError):
    """A package cannot be unpacked: it has arrived in part, or is no package."""

    code: ClassVar[str] = "package_broken"
    status: ClassVar[int] = 502
    name: str
    source: str
    reason: str

    def text(self) -> str:
        return (
            f"The package of {self.name} from {self.source} is broken or did not arrive whole"
            f" ({self.reason}). Nothing was installed. Try again; of a folder, copy the .nupkg file"
            " again."
        )


@dataclass(eq=False)
class PackageInstallFailed(ProductError):
    """PowerShell's own package manager refused, for a reason that has no code of its own."""

    code: ClassVar[str] = "package_install_failed"
    status: ClassVar[int] = 502
    name: str
    source: str
    reason: str

    def text(self) -> str:
        reason = self.reason.rstrip(". ")
        return (
            f"{self.name} from {self.source} was not installed: {reason}. Nothing was changed;"
            " another --from may help."
        )


@dataclass(eq=False)
class PackageDoesNotLoad(ProductError):
    """A module was fetched whole, and PowerShell cannot import it on this machine."""

    code: ClassVar[str] = "package_does_not_load"
    status: ClassVar[int] = 409
    name: str
    version: str
    reason: str

    def text(self) -> str:
        return (
            f"PowerShell cannot import {self.name} {self.version} here: {self.reason.rstrip('. ')}."
            " Nothing was installed; another version may work (--version)."
        )


@dataclass(eq=False)
class RepositoryUnreachable(ProductError):
    """A repository's host does not answer.

    `proxies` are the names of the proxy settings that are set.
    """

    code: ClassVar[str] = "repository_unreachable"
    status: ClassVar[int] = 502
    repository: str
    host: str
    reason: str
    proxies: list[str]

    def text(self) -> str:
        proxies = f"set: {', '.join(self.proxies)}" if self.proxies else "none is set"
        return (
            f"The repository {self.repository} cannot be reached: {self.host}"
            f" ({self.reason.rstrip('. ')}). Behind a proxy set HTTPS_PROXY or HTTP_PROXY, with"
            f" NO_PROXY for hosts of your own ({proxies}); without a network install from a folder"
            " of .nupkg files: --from FOLDER."
        )


@dataclass(eq=False)
class RepositoryWantsCredentials(ProductError):
    """A repository answers nobody without a login."""

    code: ClassVar[str] = "repository_wants_credentials"
    status: ClassVar[int] = 502
    repository: str
    host: str

    def text(self) -> str:
        return (
            f"The repository {self.repository} ({self.host}) wants credentials, or refuses those"
            " that it got. Give it some in PowerShell: `Set-PSResourceRepository -Name"
            f" {self.repository} -CredentialInfo …` (a secret of a SecretManagement vault), or"
            " install from a folder of .nupkg files: --from FOLDER."
        )


@dataclass(eq=False)
class UnknownRepository(ProductError):
    """PowerShell has no repository of that name, and there is no such folder."""

    code: ClassVar[str] = "unknown_repository"
    status: ClassVar[int] = 404
    repository: str
    known: list[str]
    address: str = ""

    def text(self) -> str:
        return (
            f"{self.repository} is neither a folder nor a repository that PowerShell knows"
            f" ({', '.join(self.known)}). Register it in PowerShell: `Register-PSResourceRepository"
            f" -Name {self.repository} -Uri {self.address or 'ADDRESS'}`, or name another with"
            " --from."
        )


@dataclass(eq=False)
class PackageSourceGone(ProductError):
    """The folder from which modules were installed is not there any more."""

    code: ClassVar[str] = "package_source_gone"
    status: ClassVar[int] = 404
    folder: str

    def text(self) -> str:
        return (
            f"The folder {self.folder}, from which it was installed, is not there any more. Name"
            " another place with --from."
        )


@dataclass(eq=False)
class NoSpaceLeft(ProductError):
    """The disk is full. `free` is in bytes."""

    code: ClassVar[str] = "no_space_left"
    status: ClassVar[int] = 507
    folder: str
    free: int

    def text(self) -> str:
        return (
            f"There is no space left on the disk of {self.folder} ({self.free // 1024} KiB free)."
            " Nothing was installed. Make room (`pwsh-kernels modules remove --unused` removes"
            " versions that nobody uses), or set PWSH_MANAGER_DATA_DIR."
        )


@dataclass(eq=False)
class ModulesBusy(ProductError):
    """Another command changes the installed modules at this moment."""

    code: ClassVar[str] = "modules_busy"
    status: ClassVar[int] = 409
    folder: str

    def text(self) -> str:
        return (
            f"Another `pwsh-kernels modules` command changes {self.folder} right now. Try again"
            " when it has ended."
        )


@dataclass(eq=False)
class LockFileEmpty(ProductError):
    """Modules are to be installed as a lock file says, and it names none."""

    code: ClassVar[str] = "lock_file_empty"
    status: ClassVar[int] = 404
    file: str

    def text(self) -> str:
        return (
            f"{self.file} names no module. Copy the modules.lock.toml of another server there, or"
            " name one with --lock FILE."
        )
