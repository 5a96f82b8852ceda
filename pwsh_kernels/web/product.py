"""The server's parts: what it reads at startup, and the objects that the routes work on."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pwsh_kernels.audit.trail import AuditTrail
from pwsh_kernels.catalog import Catalog, TenantsFile
from pwsh_kernels.classification import Classifier
from pwsh_kernels.errors import PasskeysLocked, ServerStarting
from pwsh_kernels.modules.store import ModuleStore
from pwsh_kernels.notifications.notifier import Notifier
from pwsh_kernels.principals.freeze_file import FreezeFile
from pwsh_kernels.principals.watched_file import PrincipalsFile
from pwsh_kernels.sessions import Sessions
from pwsh_kernels.settings import Settings
from pwsh_kernels.tracing.export import exporter
from pwsh_kernels.web.approval_links import ApprovalLinks
from pwsh_kernels.web.approvals import Approvals
from pwsh_kernels.web.break_glass import BreakGlass
from pwsh_kernels.web.changes_gate import ChangesGate
from pwsh_kernels.web.guard import Guard
from pwsh_kernels.web.health import Health
from pwsh_kernels.web.page_codes import PageCodes
from pwsh_kernels.web.passkeys.ceremonies import PasskeyCeremonies
from pwsh_kernels.web.people import SignedInPeople

if TYPE_CHECKING:
    from pwsh_kernels.tracing.otlp import Exporter

LOG = logging.getLogger(__name__)
READY_WAIT = 15.0
"""Seconds that a request waits for a server that is still looking for its kernels."""


@dataclass(frozen=True, slots=True)
class Product:
    """What the server reads before it starts: settings, service modules, tenants, principals."""

    settings: Settings
    catalog: Catalog
    tenants: TenantsFile
    principals: PrincipalsFile
    traces: "Exporter | None" = None
    """What exports spans; None: nothing does."""

    @classmethod
    def load(cls, settings: Settings) -> "Product":
        """Read the catalog, the tenants and the principals. Raises BrokenFile, InvalidSetting."""
        named = settings.tenants_file is not None
        tenants = TenantsFile(
            settings.tenants_path,
            settings.tenant_aliases,
            settings.sharepoint_tenants,
            must_exist=named,
        )
        tenants.current()  # a file that is broken at the start is a mistake that must be seen
        principals = PrincipalsFile(
            settings.principals_path, must_exist=settings.principals_file is not None
        )
        principals.current()
        catalog = Catalog.load(extra=settings.modules_dir)
        for broken in catalog.broken:
            LOG.warning("%s", broken.text())
        return cls(settings, catalog, tenants, principals, exporter(settings))

    @property
    def has_sandbox(self) -> bool:
        """Whether a tenant is a simulated one."""
        return any(tenant.sandbox for tenant in self.tenants.current().known.values())


@dataclass(frozen=True, slots=True)
class Backend:
    """Everything that the answers need; made once for a server."""

    settings: Settings
    sessions: Sessions
    catalog: Catalog
    health: Health
    guard: Guard
    classifier: Classifier
    changes: ChangesGate
    approvals: Approvals
    break_glass: BreakGlass
    freezes: FreezeFile
    audit: AuditTrail
    passkeys: PasskeyCeremonies
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    page_codes: PageCodes = field(default_factory=PageCodes)
    people: SignedInPeople = field(default_factory=SignedInPeople)
    links: ApprovalLinks = field(default_factory=ApprovalLinks)
    notifier: Notifier = field(default_factory=Notifier)
    address: Callable[[], str] = lambda: ""
    """Returns the address under which people reach the server, without a slash at the end."""
    traces: "Exporter | None" = None

    async def wait_until_ready(self) -> None:
        """Wait until the sessions have started. Raises ServerStarting."""
        if self.ready.is_set():
            return
        try:
            await asyncio.wait_for(self.ready.wait(), READY_WAIT)
        except TimeoutError:
            raise ServerStarting from None

    def require_first_passkey(self, principal: str) -> None:
        """Raise PasskeysLocked where a token proves nobody and there is a passkey that does."""
        store = self.passkeys.store
        if not self.approvals.confined and store.ring(principal).keys:
            raise PasskeysLocked(str(store.file(principal)))

    async def installed(self, modules: Sequence[str]) -> Mapping[str, str] | None:
        """Return which of these PowerShell modules a new session finds, with their version; None:
        unknown.

        Those of `modules install` take precedence over those of the machine. Raises BrokenFile.
        """
        ours = {
            name: one.version
            for name, one in ModuleStore(self.settings.data_dir).selected().items()
            if name in modules
        }
        if not self.settings.machine_modules or ours.keys() >= set(modules):
            return ours
        machine = await self.health.installed(modules)
        return None if machine is None else {**machine, **ours}

    def capped(self, wait_s: float | None) -> float | None:
        """Return the requested wait, at most the setting `max_wait`."""
        return None if wait_s is None else min(wait_s, self.settings.max_wait)
