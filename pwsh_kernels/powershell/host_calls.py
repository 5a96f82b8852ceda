"""Host calls of a running script: which are text, which are questions, and what an answer looks
like on the wire.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psrpcore import PipelineHostCallEvent, RunspacePoolHostCallEvent
from psrpcore.types import (
    ChoiceDescription,
    ErrorCategory,
    ErrorCategoryInfo,
    ErrorRecord,
    FieldDescription,
    HostMethodIdentifier,
    NETException,
    PSCredential,
    PSSecureString,
)

from pwsh_kernels.powershell.events import HostText
from pwsh_kernels.prompt_answers import CREDENTIAL_TYPE, check_answer, takes_list
from pwsh_kernels.records import Choice, Prompt, PromptField, PromptKind, RecordKind

Call = PipelineHostCallEvent | RunspacePoolHostCallEvent
Method = HostMethodIdentifier

NO_ANSWER = -100
"""The call id of a call that expects no answer (decision 0001)."""


@dataclass(frozen=True, slots=True)
class ExitCalled:
    """The script called `exit N`; the runspace stays open (decision 0001)."""

    code: int


@dataclass(frozen=True, slots=True)
class StreamLine:
    """A line of a stream, which follows its more detailed record (measured). What a script sends to
    $null arrives only as a record.
    """

    kind: RecordKind
    text: str


@dataclass(frozen=True, slots=True)
class Question:
    """A host call that waits for an answer."""

    id: int
    method: HostMethodIdentifier
    prompt: Prompt


@dataclass(frozen=True, slots=True)
class Unsupported:
    """A host call that needs an answer which this host cannot give; it must be refused, or the
    script hangs.
    """

    id: int
    method: str


_STREAMS: Mapping[HostMethodIdentifier, RecordKind] = {
    Method.WriteWarningLine: "warning",
    Method.WriteVerboseLine: "verbose",
    Method.WriteDebugLine: "debug",
}


def read_call(call: Call) -> HostText | StreamLine | ExitCalled | Question | Unsupported | None:
    """Return the meaning of a host call; None if it can be ignored, such as a change of colours."""
    method = call.method_identifier
    if method in _STREAMS:
        return StreamLine(_STREAMS[method], str(call.method_parameters[0] or ""))
    text = _host_text(method, call.method_parameters) if method.is_void() else None
    if text is not None:
        return text
    if method == Method.SetShouldExit:
        return ExitCalled(int(call.method_parameters[0]))
    prompt = _prompt(method, call.method_parameters)
    if prompt is not None:
        return Question(call.ci, method, prompt)
    return None if call.ci == NO_ANSWER else Unsupported(call.ci, method.name)


def _host_text(method: HostMethodIdentifier, parameters: Sequence[Any]) -> HostText | None:
    if method == Method.WriteLine1:
        return HostText("")
    if method not in (
        Method.Write1,
        Method.Write2,
        Method.WriteLine2,
        Method.WriteLine3,
        Method.WriteErrorLine,
    ):
        return None
    *colours, text = parameters
    foreground, background = [one.name for one in colours] or ["", ""]
    return HostText(
        str(text or ""),
        method not in (Method.Write1, Method.Write2),
        foreground,
        background,
        method == Method.WriteErrorLine,
    )


def _prompt(method: HostMethodIdentifier, parameters: Sequence[Any]) -> Prompt | None:
    if method == Method.ReadLine:
        return Prompt("line")
    if method == Method.ReadLineAsSecureString:
        return Prompt("secret")
    if method == Method.Prompt:
        return _fields_prompt(*parameters)
    if method in (Method.PromptForCredential1, Method.PromptForCredential2):
        caption, message, user = (str(one or "") for one in parameters[:3])
        return Prompt("credential", caption, message, user=user)
    if method in (Method.PromptForChoice, Method.PromptForChoiceMultipleSelection):
        return _choice_prompt(
            *parameters, multiple=method == Method.PromptForChoiceMultipleSelection
        )
    return None


def _fields_prompt(
    caption: str | None, message: str | None, descriptions: Sequence[FieldDescription]
) -> Prompt:
    fields = tuple(_field(one) for one in descriptions)
    kind: PromptKind = "fields"
    if len(fields) == 1:
        kind = _kind(fields[0])
    question = message or ""
    if kind != "fields":
        question = "\n".join(filter(None, (question, fields[0].label or fields[0].name)))
    return Prompt(kind, caption or "", question, fields)


def _kind(field: PromptField) -> PromptKind:
    if field.type_name == CREDENTIAL_TYPE:
        return "credential"
    return "secret" if field.secret else "line"


def _field(one: FieldDescription) -> PromptField:
    type_name = str(one.ParameterTypeName or "String")
    return PromptField(
        name=str(one.Name),
        label=str(one.Label or "").replace("&", ""),
        type_name=type_name,
        secret=type_name == "SecureString",
        mandatory=bool(one.IsMandatory),
        help=str(one.HelpMessage or ""),
        default="" if getattr(one, "DefaultValue", None) is None else str(one.DefaultValue),
    )


def _choice_prompt(
    caption: str | None,
    message: str | None,
    descriptions: Sequence[ChoiceDescription],
    default: Any,
    *,
    multiple: bool,
) -> Prompt:
    # An int[] travels as an object with its elements under "mae" (measured; MS-PSRP 2.2.6.1.4).
    chosen = getattr(default, "mae", default)
    chosen = chosen if isinstance(chosen, (list, tuple)) else [chosen]
    return Prompt(
        "choice",
        caption or "",
        message or "",
        choices=tuple(_choice(one) for one in descriptions),
        default=tuple(int(one) for one in chosen if one is not None and int(one) >= 0),
        multiple=multiple,
    )


def _choice(one: ChoiceDescription) -> Choice:
    before, mark, after = str(one.Label).partition("&")
    return Choice(before + after, after[:1].upper() if mark else "", str(one.HelpMessage or ""))


def needs_key(question: Question) -> bool:
    """Return whether the answer holds a secret, for which a session key must be exchanged first."""
    prompt = question.prompt
    return prompt.kind in ("secret", "credential") or any(
        one.secret or one.type_name == CREDENTIAL_TYPE for one in prompt.fields
    )


def answer_value(question: Question, value: Any) -> Any:
    """Return the wire value of an answer, whose shape `Prompt` defines.

    Raises InvalidRequest for any other.
    """
    prompt, method = question.prompt, question.method
    check_answer(prompt, value)
    if prompt.kind == "choice":
        return _choice_answer(prompt, value)
    if method == Method.Prompt:
        values = value if prompt.kind == "fields" else {prompt.fields[0].name: value}
        return {one.name: _field_answer(one, values[one.name]) for one in prompt.fields}
    if prompt.kind == "credential":
        return _credential(value)
    return PSSecureString(value) if prompt.kind == "secret" else value


def _choice_answer(prompt: Prompt, value: Any) -> int | list[int]:
    if not prompt.multiple:
        return int(value)
    return list(value) if isinstance(value, list | tuple) else [value]


def _field_answer(field: PromptField, value: Any) -> Any:
    if field.type_name == CREDENTIAL_TYPE:
        return _credential(value)
    if takes_list(field) and isinstance(value, list | tuple):
        return list(value)
    return PSSecureString(value) if field.secret else value


def _credential(value: Mapping[str, str]) -> PSCredential:
    return PSCredential(UserName=value["user"], Password=PSSecureString(value["password"]))


def refusal(reason: str) -> ErrorRecord:
    """Return the error that the script gets instead of an answer."""
    return ErrorRecord(
        Exception=NETException(reason),
        CategoryInfo=ErrorCategoryInfo(
            Category=ErrorCategory.ResourceUnavailable, Reason="PromptRefused"
        ),
        FullyQualifiedErrorId="PromptRefused",
    )
