"""A way to sign in: its script, the facts that it needs, and whether the sign-in survives a
restart.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, StringConstraints

from pwsh_kernels.catalog.facts import Fact, FactName, Facts, Secret

RouteName = Literal[
    "device_code",
    "certificate",
    "managed_identity",
    "workload_identity",
    "access_token",
    "client_secret",
]
CodeChannel = Literal["console", "output", "warning", "information", "any"]
Survival = Literal["nothing", "cache", "again"]
Resuming = Literal["check", "connect"]
"""What finds a kept sign-in again: the module on import, so that the check sees it, or the connect
script.
"""

DEFAULT_CODE_PATTERN = re.compile(r"\b[Cc]ode\s+([A-Z0-9]{8,10})\b")
DEFAULT_URL_PATTERN = re.compile(r"https?://\S*(?:devicelogin|/device)\b")

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Seconds = Annotated[float, Field(gt=0, strict=True, allow_inf_nan=False)]
FORM = ConfigDict(extra="forbid", arbitrary_types_allowed=True)


def _alternatives(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


Need = Annotated[tuple[FactName, ...], BeforeValidator(_alternatives), Field(min_length=1)]
"""Facts of which at least one must be known; a file may write a single one as plain text."""


def _with_groups(count: int) -> AfterValidator:
    def check(pattern: re.Pattern[str]) -> re.Pattern[str]:
        if pattern.groups != count:
            raise ValueError(f"must have {count} groups")
        return pattern

    return AfterValidator(check)


@dataclass(frozen=True, slots=True)
class Script:
    """A PowerShell script.

    `parameters` maps each parameter of its `param(...)` block to the fact that it gets.
    """

    __pydantic_config__: ClassVar[ConfigDict] = FORM

    text: Annotated[Text, Field(validation_alias="script")]
    parameters: Mapping[str, FactName] = field(default_factory=dict)

    def bind(self, facts: Facts) -> dict[str, Any]:
        """Return the values to bind, by parameter name; an unknown fact is left out, so defaults
        apply.
        """
        values = {name: facts.get(fact) for name, fact in self.parameters.items()}
        return {name: _bound(value) for name, value in values.items() if value}


def _bound(value: Fact) -> Any:
    """Return a fact as a session binds it (pwsh_kernels/powershell/wire/conversion.py): a secret
    becomes a SecureString.
    """
    if isinstance(value, Secret):
        return {"$secret": value.text}
    return list(value) if isinstance(value, tuple) else value


@dataclass(frozen=True, slots=True)
class Route:
    """One way to sign in to a module. What each field means: docs/modules.md."""

    __pydantic_config__: ClassVar[ConfigDict] = FORM

    name: RouteName
    script: Script
    needs: tuple[Need, ...] = ()
    time_limit_s: Seconds = 120.0
    code_channel: CodeChannel = "any"
    code_pattern: Annotated[re.Pattern[str], _with_groups(1)] = DEFAULT_CODE_PATTERN
    url_pattern: Annotated[re.Pattern[str], _with_groups(0)] = DEFAULT_URL_PATTERN
    expires_s: Annotated[int, Field(gt=0, strict=True)] = 900
    survives: Survival = "nothing"
    survival: Text = "Nothing of this sign-in survives the end of the session's PowerShell."
    resumed_by: Resuming = "check"
    code_within_s: Seconds = 60.0
    busy_wait: bool = False

    @property
    def asks_person(self) -> bool:
        """Whether a person must enter a code; every other route signs in unattended."""
        return self.name == "device_code"

    @property
    def has_token(self) -> bool:
        """Whether the token comes from the machine or from the caller, so that Entra's sign-in
        hosts are not needed.
        """
        return self.name in ("managed_identity", "access_token")

    def missing(self, facts: Facts) -> list[tuple[FactName, ...]]:
        """Return the needs that the known facts do not meet."""
        return [need for need in self.needs if not any(facts.get(fact) for fact in need)]
