"""The link of a notification is good for one approval, until it expires, on the server that made
it.
"""

import base64
import json
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from pwsh_kernels.web.approval_links import ApprovalLinks

NOW = datetime(2026, 12, 1, 9, tzinfo=UTC)
ENDS = NOW + timedelta(minutes=15)


class Clock:
    """A clock that a test moves."""

    time = NOW

    def __call__(self) -> datetime:
        return self.time


def seal_of(address: str) -> str:
    return parse_qs(urlsplit(address).query)["link"][0]


def test_a_link_leads_to_its_approval_until_it_expires() -> None:
    clock = Clock()
    links = ApprovalLinks(clock)
    address = links.address("https://pwsh.contoso.example/base", "a-1", ENDS)
    assert address.startswith("https://pwsh.contoso.example/base/approvals/a-1?link=")
    assert links.until("a-1", seal_of(address)) == ENDS
    clock.time = ENDS + timedelta(seconds=1)
    assert links.until("a-1", seal_of(address)) is None


def test_a_link_is_good_for_no_other_approval_and_no_other_server() -> None:
    links, other = ApprovalLinks(Clock()), ApprovalLinks(Clock())
    seal = seal_of(links.address("", "a-1", ENDS))
    assert links.until("a-2", seal) is None
    assert other.until("a-1", seal) is None


def _part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


FORGED = {"sub": "a-1", "exp": int(ENDS.timestamp())}


@pytest.mark.parametrize(
    "seal",
    [
        "",
        "a.b.c",
        "ä",
        f"{_part({'alg': 'none'})}.{_part(FORGED)}.",
        f"{_part({'alg': 'HS256'})}.{_part(FORGED)}.{_part('signed')}",
    ],
)
def test_what_somebody_makes_up_is_no_link(seal: str) -> None:
    assert ApprovalLinks(Clock()).until("a-1", seal) is None


def test_a_link_whose_end_was_moved_is_none() -> None:
    links = ApprovalLinks(Clock())
    head, _, signature = seal_of(links.address("", "a-1", ENDS)).split(".")
    later = _part({**FORGED, "exp": FORGED["exp"] + 3600})  # type: ignore[operator]
    assert links.until("a-1", f"{head}.{later}.{signature}") is None
