"""pytest plugin: what tests with a `proof` mark have proved goes into the table of
docs/conformance.md.
"""

import re
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parent
PAGE = FOLDER.parent / "docs" / "conformance.md"
HEAD = "| suite | version | against | result |\n|---|---|---|---|\n"
_TABLE = re.compile(re.escape(HEAD) + r"(?:\|.*\n)*")
Row = tuple[str, str, str, str]
"""Suite, version, against what, result."""

_told: pytest.StashKey[list[str]] = pytest.StashKey()
_rows: pytest.StashKey[list[Row]] = pytest.StashKey()


def cells(line: str) -> Row:
    """Return the cells of a line of the table. Pure."""
    suite, version, against, result = (
        cell.strip() for cell in line.strip().strip("|").split(" | ")
    )
    return suite, version, against, result


def merged(page: str, rows: list[Row], *, whole: bool) -> str:
    """Return the page with these rows in its table; after a run that is not `whole`, the others
    keep their rows.

    Pure.
    """
    table = _TABLE.search(page)
    assert table, "docs/conformance.md has no table of results"
    kept = [] if whole else [cells(line) for line in table[0].splitlines()[2:]]
    latest = {
        (suite, against): (suite, version, against, result)
        for suite, version, against, result in [*kept, *rows]
    }
    lines = "".join(f"| {' | '.join(row)} |\n" for row in sorted(latest.values()))
    return page.replace(table[0], HEAD + lines)


@pytest.fixture
def prove(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Give a function that takes what a test has proved, as a few words for the table."""
    said: list[str] = request.node.stash.setdefault(_told, [])
    return said.append


def pytest_configure(config: pytest.Config) -> None:
    """Register the mark."""
    config.addinivalue_line(
        "markers",
        "proof(suite, version, against): the row of docs/conformance.md that a test proves",
    )
    config.stash[_rows] = []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Take down how a test with a mark has ended."""
    report = yield
    mark = item.get_closest_marker("proof")
    if mark and not report.skipped and (report.when == "call" or report.failed):
        told: list[str] = item.stash.get(_told, [])
        words = ", ".join(told)
        suite, version, against = mark.args
        row = (suite, version, against, words if report.passed else f"**failed** {words}".strip())
        item.config.stash[_rows].append(row)
    return report


def is_whole(config: pytest.Config) -> bool:
    """Tell whether every test of this folder runs."""
    places = [Path(place).resolve() for place in config.args]
    return places == [FOLDER] and not config.option.keyword and not config.option.markexpr


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the page, when something was proved."""
    if rows := session.config.stash[_rows]:
        page = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(merged(page, rows, whole=is_whole(session.config)), encoding="utf-8")
