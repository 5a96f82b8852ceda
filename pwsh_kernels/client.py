"""The REST client of the command line and of the MCP server: one method per route, one exception
per refusal.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Generic, Literal, Self, TypedDict, TypeVar, Unpack
from urllib.parse import quote

import httpx

from pwsh_kernels import __version__
from pwsh_kernels.discovery import (
    SERVICE,
    ServerAddress,
    candidates,
    host_and_port,
    refuse_empty_token,
    running_servers,
)
from pwsh_kernels.errors import (
    AnswerLost,
    InvalidSetting,
    NotOurServer,
    RequestRefused,
    ServerUnreachable,
)
from pwsh_kernels.port_owners import stranger_at
from pwsh_kernels.settings import Settings
from pwsh_kernels.shapes import (
    Approval,
    Approvals,
    Classification,
    Commands,
    Disconnected,
    Everywhere,
    ForeignJson,
    Frozen,
    FrozenNow,
    Health,
    LinesArguments,
    LinesPage,
    Login,
    LoginArguments,
    Modules,
    NotificationTest,
    PageCode,
    Passkeys,
    QueryArguments,
    Run,
    RunArguments,
    RunPage,
    RunResult,
    Runs,
    RunsArguments,
    Sessions,
    Status,
    Tenants,
    Tier,
)
from pwsh_kernels.tracing.context import current_trace

PROBE_TIMEOUT = 20.0
"""Seconds that a listening program may take to answer a probe, so that a slow server is not
overlooked.
"""

CONNECT_TIMEOUT = 5.0
"""Seconds within which a server must accept the connection."""

ANSWER_MARGIN = 15.0
"""Seconds that an answer may take beyond the wait that the request itself asks for."""

NO_ID = "-"
"""Placeholder for an empty id in an address, which would otherwise name another route."""

Answer = TypeVar("Answer")


@dataclass(frozen=True)  # no slots: typing notes the shape on each instance
class Route(Generic[Answer]):
    """A route as docs/rest.md writes it, `GET /runs/{id}`, and the shape of its answer."""

    name: str


class Requests(ABC):
    """The requests of docs/rest.md, one method each, independent of the transport.

    Raises RequestRefused for every answer with an error status.
    """

    timeout_s: float
    """Seconds that one answer may take at most."""

    @abstractmethod
    async def send(self, route: str, values: Mapping[str, Any], of: str) -> Any:
        """Return the JSON of a route's answer.

        `route` is `GET /runs/{id}`, as docs/rest.md writes it; `values` its query or body; `of` the
        id in its path.
        """

    async def _ask(
        self,
        route: Route[Answer],
        values: Mapping[str, object] | None = None,
        of: str = "",
    ) -> Answer:
        """Send one request; values that are None are left out."""
        answer: Answer = await self.send(route.name, known(values or {}), of or NO_ID)
        return answer

    async def health(self) -> Health:
        """Return the server's public facts."""
        return await self._ask(Route[Health]("GET /health"))

    async def modules(self, *, installed: bool = True) -> Modules:
        """Return the services of the catalog; `installed`: search the installed versions, which
        takes about a second.
        """
        return await self._ask(Route[Modules]("GET /modules"), {"installed": installed})

    async def tenants(self) -> Tenants:
        """Return the known tenants."""
        return await self._ask(Route[Tenants]("GET /tenants"))

    async def sessions(self, seen: str | None = None, wait_s: float | None = None) -> Sessions:
        """Return every session; with `seen`, a version, once the version differs or `wait_s` has
        passed.
        """
        query = {"seen": seen, "wait_s": self._bounded(wait_s)}
        return await self._ask(Route[Sessions]("GET /sessions"), query)

    async def login(
        self,
        tenant: str,
        module: str,
        wait_s: float | None = None,
        **options: Unpack[LoginArguments],
    ) -> Login:
        """Start or follow a sign-in."""
        where = {"tenant": tenant, "module": module, "wait_s": self._bounded(wait_s)}
        return await self._ask(Route[Login]("POST /login"), {**where, **options})

    async def status(
        self, tenant: str, module: str, wait_s: float = 0, tier: Tier | None = None
    ) -> Status:
        """Return one session's state, after a pending sign-in ended or `wait_s` passed."""
        where = {"tenant": tenant, "module": module, "tier": tier}
        body = {**where, "wait_s": self._bounded(wait_s)}
        return await self._ask(Route[Status]("POST /status"), body)

    async def run(
        self,
        tenant: str,
        module: str,
        command: str,
        wait_s: float | None = None,
        **options: Unpack[RunArguments],
    ) -> RunResult:
        """Run a command, and return its run once it has ended or `wait_s` passed."""
        body = {"tenant": tenant, **self._run_body(module, command, wait_s, options)}
        return await self._ask(Route[RunResult]("POST /run"), body)

    async def run_everywhere(
        self,
        tenants: list[str] | Literal["*"],
        module: str,
        command: str,
        wait_s: float | None = None,
        **options: Unpack[RunArguments],
    ) -> Everywhere:
        """Run a command in several tenants.

        Each of `results` is a run, or the reason why there is none.
        """
        body = {"tenants": tenants, **self._run_body(module, command, wait_s, options)}
        return await self._ask(Route[Everywhere]("POST /run"), body)

    def _run_body(
        self, module: str, command: str, wait_s: float | None, options: RunArguments
    ) -> Mapping[str, object]:
        what = {"module": module, "command": command, "wait_s": self._bounded(wait_s)}
        return {**what, **options}

    async def runs(self, **wanted: Unpack[RunsArguments]) -> Runs:
        """Return the runs that are kept, newest first."""
        return await self._ask(Route[Runs]("GET /runs"), wanted)

    async def read_run(
        self,
        run_id: str,
        cursor: int = 0,
        wait_s: float = 0,
        limit: int = 100_000,
        seen: str | None = None,
    ) -> RunPage:
        """Return a run and at most `limit` characters of its output from `cursor` on.

        Waits up to `wait_s` for output beyond `cursor`, or for a state other than `seen`.
        """
        query = {"cursor": cursor, "wait_s": self._bounded(wait_s), "limit": limit, "seen": seen}
        return await self._ask(Route[RunPage]("GET /runs/{id}"), query, run_id)

    async def lines(self, run_id: str, asked: LinesArguments) -> LinesPage:
        """Return lines of a run's output, by their numbers or by a search."""
        return await self._ask(Route[LinesPage]("GET /runs/{id}/lines"), asked, run_id)

    async def query(
        self, run_id: str, asked: QueryArguments, wait_s: float | None = None
    ) -> RunResult:
        """Filter, sort and project the kept objects of a run; returns the run that does it."""
        body = {**asked, "wait_s": self._bounded(wait_s)}
        return await self._ask(Route[RunResult]("POST /runs/{id}/query"), body, run_id)

    async def find_commands(
        self,
        tenant: str,
        module: str,
        words: str,
        limit: int = 10,
        wait_s: float = 10,
        *,
        tier: Tier = "write",
    ) -> Commands:
        """Return the commands of a session that match the words."""
        query = {"words": words, "limit": limit, "wait_s": self._bounded(wait_s)}
        name = f"{tenant}:{module}{':read' if tier == 'read' else ''}"
        return await self._ask(Route[Commands]("GET /sessions/{id}/commands"), query, name)

    async def classify(
        self, text: str, module: str | None = None, tenant: str | None = None
    ) -> Classification:
        """Return what a text does, without running it; with a tenant, what it needs there."""
        body = {"text": text, "module": module, "tenant": tenant}
        return await self._ask(Route[Classification]("POST /classify"), body)

    async def notebook(self, tenant: str, module: str) -> ForeignJson:
        """Return the commands of a session, with their output, as an .ipynb."""
        return await self._ask(
            Route[ForeignJson]("GET /sessions/{id}/notebook"), of=f"{tenant}:{module}"
        )

    async def cancel(self, run_id: str, wait_s: float = 5) -> Run:
        """Stop a run and return it."""
        body = {"wait_s": self._bounded(wait_s)}
        return await self._ask(Route[Run]("POST /runs/{id}/cancel"), body, run_id)

    async def approvals(
        self, seen: str | None = None, wait_s: float | None = None, *, waiting: bool = False
    ) -> Approvals:
        """Return the changes that wait, or have waited, for a person; with `seen`, a version, once
        the version differs or `wait_s` has passed; `waiting`: only those that wait.
        """
        query = {"seen": seen, "wait_s": self._bounded(wait_s), "waiting": waiting or None}
        return await self._ask(Route[Approvals]("GET /approvals"), query)

    async def approval(self, approval_id: str) -> Approval:
        """Return one of them as an approver must see it."""
        return await self._ask(Route[Approval]("GET /approvals/{id}"), of=approval_id)

    async def approve(self, approval_id: str, digest: str) -> Approval:
        """Approve what has this digest."""
        body = {"digest": digest}
        return await self._ask(Route[Approval]("POST /approvals/{id}/approve"), body, approval_id)

    async def decline(self, approval_id: str, reason: str) -> Approval:
        """Decline it, with words for who asked."""
        body = {"reason": reason}
        return await self._ask(Route[Approval]("POST /approvals/{id}/decline"), body, approval_id)

    async def frozen(self) -> Frozen:
        """Return where agents are stopped."""
        return await self._ask(Route[Frozen]("GET /frozen"))

    async def freeze(self, tenant: str | None, why: str) -> FrozenNow:
        """Stop all agents in a tenant, or with None in all."""
        body = {"tenant": tenant, "why": why}
        return await self._ask(Route[FrozenNow]("POST /freeze"), body)

    async def thaw(self, tenant: str | None) -> Frozen:
        """End a freeze."""
        return await self._ask(Route[Frozen]("POST /thaw"), {"tenant": tenant})

    async def answer(self, run_id: str, value: object, *, for_other: bool = False) -> Run:
        """Answer the prompt of a run; `for_other`: in place of whoever started it.

        The shape of `value` depends on the prompt's kind (records.Prompt).
        """
        body = {"value": value, "for_other": for_other or None}
        return await self._ask(Route[Run]("POST /runs/{id}/input"), body, run_id)

    async def refuse(self, run_id: str, *, for_other: bool = False) -> Run:
        """Refuse the prompt of a run: its command gets an error."""
        body = {"refuse": True, "for_other": for_other or None}
        return await self._ask(Route[Run]("POST /runs/{id}/input"), body, run_id)

    async def disconnect(
        self, tenant: str, module: str, *, tier: Tier | None = None, forget: bool = False
    ) -> Disconnected:
        """Sign out and close a session; `forget`: also remove what it keeps of the sign-in on
        disk.
        """
        body = {"tenant": tenant, "module": module, "tier": tier, "forget": forget}
        return await self._ask(Route[Disconnected]("POST /disconnect"), body)

    async def page_code(self) -> PageCode:
        """Return a code with which this caller signs in to the page, once."""
        return await self._ask(Route[PageCode]("POST /page-codes"))

    async def approval_code(self, approval_id: str) -> PageCode:
        """Return a code with which this caller approves one change on the page, once."""
        return await self._ask(Route[PageCode]("POST /approvals/{id}/code"), of=approval_id)

    async def passkey_code(self) -> PageCode:
        """Return a code with which this caller adds a passkey on the page, once."""
        return await self._ask(Route[PageCode]("POST /passkeys/code"))

    async def passkeys(self) -> Passkeys:
        """Return this caller's passkeys."""
        return await self._ask(Route[Passkeys]("GET /passkeys"))

    async def remove_passkey(self, key_id: str) -> Passkeys:
        """Forget one of this caller's passkeys, and return the others."""
        return await self._ask(Route[Passkeys]("POST /passkeys/remove"), {"id": key_id})

    async def try_notifications(self) -> NotificationTest:
        """Tell people something that is only a test, and return who was told."""
        return await self._ask(Route[NotificationTest]("POST /notifications/test"))

    def _bounded(self, wait_s: float | None) -> float | None:
        """Never ask the server for a longer wait than we wait for its answer."""
        return None if wait_s is None else min(wait_s, self.timeout_s)


