"""The requests of the REST API without HTTP, for code within the server: same routes, same checks,
same answers.
"""

from collections.abc import Mapping

from pwsh_kernels.client import refusal
from pwsh_kernels.errors import ProductError
from pwsh_kernels.web.access import Caller
from pwsh_kernels.web.product import Backend
from pwsh_kernels.web.rest.bodies import read_model
from pwsh_kernels.web.rest.endpoints import Call
from pwsh_kernels.web.rest.routes import ROUTES
from pwsh_kernels.web.spans import within_route

BY_NAME = {f"{one.method} {one.path}": one for one in ROUTES}
"""The route table by method and path: `GET /runs/{id}`."""


async def ask(
    backend: Backend, caller: Caller, route: str, values: Mapping[str, object], of: str
) -> Mapping[str, object]:
    """Return a route's answer to a caller, who has already been authenticated.

    Raises RequestRefused, as a client over HTTP does.
    """
    row = BY_NAME[route]
    try:
        call = Call(backend, caller, read_model(row.takes, values), of)
        with within_route(backend.traces, row):
            answer = await row.respond(call)
    except ProductError as error:
        raise refusal(error.status, error.to_json()) from error
    if answer.status >= 400:
        raise refusal(answer.status, answer.body)
    return answer.body
