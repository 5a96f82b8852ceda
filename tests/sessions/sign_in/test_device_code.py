"""The device code: found through everything that is printed around it, hidden in everything that is
kept.
"""

from dataclasses import replace

import pytest

from pwsh_kernels.catalog import Catalog
from pwsh_kernels.records import Record
from pwsh_kernels.sessions.redaction import HIDDEN, hide_in_record, hide_secrets
from pwsh_kernels.sessions.session import DeviceCode
from pwsh_kernels.sessions.sign_in.device_code import declined, expired, find_device_code

DEVICE = Catalog.load().module("exo").routes["device_code"]
URL = "https://microsoft.com/devicelogin"
ENTRA = (
    f"To sign in, use a web browser to open the page {URL} and enter the code ABCD12345 to"
    " authenticate."
)


def find(output: str, *, complete: bool = False) -> DeviceCode | None:
    return find_device_code(output, DEVICE.code_pattern, DEVICE.url_pattern, complete=complete)


@pytest.mark.parametrize(
    ("printed", "url"),
    [
        (ENTRA, URL),
        (f"\x1b[33m[Login to Azure]\x1b[0m {ENTRA}\r\n", URL),
        (ENTRA.replace("ABCD12345", "\x1b[1mABCD12345\x1b[0m"), URL),
        (ENTRA.replace("ABCD12345", "ABCD\n12345"), URL),
        (ENTRA.replace("the code ", "the code\n"), URL),
        (ENTRA.replace("devicelogin", "device\r\nlogin"), URL),
        ("Code ABCD12345 has been copied to your clipboard and a new tab in the browser has been opened.",  # noqa: E501
         "https://login.microsoft.com/device"),
        ("Open a browser, navigate to https://login.microsoftonline.us/device and log in using code ABCD12345 to go on.",  # noqa: E501
         "https://login.microsoftonline.us/device"),
        (f"Rufen Sie zum Anmelden {URL} auf, und geben Sie ABCD12345 ein.", URL),
        (f"サインインするには {URL} を開き、コード ABCD12345 を入力します。", URL),
    ],
)  # fmt: skip
def test_known_and_translated_sentences_give_code_and_address(printed: str, url: str) -> None:
    assert find(printed) == DeviceCode("ABCD12345", url)


@pytest.mark.parametrize(
    "printed",
    [
        "",
        "Importing the module ExchangeOnlineManagement",
        "VERSION 3100 LOADED FROM /opt/AB12CD34EF/module\n",
        "The error code is 12.\n",
        f"Go to {URL} soon.\n",
        f"{URL} TENANT0001 TENANT0002 \n",
    ],
)
def test_other_output_gives_no_code(printed: str) -> None:
    assert find(printed) is None


def test_a_code_cut_off_at_the_end_of_a_chunk_is_not_believed() -> None:
    start = ENTRA[: ENTRA.index("12345") + 4]
    assert find(start) is None
    assert find(ENTRA) == DeviceCode("ABCD12345", URL)


def test_a_code_that_ends_the_output_is_believed_when_nothing_more_comes() -> None:
    start = ENTRA[: ENTRA.index("12345") + 5]
    assert find(start) is None
    assert find(start, complete=True) == DeviceCode("ABCD12345", URL)


def test_a_second_code_replaces_the_first() -> None:
    again = find(ENTRA + "\n" + ENTRA.replace("ABCD12345", "ZZZZ99999"))
    assert again == DeviceCode("ZZZZ99999", URL)


@pytest.mark.parametrize(
    "printed",
    ["x ABCD12345 y", "x ABCD\n12345 y", "x AB\x1b[1mCD12345 y", "x ABCD\r\n123\x1b[0m45 y"],
)
def test_a_code_is_hidden_also_where_something_was_printed_inside_it(printed: str) -> None:
    assert hide_secrets(printed, ["ABCD12345"]) == f"x {HIDDEN} y"


def test_a_code_is_hidden_in_the_facts_of_a_record() -> None:
    record = Record(
        "error",
        "code ABCD12345 expired",
        position="At ABCD12345",
        target="ABCD12345",
        script_stack="ABCD12345",
    )
    record = replace(
        record, error_id="Leak,ABCD12345", command="ABCD12345", causes=("ABCD12345 was no good",)
    )
    assert "ABCD12345" not in str(hide_in_record(record, ["ABCD12345"]))


def test_declined_and_expired_are_told_apart() -> None:
    no = Record("error", "authorization_declined: the user declined")
    late = Record("error", "AADSTS70019: Verification code expired.")
    assert (declined(no), expired(no)) == (True, False)
    assert (declined(late), expired(late)) == (False, True)
    assert not declined(None)
    assert not expired(Record("error", "AADSTS53003: blocked"))
    assert not expired(Record("error", "The operation timed out."))
    assert expired(
        Record(
            "error",
            "DeviceCodeCredential authentication failed: ",
            causes=("code_expired: before it was used",),
        )
    )
    assert declined(
        Record(
            "error",
            "DeviceCodeCredential authentication failed: ",
            causes=("authorization_declined: no",),
        )
    )
    assert expired(
        Record(
            "error",
            "Authentication timed out after 120 seconds due to inactivity. Please try again.",
        )
    )
    assert expired(
        Record("error", "Device code terminal timed-out after 120 seconds. Please try again.")
    )
