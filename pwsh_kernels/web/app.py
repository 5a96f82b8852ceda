"""The Jupyter server application: our defaults on a ServerApp, and the extension that carries our
routes.
"""

import asyncio
import importlib.util
import json
import logging
import os
import secrets
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, cast

from jupyter_core.application import JupyterApp
from jupyter_core.paths import secure_write
from jupyter_server.extension.application import ExtensionApp
from jupyter_server.serverapp import ServerApp
from tornado.platform.asyncio import BaseAsyncIOLoop
from traitlets import Bool, Instance, default

from pwsh_kernels import __version__
from pwsh_kernels.approvals.desk import ApprovalDesk
from pwsh_kernels.audit.anchor import SyslogAnchor, address_of
from pwsh_kernels.audit.event import Event, Kind
from pwsh_kernels.audit.log import AuditLog
from pwsh_kernels.audit.trail import AuditTrail
from pwsh_kernels.catalog.watched_file import WatchedFile
from pwsh_kernels.classification import Classifier
from pwsh_kernels.errors import AuditUnavailable, FolderNotWritable
from pwsh_kernels.escapes import filter_handlers
from pwsh_kernels.landlock import abi_version
from pwsh_kernels.notifications.channels import channels_of
from pwsh_kernels.notifications.notifier import Notifier
from pwsh_kernels.principals.freeze_file import FreezeFile
from pwsh_kernels.sandbox import Authority, module_path
from pwsh_kernels.sessions import Sessions
from pwsh_kernels.sessions.jupyter.kernel_manager import SessionKernelManager
from pwsh_kernels.sessions.jupyter.kernel_specs import SessionKernelSpecManager
from pwsh_kernels.sessions.places.confinement import shortfall
from pwsh_kernels.settings import SHORTEST_TOKEN, Settings
from pwsh_kernels.shapes import ForeignJson
from pwsh_kernels.web.approval_links import ApprovalLinks
from pwsh_kernels.web.approvals import Approvals
from pwsh_kernels.web.attachments import NotebookRows, action_rules
from pwsh_kernels.web.audit_events import configuration_read, server_started
from pwsh_kernels.web.break_glass import BreakGlass
from pwsh_kernels.web.change_rules import ChangeRules
from pwsh_kernels.web.changes_gate import ChangesGate
from pwsh_kernels.web.connections import bound_connections
from pwsh_kernels.web.guard import Guard
from pwsh_kernels.web.health import Health
from pwsh_kernels.web.judged_channels import JudgedChannels
from pwsh_kernels.web.jupyter.gate import JupyterGate
from pwsh_kernels.web.jupyter.lists import list_rules
from pwsh_kernels.web.jupyter.messages import undeclared_messages
from pwsh_kernels.web.jupyter.pages import hide_token
from pwsh_kernels.web.jupyter.rules import undeclared
from pwsh_kernels.web.listener import rest_in_shortage
from pwsh_kernels.web.mcp.door import McpDoor, load_tools, mcp_rules
from pwsh_kernels.web.metrics import Metrics, metrics_rules
from pwsh_kernels.web.notices import broken_notice, notice_of
from pwsh_kernels.web.oidc.door import oidc_rules, provider_of
from pwsh_kernels.web.pages.page_handler import Site
from pwsh_kernels.web.pages.routes import page_rules
from pwsh_kernels.web.passkeys.ceremonies import PasskeyCeremonies
from pwsh_kernels.web.passkeys.challenges import Challenges
from pwsh_kernels.web.passkeys.store import PasskeyStore
from pwsh_kernels.web.people import SignedInPeople
from pwsh_kernels.web.product import Backend, Product
from pwsh_kernels.web.read_gate import ReadGate
from pwsh_kernels.web.rest.handlers import rules
from pwsh_kernels.web.sandbox.page import PAGE_PATH, sandbox_rules
from pwsh_kernels.web.sandbox.powerapps import POWERAPPS_PATH, powerapps_rules
from pwsh_kernels.web.span_anchor import SpanAnchor
from pwsh_kernels.web.spans import export_run
from pwsh_kernels.web.token_identity import PrincipalAuthorizer, TokenIdentity

MAX_UPLOAD = 64 * 1024 * 1024
"""Largest request in bytes; with Jupyter's 512 MB, anybody on this machine could fill the memory
without a token.
"""
MCP_PROGRAM = Path(__file__).parents[2] / "mcp_server.py"
"""The MCP server over stdio: next to the package, in the repository and in an installed wheel."""
FIRST_COMMAND = "pwsh-kernels login contoso.example exo"
"""The next command for somebody who has just started a server, in another terminal."""


