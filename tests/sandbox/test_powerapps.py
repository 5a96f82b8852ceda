"""The simulated PowerApps administration service, over real HTTP, with tokens of the sandbox's
authority.
"""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from tornado.web import Application

from pwsh_kernels.sandbox import Authority
from pwsh_kernels.web.sandbox.powerapps import powerapps_rules
from tests.fixtures.sandbox import ADMIN, AUTOMATION

AUDIENCE = "https://service.powerapps.com/"
ENVIRONMENTS = (
    "/sandbox/powerapps/providers/Microsoft.BusinessAppPlatform/scopes/admin/environments"
)
APPS = "/sandbox/powerapps/providers/Microsoft.PowerApps/scopes/admin/environments/{}/apps"
PRODUCTION = "c0070500-e001-4c00-8a00-00000000e001"
REPORTING = "c0070500-a992-4c00-8a00-00000000a992"
MANAGED_IDENTITY = "c0070500-1d00-4c00-8a00-0000000001d0"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    authority = Authority(tmp_path)
    authority.prepare("http://127.0.0.1/sandbox/devicelogin")
    return authority


@pytest_asyncio.fixture
async def service(authority: Authority) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a server that has only this service."""
    server = HTTPServer(Application(powerapps_rules(authority, "/")))
    socket, port = bind_unused_port()
    server.add_sockets([socket])
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{port}", timeout=10, verify=False
    ) as client:
        yield client
    server.stop()


async def get(
    service: httpx.AsyncClient, token: str, path: str = ENVIRONMENTS, **query: str
) -> httpx.Response:
    """Ask as PowerShell does."""
    params = {"api-version": "2020-10-01", **query}
    return await service.get(
        path, params=params, headers={"Authorization": f"Bearer {token}"} if token else {}
    )


def refusal(answer: httpx.Response) -> tuple[int, str]:
    """Return status and code of a refusal, whose form must be the service's."""
    content: dict[str, Any] = answer.json()
    assert set(content) == {"error"}
    assert set(content["error"]) == {"code", "message"}
    return answer.status_code, content["error"]["code"]


@pytest.mark.parametrize(
    "account", [ADMIN, "reader@contoso.example", AUTOMATION["contoso"], MANAGED_IDENTITY]
)
async def test_people_and_administrator_applications_see_their_tenant_s_environments(
    service: httpx.AsyncClient, authority: Authority, account: str
) -> None:
    answer = await get(service, authority.issue_token(account, AUDIENCE))
    assert answer.status_code == 200
    names = [one["properties"]["displayName"] for one in answer.json()["value"]]
    assert names == [
        "Contoso (default)",
        "Contoso Production",
        "Contoso Test",
        "Avery Admin's Environment",
    ]


async def test_an_environment_has_the_service_s_form(
    service: httpx.AsyncClient, authority: Authority
) -> None:
    token = authority.issue_token(ADMIN, AUDIENCE)
    answer = await get(service, token, f"{ENVIRONMENTS}/{PRODUCTION}")
    content = answer.json()
    assert (
        content["id"]
        == f"/providers/Microsoft.BusinessAppPlatform/scopes/admin/environments/{PRODUCTION}"
    )
    assert content["type"] == "Microsoft.BusinessAppPlatform/scopes/environments"
    assert content["location"] == "europe"
    properties = content["properties"]
    assert properties["environmentSku"] == "Production"
    assert properties["isDefault"] is False
    assert properties["states"]["management"]["id"] == "Ready"
    assert (
        properties["linkedEnvironmentMetadata"]["instanceUrl"]
        == "https://contosoproduction.crm4.dynamics.com/"
    )
    assert properties["createdBy"]["userPrincipalName"] == ADMIN


async def test_only_the_default_environment_is_the_default_one(
    service: httpx.AsyncClient, authority: Authority
) -> None:
    answer = await get(service, authority.issue_token(ADMIN, AUDIENCE))
    defaults = [one["name"] for one in answer.json()["value"] if one["properties"]["isDefault"]]
    assert defaults == ["Default-c0070500-0001-4a11-8c0d-5a9d0b0c0001"]


async def test_apps_of_an_environment_are_listed(
    service: httpx.AsyncClient, authority: Authority
) -> None:
    token = authority.issue_token(ADMIN, AUDIENCE)
    answer = await get(service, token, APPS.format(PRODUCTION))
    apps = answer.json()["value"]
    assert [one["properties"]["displayName"] for one in apps][:2] == [
        "Site inspection",
        "Leave request",
    ]
    assert {one["properties"]["environment"]["name"] for one in apps} == {PRODUCTION}
    assert answer.json() == (await get(service, token, APPS.format(PRODUCTION))).json()


async def test_top_limits_a_list(service: httpx.AsyncClient, authority: Authority) -> None:
    answer = await get(service, authority.issue_token(ADMIN, AUDIENCE), **{"$top": "1"})
    assert len(answer.json()["value"]) == 1


