"""The principals file: its form, its rights, and what happens when it changes."""

import logging
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pwsh_kernels.errors import BrokenFile
from pwsh_kernels.principals.editing import with_grant, with_principal, with_values
from pwsh_kernels.principals.parsing import read_principals
from pwsh_kernels.principals.principal import Grant, Kind, Principal
from pwsh_kernels.principals.tokens import RANDOM_BYTES, hash_of, new_token
from pwsh_kernels.principals.verbs import Verb
from pwsh_kernels.principals.watched_file import PrincipalsFile, load_principals

TOKEN = "pwk_" + "a" * 43
ENTRY = f"""\
[[principal]]
name = "claude"
kind = "agent"
token_sha256 = "{hash_of(TOKEN)}"
expires = 2027-01-31T00:00:00Z

[[principal.grant]]
verbs = ["see", "read"]
tenants = ["contoso.com"]
modules = ["exo"]

[[principal.grant]]
verbs = ["sign_in"]
tags = ["customer"]
"""
END = datetime(2027, 1, 31, tzinfo=UTC)


def written(folder: Path, text: str = ENTRY) -> Path:
    """Write a principals file that only its owner can use."""
    file = folder / "principals.toml"
    file.touch(mode=0o600)
    file.write_text(text, encoding="utf-8")
    return file


def test_a_file_names_who_may_do_what_where() -> None:
    (one,) = read_principals(ENTRY).principals
    assert one == Principal(
        "claude",
        Kind.AGENT,
        (
            Grant(
                frozenset({Verb.SEE, Verb.READ}),
                frozenset({"contoso.com"}),
                modules=frozenset({"exo"}),
            ),
            Grant(frozenset({Verb.SIGN_IN}), tags=frozenset({"customer"})),
        ),
        hash_of(TOKEN),
        END,
    )


@pytest.mark.parametrize(
    ("old", "new", "problem", "line"),
    [
        ('kind = "agent"', 'kind = "owner"', "kind must be one of", 3),
        ('"claude"', '"Claude/x"', "name must be at most 40 small letters", 2),
        (hash_of(TOKEN), TOKEN, "token_sha256 must be the SHA-256 of a token", 4),
        ("T00:00:00Z", "T00:00:00", "expires must be a date and time with its zone", 5),
        ("2027-01-31T00:00:00Z", "2027-01-31", "expires must be a date and time", 5),
        ("expires = 2027-01-31T00:00:00Z\n", "", "expires is missing", 1),
        ("expires", "jupiter = true\nexpires", "jupiter is not a known key", 5),
        ('"see", "read"', '"look"', "grant.verbs must be one of 'see'", None),
        ('"see", "read"', "", "grant.verbs must not be empty", None),
        ('"see", "read"', '"approve"', "an agent can never approve", None),
        ('"see", "read"', '"administer"', "an agent can never administer", None),
        ('tags = ["customer"]\n', "", "grant 2 of claude names no tenants and no tags", None),
        (
            "[[principal]]",
            "[[principals]]",
            "only [[principal]] and [[claim]] tables are known here",
            None,
        ),
        ("[[principal]]", "[[principal]", "Expected", 1),
    ],
)
def test_a_mistake_is_named_with_its_line_and_without_its_value(
    old: str, new: str, problem: str, line: int | None
) -> None:
    content = read_principals(ENTRY.replace(old, new, 1))
    assert content.principals == ()
    found = content.problems[0]
    assert problem in found.text
    assert found.line == line or line is None
    assert TOKEN not in found.text


def test_two_principals_have_neither_one_name_nor_one_token() -> None:
    person = ENTRY.replace('"agent"', '"person"')
    twice = [one.text for one in read_principals(ENTRY + ENTRY).problems]
    assert twice == [
        "agent:claude is named twice",
        "agent:claude has the token of another principal",
    ]
    assert [one.text for one in read_principals(ENTRY + person).problems] == [
        "person:claude has the token of another principal"
    ]


def test_a_file_that_others_can_use_is_refused_with_the_remedy(tmp_path: Path) -> None:
    file = written(tmp_path)
    assert [one.id for one in load_principals(file).known] == ["agent:claude"]
    for mode in (0o640, 0o604, 0o620):
        file.chmod(mode)
        with pytest.raises(BrokenFile, match=f"run `chmod 600 {file}`"):
            load_principals(file)


