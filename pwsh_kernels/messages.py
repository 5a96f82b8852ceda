"""Our additions to the standard content of Jupyter messages: one metadata key, defined once for
both sides.

* `execute_request` metadata: `{"pwsh": {"parameters": {}, "format": "text", "width": 120,
  "max_chars": null, "file": "", "rich": false, "packed": false, "own": false, "guards": null,
  "state": null}}`; a request without our key is a person's and is `rich`. `own`: a script of the
  server's; `guards`: the last one of its look at who is signed in, true or false for the result;
  `state`: a question about how the session resolves commands (`command_state.StateQuestion`), which
  is answered before the code runs; with `expected` in it, the code runs only if nothing differs
* `kernel_info_reply` content: `"pwsh": {"understands": [...]}`: which of `packed`, `own`, `guards`,
  `state` the kernel knows; without it none. It refuses a request with others; the server may be a
  newer one
* `stream` metadata of a `packed` execution: `{"pwsh": {"kind": …, "pieces": [{"name": "stdout" or
  "stderr", "chars": N, "kind": KIND, "record": …}, …]}}`: its text is theirs one after the other,
  with the metadata of each
* `display_data`, `update_display_data` of tables, lists and pictures: `{"pwsh": {"kind": "view",
  "text": TEXT}}`, the text that this message adds to the output as PowerShell prints it
* `stream`, `error`, `display_data`, `update_display_data` metadata: `{"pwsh": {"kind": KIND,
  "record"|"progress": {...}}}`
* `input_request` metadata: `{"pwsh": {"prompt": {...}, "field": name or null}}`
* `input_reply` metadata: `{"pwsh": {"answer": VALUE}}` answers the whole prompt, all its fields at
  once, in the shape of its
  kind (records.Prompt); `{"pwsh": {"refuse": REASON}}` refuses it. Without our key, `content.value`
  answers the field asked
* `execute_reply` metadata: `{"pwsh": {"summary": {...}}}`, and where the request had a `state`:
  `"state": {...}` (`command_state.CommandState`), or `"refused": {"code": CODE, "text": WHY}` if
  the code was not run because of it
* `shutdown_request` metadata: `{"pwsh": {"end_session": true}}`: by the owner of a shared kernel,
  which refuses others
* `pwsh_journal_request` on control of a shared kernel: its `pwsh_journal_reply` has in `runs` the
  last executions, each `{"header": of the execute_request, "code", "messages": sent on iopub,
  "dropped": characters of messages that were not kept, "reply": its content's status and metadata,
  or null while it goes on, "principal": of its grant}`
* iopub message `pwsh_event` (no parent): `{"event": "powershell_died", "exit_status": N, "signal":
  name or null, "reason": why we have ended it, or ""}`
* metadata of every message to a shared kernel that needs it: `pwsh_grant` (`grants.py`)
* iopub message `pwsh_event` of a shared kernel (no parent): `{"event": "request_refused", "kind":
  of the message, "message": its id, "claims": the user name in it, "reason": of `not_granted`}`
* iopub message `pwsh_event` of a shared kernel (parent: the execute_request): `{"event":
  "connection_changed"}`, when the module's connection is another one since that execution
* iopub message `pwsh_event` of a shared kernel (parent: the execute_request): `{"event":
  "prompt_asked", "prompt": {...},
  "request": header of the input_request}`, `{"event": "prompt_closed"}`. Others than the asker
  answer with an `input_reply` whose parent is that request and whose metadata has, under our key,
  `"for_other": true` in addition to the answer
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Literal

from pwsh_kernels.errors import InvalidRequest, ProductError
from pwsh_kernels.records import (
    MAX_CHARS,
    OUTPUT_FORMATS,
    Progress,
    Prompt,
    Record,
    RecordKind,
    RunOptions,
    Summary,
)

KEY = "pwsh"
EVENT_MESSAGE = "pwsh_event"
POWERSHELL_DIED = "powershell_died"
JOURNAL_REQUEST = "pwsh_journal_request"
CLIENT_MESSAGES = (
    "execute_request",
    "complete_request",
    "inspect_request",
    "history_request",
    "comm_info_request",
    "kernel_info_request",
    "connect_request",
    "shutdown_request",
    "is_complete_request",
    "interrupt_request",
    "usage_request",
    JOURNAL_REQUEST,
    "input_reply",
)
"""Every kind of message that a session's kernel takes from a client."""
JOURNAL_REPLY = "pwsh_journal_reply"
PROMPT_ASKED = "prompt_asked"
PROMPT_CLOSED = "prompt_closed"
PROMPT_EVENTS = (PROMPT_ASKED, PROMPT_CLOSED)
CONNECTION_CHANGED = "connection_changed"
REQUEST_REFUSED = "request_refused"
UNGRANTED = "NotGranted"
"""Name of the error in the reply to a message that no server granted."""
NAME_CHARS = 100
"""Characters of a client's own words that an event repeats."""
CARRIED = "pwsh_carried"
"""Metadata of an execute_request for a session of the read tier: its text as commands and
parameters (`reading.Carried`), which run in place of the text.
"""
TRUSTED = "pwsh_trusted"
"""Metadata of one whose text is a script of the server's own, also when a caller has asked for what
it says.
"""
BESIDE = ("packed", "own", "guards", "state")
"""What an execute_request's metadata says besides the options of its run. A kernel that does not
know one refuses the request, so that a server sends only what `understood` returns.
"""
MAX_WIDTH = 1000
MIN_WIDTH = 20
_PATH = re.compile(r"/[^\x00-\x1f\x7f]{1,4095}")

