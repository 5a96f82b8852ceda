"""What each of Jupyter's handlers, and of those that come with it, needs of its caller.

A handler that is not in these tables needs the right to administer the server.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from tornado.routing import RuleRouter

from pwsh_kernels.principals.verbs import Verb


class Of(StrEnum):
    """What a handler's request is about."""

    OPEN = "open"
    """Nothing that needs a token: pages, pictures, signing in; or it checks its callers itself."""
    LIST = "list"
    """It shows only what its caller may see."""
    KERNEL = "kernel"
    """The kernel in its path."""
    SPEC = "spec"
    """The kernelspec in its path."""
    ROW = "row"
    """The row of Jupyter's sessions in its path, and the kernel in its body, if there is one."""
    START = "start"
    """The kernel or kernelspec that its body names, or the default one."""
    SERVER = "server"
    """The server: its files, its settings, kernels that belong to no session."""


@dataclass(frozen=True, slots=True)
class HandlerRule:
    """What a handler is about, and which verb its methods need there."""

    of: Of
    verb: Verb = Verb.ADMINISTER
    methods: Mapping[str, tuple[Of, Verb]] = field(default_factory=dict)

    def for_method(self, method: str) -> tuple[Of, Verb]:
        """Return what a request with this method needs."""
        return self.methods.get(method, (self.of, self.verb))


OPEN = HandlerRule(Of.OPEN)
SERVER = HandlerRule(Of.SERVER)
LIST = HandlerRule(Of.LIST, Verb.SEE)
START_OR_LIST = HandlerRule(Of.LIST, Verb.SEE, {"POST": (Of.START, Verb.WRITE)})
SPEC = HandlerRule(Of.SPEC, Verb.SEE)

