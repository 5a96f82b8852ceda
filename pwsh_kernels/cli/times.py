"""Times for people at a terminal; in JSON they stay ISO 8601. Pure."""

from datetime import datetime

MINUTE = 60


def clock(time: str, now: datetime) -> str:
    """Return an ISO 8601 time on the clock of `now`: 07:41, with the date on another day."""
    there = datetime.fromisoformat(time).astimezone(now.tzinfo)
    return f"{there:%H:%M}" if there.date() == now.date() else f"{there:%Y-%m-%d %H:%M}"


def local_clock(time: str) -> str:
    """Return an ISO 8601 time on the clock of this machine."""
    return clock(time, datetime.now().astimezone())


def local_time(time: str) -> str:
    """Return an ISO 8601 time with its date, on the clock of this machine."""
    return f"{datetime.fromisoformat(time).astimezone():%Y-%m-%d %H:%M:%S}" if time else ""


def lasting(seconds: int) -> str:
    """Return a duration in whole minutes, a shorter one in seconds."""
    count, unit = (seconds, "second") if seconds < MINUTE else (round(seconds / MINUTE), "minute")
    return f"{count} {unit}" if count == 1 else f"{count} {unit}s"
