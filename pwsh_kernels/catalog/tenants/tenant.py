"""A tenant, and how each module signs in to it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, cast, get_args

from pydantic import AfterValidator, ConfigDict, PlainValidator, StrictBool, StringConstraints

from pwsh_kernels.catalog.facts import Fact, FactName
from pwsh_kernels.catalog.route import RouteName
from pwsh_kernels.catalog.secrets import File, SecretSource, Source
from pwsh_kernels.catalog.tenants.cultures import is_known
from pwsh_kernels.catalog.tenants.names import (
    checked_alias,
    checked_domain,
    checked_sharepoint_host,
)

_GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_CULTURE = re.compile(r"([a-z]{2,3})(?:-([a-z]{4}))?(?:-([a-z]{2}|[0-9]{3}))?", re.IGNORECASE)
_TAG = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_SITE = re.compile(r"https://[a-z0-9-]+(?:\.[a-z0-9-]+)+(?:/[^\s?#]*)?", re.IGNORECASE)
# A value of a secret must not be shown by the error that refuses it.
_FORM = ConfigDict(extra="forbid", arbitrary_types_allowed=True, hide_input_in_errors=True)


def matching(pattern: re.Pattern[str], meaning: str) -> AfterValidator:
    """Return the check of a text's form; `meaning` says what it must be."""

    def check(text: str) -> str:
        if not pattern.fullmatch(text):
            raise ValueError(f"must be {meaning}")
        return text

    return AfterValidator(check)


def _checked_culture(text: str) -> str:
    found = _CULTURE.fullmatch(text)
    if not found:
        raise ValueError("must be the name of a culture, such as de-CH")
    language, script, region = (part or "" for part in found.groups())
    parts = (language.lower(), script.capitalize(), region.upper())
    if not is_known(parts[0], parts[2]):
        raise ValueError("must be the name of an existing culture, such as de-CH")
    return "-".join(filter(None, parts))


def _replaced(asked: bool) -> bool:
    """Refuse an older word for a protection, so that nobody relies on it."""
    if asked:
        raise ValueError(
            'is refused: write changes = "never" instead, and give the account that signs in a role'
            " that can only read"
        )
    return asked


def _checked_changes(value: object) -> "ChangesRule":
    """Return a rule about changes: one word for all, or a word for each kind of principal."""
    words, kinds = get_args(Changes), get_args(ChangesKind)
    if isinstance(value, dict) and value.keys() <= set(kinds):
        if all(one in words for one in value.values()):
            return cast("ChangesRule", dict(value))
    elif isinstance(value, str) and value in words:
        return cast("ChangesRule", value)
    raise ValueError(
        f"must be one of {', '.join(words)}, or a table of these by {', '.join(kinds)}"
    )


Changes = Literal["free", "ask", "never"]
"""What becomes of a text that does not only read: it runs, needs an approval, or is refused."""
ChangesKind = Literal["owner", "person", "agent", "script"]
"""Kinds of principals that a rule about changes can name."""
ApproveRule = Literal["confirm", "four_eyes"]
"""Who may approve a change: anybody with that right, also who asked; or somebody else."""
ChangesRule = Changes | Mapping[ChangesKind, Changes]
PlaceName = Literal["local", "kubernetes"]
"""Where sessions can live."""
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Domain = Annotated[str, AfterValidator(checked_domain)]
Alias = Annotated[str, AfterValidator(checked_alias)]
Tag = Annotated[str, matching(_TAG, "a word of small letters, digits, - and _, such as customer")]
Guid = Annotated[
    str,
    matching(_GUID, "an id such as 3750b40b-a68b-4632-9fb3-5b1aff664079"),
    AfterValidator(str.lower),
]
Host = Annotated[str, AfterValidator(checked_sharepoint_host)]
Culture = Annotated[str, AfterValidator(_checked_culture)]
Site = Annotated[
    str, matching(_SITE, "an address such as https://contoso.sharepoint.com/sites/team")
]


@dataclass(frozen=True, slots=True)
class ModuleAccess:
    """How one module signs in to one tenant. What each field means: docs/tenants.md."""

    __pydantic_config__: ClassVar[ConfigDict] = _FORM

    route: RouteName | None = None
    client_id: Text | None = None
    certificate_file: File | None = None
    certificate_password: Source | None = None
    certificate_thumbprint: Text | None = None
    client_secret: Source | None = None
    access_token: Source | None = None
    graph_token: Source | None = None
    federated_token: Source | None = None
    identity_id: Text | None = None
    expected_account: Text | None = None
    subscription: Text | None = None
    scopes: tuple[Text, ...] = ()
    site: Site | None = None
    culture: Culture | None = None
    place: PlaceName | None = None
    changes: Annotated[ChangesRule | None, PlainValidator(_checked_changes)] = None
    approve: ApproveRule | None = None
    read_only: Annotated[StrictBool, AfterValidator(_replaced)] = False
    restore: StrictBool = False


APP_ROUTES: frozenset[RouteName] = frozenset({"certificate", "client_secret", "workload_identity"})
"""Routes on which the configured application signs in, so that the account is known."""
NO_ACCESS = ModuleAccess()
"""The access to a module that the tenants file does not name."""


