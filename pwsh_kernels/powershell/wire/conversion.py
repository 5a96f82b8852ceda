"""PSRP values to plain ones and back: records, progress, parameters, and the results of internal
questions.
"""

import datetime
import decimal
import math
import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from psrpcore.types import (
    ErrorRecord,
    InformationRecord,
    ProgressRecord,
    ProgressRecordType,
    PSDecimal,
    PSDouble,
    PSObject,
    PSSecureString,
)

from pwsh_kernels.errors import InvalidRequest
from pwsh_kernels.prompt_answers import utf16_units
from pwsh_kernels.records import (
    MAX_NESTING,
    MAX_SECRET,
    Alignment,
    Progress,
    Record,
    RecordKind,
    View,
)

SECRET = "$secret"  # noqa: S105 - a name, not a password
"""A parameter value of the shape {"$secret": text} becomes a SecureString."""
MAX_DEPTH = 20

_NATIVE_ERRORS = ("NativeCommandError", "NativeCommandErrorMessage")
_STACK_LINE = re.compile(r": line (\d+)")
_ALIGNMENTS: Mapping[int, Alignment] = {2: "center", 3: "right"}
"""Microsoft.PowerShell.Commands.Internal.Format.TextAlignment; 0 and 1 are left."""
_PLAIN_VALUES = (
    str,
    bool,
    int,
    float,
    decimal.Decimal,
    datetime.datetime,
    datetime.timedelta,
    uuid.UUID,
)
_LARGEST_INT64 = 2**63
_LARGEST_DECIMAL = 2**96


def error_record(facts: Sequence[Any], *, terminating: bool = False) -> Record:
    """Return the record of Out-Session's facts (bootstrap.ps1), which come in the order unpacked
    here.
    """
    (
        message,
        error_id,
        category,
        target,
        line,
        column,
        position,
        stack,
        exception_type,
        command,
        view_text,
        *causes,
    ) = facts
    return Record(
        kind="error",
        message=message,
        error_id=error_id,
        category=category,
        target=target,
        line=line or line_of_stack(stack),
        column=column or None,
        position=position,
        script_stack=stack,
        exception_type=exception_type,
        causes=tuple(causes),
        command=command or "",
        view=view_text,
        terminating=terminating,
        native=error_id in _NATIVE_ERRORS,
    )


def brief_error(message: str, error_id: str | None, command: str | None) -> Record:
    """Return the record of an error that came after many others (bootstrap.ps1)."""
    return Record(
        kind="error",
        message=message,
        error_id=error_id or "",
        command=command or "",
        native=error_id in _NATIVE_ERRORS,
    )


def line_of_stack(stack: str) -> int | None:
    """Return the line that a script stack's innermost frame names, or None."""
    match = _STACK_LINE.search(stack.partition("\n")[0])
    return int(match.group(1)) if match and int(match.group(1)) > 0 else None


def psrp_error(error: ErrorRecord, *, terminating: bool = False) -> Record:
    """Return the record of an error that came as a PSRP object."""
    at = error.InvocationInfo or getattr(error.Exception, "SerializedRemoteInvocationInfo", None)
    types = getattr(error.Exception, "PSObject", None)
    facts = (
        str(error),
        error.FullyQualifiedErrorId or "",
        error.CategoryInfo.Category.name if error.CategoryInfo else "",
        (error.CategoryInfo.TargetName if error.CategoryInfo else "") or "",
        _number(at, "ScriptLineNumber"),
        _number(at, "OffsetInLine"),
        getattr(at, "PositionMessage", "") or "",
        error.ScriptStackTrace or "",
        types.type_names[0].removeprefix("Deserialized.") if types and types.type_names else "",
        (error.CategoryInfo.Activity if error.CategoryInfo else "") or "",
        "",
    )
    return error_record(facts, terminating=terminating)


def _number(source: object, name: str) -> int | None:
    value = getattr(source, name, None)
    return int(value) if isinstance(value, int) and value > 0 else None


def psrp_message(kind: RecordKind, record: PSObject) -> Record:
    """Return the record of a warning, verbose, debug or information PSRP object."""
    if isinstance(record, InformationRecord):
        return Record(
            kind=kind,
            message=str(record.MessageData),
            tags=tuple(str(tag) for tag in record.Tags or ()),
        )
    return Record(kind=kind, message=str(getattr(record, "Message", "")))


def progress(record: ProgressRecord) -> Progress:
    """Return the state of a progress bar; PowerShell sends -1 for values that the script did not
    set.
    """
    return Progress(
        activity_id=int(record.ActivityId),
        parent_id=_given(record.ParentActivityId),
        activity=str(record.Activity or ""),
        status=str(record.StatusDescription or ""),
        operation=str(record.CurrentOperation or ""),
        percent=_given(record.PercentComplete),
        seconds_left=_given(record.SecondsRemaining),
        completed=record.RecordType == ProgressRecordType.Completed,
    )


def _given(value: int | None) -> int | None:
    return None if value is None or value < 0 else int(value)


