"""Durations are measured in ticks: a step of the clock changes no duration and no order."""

from datetime import UTC, datetime, timedelta

from pwsh_kernels.sessions.moment import Moment, now

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
DAYS = timedelta(days=2)


def test_a_step_of_the_clock_between_two_moments_does_not_count() -> None:
    before = Moment.at(NOON, 100.0)
    for step in (DAYS, -DAYS):
        after = Moment.at(NOON + step, 101.0)
        assert after - before == timedelta(seconds=1)
        assert before < after
        assert before <= after
        assert after > before
        assert after >= before
        assert not after < before


def test_what_is_due_later_is_due_by_ticks_and_shown_by_the_clock() -> None:
    due = Moment.at(NOON, 100.0) + timedelta(seconds=60)
    assert due.isoformat() == "2026-11-30T12:01:00+00:00"
    assert Moment.at(NOON - DAYS, 161.0) > due > Moment.at(NOON + DAYS, 159.0)
    assert due - timedelta(seconds=60) - Moment.at(NOON + DAYS, 100.0) == timedelta(0)


def test_with_other_times_a_moment_is_an_ordinary_one() -> None:
    moment = Moment.at(NOON, 5.0)
    assert moment == NOON
    assert moment - (NOON - DAYS) == DAYS
    assert moment.replace(hour=13) - moment == timedelta(hours=1)
    assert moment < NOON + DAYS


def test_now_is_now() -> None:
    first = now()
    assert timedelta(0) <= now() - first < timedelta(hours=1)
    assert abs(datetime.now(UTC) - first) < timedelta(hours=1)