@dataclass(frozen=True, slots=True)
class Tenant:
    """A tenant, named by a domain. What each field means: docs/tenants.md."""

    __pydantic_config__: ClassVar[ConfigDict] = _FORM

    name: Domain
    tenant_id: Guid | None = None
    expected_account: Text | None = None
    sandbox: StrictBool = False
    domains: tuple[Domain, ...] = ()
    aliases: tuple[Alias, ...] = ()
    tags: tuple[Tag, ...] = ()
    changes: Annotated[ChangesRule, PlainValidator(_checked_changes)] = "free"
    approve: ApproveRule = "confirm"
    sharepoint_host: Host | None = None
    organization: Domain | None = None
    delegated_organization: Domain | None = None
    culture: Culture | None = None
    place: PlaceName | None = None
    traps: Mapping[str, Any] = field(default_factory=dict)
    modules: Mapping[str, ModuleAccess] = field(default_factory=dict)
    read: Mapping[str, ModuleAccess] = field(default_factory=dict)
    read_with: Literal["write_account"] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Every name of the tenant in lower case, its own first."""
        return tuple(dict.fromkeys((self.name, *self.domains, *self.aliases)))

    def access(self, module: str) -> ModuleAccess:
        """Return how a module signs in here."""
        return self.modules.get(module, NO_ACCESS)

    def reads(self, module: str) -> bool:
        """Return whether the tenants file says with which account a module only reads."""
        return module in self.read or self.read_with is not None

    def reading(self, module: str) -> "Tenant":
        """Return the tenant as a module's session of the read tier knows it: with the account that
        reads, and nothing of any other.
        """
        if module in self.read:
            access = self.read[module]
            only = replace(access, expected_account=account_of(access))
            return replace(self, modules={module: only}, expected_account=None)
        return self if self.read_with else replace(self, modules={}, expected_account=None)

    def reader_problem(self, module: str) -> str | None:
        """Return why an access of the read tier must not be used; None: it may."""
        reader, writer = account_of(self.read[module]), self.access(module)
        if reader is None:
            return (
                "needs expected_account, or the route of an application with its client_id: it"
                " must be said who reads"
            )
        others = (account_of(writer), writer.expected_account, self.expected_account)
        if reader.casefold() in (one.casefold() for one in others if one):
            return (
                f"names {reader}, which also writes: name an account with a role that only reads;"
                ' if there is none, leave this table out and write read_with = "write_account"'
            )
        return None

    def culture_of(self, module: str) -> str | None:
        """Return the culture of a module's session, such as "de-CH"; None: the server's."""
        return self.access(module).culture or self.culture

    def changes_of(self, module: str, kind: ChangesKind) -> Changes:
        """Return what becomes of changes that a kind of principal asks for in a module's session.

        The module's rule counts before the tenant's; whoever neither names is free.
        """
        rules = (self.access(module).changes, self.changes)
        return next((word for one in rules if (word := _word(one, kind))), "free")

    def approve_of(self, module: str) -> ApproveRule:
        """Return who may approve changes in a module's session."""
        return self.access(module).approve or self.approve

    def place_of(self, module: str) -> PlaceName | None:
        """Return the place of a module's session; None: the one in the settings."""
        return self.access(module).place or self.place

    def facts(self, module: str | None = None) -> dict[FactName, Fact | None]:
        """Return the facts that scripts can ask for, about this tenant and its access for a module;
        no secrets.
        """
        access = self.access(module) if module else NO_ACCESS
        return {
            "tenant": self.name,
            "tenant_id": self.tenant_id,
            "organization": self.organization or self.name,
            "delegated_organization": self.delegated_organization,
            "expected_account": access.expected_account or self.expected_account,
            "sharepoint_url": access.site or self._sharepoint_url(),
            "client_id": access.client_id,
            "certificate_file": _path(access.certificate_file),
            "certificate_thumbprint": access.certificate_thumbprint,
            "identity_id": access.identity_id,
            "subscription": access.subscription,
            "scopes": access.scopes or None,
        }

    def secrets(self, module: str) -> dict[FactName, SecretSource]:
        """Return the places of the secrets for a module, without reading them."""
        return _secrets(self.access(module))

    def files(self) -> set[Path]:
        """Return every file that it names: certificates, and those that hold secrets."""
        accesses = [*self.modules.values(), *self.read.values()]
        certificates = {one.certificate_file for one in accesses}
        sources = {one.file for access in accesses for one in _secrets(access).values()}
        return {file for file in certificates | sources if file}

    def _sharepoint_url(self) -> str | None:
        host = self.sharepoint_host or (self.name.split(".")[0] if self.sandbox else None)
        return f"https://{host}.sharepoint.com" if host else None


def _word(rule: ChangesRule | None, kind: ChangesKind) -> Changes | None:
    return rule.get(kind) if isinstance(rule, Mapping) else rule


def account_of(access: ModuleAccess) -> str | None:
    """Return the account that an access names; an application's is its client id."""
    app_only = access.route in APP_ROUTES
    return access.expected_account or (access.client_id if app_only else None)


def _secrets(access: ModuleAccess) -> dict[FactName, SecretSource]:
    places: dict[FactName, SecretSource | None] = {
        "certificate_password": access.certificate_password,
        "client_secret": access.client_secret,
        "access_token": access.access_token,
        "graph_token": access.graph_token,
        "federated_token": access.federated_token,
    }
    return {name: place for name, place in places.items() if place}


def _path(file: Path | None) -> str | None:
    return str(file) if file else None