def test_the_holder_of_a_token_is_found_by_its_hash_alone(tmp_path: Path) -> None:
    roll = load_principals(written(tmp_path))
    holder = roll.holder(TOKEN)
    assert holder is not None
    assert holder.id == "agent:claude"
    assert [roll.holder(one) for one in ("", hash_of(TOKEN), TOKEN + "a", "\ud800")] == [None] * 4


def test_a_new_token_is_256_random_bits_and_never_the_same() -> None:
    tokens = {new_token() for _ in range(100)}
    assert len(tokens) == 100
    assert {len(one) for one in tokens} == {4 + -(-RANDOM_BYTES * 8 // 6)}


def test_a_changed_file_is_in_force_at_the_next_look(tmp_path: Path) -> None:
    file = PrincipalsFile(tmp_path / "principals.toml")
    assert file.current().known == ()
    written(tmp_path)
    assert [one.id for one in file.current().known] == ["agent:claude"]
    written(tmp_path, ENTRY.replace("claude", "other"))
    assert [one.id for one in file.current().known] == ["agent:other"]
    (tmp_path / "principals.toml").unlink()
    assert file.current().known == ()


@pytest.mark.parametrize("broken", ["[[principal]]", "\x00", ENTRY + ENTRY])
def test_a_mistake_made_while_it_runs_leaves_nobody_a_right_until_it_is_corrected(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, broken: str
) -> None:
    file = PrincipalsFile(written(tmp_path))
    assert file.current().known
    written(tmp_path, broken)
    with caplog.at_level(logging.ERROR):
        assert file.current().known == ()
    assert "Until then only the owner's token is valid." in caplog.text
    assert file.problem is not None
    written(tmp_path)
    assert [one.id for one in file.current().known] == ["agent:claude"]
    assert file.problem is None


def test_a_change_of_the_mode_alone_is_noticed(tmp_path: Path) -> None:
    path = written(tmp_path)
    file = PrincipalsFile(path)
    assert file.current().known
    path.chmod(0o644)
    assert file.current().known == ()
    path.chmod(0o600)
    assert file.current().known


def test_a_broken_file_at_the_start_is_refused_and_so_is_a_named_one_that_is_missing(
    tmp_path: Path,
) -> None:
    with pytest.raises(BrokenFile, match="only \\[\\[principal\\]\\] and \\[\\[claim\\]\\] tables"):
        PrincipalsFile(written(tmp_path, "x = 1")).current()
    with pytest.raises(BrokenFile, match="No such file"):
        PrincipalsFile(tmp_path / "none.toml", must_exist=True).current()
    assert PrincipalsFile().current().known == ()


def test_what_is_written_is_read_back_and_comments_stay() -> None:
    (one,) = read_principals(ENTRY).principals
    text = with_principal("# ours\n", one)
    assert text.startswith("# ours\n")
    assert read_principals(text).principals == (one,)
    other = Principal("nightly", Kind.SCRIPT, one.grants, "ab" * 32, END, None, END, jupyter=True)
    both = with_principal(text, other)
    assert read_principals(both).principals == (one, other)


def test_values_are_changed_in_the_principal_itself_and_nowhere_else() -> None:
    (one,) = read_principals(ENTRY).principals
    other = Principal("claude", Kind.PERSON, one.grants, "ab" * 32, END)
    text = with_principal(ENTRY, other)
    changed = with_values(text, one, {"revoked": END, "token_sha256": "cd" * 32})
    first, second = read_principals(changed).principals
    assert (first.revoked, first.token_hash, first.grants) == (END, "cd" * 32, one.grants)
    assert second == other


def test_a_grant_is_added_to_the_principal_itself_and_nowhere_else() -> None:
    (one,) = read_principals(ENTRY).principals
    more = Grant(frozenset({Verb.END}), frozenset({"*"}))
    bare = Principal("claude", Kind.PERSON, (), "ab" * 32, END)
    text = with_grant(with_principal(ENTRY, bare), bare, more)
    first, second = read_principals(with_grant(text, one, more)).principals
    assert (first.grants, second.grants) == ((*one.grants, more), (more,))
