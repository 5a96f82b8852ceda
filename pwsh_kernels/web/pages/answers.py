"""What a form says as the answer to a command's question. Pure.

The names of a form's fields come from `templates/question.html`: `text`, `choice`, `user` and
`password`; for a question of several fields followed by the field's number, `text-0`.
"""

from collections.abc import Mapping, Sequence

from pwsh_kernels.errors import InvalidRequest
from pwsh_kernels.prompt_answers import CREDENTIAL_TYPE
from pwsh_kernels.records import FieldFacts, PromptFacts

Form = Mapping[str, Sequence[str]]


def read_answer(prompt: PromptFacts, form: Form) -> object:
    """Return the answer in the shape that the question's kind requires. Raises InvalidRequest."""
    match prompt["kind"]:
        case "choice":
            return _choice(prompt, form)
        case "credential":
            return _credential(form, "")
        case "fields":
            numbered = enumerate(prompt["fields"])
            return {one["name"]: _field(one, form, f"-{number}") for number, one in numbered}
        case _:
            several = any(is_list(one) for one in prompt["fields"])
            return _lines(form, "") if several else _text(form, "text")


def is_list(field: FieldFacts) -> bool:
    """Return whether a field takes several texts."""
    return field["type_name"].endswith("[]")


def _field(field: FieldFacts, form: Form, suffix: str) -> object:
    if field["type_name"] == CREDENTIAL_TYPE:
        return _credential(form, suffix)
    return _lines(form, suffix) if is_list(field) else _text(form, f"text{suffix}")


def _choice(prompt: PromptFacts, form: Form) -> int | list[int]:
    picked = form.get("choice", ())
    if not all(one.isascii() and one.isdigit() for one in picked):
        raise InvalidRequest("choice", "must be the number of a choice")
    numbers = [int(one) for one in picked]
    if prompt["multiple"]:
        return numbers
    if len(numbers) != 1:
        raise InvalidRequest("choice", "must be one of the choices")
    return numbers[0]


def _credential(form: Form, suffix: str) -> dict[str, str]:
    return {name: _text(form, f"{name}{suffix}") for name in ("user", "password")}


def _text(form: Form, name: str) -> str:
    values = form.get(name, ())
    if not values:
        raise InvalidRequest(name, "is required")
    return values[-1]


def _lines(form: Form, suffix: str) -> list[str]:
    """Return the lines of a text area, which ends each with a carriage return too."""
    return [one for one in _text(form, f"text{suffix}").splitlines() if one]
