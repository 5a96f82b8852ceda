"""Reads the tenants: those of the sandbox, those of the user's file, and additions from the
settings.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pwsh_kernels.catalog.tenants.names import (
    checked_alias,
    checked_domain,
    checked_sharepoint_host,
)
from pwsh_kernels.catalog.tenants.parsing import Form, read_form
from pwsh_kernels.catalog.tenants.tenant import Tenant
from pwsh_kernels.catalog.tenants.tenants import Tenants
from pwsh_kernels.catalog.toml_lines import Problem
from pwsh_kernels.errors import BrokenFile, InvalidSetting

# Read as data: the catalog knows which tenants are simulated, and nothing else of the sandbox's
# code.
SANDBOX_COMPANY = Path(__file__).parents[2] / "sandbox" / "company.json"


def sandbox_facts(company: Path = SANDBOX_COMPANY) -> dict[str, Mapping[str, Any]]:
    """Return what is known about each simulated tenant, in the form of an entry of the tenants
    file.
    """
    tenants = json.loads(company.read_text(encoding="utf-8"))["tenants"]
    return {one["name"]: _entry(one) for one in tenants}


def _entry(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": facts["name"],
        "tenant_id": facts["tenant_id"],
        "domains": facts["domains"],
        "organization": facts["initial_domain"],
        "sharepoint_host": facts["sharepoint_host"],
        "sandbox": True,
    }


def read_file(file: Path, text: str | None = None) -> Form:
    """Return the tenants of a file with every problem in it; a `text` is read instead if given."""
    try:
        content = file.read_text(encoding="utf-8") if text is None else text
    except OSError as problem:
        return Form(problems=(Problem(problem.strerror or str(problem)),))
    except UnicodeDecodeError:
        return Form(problems=(Problem("it is not UTF-8 text"),))
    return read_form(content, file.absolute().parent, sandbox_facts())


def load_tenants(
    file: Path | None = None,
    aliases: Mapping[str, str] | None = None,
    sharepoint: Mapping[str, str] | None = None,
) -> Tenants:
    """Read the tenants. Raises BrokenFile with the first problem's line, InvalidSetting."""
    form = read_file(file) if file else Form()
    if file and form.problems:
        first, more = form.problems[0], len(form.problems) - 1
        others = f" (and {more} more; `pwsh-kernels tenants check` lists them)" if more else ""
        raise BrokenFile(str(file), f"{first.text}{others}", first.line)
    named = {one.name: one for one in form.tenants}
    built_in = {name: _sandbox_tenant(facts) for name, facts in sandbox_facts().items()}
    known = Tenants({**built_in, **named}, closed=bool(named))
    return with_sharepoint(with_aliases(known, aliases or {}), sharepoint or {})


def _sandbox_tenant(facts: Mapping[str, Any]) -> Tenant:
    return Tenant(**{**facts, "domains": tuple(facts["domains"])})


def with_aliases(tenants: Tenants, aliases: Mapping[str, str]) -> Tenants:
    """Return the tenants with more aliases, by tenant.

    Raises InvalidSetting for an alias of another tenant.
    """
    for alias, target in aliases.items():
        tenant = _target(tenants, target, "TENANT_ALIASES")
        name = _checked(checked_alias, alias, "TENANT_ALIASES")
        other = tenants.by_name.get(name)
        if other and other.name != tenant.name:
            raise InvalidSetting(
                "TENANT_ALIASES", f"{name} would mean both {other.name} and {tenant.name}"
            )
        extra = () if other else (name,)
        tenants = _with(tenants, replace(tenant, aliases=(*tenant.aliases, *extra)))
    return tenants


def with_sharepoint(tenants: Tenants, hosts: Mapping[str, str]) -> Tenants:
    """Return the tenants with SharePoint host prefixes; those in the file take precedence.

    Raises InvalidSetting.
    """
    for target, host in hosts.items():
        tenant = _target(tenants, target, "SHAREPOINT_TENANTS")
        prefix = _checked(checked_host, host, "SHAREPOINT_TENANTS")
        # A simulated tenant has a host of its own that only the file can change.
        tenants = _with(tenants, replace(tenant, sharepoint_host=tenant.sharepoint_host or prefix))
    return tenants


def checked_host(text: str) -> str:
    """Return the SharePoint host prefix in a prefix, a host name or the beginning of a URL, in
    lower case.

    Raises ValueError.
    """
    prefix = text.lower().removeprefix("https://").removesuffix("/").removesuffix(".sharepoint.com")
    try:
        return checked_sharepoint_host(prefix)
    except ValueError:
        raise ValueError(
            f"{text!r} is not a SharePoint host prefix, such as contoso of contoso.sharepoint.com"
        ) from None


def _target(tenants: Tenants, name: str, setting: str) -> Tenant:
    """Return the tenant that a setting refers to: a known one, or the one whose domain it names."""
    found = tenants.by_name.get(name.lower())
    return found or Tenant(_checked(checked_domain, name, setting))


def _checked(check: Any, text: str, setting: str) -> str:
    try:
        return str(check(text))
    except ValueError as problem:
        raise InvalidSetting(setting, str(problem)) from None


def _with(tenants: Tenants, tenant: Tenant) -> Tenants:
    return Tenants({**tenants.known, tenant.name: tenant}, tenants.closed)
