"""The form of the principals file: TOML text to principals, and every problem in it with its line.

No I/O.
"""

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from pwsh_kernels.catalog.tenants.tenant import matching
from pwsh_kernels.catalog.toml_lines import (
    EntryPlace,
    Problem,
    entries_of,
    entry_places,
    line_of_syntax_error,
)
from pwsh_kernels.principals.claims import ClaimRule
from pwsh_kernels.principals.principal import EVERY, Grant, Kind, Principal
from pwsh_kernels.principals.verbs import PEOPLE_ONLY, Verb

TABLE, CLAIM_TABLE = "principal", "claim"
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}")
"""No slash and no colon: those separate the parts of an id."""
_HASH = re.compile(r"[0-9a-f]{64}")
NOWHERE = "grant {number} of {of} names no tenants and no tags"
_SENTENCES = {
    "missing": "is missing",
    "extra_forbidden": "is not a known key",
    "string_type": "must be a string",
    "bool_type": "must be true or false",
    "too_short": "must not be empty",
    "string_too_short": "must not be empty",
    "tuple_type": "must be a list of strings",
    "timezone_aware": "must be a date and time with its zone, such as 2027-01-31T00:00:00Z",
    "datetime_type": "must be a date and time with its zone, such as 2027-01-31T00:00:00Z",
}


Name = Annotated[
    str, matching(NAME, "at most 40 small letters, digits, . _ -, a letter or digit first")
]
Hash = Annotated[
    str, matching(_HASH, "the SHA-256 of a token, 64 hexadecimal digits; never the token itself")
]
Names = Annotated[
    tuple[Annotated[str, AfterValidator(str.lower)], ...], Field(strict=False, min_length=1)
]


class _Form(BaseModel):
    # A value could be a token that was written here by mistake: the error must not show it.
    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True, frozen=True)


Form = TypeVar("Form", bound=_Form)


class GrantForm(_Form):
    """A `[[principal.grant]]` table."""

    verbs: Annotated[
        tuple[Annotated[Verb, Field(strict=False)], ...], Field(strict=False, min_length=1)
    ]
    tenants: Names | None = None
    tags: Names | None = None
    modules: Names = (EVERY,)

    @property
    def is_nowhere(self) -> bool:
        """Return whether it says of no tenant that it is about it."""
        return not self.tenants and not self.tags

    def to_grant(self) -> Grant:
        """Return what it grants."""
        return Grant(
            frozenset(self.verbs),
            frozenset(self.tenants or ()),
            frozenset(self.tags or ()),
            frozenset(self.modules),
        )


class PrincipalForm(_Form):
    """A `[[principal]]` table."""

    name: Name
    kind: Literal["person", "agent", "script"]
    token_sha256: Hash
    expires: AwareDatetime
    created: AwareDatetime | None = None
    revoked: AwareDatetime | None = None
    jupyter: bool = False
    grant: Annotated[tuple[GrantForm, ...], Field(strict=False)] = ()

    def to_principal(self) -> Principal:
        """Return who it is about."""
        return Principal(
            name=self.name,
            kind=Kind(self.kind),
            grants=tuple(one.to_grant() for one in self.grant),
            token_hash=self.token_sha256,
            expires=self.expires,
            revoked=self.revoked,
            created=self.created,
            jupyter=self.jupyter,
        )


class ClaimForm(_Form):
    """A `[[claim]]` table."""

    claim: Annotated[str, Field(min_length=1)] = "groups"
    value: Annotated[str, Field(min_length=1)]
    jupyter: bool = False
    grant: Annotated[tuple[GrantForm, ...], Field(strict=False)] = ()

    def to_rule(self) -> ClaimRule:
        """Return what it grants to whom."""
        grants = tuple(one.to_grant() for one in self.grant)
        return ClaimRule(self.claim, self.value, grants, self.jupyter)


@dataclass(frozen=True, slots=True)
class Content:
    """The content of a principals file: its valid principals and rules, and its problems."""

    principals: tuple[Principal, ...] = ()
    problems: tuple[Problem, ...] = field(default=())
    claims: tuple[ClaimRule, ...] = ()


def read_principals(text: str) -> Content:
    """Read the text of a principals file."""
    try:
        entries, rules = entries_of(text, TABLE, CLAIM_TABLE)
    except tomllib.TOMLDecodeError as problem:
        line = line_of_syntax_error(str(problem), text)
        return Content(problems=(Problem(str(problem), line),))
    except ValueError as problem:
        return Content(problems=(Problem(str(problem)),))
    principals: list[tuple[Principal, EntryPlace]] = []
    problems: list[Problem] = []
    for entry, place in zip(entries, entry_places(text, TABLE), strict=True):
        form, wrong = _read(PrincipalForm, entry, place, _wrong_grants)
        problems += wrong
        principals += [(form.to_principal(), place)] if form else []
    problems += _twice(principals)
    claims: list[ClaimRule] = []
    for entry, place in zip(rules, entry_places(text, CLAIM_TABLE), strict=True):
        rule, wrong = _read(ClaimForm, entry, place, _wrong_claim_grants)
        problems += wrong
        claims += [rule.to_rule()] if rule else []
    return Content(tuple(one for one, _ in principals), tuple(problems), tuple(claims))


def _read(
    table: type[Form],
    entry: Mapping[str, Any],
    place: EntryPlace,
    wrong_grants: Callable[[Form], Iterable[str]],
) -> tuple[Form | None, Sequence[Problem]]:
    """Return a table, if nothing is wrong with it, and what is."""
    try:
        form = table.model_validate(entry)
    except ValidationError as error:
        return None, [
            _problem(one, place) for one in error.errors(include_url=False, include_input=False)
        ]
    wrong = [Problem(sentence, place.line(("grant",))) for sentence in wrong_grants(form)]
    return (None, wrong) if wrong else (form, ())


def _wrong_claim_grants(form: ClaimForm) -> Iterable[str]:
    for number, grant in enumerate(form.grant, 1):
        if grant.is_nowhere:
            yield NOWHERE.format(number=number, of=f"the claim {form.value}")


def _wrong_grants(form: PrincipalForm) -> Iterable[str]:
    for number, grant in enumerate(form.grant, 1):
        if grant.is_nowhere:
            yield NOWHERE.format(number=number, of=form.name)
        never = PEOPLE_ONLY.intersection(grant.verbs) if Kind(form.kind) is Kind.AGENT else ()
        for verb in sorted(never):
            yield f"grant {number} of {form.name}: an agent can never {verb}"


def _problem(error: ErrorDetails, place: EntryPlace) -> Problem:
    keys = [str(one) for one in error["loc"] if isinstance(one, str)]
    context = error.get("ctx", {})
    match error["type"]:
        case "literal_error" | "enum":
            sentence = f"must be one of {context['expected']}"
        case "value_error":
            sentence = str(context["error"])
        case kind:
            sentence = _SENTENCES.get(kind, error["msg"])
    return Problem(f"{'.'.join(keys)} {sentence}", place.line(keys))


def _twice(principals: Sequence[tuple[Principal, EntryPlace]]) -> Iterable[Problem]:
    """Yield a problem for each id and each token that two have: nobody could tell them apart."""
    ids: set[str] = set()
    hashes: set[str] = set()
    for one, place in principals:
        if one.id in ids:
            yield Problem(f"{one.id} is named twice", place.line(("name",)))
        if one.token_hash in hashes:
            yield Problem(
                f"{one.id} has the token of another principal", place.line(("token_sha256",))
            )
        ids.add(one.id)
        hashes.add(one.token_hash)
