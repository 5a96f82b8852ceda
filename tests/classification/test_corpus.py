"""The corpus: what administrators write, and what somebody writes who wants a change not to look
like one. A false "read" is the one mistake that is not forgiven.
"""

from collections.abc import Mapping

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pwsh_kernels.classification import Class, Classification
from tests.classification.conftest import Judge
from tests.classification.corpus_files import corpus, texts

pytestmark = pytest.mark.slow

LEAST = 400
EXAMPLES = 150
READS = [text for text in texts(Class.READ) if text.strip()]
CHANGES = texts(Class.WRITE, Class.DESTRUCTIVE, Class.UNKNOWN)
BETWEEN = ["\n", "\n\n", "\n;", "\n# a comment\n", "\n$x = "]
WRAPS = [
    "{}",
    "& {{ {} }}",
    "if (1) {{ {} }}",
    "foreach ($i in 1) {{ {} }}",
    "@({})",
    "1 | % {{ {} }}",
]


def test_the_corpus_is_large_and_says_nothing_twice() -> None:
    assert len(corpus()) >= LEAST
    assert len({text for _, text in corpus()}) == len(corpus())


@pytest.fixture(scope="module")
def judged(judge: Judge) -> dict[str, Classification]:
    """What is found in every text of the corpus."""
    return {text: judge(text) for _, text in corpus()}


def test_every_text_of_the_corpus_has_its_class(judged: Mapping[str, Classification]) -> None:
    assert [
        (text, kind.value, judged[text].kind.value, [one.code for one in judged[text].reasons])
        for kind, text in corpus()
        if judged[text].kind is not kind
    ] == []


def test_whatever_does_not_read_says_where_and_why(judged: Mapping[str, Classification]) -> None:
    """Each reason stands in the text, and has a sentence."""
    for text in CHANGES:
        reasons = judged[text].reasons
        assert reasons
        assert all(one.text and 1 <= one.place.line <= text.count("\n") + 1 for one in reasons)


@given(
    before=st.sampled_from(READS),
    between=st.sampled_from(BETWEEN),
    wrap=st.sampled_from(WRAPS),
    change=st.sampled_from(CHANGES),
    after=st.sampled_from(READS),
)
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_no_change_among_reads_becomes_a_read(
    judge: Judge, before: str, between: str, wrap: str, change: str, after: str
) -> None:
    text = f"{before}{between}{wrap.format(change)}\n{after}"
    assert judge(text).kind is not Class.READ
