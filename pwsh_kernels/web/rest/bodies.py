"""The bodies and query strings that the routes accept: which fields, of which type, within which
limits.
"""

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from pwsh_kernels.approvals.desk import SHORTEST_DIGEST
from pwsh_kernels.catalog import RouteName
from pwsh_kernels.errors import InvalidRequest
from pwsh_kernels.messages import MAX_WIDTH, MIN_WIDTH
from pwsh_kernels.records import MAX_CHARS, MAX_NESTING, OutputFormat
from pwsh_kernels.script_text import without_mark
from pwsh_kernels.shapes import Tier

MAX_PAGE = 1_000_000
"""Characters of output in one answer of GET /runs/{id}."""
MAX_ROWS = 1000
MAX_LINES = 2000
"""Lines, or matches, in one answer of GET /runs/{id}/lines."""
MAX_CONTEXT = 10
MAX_OBJECTS = 100_000
"""Objects that one POST /runs/{id}/query skips, or shows; no run keeps more."""
MAX_CONDITIONS = 20
MAX_COMMANDS = 50
"""Commands in one answer of GET /sessions/{id}/commands: the help of each takes some 30 ms
(measured).
"""
MAX_SELECTED = 100
NO_TENANT = "no_tenant"
"""Our type of a validation error: neither `tenant` nor `tenants`, or both."""
EMPTY = ("string_too_short", "string_pattern_mismatch", "too_short")
"""Pydantic's types of an error for a text that is empty or blank, and for an empty secret or list.
"""
MAX_TOKEN = 20_000
"""Characters of an access token; those of Entra have about 2,000."""
MAX_NAME = 253
"""Longest domain name (RFC 1035); no name that we take is longer."""

Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Name = Annotated[str, Field(max_length=MAX_NAME)]
NamedName = Annotated[Name, Field(min_length=1, pattern=r"\S")]
"""A name that an empty text is not, nor blanks; whoever has none leaves the field out."""
Reason = Annotated[str, Field(max_length=500)]
"""Words for a person who decides."""
Property = Annotated[str, Field(min_length=1, max_length=200)]
Handed = Annotated[SecretStr, Field(min_length=1, max_length=MAX_TOKEN)]
"""A secret in a request: pydantic shows it in no repr and no error."""


class Body(BaseModel):
    """A JSON body: exact types, no unknown fields."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Query(BaseModel):
    """A query string: values are converted from text."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class NoBody(Body):
    """For a POST that takes nothing."""


class NoQuery(Query):
    """For routes that take nothing."""


class ModulesQuery(Query):
    """GET /modules; the search for installed modules takes about a second."""

    installed: bool = True


class SessionsQuery(Query):
    """GET /sessions; `seen` is the version of an earlier answer, and `wait_s` waits for another
    one.
    """

    seen: Name | None = None
    wait_s: Seconds = 0


class ApprovalsQuery(SessionsQuery):
    """GET /approvals; `seen` and `wait_s` as for sessions."""

    waiting: bool = False


class SessionBody(Body):
    """Names a session; every field of the predecessor's API is accepted."""

    tenant: Annotated[Name, Field(min_length=1)]
    module: Name = "exo"
    tier: Tier = "write"
    conversation_id: Name | None = None


class LoginBody(SessionBody):
    """POST /login.

    `account` is the predecessor's and has no effect: no sign-in asks for a subscription.
    """

    module: NamedName = "exo"
    expected_account: NamedName | None = None
    route: RouteName | None = None
    access_token: Handed | None = None
    graph_token: Handed | None = None
    wait_s: Seconds | None = None
    account: Name | int | None = None
    sharepoint_tenant: NamedName | None = None


class StatusBody(SessionBody):
    """What POST /status takes."""

    wait_s: Seconds = 0


class DisconnectBody(SessionBody):
    """POST /disconnect; `forget` also removes what the session keeps of its sign-in on disk."""

    forget: bool = False


class PasskeyBody(Body):
    """POST /passkeys/remove: which of the caller's."""

    id: Annotated[str, Field(min_length=1, max_length=2000)]


class FreezeBody(Body):
    """POST /freeze: in one tenant, or in all."""

    tenant: Name | None = None
    why: Annotated[str, Field(max_length=200)] = ""


