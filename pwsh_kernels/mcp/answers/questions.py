"""A waiting run's question: whether a model may answer it, the form that a client shows, the answer
in the prompt's shape.

Pure. A prompt is the JSON of `GET /runs/{id}` (records.Prompt).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from pwsh_kernels.errors import AnswerNotUsable, AnswerOfAnother, SecretNotTaken
from pwsh_kernels.escapes import plain, visible
from pwsh_kernels.records import ChoiceFacts, FieldFacts, PromptFacts
from pwsh_kernels.shapes import ForeignJson, Run

_SECRET_KINDS = ("secret", "credential")
ANSWER = "answer"
"""The name of the one value of a form that asks for one."""
TO_ALL = " to all"
"""Endings of the choices with which one answer would decide later questions too."""
COMMAND_CHARS = 4_000
"""Characters of a command that a form shows."""


def is_secret(prompt: PromptFacts) -> bool:
    """Return whether any part of the answer is a secret, which must not pass through a model."""
    return prompt["kind"] in _SECRET_KINDS or any(one["secret"] for one in prompt["fields"])


def is_decision(prompt: PromptFacts) -> bool:
    """Return whether the answer decides something, as every Confirm does, so that a person must
    give it.
    """
    return prompt["kind"] == "choice"


def form_message(run: Run) -> str:
    """Return the text above a form: where and as whom, the question, the exact command.

    Each line that is not ours begins with a mark, so that none can pose as ours.
    """
    command = run["command"]
    whole = len(command) <= COMMAND_CHARS
    cut = "" if whole else f", the first {COMMAND_CHARS:,} of {len(command):,} characters"
    where = f"tenant {run['tenant']} ({run['module']})"
    return "\n".join(
        (
            f"A command in {where}, signed in as {visible(run['account'] or 'nobody')}, asks:",
            _quoted(question(run)),
            f"The command{cut}:",
            _quoted(command[:COMMAND_CHARS]),
        )
    )


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}" for line in visible(text).split("\n"))


def is_own(run: Run) -> bool:
    """Return whether this client started the run: only then may its questions be answered here."""
    return run.get("yours", True)


def asker(run: Run) -> str:
    """Return who started a run, and so answers its questions."""
    return f"{run['principal']} ({run['client']})" if run["client"] else run["principal"]


def question(run: Run) -> str:
    """Return what a run asks for, or an empty text."""
    prompt = run["prompt"]
    if prompt is None:
        return ""
    fields = [_field_label(one, prompt["kind"]) for one in prompt["fields"]]
    parts = [prompt["caption"], prompt["message"], *fields, *_labels(prompt)]
    return plain(" | ".join(dict.fromkeys(part for part in parts if part))) or prompt["kind"]


def _field_label(field: FieldFacts, kind: str) -> str:
    label, name = field["label"], field["name"]
    return f"{label} ({name})" if kind == "fields" and label not in ("", name) else label or name


def step_to_answer(prompt: PromptFacts | None) -> str:
    """Return the same as `how_to_answer` in our words only: names and choices are in the
    question.
    """
    if prompt and prompt["kind"] == "choice":
        several = "one or more (with commas)" if prompt["multiple"] else "one"
        return f"answer {several} of the choices at the end of the question"
    if prompt and prompt["kind"] == "fields":
        return "fields with a text for each name in the question"
    return "answer as text"


def how_to_answer(prompt: PromptFacts | None) -> str:
    """Return the argument of pwsh_answer that fits the prompt, in words."""
    if prompt is None:
        return "answer as text"
    if prompt["kind"] == "choice":
        several = "one or more of (with commas)" if prompt["multiple"] else "one of"
        return f"answer {several}: {', '.join(_labels(prompt))}"
    if prompt["kind"] == "fields":
        return (
            "fields with a text for each of:"
            f" {', '.join(field['name'] for field in prompt['fields'])}"
        )
    return "answer as text"


def value_of(run: Run, answer: str, fields: Mapping[str, str] | None) -> Any:
    """Return the answer in the shape of the prompt's kind.

    Raises AnswerOfAnother, SecretNotTaken, AnswerNotUsable.
    """
    prompt = run["prompt"]
    if prompt is None:
        return answer
    if not is_own(run):
        raise AnswerOfAnother(run_id=run["run_id"], asker=asker(run))
    if is_secret(prompt):
        raise SecretNotTaken(run_id=run["run_id"], question=question(run))
    if prompt["kind"] == "choice":
        return _chosen(run["run_id"], prompt, answer)
    if prompt["kind"] != "fields":
        return answer
    names = [field["name"] for field in prompt["fields"]]
    given = {names[0]: answer} if len(names) == 1 and not fields else dict(fields or {})
    if set(given) != set(names):
        raise AnswerNotUsable(run_id=run["run_id"], wanted=how_to_answer(prompt))
    return given


def form_of(prompt: PromptFacts) -> ForeignJson:
    """Return the JSON schema of a form for a prompt without secrets: flat, texts and choices (MCP,
    elicitation).
    """
    if prompt["kind"] == "fields":
        properties = {field["name"]: _text_field(field) for field in prompt["fields"]}
    elif prompt["kind"] == "choice":
        properties = {ANSWER: _choice_field(prompt)}
    else:
        properties = {ANSWER: {"type": "string", "title": plain(prompt["message"] or "Answer")}}
    return {"type": "object", "properties": properties, "required": list(properties)}


def form_value(run: Run, content: Mapping[str, Any] | None) -> Any:
    """Return the value of a completed form. Raises AnswerNotUsable."""
    given = content or {}
    if run["prompt"] and run["prompt"]["kind"] == "fields":
        return value_of(run, "", {name: str(one) for name, one in given.items()})
    answer = given.get(ANSWER, "")
    return value_of(run, ",".join(answer) if isinstance(answer, list) else str(answer), None)


def _text_field(field: FieldFacts) -> ForeignJson:
    words = {
        "title": plain(field["label"] or field["name"]),
        "description": plain(field["help"]),
    }
    return {"type": "string", **{name: text for name, text in words.items() if text}}


def _choice_field(prompt: PromptFacts) -> ForeignJson:
    """Nothing is preset: submitting an untouched form must not decide anything."""
    one = {"type": "string", "enum": _labels(prompt)}
    return {"type": "array", "items": one} if prompt["multiple"] else one


def _chosen(run_id: str, prompt: PromptFacts, answer: str) -> int | list[int]:
    words = answer.split(",") if prompt["multiple"] else [answer]
    picked = [_index(_offered(prompt), word.strip().lower()) for word in words]
    known = [index for index in picked if index is not None]
    if len(known) != len(picked):
        raise AnswerNotUsable(run_id=run_id, wanted=how_to_answer(prompt))
    return known if prompt["multiple"] else known[0]


def _offered(prompt: PromptFacts) -> list[tuple[int, ChoiceFacts]]:
    """Return the choices with their places, without those that decide later questions too."""
    choices = list(enumerate(prompt["choices"]))
    single = [one for one in choices if not one[1]["label"].strip().lower().endswith(TO_ALL)]
    return single or choices


def _index(offered: Sequence[tuple[int, ChoiceFacts]], word: str) -> int | None:
    """A choice is named by its label, its hot key, or its place counted from 0."""
    for place, choice in offered:
        if word in (plain(choice["label"]).lower(), (choice["key"] or str(place)).lower()):
            return place
    return None


def _labels(prompt: PromptFacts) -> list[str]:
    return [plain(choice["label"]) for _, choice in _offered(prompt)]
