"""One Tornado handler for every route: host, origin, token, body, answer; every error leaves in the
one JSON shape.
"""

import asyncio
import json
from collections.abc import Mapping
from http.client import responses
from types import TracebackType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from jupyter_server.auth.decorator import allow_unauthenticated
from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.utils import url_path_join
from tornado.httputil import HTTPServerRequest
from tornado.routing import Matcher, PathMatches, Rule
from tornado.web import HTTPError

from pwsh_kernels.errors import (
    BodyTooLarge,
    ForeignHost,
    ForeignOrigin,
    InvalidRequest,
    MethodNotAllowed,
    ProductError,
    TooManyClassifications,
    Unauthorized,
    UnknownRoute,
)
from pwsh_kernels.shapes import Error, ForeignJson
from pwsh_kernels.tracing.context import read_trace
from pwsh_kernels.web.access import OPEN, Caller
from pwsh_kernels.web.product import Backend
from pwsh_kernels.web.rest.bodies import read_json, read_model
from pwsh_kernels.web.rest.endpoints import Answer, Call
from pwsh_kernels.web.rest.route import Route
from pwsh_kernels.web.rest.routes import ROUTES, by_path
from pwsh_kernels.web.spans import begin_route, end_route

if TYPE_CHECKING:
    from pwsh_kernels.tracing.otlp import Span

MAX_BODY = 16 * 1024 * 1024
"""Largest request body of our routes in bytes; a script of 1 MB fits many times."""
FORM = "application/x-www-form-urlencoded"


class JsonHandler(JupyterHandler):
    """The common part of all our JSON paths.

    Jupyter's own check is replaced by ours: only the token in the header counts.
    """

    def initialize(self, backend: Backend) -> None:
        """Take the server's parts."""
        self.backend = backend
        self.caller: Caller | None = None

    async def prepare(self, *, _redirect_to_login: bool = True) -> None:
        """Check the request's host and origin before anything else."""
        self.current_user = None
        if not self.check_host():
            raise ForeignHost(host=self.request.host)
        if not self.check_origin():
            raise ForeignOrigin(origin=self.request.headers.get("Origin", ""))
        self.caller = self.backend.guard.caller(
            self.request.headers.get("Authorization", ""),
            self.request.headers.get("User-Agent", ""),
        )

    def require_caller(self) -> None:
        """Raise Unauthorized when the request carries no valid token."""
        if self.caller is None:
            raise self.backend.guard.stranger(self.request)

    def skip_check_origin(self) -> bool:
        """Check the origin of every request: a page of another site is refused even with
        the token.
        """
        return False

    def set_default_headers(self) -> None:
        """Answers hold device codes and output: no cache may keep them."""
        super().set_default_headers()
        self.set_header("Cache-Control", "no-store")
        self.set_header("Content-Type", "application/json")

    def compute_etag(self) -> str | None:
        """Answers are never cached, so hashing them would be useless."""
        return None

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Write any failure in the one shape; a ProductError brings its own status."""
        _, error, _ = kwargs.get("exc_info", (None, None, None))
        if isinstance(error, ProductError):
            self.set_status(error.status)
            self.set_headers_of(error)
            body: Mapping[str, object] = error.to_json()
        else:
            body = plain_error(status_code, error)
        self.finish(json.dumps(body))

    def set_headers_of(self, error: ProductError) -> None:
        """Set the headers that HTTP requires with a status."""
        if isinstance(error, Unauthorized):
            self.set_header("WWW-Authenticate", 'Bearer realm="pwsh-kernels"')
        if isinstance(error, TooManyClassifications):
            self.set_header("Retry-After", str(error.retry_after_s))
        if isinstance(error, MethodNotAllowed):
            self.set_header("Allow", ", ".join(error.allowed))

    def log_exception(
        self, typ: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None
    ) -> None:
        """Log our own mistakes with a traceback and without the query string; refusals are in the
        access log.
        """
        if isinstance(value, ProductError | HTTPError):
            return
        facts = (typ, value, tb) if typ and value else None
        self.log.error("%s %s failed", self.request.method, self.request.path, exc_info=facts)

    def check_xsrf_cookie(self) -> None:
        """No cookie is read here, so that no cookie can be forged."""


class RouteHandler(JsonHandler):
    """Answers one path of the route table."""

    def initialize(self, backend: Backend, routes: dict[str, Route] | None = None) -> None:
        """Take the path's routes by method."""
        super().initialize(backend)
        self.routes = routes or {}
        self.work: asyncio.Task[Answer] | None = None
        self.span: Span | None = None

    async def prepare(self, *, _redirect_to_login: bool = True) -> None:
        """Refuse what the declared permission does not allow; methods without a route need the
        token too.
        """
        await super().prepare()
        route = self.routes.get(self.method)
        if route is None or route.permission is not OPEN:
            self.require_caller()
        if route is None:
            raise MethodNotAllowed(method=self.method, allowed=sorted(self.routes))
        if self.caller is not None and route.permission is not OPEN:
            self.span = begin_route(self.backend.traces, route, read_trace(self.request.headers))

    def on_finish(self) -> None:
        """End the request's span."""
        super().on_finish()
        self._end_span()

    def _end_span(self) -> None:
        span, self.span = self.span, None
        end_route(span, self.get_status())

    # `prepare` has checked the declared permission; the mark tells Jupyter that this is on purpose.
    @allow_unauthenticated
    async def get(self, **in_path: str) -> None:
        """Answer a GET; a client that goes away ends its wait."""
        call = self.call_of(self.query_values(), in_path)
        self.work = asyncio.ensure_future(self.route.respond(call))
        try:
            self.write_answer(await self.work)
        except asyncio.CancelledError:
            self.log.debug("A client left while it waited for %s", self.request.path)

    head = get

    @allow_unauthenticated
    async def post(self, **in_path: str) -> None:
        """Answer a POST.

        What it started goes on when the client goes away; its wait is bounded by `max_wait`.
        """
        if len(self.request.body) > MAX_BODY:
            raise BodyTooLarge(size=len(self.request.body), limit=MAX_BODY)
        call = self.call_of(read_json(self.request.body), in_path)
        self.write_answer(await self.route.respond(call))

    def on_connection_close(self) -> None:
        """Forget a waiting GET whose client has gone."""
        super().on_connection_close()
        if self.work is not None:
            self.work.cancel()
        self._end_span()

    def call_of(self, values: Mapping[str, Any], in_path: dict[str, str]) -> Call:
        """Return the checked call. Raises InvalidRequest."""
        model = self.route.takes
        return Call(self.backend, self.caller, read_model(model, values), in_path.get("id", ""))

    def query_values(self) -> dict[str, str]:
        """Return the query string; of a name given twice the last counts.

        Raises InvalidRequest for values that are not text.
        """
        try:
            return {name: self.get_query_argument(name) for name in self.request.query_arguments}
        except HTTPError:
            raise InvalidRequest(field="query", problem="is not UTF-8 text") from None

    @property
    def route(self) -> Route:
        """The route of this request."""
        return self.routes[self.method]

    @property
    def method(self) -> str:
        """The request's method; HEAD is a GET whose body Tornado does not send."""
        return "GET" if self.request.method == "HEAD" else self.request.method or ""

    def write_answer(self, answer: Answer) -> None:
        """Send an answer as JSON."""
        self.set_status(answer.status)
        self.finish(json.dumps(answer.body, allow_nan=False))