class PwshKernelsServer(ServerApp):
    """A ServerApp with our defaults.

    They are defaults, not configuration, so that the command line can override each of them.
    """

    # The name is that of the config file (`pwsh_kernels_config.py`): what a user allows for other
    # notebooks (no token, another address) must not apply to signed-in sessions.
    name = "pwsh-kernels"

    product = Instance(Product)
    opens_lab = Bool(
        default_value=False,
        help=(
            "Open JupyterLab in a web browser. This is not `open_browser`, which JupyterLab"
            " switches on when it is loaded."
        ),
        config=True,
    )

    def stop(self, from_signal: bool = False) -> None:
        """Stop the server.

        ServerApp's own way out of the handler of a signal is deprecated by Tornado: where warnings
        are errors, the server would not stop.
        """
        loop = getattr(self, "io_loop", None)
        if from_signal and isinstance(loop, BaseAsyncIOLoop):
            loop.asyncio_loop.call_soon_threadsafe(super().stop)
        else:
            super().stop()

    @default("product")
    def _default_product(self) -> Product:
        return Product.load(Settings())

    @default("port")
    def _default_port(self) -> int:
        return self.product.settings.port

    @default("port_retries")
    def _default_port_retries(self) -> int:
        return 0

    @default("ip")
    def _default_ip(self) -> str:
        return self.product.settings.host

    @default("local_hostnames")
    def _default_local_hostnames(self) -> list[str]:
        return ["localhost", *self.product.settings.allowed_hosts]

    @default("log_level")
    def _default_log_level(self) -> int:
        level = "DEBUG" if self.product.settings.debug else self.product.settings.log_level
        return logging.getLevelNamesMapping()[level]

    @default("open_browser")
    def _default_open_browser(self) -> bool:
        return False

    @default("terminals_enabled")
    def _default_terminals_enabled(self) -> bool:
        return False

    @default("allow_root")
    def _default_allow_root(self) -> bool:
        """Containers run as root; what a caller may do is bounded by the token, not by
        the account.
        """
        return True

    @default("max_body_size")
    def _default_max_body_size(self) -> int:
        return MAX_UPLOAD

    @default("kernel_manager_class")
    def _default_kernel_manager_class(self) -> type[SessionKernelManager]:
        return SessionKernelManager

    @default("kernel_spec_manager_class")
    def _default_kernel_spec_manager_class(self) -> type[SessionKernelSpecManager]:
        return SessionKernelSpecManager

    @default("session_manager_class")
    def _default_session_manager_class(self) -> type[NotebookRows]:
        return NotebookRows

    @default("kernel_websocket_connection_class")
    def _default_kernel_websocket_connection_class(self) -> type[JudgedChannels]:
        return JudgedChannels

    @default("cookie_secret")
    def _default_cookie_secret(self) -> bytes:
        """Let a browser's sign-in end with this process, and so with its token."""
        return secrets.token_bytes(32)

    @default("authorizer_class")
    def _default_authorizer_class(self) -> type[PrincipalAuthorizer]:
        return PrincipalAuthorizer

    @default("identity_provider_class")
    def _default_identity_provider_class(self) -> type[TokenIdentity]:
        return TokenIdentity

    def init_configurables(self) -> None:
        """Build the managers; refuse to go on without a token, or without our kernel manager."""
        if self.product.settings.token:
            self.config.IdentityProvider.token = self.product.settings.token
        super().init_configurables()
        token = self.identity_provider.token
        if not token:
            self._refuse_to_start(
                "The token is empty: anybody on this machine could use the sessions. Set a token,"
                " or leave it unset."
            )
        if len(token) < SHORTEST_TOKEN:
            self._refuse_to_start(
                f"The token is shorter than {SHORTEST_TOKEN} characters. Set a longer one, or leave"
                " it unset: the server then generates one."
            )
        if not isinstance(self.kernel_manager, SessionKernelManager):
            self._refuse_to_start(
                "ServerApp.kernel_manager_class is set to another kernel manager, which does not"
                " know sessions. Leave it unset."
            )

    def _refuse_to_start(self, reason: str) -> None:
        self.log.critical(reason)
        self.exit(1)

    def init_logging(self) -> None:
        """Send the output of our own loggers through the server's."""
        super().init_logging()
        ours = logging.getLogger("pwsh_kernels")
        ours.setLevel(self.log.level)
        ours.parent = self.log
        filter_handlers(self.log)

    def init_httpserver(self) -> None:
        """Limit what callers without a token can use: connections, and the time of a request."""
        super().init_httpserver()
        settings = self.product.settings
        bound_connections(self.http_server, settings.connections, settings.request_time)
        rest_in_shortage(self.http_server)

    def load_server_extensions(self) -> None:
        """Load the extensions.

        Without our routes (one has no permission, say) the server must not start.
        """
        super().load_server_extensions()
        if not getattr(self.starter_app, "has_routes", False):
            self.log.critical(
                "The server's own routes were not loaded; the warning above says why."
            )
            self.exit(1)
        self._refuse_undeclared()

    def _refuse_undeclared(self) -> None:
        """Do not start with a handler, or a kind of message, that has no declared verb.

        Without principals an unknown extension's handlers are the owner's, as they always were.
        """
        routers = (self.web_app.default_router, self.web_app.wildcard_router)
        handlers = undeclared(routers)
        ours = [one for one in handlers if one.startswith("pwsh_kernels.")]
        if wrong := [*ours, *undeclared_messages()]:
            self._refuse_to_start(f"These declare no verb: {', '.join(wrong)}.")
        elif handlers and self.product.principals.current().known:
            self._refuse_to_start(
                "There are principals, and nobody has declared what these handlers need:"
                f" {', '.join(handlers)}. Disable their extensions (`jupyter server extension"
                " disable NAME`), or remove the principals file."
            )
        elif handlers:
            self.log.warning("Only the owner may use %s", ", ".join(handlers))

    def init_signal(self) -> None:
        """Stop on Ctrl-C without a question: sessions keep running and are found again."""
        super().init_signal()
        signal.signal(signal.SIGINT, signal.getsignal(signal.SIGTERM))

    def start_app(self) -> None:
        """Start.

        Jupyter's own greeting is left out: it says that kernels end with the server, and logs the
        token.
        """
        JupyterApp.start(self)

    def server_info(self) -> ForeignJson:
        """Return the content of the runtime file for clients; `service` distinguishes our server
        from other Jupyter servers.
        """
        return {**super().server_info(), "service": "pwsh-kernels", "service_version": __version__}

    def write_server_info_file(self) -> None:
        """Write the runtime file.

        Raises OSError where it cannot be written: Jupyter only logs that, and no client would find
        the server.
        """
        with secure_write(self.info_file) as file:
            json.dump(self.server_info(), file, indent=2, sort_keys=True)

    def loopback_url(self) -> str:
        """Return the server's address on this machine, without a slash at the end; the sign-in page
        answers only there.
        """
        scheme = "https" if self.certfile else "http"
        host = "[::1]" if self.ip == "::1" else "127.0.0.1"
        return f"{scheme}://{host}:{self.port}{self.base_url}".rstrip("/")

    def people_url(self) -> str:
        """Return the address under which people reach the server, without a slash at the end."""
        public = self.product.settings.public_url
        return f"{public}{self.base_url}".rstrip("/") if public else self.loopback_url()

    def announce(self) -> None:
        """Notify clients and the person at the terminal that the server is ready; the token is
        shown only on a terminal.
        """
        self.write_server_info_file()
        if has_lab():
            Path(self.browser_open_file).touch(mode=0o600)
            self.write_browser_open_file()
        self.log.info(
            "pwsh-kernels %s listens on %s; next: %s",
            __version__,
            self.connection_url,
            FIRST_COMMAND,
        )
        if sys.stderr.isatty():
            sys.stderr.write(greeting(self.connection_url, self.identity_provider.token))
        if self.opens_lab and has_lab():
            self.launch_browser()


