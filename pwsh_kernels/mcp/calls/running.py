"""Commands started within one call: in one tenant, with the sign-in that it may need first, or in
several at once.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Literal

import anyio
import mcp_types as types

from pwsh_kernels.errors import AnswerLost, ProductError, RequestRefused
from pwsh_kernels.mcp.answers.excerpts import MAX_CHARS
from pwsh_kernels.mcp.answers.models import StartedResult, TenantResult
from pwsh_kernels.mcp.answers.refusals import cause
from pwsh_kernels.mcp.answers.run_results import refused_result, tenant_result, tenants_result
from pwsh_kernels.mcp.answers.session_results import Standing
from pwsh_kernels.mcp.calls.call import CANCEL_WAIT, Call
from pwsh_kernels.mcp.calls.following import earlier_run, follow
from pwsh_kernels.mcp.calls.signing_in import sign_in
from pwsh_kernels.mcp.calls.waiting import read_output, wait_for_run
from pwsh_kernels.shapes import Run, RunArguments, TenantRun

START_SHIELD = 40.0
"""Seconds to wait for the run id of a command that was already sent when the client cancelled the
call.
"""

MIN_TENANT_CHARS = 500
"""Characters of each tenant's output in an answer about many."""

SIGN_IN_FIRST = ("not_signed_in", "session_lost", "sign_in_pending")
"""Codes of refusals that a sign-in resolves: it is started at once."""


async def run_here(
    call: Call, tenant: str, module: str, command: str, options: RunArguments
) -> Run | Standing | types.InputRequiredResult:
    """Return the run of a command once it has ended, asks a question, or the wait is over; or a
    sign-in that has to come first.

    A client that cancels the call cancels its run; one that only goes away leaves it alone.
    """
    run = await earlier_run(call) or await _start_signed_in(call, tenant, module, command, options)
    if isinstance(run, types.InputRequiredResult | Standing) or awaits_approval(run):
        return run
    async with _cancelled_with_call(call, [run["run_id"]]):
        return await follow(call, run)


def awaits_approval(run: Run) -> bool:
    """Return whether the person has to be told of something before there is anything to wait
    for.
    """
    return run["state"] == "waiting_for_approval"


async def read_here(
    call: Call, tenant: str, module: str, command: str, options: RunArguments
) -> Run | types.InputRequiredResult:
    """Return the run of a command in the read tier, likewise; it signs nobody in."""
    run = await earlier_run(call) or await _start(call, tenant, module, command, options)
    async with _cancelled_with_call(call, [run["run_id"]]):
        return await follow(call, run)


async def _start_signed_in(
    call: Call, tenant: str, module: str, command: str, options: RunArguments
) -> Run | Standing | types.InputRequiredResult:
    try:
        return await _start(call, tenant, module, command, options)
    except RequestRefused as refused:
        if not mended_by_sign_in(refused):
            raise
        first = await sign_in(call, tenant, module)
        if isinstance(first, types.InputRequiredResult):
            return first
        if first.state != "signed_in":
            return _explained(first, refused)
    return await _start(call, tenant, module, command, options)


def mended_by_sign_in(refused: RequestRefused) -> bool:
    """Return whether a refusal means no more than that somebody has to sign in.

    If the last sign-in failed or was ended, its reason must be read first: another try may be
    wrong.
    """
    return refused.error_code in SIGN_IN_FIRST and not (
        refused.error_code == "not_signed_in" and refused.details.get("reason")
    )


def _explained(session: Standing, refused: RequestRefused) -> Standing:
    """Return a pending sign-in with the notice that the previous session has died."""
    died = refused.error_code == "session_lost"
    return replace(session, lost=cause(refused.to_json()) if died else "")


async def _start(call: Call, tenant: str, module: str, command: str, options: RunArguments) -> Run:
    """Start a run. A cancelled call still learns the id of what it has started, and stops it."""
    with anyio.move_on_after(START_SHIELD, shield=True):
        return await call.backend.run(tenant, module, command, wait_s=0, **options)
    raise AnswerLost(url=f"{tenant}:{module}", reason=f"no run id within {START_SHIELD:.0f} s")


async def run_everywhere(
    call: Call, tenants: list[str] | Literal["*"], module: str, command: str, options: RunArguments
) -> StartedResult:
    """Return a command's results in several tenants, as far as it has ended."""
    runs = await _start_everywhere(call, tenants, module, command, options)
    room = max(MIN_TENANT_CHARS, MAX_CHARS // len(runs))
    async with _cancelled_with_call(
        call, [one["run_id"] for one in runs if one["state"] != "refused"]
    ):
        found = await asyncio.gather(*(_in_tenant(call, one, room) for one in runs))
    return tenants_result(list(found), call.notice)


async def _start_everywhere(
    call: Call, tenants: list[str] | Literal["*"], module: str, command: str, options: RunArguments
) -> list[TenantRun]:
    with anyio.move_on_after(START_SHIELD, shield=True):
        started = await call.backend.run_everywhere(tenants, module, command, wait_s=0, **options)
        return started["results"]
    raise AnswerLost(url=f"{tenants}:{module}", reason=f"no run ids within {START_SHIELD:.0f} s")


async def _in_tenant(call: Call, started: TenantRun, room: int) -> TenantResult:
    """Wait for the run in one tenant and notify the client when it has ended."""
    if started["state"] == "refused":
        return refused_result(started)
    run: Run = started
    if not awaits_approval(run):
        run = await wait_for_run(call.backend, run, call.waiting)
    await call.waiting.tell(f"{run['tenant']}: {run['state']}")
    page, shown = await read_output(call.backend, run["run_id"], 0, room)
    return tenant_result(page, shown)


@asynccontextmanager
async def _cancelled_with_call(call: Call, run_ids: list[str]) -> AsyncIterator[None]:
    """Cancel the runs when the client cancels the call.

    A broken connection is not a cancellation: the runs continue.
    """
    try:
        yield
    except anyio.get_cancelled_exc_class():
        if call.person.gave_up:
            for run_id in run_ids:
                await _cancel_quietly(call, run_id)
        raise


async def _cancel_quietly(call: Call, run_id: str) -> None:
    with anyio.move_on_after(CANCEL_WAIT, shield=True):
        try:
            await call.backend.cancel(run_id, 0)
        except ProductError:  # the client is gone: there is nobody to notify
            return
