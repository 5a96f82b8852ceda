"""The sandbox's PowerApps administration service, for this machine only: it takes sandbox tokens,
not the server's own.
"""

from datetime import UTC, datetime
from http.client import responses
from urllib.parse import unquote

from jupyter_server.auth.decorator import allow_unauthenticated
from jupyter_server.utils import url_path_join
from tornado.routing import PathMatches, Rule
from tornado.web import HTTPError, RequestHandler

from pwsh_kernels.sandbox import Authority
from pwsh_kernels.sandbox.powerapps import Request, answer
from pwsh_kernels.web.sandbox.page import is_loopback, is_loopback_host

POWERAPPS_PATH = "/sandbox/powerapps"
"""The rest of the path is the same as on the real service's host."""


class PowerAppsService(RequestHandler):
    """Answers reading requests of sandbox sessions."""

    def initialize(self, authority: Authority) -> None:
        """Take the authority that knows the company and which sign-ins were revoked."""
        self.authority = authority

    def prepare(self) -> None:
        """Be absent for every other machine, and for a domain name that was rebound to this one."""
        if not is_loopback(self.request.remote_ip or "") or not is_loopback_host(self.request.host):
            raise HTTPError(404)

    # The sandbox token in the request says who may read what.
    @allow_unauthenticated
    def get(self, path: str) -> None:
        """Answer as the service would."""
        query = {name: values[-1].decode() for name, values in self.request.query_arguments.items()}
        request = Request(
            unquote(path).strip("/"), query, self.request.headers.get("Authorization", "")
        )
        given = answer(
            request, self.authority.company, self.authority.is_revoked, datetime.now(UTC)
        )
        self.set_status(given.status)
        self.set_header("Cache-Control", "no-store")
        if given.status == 401:
            self.set_header(
                "WWW-Authenticate",
                'Bearer authorization_uri="https://login.microsoftonline.com/common",'
                ' error="invalid_token"',
            )
        self.finish(given.content)

    def write_error(self, status_code: int, **_: object) -> None:
        """Answer with the status only, in the service's form."""
        reason = responses.get(status_code, "Unknown")
        self.finish({"error": {"code": str(status_code), "message": reason}})


def powerapps_rules(authority: Authority, base_url: str) -> list[Rule]:
    """Return Tornado's rule for the service."""
    path = PathMatches(url_path_join(base_url, POWERAPPS_PATH) + "/(.*)$")
    return [Rule(path, PowerAppsService, {"authority": authority})]
