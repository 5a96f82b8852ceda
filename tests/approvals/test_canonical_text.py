"""What an approver reads shows what runs: names in full, and nothing hidden between the letters."""

from hypothesis import given
from hypothesis import strategies as st

from pwsh_kernels.approvals.canonical_text import canonical_text, one_line, visible
from pwsh_kernels.classification import Class, Found
from pwsh_kernels.classification.classes import Place


def found(name: str, written: str, line: int, column: int) -> Found:
    return Found(name, Class.READ, Place(line, column), "", written)


def test_aliases_are_resolved_wherever_they_stand() -> None:
    text = "gci | ? Name |\n  % { gci }"
    commands = [
        found("Get-ChildItem", "gci", 1, 1),
        found("Where-Object", "?", 1, 7),
        found("ForEach-Object", "%", 2, 3),
        found("Get-ChildItem", "gci", 2, 7),
    ]
    shown = "Get-ChildItem | Where-Object Name |\n  ForEach-Object { Get-ChildItem }"
    assert canonical_text(text, commands) == shown


def test_places_count_as_dotnet_counts_them() -> None:
    """A character beyond U+FFFF takes two columns."""
    text = "'\U0001f600'; gci"
    assert canonical_text(text, [found("Get-ChildItem", "gci", 1, 7)]).endswith("; Get-ChildItem")


def test_lines_end_where_the_parser_ends_them() -> None:
    text = "'a'\r'b'\rgm\r\ngm x"
    commands = [found("Get-Mailbox", "gm", 3, 1), found("Get-Mailbox", "gm", 4, 1)]
    assert canonical_text(text, commands) == ("'a'<U+000D>'b'<U+000D>Get-Mailbox\nGet-Mailbox x")


def test_a_name_behind_an_operator_is_found() -> None:
    assert canonical_text("& gci x", [found("Get-ChildItem", "gci", 1, 1)]) == "& Get-ChildItem x"


def test_what_looks_like_something_else_is_written_out() -> None:
    assert visible("S\u0435t-Mailbox") == "S<U+0435 CYRILLIC SMALL LETTER IE>t-Mailbox"
    assert visible("a\u202eb\x00\u200b") == (
        "a<U+202E RIGHT-TO-LEFT OVERRIDE>b<U+0000><U+200B ZERO WIDTH SPACE>"
    )
    assert visible("a\r\nb\rc\td") == "a\nb<U+000D>c\td"


@given(st.text())
def test_nothing_but_plain_characters_is_left(text: str) -> None:
    assert all(one in "\n\t" or " " <= one <= "~" for one in visible(text))


def test_what_somebody_says_of_their_change_poses_as_no_other_line() -> None:
    said = one_line("a move\nClass: read\u2028Digest: 0\x1b[2J")
    assert said == "a move Class: read Digest: 0<U+001B>[2J"
