"""`pwsh-kernels approvals`: the changes that wait for a person, and the person's decision."""

import asyncio
import sys
from collections.abc import Iterator
from typing import Annotated

import typer

from pwsh_kernels.approvals.canonical_text import visible
from pwsh_kernels.cli.console import ExitCode, connected, note, say, say_json, table
from pwsh_kernels.cli.people import approvers
from pwsh_kernels.cli.sessions import AsJson
from pwsh_kernels.cli.times import local_clock, local_time
from pwsh_kernels.escapes import plain
from pwsh_kernels.preview_text import preview_text
from pwsh_kernels.principals.principal import called
from pwsh_kernels.shapes import Approval, PageCode

ApprovalId = Annotated[
    str, typer.Argument(help="As `pwsh-kernels approvals list` shows it.", metavar="ID")
]
TEXT_CHARS = 60
"""Characters of a command in the list."""
DIGEST_CHARS = 12
"""Characters of a digest that are enough to say what was read."""
YES = frozenset({"y", "yes"})


def approvals() -> None:
    """List, show and decide the changes that wait for a person."""


def list_approvals(
    everything: Annotated[
        bool, typer.Option("--all", help="Also those that were decided since the server's start.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List the changes that wait for an approval, newest first."""
    found = asyncio.run(_list(waiting=not everything))
    if as_json:
        say_json(found)
        return
    columns = ("ID", "STATE", "CLASS", "WHERE", "REQUESTER", "UNTIL", "COMMAND")
    if not found:
        say("Nothing waits for an approval.")
        return
    say(table(columns, [_row(one) for one in found]))
    note("Next: `pwsh-kernels approvals show ID` shows one, and how to decide it.")


def show(approval_id: ApprovalId, as_json: AsJson = False) -> None:
    """Show a change as whoever decides must see it."""
    one = asyncio.run(_show(approval_id))
    if as_json:
        say_json(one)
        return
    for line in described(one):
        say(line)
    if one["state"] == "pending":
        for line in _next_steps(one):
            note(line)


def approve(
    approval_id: ApprovalId,
    digest: Annotated[
        str | None,
        typer.Option(
            help="The digest that `show` printed, or its first 12 characters or more: approve that"
            " without a question."
        ),
    ] = None,
) -> None:
    """Approve a change, which then runs under its requester's name.

    It is shown first, and a terminal asks whether to go on. Without a terminal, --digest says what
    was read: nobody approves what they have not seen.
    """
    raise typer.Exit(asyncio.run(_approve(approval_id, digest)))


def decline(
    approval_id: ApprovalId,
    reason: Annotated[str, typer.Option(help="What whoever asked is told.")] = "",
) -> None:
    """Decline a change: it does not run, and is not asked again for an hour."""
    one = asyncio.run(_decline(approval_id, reason))
    say(f"{one['id']}: {one['state']}")


def code(approval_id: ApprovalId, as_json: AsJson = False) -> None:
    """Print a code with which you approve this change on the page: once, within five minutes."""
    given = asyncio.run(_code(approval_id))
    if as_json:
        say_json(given)
        return
    note(f"On the page of {approval_id}, before {local_clock(given['expires_at'])}:")
    say(given["code"])


async def _code(approval_id: str) -> PageCode:
    async with connected() as client:
        return await client.approval_code(approval_id)


async def _list(*, waiting: bool) -> list[Approval]:
    async with connected() as client:
        return (await client.approvals(waiting=waiting))["approvals"]


async def _show(approval_id: str) -> Approval:
    async with connected() as client:
        return await client.approval(approval_id)


async def _approve(approval_id: str, digest: str | None) -> int:
    async with connected() as client:
        if digest is None:
            one = await client.approval(approval_id)
            for line in described(one):
                say(line)
            if not await asyncio.to_thread(_agreed, one):
                return ExitCode.FAILED
            digest = one["digest"]
        done = await client.approve(approval_id, digest)
    if done["state"] != "used":
        say(f"{done['id']}: {done['state']}{_said(done)}")
        return ExitCode.FAILED
    for place in done["places"]:
        say(f"{place['tenant']}: Approved{_said(done)}; run {place['run_id']} has started.")
        note(f"`pwsh-kernels follow {place['run_id']}` shows it.")
    return ExitCode.OK


async def _decline(approval_id: str, reason: str) -> Approval:
    async with connected() as client:
        return await client.decline(approval_id, reason)


def _agreed(one: Approval) -> bool:
    if not sys.stdin.isatty():
        note(
            "Not approved: stdin is not a terminal. Whoever has read it approves it with"
            f" `{_by_digest(one)}`."
        )
        return False
    note("Approve this? [y/N]")
    agreed = sys.stdin.readline().strip().lower() in YES
    if not agreed:
        note("Not approved. It still waits; `pwsh-kernels approvals decline` refuses it.")
    return agreed


def _by_digest(one: Approval) -> str:
    return f"pwsh-kernels approvals approve {one['id']} --digest {one['digest'][:DIGEST_CHARS]}"


def _next_steps(one: Approval) -> Iterator[str]:
    """Yield the commands that decide a change which waits."""
    name = one["id"]
    yield "Next:"
    yield f"  pwsh-kernels approvals approve {name}"
    yield f"  pwsh-kernels approvals decline {name} --reason TEXT"
    yield f"  pwsh-kernels approvals code {name}  (to approve it on the page)"
    yield f"  {_by_digest(one)}  (without a terminal)"


def _row(one: Approval) -> tuple[str, ...]:
    where = ", ".join(f"{place['tenant']}:{one['module']}" for place in one["places"])
    text = " ".join(one["text"].split())
    short = text if len(text) <= TEXT_CHARS else f"{text[:TEXT_CHARS]}…"
    return (
        one["id"],
        one["state"],
        one["class"],
        where,
        called(one["requester"]),
        local_clock(one["expires_at"]),
        plain(short),
    )


def described(one: Approval) -> Iterator[str]:
    """Yield the lines that show a change to whoever decides."""
    program = f" ({one['client']})" if one["client"] else ""
    yield f"Approval {one['id']}: {one['state']}{_said(one)}"
    asked, until = local_time(one["asked_at"]), local_clock(one["expires_at"])
    yield f"Asked by {called(one['requester'])}{program} at {asked}, until {until}"
    yield f"For: {one['reason'] or '(no reason given)'}"
    for place in one["places"]:
        yield f"In {place['session']} as {place['account'] or 'nobody'} (run {place['run_id']})"
        yield from (f"  ! {oddity}" for oddity in place["oddities"])
        if preview := place["preview"]:
            yield from (f"  > {line}" for line in visible(preview_text(preview)).split("\n"))
    yield f"Class: {one['class']}"
    yield from (f"  {reason}" for reason in one["reasons"])
    yield f"Commands: {', '.join(one['commands']) or 'none'}"
    if one["values"]:
        yield "Values of its parameters:"
        yield from (f"  | {line}" for line in one["values"].split("\n"))
    yield "Text, with aliases resolved; what is not plain ASCII is written out:"
    yield from (f"  | {line}" for line in one["text"].split("\n"))
    yield f"Digest: {one['digest']}"
    others = ", somebody else than who asked" if one["rule"] == "four_eyes" else ""
    yield f"May approve{others}: {approvers(one['approvers'])}"


def _said(one: Approval) -> str:
    by = f" by {called(one['decided_by'])}" if one["decided_by"] else ""
    return f"{by}: {one['words']}" if one["words"] else by
