"""`pwsh-kernels principals`: who may do what, in the principals file itself, without a server."""

import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from pwsh_kernels.cli.console import note, say, say_json, table
from pwsh_kernels.cli.tenants import tenants_file
from pwsh_kernels.cli.times import local_time
from pwsh_kernels.discovery import read_settings
from pwsh_kernels.errors import InvalidRequest
from pwsh_kernels.principals.verbs import Verb
from pwsh_kernels.settings import Settings

if TYPE_CHECKING:
    from pwsh_kernels.principals.principal import Grant, Principal

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Id = Annotated[str, typer.Argument(metavar="ID", help="person:NAME, agent:NAME or script:NAME.")]
Days = Annotated[int, typer.Option(min=1, max=3650, help="How long the token is valid.")]


def principals() -> None:
    """Add, list, test and revoke principals: people, agents and scripts with tokens of their own.

    What a verb allows: docs/governance.md.
    """


def add(
    name: Id,
    verb: Annotated[
        list[str] | None, typer.Option(help=f"What it may do: {', '.join(Verb)}.")
    ] = None,
    tenant: Annotated[list[str] | None, typer.Option(help="A tenant, or * for all.")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="All tenants with this tag.")] = None,
    module: Annotated[list[str] | None, typer.Option(help="A service. Default: all.")] = None,
    days: Days = 90,
    jupyter: Annotated[bool, typer.Option(help="Open Jupyter's routes to it.")] = False,
) -> None:
    """Add a principal with a grant, and print its token, once; or give an existing one a grant.

    The verbs of one call apply to all its tenants and modules; call it again for another grant.
    """
    from pwsh_kernels.principals.changes import change, named, read_roll
    from pwsh_kernels.principals.editing import with_grant, with_principal
    from pwsh_kernels.principals.tokens import hash_of, new_token

    settings = read_settings()
    path, one = settings.principals_path, named(name)
    grant = _grant(settings, verb, tenant, tag, module)
    existing = read_roll(path).by_id.get(name)
    if existing:
        if existing.revoked:
            raise InvalidRequest(name, "was revoked and stays so; add another principal")
        if grant is None or jupyter:
            raise InvalidRequest(name, "exists already; only a grant can be added to it (--verb)")
        change(path, lambda text: with_grant(text, existing, grant))
        note(f"{name} has one more grant in {path}. Its token stays the same.")
        return
    token, at = new_token(), _now()
    new = replace(
        one,
        grants=(grant,) if grant else (),
        token_hash=hash_of(token),
        created=at,
        expires=at + timedelta(days=days),
        jupyter=jupyter,
    )
    change(path, lambda text: with_principal(text, new))
    _show_token(new, token)
    if grant is None:
        note(f"{name} may do nothing yet: call `pwsh-kernels principals add {name} --verb …`.")


def list_principals(as_json: AsJson = False) -> None:
    """List the principals, their grants, and until when they are valid."""
    from pwsh_kernels.principals.changes import read_roll

    path = read_settings().principals_path
    known = read_roll(path).known
    if as_json:
        say_json([facts_of(one) for one in known])
        return
    rows = [(one.id, _valid(one), "yes" if one.jupyter else "", _grants(one)) for one in known]
    say(table(("PRINCIPAL", "VALID", "JUPYTER", "GRANTS"), rows))
    if not known:
        note(f"{path} names nobody: only the owner's token is valid.")


def rotate(name: Id, days: Days = 90) -> None:
    """Give a principal a new token, and print it, once; the old one is invalid from then on."""
    from pwsh_kernels.principals.changes import change, find, read_roll
    from pwsh_kernels.principals.editing import with_values
    from pwsh_kernels.principals.tokens import hash_of, new_token

    path = read_settings().principals_path
    one, token = find(read_roll(path), name), new_token()
    if one.revoked:
        raise InvalidRequest(name, "was revoked and stays so; add another principal")
    expires = _now() + timedelta(days=days)
    values: dict[str, str | datetime] = {"token_sha256": hash_of(token), "expires": expires}
    change(path, lambda text: with_values(text, one, values))
    _show_token(replace(one, expires=expires), token)


def revoke(name: Id) -> None:
    """Take every right from a principal at once, for good; its entry stays for the record."""
    from pwsh_kernels.principals import changes

    changes.revoke(read_settings().principals_path, name, _now())
    say(f"{name} may do nothing any more. A running server sees it at its next request.")


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def _show_token(one: "Principal", token: str) -> None:
    until = local_time(_iso(one.expires) or "")
    shown = "it is shown only now:" if sys.stdout.isatty() else "it is written to stdout, only now."
    note(f"The token of {one.id}, valid until {until}; {shown}")
    say(token)
    note("Its holder sets PWSH_MANAGER_TOKEN, or sends `Authorization: Bearer TOKEN`.")


def _grant(
    settings: Settings,
    verbs: list[str] | None,
    tenants: list[str] | None,
    tags: list[str] | None,
    modules: list[str] | None,
) -> "Grant | None":
    """Return the grant of the options, None if there is none. Raises InvalidRequest."""
    from pwsh_kernels.catalog import Catalog
    from pwsh_kernels.principals.principal import EVERY, Grant

    if not (verbs or tenants or tags or modules):
        return None
    if not verbs or not (tenants or tags):
        raise InvalidRequest("a grant", "needs --verb, and --tenant or --tag")
    if unknown := sorted(set(verbs) - set(Verb)):
        raise InvalidRequest("--verb", f"{unknown[0]} is none of {', '.join(Verb)}")
    catalog, known = Catalog.load(extra=settings.modules_dir), tenants_file(settings).current()
    return Grant(
        frozenset(Verb(one) for one in verbs),
        frozenset(one if one == EVERY else known.find_tenant(one).name for one in tenants or ()),
        frozenset(tags or ()),
        frozenset(one if one == EVERY else catalog.module(one).key for one in modules or (EVERY,)),
    )


def facts_of(one: "Principal") -> dict[str, object]:
    """Return a principal as JSON values, without the hash of its token."""
    return {
        "id": one.id,
        "kind": one.kind.value,
        "state": _state(one),
        "expires": _iso(one.expires),
        "revoked": _iso(one.revoked),
        "jupyter": one.jupyter,
        "grants": [
            {
                "verbs": sorted(grant.verbs),
                "tenants": sorted(grant.tenants),
                "tags": sorted(grant.tags),
                "modules": sorted(grant.modules),
            }
            for grant in one.grants
        ],
    }


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _state(one: "Principal") -> str:
    if one.revoked:
        return f"revoked {one.revoked:%Y-%m-%d}"
    return f"{'expired' if one.expired(_now()) else 'until'} {one.expires:%Y-%m-%d}"


def _valid(one: "Principal") -> str:
    """Return the state for people: until when, on the clock of this machine."""
    at = one.revoked or one.expires
    return f"{_state(one).partition(' ')[0]} {local_time(at.isoformat())}" if at else _state(one)


def _grants(one: "Principal") -> str:
    return "; ".join(_grant_text(grant) for grant in one.grants)


def _grant_text(grant: "Grant") -> str:
    places = [*sorted(grant.tenants), *(f"tag {tag}" for tag in sorted(grant.tags))]
    return (
        f"{','.join(sorted(grant.verbs))} in {','.join(places)}:{','.join(sorted(grant.modules))}"
    )
