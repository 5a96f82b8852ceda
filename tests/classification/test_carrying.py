"""Texts as commands and parameters: which can be carried, and what is said of the others."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pwsh_kernels.catalog import Catalog
from pwsh_kernels.classification import Class, Classifier, Uncarried
from pwsh_kernels.reading import Carried, read_carried
from tests.classification.corpus_files import texts
from tests.fixtures.repository import ROOT

Carry = Callable[[str], Carried | Uncarried]


@pytest.fixture(scope="module")
def carry(powershell_path: Path) -> Iterator[Carry]:
    """Asks a warm parser."""
    assert powershell_path
    with asyncio.Runner() as runner:
        classifier = Classifier(Catalog.load())
        yield lambda text: runner.run(classifier.carry(text))
        runner.run(classifier.stop())


def test_the_documentation_says_how_much_of_the_corpus_is_carried(carry: Carry) -> None:
    reading = texts(Class.READ)
    whole = [text for text in reading if isinstance(carry(text), Carried)]
    said = (ROOT / "docs" / "governance.md").read_text(encoding="utf-8")
    assert f"{len(whole)} of the {len(reading)} reading texts" in said


def test_what_is_carried_can_be_read_again(carry: Carry) -> None:
    text = "$x = Get-Mailbox -ResultSize 5; $x | ? { $_.Name -like 'a*' } | % { Get-User $_.Alias }"
    found = carry(text)
    assert isinstance(found, Carried)
    assert read_carried(found.to_json()).commands == found.commands
    assert found.commands == ("Get-Mailbox", "Where-Object", "Get-User")
    assert [(one.into, one.each) for one in found.steps] == [
        ("x", ""),
        ("#1", ""),
        ("#2", "#1"),
        ("", ""),
    ]


@pytest.mark.parametrize(
    ("text", "code", "column"),
    [
        ("if ($true) { Get-Mailbox }", "statement", 1),
        ("Get-Mailbox; function x { 1 }", "statement", 14),
        ("Get-Mailbox | % { $y = $_.Name }", "statement", 19),
        ("Get-Mailbox -Identity $who", "variable", 23),
        ("Get-Mailbox @given", "variable", 13),
        ("$a.b = 1", "assignment", 1),
        ("Get-Mailbox | % { Get-User $_.Alias; Get-Group }", "for_each", 17),
        ("Get-Mailbox | % { Get-User (Get-Group $_.Name) }", "for_each", 29),
        ("Get-Mailbox 2> $null", "redirection", 13),
        ("& 'Get-Mailbox'", "command", 1),
        ("Import-Csv users.csv", "engine", 1),
        ("Get-Mailbox | Get-User -Filter { $_.Name }", "block", 15),
        ("Get-Mailbox | % ToString 5", "method", 15),
        ("5 -is [int]", "expression", 1),
        ("Get-Mailbox -and (", "statement", 19),
    ],
)
def test_what_is_not_is_named_with_its_place_and_how_to_write_it(
    carry: Carry, text: str, code: str, column: int
) -> None:
    found = carry(text)
    assert isinstance(found, Uncarried), found
    assert (found.code, found.line, found.column) == (code, 1, column)
    assert found.instead


def test_a_number_that_is_written_unlike_its_value_stays_a_text(carry: Carry) -> None:
    found = carry("Get-Mailbox 007 -ResultSize 10 -Size 1KB")
    assert isinstance(found, Carried)
    values = [one.value for one in found.steps[0].calls[0].arguments if not one.name]
    assert values == ["007", 10, 1024]
