"""The REST client of the command line and of the MCP server: one method per route, one exception
per refusal.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Literal, Self
from urllib.parse import quote

import httpx

from pwsh_kernels import __version__
from pwsh_kernels.discovery import (
    SERVICE,
    ServerAddress,
    candidates,
    host_and_port,
    running_servers,
)
from pwsh_kernels.errors import (
    AnswerLost,
    InvalidSetting,
    NotOurServer,
    RequestRefused,
    ServerUnreachable,
)
from pwsh_kernels.settings import Settings

PROBE_TIMEOUT = 20.0
"""Seconds that a program which listens may take to answer a probe: a slow server must not be taken
for none.
"""

CONNECT_TIMEOUT = 5.0
"""Seconds until a server must have taken the connection."""

ANSWER_MARGIN = 15.0
"""Seconds that an answer may take beyond the wait that the request itself asks for."""

Json = dict[str, Any]


class Requests(ABC):
    """The requests of docs/rest.md, one method each, apart from the way they take; every answer is
    a JSON object.

    Raises RequestRefused for every answer with an error status.
    """

    timeout_s: float
    """Seconds that one answer may take at most."""

    @abstractmethod
    async def _ask(
        self,
        method: str,
        path: str,
        body: Json | None = None,
        query: Mapping[str, Any] | None = None,
    ) -> Json:
        """Send one request; values that are None are left out."""

    async def health(self) -> Json:
        """Return what the server tells everyone."""
        return await self._ask("GET", "/health")

    async def modules(self, *, installed: bool = True) -> Json:
        """Return the services of the catalog; `installed`: search the installed versions, which
        takes about a second.
        """
        return await self._ask("GET", "/modules", query={"installed": installed})

    async def tenants(self) -> Json:
        """Return the known tenants."""
        return await self._ask("GET", "/tenants")

    async def sessions(self, seen: str | None = None, wait_s: float | None = None) -> Json:
        """Return every session; with `seen`, a version, once they are of another one or `wait_s`
        passed.
        """
        return await self._ask(
            "GET", "/sessions", query={"seen": seen, "wait_s": self._bounded(wait_s)}
        )

    async def login(
        self, tenant: str, module: str, wait_s: float | None = None, **more: Any
    ) -> Json:
        """Start or follow a sign-in; `more`: expected_account, route, access_token, graph_token,
        sharepoint_tenant.
        """
        body = {"tenant": tenant, "module": module, "wait_s": self._bounded(wait_s), **more}
        return await self._ask("POST", "/login", body)

    async def status(self, tenant: str, module: str, wait_s: float = 0) -> Json:
        """Return one session's state, after a pending sign-in ended or `wait_s` passed."""
        return await self._ask(
            "POST", "/status", {"tenant": tenant, "module": module, "wait_s": self._bounded(wait_s)}
        )

    async def run(
        self, tenant: str, module: str, command: str, wait_s: float | None = None, **more: Any
    ) -> Json:
        """Run a command; `more`: parameters, format, width, max_chars, conversation_id."""
        body = {
            "tenant": tenant,
            "module": module,
            "command": command,
            "wait_s": self._bounded(wait_s),
            **more,
        }
        return await self._ask("POST", "/run", body)

    async def run_everywhere(
        self,
        tenants: list[str] | Literal["*"],
        module: str,
        command: str,
        wait_s: float | None = None,
        **more: Any,
    ) -> Json:
        """Run a command in several tenants; `more` as in `run`.

        Each of `results` is a run, or why there is none.
        """
        body = {
            "tenants": tenants,
            "module": module,
            "command": command,
            "wait_s": self._bounded(wait_s),
            **more,
        }
        return await self._ask("POST", "/run", body)

    async def runs(self, **filters: Any) -> Json:
        """Return the runs that are kept; `filters`: tenant, module, state, purpose, limit."""
        return await self._ask("GET", "/runs", query=filters)

    async def read_run(
        self,
        run_id: str,
        cursor: int = 0,
        wait_s: float = 0,
        limit: int = 100_000,
        seen: str | None = None,
    ) -> Json:
        """Return a run and at most `limit` characters of its output from `cursor` on.

        Waits up to `wait_s` for output beyond `cursor`, or for a state other than `seen`.
        """
        query = {"cursor": cursor, "wait_s": self._bounded(wait_s), "limit": limit, "seen": seen}
        return await self._ask("GET", f"/runs/{_quoted(run_id)}", query=query)

    async def lines(self, run_id: str, **query: Any) -> Json:
        """Return lines of a run's output; `query`: from, count, search, context, ignore_case."""
        return await self._ask("GET", f"/runs/{_quoted(run_id)}/lines", query=query)

    async def query(self, run_id: str, body: Json) -> Json:
        """Filter, sort and project the kept objects of a run.

        `body`: where, sort_by, descending, select, skip, first, format, width, wait_s.
        """
        wait_s = self._bounded(body.get("wait_s"))
        return await self._ask("POST", f"/runs/{_quoted(run_id)}/query", {**body, "wait_s": wait_s})

    async def find(
        self, tenant: str, module: str, words: str, limit: int = 10, wait_s: float = 10
    ) -> Json:
        """Return the commands of a session that words mean."""
        query = {"words": words, "limit": limit, "wait_s": self._bounded(wait_s)}
        return await self._ask(
            "GET", f"/sessions/{_quoted(f'{tenant}:{module}')}/commands", query=query
        )

    async def notebook(self, tenant: str, module: str) -> Json:
        """Return the commands of a session, with their output, as an .ipynb."""
        return await self._ask("GET", f"/sessions/{_quoted(f'{tenant}:{module}')}/notebook")

    async def cancel(self, run_id: str, wait_s: float = 5) -> Json:
        """Stop a run and return it."""
        return await self._ask(
            "POST", f"/runs/{_quoted(run_id)}/cancel", {"wait_s": self._bounded(wait_s)}
        )

    async def answer(self, run_id: str, value: Any) -> Json:
        """Answer the prompt of a run.

        The shape of `value` is the prompt's kind's (records.Prompt).
        """
        return await self._ask("POST", f"/runs/{_quoted(run_id)}/input", {"value": value})

    async def refuse(self, run_id: str) -> Json:
        """Refuse the prompt of a run: its command gets an error."""
        return await self._ask("POST", f"/runs/{_quoted(run_id)}/input", {"refuse": True})

    async def disconnect(self, tenant: str, module: str, *, forget: bool = False) -> Json:
        """Sign out and close a session; `forget`: also remove what is kept of its sign-in
        on disk.
        """
        return await self._ask(
            "POST", "/disconnect", {"tenant": tenant, "module": module, "forget": forget}
        )

    def _bounded(self, wait_s: float | None) -> float | None:
        """Never ask the server for a longer wait than we wait for its answer."""
        return None if wait_s is None else min(wait_s, self.timeout_s)


