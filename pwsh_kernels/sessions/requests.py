"""A caller's requests to a session, as values: a sign-in, a run."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pwsh_kernels.catalog import FactName, RouteName, Secret
from pwsh_kernels.records import RunOptions
from pwsh_kernels.shapes import Tier
from pwsh_kernels.writer import Writer


@dataclass(frozen=True, slots=True)
class LoginRequest:
    """A request for a sign-in. `principal` is the caller, `client` the caller's program."""

    tenant: str
    module: str = "exo"
    expected_account: str | None = None
    """The account that must sign in; None: any account of the tenant."""
    route: RouteName | None = None
    """The way to sign in; None: the tenant's configured one, else the module's first."""
    secrets: Mapping[FactName, Secret] = field(default_factory=dict)
    """Secrets passed in with the request, such as an access token.

    Used once, not stored.
    """
    sharepoint_tenant: str | None = None
    """The host prefix of SharePoint for this sign-in (`contoso` of contoso.sharepoint.com)."""
    conversation_id: str | None = None
    wait_s: float | None = None
    """Longest wait for a code or an end; None: setting `login_wait`."""
    attended: bool = True
    """False: nobody is waiting, so it must not need a person."""
    principal: str = "token"
    client: str = ""
    tier: Tier = "write"


@dataclass(frozen=True, slots=True)
class RunRequest:
    """A request for one execution of a command, with options that were checked on arrival
    (messages.checked_options).
    """

    tenant: str
    command: str
    module: str = "exo"
    options: RunOptions = field(default_factory=lambda: RunOptions(format="json"))
    wait_s: float | None = None
    """Longest wait for the end of the run; None: setting `run_wait`."""
    conversation_id: str | None = None
    principal: str = "token"
    client: str = ""
    tier: Tier = "write"
    break_glass: str = ""
    """Why it runs in spite of what the tenant says of changes; "": it does not."""


@dataclass(frozen=True, slots=True)
class DryRun:
    """A text that only says what it would change (classification.Plan).

    `means`: each command as written, and which one it should be; `alone`: nothing in the text
    depends on what its changes would give.
    """

    text: str
    means: Mapping[str, str]
    variables: tuple[str, ...]
    writers: tuple[Writer, ...]
    alone: bool
    kind: str
    """The class of the text that is previewed."""