class RestClient(Requests):
    """Speaks docs/rest.md to one server over HTTP.

    A token is sent only to this user's own server.

    Raises ServerUnreachable if nothing was sent, AnswerLost if a sent request got no answer,
    NotOurServer if the answer is not a JSON object, RequestRefused for every answer with an error
    status.
    """

    def __init__(
        self, address: ServerAddress, timeout_s: float, name: str, calls_for: str = ""
    ) -> None:
        """`timeout_s` bounds the wait for one answer; `name` is what the server shows as a run's
        client, followed by `calls_for`, a word.
        """
        self.address = address
        self.timeout_s = timeout_s
        self.calls_for = calls_for
        agent = f"{name}/{__version__}" + (f" ({calls_for})" if calls_for else "")
        headers = {"Accept": "application/json", "User-Agent": agent}
        if address.token:
            headers["Authorization"] = f"Bearer {address.token}"
        self._http = httpx.AsyncClient(base_url=address.url, headers=headers, **_transport(address))

    async def __aenter__(self) -> Self:
        """Return the client; leaving the block closes its connections."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the connections."""
        await self.close()

    async def close(self) -> None:
        """Close the connections; nothing on the server ends."""
        await self._http.aclose()

    async def send(self, route: str, values: Mapping[str, Any], of: str) -> Any:
        """Send a request over HTTP."""
        self._refuse_strangers()
        method, _, path = route.partition(" ")
        body, query = (values, None) if method == "POST" else (None, values)
        trace = current_trace()
        try:
            answer = await self._http.request(
                method,
                path.replace("{id}", quote(of, safe="")),
                json=body,
                params=query,
                headers=trace.headers() if trace else None,
                timeout=httpx.Timeout(self.timeout_s + ANSWER_MARGIN, connect=CONNECT_TIMEOUT),
            )
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise ServerUnreachable(url=self.address.url, reason=_reason(error)) from error
        except httpx.HTTPError as error:
            raise AnswerLost(url=self.address.url, reason=_reason(error)) from error
        return read_answer(self.address.url, answer)

    def _refuse_strangers(self) -> None:
        """Send no token to another user's program on our server's port.

        Over HTTPS a certificate proves who answers. Raises NotOurServer.
        """
        address = self.address
        if not (address.token and address.is_loopback and address.url.startswith("http:")):
            return
        stranger = stranger_at(address.url)
        if stranger is not None:
            raise NotOurServer(
                url=address.url,
                problem=f"it belongs to another user of this machine, uid {stranger}; it got no"
                " token",
            )


