"""A sign-in within one call: offers the page to the person if the client can, and waits for a
while.
"""

from dataclasses import replace

import mcp_types as types

from pwsh_kernels.errors import RequestRefused
from pwsh_kernels.mcp.answers.session_results import Standing, of_login, of_status, page_message
from pwsh_kernels.mcp.calls.call import MAX_WAIT, Call
from pwsh_kernels.mcp.calls.person import Question
from pwsh_kernels.mcp.calls.waiting import wait_for_sign_in
from pwsh_kernels.shapes import Tier


async def sign_in(
    call: Call, tenant: str, module: str, route: str | None = None, tier: Tier = "write"
) -> Standing | types.InputRequiredResult:
    """Return the session once it is signed in, otherwise the state of its sign-in with the code for
    the person.

    Raises RequestRefused when the sign-in has failed. `declined` in the answer: the page was
    declined or not shown; the answer has code and address for the person.
    """
    answered = call.person.earlier
    if answered and call.person.state.get("sign_in") == _name(tenant, module, tier):
        return await _after(call, answered, tenant, module, tier)
    async with call.waiting.signs_of_life(f"starting the sign-in to {tenant}:{module}"):
        facts = await call.backend.login(
            tenant, module, min(MAX_WAIT, call.waiting.left_s), route=route, tier=tier
        )
    if not facts["success"]:
        where = {"tenant": facts["tenant"], "module": facts["module"], "tier": facts["tier"]}
        raise RequestRefused(200, facts["code"], facts["error"], where)
    standing = of_login(facts)
    if not standing.device_code or not call.person.opens(standing.auth_url):
        return standing
    return await _offer(call, standing, tenant, module, tier)


def _name(tenant: str, module: str, tier: Tier) -> str:
    return f"{tenant}:{module}:{tier}"


async def _offer(
    call: Call, facts: Standing, tenant: str, module: str, tier: Tier
) -> Standing | types.InputRequiredResult:
    # The code must not be an identifier: clients may log those.
    question_id = f"{_name(tenant, module, tier)}:{facts.expires_at}"
    question = Question(
        question_id,
        page_message(facts),
        {"sign_in": _name(tenant, module, tier)},
        url=facts.auth_url,
    )
    reply = await call.person.ask(question, call.waiting.left_s)
    if reply is None or isinstance(reply, types.InputRequiredResult):
        return reply or facts
    session = await _after(call, reply, tenant, module, tier)
    await call.person.tell_opened(question_id)
    return session


async def _after(
    call: Call, reply: types.ElicitResult, tenant: str, module: str, tier: Tier
) -> Standing:
    """Opening the page does not mean that the person signed in: wait for that."""
    if reply.action == "accept":
        return of_status(await wait_for_sign_in(call.backend, tenant, module, call.waiting, tier))
    known = of_status(await call.backend.status(tenant, module, 0, tier))
    return replace(known, declined=reply.action == "decline")