TextKind = Literal["text", "host", "console"] | RecordKind
"""`text`: the pipeline's output; `host`: Write-Host and friends; `console`: raw [Console] text.

A record's kind: the text of records beyond the first ones, without their facts.
"""


def text_metadata(kind: TextKind) -> Mapping[str, Any]:
    """Return the metadata of a stream message that carries text but no record."""
    return {KEY: {"kind": kind}}


def record_metadata(record: Record) -> Mapping[str, Any]:
    """Return the metadata of a stream or error message that shows a record."""
    return {KEY: {"kind": record.kind, "record": record.to_json()}}


def view_metadata(text: str) -> Mapping[str, Any]:
    """Return the metadata of a display message; `text`: what it adds to the output, as PowerShell
    prints it.
    """
    return {KEY: {"kind": "view", "text": text}}


def packed_metadata(
    pieces: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]],
) -> Mapping[str, Any]:
    """Return the metadata of a stream message that combines several, each a content and its
    metadata.
    """
    told = [
        {"name": content["name"], "chars": len(content["text"]), **metadata[KEY]}
        for content, metadata in pieces
    ]
    return {KEY: {"kind": told[0]["kind"], "pieces": told}}


def unpacked(message: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Yield the name, text and facts of each piece of a stream message."""
    content, facts, start = message["content"], our_facts(message), 0
    for piece in facts.get("pieces", ()):
        yield piece["name"], content["text"][start : start + piece["chars"]], piece
        start += piece["chars"]
    if "pieces" not in facts:
        yield content["name"], content["text"], facts


def progress_metadata(progress: Progress | None) -> Mapping[str, Any]:
    """Return the metadata of a display message that shows progress; None: the run has ended and the
    bar is removed.
    """
    return {KEY: {"kind": "progress", **({"progress": progress.to_json()} if progress else {})}}


def prompt_metadata(prompt: Prompt, field: str | None = None) -> Mapping[str, Any]:
    """Return the metadata of an input_request; `field` names the requested value of a prompt that
    asks for several.
    """
    return {KEY: {"prompt": prompt.to_json(), "field": field}}


def answer_metadata(value: Any, *, for_other: bool = False) -> Mapping[str, Any]:
    """Return the metadata of an input_reply that answers the whole prompt; shape of `value`:
    records.Prompt.

    `for_other`: in place of the client that was asked.
    """
    return {KEY: {"answer": value, **_in_place(for_other)}}


def refusal_metadata(reason: str, *, for_other: bool = False) -> Mapping[str, Any]:
    """Return the metadata of an input_reply that refuses the prompt; the script gets an error that
    says `reason`.
    """
    return {KEY: {"refuse": reason, **_in_place(for_other)}}


def _in_place(for_other: bool) -> Mapping[str, bool]:
    return {"for_other": True} if for_other else {}


def answers_for_other(message: Mapping[str, Any]) -> bool:
    """Return whether an input_reply deliberately answers or refuses a prompt in place of the client
    that was asked.
    """
    facts = our_facts(message)
    return facts.get("for_other") is True and ("answer" in facts or "refuse" in facts)


def summary_metadata(
    summary: Summary, beside: Mapping[str, Any] = MappingProxyType({})
) -> Mapping[str, Any]:
    """Return the metadata of an execute_reply; `beside`: what else it says."""
    return {KEY: {"summary": summary.to_json(), **beside}}


def state_facts(state: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what an execute_reply says of the session's state."""
    return {"state": state}


def refused_facts(refused: ProductError) -> Mapping[str, Any]:
    """Return what an execute_reply says of code that was not run because of the state."""
    return {"refused": {"code": refused.code, "text": refused.text()}}


def read_refused(reply: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return the code and the sentence of `refused_facts`; None: the code was run."""
    told = our_facts(reply).get("refused")
    return (str(told["code"]), str(told["text"])) if isinstance(told, Mapping) else None


def read_state(reply: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the state of `state_facts`, if an execute_reply has one."""
    state: Mapping[str, Any] | None = our_facts(reply).get("state")
    return state


def our_facts(message: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a message's metadata under our key, or an empty mapping."""
    return _ours(message.get("metadata", {}))


def _ours(metadata: Mapping[str, Any]) -> Mapping[str, Any]:
    facts = metadata.get(KEY)
    return facts if isinstance(facts, Mapping) else {}


def read_summary(reply: Mapping[str, Any]) -> Summary | None:
    """Return the summary of an execute_reply, or None if another kind of kernel (or an abort) wrote
    it.
    """
    facts = our_facts(reply).get("summary")
    return Summary.from_json(facts) if facts else None


def journal_entry(
    header: Mapping[str, Any],
    code: str,
    messages: Sequence[Mapping[str, Any]],
    dropped: int,
    reply: Mapping[str, Any] | None,
    *,
    principal: str = "",
) -> dict[str, Any]:
    """Return one execution in a `pwsh_journal_reply`."""
    return {
        "header": header,
        "code": code,
        "messages": messages,
        "dropped": dropped,
        "reply": reply,
        "principal": principal,
    }


def refused_event(kind: str, header: Mapping[str, Any], reason: str) -> Mapping[str, str]:
    """Return the content of the event that says that a message was not acted on, and why."""
    return {
        "event": REQUEST_REFUSED,
        "kind": kind[:NAME_CHARS],
        "message": str(header["msg_id"])[:NAME_CHARS],
        "claims": str(header.get("username") or "")[:NAME_CHARS],
        "reason": reason,
    }


def ending_metadata() -> Mapping[str, Any]:
    """Return the metadata with which the owner of a shared kernel ends it."""
    return {KEY: {"end_session": True}}


def ends_session(message: Mapping[str, Any]) -> bool:
    """Return whether a shutdown_request is the owner's."""
    return our_facts(message).get("end_session") is True


def understanding() -> Mapping[str, Any]:
    """Return what a kernel adds to its kernel_info_reply."""
    return {KEY: {"understands": list(BESIDE)}}


def understood(kernel_info: Mapping[str, Any]) -> Collection[str]:
    """Return what of BESIDE a kernel knows: nothing, if an older version or another kind says
    nothing.
    """
    told = _ours(kernel_info).get("understands")
    return tuple(one for one in told if one in BESIDE) if isinstance(told, list) else ()


def options_metadata(
    options: RunOptions,
    *,
    packed: bool = False,
    own: bool = False,
    guards: bool | None = None,
    state: Mapping[str, Any] | None = None,
    known: Collection[str] = BESIDE,
    trusted: bool = False,
) -> Mapping[str, Any]:
    """Return the metadata of an execute_request; `packed`: output that is written at once may come
    as one message; `own`: a script of the server's; `guards`: whether the session counts as signed
    in from then on; `state`: a question about the session's state; `known`: what of these the
    kernel knows; `trusted`: the text is the server's, whoever asked for it.
    """
    beside = {
        **({"packed": True} if packed else {}),
        **({"own": True} if own else {}),
        **({} if guards is None else {"guards": guards}),
        **({} if state is None else {"state": state}),
    }
    return {
        KEY: {
            "parameters": dict(options.parameters),
            "format": options.format,
            "width": options.width,
            "max_chars": options.max_chars,
            **({"rich": True} if options.rich else {}),
            **({"file": options.file} if options.file else {}),
            **{name: value for name, value in beside.items() if name in known},
        },
        **({CARRIED: dict(options.carried)} if options.carried else {}),
        **({TRUSTED: True} if trusted else {}),
    }


def read_options(metadata: Mapping[str, Any]) -> RunOptions:
    """Return the options that an execute_request's metadata asks for.

    Raises InvalidRequest that names the bad one.

    A request without our key comes from a person's client and gets rich output.
    """
    carried, own = metadata.get(CARRIED), is_trusted(metadata)
    if KEY not in metadata:
        return RunOptions(rich=True, carried=carried, own=own)
    facts = metadata.get(KEY) or {}
    if not isinstance(facts, Mapping):
        raise InvalidRequest(field=KEY, problem="must be an object")
    facts = {name: value for name, value in facts.items() if name not in BESIDE}
    unknown = sorted(set(facts) - {"parameters", "format", "width", "max_chars", "rich", "file"})
    if unknown:
        raise InvalidRequest(
            field=f"{KEY}.{unknown[0]}", problem="is not an option of an execution"
        )
    try:
        return replace(checked_options(**facts), carried=carried, own=own)
    except InvalidRequest as error:
        raise InvalidRequest(field=f"{KEY}.{error.field}", problem=error.problem) from None


def checked_options(
    parameters: Any = None,
    format: Any = None,  # noqa: A002 - the request's own word
    width: Any = None,
    max_chars: Any = None,
    *,
    rich: Any = False,
    file: Any = None,
) -> RunOptions:
    """Return the options that a caller asks for, each None for its default.

    Raises InvalidRequest that names the bad one.
    """
    return RunOptions(
        parameters=_parameters(parameters),
        format=_format(format),
        width=_integer(width, "width", MIN_WIDTH, MAX_WIDTH) or RunOptions().width,
        max_chars=_integer(max_chars, "max_chars", 1, MAX_CHARS),
        rich=_rich(rich),
        file=_file(file),
    )


def shows_views(metadata: Mapping[str, Any], *, by_default: bool) -> bool:
    """Return whether a request wants tables and pictures as such; `by_default`: the answer if it
    does not say.
    """
    facts = metadata.get(KEY)
    return bool(facts.get("rich")) if isinstance(facts, Mapping) else by_default


def takes_packed(metadata: Mapping[str, Any]) -> bool:
    """Return whether the asker reads messages of several pieces."""
    return _ours(metadata).get("packed") is True


def is_own(metadata: Mapping[str, Any]) -> bool:
    """Return whether a request is a script of the server's own, such as a check."""
    return _ours(metadata).get("own") is True


def is_trusted(metadata: Mapping[str, Any]) -> bool:
    """Return whether the text of a request is the server's own."""
    return metadata.get(TRUSTED) is True


def guards(metadata: Mapping[str, Any]) -> bool | None:
    """Return whether the session counts as signed in from a request on; None: as before."""
    value = _ours(metadata).get("guards") if is_own(metadata) else None
    return value if isinstance(value, bool) else None


def state_asked(metadata: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return what a request asks about the session's state; None: nothing."""
    asked: Mapping[str, Any] | None = _ours(metadata).get("state")
    return asked


def _rich(value: Any) -> bool:
    if not isinstance(value, bool):
        raise InvalidRequest(field="rich", problem="must be true or false")
    return value


def _file(value: Any) -> str:
    """Return the path of a script, which need not exist on the session's machine."""
    if value is None:
        return ""
    if not isinstance(value, str) or not _PATH.fullmatch(value):
        raise InvalidRequest(field="file", problem="must be a file's absolute path")
    return value


def _parameters(value: Any) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping) or not all(isinstance(name, str) and name for name in value):
        raise InvalidRequest(field="parameters", problem="must be an object of names and values")
    return dict(value)


def _format(value: Any) -> Any:
    if value is None:
        return "text"
    if value not in OUTPUT_FORMATS:
        raise InvalidRequest(field="format", problem=f"must be one of {', '.join(OUTPUT_FORMATS)}")
    return value


def _integer(value: Any, name: str, least: int, most: int) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise InvalidRequest(field=name, problem=f"must be a whole number from {least} to {most}")
    return value
