"""What the simulated PowerApps administration service answers: the company's environments and apps,
or a refusal.

Pure.
"""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pwsh_kernels.sandbox.company import Account, Application, Company, CompanyTenant, Environment
from pwsh_kernels.sandbox.tokens import Token

AUDIENCE = "https://service.powerapps.com/"
PLATFORM = "providers/Microsoft.BusinessAppPlatform/scopes/admin/environments"
POWERAPPS = "providers/Microsoft.PowerApps/scopes/admin/environments"

_APPS = ("Expense report", "Site inspection", "Leave request", "Asset register", "Visitor desk")
_EPOCH = datetime(2022, 1, 10, 8, 0, tzinfo=UTC)
_REGIONS = {"europe": "westeurope", "unitedstates": "eastus", "japan": "japaneast"}

IsRevoked = Callable[[str, datetime], bool]


@dataclass(frozen=True, slots=True)
class Request:
    """A GET: the path below the service's root, its query, and the Authorization header ("" when
    there is none).
    """

    path: str
    query: Mapping[str, str]
    authorization: str

    @property
    def path_and_query(self) -> str:
        """The path as refusals name it."""
        query = "&".join(f"{name}={value}" for name, value in self.query.items())
        return f"/{self.path}?{query}" if query else f"/{self.path}"


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP status and the JSON that goes with it."""

    status: int
    content: dict[str, Any]


def answer(request: Request, company: Company, is_revoked: IsRevoked, now: datetime) -> Answer:
    """Answer a request as the service does: who asks, is that allowed, what is there."""
    token = _read_token(request.authorization, now)
    if isinstance(token, Answer):
        return token
    member = company.account(token.account) or company.application(token.account)
    tenant = company.tenant(token.tenant_id)
    if member is None or tenant is None or is_revoked(token.account, token.issued_at):
        return _refuse(401, "InvalidAuthenticationToken", "The access token is invalid.")
    if not _may_read(member, tenant):
        return _forbid(member, tenant, request)
    if "api-version" not in request.query:
        message = "The api-version query parameter (?api-version=) is required for all requests."
        return _refuse(400, "MissingApiVersionParameter", message)
    return _find(request, tenant)


def _refuse(status: int, code: str, message: str) -> Answer:
    return Answer(status, {"error": {"code": code, "message": message}})


def _read_token(authorization: str, now: datetime) -> Token | Answer:
    """Return the token of a header when it is one for this service and has not expired."""
    kind, _, text = authorization.partition(" ")
    if kind.lower() != "bearer" or not text:
        return _refuse(
            401,
            "AuthenticationFailed",
            "Authentication failed. The 'Authorization' header is missing.",
        )
    try:
        token = Token.decode(text.strip())
    except ValueError:
        return _refuse(401, "InvalidAuthenticationToken", "The access token is invalid.")
    if token.expired(now):
        times = f"'{_time(token.expires_at)}' is earlier than current UTC time '{_time(now)}'"
        return _refuse(
            401, "ExpiredAuthenticationToken", f"The access token expiry UTC time {times}."
        )
    return token if token.is_for(AUDIENCE) else _refuse_audience(token)


def _refuse_audience(token: Token) -> Answer:
    message = (
        f"The access token has been obtained for wrong audience or resource '{token.audience}'. "
        f"It should exactly match with one of the allowed audiences '{AUDIENCE}'."
    )
    return _refuse(401, "InvalidAuthenticationTokenAudience", message)


def _may_read(member: Account | Application, tenant: CompanyTenant) -> bool:
    """Return whether somebody is admitted: people of the tenant, and its applications that are
    administrators of the service.
    """
    return member.tenant == tenant.name and (
        isinstance(member, Account) or member.role == "Global Administrator"
    )


def _forbid(member: Account | Application, tenant: CompanyTenant, request: Request) -> Answer:
    if isinstance(member, Application):
        principal = uuid.uuid5(uuid.NAMESPACE_URL, f"{tenant.tenant_id}/{member.client_id}")
        who = f"The service principal with id '{principal}' for application {member.client_id}"
    else:
        who = f"The user '{member.upn}'"
    where = (
        f"the path 'https://10.0.1.23:23477{request.path_and_query}' in tenant {tenant.tenant_id}"
    )
    return _refuse(403, "Forbidden", f"{who} does not have permission to access {where}.")


def _find(request: Request, tenant: CompanyTenant) -> Answer:
    """Return what is at a path: the environments, one of them, or (PowerApps) the apps of one."""
    match request.path.split("/"):
        case [*root, "environments"] if root == PLATFORM.split("/")[:-1]:
            return _list([_environment(one, tenant) for one in tenant.environments], request)
        case [*root, "environments", name] if root == PLATFORM.split("/")[:-1]:
            found = _named(name, tenant)
            return found if isinstance(found, Answer) else Answer(200, _environment(found, tenant))
        case [*root, "environments", name, "apps"] if root == POWERAPPS.split("/")[:-1]:
            found = _named(name, tenant)
            return found if isinstance(found, Answer) else _list(_apps(found, tenant), request)
    return _refuse(
        404,
        "NotFound",
        f"No HTTP resource was found that matches the request URI '/{request.path}'.",
    )


def _list(values: list[dict[str, Any]], request: Request) -> Answer:
    top = request.query.get("$top", "")
    return Answer(200, {"value": values[: int(top)] if top.isdecimal() else values})


def _named(name: str, tenant: CompanyTenant) -> Environment | Answer:
    for one in tenant.environments:
        if one.name.lower() == name.lower():
            return one
    message = f"The environment '{name}' could not be found in the tenant '{tenant.tenant_id}'."
    return _refuse(404, "EnvironmentNotFound", message)


def _environment(one: Environment, tenant: CompanyTenant) -> dict[str, Any]:
    """Return an environment in the service's own form."""
    created = _EPOCH + timedelta(days=90 * tenant.environments.index(one))
    database = one.type in ("Production", "Sandbox")
    properties = {
        "azureRegion": _REGIONS.get(one.location, one.location),
        "displayName": one.display_name,
        "createdTime": _time(created),
        "createdBy": (
            {"id": "SYSTEM", "displayName": "SYSTEM", "type": "NotSpecified"}
            if one.type == "Default"
            else _owner(tenant)
        ),
        "lastModifiedTime": _time(created + timedelta(days=30)),
        "provisioningState": "Succeeded",
        "creationType": "DefaultTenant" if one.type == "Default" else "User",
        "environmentSku": one.type,
        "isDefault": one.type == "Default",
        "databaseType": "CommonDataService" if database else "None",
        "states": {"management": {"id": "Ready"}, "runtime": {"id": "Enabled"}},
    }
    if database:
        properties["linkedEnvironmentMetadata"] = _database(one, tenant)
    kind = "Microsoft.BusinessAppPlatform/scopes/environments"
    return {
        "id": f"/{PLATFORM}/{one.name}",
        "type": kind,
        "location": one.location,
        "name": one.name,
        "properties": properties,
    }


