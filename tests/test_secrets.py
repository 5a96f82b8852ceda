"""Canaries in every secret input, and in what a sign-in prints: they are nowhere but in the HOME of
their session.
"""

import asyncio
import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest

from pwsh_kernels.sandbox import Authority
from pwsh_kernels.sessions.redaction import HIDDEN
from tests.fixtures.sandbox import AUTOMATION, make_certificate
from tests.fixtures.server import ADMIN, CONTOSO, Server
from tests.mcp.client import connected

pytestmark = [pytest.mark.slow, pytest.mark.pwsh]

APPLICATION = AUTOMATION["contoso"]
WRONG_TOKEN = "canary-handed-in-5b12"
WORDS = "canary-words-of-a-connect-script-9e41"
TOKENS = {"access": "48ac35b8-9aa8-4d74-927d-1f4a14a0b239", "graph": "https://graph.microsoft.com"}
"""The services of the two tokens that Teams needs."""
CANARIES = {
    "certificate_password": "canary-password-1f7c",
    "client_secret": "canary-client-secret-2b8d",
    "wrong_token": WRONG_TOKEN,
    "words": WORDS,
    "printed_token": "eyJhbGciOiJub25lIn0.eyJjYW5hcnkiOiJwcmludGVkIn0.c2lnbmF0dXJl",
}
TENANTS = """
[[tenant]]
name = "contoso.example"

[tenant.exo]
client_id = "{application}"
certificate_file = "automation.pfx"
certificate_password = {{ file = "password" }}

[tenant.azure]
client_id = "{application}"
client_secret = {{ env = "CANARY_CLIENT_SECRET" }}
federated_token = {{ file = "federated" }}

[tenant.leaky]
client_id = "{application}"
certificate_file = "automation.pfx"
certificate_password = {{ file = "password" }}
client_secret = {{ env = "CANARY_CLIENT_SECRET" }}
federated_token = {{ file = "federated" }}
"""
LEAKY = """
title = "A module that tells everything"
powershell_module = "ExchangeOnlineManagement"
minimum_version = "3.5.0"
purpose = "Prints what it is given, and secrets of its own, on every stream."

{routes}
[check]
script = "return"

[disconnect]
script = "return"
"""
ROUTE = """
[routes.{route}]
parameters = {{ First = "{first}", Second = "{second}" }}
script = '''
param($First, $Second)
$tokens = @('{token}')
foreach ($secret in @($First, $Second).Where{{ $_ }}) {{ $tokens += ConvertFrom-SecureString $secret -AsPlainText }}
foreach ($text in @('{words}') + $tokens) {{
    $text
    Write-Warning "warning $text"
    Write-Verbose "verbose $text" -Verbose
    Write-Debug "debug $text" -Debug
    Write-Information "information $text" -InformationAction Continue
    Write-Host "host $text"
    [Console]::WriteLine("console $text")
    Write-Progress -Activity "progress $text" -Status $text
}}
foreach ($text in $tokens) {{
    Write-Error "error $text" -ErrorId "Leak,$text" -TargetObject $text -CategoryReason $text -CategoryActivity $text
}}
throw "The sign-in failed with $tokens."
'''
"""  # noqa: E501
GIVEN: Mapping[str, tuple[str, str]] = {
    "certificate": ("certificate_password", "certificate_password"),
    "client_secret": ("client_secret", "client_secret"),
    "workload_identity": ("federated_token", "federated_token"),
    "access_token": ("access_token", "graph_token"),
}
"""The secrets that each route of the leaky module takes: all that there are."""
LOOK = "Get-History | Out-String; Get-ChildItem Env: | Out-String -Width 5000; 'looked'"


