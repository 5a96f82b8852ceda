"""What people may do whom an OpenID provider knows: the tables of the principals file, and who they
make of somebody.
"""

from datetime import UTC, datetime

import pytest

from pwsh_kernels.principals.claims import ClaimRule, person_of
from pwsh_kernels.principals.parsing import read_principals
from pwsh_kernels.principals.principal import Grant, Kind
from pwsh_kernels.principals.verbs import Verb

READ = Grant(frozenset({Verb.READ}), frozenset({"a.com"}))
END = Grant(frozenset({Verb.END}), tags=frozenset({"lab"}))
RULES = (ClaimRule("groups", "g-1", (READ,)), ClaimRule("dept", "it", (END,), jupyter=True))
UNTIL = datetime(2027, 1, 1, tzinfo=UTC)
FILE = """
[[claim]]
value = "g-1"
[[claim.grant]]
verbs = ["read"]
tenants = ["a.com"]

[[claim]]
claim = "dept"
value = "it"
jupyter = true
[[claim.grant]]
verbs = ["end"]
tags = ["lab"]
"""


def test_the_file_says_which_claim_grants_what() -> None:
    content = read_principals(FILE)
    assert (content.claims, content.problems, content.principals) == (RULES, (), ())


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ('[[claim]]\nvalue = ""', 2, "value must not be empty"),
        ('[[claim]]\nclaim = "x"', 1, "value is missing"),
        ('[[claim]]\nvalue = "x"\nverbs = []', 3, "verbs is not a known key"),
        (
            '[[claim]]\nvalue = "x"\n[[claim.grant]]\nverbs = ["read"]',
            3,
            "grant 1 of the claim x names no tenants and no tags",
        ),
        ("[[claims]]\n", None, "only [[principal]] and [[claim]] tables are known here"),
    ],
)
def test_a_mistake_in_a_claim_is_told_with_its_line(
    text: str, line: int | None, problem: str
) -> None:
    (one,) = read_principals(text).problems
    assert (one.text, one.line) == (problem, line)


def test_the_grants_of_all_that_are_true_of_somebody_add_up() -> None:
    both = person_of("ada@x", {"groups": ["g-0", "g-1"], "dept": "it"}, RULES, "c", UNTIL)
    assert both is not None
    assert (both.id, both.kind, both.grants) == ("person:ada@x", Kind.PERSON, (READ, END))
    assert (both.jupyter, both.token_hash, both.expires) == (True, "c", UNTIL)
    one = person_of("ada@x", {"groups": ["g-1"]}, RULES, "c", UNTIL)
    assert one is not None
    assert (one.grants, one.jupyter) == ((READ,), False)


@pytest.mark.parametrize(
    "claims", [{}, {"groups": []}, {"groups": "g-1x"}, {"groups": {"g-1": 1}}, {"dept": ["hr"]}]
)
def test_of_whom_nothing_is_true_is_nobody(claims: dict[str, object]) -> None:
    assert person_of("ada@x", claims, RULES, "c", UNTIL) is None
