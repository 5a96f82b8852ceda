"""Which values answer which prompts: one rule for the server, the kernel and PowerShell's host."""

from typing import Any

import pytest
from psrpcore.types import HostMethodIdentifier

from pwsh_kernels.errors import InvalidRequest
from pwsh_kernels.kernel.questions import InvalidAnswer, checked_answer
from pwsh_kernels.powershell.host_calls import Question, answer_value
from pwsh_kernels.prompt_answers import check_answer
from pwsh_kernels.records import MAX_SECRET, Choice, Prompt, PromptField

CHOICES = (Choice("Yes", "Y"), Choice("No", "N"))
CHOICE = Prompt("choice", choices=CHOICES)
SEVERAL = Prompt("choice", choices=CHOICES, multiple=True)
TYPED = Prompt(
    "fields",
    fields=(PromptField("Who", type_name="PSCredential"), PromptField("Ids", type_name="String[]")),
)
WHO = {"user": "u", "password": "p"}
LIST = Prompt("line", fields=(PromptField("Ids", type_name="String[]"),))
FIELDS = Prompt("fields", fields=(PromptField("Name"), PromptField("Age")))
FULL = "s" * MAX_SECRET
HIDDEN = Prompt("fields", fields=(PromptField("Key", secret=True), PromptField("Name")))
GOOD: list[tuple[Prompt, Any]] = [
    (Prompt("line"), ""), (Prompt("secret"), "x"), (CHOICE, 0), (SEVERAL, [0, 1]), (SEVERAL, 1),
    (Prompt("credential"), {"user": "u", "password": "p"}), (FIELDS, {"Name": "a", "Age": "1"}),
    (TYPED, {"Who": WHO, "Ids": ["a", "b"]}), (TYPED, {"Who": WHO, "Ids": "a"}), (LIST, ["a", "b"]),
    (SEVERAL, []), (Prompt("secret"), FULL), (Prompt("line"), FULL + "s"),
    (HIDDEN, {"Key": FULL, "Name": FULL + "s"}),
]  # fmt: skip
BAD: list[tuple[Prompt, Any]] = [
    (Prompt("line"), 1), (Prompt("secret"), ["hunter2"]), (CHOICE, 2), (CHOICE, -1), (CHOICE, "Y"), (CHOICE, True),  # noqa: E501
    (CHOICE, [0]),
    (SEVERAL, [0, 5]), (Prompt("credential"), {"user": "u"}), (FIELDS, {"Name": "a"}), (FIELDS, {"Name": "a", "Age": 1}),  # noqa: E501
    (TYPED, {"Who": "u:p", "Ids": "a"}), (TYPED, {"Who": WHO, "Ids": ["a", 1]}), (TYPED, {"Who": {**WHO, "x": "y"}, "Ids": "a"}),  # noqa: E501
    (FIELDS, {"Name": ["a"], "Age": "1"}), (LIST, ["a", None]), (SEVERAL, [True]), (CHOICE, 0.0),
    (Prompt("secret"), FULL + "s"), (Prompt("credential"), {"user": "u", "password": FULL + "s"}),
    (HIDDEN, {"Key": FULL + "s", "Name": "a"}), (Prompt("secret"), FULL[1:] + "😀"),
    (TYPED, {"Who": {"user": "u", "password": FULL + "s"}, "Ids": "a"}),
]  # fmt: skip


def asked(prompt: Prompt) -> Question:
    """Return the call of PowerShell's host that asks a prompt."""
    method = HostMethodIdentifier.Prompt if prompt.fields else HostMethodIdentifier.ReadLine
    return Question(1, method, prompt)


@pytest.mark.parametrize(("prompt", "value"), GOOD)
def test_values_of_the_prompts_shape_are_taken_by_all_who_take_answers(
    prompt: Prompt, value: Any
) -> None:
    check_answer(prompt, value)
    assert checked_answer(prompt, value) == value
    answer_value(asked(prompt), value)


@pytest.mark.parametrize(("prompt", "value"), BAD)
def test_other_values_are_refused_with_the_shape_that_is_needed(prompt: Prompt, value: Any) -> None:
    with pytest.raises(InvalidRequest) as caught:
        check_answer(prompt, value)
    with pytest.raises(InvalidAnswer):
        checked_answer(prompt, value)
    with pytest.raises(InvalidRequest):
        answer_value(asked(prompt), value)
    assert caught.value.field == "value"
    assert " must " in caught.value.text()
    assert "hunter2" not in caught.value.text()
