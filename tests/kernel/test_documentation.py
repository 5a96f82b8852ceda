"""docs/kernel.md: each line of the comparison names a test that exists, and its numbers are those
of the code.
"""

import re

import pytest

from pwsh_kernels.kernel.environment import RICH_OUTPUT
from pwsh_kernels.kernel.stopping import AGAIN_S, BLOCKED_S
from pwsh_kernels.powershell.shell import MAX_LAST, MAX_ROWS
from tests.fixtures.repository import ROOT

PAGE = (ROOT / "docs" / "kernel.md").read_text(encoding="utf-8")


def comparison() -> list[list[str]]:
    """Return the rows of the comparison with other kernels."""
    table = re.search(r"^\| feature \|.*?(?=\n\n)", PAGE, re.MULTILINE | re.DOTALL)
    assert table
    return [
        [cell.strip() for cell in line.strip("|").split(" | ")]
        for line in table[0].splitlines()[2:]
    ]


def claims() -> set[str]:
    """Return the names of all tests."""
    files = [
        path for folder in ("tests", "conformance") for path in (ROOT / folder).rglob("test_*.py")
    ]
    texts = [path.read_text(encoding="utf-8") for path in files]
    return {
        name
        for text in texts
        for name in re.findall(r"^\s*(?:async )?def (test_\w+)", text, re.MULTILINE)
    }


def test_each_line_of_the_comparison_names_a_test_that_exists() -> None:
    named = [cells[1].strip("`") for cells in comparison()]
    known = claims()
    assert len(named) > 25
    assert all(name.startswith("test_") for name in named)
    assert [name for name in named if name not in known] == []
    assert len(set(named)) == len(named)


def test_each_line_of_the_comparison_has_a_word_for_every_kernel() -> None:
    assert [cells for cells in comparison() if len(cells) != 6 or not all(cells)] == []


@pytest.mark.parametrize(
    "said",
    [
        f"{MAX_ROWS} rows",
        f"newest {MAX_LAST:,}",
        f"after {BLOCKED_S:.0f} s",
        f"again within {AGAIN_S:.0f} s",
        f"`{RICH_OUTPUT}=off`",
    ],
)
def test_a_number_on_the_page_is_that_of_the_code(said: str) -> None:
    assert said in PAGE
