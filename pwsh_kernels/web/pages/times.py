"""Times in words, as a page shows them: `5 min ago`, `in 2 h`. Pure."""

from datetime import datetime, timedelta

MINUTE, HOUR, DAY = 60, 3600, 86_400


def moment(text: str) -> datetime:
    """Return an ISO 8601 time."""
    return datetime.fromisoformat(text)


def ago(text: str | None, now: datetime) -> str:
    """Return how long ago a time is, or "" for none."""
    if not text:
        return ""
    passed = now - moment(text)
    return "just now" if passed < timedelta(minutes=1) else f"{lasting(passed)} ago"


def until(text: str | None, now: datetime) -> str:
    """Return in how long a time comes, or that it has passed; "" for none."""
    if not text:
        return ""
    left = moment(text) - now
    return f"in {lasting(left)}" if left > timedelta(0) else "over"


def lasting(span: timedelta) -> str:
    """Return a span in its largest unit: `under a minute`, `5 min`, `3 h`, `12 days`.

    Seconds would change a page that nothing has happened on.
    """
    seconds = max(0, int(span.total_seconds()))
    if seconds < MINUTE:
        return "under a minute"
    if seconds < HOUR:
        return f"{seconds // MINUTE} min"
    if seconds < 2 * DAY:
        return f"{seconds // HOUR} h"
    return f"{seconds // DAY} days"


def clock(text: str | None) -> str:
    """Return a time as it is written for people, in UTC: `2026-11-30 22:05 UTC`."""
    return f"{moment(text):%Y-%m-%d %H:%M} UTC" if text else ""
