"""A sign-in within one call: the page is offered to the person where the client can, and waited for
a while.
"""

from typing import Any

import mcp_types as types

from pwsh_kernels.errors import RequestRefused
from pwsh_kernels.mcp.answers.session_results import page_message
from pwsh_kernels.mcp.calls.call import MAX_WAIT, Call
from pwsh_kernels.mcp.calls.person import Question
from pwsh_kernels.mcp.calls.waiting import wait_for_sign_in

Json = dict[str, Any]


async def sign_in(
    call: Call, tenant: str, module: str, route: str | None = None
) -> Json | types.InputRequiredResult:
    """Return the session once it is signed in, else how its sign-in stands, with the code for the
    person.

    Raises RequestRefused when the sign-in has failed. `declined` in the answer: the person does not
    want to sign in.
    """
    answered = call.person.earlier
    if answered and call.person.state.get("sign_in") == f"{tenant}:{module}":
        return await _after(call, answered, tenant, module)
    async with call.waiting.signs_of_life(f"starting the sign-in to {tenant}:{module}"):
        facts = await call.backend.login(tenant, module, min(MAX_WAIT, call.waiting.left_s), route)
    if not facts.get("success", True):
        raise RequestRefused(
            200, facts.get("code") or "", facts.get("error") or "The sign-in failed.", _where(facts)
        )
    if not facts.get("device_code") or not call.person.opens(facts.get("auth_url") or ""):
        return facts
    return await _offer(call, facts, tenant, module)


async def _offer(
    call: Call, facts: Json, tenant: str, module: str
) -> Json | types.InputRequiredResult:
    # The code is no identifier: clients may log those.
    question_id = f"{tenant}:{module}:{facts.get('expires_at')}"
    question = Question(
        question_id, page_message(facts), {"sign_in": f"{tenant}:{module}"}, url=facts["auth_url"]
    )
    reply = await call.person.ask(question, call.waiting.left_s)
    if reply is None or isinstance(reply, types.InputRequiredResult):
        return reply or facts
    session = await _after(call, reply, tenant, module)
    await call.person.tell_opened(question_id)
    return session


async def _after(call: Call, reply: types.ElicitResult, tenant: str, module: str) -> Json:
    """That the person opened the page does not mean that they signed in: wait for that."""
    if reply.action == "accept":
        return await wait_for_sign_in(call.backend, tenant, module, call.waiting)
    return {**await call.backend.status(tenant, module, 0), "declined": reply.action == "decline"}


def _where(facts: Json) -> Json:
    return {name: facts.get(name) for name in ("tenant", "module")}
