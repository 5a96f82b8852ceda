"""Checks a tenants file: its modules exist, its routes have what they need, its secrets can be
read.
"""

import stat
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from pwsh_kernels.catalog.catalog import Catalog
from pwsh_kernels.catalog.facts import FactName, Secret, file_keys
from pwsh_kernels.catalog.module import Module
from pwsh_kernels.catalog.tenants.certificates import certificate_end
from pwsh_kernels.catalog.tenants.parsing import Form
from pwsh_kernels.catalog.tenants.tenant import ModuleAccess, Tenant
from pwsh_kernels.catalog.toml_lines import Problem
from pwsh_kernels.errors import BadSecret, ProductError


def check_tenants(form: Form, catalog: Catalog) -> list[Problem]:
    """Return every problem of a tenants file, in the order of its lines.

    Reads the secrets but shows none.
    """
    found = [
        one
        for tenant in form.tenants
        for one in (
            *_accesses(form, tenant, (), catalog),
            *(
                one
                for module in tenant.read
                for one in _accesses(form, tenant.reading(module), ("read",), catalog)
            ),
        )
    ]
    return sorted([*form.problems, *found], key=lambda problem: problem.line or 0)


def _accesses(
    form: Form, tenant: Tenant, table: Sequence[str], catalog: Catalog
) -> Iterator[Problem]:
    """Yield the problems of each access in a table of a tenant: its own, or that of its readers."""
    for key in tenant.modules:
        yield from _access(form, tenant, (*table, key), catalog)


def _access(form: Form, tenant: Tenant, keys: Sequence[str], catalog: Catalog) -> Iterator[Problem]:
    key = keys[-1]
    try:
        sentences = _route(tenant, catalog.module(key))
    except ProductError as problem:
        yield Problem(problem.text(), form.line(tenant.name, *keys))
        return
    name = ":".join((tenant.name, *reversed(keys)))
    for place, sentence in (*sentences, *_secrets(tenant, key), *_certificate(tenant, key)):
        yield Problem(f"{name}: {sentence}", form.line(tenant.name, *keys, place))


def _route(tenant: Tenant, module: Module) -> list[tuple[str, str]]:
    """Say what the route that would be used lacks."""
    name = tenant.access(module.key).route or next(iter(module.routes), None)
    if name is None or name not in module.routes:
        return [("route", f"there is no route {name}; there are {', '.join(module.routes)}")]
    known: dict[FactName, Secret] = {one: Secret("known") for one in tenant.secrets(module.key)}
    missing = module.routes[name].missing({**tenant.facts(module.key), **known})
    return [("route", f"the route {name} needs {file_keys(need)}") for need in missing]


def _secrets(tenant: Tenant, module: str) -> Iterator[tuple[str, str]]:
    for name, source in tenant.secrets(module).items():
        try:
            source.read()
        except BadSecret as problem:
            yield name, f"the secret in {problem.name} cannot be used: {problem.problem}"


def _certificate(tenant: Tenant, module: str) -> Iterator[tuple[str, str]]:
    file = tenant.access(module).certificate_file
    if file and (problem := _unusable(file) or _over(tenant.access(module))):
        yield "certificate_file", f"the certificate {file} cannot be used: {problem}"


def _over(access: ModuleAccess) -> str | None:
    end = certificate_end(access)
    return f"it was valid until {end:%Y-%m-%d}" if end and end < datetime.now(UTC) else None


def _unusable(file: Path) -> str | None:
    try:
        with file.open("rb") as opened:
            opened.read(1)
        mode = file.stat().st_mode
    except OSError as problem:
        return (problem.strerror or str(problem)).lower()
    return (
        f"other users can read it; run `chmod 600 {file}`" if stat.S_IMODE(mode) & 0o077 else None
    )
