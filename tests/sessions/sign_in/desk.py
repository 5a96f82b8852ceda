"""One server whose tenants file and sandbox a test rewrites between sign-ins, to see through REST
how each one ends.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pwsh_kernels.catalog import RouteName
from pwsh_kernels.sandbox import Authority
from tests.catalog.services.opened_service import AUDIENCES, CATALOG
from tests.fixtures.sandbox import AUTOMATION, CERTIFICATE_PASSWORD, make_certificate
from tests.fixtures.server import ADMIN, CONTOSO, Server

END_WAIT = 60.0
FEDERATION = "api://AzureADTokenExchange"
COMMANDS = {
    "exo": "(Get-AcceptedDomain).Count",
    "pnp": "(Get-PnPWeb).Title",
    "azure": "(Get-AzTenant).Count",
    "powerplatform": "@(Get-PowerPlatformEnvironment).Count",
    "graph": "@((Invoke-MgGraphRequest -Uri /v1.0/organization).value).Count",
    "teams": "(Get-CsTenant).DisplayName",
}
"""A command of each module that asks its service."""
Person = Callable[["SignInDesk", str, str], object]
"""What a person does, at a desk, in the sign-in to a module, with the code that is shown."""


@dataclass(frozen=True)
class Case:
    """What is different from a sign-in that succeeds.

    `access` and `tenant`: keys of the tenants file.
    """

    access: Mapping[str, Any] = field(default_factory=dict)
    tenant: Mapping[str, Any] = field(default_factory=dict)
    login: Mapping[str, Any] = field(default_factory=dict)
    traps: Mapping[str, Any] = field(default_factory=dict)
    person: Person | None = None
    forget: bool = False
    """Begin in a new session, with nothing of an earlier sign-in on the disk."""


@dataclass(frozen=True)
class Ending:
    """How a sign-in ended: the session's state, that of the sign-in, the account, what explains it,
    what a command got.
    """

    state: str
    sign_in: str
    account: str | None = None
    explanation: str | None = None
    run: str = "not_signed_in"


@dataclass
class SignInDesk:
    """Signs the modules of contoso in, one at a time, again and again."""

    server: Server
    authority: Authority
    folder: Path
    """Where the tenants file is, with certificates and secrets beside it."""
    module: str = ""

    def use(self, module: str) -> None:
        """Turn to a module: the session of the one before is not needed any more."""
        if self.module not in ("", module):
            self.server.post("/kill", tenant=CONTOSO, module=self.module)
        self.module = module

    def token(
        self, account: str = ADMIN, lifetime_s: float = 4500, audience: str = ""
    ) -> dict[str, str]:
        """Return the fields of /login that hand a token in."""
        issue = self.authority.issue_token
        tokens = {"access_token": issue(account, audience or AUDIENCES[self.module], lifetime_s)}
        return {
            **tokens,
            **(
                {"graph_token": issue(account, AUDIENCES["graph"], lifetime_s)}
                if self.module == "teams"
                else {}
            ),
        }

    def sign_in(self, route: RouteName, case: Case) -> dict[str, Any]:
        """Sign in; return what /status says at the end. What /login said must agree with it."""
        self.configure(case)
        self.authority.set_traps(CONTOSO, case.traps)
        if case.forget:
            self.server.post("/disconnect", tenant=CONTOSO, module=self.module, forget=True)
        login = self.server.post(
            "/login", tenant=CONTOSO, module=self.module, route=route, **case.login
        )
        if case.person and login.get("device_code"):
            case.person(self, self.module, login["device_code"])
        status = self.status(wait_s=END_WAIT)
        self.authority.clear_traps(CONTOSO)
        assert login["auth_pending"] == (login["device_code"] is not None), login
        if not login["auth_pending"]:
            assert (login["state"], login["sign_in"], login["reason"]) == (
                status["state"],
                status["sign_in"],
                status["reason"],
            )
            assert (
                login.get("code", "succeeded").removeprefix("sign_in_")
                == status["sign_in"]["state"]
            )
            assert login["success"] is (status["state"] == "signed_in")
        return status

    def ending(self, route: RouteName, case: Case) -> Ending:
        """Sign in, run a command; return how both ended. Nobody is signed in afterwards."""
        status = self.sign_in(route, case)
        run = self.run()
        if status["state"] == "signed_in":
            self.see_no_variable_of(route)
            self.end_sign_in(status["account"])
        sign_in = status["sign_in"]
        explanation = (sign_in["explanation"] or {}).get("code")
        assert status["connected"] is (status["state"] == "signed_in")
        assert sign_in["route"] == route
        return Ending(
            status["state"],
            sign_in["state"],
            status["account"],
            explanation,
            run.get("code") or run["state"],
        )

    def see_no_variable_of(self, route: RouteName) -> None:
        """See that nothing which the route's script was given is left in the session: some of it is
        secret.
        """
        listed = self.server.run(
            "(Get-Variable -Scope Global).Name", CONTOSO, module=self.module, format="text"
        )
        assert listed["state"] == "succeeded", listed
        given = CATALOG.modules[self.module].routes[route].script.parameters
        assert not set(given) & set(listed["result"].split())

    def end_sign_in(self, account: str) -> None:
        """Let the service end the sign-in: the next command tells it, and nobody is signed in any
        more.
        """
        if self.authority.company.application(account) or "@" in account:
            self.authority.revoke(account)
        else:  # a managed identity is no application that could be revoked
            self.authority.set_traps(CONTOSO, {"token_revoked": True})
        run = self.run()
        self.authority.clear_traps(CONTOSO)
        assert (run["code"], self.status()["state"]) == ("sign_in_ended", "signed_out"), run

    def run(self) -> dict[str, Any]:
        """Ask the service something."""
        return self.server.run(COMMANDS[self.module], CONTOSO, module=self.module)

    def status(self, **more: Any) -> dict[str, Any]:
        """Return the session's status."""
        return self.server.post("/status", tenant=CONTOSO, module=self.module, **more)

    def configure(self, case: Case) -> None:
        """Write the tenants file: what every route needs, changed as the case wants it."""
        access: dict[str, Any] = {
            "client_id": AUTOMATION["contoso"],
            "certificate_file": "contoso-automation1.pfx",
            "certificate_password": {"file": "password"},
            "client_secret": {"file": "contoso-automation.secret"},
            "federated_token": {"file": "contoso-automation.token"},
            **case.access,
        }
        tables = {"[[tenant]]": {"name": CONTOSO, **case.tenant}, f"[tenant.{self.module}]": access}
        part = self.folder / "tenants.part"
        part.write_text(
            "\n".join(_table(header, values) for header, values in tables.items()), encoding="utf-8"
        )
        part.replace(self.folder / "tenants.toml")

    def secret(self, name: str, text: str) -> None:
        """Write a secret beside the tenants file, readable by us alone."""
        file = self.folder / name
        file.touch(mode=0o600)
        file.write_text(text, encoding="utf-8")


def _table(header: str, values: Mapping[str, Any]) -> str:
    lines = [f"{key} = {_value(value)}" for key, value in values.items()]
    return "\n".join([header, *lines, ""])


def _value(value: Any) -> str:
    return (
        f"{{ file = {json.dumps(value['file'])} }}"
        if isinstance(value, Mapping)
        else json.dumps(value)
    )


def fill(desk: SignInDesk) -> None:
    """Make every certificate and secret that a case can name."""
    for subject, days in (
        ("contoso-automation", 1),
        ("contoso-automation", -1),
        ("fabrikam-automation", 1),
    ):
        make_certificate(desk.folder, subject, days)
    desk.secret("password", CERTIFICATE_PASSWORD)
    desk.secret("wrong.secret", "a secret that was valid once")
    desk.secret("expired.token", desk.authority.issue_token(AUTOMATION["contoso"], FEDERATION, -60))
    for company, application in AUTOMATION.items():
        desk.secret(f"{company}-automation.secret", f"{company}-automation-sandbox-secret")
        desk.secret(
            f"{company}-automation.token", desk.authority.issue_token(application, FEDERATION)
        )