def view(facts: Sequence[Any]) -> View:
    """Return the piece of a table or list of Out-Session's facts (display.ps1), which come in the
    order unpacked here.
    """
    kind, group, columns, caption, rows, more, text = facts
    aligned = tuple((label, _ALIGNMENTS.get(alignment, "left")) for label, alignment in columns)
    return View(kind, group, text, aligned, caption, tuple(rows), more)


def is_plain(value: Any) -> bool:
    """Return whether a value that came from PowerShell is text, a number, a time or the like, and
    so goes back as it was.
    """
    if isinstance(value, Mapping):
        return all(map(is_plain, value.values()))
    if isinstance(value, list):
        return all(map(is_plain, value))
    return value is None or isinstance(value, _PLAIN_VALUES)


def has_secret(value: Any) -> bool:
    """Return whether a parameter value holds a {"$secret": text} at any depth."""
    if isinstance(value, Mapping):
        return set(value) == {SECRET} or any(has_secret(one) for one in value.values())
    return isinstance(value, (list, tuple)) and any(has_secret(one) for one in value)


def to_psrp(value: Any, name: str, levels: int = MAX_NESTING) -> Any:
    """Return the PSRP value of a parameter.

    Raises InvalidRequest, which names it, if it has no PowerShell form.
    """
    if isinstance(value, (Mapping, list, tuple)):
        return _nested(value, name, levels)
    if isinstance(value, float):
        return PSDouble(value) if math.isfinite(value) else _refuse(name, "must be a finite number")
    if isinstance(value, int) and not isinstance(value, bool):
        return _integer(value, name)
    if value is None or isinstance(value, (bool, str)):
        return value
    return _refuse(
        name,
        f"must be text, a number, a boolean, null, a list or an object, not {type(value).__name__}",
    )


def _nested(value: Any, name: str, levels: int) -> Any:
    if levels == 0:
        return _refuse(name, f"nests lists or objects more than {MAX_NESTING} levels deep")
    if isinstance(value, Mapping):
        return _mapping(value, name, levels)
    return [to_psrp(one, name, levels - 1) for one in value]


def _mapping(value: Mapping[Any, Any], name: str, levels: int) -> Any:
    if set(value) != {SECRET}:
        return {str(key): to_psrp(one, name, levels - 1) for key, one in value.items()}
    return _secret(value[SECRET], name)


def _secret(text: Any, name: str) -> Any:
    if not isinstance(text, str):
        return _refuse(name, "must hold a text under $secret")
    if utf16_units(text) > MAX_SECRET:
        return _refuse(name, f"must hold at most {MAX_SECRET} characters under $secret")
    return PSSecureString(text)


def _integer(value: int, name: str) -> Any:
    if -_LARGEST_INT64 <= value < _LARGEST_INT64:
        return value
    if abs(value) < _LARGEST_DECIMAL:
        return PSDecimal(value)
    return _refuse(name, "must fit into 96 bits")


def _refuse(name: str, problem: str) -> Any:
    raise InvalidRequest(field=f"parameters.{name}", problem=problem)


def to_plain(value: Any, depth: int = MAX_DEPTH) -> Any:
    """Return a query's result as plain Python: scalars, str, bytes, datetime, timedelta, UUID,
    list, dict.

    Objects become dicts of their properties, enumerations and opaque values their text; below
    `depth` levels all is text.
    """
    if value is None or depth == 0:
        return None if value is None else str(value)
    if isinstance(value, PSObject) and any(
        name.endswith("System.Enum") for name in value.PSObject.type_names
    ):
        return value.PSObject.to_string or str(value)
    for kind, plain in _PLAIN:
        if isinstance(value, kind):
            return plain(value)
    if isinstance(value, Mapping):
        return {str(key): to_plain(one, depth - 1) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_plain(one, depth - 1) for one in value]
    return _object(value, depth)


def _time(value: datetime.datetime) -> datetime.datetime:
    return datetime.datetime.combine(value.date(), value.timetz())


def _duration(value: datetime.timedelta) -> datetime.timedelta:
    return datetime.timedelta(value.days, value.seconds, value.microseconds)


_PLAIN: tuple[tuple[type[Any], Callable[[Any], Any]], ...] = (
    (bool, bool),
    (int, int),
    (float, float),
    (decimal.Decimal, decimal.Decimal),
    (str, str),
    (bytes, bytes),
    (datetime.datetime, _time),
    (datetime.timedelta, _duration),
    (uuid.UUID, lambda value: uuid.UUID(int=value.int)),
)
"""psrpcore's types are subclasses of these, with more attributes than a caller should see."""


def _object(value: Any, depth: int) -> Any:
    if isinstance(value, PSSecureString) or not isinstance(value, PSObject):
        return type(value).__name__
    meta = value.PSObject
    names = [one.name for one in (*meta.adapted_properties, *meta.extended_properties)]
    if not names:
        return str(value)
    return {name: to_plain(getattr(value, name, None), depth - 1) for name in names}
