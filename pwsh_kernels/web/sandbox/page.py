"""The sandbox's sign-in page: it imitates the public page where a person types a device code and
chooses an account.
"""

import ipaddress
import math
import secrets
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jupyter_server.auth.decorator import allow_unauthenticated
from jupyter_server.utils import url_path_join
from tornado.routing import PathMatches, Rule
from tornado.web import HTTPError, RequestHandler

from pwsh_kernels.errors import DeviceCodeRefused, InvalidRequest
from pwsh_kernels.sandbox import Authority, SignIn
from pwsh_kernels.web.sandbox.guess_limit import Attempts

PAGE_PATH = "/sandbox/devicelogin"
POLICY = "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
TEMPLATES = Path(__file__).parent / "templates"


Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class SandboxPage(RequestHandler):
    """Answers only this machine, and the networks that a setting adds.

    No token: whoever has the code may finish the sign-in, as on the real page.
    """

    def initialize(
        self, authority: Authority, attempts: Attempts, peers: Sequence[Network] = ()
    ) -> None:
        """Take the authority that holds the codes, the count of wrong ones, and the networks that
        may see the page besides this machine.
        """
        self.authority = authority
        self.attempts = attempts
        self.peers = peers

    def set_default_headers(self) -> None:
        """Allow only our own text, style and form."""
        self.nonce = secrets.token_urlsafe(16)
        self.set_header("Content-Security-Policy", f"{POLICY}; style-src 'nonce-{self.nonce}'")
        self.set_header("Cache-Control", "no-store")
        self.set_header("Referrer-Policy", "same-origin")
        self.set_header("X-Content-Type-Options", "nosniff")

    def prepare(self) -> None:
        """Be absent for every other machine, and for a domain name that was rebound to this one."""
        caller = self.request.remote_ip or ""
        near = is_loopback(caller) or is_in(caller, self.peers)
        if not near or not is_loopback_host(self.request.host):
            raise HTTPError(404)

    def check_xsrf_cookie(self) -> None:
        """Refuse a form that another site's page sends.

        A browser names the origin of every form that it posts.
        """
        origin = self.request.headers.get("Origin")
        if origin is not None and urlsplit(origin).netloc.lower() != self.request.host.lower():
            raise HTTPError(403)

    def get_template_path(self) -> str:
        """Return where the page's templates are."""
        return str(TEMPLATES)

    # The page is public on this machine, like the one that it imitates.
    @allow_unauthenticated
    def get(self) -> None:
        """Ask for the code."""
        self.show_code_form()

    @allow_unauthenticated
    def post(self) -> None:
        """Take the next step: a code; then an account and yes or no."""
        wait_s = self.attempts.wait(time.monotonic())
        if wait_s:
            self.set_header("Retry-After", str(math.ceil(wait_s)))
            self.show_code_form("Too many wrong codes. Wait a minute, then try again.", 429)
            return
        try:
            self.take_step(self.authority.pending(self.get_body_argument("code", "")))
        except DeviceCodeRefused as refused:
            self.attempts.add_wrong(time.monotonic())
            self.show_code_form(refused.text(), 400)

    def take_step(self, sign_in: SignIn) -> None:
        """Carry out the action of the pressed button. Raises DeviceCodeRefused."""
        match self.get_body_argument("action", "next"):
            case "approve":
                self.approve(sign_in)
            case "decline":
                self.authority.decline(sign_in.code)
                self.show_result(
                    "You declined the sign-in",
                    "Nobody was signed in. You can close this page.",
                    "stop",
                )
            case _:
                self.show_accounts(sign_in)

    def approve(self, sign_in: SignIn) -> None:
        """Sign in as the chosen account. Raises DeviceCodeRefused."""
        try:
            approved = self.authority.approve(sign_in.code, self.get_body_argument("account", ""))
        except InvalidRequest:
            self.show_accounts(sign_in, "Choose an account.", 400)
            return
        account = self.authority.company.account(approved.account or "")
        refusal = approved.refusal or (account and account.blocked)
        if refusal:
            self.show_result("You cannot access this right now", refusal, "stop")
        else:
            self.show_result(
                "You have signed in",
                f"You are signed in as {approved.account}. You can close this page.",
                "done",
            )

    def show_code_form(self, error: str = "", status: int = 200) -> None:
        """Show the first step."""
        self.set_status(status)
        self.render("device_code.html", error=error, nonce=self.nonce)

    def show_accounts(self, sign_in: SignIn, error: str = "", status: int = 200) -> None:
        """Show the second step."""
        self.set_status(status)
        tenants = self.authority.company.tenants
        self.render(
            "choose_account.html", error=error, nonce=self.nonce, sign_in=sign_in, tenants=tenants
        )

    def show_result(self, title: str, text: str, outcome: str) -> None:
        """Show the last step."""
        self.render(
            "sign_in_result.html", title=title, text=text, outcome=outcome, nonce=self.nonce
        )

    def write_error(self, status_code: int, **_: Any) -> None:
        """Answer with the status only: a person at the page never sees this."""
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish(f"{status_code}\n")


def is_loopback(address: str) -> bool:
    """Return whether an address is this machine's own."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def is_in(address: str, networks: Sequence[Network]) -> bool:
    """Return whether an address is in one of the networks."""
    try:
        return any(ipaddress.ip_address(address) in network for network in networks)
    except ValueError:
        return False


def is_loopback_host(host: str) -> bool:
    """Return whether a Host header names this machine: localhost or a loopback address, with or
    without a port.
    """
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    return name == "localhost" or is_loopback(name)


def sandbox_rules(authority: Authority, base_url: str, peers: Sequence[Network] = ()) -> list[Rule]:
    """Return Tornado's rule for the page."""
    path = PathMatches(url_path_join(base_url, PAGE_PATH) + "$")
    takes = {"authority": authority, "attempts": Attempts(), "peers": peers}
    return [Rule(path, SandboxPage, takes)]
