"""Session keys, the check script's answer, and the comparison of who signed in with who was
expected.
"""

import re
import uuid
from datetime import UTC, datetime

import pytest

from pwsh_kernels.catalog import IdentityField, Tenant
from pwsh_kernels.sessions.key import SessionKey
from pwsh_kernels.sessions.session import SignedIn
from pwsh_kernels.sessions.sign_in.verdict import judge, read_check

CONTOSO_ID = "c0070500-0001-4a11-8c0d-5a9d0b0c0001"
DOMAINS: tuple[IdentityField, ...] = ("domains",)
TENANT_ID: tuple[IdentityField, ...] = ("tenant_id",)
ADMIN = SignedIn(
    "admin@contoso.example", CONTOSO_ID, ("contoso.example", "contoso.onmicrosoft.example")
)


def test_kernel_ids_are_uuids_that_stay_the_same_and_differ_by_session() -> None:
    one, other = SessionKey("contoso.example", "exo"), SessionKey("fabrikam.example", "exo")
    assert one.kernel_id == SessionKey("contoso.example", "exo").kernel_id != other.kernel_id
    assert str(uuid.UUID(one.kernel_id)) == one.kernel_id


def test_kernelspec_names_hold_only_what_jupyter_allows() -> None:
    name = SessionKey("contoso-2.example", "exo").kernelspec
    assert name == "contoso-2.example.exo"
    assert re.fullmatch(r"[a-z0-9._-]+", name)


def test_a_tenant_is_recognised_by_any_of_its_domains_whatever_the_letter_case() -> None:
    assert judge(
        ADMIN, Tenant("elsewhere.example", domains=("Contoso.onmicrosoft.EXAMPLE",))
    ).accepted


def test_an_account_of_another_tenant_is_refused_and_both_are_named() -> None:
    verdict = judge(ADMIN, Tenant("fabrikam.example"))
    assert not verdict.accepted
    assert "admin@contoso.example" in verdict.reason
    assert "not to fabrikam.example" in verdict.reason
    assert verdict.code == "wrong_tenant"


def test_a_configured_tenant_id_counts_more_than_domains() -> None:
    assert judge(ADMIN, Tenant("partner.example", tenant_id=CONTOSO_ID.upper())).accepted
    assert not judge(
        ADMIN, Tenant("contoso.example", tenant_id="00000000-0000-0000-0000-000000000000")
    ).accepted


def test_tenants_that_only_their_ids_tell_apart_are_named_by_their_ids() -> None:
    names = ("contoso.onmicrosoft.example",)
    verdict = judge(
        ADMIN,
        Tenant("contoso.example", tenant_id="00000000-0000-0000-0000-000000000000", domains=names),
    )
    assert (
        verdict.reason
        == f"admin@contoso.example signed in to the tenant {CONTOSO_ID}, not to contoso.example,"
        " whose configured id is 00000000-0000-0000-0000-000000000000. Sign in again with an"
        " account of contoso.example."
    )


def test_a_sign_in_that_names_no_tenant_is_refused() -> None:
    verdict = judge(SignedIn("someone@contoso.example"), Tenant("contoso.example"))
    assert not verdict.accepted
    assert "an unknown tenant" in verdict.reason


def test_the_expected_account_is_compared_without_letter_case() -> None:
    assert judge(
        ADMIN, Tenant("contoso.example"), expected_account="ADMIN@contoso.example"
    ).accepted


def test_another_account_of_the_same_tenant_is_refused_when_one_is_expected() -> None:
    verdict = judge(ADMIN, Tenant("contoso.example"), expected_account="reader@contoso.example")
    assert not verdict.accepted
    assert "reader@contoso.example is expected" in verdict.reason
    assert verdict.code == "wrong_account"


def test_the_check_scripts_object_is_read() -> None:
    text = (
        '{"account": "admin@contoso.example", "tenant_id": "t", "domains": ["contoso.example"], '
        '"expires_at": "2026-11-22T18:00:00.1234567Z"}'
    )
    signed_in = read_check(text)
    assert signed_in is not None
    assert (signed_in.account, signed_in.tenant_id, signed_in.domains) == (
        "admin@contoso.example",
        "t",
        ("contoso.example",),
    )
    assert signed_in.expires_at is not None
    assert signed_in.expires_at.replace(microsecond=0) == datetime(2026, 11, 22, 18, tzinfo=UTC)


def test_one_domain_and_a_missing_expiry_are_enough() -> None:
    assert read_check(
        '[{"account": "a", "domains": "contoso.example", "expires_at": null}]'
    ) == SignedIn("a", domains=("contoso.example",))


@pytest.mark.parametrize("nobody", ["", "  \n", "null", "[]"])
def test_no_answer_of_the_check_script_means_nobody(nobody: str) -> None:
    assert read_check(nobody) is None


@pytest.mark.parametrize("unknown", ["yes", '"admin"', "{}", '{"account": ""}', "[1, 2]"])
def test_an_unknown_answer_of_the_check_script_never_counts_as_signed_in(unknown: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        read_check(unknown)


def test_what_a_module_cannot_prove_is_no_evidence() -> None:
    tenant = Tenant("contoso.example", tenant_id=CONTOSO_ID)
    assert judge(ADMIN, tenant, proven=DOMAINS).accepted
    assert judge(ADMIN, Tenant("contoso.example"), proven=TENANT_ID).code == "wrong_tenant"
    assert judge(ADMIN, tenant, ADMIN.account, proven=TENANT_ID).code == "wrong_account"
