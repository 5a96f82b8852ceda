"""How a session resolves the commands of a text just now: asked of its kernel, and what an approver
should know of it.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath

from pwsh_kernels.catalog import Module
from pwsh_kernels.command_state import MISSING, CommandFacts, CommandState, StateQuestion
from pwsh_kernels.errors import SessionBusy, StateUnknown
from pwsh_kernels.sessions.live import OURSELVES, LiveSession
from pwsh_kernels.sessions.queries.command_search import GENERATED
from pwsh_kernels.sessions.runs.run import failure_sentence

TITLE = "how the session resolves commands"
WAIT_S = 10.0
"""Longest wait for the answer, with the wait for the session's turn."""
STOP_WAIT_S = 5.0
ENGINE = ("microsoft.powershell.", "threadjob", "psreadline", "cimcmdlets")
"""How the names of PowerShell's own modules begin."""


def question(
    names: Iterable[str],
    variables: Iterable[str],
    module: Module,
    expected: CommandState | None = None,
) -> StateQuestion:
    """Return what to ask about the commands and variables of a text in a session of a module."""
    return StateQuestion(
        tuple(dict.fromkeys(names)), tuple(dict.fromkeys(variables)), _modules(module), expected
    )


async def state_of(
    live: LiveSession,
    names: Iterable[str],
    variables: Iterable[str] = (),
    *,
    wait_s: float = WAIT_S,
) -> CommandState:
    """Return how a session resolves commands, and which values variables have, when its turn comes.

    Raises SessionBusy, StateUnknown.
    """
    asked = question(names, variables, live.session.module)
    run = live.runs.add(live.key, TITLE, purpose="check", principal=OURSELVES)
    live.submit(run, "", store_history=False, state=asked.to_json())
    if not await run.wait(wait_s, input_too=False):
        ahead = live.active
        if live.queue:
            await live.queue.cancel(run, STOP_WAIT_S)
        busy = ahead.id if ahead and ahead is not run else ""
        raise SessionBusy(session=str(live.key), run_id=busy, waited_s=wait_s)
    if run.found_state is None:
        raise StateUnknown(failure_sentence(run))
    return CommandState.from_json(run.found_state)


def oddities(state: CommandState, means: Mapping[str, str], module: Module) -> list[str]:
    """Return what in a session bends the commands of a text, a sentence each.

    `means`: the command that each name should be, as the classification says; `module`: the
    session's.
    """
    return list(_oddities(state, means, module))


def _oddities(state: CommandState, means: Mapping[str, str], module: Module) -> Iterator[str]:
    meant = {name.lower(): command for name, command in means.items()}
    known = {one.lower() for one in _modules(module)}
    for one in state.commands:
        if told := _odd_command(one, meant.get(one.name.lower(), one.name), known):
            yield told
    for value in state.defaults:
        shown = f" = {value.value}" if value.value else ""
        yield f"$PSDefaultParameterValues sets {value.name}{shown}, whatever the text says."
    for value in state.preferences:
        if value.name == "WhatIfPreference" and value.value not in ("False", "$null"):
            yield "$WhatIfPreference is set: commands may only say what they would do."
    for hook in state.hooks:
        yield f"{hook} is set: it can put any command in the place of another."
    for handler in state.subscribers:
        yield f"An event handler is there: {handler.name}. It may run between any two commands."
    if state.breakpoints:
        yield f"{state.breakpoints} breakpoints are set: their code runs when they are met."


def _odd_command(found: CommandFacts, meant: str, known: set[str]) -> str:
    """Return what is odd about a command; "" if nothing is."""
    if found.kind == MISSING:
        return ""
    bare = meant.rpartition("\\")[2]
    if found.via and found.resolved.lower() != bare.lower():
        return f"{found.name} is {found.described()}, and not {bare}."
    module = found.module.lower()
    ours = module in known or found.module.startswith(GENERATED) or module.startswith(ENGINE)
    generated = PurePosixPath(found.source).name.startswith(GENERATED)
    if ours and (found.is_of_its_module or generated):
        return ""
    if ours and found.module_path:
        return f"{found.name} is not the module's: its text is in none of the module's files."
    return f"{found.name} is not the module's: it is {found.described()}."


def _modules(module: Module) -> tuple[str, ...]:
    return (module.powershell_module, *module.companions)
