"""`pwsh-kernels principals test`: whether a principal may do something, and what becomes of a text
that it would run.
"""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from pwsh_kernels.cli.console import ExitCode, say, say_json
from pwsh_kernels.cli.principals import AsJson
from pwsh_kernels.cli.tenants import tenants_file
from pwsh_kernels.discovery import read_settings
from pwsh_kernels.errors import InvalidRequest
from pwsh_kernels.settings import Settings

if TYPE_CHECKING:
    from pwsh_kernels.catalog import Tenant
    from pwsh_kernels.classification import Classification, Uncarried
    from pwsh_kernels.principals.decision import Decision
    from pwsh_kernels.principals.principal import Kind, Principal, Where


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of a text in a session, beyond the right to run one there."""

    runs: bool
    sentence: str
    changes: str = ""
    kind: str = ""


def explain(
    name: Annotated[str, typer.Argument(metavar="ID", help="A principal; `token` is the owner.")],
    action: Annotated[str, typer.Argument(help="A verb, or run, login, status, cancel, kill, …")],
    tenant: Annotated[str, typer.Argument(help="Default: the whole server.")] = "",
    module: Annotated[str, typer.Argument(help="Default: exo.")] = "exo",
    command: Annotated[str, typer.Argument(help="What `run` would run; nothing is run.")] = "",
    read: Annotated[bool, typer.Option("--read", help="In the session of the read tier.")] = False,
    as_json: AsJson = False,
) -> None:
    """Say whether a principal may do something, and why. The exit code is 1 if not."""
    from pwsh_kernels.principals.changes import find_any, read_roll
    from pwsh_kernels.principals.decision import decide
    from pwsh_kernels.principals.freeze_file import FreezeFile
    from pwsh_kernels.principals.verbs import ACTIONS, Verb

    settings = read_settings()
    verb = ACTIONS.get(action)
    if verb is None:
        raise InvalidRequest("action", f"must be one of {', '.join(ACTIONS)}")
    runs = verb is Verb.WRITE and action != "cancel"
    one = find_any(read_roll(settings.principals_path), name)
    freezes = FreezeFile(settings.data_dir).current()
    needed = Verb.READ if read and verb is Verb.WRITE else verb
    where = _place(settings, tenant, module)
    decision = decide(one, needed, where, datetime.now(UTC), freezes)
    fate = None
    if decision.allowed and runs and tenant:
        fate = _fate(settings, one.kind, where, command, read=read)
    allowed = decision.allowed and (fate is None or fate.runs)
    sentences = [_sentence(one, decision), *([fate.sentence] if fate else [])]
    if as_json:
        more = {"changes": fate.changes, "class": fate.kind} if fate else {}
        told = {**decision.facts(), **more, "allowed": allowed}
        say_json({**told, "sentence": " ".join(sentences)})
    else:
        say("\n".join(sentences))
    if not allowed:
        raise typer.Exit(ExitCode.FAILED)


def _sentence(one: "Principal", decision: "Decision") -> str:
    """Return the decision as a person reads it: the owner's one grant stands in no file."""
    from pwsh_kernels.principals.principal import OWNER

    if one is OWNER and decision.allowed:
        return "The owner may do everything."
    return decision.text()


def _place(settings: Settings, tenant: str, module: str) -> "Where":
    from pwsh_kernels.catalog import Catalog
    from pwsh_kernels.principals.places import session_place
    from pwsh_kernels.principals.principal import SERVER

    if not tenant:
        return SERVER
    key = Catalog.load(extra=settings.modules_dir).module(module).key
    return session_place(tenants_file(settings).current().find_tenant(tenant), key)


def _fate(settings: Settings, kind: "Kind", where: "Where", command: str, *, read: bool) -> Fate:
    tenant = tenants_file(settings).current().find_tenant(where.tenant)
    if read and not tenant.reads(where.module):
        return Fate(
            runs=False,
            sentence=f"But nobody reads in {where}:read: it has no account (tenants.toml).",
        )
    found, uncarried = None, None
    if command:
        found, uncarried = asyncio.run(_judged(settings, command, where.module, read=read))
    if read:
        return in_reading(found, uncarried)
    return in_writing(tenant, kind, where.module, found)


def in_reading(found: "Classification | None", uncarried: "Uncarried | None") -> Fate:
    """Return what becomes of a text in the read tier; `uncarried`: a piece of it that is no command
    with parameters. Pure.
    """
    if found is None:
        return Fate(runs=True, sentence="There, only what certainly reads runs.")
    kind = found.kind.value
    if kind == "read" and uncarried:
        place = f"line {uncarried.line}, column {uncarried.column}"
        why = f"it takes commands with parameters, and {place} is more. {uncarried.instead}"
        return Fate(
            runs=False, sentence=f"It reads, and the read tier refuses it: {why}", kind=kind
        )
    runs = kind == "read"
    sentence = f"Its class is {kind}: the read tier {'runs' if runs else 'refuses'} it."
    return Fate(runs, f"{sentence}{_why(found)}", kind=kind)


def in_writing(tenant: "Tenant", kind: "Kind", module: str, found: "Classification | None") -> Fate:
    """Return what the tenant's rule about changes makes of a text; None: of one that nobody has
    named. Pure.
    """
    from pwsh_kernels.approvals.policy import Need, needs

    changes = tenant.changes_of(module, kind.value)
    rule = f'For {kind.value}, changes = "{changes}" there'
    if found is None:
        what = {"free": "any text runs", "ask": "a person approves what does not only read"}
        said = what.get(changes, "only what only reads runs")
        return Fate(runs=True, sentence=f"{rule}: {said}.", changes=changes)
    becomes = {
        Need.RUN: "it runs",
        Need.ASK: "it needs a person's approval",
        Need.REFUSE: "it is refused",
    }
    need = needs(changes, found.kind)
    why = "" if need is Need.RUN else _why(found)
    sentence = f"Its class is {found.kind.value}. {rule}: {becomes[need]}.{why}"
    return Fate(need is Need.RUN, sentence, changes, found.kind.value)


def _why(found: "Classification") -> str:
    return "".join(f" {one.sentence()}" for one in found.reasons[:1])


async def _judged(
    settings: Settings, text: str, module: str, *, read: bool
) -> "tuple[Classification, Uncarried | None]":
    from pwsh_kernels.catalog import Catalog
    from pwsh_kernels.classification import Class, Classifier, Uncarried
    from pwsh_kernels.landlock import abi_version

    confined = settings.confine != "off" and abi_version() > 0
    classifier = Classifier(Catalog.load(extra=settings.modules_dir), confined=confined)
    try:
        found = await classifier.classify(text, module)
        carries = read and found.kind is Class.READ
        carried = await classifier.carry(text) if carries else None
        return found, carried if isinstance(carried, Uncarried) else None
    finally:
        await classifier.stop()