@pytest.fixture
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of the operator's: the tenants file, a module of their own, and the secrets in
    files.
    """
    folder = tmp_path_factory.mktemp("inputs")
    (folder / "modules").mkdir()
    routes = [
        ROUTE.format(
            route=route, first=first, second=second, token=CANARIES["printed_token"], words=WORDS
        )
        for route, (first, second) in GIVEN.items()
    ]
    (folder / "modules" / "leaky.toml").write_text(
        LEAKY.format(routes="".join(routes)), encoding="utf-8"
    )
    (folder / "tenants.toml").write_text(TENANTS.format(application=APPLICATION), encoding="utf-8")
    make_certificate(folder, password=CANARIES["certificate_password"]).rename(
        folder / "automation.pfx"
    )
    for name in ("password", "federated"):
        (folder / name).touch(0o600)
    (folder / "password").write_text(CANARIES["certificate_password"], encoding="utf-8")
    return folder


@pytest.fixture
def talkative(inputs: Path, tmp_path: Path) -> Iterator[Server]:
    """A server that logs all it can, and whose temporary files are in its folder."""
    (tmp_path / "temporary").mkdir()
    settings = {
        "PWSH_MANAGER_TENANTS": str(inputs / "tenants.toml"),
        "PWSH_MANAGER_MODULES_DIR": str(inputs / "modules"),
        "PWSH_MANAGER_DEBUG": "true",
        "CANARY_CLIENT_SECRET": CANARIES["client_secret"],
        "TMPDIR": str(tmp_path / "temporary"),
    }
    one = Server(tmp_path, settings).start()
    yield one
    one.close()


def login(server: Server, module: str, route: str, **tokens: str) -> dict[str, Any]:
    """Sign in without a person, to the end."""
    return server.post("/login", tenant=CONTOSO, module=module, route=route, **tokens)


def sign_in_everywhere(
    server: Server, tokens: Mapping[str, str]
) -> dict[str, list[dict[str, Any]]]:
    """Use every secret in a sign-in that succeeds or is refused, and look around in the sessions;
    return all answers.
    """
    handed = {"access_token": tokens["access"], "graph_token": tokens["graph"]}
    wrong = dict.fromkeys(handed, WRONG_TOKEN)

    def exo() -> list[dict[str, Any]]:
        refused = [
            login(server, "exo", "access_token", access_token=WRONG_TOKEN),
            login(server, "exo", WRONG_TOKEN),
        ]
        return [*refused, login(server, "exo", "certificate"), server.run(LOOK, module="exo")]

    def azure() -> list[dict[str, Any]]:
        refused = login(server, "azure", "client_secret")
        return [
            refused,
            login(server, "azure", "workload_identity"),
            server.run(LOOK, module="azure"),
        ]

    def teams() -> list[dict[str, Any]]:
        refused = login(server, "teams", "access_token", **wrong)
        return [
            refused,
            login(server, "teams", "access_token", **handed),
            server.run(LOOK, module="teams"),
        ]

    def leaky() -> list[dict[str, Any]]:
        refused = [login(server, "leaky", route) for route in GIVEN if route != "access_token"]
        return [
            *refused,
            login(server, "leaky", "access_token", **handed),
            login(server, "leaky", "access_token", **wrong),
        ]

    with ThreadPoolExecutor() as pool:
        work = {one.__name__: pool.submit(one) for one in (exo, azure, teams, leaky)}
        return {name: one.result() for name, one in work.items()}


def answers_of(server: Server) -> Iterator[tuple[str, str]]:
    """Yield every answer to a GET, and every run."""
    runs = server.get("/runs", limit=200)["runs"]
    paths = [
        "/health",
        "/modules",
        "/sessions",
        "/watchdog",
        "/runs",
        "/metrics",
        "/api/kernels",
        "/api/sessions",
        "/api/status",
    ]
    with server.http() as http:
        for path in [*paths, *(f"/runs/{run['run_id']}" for run in runs)]:
            yield f"GET {path}", http.get(path).text
    for module in ("exo", "azure", "teams", "leaky"):
        yield (
            f"status of {module}",
            json.dumps(server.post("/status", tenant=CONTOSO, module=module)),
        )


async def tool_results_of(server: Server) -> list[tuple[str, str]]:
    """Return what the MCP tools answer about all of it: sign-ins that fail, sessions, and every
    run.
    """
    runs = [run["run_id"] for run in server.get("/runs", limit=200)["runs"]]
    modules = ("exo", "azure", "teams", "leaky")
    calls: list[tuple[str, dict[str, Any]]] = [("pwsh_sessions", {})]
    calls += [("pwsh_status", {"tenant": CONTOSO, "module": module}) for module in modules]
    calls += [
        ("pwsh_login", {"tenant": CONTOSO, "module": "leaky", "route": route})
        for route in ("certificate", "client_secret")
    ]
    calls += [("pwsh_run", {"tenant": CONTOSO, "module": "leaky", "command": "1"})]
    calls += [("pwsh_wait", {"tenant": CONTOSO, "module": "leaky"})]
    calls += [(tool, {"run_id": run}) for run in runs for tool in ("pwsh_wait", "pwsh_output")]
    async with connected(server) as client:
        results = [await client.call_tool(tool, arguments) for tool, arguments in calls]
    return [
        (f"{tool} {arguments}", one.model_dump_json())
        for (tool, arguments), one in zip(calls, results, strict=True)
    ]


def files_of(server: Server) -> Iterator[tuple[str, str]]:
    """Yield every file that was written outside the sessions' HOMEs."""
    for path in server.folder.rglob("*"):
        if path.is_file() and server.data_dir / "homes" not in path.parents:
            yield (
                str(path.relative_to(server.folder)),
                path.read_bytes().replace(b"\0", b"").decode(errors="replace"),
            )


