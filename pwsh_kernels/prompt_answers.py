"""Whether a value answers a prompt: the only definition of its shape, by the kind of
records.Prompt.

Pure. Used by everything that accepts an answer: the server, the kernel, PowerShell's host.
"""

from collections.abc import Mapping
from typing import Any

from pwsh_kernels.errors import InvalidRequest
from pwsh_kernels.records import MAX_SECRET, Prompt, PromptField

CREDENTIAL = {"user", "password"}
CREDENTIAL_TYPE = "PSCredential"
TOO_LONG = f"must have at most {MAX_SECRET} characters if it is a secret"


def check_answer(prompt: Prompt, value: Any) -> None:
    """Raise InvalidRequest, which never contains the value, if `value` does not have the shape that
    the prompt requires.
    """
    problem = _problem(prompt, value) or (
        TOO_LONG if any(utf16_units(one) > MAX_SECRET for one in _secrets(prompt, value)) else ""
    )
    if problem:
        raise InvalidRequest(field="value", problem=problem)


def takes_list(field: PromptField) -> bool:
    """Return whether a field of a prompt takes several texts."""
    return field.type_name.endswith("[]")


def utf16_units(text: str) -> int:
    """Return the length of a text in .NET."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _secrets(prompt: Prompt, value: Any) -> list[str]:
    """Return the texts of a valid answer that become secrets."""
    if prompt.kind == "secret":
        return [value]
    if prompt.kind == "credential":
        return [value["password"]]
    if prompt.kind != "fields":
        return []
    return [text for field in prompt.fields for text in _secret_texts(field, value[field.name])]


def _secret_texts(field: PromptField, value: Any) -> list[str]:
    if field.type_name == CREDENTIAL_TYPE:
        return [value["password"]]
    return list(value) if field.secret and takes_list(field) else [value] if field.secret else []


def _problem(prompt: Prompt, value: Any) -> str:
    if prompt.kind == "choice":
        return _choice_problem(prompt, value)
    if prompt.kind == "credential":
        return _credential_problem(value)
    if prompt.kind == "fields":
        return _fields_problem(prompt, value)
    several = any(takes_list(field) for field in prompt.fields)
    fits = _is_text(value, several=several)
    return "" if fits else f"must be text: the prompt's kind is {prompt.kind}"


def _choice_problem(prompt: Prompt, value: Any) -> str:
    picked = value if prompt.multiple and isinstance(value, list | tuple) else [value]
    if all(type(one) is int and 0 <= one < len(prompt.choices) for one in picked):
        return ""
    shown = ", ".join(f"{index} ({choice.label})" for index, choice in enumerate(prompt.choices))
    return f"must be {'indexes' if prompt.multiple else 'the index'} of a choice: {shown}"


def _credential_problem(value: Any) -> str:
    fits = _has_names(value, CREDENTIAL) and all(_is_text(one) for one in value.values())
    return "" if fits else "must be an object with the text values password and user"


def _fields_problem(prompt: Prompt, value: Any) -> str:
    names = {field.name for field in prompt.fields}
    if not _has_names(value, names):
        return f"must be an object with text values named {', '.join(sorted(names))}"
    wrong = [one.name for one in prompt.fields if not _fits(one, value[one.name])]
    return f"must be an object with text values; not text: {', '.join(wrong)}" if wrong else ""


def _fits(field: PromptField, value: Any) -> bool:
    if field.type_name == CREDENTIAL_TYPE:
        return not _credential_problem(value)
    return _is_text(value, several=takes_list(field))


def _has_names(value: Any, names: set[str]) -> bool:
    return isinstance(value, Mapping) and set(value) == names


def _is_text(value: Any, *, several: bool = False) -> bool:
    if several and isinstance(value, list | tuple):
        return all(isinstance(one, str) for one in value)
    return isinstance(value, str)
