"""How times and addresses are shown to a person at the terminal."""

from datetime import UTC, datetime, timedelta, timezone
from typing import cast

import pytest

from pwsh_kernels.cli.login import Standing, qr_of
from pwsh_kernels.cli.times import clock, lasting

ZURICH = timezone(timedelta(hours=1))


@pytest.mark.parametrize(
    ("time", "now", "read"),
    [
        ("2026-11-30T07:41:04.538Z", datetime(2026, 11, 30, 7, 26, tzinfo=UTC), "07:41"),
        ("2026-11-30T07:41:04.538Z", datetime(2026, 11, 30, 8, 26, tzinfo=ZURICH), "08:41"),
        ("2026-11-29T23:41:00Z", datetime(2026, 11, 30, 8, 26, tzinfo=ZURICH), "00:41"),
        ("2026-11-29T22:41:00Z", datetime(2026, 11, 30, 8, 26, tzinfo=ZURICH), "2026-11-29 23:41"),
    ],
)
def test_a_time_is_that_of_the_clock_with_its_date_on_another_day(
    time: str, now: datetime, read: str
) -> None:
    assert clock(time, now) == read


@pytest.mark.parametrize(
    ("seconds", "read"),
    [
        (899, "15 minutes"),
        (900, "15 minutes"),
        (89, "1 minute"),
        (59, "59 seconds"),
        (1, "1 second"),
        (0, "0 seconds"),
    ],
)
def test_a_duration_is_in_minutes_and_a_short_one_in_seconds(seconds: int, read: str) -> None:
    assert lasting(seconds) == read


def test_a_qr_code_is_for_addresses_that_a_phone_can_open() -> None:
    for url, shown in (
        ("https://login.microsoft.com/device", "QR"),
        ("http://127.0.0.1:5100/sandbox/devicelogin", ""),
        ("http://[::1]:5100/sandbox/devicelogin", ""),
        ("http://localhost:5100/sandbox/devicelogin", ""),
        (None, ""),
    ):
        facts = cast(Standing, {"auth_url": url, "qr_text": "QR" if url else None})
        assert qr_of(facts) == shown
