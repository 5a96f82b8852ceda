"""Versions of PowerShell modules and ranges of them, compared as PSResourceGet does. Pure."""

import re
from dataclasses import dataclass
from functools import total_ordering

from pwsh_kernels.errors import InvalidRequest

_VERSION = re.compile(r"(\d+(?:\.\d+){0,3})(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?")
_RANGE = re.compile(r"([\[(])\s*([^,\s]*)\s*(,?)\s*([^,\s]*)\s*([\])])")


@total_ordering
@dataclass(frozen=True, slots=True)
class Version:
    """`3.10.1`, or `3.2.0-beta1`, which comes before `3.2.0`.

    Missing numbers are 0.
    """

    numbers: tuple[int, ...]
    label: str = ""

    @classmethod
    def parse(cls, text: str) -> "Version":
        """Read a version. Raises InvalidRequest."""
        found = _VERSION.fullmatch(text.strip())
        if not found:
            raise InvalidRequest(
                "version", f"{text!r} is not a version such as 3.2.0 or 3.2.0-beta1"
            )
        numbers = [int(one) for one in found[1].split(".")]
        return cls((*numbers, *[0] * (4 - len(numbers))), found[2] or "")

    @property
    def text(self) -> str:
        """As PSResourceGet writes it: three numbers, or four if the last is not 0."""
        numbers = ".".join(map(str, self.numbers if self.numbers[3] else self.numbers[:3]))
        return f"{numbers}-{self.label}" if self.label else numbers

    def __lt__(self, other: "Version") -> bool:
        return self._key() < other._key()

    def _key(self) -> tuple[object, ...]:
        parts = [
            (0, int(one), "") if one.isdigit() else (1, 0, one.casefold())
            for one in self.label.split(".")
        ]
        return self.numbers, not self.label, parts


@dataclass(frozen=True, slots=True)
class Range:
    """Versions from `low` to `high`; None: no end on that side.

    `text` is how PSResourceGet writes it.
    """

    text: str = ""
    low: Version | None = None
    high: Version | None = None
    with_low: bool = True
    with_high: bool = True

    @classmethod
    def parse(cls, text: str) -> "Range":
        """Read a range as PSResourceGet does: `3.2.0` is that version alone, "" any.

        Raises InvalidRequest.
        """
        if not text.strip():
            return cls()
        if not (found := _RANGE.fullmatch(text.strip())):
            exact = Version.parse(text)
            return cls(text.strip(), exact, exact)
        start, low, comma, high, end = found.groups()
        if not comma and (not low or (start, end) != ("[", "]")):
            raise InvalidRequest("version", f"{text!r} is not a range such as [3.0,4.0)")
        lowest = Version.parse(low) if low else None
        highest = (Version.parse(high) if high else None) if comma else lowest
        return cls(text.strip(), lowest, highest, start == "[", end == "]")

    @property
    def exact(self) -> Version | None:
        """The only version of the range, if it has just one."""
        return self.low if self.low == self.high and self.with_low and self.with_high else None

    def within(self, other: "Range") -> "Range | None":
        """Return the versions that are in both ranges; None if there can be none."""
        low, with_low = self.low, self.with_low
        if other.low and (not low or other.low >= low):
            with_low = other.with_low and (with_low or other.low != low)
            low = other.low
        high, with_high = self.high, self.with_high
        if other.high and (not high or other.high <= high):
            with_high = other.with_high and (with_high or other.high != high)
            high = other.high
        if low and high and (low > high or (low == high and not (with_low and with_high))):
            return None
        ends = (low.text if low else "", high.text if high else "")
        start, end = "[" if low and with_low else "(", "]" if high and with_high else ")"
        text = f"{start}{', '.join(ends)}{end}"
        return Range(text if any(ends) else "", low, high, with_low, with_high)

    def __contains__(self, version: Version) -> bool:
        above = self.low is None or version > self.low or (self.with_low and version == self.low)
        below = (
            self.high is None or version < self.high or (self.with_high and version == self.high)
        )
        return above and below
