"""What errors mean in plain words."""

import re
from pathlib import Path

import pytest

from pwsh_kernels.catalog import Explanation, explain
from pwsh_kernels.catalog.explanations import EXPLANATIONS_FILE, REFERENCE

OTHERS = [
    *(
        50074,
        50079,
        70016,
        70018,
        70019,
        90120,
        700016,
        7000218,
        7000215,
        7000222,
        700027,
        65001,
        65004,
        90094,
    ),
    *(50105, 50020, 50034, 90072, 90002, 50053, 50055, 50126, 700024, 500011),
]
PNP = "Please specify a valid client id for an Entra ID App Registration."
MISSING = (
    "The PowerShell module Az.Accounts 3.0.0 or newer is not installed. Install it: pwsh-kernels"
    " modules install azure"
)


def explained(text: str) -> Explanation:
    found = explain(text)
    assert found is not None, text
    return found


def test_an_entra_error_is_explained_by_its_number() -> None:
    text = (
        "invalid_grant: AADSTS50173: The provided grant has expired due to it being revoked. Trace"
        " ID: 0000"
    )
    assert explain(text) == Explanation(
        code="AADSTS50173",
        sentence=(
            "The sign-in was ended: the password was changed, or an administrator revoked the"
            " sessions."
        ),
        remedy="Sign in again.",
        link=REFERENCE,
        ends_sign_in=True,
    )


@pytest.mark.parametrize("number", [530036, 53003, 530032, 530035, 53000, 53001, 50097])
def test_a_policy_that_blocks_device_codes_leaves_other_routes(number: int) -> None:
    assert explained(f"AADSTS{number}: no").blocks_route


@pytest.mark.parametrize(
    "number", [50132, 50133, 50173, 70043, 70008, 700082, 53003, 530036, 50076, 50057]
)
def test_what_may_end_a_sign_in_says_so(number: int) -> None:
    assert explained(f"AADSTS{number}: no").ends_sign_in


@pytest.mark.parametrize(
    "number",
    OTHERS,
)
def test_the_other_known_numbers_are_explained_and_block_no_route(number: int) -> None:
    found = explained(f"AADSTS{number}: no")
    assert (found.code, found.blocks_route) == (f"AADSTS{number}", False)


def test_a_longer_number_is_not_taken_for_a_shorter_one() -> None:
    assert explained("AADSTS530036: no").code == "AADSTS530036"
    assert explain("AADSTS5000000: no") is None


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (PNP, "pnp_app_missing"),
        (MISSING, "module_not_installed"),
        ("Device code authentication timed out after 120 seconds.", "graph_code_timeout"),
        (
            (
                "ManagedIdentityCredential authentication unavailable. No Managed Identity endpoint"
                " found."
            ),
            None,
        ),
        (
            "Device code terminal timed-out after 120 seconds. Please try again.",
            "graph_code_timeout",
        ),
        (
            "ManagedIdentityCredential authentication failed: invalid_request: Identity not found",
            "managed_identity_unknown",
        ),
        (
            "InvalidAuthenticationToken: Access token validation failure. Invalid audience.",
            "token_unusable",
        ),
        (
            "The provided account a@b.com does not have access to tenant 'c'.",
            "account_of_other_tenant",
        ),
        ("UnAuthorized", "token_refused"),
        ("The specified network password is not correct.", "certificate_unreadable"),
        ("Access to the path '/etc/product/app.pfx' is denied.", "certificate_out_of_reach"),
        ("error:10080002:BIO routines::system lib", "certificate_out_of_reach"),
        ("ManagedIdentity: Permission denied (169.254.169.254:80)", "managed_identity_confined"),
        ("IDX10223: Lifetime validation failed, the token is expired.", "token_expired"),
        ("IDX10214: Audience validation failed.", "token_unusable"),
        (
            "[Authorization_RequestDenied] : Insufficient privileges to complete the operation.",
            "insufficient_rights",
        ),
    ],
)
def test_the_modules_own_errors_are_explained(text: str, code: str | None) -> None:
    assert explained(text).code == (code or "managed_identity_unavailable")


@pytest.mark.parametrize(
    "text", ["", "Cannot find a user.", "The code has 120 rows.", "AADSTS", "AADSTS1"]
)
def test_other_texts_are_not_explained(text: str) -> None:
    assert explain(text) is None


def test_every_explanation_is_whole_sentences_with_a_remedy_and_a_link() -> None:
    text = Path(EXPLANATIONS_FILE).read_text(encoding="utf-8")
    for key in ("sentence", "remedy"):
        for value in re.findall(rf'^{key} = "(.*)"$', text, re.MULTILINE):
            assert value[0].isupper()
            assert value.endswith(".")
    assert text.count("sentence =") == text.count("remedy =")
    assert all(
        link.startswith("https://") for link in re.findall(r'^link = "(.*)"$', text, re.MULTILINE)
    )
