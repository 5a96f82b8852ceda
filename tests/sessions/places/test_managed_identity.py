"""A session that signs in as the machine it is on reaches where the machine gives out tokens."""

import json
from pathlib import Path
from typing import Any

import pytest

from pwsh_kernels.catalog import Catalog, ModuleAccess, Tenant
from pwsh_kernels.catalog.route import RouteName
from pwsh_kernels.sessions.key import SessionKey
from pwsh_kernels.sessions.launcher import CONFINED, SESSION_ENVIRONMENT, Launcher
from pwsh_kernels.sessions.places.managed_identity import VARIABLES
from pwsh_kernels.sessions.places.places import Places
from pwsh_kernels.sessions.session import Session
from pwsh_kernels.settings import Settings

APP_SERVICE = {"IDENTITY_ENDPOINT": "http://127.0.0.1:41234/msi/token", "IDENTITY_HEADER": "proof"}
ARC = {"IDENTITY_ENDPOINT": "http://localhost:40342/metadata/identity/oauth2/token"}


def launched(
    folder: Path, route: RouteName, sandbox: bool = False
) -> tuple[list[str], dict[str, Any]]:
    """Return the ports of a session that signs in by a route, and the variables of its
    PowerShell.
    """
    access = {"azure": ModuleAccess(route=route)}
    tenant = Tenant("adatum.com", modules=access, sandbox=sandbox)
    session = Session(SessionKey("adatum.com", "azure"), tenant, Catalog.load().module("azure"))
    settings = Settings.model_validate({"PWSH_MANAGER_DATA_DIR": folder})
    places = Places(settings, lambda key: folder / f"{key.kernelspec}.json", abi=7)
    environment = Launcher(settings, dict, places, set).launch(session).environment
    return json.loads(environment[CONFINED])["ports"], json.loads(environment[SESSION_ENVIRONMENT])


@pytest.fixture(autouse=True)
def azure(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget what this machine says of its own identity."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(("machine", "port"), [({}, "80"), (APP_SERVICE, "41234"), (ARC, "40342")])
def test_it_may_connect_to_the_port_of_the_machines_identity_and_knows_how(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, machine: dict[str, str], port: str
) -> None:
    for name, value in machine.items():
        monkeypatch.setenv(name, value)
    ports, variables = launched(tmp_path, "managed_identity")
    assert sorted(ports) == sorted(["443", port])
    assert {name: variables[name] for name in VARIABLES if name in variables} == machine


@pytest.mark.parametrize(("route", "sandbox"), [("certificate", False), ("managed_identity", True)])
def test_no_other_session_learns_how_to_be_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, route: RouteName, sandbox: bool
) -> None:
    for name, value in APP_SERVICE.items():
        monkeypatch.setenv(name, value)
    ports, variables = launched(tmp_path, route, sandbox)
    assert ports == ["443"]
    assert not set(VARIABLES) & set(variables)
