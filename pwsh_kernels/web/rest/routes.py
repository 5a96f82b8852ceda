"""The route table: one row per route feeds the handlers, the OpenAPI document and the contract
tests.
"""

from collections.abc import Iterable
from functools import cache

from pwsh_kernels import shapes
from pwsh_kernels.principals.verbs import Verb
from pwsh_kernels.web.access import OPEN, Permission, Scope
from pwsh_kernels.web.rest import endpoints
from pwsh_kernels.web.rest.bodies import (
    ApprovalsQuery,
    ApproveBody,
    AuditQuery,
    CancelBody,
    ClassifyBody,
    ClassifyQuery,
    CommandsQuery,
    DeclineBody,
    DisconnectBody,
    FreezeBody,
    InputBody,
    LinesQueryString,
    LoginBody,
    ModulesQuery,
    NoBody,
    NoQuery,
    PasskeyBody,
    QueryBody,
    RunBody,
    RunQuery,
    RunsQuery,
    SessionBody,
    SessionsQuery,
    StatusBody,
    ThawBody,
)
from pwsh_kernels.web.rest.endpoints import Answer, Call
from pwsh_kernels.web.rest.openapi import document
from pwsh_kernels.web.rest.route import Route


async def openapi(_: Call) -> Answer:
    """Describe every route, for programs (OpenAPI 3.1)."""
    return Answer(_document())


@cache
def _document() -> shapes.ForeignJson:
    """Made once: it takes 60 ms (measured)."""
    return document(ROUTES)