def _database(one: Environment, tenant: CompanyTenant) -> dict[str, Any]:
    domain = "".join(letter for letter in one.display_name.lower() if letter.isalnum())
    return {
        "resourceId": str(uuid.uuid5(uuid.NAMESPACE_URL, one.name)),
        "friendlyName": one.display_name,
        "uniqueName": f"unq{tenant.sharepoint_host}{domain}",
        "domainName": domain,
        "instanceUrl": f"https://{domain}.crm4.dynamics.com/",
        "baseLanguage": 1033,
        "instanceState": "Ready",
    }


def _owner(tenant: CompanyTenant) -> dict[str, Any]:
    """Return the tenant's first administrator as a principal."""
    account = tenant.accounts[0]
    return {
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, account.upn)),
        "displayName": account.display_name,
        "email": account.upn,
        "type": "User",
        "tenantId": tenant.tenant_id,
        "userPrincipalName": account.upn,
    }


def _apps(one: Environment, tenant: CompanyTenant) -> list[dict[str, Any]]:
    """Return the apps of an environment: the later an environment was made, the fewer."""
    number = tenant.environments.index(one)
    return [_app(title, one, tenant) for title in _APPS[number:]]


def _app(title: str, one: Environment, tenant: CompanyTenant) -> dict[str, Any]:
    name = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{one.name}/{title}"))
    created = _EPOCH + timedelta(days=7 * (1 + _APPS.index(title)))
    properties = {
        "appVersion": _time(created + timedelta(days=3)),
        "displayName": title,
        "description": "",
        "owner": _owner(tenant),
        "createdTime": _time(created),
        "lastModifiedTime": _time(created + timedelta(days=3)),
        "environment": {
            "id": f"/{PLATFORM}/{one.name}",
            "name": one.name,
            "location": one.location,
        },
        "lifeCycleId": "Published",
    }
    kind = "Microsoft.PowerApps/scopes/apps"
    return {
        "name": name,
        "id": f"/providers/Microsoft.PowerApps/scopes/admin/apps/{name}",
        "type": kind,
        "properties": properties,
        "appType": "ClassicCanvasApp",
    }


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
