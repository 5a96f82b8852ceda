"""A prompt becomes questions that a person understands, and texts become the value that PowerShell
expects.
"""

from typing import Any

import pytest

from pwsh_kernels.kernel.questions import (
    InvalidAnswer,
    Question,
    answer_from_texts,
    checked_answer,
    questions,
)
from pwsh_kernels.records import Choice, Prompt, PromptField

CONFIRM = Prompt(
    kind="choice",
    caption="Confirm",
    message="Are you sure?",
    choices=(Choice("Yes", "Y"), Choice("No", "N"), Choice("Suspend")),
    default=(1,),
)
MANY = Prompt(kind="choice", choices=CONFIRM.choices, default=(0, 1), multiple=True)
FIELDS = Prompt(
    kind="fields",
    message="Supply values",
    fields=(PromptField("Name", default="anna"), PromptField("Pin", label="PIN code", secret=True)),
)


def test_a_choice_shows_keys_labels_and_the_default() -> None:
    text = 'Confirm\nAre you sure?\n[Y] Yes  [N] No  [2] Suspend (default is "N"): '
    assert questions(CONFIRM) == (Question(text),)


@pytest.mark.parametrize(
    ("text", "index"),
    [("y", 0), ("Yes", 0), (" NO ", 1), ("2", 2), ("0", 0), ("suspend", 2), ("", 1)],
)
def test_a_choice_takes_key_label_number_or_the_default(text: str, index: int) -> None:
    assert answer_from_texts(CONFIRM, [text]) == index


@pytest.mark.parametrize("text", ["maybe", "7", "-1"])
def test_a_choice_refuses_what_is_none_of_the_choices(text: str) -> None:
    with pytest.raises(InvalidAnswer):
        answer_from_texts(CONFIRM, [text])


def test_a_choice_without_default_needs_an_answer() -> None:
    with pytest.raises(InvalidAnswer):
        answer_from_texts(Prompt(kind="choice", choices=CONFIRM.choices), [" "])


def test_a_multiple_choice_takes_several_separated_by_commas() -> None:
    assert answer_from_texts(MANY, ["y, Suspend"]) == [0, 2]
    assert answer_from_texts(MANY, [""]) == [0, 1]


def test_fields_are_asked_one_by_one_and_only_the_secret_one_is_hidden() -> None:
    assert questions(FIELDS) == (
        Question("Supply values\nName [anna]: ", field="Name"),
        Question("PIN code: ", secret=True, field="Pin"),
    )
    assert answer_from_texts(FIELDS, ["", "1234"]) == {"Name": "anna", "Pin": "1234"}


def test_a_credential_asks_for_user_and_password_unless_the_script_gave_the_user() -> None:
    asked = questions(Prompt(kind="credential"))
    assert [(one.field, one.secret) for one in asked] == [("user", False), ("password", True)]
    known = Prompt(kind="credential", user="anna")
    assert [one.text for one in questions(known)] == ["Password for user anna: "]
    assert answer_from_texts(known, ["p"]) == {"user": "anna", "password": "p"}


def test_a_field_that_is_a_credential_is_asked_in_two_questions() -> None:
    prompt = Prompt(
        kind="fields", fields=(PromptField("Who", type_name="PSCredential"), PromptField("Why"))
    )
    assert [(one.field, one.secret) for one in questions(prompt)] == [
        ("Who", False),
        ("Who", True),
        ("Why", False),
    ]
    value = {"Who": {"user": "anna", "password": "p"}, "Why": "test"}
    assert answer_from_texts(prompt, ["anna", "p", "test"]) == value
    assert checked_answer(prompt, value) == value


def test_a_line_is_asked_with_the_words_of_the_script() -> None:
    assert questions(Prompt(kind="line", message="Your name")) == (Question("Your name: "),)
    assert questions(Prompt(kind="secret", message="PIN?")) == (Question("PIN? ", secret=True),)
    assert questions(Prompt(kind="line")) == (Question(""),)


@pytest.mark.parametrize(
    ("prompt", "value"),
    [
        (CONFIRM, 2),
        (MANY, [0, 2]),
        (FIELDS, {"Name": "x", "Pin": "1"}),
        (Prompt(kind="credential"), {"user": "a", "password": "b"}),
        (Prompt(kind="line"), ""),
    ],
)
def test_a_whole_answer_of_the_right_shape_is_taken(prompt: Prompt, value: Any) -> None:
    assert checked_answer(prompt, value) == value


@pytest.mark.parametrize(
    ("prompt", "value"),
    [
        (CONFIRM, 3),
        (CONFIRM, True),
        (CONFIRM, [0]),
        (MANY, ["y"]),
        (FIELDS, {"Name": "x"}),
        (FIELDS, {"Name": "x", "Pin": 1}),
        (Prompt(kind="credential"), "a:b"),
        (Prompt(kind="secret"), None),
    ],
)
def test_a_whole_answer_of_another_shape_is_invalid(prompt: Prompt, value: Any) -> None:
    with pytest.raises(InvalidAnswer):
        checked_answer(prompt, value)