@pytest.mark.parametrize("header", ["", "Basic YTpi", "Bearer"])
async def test_without_a_token_the_service_says_that_it_is_missing(
    service: httpx.AsyncClient, header: str
) -> None:
    answer = await service.get(ENVIRONMENTS, headers={"Authorization": header})
    assert refusal(answer) == (401, "AuthenticationFailed")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer ")


async def test_a_malformed_token_is_refused_and_not_repeated(service: httpx.AsyncClient) -> None:
    answer = await get(service, "canary.canary.canary")
    assert refusal(answer) == (401, "InvalidAuthenticationToken")
    assert "canary" not in answer.text


async def test_an_expired_token_is_refused(
    service: httpx.AsyncClient, authority: Authority
) -> None:
    answer = await get(service, authority.issue_token(ADMIN, AUDIENCE, lifetime_s=-1))
    assert refusal(answer) == (401, "ExpiredAuthenticationToken")


async def test_a_token_of_another_service_is_refused(
    service: httpx.AsyncClient, authority: Authority
) -> None:
    answer = await get(service, authority.issue_token(ADMIN, "https://graph.microsoft.com"))
    assert refusal(answer) == (401, "InvalidAuthenticationTokenAudience")
    assert "'https://graph.microsoft.com'" in answer.json()["error"]["message"]


async def test_a_revoked_sign_in_is_refused_until_a_new_one(
    service: httpx.AsyncClient, authority: Authority
) -> None:
    token = authority.issue_token(ADMIN, AUDIENCE)
    authority.revoke(ADMIN)
    assert refusal(await get(service, token)) == (401, "InvalidAuthenticationToken")
    assert (await get(service, authority.issue_token(ADMIN, AUDIENCE))).status_code == 200


async def test_while_the_trap_is_on_every_token_of_the_tenant_is_revoked(
    service: httpx.AsyncClient, authority: Authority
) -> None:
    token = authority.issue_token(ADMIN, AUDIENCE)
    authority.set_traps("contoso.example", {"token_revoked": True})
    assert refusal(await get(service, token)) == (401, "InvalidAuthenticationToken")
    authority.clear_traps("contoso.example")
    assert (await get(service, token)).status_code == 200


async def test_an_application_that_nobody_made_an_administrator_is_forbidden(
    service: httpx.AsyncClient, authority: Authority
) -> None:
    answer = await get(service, authority.issue_token(REPORTING, AUDIENCE))
    assert refusal(answer) == (403, "Forbidden")
    message = answer.json()["error"]["message"]
    assert (
        f"for application {REPORTING} does not have permission to access the path"
        " 'https://10.0.1.23:23477/providers/" in message
    )


@pytest.mark.parametrize("account", ["admin@fabrikam.example", AUTOMATION["fabrikam"]])
async def test_a_stranger_of_the_tenant_is_forbidden(
    service: httpx.AsyncClient, authority: Authority, account: str
) -> None:
    answer = await get(service, authority.issue_token(account, AUDIENCE, tenant="contoso.example"))
    assert refusal(answer) == (403, "Forbidden")


async def test_the_api_version_must_be_named(
    service: httpx.AsyncClient, authority: Authority
) -> None:
    token = authority.issue_token(ADMIN, AUDIENCE)
    answer = await service.get(ENVIRONMENTS, headers={"Authorization": f"Bearer {token}"})
    assert refusal(answer) == (400, "MissingApiVersionParameter")


@pytest.mark.parametrize(
    ("path", "code"),
    [
        (f"{ENVIRONMENTS}/nowhere", "EnvironmentNotFound"),
        (APPS.format("nowhere"), "EnvironmentNotFound"),
        ("/sandbox/powerapps/providers/Microsoft.Other", "NotFound"),
        (f"{ENVIRONMENTS}/{PRODUCTION}/apps", "NotFound"),
    ],
)
async def test_what_is_not_there_is_not_found(
    service: httpx.AsyncClient, authority: Authority, path: str, code: str
) -> None:
    assert refusal(await get(service, authority.issue_token(ADMIN, AUDIENCE), path)) == (404, code)


async def test_another_host_name_finds_nothing(
    service: httpx.AsyncClient, authority: Authority
) -> None:
    token = authority.issue_token(ADMIN, AUDIENCE)
    answer = await service.get(
        ENVIRONMENTS, headers={"Authorization": f"Bearer {token}", "Host": "evil.example"}
    )
    assert answer.status_code == 404


async def test_writing_is_not_simulated(service: httpx.AsyncClient, authority: Authority) -> None:
    headers = {"Authorization": f"Bearer {authority.issue_token(ADMIN, AUDIENCE)}"}
    assert (await service.post(ENVIRONMENTS, headers=headers)).status_code == 405