class ThawBody(Body):
    """POST /thaw: what was frozen by this name, or, without one, as a whole."""

    tenant: Name | None = None


class RunBody(SessionBody):
    """POST /run, in one `tenant` or in several `tenants`."""

    model_config = ConfigDict(
        json_schema_extra={"oneOf": [{"required": ["tenant"]}, {"required": ["tenants"]}]}
    )

    tenant: Name = ""
    tenants: Annotated[list[Name], Field(min_length=1)] | Literal["*"] | None = None

    @model_validator(mode="before")
    @classmethod
    def _one_or_several(cls, values: Any) -> Any:
        if not values.get("tenant") and not values.get("tenants"):
            raise PydanticCustomError(NO_TENANT, "is required")
        if values.get("tenant") and values.get("tenants"):
            raise PydanticCustomError(NO_TENANT, "or tenants must be given, not both")
        return values

    command: Annotated[str, Field(min_length=1)]

    @field_validator("command", mode="before")
    @classmethod
    def _without_mark(cls, value: Any) -> Any:
        return without_mark(value) if isinstance(value, str) else value

    parameters: dict[str, Any] = {}
    format: OutputFormat = "json"
    width: Annotated[int, Field(ge=MIN_WIDTH, le=MAX_WIDTH)] | None = None
    max_chars: Annotated[int, Field(ge=1, le=MAX_CHARS)] | None = None
    file: str | None = None
    reason: Reason = ""
    break_glass: Annotated[Reason, Field(min_length=1, pattern=r"\S")] | None = None
    wait_s: Seconds | None = None
    dry_run: bool = False
    """Only say what would change."""


class ApproveBody(Body):
    """What POST /approvals/{id}/approve takes: the digest of what was shown, or its beginning."""

    digest: Annotated[str, Field(min_length=SHORTEST_DIGEST, max_length=64)]


class DeclineBody(Body):
    """What POST /approvals/{id}/decline takes: words for who asked."""

    reason: Reason = ""


class CancelBody(Body):
    """What POST /runs/{id}/cancel takes."""

    wait_s: Seconds = 5


class InputBody(Body):
    """POST /runs/{id}/input: a value, whose shape depends on the prompt, or a refusal.

    `for_other`: in place of who started the run.
    """

    value: Any = None
    refuse: bool = False
    for_other: bool = False


class RunsQuery(Query):
    """What GET /runs takes."""

    tenant: Name | None = None
    module: Name | None = None
    tier: Tier | None = None
    state: Name | None = None
    purpose: Name | None = None
    judged: Annotated[Name | None, Field(alias="class")] = None
    break_glass: bool = False
    limit: Annotated[int, Field(ge=1, le=MAX_ROWS)] = 50


class AuditQuery(Query):
    """What GET /audit takes."""

    after: Annotated[int, Field(ge=0)] = 0
    before: Annotated[int, Field(ge=0)] = 0
    newest: bool = False
    limit: Annotated[int, Field(ge=1, le=MAX_ROWS)] = 100
    who: Name = ""
    tenant: Name = ""
    kind: Name = ""
    judged: Annotated[Name, Field(alias="class")] = ""
    run: Name = ""
    since: AwareDatetime | None = None


class RunQuery(Query):
    """What GET /runs/{id} takes."""

    cursor: Annotated[int, Field(ge=0)] = 0
    wait_s: Seconds = 0
    limit: Annotated[int, Field(ge=1, le=MAX_PAGE)] = 100_000
    seen: Name | None = None


class QueryBody(Body):
    """What POST /runs/{id}/query takes."""

    where: Annotated[list[str], Field(max_length=MAX_CONDITIONS)] = []
    sort_by: Property | None = None
    descending: bool = False
    select: Annotated[list[Property], Field(min_length=1, max_length=MAX_SELECTED)] | None = None
    skip: Annotated[int, Field(ge=0, le=MAX_OBJECTS)] = 0
    first: Annotated[int, Field(ge=1, le=MAX_OBJECTS)] = 100
    format: OutputFormat = "text"
    width: Annotated[int, Field(ge=MIN_WIDTH, le=MAX_WIDTH)] | None = None
    wait_s: Seconds | None = None