OURS: Mapping[str, HandlerRule] = {
    "attachments.KernelActions": HandlerRule(Of.KERNEL, Verb.END),
    "jupyter.lists.KernelList": START_OR_LIST,
    "jupyter.lists.RowList": START_OR_LIST,
    "jupyter.lists.SpecList": LIST,
    "mcp.door.McpHandler": OPEN,
    "oidc.handlers.OidcCallback": OPEN,
    "oidc.handlers.OidcSignIn": OPEN,
    **{
        f"pages.{one}": OPEN
        for one in (
            "approvals_page.ApprovalApprove",
            "approvals_page.ApprovalDecline",
            "approvals_page.ApprovalPage",
            "approvals_page.ApprovalWish",
            "approvals_page.ApprovalsPage",
            "assets_handler.Assets",
            "audit_page.AuditPage",
            "audit_page.AuditVerify",
            "freeze_page.FreezePage",
            "freeze_page.Thaw",
            "passkeys_page.PasskeyAdd",
            "passkeys_page.PasskeyCreation",
            "passkeys_page.PasskeyRemove",
            "passkeys_page.PasskeysPage",
            "principals_page.PrincipalRevoke",
            "principals_page.PrincipalsPage",
            "runs_page.NewRun",
            "runs_page.RunAnswer",
            "runs_page.RunNotebook",
            "runs_page.RunOutput",
            "runs_page.RunPage",
            "runs_page.RunStop",
            "runs_page.RunsPage",
            "sessions_page.SessionSignIn",
            "sessions_page.SessionSignOut",
            "sessions_page.SessionsPage",
            "signing_in.SignInPage",
            "signing_in.SignOut",
            "start_page.StartPage",
            "stream.OverviewStream",
            "stream.RunStream",
        )
    },
    "metrics.MetricsHandler": OPEN,
    "rest.handlers.RouteHandler": OPEN,
    "rest.handlers.UnknownPathHandler": OPEN,
    "sandbox.page.SandboxPage": OPEN,
    "sandbox.powerapps.PowerAppsService": OPEN,
}
"""Ours, below pwsh_kernels.web. Those of REST, MCP and the pages check each call by its route."""
JUPYTERS: Mapping[str, HandlerRule] = {
    "auth.login.LegacyLoginHandler": OPEN,
    "auth.login.LoginFormHandler": OPEN,
    "auth.logout.LogoutHandler": OPEN,
    "base.handlers.APIVersionHandler": OPEN,
    "base.handlers.AuthenticatedFileHandler": SERVER,
    "base.handlers.FileFindHandler": OPEN,
    "base.handlers.MainHandler": SERVER,
    "base.handlers.PrometheusMetricsHandler": SERVER,
    "base.handlers.PublicStaticFileHandler": OPEN,
    "base.handlers.RedirectWithParams": OPEN,
    "base.handlers.Template404": OPEN,
    "base.handlers.TrailingSlashHandler": OPEN,
    "kernelspecs.handlers.KernelSpecResourceHandler": SPEC,
    "nbconvert.handlers.NbconvertFileHandler": SERVER,
    "nbconvert.handlers.NbconvertPostHandler": SERVER,
    "services.api.handlers.APISpecHandler": LIST,
    "services.api.handlers.APIStatusHandler": SERVER,
    "services.api.handlers.IdentityHandler": LIST,
    "services.api.handlers.PathResolverHandler": SERVER,
    "services.config.handlers.ConfigHandler": SERVER,
    "services.contents.handlers.CheckpointsHandler": SERVER,
    "services.contents.handlers.ContentsHandler": SERVER,
    "services.contents.handlers.ModifyCheckpointsHandler": SERVER,
    "services.contents.handlers.NotebooksRedirectHandler": SERVER,
    "services.contents.handlers.TrustNotebooksHandler": SERVER,
    "services.events.handlers.EventHandler": SERVER,
    "services.events.handlers.SubscribeWebsocket": SERVER,
    "services.kernels.handlers.KernelActionHandler": HandlerRule(Of.KERNEL, Verb.END),
    "services.kernels.handlers.KernelHandler": HandlerRule(Of.KERNEL, Verb.SEE),
    "services.kernels.handlers.MainKernelHandler": SERVER,
    "services.kernels.websocket.KernelWebsocketHandler": HandlerRule(Of.KERNEL, Verb.READ),
    "services.kernelspecs.handlers.KernelSpecHandler": SPEC,
    "services.kernelspecs.handlers.MainKernelSpecHandler": SERVER,
    "services.nbconvert.handlers.NbconvertRootHandler": SERVER,
    "services.security.handlers.CSPReportHandler": LIST,
    "services.sessions.handlers.SessionHandler": HandlerRule(
        Of.ROW, Verb.SEE, {"PATCH": (Of.ROW, Verb.WRITE), "DELETE": (Of.ROW, Verb.READ)}
    ),
    "services.sessions.handlers.SessionRootHandler": SERVER,
    "services.shutdown.ShutdownHandler": SERVER,
    "view.handlers.ViewHandler": SERVER,
}
"""Jupyter's, below jupyter_server. Its own lists show everything: ours stand before them."""
PACKAGES = frozenset(
    {
        "jupyter_lsp",
        "jupyter_server_fileid",
        "jupyter_server_terminals",
        "jupyter_server_ydoc",
        "jupyterlab",
        "jupyterlab_server",
        "notebook",
        "notebook_shim",
        "tornado",
    }
)
"""Packages whose handlers are known to be about the server."""


def rule_of(handler: type) -> HandlerRule | None:
    """Return what a handler has been declared to need; None: nobody has declared it."""
    package, _, name = f"{handler.__module__}.{handler.__qualname__}".partition(".")
    if package == "pwsh_kernels":
        return OURS.get(name.removeprefix("web."))
    if package == "jupyter_server":
        return JUPYTERS.get(name)
    return SERVER if package in PACKAGES else None


def undeclared(routers: Iterable[RuleRouter]) -> list[str]:
    """Return the handlers of routers that nobody has declared, by name."""
    found = (one for router in routers for one in _handlers(router))
    return sorted({f"{one.__module__}.{one.__qualname__}" for one in found if rule_of(one) is None})


def _handlers(router: RuleRouter) -> Iterable[type]:
    for rule in router.rules:
        if isinstance(rule.target, RuleRouter):
            yield from _handlers(rule.target)
        elif isinstance(rule.target, type):
            yield rule.target
