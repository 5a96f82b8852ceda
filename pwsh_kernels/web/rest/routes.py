"""The route table: one row per route feeds the handlers, the documentation test and the contract
tests.
"""

import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel

from pwsh_kernels.web.access import Permission
from pwsh_kernels.web.rest import endpoints
from pwsh_kernels.web.rest.bodies import (
    CancelBody,
    CommandsQuery,
    DisconnectBody,
    InputBody,
    LinesQueryString,
    LoginBody,
    ModulesQuery,
    NoQuery,
    QueryBody,
    RunBody,
    RunQuery,
    RunsQuery,
    SessionBody,
    SessionsQuery,
    StatusBody,
)
from pwsh_kernels.web.rest.endpoints import Answer, Call


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one path: who may call it, what it takes (the body of a POST, the query of a
    GET), what it does.
    """

    method: Literal["GET", "POST"]
    path: str
    permission: Permission
    takes: type[BaseModel]
    answer: Callable[[Call], Awaitable[Answer]]

    @property
    def pattern(self) -> str:
        """The path as Tornado matches it."""
        return re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", self.path)


ROUTES: tuple[Route, ...] = (
    Route("GET", "/health", Permission.OPEN, NoQuery, endpoints.health),
    Route("GET", "/modules", Permission.READ, ModulesQuery, endpoints.modules),
    Route("GET", "/tenants", Permission.READ, NoQuery, endpoints.tenants),
    Route("GET", "/sessions", Permission.READ, SessionsQuery, endpoints.sessions),
    Route("GET", "/sessions/{id}/notebook", Permission.READ, NoQuery, endpoints.notebook),
    Route("GET", "/sessions/{id}/commands", Permission.READ, CommandsQuery, endpoints.commands),
    Route("POST", "/login", Permission.SIGN_IN, LoginBody, endpoints.login),
    Route("POST", "/status", Permission.READ, StatusBody, endpoints.status),
    Route("POST", "/run", Permission.RUN, RunBody, endpoints.run),
    Route("GET", "/runs", Permission.READ, RunsQuery, endpoints.runs),
    Route("GET", "/runs/{id}", Permission.READ, RunQuery, endpoints.one_run),
    Route("GET", "/runs/{id}/lines", Permission.READ, LinesQueryString, endpoints.lines),
    Route("POST", "/runs/{id}/query", Permission.RUN, QueryBody, endpoints.query),
    Route("POST", "/runs/{id}/cancel", Permission.RUN, CancelBody, endpoints.cancel),
    Route("POST", "/runs/{id}/input", Permission.RUN, InputBody, endpoints.give_input),
    Route("POST", "/disconnect", Permission.END, DisconnectBody, endpoints.disconnect),
    Route("POST", "/kill", Permission.END, SessionBody, endpoints.kill),
    Route("GET", "/watchdog", Permission.READ, NoQuery, endpoints.watchdog),
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
