"""Secrets are hidden wherever they stand, and no text can make the search for them slow."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pwsh_kernels.sessions.evidence.notebook import evidence
from pwsh_kernels.sessions.key import SessionKey
from pwsh_kernels.sessions.redaction import (
    HIDDEN,
    REACH,
    WINDOW,
    hide_secrets,
    redacted,
    redacted_beginning,
    secrets_of,
)
from pwsh_kernels.sessions.runs.table import Runs

SIZE = 200_000
HOSTILE = {
    "quotes": '"',
    "names": "password",
    "names and quotes": "-password '",
    "a quote that never closes": "ConvertTo-SecureString `\" 'b12345'\n",
    "assignments": "$token='a1234';",
    "pipes": "'a1234'|ConvertTo-SecureString ",
    "beginnings of tokens": "-eyJabcdefgh",
    "escapes that never end": "\x1b[0",
    "line ends": "h\n",
    "here-strings that never end": "$token=@'\n",
    "programs": " --password-",
}
"""What is repeated; 8 KB of the first took 8 seconds once."""


@pytest.mark.timeout(100)
@pytest.mark.parametrize("unit", HOSTILE.values(), ids=HOSTILE)
def test_no_text_makes_the_search_slow(unit: str) -> None:
    text = unit * (SIZE // len(unit))
    secrets = {*secrets_of(text, {}), "h" * 500, "h\nh\nh\nx"}
    assert len(redacted(text, secrets)) <= 2 * len(text)


@pytest.mark.parametrize("before", [*range(WINDOW - 40, WINDOW + 4), WINDOW * 2 - 9, REACH])
@pytest.mark.parametrize("filling", ["x", "é", "中"])
def test_a_secret_between_two_windows_is_hidden(before: int, filling: str) -> None:
    script = f"{filling * (before // len(filling.encode()))} -Password 'hunter2é' -Force é"
    assert secrets_of(script, {}) == {"hunter2é"}
    assert redacted(script, ()) == script.replace("hunter2é", HIDDEN)
    word = script.replace("'", "")
    assert "hunter2" not in redacted(word, ())
    assert redacted(word, ()).endswith(f"'{HIDDEN}' -Force é")


def test_a_secret_as_long_as_the_reach_is_hidden_wherever_it_begins() -> None:
    secret = "s" * (REACH - 100)
    for before in (0, 1, REACH - 50, REACH, WINDOW - 1, WINDOW, WINDOW + REACH):
        script = f"{'x' * before} -Token '{secret}' 'kept'"
        assert redacted(script, ()) == f"{'x' * before} -Token '{HIDDEN}' 'kept'"


LONG_WAYS = {
    "a parameter": "x -Password '{}' 'kept'",
    "a parameter's word": "x -Token {} 'kept'",
    "a variable": "$apiKey = \"{}\"; 'kept'",
    "ConvertTo-SecureString": "ConvertTo-SecureString '{}' -AsPlainText -Force; 'kept'",
    "a pipe": "'{}' | ConvertTo-SecureString -AsPlainText -Force; 'kept'",
}


@pytest.mark.parametrize("way", LONG_WAYS)
@pytest.mark.parametrize("before", [0, 1, REACH - 9, WINDOW - 9, WINDOW + REACH])
def test_a_secret_of_any_length_is_hidden(way: str, before: int) -> None:
    for length in (REACH, WINDOW - 20, WINDOW, 10 * WINDOW):
        script = f"{'x' * before} {LONG_WAYS[way].format('q' * length)}"
        hidden = redacted(script, ())
        assert "qq" not in hidden
        assert hidden.count(HIDDEN) == 1
        assert hidden.endswith("'kept'")
        assert secrets_of(script, {}) == {"q" * length}
        assert "qq" not in redacted_beginning(script, 2000, ())


@pytest.mark.parametrize(
    "script",
    [
        "$parameters = @{ 'Password' = 'hunter-2-hunter' }",
        '@{ "client_secret" = "hunter-2-hunter" }',
        """'{"password": "hunter-2-hunter"}' | ConvertFrom-Json""",
        "$apiKey = @'\nhunter-2-hunter\n'@\n'kept'",
        """$apiKey = @"\r\nit's a "hunter-2-hunter"\r\n"@\r\n'kept'""",
        "@'\nhunter-2-hunter\n'@ | ConvertTo-SecureString -AsPlainText",
        "ConvertTo-SecureString @'\nhunter-2-hunter\n'@ -AsPlainText",
        "mysql --password=hunter-2-hunter",
        "az login --client-secret hunter-2-hunter",
        "$token = @'\n" + "hunter-2-hunter'" * WINDOW + "\n'@",
    ],
)
def test_a_secret_under_a_quoted_name_in_a_here_string_or_for_a_program_is_hidden(
    script: str,
) -> None:
    assert "hunter" not in redacted(script, ())
    assert ("'kept'" in script) == ("'kept'" in redacted(script, ()))
    assert "hunter" not in redacted("it printed\n" + script, secrets_of(script, {}))


@pytest.mark.parametrize(
    ("script", "printed"),
    [
        ("$clientSecret = 'a''b-hidden'", "a'b-hidden"),
        ('$clientSecret = "a""b-`$hidden"', 'a"b-$hidden'),
        ("$clientSecret = @'\nfirst hidden\nsecond hidden\n'@", "first hidden\nsecond hidden"),
    ],
)
def test_a_secret_is_hidden_in_the_output_as_powershell_reads_it(script: str, printed: str) -> None:
    assert hide_secrets(f"<{printed}>", secrets_of(script, {})) == f"<{HIDDEN}>"


def test_a_text_bound_under_a_name_of_a_secret_is_one_and_a_switch_is_none() -> None:
    bound = {"User": "ada.l", "Form": [{"Password": "hunter2"}], "PasswordNeverExpires": True}
    assert secrets_of("", bound) == {"hunter2"}


def test_a_quote_within_a_long_literal_does_not_end_it() -> None:
    single, double = "it''s " * WINDOW, '`"s ""' * WINDOW
    piped = f'"{double}" | ConvertTo-SecureString'
    hidden = redacted(f"a -Password '{single}' 'kept'; {piped}", ())
    assert hidden == f"a -Password '{HIDDEN}' 'kept'; \"{HIDDEN}\" | ConvertTo-SecureString"


def test_a_known_secret_of_any_length_is_hidden_also_where_a_text_is_cut() -> None:
    known = "".join(f"{number}-" for number in range(200_000))
    text = f"a {known[:700_000]}\n{known[700_000:]} b {known} 3-4-5 {known[:9]}"
    hidden = hide_secrets(text, [known, "3-4-5"])
    assert hidden == f"a {HIDDEN} b {HIDDEN} {HIDDEN} {known[:9]}"
    assert redacted_beginning(f"'{known}'", 100, [known]) == f"'{HIDDEN}'"


def test_every_secret_of_many_is_hidden_also_across_windows() -> None:
    script = "".join(f"$token{number} = 'secret{number}'; 'kept'\n" for number in range(5000))
    hidden = redacted(script, ())
    assert "secret" not in hidden
    assert hidden.count(HIDDEN) == hidden.count("'kept'") == len(secrets_of(script, {})) == 5000


def test_a_known_secret_is_hidden_whole_where_another_one_is_its_beginning() -> None:
    assert hide_secrets("abcdef abc", ["abc", "abcdef"]) == f"{HIDDEN} {HIDDEN}"
    printed = "x\n ab\r\nc\x1b[1mdef\n\x1b[0m y abc"
    assert hide_secrets(printed, ["abc", "abcdef"]) == f"x\n {HIDDEN}\n\x1b[0m y {HIDDEN}"


def test_a_known_secret_of_several_lines_is_hidden() -> None:
    assert hide_secrets("a KEY\r\nabc\nEND b", ["KEY\nabc\nEND"]) == f"a {HIDDEN} b"
    assert hide_secrets("a\n\nb", ["\n\n"]) == "a\n\nb"


def test_more_known_secrets_than_can_be_looked_for_hide_the_whole_text() -> None:
    many = [f"{number}{'s' * 20_000}" for number in range(2_000)]
    assert hide_secrets("anything", many) == HIDDEN


def test_halves_of_characters_pass_through() -> None:
    assert redacted("\ud800 -Password 'hunter2\udc00' é", ()) == f"\ud800 -Password '{HIDDEN}' é"


def test_of_a_text_that_is_cut_no_part_of_a_secret_is_left() -> None:
    script = f"{'x' * 90} -Password 'hunter2 and more' {'y' * 10 * WINDOW}"
    beginning = redacted_beginning(script, 110, ())
    assert len(beginning) == 110
    assert "hunter" not in beginning
    assert "hunter" not in redacted_beginning(f"{'x' * 105} -Password 'hunter2'", 120, ())


async def test_a_notebook_is_written_while_the_server_goes_on(tmp_path: Path) -> None:
    runs, key = Runs(tmp_path, 1_000_000, 200, 86400), SessionKey("contoso.example", "exo")
    for _ in range(2):
        run = runs.add(key, "1", principal="token", client="agent", account="")
        run.become("running")
        run.log.append("stdout", "text", HOSTILE["a quote that never closes"] * 5000)
        run.finish("succeeded")
    writing = asyncio.ensure_future(evidence(key, None, runs.of(key), datetime.now(UTC)))
    turns = 0
    while not writing.done():
        await asyncio.sleep(0)
        turns += 1
    assert len((await writing)["cells"]) == 3
    assert turns > 100
