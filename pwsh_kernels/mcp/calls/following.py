"""Follows a run within one call: waits for it, and puts its questions to the person if the client
shows forms.
"""

import mcp_types as types

from pwsh_kernels.errors import AnswerNotUsable, RequestRefused
from pwsh_kernels.mcp.answers.questions import (
    form_message,
    form_of,
    form_value,
    is_own,
    is_secret,
)
from pwsh_kernels.mcp.calls.call import CANCEL_WAIT, Call
from pwsh_kernels.mcp.calls.person import Question, QuestionState, same_question
from pwsh_kernels.mcp.calls.waiting import wait_for_run
from pwsh_kernels.records import PromptFacts
from pwsh_kernels.shapes import Run


async def follow(call: Call, run: Run) -> Run | types.InputRequiredResult:
    """Return the run once it has ended, asks a question that no form can show, or the wait is
    over.
    """
    earlier = call.person.earlier
    if earlier and same_question(call.person.state, run):
        if earlier.action == "cancel":
            return run
        run = await settle(call, run, earlier)
    while True:
        if _fillable(call, run) is None:
            run = await wait_for_run(call.backend, run, call.waiting)
        prompt = _fillable(call, run)
        if prompt is None or not call.waiting.left_s:
            return run
        reply = await call.person.ask(_form(run, prompt), call.waiting.left_s)
        if isinstance(reply, types.InputRequiredResult):
            return reply
        if reply is None or reply.action == "cancel":
            return run
        run = await settle(call, run, reply)


async def earlier_run(call: Call) -> Run | None:
    """Return the run that an earlier round of this call started and asked about: it must not be
    started again.
    """
    run_id = call.person.state.get("run_id")
    return await call.backend.read_run(run_id, 0, 0, 1) if run_id else None


async def settle(call: Call, run: Run, reply: types.ElicitResult) -> Run:
    """Give a run the person's answer, or stop it because they declined, and return the run.

    Somebody else may have answered first.
    """
    try:
        if reply.action == "accept":
            return await call.backend.answer(run["run_id"], form_value(run, reply.content))
        call.person.declined = True
        return await call.backend.cancel(run["run_id"], CANCEL_WAIT)
    except AnswerNotUsable:
        return run
    except RequestRefused as error:
        if error.error_code != "run_not_waiting":
            raise
        return await call.backend.read_run(run["run_id"], 0, 0, 1)


def _fillable(call: Call, run: Run) -> PromptFacts | None:
    """Return the run's question if it is for the person of this call and a form can show it."""
    prompt = run["prompt"] if run["state"] == "waiting_for_input" and is_own(run) else None
    return prompt if prompt and not is_secret(prompt) and call.person.fills_forms else None


def _form(run: Run, prompt: PromptFacts) -> Question:
    state: QuestionState = {"run_id": run["run_id"], "prompt": prompt}
    return Question(run["run_id"], form_message(run), state, schema=form_of(prompt))