def processes_of(server: Server) -> Iterator[tuple[str, str]]:
    """Yield command line and environment of every process; what the operator gave the server itself
    is the operator's.
    """
    for process in server.family():
        own = process.pid == server.process.pid
        yield f"command line of {process.pid}", " ".join(process.cmdline())
        yield f"environment of {process.pid}", "" if own else str(environment(process))


def environment(process: psutil.Process) -> dict[str, str]:
    """Return a process' environment; one that has just ended has none."""
    try:
        return process.environ()
    except psutil.NoSuchProcess:
        return {}


def test_a_canary_in_any_secret_or_sign_in_output_is_nowhere_but_in_its_sessions_home(
    talkative: Server, inputs: Path
) -> None:
    authority = Authority(talkative.data_dir / "sandbox")
    tokens = {name: authority.issue_token(ADMIN, audience) for name, audience in TOKENS.items()}
    federated = authority.issue_token(APPLICATION, "api://AzureADTokenExchange")
    (inputs / "federated").write_text(federated, encoding="utf-8")
    canaries = {**CANARIES, "federated_token": federated, **tokens}

    answers = sign_in_everywhere(talkative, tokens)
    outcomes = {
        name: [one.get("code") or one["state"] for one in said] for name, said in answers.items()
    }
    assert outcomes == {
        "exo": ["sign_in_failed", "invalid_request", "signed_in", "succeeded"],
        "azure": ["sign_in_failed", "signed_in", "succeeded"],
        "teams": ["sign_in_failed", "signed_in", "succeeded"],
        "leaky": ["sign_in_failed"] * 5,
    }
    places = {
        "answers": [
            (f"{name} {number}", json.dumps(one))
            for name, said in answers.items()
            for number, one in enumerate(said)
        ],
        "gets": [*answers_of(talkative)],
        "tools": asyncio.run(tool_results_of(talkative)),
        "files": [*files_of(talkative)],
        "processes": [*processes_of(talkative)],
        "log": [("server", "".join(talkative.log))],
    }
    found = [
        (kind, place, name)
        for kind, texts in places.items()
        for place, text in texts
        for name, canary in canaries.items()
        if canary in text
    ]
    assert found == []
    looked = {kind for kind, texts in places.items() if any(CONTOSO in text for _, text in texts)}
    assert looked == set(places), "each place was looked at, where what is no secret is found"
    assert any(json.dumps(HIDDEN).strip('"') in text for _, text in places["gets"]), (
        "the errors are told, without their secrets"
    )