def known(values: Mapping[str, object]) -> Mapping[str, object]:
    """Return the values that are not None: the server has defaults for the others."""
    return {name: value for name, value in values.items() if value is not None}


def refusal(status: int, facts: Mapping[str, object]) -> RequestRefused:
    """Return the error of an answer with an error status."""
    message = str(
        facts.get("error") or facts.get("message") or f"The server answered with status {status}."
    )
    details = {
        name: value for name, value in facts.items() if name not in ("success", "error", "code")
    }
    return RequestRefused(status, str(facts.get("code") or "request_refused"), message, details)


def read_answer(url: str, answer: httpx.Response) -> Mapping[str, object]:
    """Return the JSON object of an answer.

    Raises RequestRefused for an error status, NotOurServer if it is not a JSON object.
    """
    try:
        facts = answer.json()
    except ValueError:
        facts = None
    if not isinstance(facts, dict):
        raise NotOurServer(url=url, problem=f"status {answer.status_code} without a JSON object")
    if answer.is_success:
        return facts
    raise refusal(answer.status_code, facts)


class _Transport(TypedDict):
    trust_env: bool
    verify: bool


def _transport(address: ServerAddress) -> _Transport:
    """Requests to this machine bypass any proxy of the environment; certificates are loaded (30 ms)
    only for HTTPS.
    """
    return {"trust_env": not address.is_loopback, "verify": address.url.startswith("https:")}


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__


