"""Tornado's rules for the pages."""

from jupyter_server.utils import url_path_join
from tornado.httputil import HTTPServerRequest
from tornado.routing import Matcher, PathMatches, Rule
from tornado.web import RequestHandler

from pwsh_kernels.shapes import ForeignJson
from pwsh_kernels.web.pages.approvals_page import (
    ApprovalApprove,
    ApprovalDecline,
    ApprovalPage,
    ApprovalsPage,
    ApprovalWish,
)
from pwsh_kernels.web.pages.assets_handler import ASSETS, Assets
from pwsh_kernels.web.pages.audit_page import AuditPage, AuditVerify
from pwsh_kernels.web.pages.freeze_page import FreezePage, Thaw
from pwsh_kernels.web.pages.page_handler import Site
from pwsh_kernels.web.pages.passkeys_page import (
    PasskeyAdd,
    PasskeyCreation,
    PasskeyRemove,
    PasskeysPage,
)
from pwsh_kernels.web.pages.principals_page import PrincipalRevoke, PrincipalsPage
from pwsh_kernels.web.pages.runs_page import (
    NewRun,
    RunAnswer,
    RunNotebook,
    RunOutput,
    RunPage,
    RunsPage,
    RunStop,
)
from pwsh_kernels.web.pages.sessions_page import SessionSignIn, SessionSignOut, SessionsPage
from pwsh_kernels.web.pages.signing_in import SignInPage, SignOut
from pwsh_kernels.web.pages.start_page import StartPage
from pwsh_kernels.web.pages.stream import OverviewStream, RunStream

PAGES: tuple[tuple[str, type[RequestHandler]], ...] = (
    ("/sign-in", SignInPage),
    ("/sign-out", SignOut),
    ("/page/sessions/sign-in", SessionSignIn),
    ("/page/sessions/sign-out", SessionSignOut),
    ("/page/stream", OverviewStream),
    ("/page/run", NewRun),
    ("/page/freeze", FreezePage),
    ("/page/thaw", Thaw),
    ("/page/approvals/(?P<approval_id>[^/]+)/approve", ApprovalApprove),
    ("/page/approvals/(?P<approval_id>[^/]+)/decline", ApprovalDecline),
    ("/page/approvals/(?P<approval_id>[^/]+)/options", ApprovalWish),
    ("/page/passkeys/add", PasskeyAdd),
    ("/page/passkeys/options", PasskeyCreation),
    ("/page/passkeys/remove", PasskeyRemove),
    ("/page/audit/verify", AuditVerify),
    ("/principals", PrincipalsPage),
    ("/principals/revoke", PrincipalRevoke),
    ("/start", StartPage),
    ("/page/runs/(?P<run_id>[^/]+)/stop", RunStop),
    ("/page/runs/(?P<run_id>[^/]+)/answer", RunAnswer),
    ("/page/runs/(?P<run_id>[^/]+)/output", RunOutput),
    ("/page/runs/(?P<run_id>[^/]+)/notebook", RunNotebook),
    ("/page/stream/(?P<run_id>[^/]+)", RunStream),
)
SHARED: tuple[tuple[str, type[RequestHandler]], ...] = (
    ("/approvals", ApprovalsPage),
    ("/approvals/(?P<approval_id>[^/]+)", ApprovalPage),
    ("/passkeys", PasskeysPage),
    ("/audit", AuditPage),
    ("/runs", RunsPage),
    ("/runs/(?P<run_id>[^/]+)", RunPage),
)
"""Pages at addresses of the REST API: a run has one address, for people and for programs."""


class ForPeople(Matcher):
    """Separates a browser that wants a page from a program at the same address of the REST API."""

    def __init__(self, path: PathMatches) -> None:
        self.path = path

    def match(self, request: HTTPServerRequest) -> ForeignJson | None:
        """Leave to REST whatever brings a token, or does not ask for HTML."""
        page = "text/html" in request.headers.get("Accept", "")
        if request.method not in ("GET", "HEAD") or "Authorization" in request.headers or not page:
            return None
        return self.path.match(request)


def page_rules(site: Site, base_url: str) -> list[Rule]:
    """Return the rules; they stand before those of REST, with which they share addresses."""
    takes = {"site": site}
    assets = PathMatches(url_path_join(base_url, "/page/assets/(.*)"))
    return [
        Rule(PathMatches(base_url + "$"), SessionsPage, takes),
        *(
            Rule(PathMatches(url_path_join(base_url, path) + "$"), page, takes)
            for path, page in PAGES
        ),
        *(
            Rule(ForPeople(PathMatches(url_path_join(base_url, path) + "$")), page, takes)
            for path, page in SHARED
        ),
        Rule(assets, Assets, {"path": str(ASSETS)}),
    ]