class UnknownPathHandler(JsonHandler):
    """Answers paths below ours that do not exist."""

    async def prepare(self, *, _redirect_to_login: bool = True) -> None:
        """Say that there is nothing here, to callers who may know."""
        await super().prepare()
        self.require_caller()
        raise UnknownRoute(path=self.request.path)


class OurLogin(Matcher):
    """Separates POST /login of the REST API from Jupyter's login page, which a browser opens and
    sends a form to.
    """

    def __init__(self, path: PathMatches) -> None:
        self.path = path

    def match(self, request: HTTPServerRequest) -> ForeignJson | None:
        """Leave a browser's requests to Jupyter: GET, and a form that asks for HTML."""
        form = FORM in request.headers.get(
            "Content-Type", ""
        ) and "text/html" in request.headers.get("Accept", "")
        if request.method in ("GET", "HEAD") or (request.method == "POST" and form):
            return None
        return self.path.match(request)


def plain_error(status: int, error: BaseException | None) -> Mapping[str, object]:
    """Return the common shape for an error that is not one of ours: Tornado's own refusals, and
    bugs.
    """
    if isinstance(error, HTTPError) and status < 500:
        code = responses.get(status, "refused").lower().replace(" ", "_").replace("-", "_")
        message = error.log_message or responses.get(status, "Refused")
        refused: Error = {"success": False, "error": message, "code": code}
        return refused
    return ProductError().to_json()


def rules(backend: Backend, base_url: str) -> list[Rule]:
    """Return Tornado's rules for the route table, and for unknown paths below ours."""
    table = by_path(ROUTES)
    found = [
        Rule(
            _matcher(base_url, next(iter(methods.values()))),
            RouteHandler,
            {"backend": backend, "routes": methods},
        )
        for methods in table.values()
    ]
    below = "|".join(sorted({urlsplit(path).path.split("/")[1] for path in table}))
    unknown = PathMatches(url_path_join(base_url, f"(?:{below})/.*"))
    return [*found, Rule(unknown, UnknownPathHandler, {"backend": backend})]


def _matcher(base_url: str, route: Route) -> Matcher:
    path = PathMatches(url_path_join(base_url, route.pattern) + "$")
    return OurLogin(path) if route.path == "/login" else path
