"""`pwsh-kernels tenants` and `tenants check`: look at the tenants file itself, without a server."""

from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pwsh_kernels.cli.console import ExitCode, note, say, say_json, table
from pwsh_kernels.discovery import read_settings
from pwsh_kernels.errors import ProductError
from pwsh_kernels.settings import Settings

if TYPE_CHECKING:
    from pwsh_kernels.catalog import ModuleAccess, Tenant, TenantsFile
    from pwsh_kernels.catalog.toml_lines import Problem

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


def tenants(context: typer.Context, as_json: AsJson = False) -> None:
    """List, check, add and import tenants.

    Without a command it lists those of the sandbox, the tenants file and the settings.
    """
    if context.invoked_subcommand:
        return
    settings = read_settings()
    known = tenants_file(settings).current()
    if as_json:
        say_json([facts_of(one) for one in known.known.values()])
        return
    rows = [_row(one) for one in known.known.values()]
    say(table(("TENANT", "ALIASES", "TENANT ID", "ACCOUNT", "MODULES", "SANDBOX"), rows))
    if not known.closed:
        note(f"{_no_tenant(settings.tenants_path)}: any domain name is accepted as a tenant.")


def _no_tenant(path: Path) -> str:
    return f"{path} names no tenant" if path.exists() else f"There is no tenants file ({path})"


def tenants_file(settings: Settings) -> "TenantsFile":
    """Return the tenants file of the settings, which must exist only if they name it."""
    from pwsh_kernels.catalog import TenantsFile

    must_exist = settings.tenants_file is not None
    return TenantsFile(
        settings.tenants_path,
        settings.tenant_aliases,
        settings.sharepoint_tenants,
        must_exist=must_exist,
    )


def _row(tenant: "Tenant") -> tuple[object, ...]:
    modules = [
        f"{key} ({access.route})" if access.route else key for key, access in tenant.modules.items()
    ]
    sandbox = "yes" if tenant.sandbox else ""
    return (
        tenant.name,
        ", ".join(tenant.aliases),
        tenant.tenant_id,
        tenant.expected_account,
        ", ".join(modules),
        sandbox,
    )


def facts_of(tenant: "Tenant") -> Mapping[str, object]:
    """Return a tenant as JSON values; of secrets only their places."""
    modules = {key: _known(access) for key, access in tenant.modules.items()}
    return {**_known(tenant), "sandbox": tenant.sandbox, "modules": modules}


def _known(one: "Tenant | ModuleAccess") -> Mapping[str, object]:
    values = {
        field.name: getattr(one, field.name) for field in fields(one) if field.name != "modules"
    }
    return {key: _plain(value) for key, value in values.items() if value}


def _plain(value: object) -> Any:
    from pwsh_kernels.catalog import SecretSource

    if isinstance(value, SecretSource):
        return {"file": str(value.file)} if value.file else {"env": value.env}
    return str(value) if isinstance(value, Path) else value


def check(
    file: Annotated[
        Path | None, typer.Argument(help="Tenants file. Default: the one in use.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Find every problem of a tenants file.

    Checks its form, modules, routes, secrets and certificates. The exit code is 1 if there is a
    problem.
    """
    settings = read_settings()
    path = file or settings.tenants_path
    absent = not (file or settings.tenants_file or path.exists())
    problems = [] if absent else problems_of(settings, path)
    if as_json:
        say_json(
            {
                "file": str(path),
                "problems": [{"line": one.line, "problem": one.text} for one in problems],
            }
        )
    elif problems:
        say("\n".join(located(one, path) for one in problems))
    else:
        say(f"{path}: {'there is no such file yet' if absent else 'no problems'}.")
    if problems:
        raise typer.Exit(ExitCode.FAILED)


def located(problem: "Problem", path: Path) -> str:
    """Return a problem with its file and line."""
    place = f"{path}, line {problem.line}" if problem.line else str(path)
    return f"{place}: {problem.text}"


def problems_of(settings: Settings, path: Path, tenant: str | None = None) -> "list[Problem]":
    """Return every problem of a tenants file, or those of one of its tenants."""
    from pwsh_kernels.catalog import Catalog
    from pwsh_kernels.catalog.tenants.checking import check_tenants
    from pwsh_kernels.catalog.tenants.loading import read_file

    form = read_file(path)
    if tenant:
        form = replace(form, tenants=tuple(one for one in form.tenants if one.name == tenant))
    found = check_tenants(form, Catalog.load(extra=settings.modules_dir))
    return found or _wrong_settings(settings, path)


def _wrong_settings(settings: Settings, path: Path) -> "list[Problem]":
    from pwsh_kernels.catalog import load_tenants
    from pwsh_kernels.catalog.toml_lines import Problem

    try:
        load_tenants(path, settings.tenant_aliases, settings.sharepoint_tenants)
    except ProductError as problem:
        return [Problem(problem.text())]
    return []