class PwshKernelsApp(ExtensionApp):
    """The extension: it makes the sessions facade, adds the routes, and starts and stops with the
    server.
    """

    name = "pwsh_kernels"
    serverapp_class = PwshKernelsServer
    load_other_extensions = True
    lookup: asyncio.Task[None] | None = None
    anchoring: asyncio.Task[None] | None = None
    span_anchor: SpanAnchor | None = None
    spanning: asyncio.Task[None] | None = None
    has_routes = False

    @default("default_url")
    def _default_default_url(self) -> str:
        """Where a browser goes first: JupyterLab, if it is installed."""
        return "/lab" if has_lab() else "/"

    @classmethod
    def get_extension_package(cls) -> str:
        """Return the package whose `_jupyter_server_extension_points` names this class."""
        return "pwsh_kernels.web"

    def initialize_handlers(self) -> None:
        """Add the routes.

        Raises RuntimeError in a server that is not ours: its kernels would end with their
        notebooks.
        """
        server = self.serverapp
        if not isinstance(server, PwshKernelsServer):
            raise RuntimeError(  # noqa: TRY004 - about the server that was started, not about a type
                "pwsh_kernels needs its own server: run `pwsh-kernels serve`, and attach notebooks"
                " to it, for example with `jupyter lab --gateway-url http://127.0.0.1:5100"
                " --GatewayClient.auth_token=TOKEN`."
            )
        settings = server.product.settings
        group = settings.session_users[0] if settings.session_users else None
        self.authority = Authority(settings.data_dir / "sandbox", group=group)
        self.backend = self.make_backend(server)
        if self.metrics:
            self.metrics.watch(self.backend)
        sandbox = [
            *sandbox_rules(self.authority, server.base_url, server.product.settings.sandbox_peers),
            *powerapps_rules(self.authority, server.base_url),
        ]
        sandbox = sandbox if server.product.has_sandbox else []
        site = Site(
            self.backend,
            server.product.principals,
            has_lab(),
            str(MCP_PROGRAM),
            provider_of(server.product.settings),
            server.loopback_url,
        )
        pages = [
            *oidc_rules(site, server.product.settings, server.base_url),
            *page_rules(site, server.base_url),
        ]
        self.mcp = McpDoor(
            self.backend.guard, partial(load_tools, self.backend), self.backend.traces
        )
        ours = [*rules(self.backend, server.base_url), *mcp_rules(self.mcp, server.base_url)]
        ours += metrics_rules(self.backend, self.metrics, server.base_url)
        manager = cast(SessionKernelManager, server.kernel_manager)
        gate = JupyterGate(
            self.backend.guard, manager, self.backend.changes, ReadGate(self.backend.classifier)
        )
        cast(TokenIdentity, server.identity_provider).gate = gate
        hide_token(server.web_app.settings["jinja2_env"])
        lists = list_rules(gate, server.base_url)
        all_rules = [*pages, *ours, *action_rules(server.base_url), *lists, *sandbox]
        server.web_app.add_handlers(".*$", all_rules)  # type: ignore[no-untyped-call]
        self.has_routes = True

    def make_backend(self, server: PwshKernelsServer) -> Backend:
        """Return the objects that the routes work on."""
        product = server.product
        manager = cast(SessionKernelManager, server.kernel_manager)
        self.metrics = Metrics() if product.settings.metrics else None
        audit = make_audit(product, self.metrics)
        confined = product.settings.confine != "off" and abi_version() > 0
        classifier = Classifier(product.catalog, confined=confined)
        sessions = Sessions(
            product.settings,
            manager,
            product.catalog,
            product.tenants.current,
            self.sandbox_environment,
            audit=audit,
            reads=ReadGate(classifier),
            on_run_end=partial(export_run, product.traces) if product.traces else None,
        )
        health = Health(product.settings.confine, audit, abi_version())
        if missing := shortfall(health.confine, health.abi):
            server.log.warning("%s", missing)
        if without := sessions.without_cgroups():
            server.log.info("Sessions have no cgroups of their own: %s", without)
        freezes = FreezeFile(product.settings.data_dir)
        people = SignedInPeople(product.principals.current)
        guard = Guard(
            server.identity_provider.token,
            product.principals.current,
            product.tenants.current,
            freezes=freezes.current,
            audit=audit,
            people=people.principal,
        )
        rules = ChangeRules(product.tenants.current)
        desk = ApprovalDesk(timedelta(seconds=product.settings.approval_wait))
        alone = confined or bool(product.settings.session_users)
        approvals = Approvals(desk, guard, rules, confined=alone)
        gate = ChangesGate(rules, classifier, guard, approvals)
        judges = (classifier, gate, approvals, BreakGlass(classifier, audit))
        passkeys = PasskeyCeremonies(PasskeyStore(product.settings.data_dir), Challenges())
        parts = (sessions, product.catalog, health, guard, *judges, freezes, audit, passkeys)
        notifier, links = Notifier(channels_of(product.settings), audit), ApprovalLinks()
        desk.on_asked.append(
            lambda one: notifier.tell(
                notice_of(one, links.address(server.people_url(), one.id, one.expires_at))
            )
        )
        sessions.on_glass_broken.append(
            lambda run: notifier.tell(broken_notice(run, f"{server.people_url()}/runs/{run.id}"))
        )
        return Backend(
            product.settings,
            *parts,
            people=people,
            links=links,
            notifier=notifier,
            address=server.people_url,
            traces=product.traces,
        )

    def sandbox_environment(self) -> dict[str, str]:
        """Return the variables of a sandbox session; asked when one starts, because a free port is
        known late.
        """
        server = cast(PwshKernelsServer, self.serverapp)
        return {
            "PWSH_KERNELS_SANDBOX": str(self.authority.folder),
            "PWSH_KERNELS_MODULE_PATH": str(module_path()),
            "PWSH_KERNELS_POWERAPPS_URL": server.loopback_url() + POWERAPPS_PATH,
        }

    async def _start_jupyter_server_extension(self, serverapp: PwshKernelsServer) -> None:
        """Find the living kernels, then say that the server is ready.

        A start that fails ends the server.
        """
        settings = serverapp.product.settings
        with ended_by_failure(serverapp, settings.data_dir):
            self.authority.prepare(serverapp.loopback_url() + PAGE_PATH)
            for tenant in serverapp.product.tenants.current().known.values():
                if tenant.traps:
                    self.authority.set_traps(tenant.name, dict(tenant.traps))
            self.record_start(serverapp.product)
            await self.backend.sessions.start()
        self.lookup = asyncio.ensure_future(self.backend.health.look_for_powershell())
        audit = self.backend.audit
        if audit.log and settings.audit_syslog:
            audit.anchor = SyslogAnchor(audit.log, address_of(settings.audit_syslog))
            self.anchoring = asyncio.ensure_future(audit.anchor.keep_telling())
        if audit.log and self.backend.traces:
            self.span_anchor = SpanAnchor(audit.log, self.backend.traces)
            self.spanning = asyncio.ensure_future(self.span_anchor.keep_telling())
        self.backend.ready.set()
        with ended_by_failure(serverapp, Path(serverapp.runtime_dir)):
            serverapp.announce()

    def record_start(self, product: Product) -> None:
        """Record the start, and what the files say that decide who may do what where. Raises
        AuditUnavailable where the log is required.
        """
        audit, started = self.backend.audit, server_started(os.getpid())
        if product.settings.audit == "required":
            audit.require(started)
        else:
            audit.note(started)
        record_changes(audit, "principals", product.principals)
        record_changes(audit, "tenants", product.tenants)
        record_changes(audit, "frozen", self.backend.freezes)

    async def stop_extension(self) -> None:
        """Let go of the kernels without ending them."""
        if self.lookup is not None:
            self.lookup.cancel()
        self.backend.health.stop()
        await self.mcp.close()
        await self.backend.notifier.stop()
        await self.backend.sessions.stop()
        await self.backend.classifier.stop()
        audit = self.backend.audit
        audit.note(Event(Kind.SERVER_STOPPED))
        if self.anchoring is not None and audit.anchor is not None:
            self.anchoring.cancel()
            await asyncio.to_thread(audit.anchor.tell)
        if self.spanning is not None and self.span_anchor is not None:
            self.spanning.cancel()
            self.span_anchor.tell()
        audit.close()
        if self.backend.traces:
            await asyncio.to_thread(self.backend.traces.close)


