"""Whether the expected account signed in, according to the module's check script. Pure."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, get_args

from pwsh_kernels.catalog import IdentityField, Tenant
from pwsh_kernels.sessions.session import SignedIn


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a sign-in is the expected one; `reason` is a sentence if it is not."""

    accepted: bool
    reason: str = ""
    code: Literal["wrong_account", "wrong_tenant"] = "wrong_account"


ACCEPTED = Verdict(accepted=True)


def read_check(output: str) -> SignedIn | None:
    """Return who is signed in according to the JSON that the check script printed, or None for
    nobody.

    Raises ValueError for output of any other shape: an unknown answer must not count as signed in.
    """
    if not output.strip():
        return None
    facts = json.loads(output)
    if isinstance(facts, list) and len(facts) == 1:
        facts = facts[0]
    if facts is None or facts == []:
        return None
    if not isinstance(facts, Mapping) or not facts.get("account"):
        raise ValueError("the check script named no account")
    return SignedIn(
        account=str(facts["account"]),
        tenant_id=str(facts.get("tenant_id") or ""),
        domains=_domains(facts.get("domains")),
        expires_at=_time(facts.get("expires_at")),
    )


def judge(
    signed_in: SignedIn,
    tenant: Tenant,
    expected_account: str | None = None,
    proven: Collection[IdentityField] = get_args(IdentityField),
) -> Verdict:
    """Compare who signed in with the tenant (its id if one is configured, otherwise its domains)
    and the expected account.

    `proven`: the fields that the module's check proves; other fields are not evidence.
    """
    if not _same_tenant(signed_in, tenant, proven):
        return Verdict(
            accepted=False,
            code="wrong_tenant",
            reason=(
                f"{signed_in.account} signed in to {_elsewhere(signed_in, tenant)}. "
                f"Sign in again with an account of {tenant.name}."
            ),
        )
    same_account = (
        "account" in proven and signed_in.account.casefold() == (expected_account or "").casefold()
    )
    if expected_account and not same_account:
        return Verdict(
            accepted=False,
            code="wrong_account",
            reason=(
                f"{signed_in.account} signed in, but {expected_account} is expected. Sign in again"
                " with that one."
            ),
        )
    return ACCEPTED


def _same_tenant(signed_in: SignedIn, tenant: Tenant, proven: Collection[IdentityField]) -> bool:
    if tenant.tenant_id and "tenant_id" in proven:
        return signed_in.tenant_id.casefold() == tenant.tenant_id.casefold()
    if "domains" not in proven:
        return False
    names = {name.casefold() for name in (tenant.name, *tenant.domains)}
    return not names.isdisjoint(domain.casefold() for domain in signed_in.domains)


def _elsewhere(signed_in: SignedIn, tenant: Tenant) -> str:
    """Say which tenant it is and which it should be, by id if the domains are the same."""
    names = {name.casefold() for name in (tenant.name, *tenant.domains)}
    foreign = [domain for domain in signed_in.domains if domain.casefold() not in names]
    if foreign or not (signed_in.tenant_id and tenant.tenant_id):
        return (
            f"{', '.join(foreign) or signed_in.tenant_id or 'an unknown tenant'}, not to"
            f" {tenant.name}"
        )
    return (
        f"the tenant {signed_in.tenant_id}, not to {tenant.name}, whose configured id is"
        f" {tenant.tenant_id}"
    )


def _domains(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    return tuple(str(one) for one in value) if isinstance(value, list) else ()


def _time(value: Any) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        time = datetime.fromisoformat(value)
    except ValueError:
        return None
    return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
