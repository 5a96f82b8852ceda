"""Whether a value answers a prompt: its shape by the prompt's kind (records.Prompt). Pure."""

from collections.abc import Mapping
from typing import Any

from pwsh_kernels.errors import InvalidRequest
from pwsh_kernels.records import Prompt

CREDENTIAL = {"user", "password"}


def check_answer(prompt: Prompt, value: Any) -> None:
    """Raise InvalidRequest, which never holds the value, when `value` has not the shape that the
    prompt asks for.
    """
    problem = _problem(prompt, value)
    if problem:
        raise InvalidRequest(field="value", problem=problem)


def _problem(prompt: Prompt, value: Any) -> str:
    if prompt.kind in ("line", "secret"):
        return (
            "" if isinstance(value, str) else f"must be a text: the prompt's kind is {prompt.kind}"
        )
    if prompt.kind == "choice":
        return _choice_problem(prompt, value)
    names = CREDENTIAL if prompt.kind == "credential" else {field.name for field in prompt.fields}
    fits = (
        isinstance(value, Mapping)
        and set(value) == names
        and all(isinstance(text, str) for text in value.values())
    )
    return "" if fits else f"must be an object of texts with the names {', '.join(sorted(names))}"


def _choice_problem(prompt: Prompt, value: Any) -> str:
    picked = value if prompt.multiple and isinstance(value, list) else [value]
    if all(type(one) is int and 0 <= one < len(prompt.choices) for one in picked):
        return ""
    shown = ", ".join(f"{index} ({choice.label})" for index, choice in enumerate(prompt.choices))
    return f"must be {'indexes' if prompt.multiple else 'the index'} of a choice: {shown}"