def make_audit(product: Product, metrics: Metrics | None) -> AuditTrail:
    """Return the audit trail of the settings; its log is opened with the first record."""
    settings = product.settings
    log = None if settings.audit == "off" else AuditLog(settings.audit_folder)
    return AuditTrail(log, metrics.heard) if metrics else AuditTrail(log)


def record_changes(audit: AuditTrail, what: str, file: WatchedFile[Any]) -> None:
    """Record what a file says now, and whenever it has changed."""

    def told() -> None:
        problem = file.problem.problem if file.problem else ""
        audit.note(configuration_read(what, file.path, problem))

    told()
    file.on_change = told


@contextmanager
def ended_by_failure(serverapp: ServerApp, folder: Path) -> Iterator[None]:
    """End a server that fails to start, with the reason; `folder` is the one that it writes to."""
    try:
        yield
    except OSError as error:
        refused = FolderNotWritable(
            folder=str(error.filename or folder), problem=error.strerror or str(error)
        )
        serverapp.log.critical("The server cannot start: %s", refused)
        serverapp.exit(1)
    except AuditUnavailable as refused:
        serverapp.log.critical("The server cannot start: %s", refused)
        serverapp.exit(1)
    except Exception:
        serverapp.log.critical("The server cannot start", exc_info=True)
        serverapp.exit(1)


def has_lab() -> bool:
    """Return whether JupyterLab is installed; if so, its server extension is loaded besides
    ours.
    """
    return importlib.util.find_spec("jupyterlab") is not None


def greeting(url: str, token: str) -> str:
    """Return the text that a person at a terminal sees when the server is ready."""
    return (
        f"\n  pwsh-kernels is ready on {url}\n    {FIRST_COMMAND}   "
        f" (another terminal; the command finds the token on its own)\n    pwsh-kernels page   "
        f" (an address for a browser)\n    {url}?token={token}    (notebooks)\n"
        f"    Authorization: Bearer {token}    (REST)\n  Ctrl-C stops the server;"
        " sessions stay signed in, and the next server finds them again.\n\n"
    )
