"""`pwsh-kernels tenants add` and `tenants import`: put tenants into the tenants file."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from pwsh_kernels.cli.console import note, say
from pwsh_kernels.cli.tenants import located, problems_of
from pwsh_kernels.discovery import read_settings
from pwsh_kernels.errors import BrokenFile, InvalidRequest

Text = Annotated[str | None, typer.Option()]
Texts = Annotated[list[str] | None, typer.Option()]
Flag = Annotated[bool, typer.Option()]
Place = Annotated[str | None, typer.Option(metavar="file:PATH|env:NAME")]


def add(
    name: Annotated[str, typer.Argument(help="The tenant's domain name.")],
    tenant_id: Text = None,
    alias: Texts = None,
    tag: Annotated[
        list[str] | None, typer.Option(help="Word by which grants of principals can name it.")
    ] = None,
    domain: Texts = None,
    sharepoint_host: Text = None,
    organization: Text = None,
    delegated_organization: Text = None,
    expected_account: Annotated[
        str | None, typer.Option(help="For --module if given, otherwise for all.")
    ] = None,
    culture: Annotated[
        str | None,
        typer.Option(
            help="Culture of the sessions, such as de-CH; for --module if given, otherwise for all."
        ),
    ] = None,
    module: Annotated[
        list[str] | None,
        typer.Option(help="Service that the sign-in options apply to; one per call."),
    ] = None,
    route: Text = None,
    client_id: Text = None,
    certificate_file: Text = None,
    certificate_password: Place = None,
    certificate_thumbprint: Text = None,
    client_secret: Place = None,
    access_token: Place = None,
    graph_token: Place = None,
    federated_token: Place = None,
    identity_id: Text = None,
    subscription: Text = None,
    scope: Texts = None,
    site: Text = None,
    restore: Flag = False,
    changes: Annotated[
        list[str] | None,
        typer.Option(
            metavar="RULE",
            help="What becomes of changes: free, ask or never; or agent=ask for a kind of principal"
            " (again for another). For --module if given, otherwise for all.",
        ),
    ] = None,
    read: Annotated[
        bool,
        typer.Option("--read", help="The sign-in options are for the read tier of --module."),
    ] = False,
    read_with: Annotated[
        str | None,
        typer.Option(help="write_account: the read tier signs in as the other tier does."),
    ] = None,
) -> None:
    """Add a tenant to the tenants file, or add to an existing one.

    For an existing tenant, the values you pass overwrite the old ones, and lists are appended to.
    Secrets are never options: name the file or the environment variable that holds one.
    """
    from pwsh_kernels.catalog.file_replacement import replace_file
    from pwsh_kernels.catalog.file_turns import turn
    from pwsh_kernels.catalog.tenants.editing import Entry
    from pwsh_kernels.catalog.tenants.names import domain_name
    from pwsh_kernels.cli.tenants_file import read_correct, with_correct_entry

    service = _one_module(module)
    values = {
        "tenant_id": tenant_id,
        "domains": domain,
        "aliases": alias,
        "tags": tag,
        "sharepoint_host": sharepoint_host,
        "organization": organization,
        "delegated_organization": delegated_organization,
        "expected_account": None if service else expected_account,
        "culture": None if service else culture,
        "changes": None if service else _rule(changes),
        "read_with": read_with,
    }
    access = {
        "route": route,
        "client_id": client_id,
        "certificate_file": _absolute(certificate_file),
        "certificate_password": _place("certificate_password", certificate_password),
        "certificate_thumbprint": certificate_thumbprint,
        "client_secret": _place("client_secret", client_secret),
        "access_token": _place("access_token", access_token),
        "graph_token": _place("graph_token", graph_token),
        "federated_token": _place("federated_token", federated_token),
        "identity_id": identity_id,
        "expected_account": expected_account if service else None,
        "culture": culture if service else None,
        "subscription": subscription,
        "scopes": scope,
        "site": site,
        "restore": restore,
        "changes": _rule(changes) if service else None,
    }
    modules = _modules(service, _given(access))
    if read and not modules:
        raise InvalidRequest("--read", "needs --module, and the account or route that reads")
    writers, readers = ({}, modules) if read else (modules, {})
    entry = Entry(domain_name(name), _given(values), writers, readers=readers)
    path = read_settings().tenants_path
    with turn(path):
        replace_file(path, with_correct_entry(path, read_correct(path).text, entry))
    say(
        f"{entry.name} is in {path}. A running server sees it at once; an open session keeps"
        f" what it started with until `pwsh-kernels disconnect {entry.name} MODULE`."
    )
    for problem in problems_of(read_settings(), path, entry.name):
        note(f"pwsh-kernels: {located(problem, path)}")


def _one_module(modules: list[str] | None) -> str | None:
    """Return the service that is named. Raises InvalidRequest for more than one, because it is
    unknown which options belong to which.
    """
    if modules and len(modules) > 1:
        raise InvalidRequest(
            "--module",
            f"names one service, not {len(modules)}: call `tenants add` once for each service",
        )
    return modules[0] if modules else None


def _rule(given: list[str] | None) -> str | dict[str, str] | None:
    """Return a rule about changes: one word, or a word for each kind. The file's own check says
    what is wrong with a word. Raises InvalidRequest.
    """
    if not given or "=" not in given[0]:
        if len(given or ()) > 1:
            raise InvalidRequest("--changes", "is one word, or KIND=WORD for each kind")
        return given[0] if given else None
    return {kind: word for kind, _, word in (one.partition("=") for one in given)}


def _given(values: Mapping[str, object]) -> dict[str, object]:
    return {key: value for key, value in values.items() if value}


def _modules(module: str | None, access: dict[str, object]) -> dict[str, dict[str, object]]:
    from pwsh_kernels.catalog import Catalog

    if module:
        Catalog.load(extra=read_settings().modules_dir).module(module)
        return {module: access}
    if access:
        raise InvalidRequest(
            "--module",
            f"is needed: {', '.join(access)} belong{'s' if len(access) == 1 else ''} to a module,"
            " such as --module exo",
        )
    return {}


def _absolute(file: str | None) -> str | None:
    return str(Path(file).expanduser().absolute()) if file else None


def _place(option: str, given: str | None) -> Mapping[str, str | None] | None:
    """Return the place of a secret. The typed text is never shown: it may be the secret itself."""
    kind, _, value = (given or "").partition(":")
    if given is None:
        return None
    if kind not in {"file", "env"} or not value:
        raise InvalidRequest(
            f"--{option.replace('_', '-')}",
            "must be file:PATH or env:NAME, never the secret itself",
        )
    return {kind: _absolute(value) if kind == "file" else value}


def import_connections(
    file: Annotated[
        Path, typer.Argument(help="The predecessor's file, such as ~/.m365-connections.json.")
    ],
) -> None:
    """Add the connections of the predecessor, pwsh-manager, to the tenants file.

    A tenant that already exists stays as it is.
    """
    from pwsh_kernels.catalog.file_replacement import replace_file
    from pwsh_kernels.catalog.file_turns import turn
    from pwsh_kernels.catalog.tenants.pwsh_manager_import import read_connections
    from pwsh_kernels.cli.tenants_file import read_correct, with_correct_entry

    try:
        imported = read_connections(file.expanduser().read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise BrokenFile(str(file), str(problem)) from None
    path = read_settings().tenants_path
    with turn(path):
        form = read_correct(path)
        there = {one.name for one in form.tenants}
        text, notes = (
            form.text,
            [
                *imported.notes,
                *(f"{one.name} already exists" for one in imported.entries if one.name in there),
            ],
        )
        for entry in imported.entries:
            try:
                text = text if entry.name in there else with_correct_entry(path, text, entry)
            except InvalidRequest as refused:
                notes.append(refused.text())
        replace_file(path, text)
    for sentence in notes:
        note(f"pwsh-kernels: {sentence}.")
    added = [one.name for one in read_correct(path).tenants if one.name not in there]
    say(
        f"Added to {path}: {', '.join(added) or 'nothing'}. `pwsh-kernels tenants check` checks"
        " the whole file."
    )
