"""A run followed within one call: waited for, and its questions put to the person where the client
shows forms.
"""

from typing import Any

import mcp_types as types

from pwsh_kernels.errors import AnswerNotUsable, RequestRefused
from pwsh_kernels.mcp.answers.questions import form_of, form_value, is_secret, question
from pwsh_kernels.mcp.calls.call import Call
from pwsh_kernels.mcp.calls.person import Question, same_question
from pwsh_kernels.mcp.calls.waiting import wait_for_run

Json = dict[str, Any]


async def follow(call: Call, run: Json) -> Json | types.InputRequiredResult:
    """Return the run once it has ended, asks what only words can tell, or the wait is over."""
    earlier = call.person.earlier
    if earlier and same_question(call.person.state, run):
        if earlier.action == "cancel":
            return run
        run = await settle(call, run, earlier)
    while True:
        run = (
            run if _asks_by_form(call, run) else await wait_for_run(call.backend, run, call.waiting)
        )
        if not _asks_by_form(call, run) or not call.waiting.left_s:
            return run
        reply = await call.person.ask(_form(run), call.waiting.left_s)
        if isinstance(reply, types.InputRequiredResult):
            return reply
        if reply is None or reply.action == "cancel":
            return run
        run = await settle(call, run, reply)


async def earlier_run(call: Call) -> Json | None:
    """Return the run that an earlier round of this call has started and asked about: it must not be
    started again.
    """
    run_id = call.person.state.get("run_id")
    return await call.backend.read_run(run_id, 0, 0, 1) if run_id else None


async def settle(call: Call, run: Json, reply: types.ElicitResult) -> Json:
    """Give a run the person's answer, or their refusal, and return the run.

    Somebody else may have been faster.
    """
    try:
        if reply.action == "accept":
            return await call.backend.answer(run["run_id"], form_value(run, reply.content))
        return await call.backend.refuse(run["run_id"])
    except AnswerNotUsable:
        return run
    except RequestRefused as error:
        if error.error_code != "run_not_waiting":
            raise
        return await call.backend.read_run(run["run_id"], 0, 0, 1)


def _asks_by_form(call: Call, run: Json) -> bool:
    asks = (
        run["state"] == "waiting_for_input" and run.get("prompt") and not is_secret(run["prompt"])
    )
    return bool(asks) and call.person.fills_forms


def _form(run: Json) -> Question:
    message = f"{run['session']} asks: {question(run)}"
    state = {"run_id": run["run_id"], "prompt": run["prompt"]}
    return Question(run["run_id"], message, state, schema=form_of(run["prompt"]))
