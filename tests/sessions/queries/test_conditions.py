"""Conditions on properties: every spelling of each operator, and the refusal of one that cannot be
read.
"""

import pytest

from pwsh_kernels.errors import InvalidRequest
from pwsh_kernels.sessions.queries.conditions import OPERATORS, read_condition


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Name eq Ann", ("Name", "eq", ("Ann",))),
        ("  Name   -EQ   'Ann Lee' ", ("Name", "eq", ("Ann Lee",))),
        ('"Display Name" eq "x"', ("Display Name", "eq", ("x",))),
        ("'Display Name'='x y'", ("Display Name", "eq", ("x y",))),
        ("Name=Ann", ("Name", "eq", ("Ann",))),
        ("Count>=10", ("Count", "ge", ("10",))),
        ("Count <= -5", ("Count", "le", ("-5",))),
        ("Count <> 3", ("Count", "ne", ("3",))),
        ("Count != 3", ("Count", "ne", ("3",))),
        ("Count == 3", ("Count", "eq", ("3",))),
        ("TotalItemSize.Value > 10 GB", ("TotalItemSize.Value", "gt", ("10 GB",))),
        ("Url eq https://x/?a=1", ("Url", "eq", ("https://x/?a=1",))),
        ("Filter=a eq b", ("Filter", "eq", ("a eq b",))),
        ("Name match ^a|b$", ("Name", "match", ("^a|b$",))),
        ("Name notlike *b*", ("Name", "notlike", ("*b*",))),
        ("Manager empty", ("Manager", "empty", ())),
        ("Manager -notempty ", ("Manager", "notempty", ())),
        ("Type in User, 'Shared, old' ,Room", ("Type", "in", ("User", "Shared, old", "Room"))),
        ("Type in (User,Room)", ("Type", "in", ("User", "Room"))),
        ("Name eq ''", ("Name", "eq", ("",))),
        ("Note eq two\nlines", ("Note", "eq", ("two\nlines",))),
    ],
)
def test_a_condition_is_read_in_every_spelling(
    text: str, parts: tuple[str, str, tuple[str, ...]]
) -> None:
    found = read_condition(text)
    assert (found.property, found.operator, found.values, found.text) == (*parts, text)


@pytest.mark.parametrize("operator", OPERATORS)
def test_every_operator_goes_with_and_without_a_dash_in_any_case(operator: str) -> None:
    assert read_condition(f"P {operator} v") == read_condition(f"P {operator} v")
    for spelling in (f"-{operator}", operator.upper(), f"-{operator.title()}"):
        assert (
            read_condition(f"P {spelling} v").operator,
            read_condition(f"P {spelling} v").values,
        ) == (operator, ("v",))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "is not PROPERTY OPERATOR VALUE"),
        ("Name", "is not PROPERTY OPERATOR VALUE"),
        ("Name is Ann", "no known operator: is"),
        ("Name eq", "has no value for eq"),
        ("Name =", "has no value for eq"),
        ("Name in", "has no value for in"),
        ("Name empty x", "empty takes none"),
        ("x" * 3000 + " eq 1", "3005 characters"),
        ("Get-Process | Out-File x", "is not PROPERTY OPERATOR VALUE"),
    ],
)
def test_a_condition_that_cannot_be_read_says_why_and_shows_examples(
    text: str, problem: str
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        read_condition(text)
    assert refused.value.field == "where"
    assert problem in refused.value.problem
    assert "`TotalItemSize gt 10GB`" in refused.value.problem
