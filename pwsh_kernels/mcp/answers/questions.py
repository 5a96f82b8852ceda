"""What a waiting run asks: whether a model may answer it, the form that a client shows, the answer
in the prompt's shape.

Pure. A prompt is the JSON of `GET /runs/{id}` (records.Prompt).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from pwsh_kernels.errors import AnswerNotUsable, SecretNotTaken
from pwsh_kernels.escapes import plain

Json = dict[str, Any]
_SECRET_KINDS = ("secret", "credential")
ANSWER = "answer"
"""The name of the one value of a form that asks for one."""


def is_secret(prompt: Mapping[str, Any]) -> bool:
    """Return whether any part of the answer is a secret, which must not pass through a model."""
    return prompt.get("kind") in _SECRET_KINDS or any(
        field.get("secret") for field in prompt.get("fields") or ()
    )


def question(run: Mapping[str, Any]) -> str:
    """Return what a run asks for, or an empty text."""
    prompt = run.get("prompt") or {}
    parts = [
        prompt.get("caption"),
        prompt.get("message"),
        *_names(prompt.get("fields")),
        *_labels(prompt),
    ]
    return plain(" | ".join(dict.fromkeys(part for part in parts if part))) or prompt.get(
        "kind", ""
    )


def how_to_answer(prompt: Mapping[str, Any]) -> str:
    """Return the argument of pwsh_answer that fits the prompt, in words."""
    if prompt.get("kind") == "choice":
        several = "one or more of (with commas)" if prompt.get("multiple") else "one of"
        return f"answer {several}: {', '.join(_labels(prompt))}"
    if prompt.get("kind") == "fields":
        return (
            "fields with a text for each of:"
            f" {', '.join(field['name'] for field in prompt['fields'])}"
        )
    return "answer as text"


def value_of(run: Mapping[str, Any], answer: str, fields: Mapping[str, str] | None) -> Any:
    """Return the answer in the shape of the prompt's kind.

    Raises SecretNotTaken, AnswerNotUsable.
    """
    prompt = run.get("prompt") or {}
    if is_secret(prompt):
        raise SecretNotTaken(run_id=run["run_id"], question=question(run))
    if prompt.get("kind") == "choice":
        return _chosen(run, answer)
    if prompt.get("kind") != "fields":
        return answer
    names = [field["name"] for field in prompt["fields"]]
    given = {names[0]: answer} if len(names) == 1 and not fields else dict(fields or {})
    if set(given) != set(names):
        raise AnswerNotUsable(run_id=run["run_id"], wanted=how_to_answer(prompt))
    return given


def form_of(prompt: Mapping[str, Any]) -> Json:
    """Return the JSON schema of a form for a prompt without secrets: flat, texts and choices (MCP,
    elicitation).
    """
    if prompt.get("kind") == "fields":
        properties = {field["name"]: _text_field(field) for field in prompt["fields"]}
    elif prompt.get("kind") == "choice":
        properties = {ANSWER: _choice_field(prompt)}
    else:
        properties = {ANSWER: {"type": "string", "title": plain(prompt.get("message") or "Answer")}}
    return {"type": "object", "properties": properties, "required": list(properties)}


def form_value(run: Mapping[str, Any], content: Mapping[str, Any] | None) -> Any:
    """Return the value of a form that was filled in. Raises AnswerNotUsable."""
    given = content or {}
    if (run.get("prompt") or {}).get("kind") == "fields":
        return value_of(run, "", {name: str(one) for name, one in given.items()})
    answer = given.get(ANSWER, "")
    return value_of(run, ",".join(answer) if isinstance(answer, list) else str(answer), None)


def _text_field(field: Mapping[str, Any]) -> Json:
    words = {
        "title": plain(field.get("label") or field["name"]),
        "description": plain(field.get("help") or ""),
    }
    return {"type": "string", **{name: text for name, text in words.items() if text}}


def _choice_field(prompt: Mapping[str, Any]) -> Json:
    labels = _labels(prompt)
    if prompt.get("multiple"):
        return {"type": "array", "items": {"type": "string", "enum": labels}}
    preset = [labels[index] for index in prompt.get("default") or () if index < len(labels)]
    return {"type": "string", "enum": labels, **({"default": preset[0]} if preset else {})}


def _chosen(run: Mapping[str, Any], answer: str) -> int | list[int]:
    prompt = run["prompt"]
    words = answer.split(",") if prompt.get("multiple") else [answer]
    picked = [_index(prompt["choices"], word.strip().lower()) for word in words]
    known = [index for index in picked if index is not None]
    if len(known) != len(picked):
        raise AnswerNotUsable(run_id=run["run_id"], wanted=how_to_answer(prompt))
    return known if prompt.get("multiple") else known[0]


def _index(choices: Sequence[Mapping[str, Any]], word: str) -> int | None:
    """A choice is named by its label, its hot key, or its place counted from 0."""
    for place, choice in enumerate(choices):
        if word in (plain(choice["label"]).lower(), (choice.get("key") or str(place)).lower()):
            return place
    return None


def _labels(prompt: Mapping[str, Any]) -> list[str]:
    return [plain(choice.get("label") or "") for choice in prompt.get("choices") or ()]


def _names(fields: Sequence[Mapping[str, Any]] | None) -> list[str]:
    return [field.get("label") or field.get("name") or "" for field in fields or ()]
