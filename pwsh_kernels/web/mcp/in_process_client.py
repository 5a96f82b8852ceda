"""The requests of the REST API without HTTP, for what runs in the server itself: same routes, same
checks, same answers.
"""

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from pwsh_kernels.client import Json, Requests, known, refusal
from pwsh_kernels.errors import ProductError
from pwsh_kernels.web.access import Principal
from pwsh_kernels.web.product import Backend
from pwsh_kernels.web.rest.bodies import read_model
from pwsh_kernels.web.rest.endpoints import Call
from pwsh_kernels.web.rest.routes import ROUTES, Route


class DirectClient(Requests):
    """Answers requests of one principal from the route table.

    Raises RequestRefused, as a client over HTTP does.
    """

    def __init__(self, backend: Backend, principal: Principal) -> None:
        """The principal has been authenticated already."""
        self.timeout_s = backend.settings.client_timeout
        self._backend = backend
        self._principal = principal

    async def _ask(
        self,
        method: str,
        path: str,
        body: Json | None = None,
        query: Mapping[str, Any] | None = None,
    ) -> Json:
        route, in_path = find_route(method, path)
        try:
            values = known(body if method == "POST" else _as_text(query))
            call = Call(self._backend, self._principal, read_model(route.takes, values), in_path)
            await self._backend.wait_until_ready()
            answer = await route.answer(call)
        except ProductError as error:
            raise refusal(error.status, error.to_json()) from error
        if answer.status >= 400:
            raise refusal(answer.status, answer.body)
        return answer.body


def find_route(method: str, path: str) -> tuple[Route, str]:
    """Return the route of a path, and the id in the path."""
    for route in ROUTES:
        match = re.fullmatch(route.pattern, path)
        if match and route.method == method:
            return route, unquote(match.groupdict().get("id", ""))
    raise LookupError(f"no route {method} {path}")


def _as_text(query: Mapping[str, Any] | None) -> dict[str, str]:
    """Return query values as HTTP brings them."""
    return {
        name: one if isinstance(one, str) else json.dumps(one) for name, one in known(query).items()
    }