class RestClient(Requests):
    """Speaks docs/rest.md to one server over HTTP.

    Raises ServerUnreachable when nothing was sent, AnswerLost when a sent request got no answer,
    NotOurServer when the answer is no JSON object, RequestRefused for every answer with an error
    status.
    """

    def __init__(self, address: ServerAddress, timeout_s: float, name: str) -> None:
        """`timeout_s` bounds the wait for one answer; `name` is what the server shows as a run's
        client.
        """
        self.address = address
        self.timeout_s = timeout_s
        headers = {"Accept": "application/json", "User-Agent": f"{name}/{__version__}"}
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

    async def _ask(
        self,
        method: str,
        path: str,
        body: Json | None = None,
        query: Mapping[str, Any] | None = None,
    ) -> Json:
        given, sought = known(body), known(query)
        timeout = httpx.Timeout(self.timeout_s + ANSWER_MARGIN, connect=CONNECT_TIMEOUT)
        try:
            answer = await self._http.request(
                method,
                path,
                json=given if body is not None else None,
                params=sought,
                timeout=timeout,
            )
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise ServerUnreachable(url=self.address.url, reason=_reason(error)) from error
        except httpx.HTTPError as error:
            raise AnswerLost(url=self.address.url, reason=_reason(error)) from error
        return read_answer(self.address.url, answer)


def known(values: Mapping[str, Any] | None) -> Json:
    """Return the values that are not None: what a caller leaves out is the server's default."""
    return {name: value for name, value in (values or {}).items() if value is not None}


def refusal(status: int, facts: Json) -> RequestRefused:
    """Return the error of an answer with an error status."""
    message = str(
        facts.get("error") or facts.get("message") or f"The server answered with status {status}."
    )
    details = {
        name: value for name, value in facts.items() if name not in ("success", "error", "code")
    }
    return RequestRefused(status, str(facts.get("code") or "request_refused"), message, details)


def read_answer(url: str, answer: httpx.Response) -> Json:
    """Return the JSON object of an answer.

    Raises RequestRefused for an error status, NotOurServer for no JSON object.
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


def _quoted(run_id: str) -> str:
    """Keep an id from naming another route."""
    return quote(run_id, safe="") or "-"


def _transport(address: ServerAddress) -> dict[str, Any]:
    """No proxy of the environment sees what goes to this machine; certificates are loaded (30 ms)
    where there are some.
    """
    return {"trust_env": not address.is_loopback, "verify": address.url.startswith("https:")}


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__


async def find_server(settings: Settings) -> ServerAddress:
    """Return the first address at which a pwsh-kernels server answers.

    Raises ServerUnreachable, NotOurServer.
    """
    failure: ServerUnreachable | NotOurServer | None = None
    for address in candidates(settings, running_servers()):
        problem = await probe(address)
        if problem is None:
            return address if address.token else _with_token(settings, address)
        # Something else on the port explains more than a port where nothing listens.
        failure = failure if isinstance(failure, NotOurServer) else problem
    raise failure or ServerUnreachable(url=settings.url, reason="it is no address")


def _with_token(settings: Settings, address: ServerAddress) -> ServerAddress:
    """Return the same server with its token, when it has written its runtime file only while it was
    probed.
    """
    port = host_and_port(address.url)[1]
    known = [
        one
        for one in candidates(settings, running_servers())
        if one.token and host_and_port(one.url)[1] == port
    ]
    return known[0] if known else address


async def probe(address: ServerAddress) -> ServerUnreachable | NotOurServer | None:
    """Return None when a pwsh-kernels server answers at the address, else why not.

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
    return None if ours else NotOurServer(url=address.url, problem="its /health is another's")
