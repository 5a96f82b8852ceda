"""A PowerShell prompt as the questions of a Jupyter client, and the client's texts as PowerShell's
answer.

Pure.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pwsh_kernels.errors import InvalidRequest
from pwsh_kernels.prompt_answers import CREDENTIAL_TYPE, check_answer
from pwsh_kernels.records import Choice, Prompt, PromptField

USER = "user"
PASSWORD = "password"  # noqa: S105 - the name of a field


@dataclass(frozen=True, slots=True)
class Question:
    """One `input_request`: its text, whether the answer is hidden, and the prompt's field it is for
    (None: all of it).
    """

    text: str
    secret: bool = False
    field: str | None = None


class InvalidAnswer(ValueError):
    """The text or value does not answer the prompt; says why, to be shown when the question is
    asked again.
    """


def questions(prompt: Prompt) -> tuple[Question, ...]:
    """Return what to ask, in order; the first question opens with the prompt's caption
    and message.
    """
    heading = "\n".join(text for text in (prompt.caption.strip(), prompt.message.strip()) if text)
    if prompt.kind == "choice":
        return (Question(_below(heading, _choice_line(prompt))),)
    if prompt.kind in ("line", "secret"):
        return (_single(prompt, heading),)
    asked = (
        _credential(prompt)
        if prompt.kind == "credential"
        else [one for field in prompt.fields for one in _field(field)]
    )
    return tuple(
        Question(_below(heading, one.text) if index == 0 else one.text, one.secret, one.field)
        for index, one in enumerate(asked)
    )


def _below(heading: str, text: str) -> str:
    return f"{heading}\n{text}" if heading else text


def _single(prompt: Prompt, heading: str) -> Question:
    text = heading if not heading or heading.endswith((":", "?")) else f"{heading}:"
    return Question(f"{text} " if text else "", prompt.kind == "secret")


def _credential(prompt: Prompt) -> tuple[Question, ...]:
    """Like PowerShell's console, do not ask for a user name that the script gave."""
    if prompt.user:
        return (Question(f"Password for user {prompt.user}: ", secret=True, field=PASSWORD),)
    return (Question("User: ", field=USER), Question("Password: ", secret=True, field=PASSWORD))


def _field(field: PromptField) -> tuple[Question, ...]:
    if field.type_name == CREDENTIAL_TYPE:
        return Question(f"{_label(field)}, user: ", field=field.name), Question(
            "Password: ", secret=True, field=field.name
        )
    default = f" [{field.default}]" if field.default and not field.secret else ""
    return (Question(f"{_label(field)}{default}: ", field.secret, field.name),)


def _label(field: PromptField) -> str:
    return (field.label or field.name).strip().removesuffix(":").rstrip()


def _choice_line(prompt: Prompt) -> str:
    shown = "  ".join(
        f"[{_key(choice, index)}] {choice.label}" for index, choice in enumerate(prompt.choices)
    )
    keys = ", ".join(_key(prompt.choices[index], index) for index in prompt.default)
    default = f' (default is "{keys}")' if keys else ""
    several = " Several, separated by commas" if prompt.multiple else ""
    return f"{shown}{default}{several}: "


def _key(choice: Choice, index: int) -> str:
    return choice.key or str(index)


def answer_from_texts(prompt: Prompt, texts: Sequence[str]) -> Any:
    """Return the value that answers the prompt (shape: records.Prompt) from one text for each
    question.

    Raises InvalidAnswer.
    """
    if prompt.kind == "choice":
        return _choices(prompt, texts[0])
    if prompt.kind == "credential":
        user = prompt.user or texts[0]
        return {USER: user, PASSWORD: texts[-1]}
    if prompt.kind == "fields":
        rest = iter(texts)
        return {field.name: _field_value(field, rest) for field in prompt.fields}
    return texts[0]


def _field_value(field: PromptField, texts: Iterator[str]) -> Any:
    if field.type_name == CREDENTIAL_TYPE:
        return {USER: next(texts), PASSWORD: next(texts)}
    return next(texts) or field.default


def _choices(prompt: Prompt, text: str) -> int | list[int]:
    words = [word.strip() for word in (text.split(",") if prompt.multiple else [text])]
    picked = [_choice(prompt, word) for word in words if word] or list(prompt.default)
    if prompt.multiple:
        return picked
    if not picked:
        raise InvalidAnswer("An answer is needed.")
    return picked[0]


def _choice(prompt: Prompt, word: str) -> int:
    """Return the index of the choice with that key, else that label, else that number."""
    wanted = word.casefold()
    for names in (
        [one.key for one in prompt.choices],
        [one.label for one in prompt.choices],
        range(len(prompt.choices)),
    ):
        for index, name in enumerate(names):
            if str(name).casefold() == wanted:
                return index
    raise InvalidAnswer(f"{word!r} is not one of the choices.")


def checked_answer(prompt: Prompt, value: Any) -> Any:
    """Return a program's whole answer (`answer_metadata`) if its shape is that of the prompt.

    Raises InvalidAnswer.
    """
    try:
        check_answer(prompt, value)
    except InvalidRequest as error:
        raise InvalidAnswer(f"The answer {error.problem}.") from None
    return value
