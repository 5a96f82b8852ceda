"""Results as a table in Markdown, one row per family."""

from collections import Counter
from collections.abc import Sequence

from benchmarks.faults.fault import Outcome, Result

COLUMNS: tuple[Outcome, ...] = ("ok", "wrong", "hang", "lost")


def table(results: Sequence[Result]) -> str:
    """Return how often each family's trials came out how; one that was none does not count."""
    tried = [one for one in results if one.outcome in COLUMNS]
    families = dict.fromkeys(one.family for one in tried)
    rows = [_row(name, [one for one in tried if one.family == name]) for name in families]
    return "\n".join([_line("family", "faults", "trials", *COLUMNS), "|---" * 7 + "|", *rows])


def _row(name: str, results: Sequence[Result]) -> str:
    outcomes = Counter(one.outcome for one in results)
    faults = len({one.fault for one in results})
    return _line(name, faults, len(results), *(outcomes[one] for one in COLUMNS))


def _line(*cells: object) -> str:
    return "| " + " | ".join(map(str, cells)) + " |"
