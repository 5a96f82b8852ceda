"""Which values answer which prompts."""

from typing import Any

import pytest

from pwsh_kernels.errors import InvalidRequest
from pwsh_kernels.records import Choice, Prompt, PromptField
from pwsh_kernels.sessions.runs.prompt_answers import check_answer

CHOICES = (Choice("Yes", "Y"), Choice("No", "N"))
CHOICE = Prompt("choice", choices=CHOICES)
SEVERAL = Prompt("choice", choices=CHOICES, multiple=True)
FIELDS = Prompt("fields", fields=(PromptField("Name"), PromptField("Age")))
GOOD: list[tuple[Prompt, Any]] = [
    (Prompt("line"), ""), (Prompt("secret"), "x"), (CHOICE, 0), (SEVERAL, [0, 1]), (SEVERAL, 1),
    (Prompt("credential"), {"user": "u", "password": "p"}), (FIELDS, {"Name": "a", "Age": "1"}),
]  # fmt: skip
BAD: list[tuple[Prompt, Any]] = [
    (Prompt("line"), 1), (Prompt("secret"), ["hunter2"]), (CHOICE, 2), (CHOICE, -1), (CHOICE, "Y"), (CHOICE, True),  # noqa: E501
    (CHOICE, [0]),
    (SEVERAL, [0, 5]), (Prompt("credential"), {"user": "u"}), (FIELDS, {"Name": "a"}), (FIELDS, {"Name": "a", "Age": 1}),  # noqa: E501
]  # fmt: skip


@pytest.mark.parametrize(("prompt", "value"), GOOD)
def test_values_of_the_prompts_shape_are_taken(prompt: Prompt, value: Any) -> None:
    check_answer(prompt, value)


@pytest.mark.parametrize(("prompt", "value"), BAD)
def test_other_values_are_refused_with_the_shape_that_is_needed(prompt: Prompt, value: Any) -> None:
    with pytest.raises(InvalidRequest) as caught:
        check_answer(prompt, value)
    assert caught.value.field == "value"
    assert "must be" in caught.value.text()
    assert "hunter2" not in caught.value.text()
