"""How a prompt becomes questions at a terminal, and what was typed becomes its answer."""

import pytest

from pwsh_kernels.cli.prompts import NotAnAnswer, Question, heading, questions, summary, value_of
from pwsh_kernels.records import Choice, Prompt, PromptField

LINE = Prompt("line", message="Your name", fields=(PromptField("Your name"),))
YES_NO = Prompt(
    "choice",
    "Confirm",
    "Are you sure?",
    choices=(Choice("Yes", "Y"), Choice("No", "N")),
    default=(1,),
)
MANY = Prompt(
    "choice", choices=(Choice("Red", "R"), Choice("Blue"), Choice("Green", "G")), multiple=True
)
FIELDS = Prompt(
    "fields",
    "cmdlet f",
    "Supply values",
    (PromptField("A", "A"), PromptField("B", "Bee", secret=True)),
)


def test_a_line_is_asked_for_by_its_message() -> None:
    assert questions(LINE) == [Question("Your name")]
    assert (heading(LINE), summary(LINE), value_of(LINE, ["Adele"])) == ("", "Your name", "Adele")


def test_a_question_is_named_in_one_line_by_its_caption_its_message_and_its_fields() -> None:
    assert summary(YES_NO) == "Confirm: Are you sure?"
    assert summary(FIELDS) == "cmdlet f: Supply values: A, Bee"


def test_a_question_without_words_still_says_that_it_is_one() -> None:
    assert questions(Prompt("line")) == [Question("Input")]
    assert summary(Prompt("secret")) == "secret"


def test_a_secret_is_typed_unseen() -> None:
    assert questions(Prompt("secret", message="Pin")) == [Question("Pin", secret=True)]


def test_a_choice_shows_its_keys_and_its_default() -> None:
    assert heading(YES_NO) == "Confirm\nAre you sure?"
    assert questions(YES_NO) == [Question("[Y] Yes  [N] No (default: No)")]


@pytest.mark.parametrize(("typed", "index"), [("y", 0), ("No", 1), ("", 1), (" Y ", 0)])
def test_a_choice_is_made_by_key_label_or_default(typed: str, index: int) -> None:
    assert value_of(YES_NO, [typed]) == index


@pytest.mark.parametrize("typed", ["maybe", "0", "yn"])
def test_what_is_no_choice_is_asked_again(typed: str) -> None:
    with pytest.raises(NotAnAnswer):
        value_of(YES_NO, [typed])


def test_several_choices_are_separated_by_commas() -> None:
    assert value_of(MANY, ["g, red, 1"]) == [2, 0, 1]


def test_a_choice_without_a_default_needs_an_answer() -> None:
    with pytest.raises(NotAnAnswer):
        value_of(MANY, [""])


def test_fields_are_asked_one_by_one_and_answered_by_name() -> None:
    assert questions(FIELDS) == [Question("A"), Question("Bee", secret=True)]
    assert value_of(FIELDS, ["1", "2"]) == {"A": "1", "B": "2"}


def test_a_credential_asks_for_the_user_only_when_none_is_proposed() -> None:
    proposed = Prompt("credential", user="admin@contoso.example")
    assert questions(proposed) == [Question("Password for admin@contoso.example", secret=True)]
    assert value_of(proposed, ["p"]) == {"user": "admin@contoso.example", "password": "p"}
    assert questions(Prompt("credential")) == [Question("User"), Question("Password", secret=True)]
    assert value_of(Prompt("credential"), ["u", "p"]) == {"user": "u", "password": "p"}