class ClassifyQuery(Query):
    """GET /classify; without a module no service's commands come first, with a tenant it is exo."""

    text: str
    tenant: NamedName | None = None
    module: NamedName | None = None


class ClassifyBody(Body):
    """POST /classify: the same for a text that is too long for an address."""

    text: str
    tenant: NamedName | None = None
    module: NamedName | None = None


class CommandsQuery(Query):
    """What GET /sessions/{id}/commands takes."""

    words: Annotated[str, Field(min_length=1, max_length=200)]
    limit: Annotated[int, Field(ge=1, le=MAX_COMMANDS)] = 10
    wait_s: Seconds = 10


class LinesQueryString(Query):
    """GET /runs/{id}/lines; `from` is a word of Python's."""

    first: Annotated[int, Field(alias="from")] = 1
    count: Annotated[int, Field(ge=1, le=MAX_LINES)] = 200
    search: Annotated[str, Field(min_length=1)] | None = None
    context: Annotated[int, Field(ge=0, le=MAX_CONTEXT)] = 0
    ignore_case: bool = True

    @field_validator("first")
    @classmethod
    def _not_zero(cls, value: int) -> int:
        if value == 0:
            raise PydanticCustomError(
                "zero", "must not be 0: lines count from 1, and from the end from -1"
            )
        return value


Model = TypeVar("Model", bound=BaseModel)


def read_json(body: bytes) -> Mapping[str, Any]:
    """Return the object of a request's body; an empty body is an empty object.

    Raises InvalidRequest.
    """
    try:
        value = json.loads(body.decode("utf-8-sig") or "{}", parse_constant=_refuse_constant)
    except UnicodeDecodeError:
        raise InvalidRequest(field="body", problem="is not UTF-8 text") from None
    except (ValueError, RecursionError) as error:
        raise InvalidRequest(field="body", problem=f"is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise InvalidRequest(field="body", problem="must be a JSON object")
    return value


def read_model(model: type[Model], values: Mapping[str, Any]) -> Model:
    """Return the values as the model that a route declares; null counts as absent.

    Raises InvalidRequest.
    """
    given = {name: value for name, value in values.items() if value is not None}
    _refuse_deep_nesting(given)
    _refuse_half_characters(given)
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise _explain(error, model) from None


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _refuse_deep_nesting(values: Mapping[str, Any]) -> None:
    """Refuse values that PowerShell could not read."""
    for name, value in values.items():
        if nests_deeper(value, MAX_NESTING + 1):  # the names of parameters count as a level too
            raise InvalidRequest(
                field=name, problem=f"nests lists or objects more than {MAX_NESTING} levels deep"
            )


def nests_deeper(value: Any, levels: int) -> bool:
    """Return whether lists and objects are nested in more levels."""
    if not isinstance(value, dict | list):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(nests_deeper(one, levels - 1) for one in inner)


def _refuse_half_characters(values: Mapping[str, Any]) -> None:
    """Refuse half of a surrogate pair (`"\\ud800"`): JSON can say it, no message to a kernel can
    carry it.
    """
    try:
        json.dumps(values, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise InvalidRequest(
            field="body", problem="contains half of a surrogate pair, which is not a character"
        ) from None


def _explain(error: ValidationError, model: type[BaseModel]) -> InvalidRequest:
    """Return one sentence on the first problem; unknown fields are all named."""
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    unknown = [_field(one) for one in problems if one["type"] == "extra_forbidden"]
    if unknown:
        known = ", ".join(one.alias or name for name, one in model.model_fields.items()) or "none"
        return InvalidRequest(
            field=", ".join(unknown), problem=f"is not known here. Known fields: {known}"
        )
    first = problems[0]
    if first["type"] == NO_TENANT:
        return InvalidRequest(field="tenant", problem=first["msg"])
    field = model.model_fields.get(_field(first))
    if first["type"] == "missing" or (first["type"] in EMPTY and field and field.is_required()):
        return InvalidRequest(field=_field(first), problem="is required")
    if first["type"] in EMPTY:
        return InvalidRequest(field=_field(first), problem="must not be empty; leave it out")
    return InvalidRequest(field=_field(first), problem=first["msg"].replace("Input ", "", 1))


def _field(problem: Any) -> str:
    return str(problem["loc"][0]) if problem["loc"] else "body"