ROUTES: tuple[Route, ...] = (
    Route("GET", "/health", OPEN, NoQuery, endpoints.health, shapes.Health),
    Route(
        "GET",
        "/health/live",
        OPEN,
        NoQuery,
        endpoints.live,
        shapes.Live,
        at_once=True,
    ),
    Route(
        "GET",
        "/health/ready",
        OPEN,
        NoQuery,
        endpoints.ready,
        shapes.Ready,
        at_once=True,
    ),
    Route("GET", "/openapi.json", Permission(Verb.SEE), NoQuery, openapi, shapes.ForeignJson),
    Route("GET", "/modules", Permission(Verb.SEE), ModulesQuery, endpoints.modules, shapes.Modules),
    Route("GET", "/tenants", Permission(Verb.SEE), NoQuery, endpoints.tenants, shapes.Tenants),
    Route(
        "GET", "/sessions", Permission(Verb.SEE), SessionsQuery, endpoints.sessions, shapes.Sessions
    ),
    Route(
        "GET",
        "/sessions/{id}/notebook",
        Permission(Verb.READ, Scope.PATH),
        NoQuery,
        endpoints.notebook,
        shapes.ForeignJson,
    ),
    Route(
        "GET",
        "/sessions/{id}/commands",
        Permission(Verb.READ, Scope.PATH),
        CommandsQuery,
        endpoints.commands,
        shapes.Commands,
    ),
    Route(
        "GET",
        "/classify",
        Permission(Verb.SEE),
        ClassifyQuery,
        endpoints.classify,
        shapes.Classification,
    ),
    Route(
        "POST",
        "/classify",
        Permission(Verb.SEE),
        ClassifyBody,
        endpoints.classify_text,
        shapes.Classification,
    ),
    Route(
        "POST",
        "/login",
        Permission(Verb.SIGN_IN, Scope.BODY),
        LoginBody,
        endpoints.login,
        shapes.Login,
    ),
    Route(
        "POST",
        "/status",
        Permission(Verb.SEE, Scope.BODY),
        StatusBody,
        endpoints.status,
        shapes.Status,
    ),
    Route(
        "POST",
        "/run",
        Permission(Verb.WRITE, Scope.TENANTS),
        RunBody,
        endpoints.run,
        shapes.RunResult | shapes.Everywhere,
        waits=True,
    ),
    Route("GET", "/runs", Permission(Verb.SEE), RunsQuery, endpoints.runs, shapes.Runs),
    Route(
        "GET",
        "/runs/{id}",
        Permission(Verb.READ, Scope.RUN),
        RunQuery,
        endpoints.one_run,
        shapes.RunPage,
    ),
    Route(
        "GET",
        "/runs/{id}/notebook",
        Permission(Verb.READ, Scope.RUN),
        NoQuery,
        endpoints.run_notebook,
        shapes.ForeignJson,
    ),
    Route(
        "GET",
        "/runs/{id}/lines",
        Permission(Verb.READ, Scope.RUN),
        LinesQueryString,
        endpoints.lines,
        shapes.LinesPage,
    ),
    Route(
        "POST",
        "/runs/{id}/query",
        Permission(Verb.READ, Scope.RUN),
        QueryBody,
        endpoints.query,
        shapes.RunResult,
        waits=True,
    ),
    Route(
        "POST",
        "/runs/{id}/cancel",
        Permission(Verb.WRITE, Scope.RUN, of_others=Verb.END),
        CancelBody,
        endpoints.cancel,
        shapes.Run,
    ),
    Route(
        "POST",
        "/runs/{id}/input",
        Permission(Verb.ANSWER, Scope.RUN),
        InputBody,
        endpoints.give_input,
        shapes.Run,
    ),
    Route(
        "GET",
        "/approvals",
        Permission(Verb.SEE),
        ApprovalsQuery,
        endpoints.approvals,
        shapes.Approvals,
    ),
    Route(
        "GET",
        "/approvals/{id}",
        Permission(Verb.READ, Scope.APPROVAL),
        NoQuery,
        endpoints.approval,
        shapes.Approval,
    ),
    Route(
        "POST",
        "/approvals/{id}/approve",
        Permission(Verb.APPROVE, Scope.APPROVAL),
        ApproveBody,
        endpoints.approve,
        shapes.Approval,
    ),
    Route(
        "POST",
        "/approvals/{id}/code",
        Permission(Verb.APPROVE, Scope.APPROVAL),
        NoBody,
        endpoints.approval_code,
        shapes.PageCode,
    ),
    Route(
        "POST",
        "/approvals/{id}/decline",
        Permission(Verb.APPROVE, Scope.APPROVAL),
        DeclineBody,
        endpoints.decline,
        shapes.Approval,
    ),
    Route(
        "POST",
        "/disconnect",
        Permission(Verb.END, Scope.BODY),
        DisconnectBody,
        endpoints.disconnect,
        shapes.Disconnected,
    ),
    Route(
        "POST",
        "/kill",
        Permission(Verb.END, Scope.BODY),
        SessionBody,
        endpoints.kill,
        shapes.Killed,
    ),
    Route("GET", "/frozen", Permission(Verb.SEE), NoQuery, endpoints.frozen, shapes.Frozen),
    Route("POST", "/freeze", Permission(Verb.END), FreezeBody, endpoints.freeze, shapes.FrozenNow),
    Route("POST", "/thaw", Permission(Verb.ADMINISTER), ThawBody, endpoints.thaw, shapes.Frozen),
    Route(
        "GET",
        "/audit",
        Permission(Verb.ADMINISTER, Scope.SERVER),
        AuditQuery,
        endpoints.audit,
        shapes.AuditPage,
    ),
    Route(
        "GET",
        "/audit/head",
        Permission(Verb.ADMINISTER, Scope.SERVER),
        NoQuery,
        endpoints.audit_head,
        shapes.AuditHead,
    ),
    Route(
        "POST",
        "/audit/verify",
        Permission(Verb.ADMINISTER, Scope.SERVER),
        NoBody,
        endpoints.audit_verify,
        shapes.AuditHead,
    ),
    Route(
        "POST",
        "/page-codes",
        Permission(Verb.SEE),
        NoBody,
        endpoints.page_code,
        shapes.PageCode,
    ),
    Route(
        "POST",
        "/passkeys/code",
        Permission(Verb.SEE),
        NoBody,
        endpoints.passkey_code,
        shapes.PageCode,
    ),
    Route("GET", "/passkeys", Permission(Verb.SEE), NoQuery, endpoints.passkeys, shapes.Passkeys),
    Route(
        "POST",
        "/passkeys/remove",
        Permission(Verb.SEE),
        PasskeyBody,
        endpoints.remove_passkey,
        shapes.Passkeys,
    ),
    Route(
        "POST",
        "/notifications/test",
        Permission(Verb.ADMINISTER, Scope.SERVER),
        NoBody,
        endpoints.try_notifications,
        shapes.NotificationTest,
    ),
    Route("GET", "/watchdog", Permission(Verb.SEE), NoQuery, endpoints.watchdog, shapes.Watchdog),
)


def by_path(routes: Iterable[Route]) -> dict[str, dict[str, Route]]:
    """Return the routes as path → method → route.

    Raises ValueError for one without a permission, or given twice.
    """
    table: dict[str, dict[str, Route]] = {}
    for route in routes:
        if not isinstance(route.permission, Permission):
            raise ValueError(f"{route.method} {route.path} declares no permission")  # noqa: TRY004 - a wrong table, not a type
        methods = table.setdefault(route.path, {})
        if route.method in methods:
            raise ValueError(f"{route.method} {route.path} is declared twice")
        methods[route.method] = route
    return table