async def find_server(settings: Settings) -> ServerAddress:
    """Return the first address at which a pwsh-kernels server answers.

    Raises ServerUnreachable, NotOurServer; InvalidSetting for a token that is set and empty.
    """
    failure: ServerUnreachable | NotOurServer | None = None
    refuse_empty_token()
    for address in candidates(settings, running_servers()):
        problem = await probe(address)
        if problem is None:
            return address if address.token else _with_token(settings, address)
        # Something else on the port explains more than a port where nothing listens.
        failure = failure if isinstance(failure, NotOurServer) else problem
    raise failure or ServerUnreachable(url=settings.url, reason="it is not an address")


def _with_token(settings: Settings, address: ServerAddress) -> ServerAddress:
    """Return the same server with its token, in case it wrote its runtime file only during the
    probe.
    """
    port = host_and_port(address.url)[1]
    known = [
        one
        for one in candidates(settings, running_servers())
        if one.token and host_and_port(one.url)[1] == port
    ]
    return known[0] if known else address


async def probe(address: ServerAddress) -> ServerUnreachable | NotOurServer | None:
    """Return None if a pwsh-kernels server answers at the address, otherwise the reason.

    The probe carries no token.
    """
    try:
        async with httpx.AsyncClient(
            timeout=httpx.Timeout(PROBE_TIMEOUT, connect=CONNECT_TIMEOUT), **_transport(address)
        ) as http:
            answer = await http.get(f"{address.url}/health", headers={"Accept": "application/json"})
            facts = answer.json()
    except httpx.HTTPError as error:
        return ServerUnreachable(url=address.url, reason=_reason(error))
    except httpx.InvalidURL as error:
        raise InvalidSetting(
            setting=address.place, problem=f"{address.url!r} is not an address: {error}"
        ) from error
    except ValueError:
        facts = None
    ours = isinstance(facts, dict) and facts.get("service") == SERVICE
    return (
        None
        if ours
        else NotOurServer(url=address.url, problem="its /health is not a pwsh-kernels server's")
    )
