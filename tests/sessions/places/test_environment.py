"""What a kernel inherits from the server's environment, and PowerShell from the kernel's."""

from pathlib import Path

import pytest

from pwsh_kernels.catalog import Catalog, ModuleAccess, Tenant
from pwsh_kernels.kernel.environment import read_environment
from pwsh_kernels.powershell import MAX_KEPT, Launch
from pwsh_kernels.powershell.host.launch import child_environment
from pwsh_kernels.sessions.key import SessionKey
from pwsh_kernels.sessions.launcher import Launcher
from pwsh_kernels.sessions.places.environment import kernel_environment
from pwsh_kernels.sessions.places.places import Places
from pwsh_kernels.sessions.session import Session
from pwsh_kernels.settings import Settings

NEEDED = (
    "PATH HOME LANG LC_ALL TZ https_proxy NO_PROXY SSL_CERT_FILE JUPYTER_RUNTIME_DIR"
    " powershell_command DOTNET_gcServer"
)


@pytest.mark.parametrize("name", NEEDED.split())
def test_what_a_kernel_needs_is_passed_on(name: str) -> None:
    assert kernel_environment({name: "x"}) == {name: "x"}


@pytest.mark.parametrize(
    "name",
    [
        "JUPYTER_TOKEN",
        "PWSH_MANAGER_TOKEN",
        "AWS_SECRET_ACCESS_KEY",
        "AZURE_CLIENT_SECRET",
        "PATHOLOGY",
        "LC_",
        "XPATH",
    ],
)
def test_secrets_and_everything_unknown_stay_behind(name: str) -> None:
    assert kernel_environment({name: "x"}) == {}


def test_named_variables_are_passed_on() -> None:
    assert kernel_environment(
        {"AZURE_CLIENT_ID": "id", "OTHER": "x"}, ["AZURE_CLIENT_ID", "MISSING"]
    ) == {"AZURE_CLIENT_ID": "id"}


def test_the_command_line_finds_the_server_from_an_ordinary_kernel_and_not_from_a_session() -> None:
    places = {"PWSH_MANAGER_URL": "http://localhost:5200", "JUPYTER_RUNTIME_DIR": "/run/jupyter"}
    secret = {"PWSH_MANAGER_TOKEN": "secret"}
    ordinary = read_environment({**places, **secret}, Path("/unused"))
    assert ordinary.given == places
    session = {**places, **secret, "PWSH_KERNELS_HOME": "/homes/contoso.example/exo"}
    assert read_environment(session, Path("/unused")).given == {}


PLACES = "XDG_DATA_HOME XDG_CONFIG_HOME XDG_CACHE_HOME XDG_STATE_HOME XDG_RUNTIME_DIR XDG_DATA_DIRS"


@pytest.mark.parametrize("pass_env", ["", f"HOME,{PLACES.replace(' ', ',')}"])
def test_powershell_keeps_its_token_caches_in_the_sessions_home_whatever_the_server_says(
    pass_env: str,
) -> None:
    server = {
        **dict.fromkeys(PLACES.split(), "/elsewhere"),
        "HOME": "/home/somebody",
        "USER": "somebody",
    }
    kernel = {
        **kernel_environment(server, pass_env.split(",")),
        "PWSH_KERNELS_HOME": "/homes/contoso.example/azure",
        "PWSH_MANAGER_PASS_ENV": pass_env,
    }
    read = read_environment(kernel, Path("/unused"))
    environment = child_environment(
        Launch(Path("pwsh"), home=read.home, environment=read.given), kernel
    )
    assert environment["HOME"] == "/homes/contoso.example/azure"
    assert environment["USER"] == "somebody"
    assert [name for name in environment if name.startswith("XDG_")] == []


@pytest.mark.parametrize(
    ("asked", "kept"), [({}, MAX_KEPT), ({"PWSH_KERNELS_KEPT_OBJECTS": "0"}, 0)]
)
def test_a_kernel_keeps_as_many_objects_as_it_is_told(asked: dict[str, str], kept: int) -> None:
    assert read_environment(asked, Path("/unused")).kept_objects == kept


def test_a_tenants_culture_goes_before_every_language_of_the_server() -> None:
    server = {
        "LANG": "en_US.UTF-8",
        "LC_ALL": "C.UTF-8",
        "LC_MESSAGES": "C",
        "LANGUAGE": "fr",
        "PATH": "/bin",
    }
    kernel = {
        **kernel_environment(server),
        "PWSH_KERNELS_CULTURE": "de-CH",
        "PWSH_MANAGER_PASS_ENV": "LC_ALL,LANGUAGE",
    }
    read = read_environment(kernel, Path("/unused"))
    launch = Launch(Path("pwsh"), environment=read.given, culture=read.culture)
    languages = {
        name: value
        for name, value in child_environment(launch, kernel).items()
        if name.startswith(("LA", "LC"))
    }
    assert languages == {"LANG": "de_CH.UTF-8"}


@pytest.mark.parametrize(("module", "culture"), [("exo", "fr-FR"), ("teams", "de-CH")])
def test_the_kernel_of_a_session_is_told_the_culture_of_its_tenant(
    tmp_path: Path, module: str, culture: str
) -> None:
    tenant = Tenant("adatum.com", culture="de-CH", modules={"exo": ModuleAccess(culture="fr-FR")})
    session = Session(SessionKey("adatum.com", module), tenant, Catalog.load().module(module))
    settings = Settings.model_validate({"PWSH_MANAGER_DATA_DIR": tmp_path})
    places = Places(settings, lambda key: tmp_path / f"{key.kernelspec}.json", abi=7)
    launch = Launcher(settings, dict, places, set).launch(session)
    assert read_environment(launch.environment, Path("/unused")).culture == culture


def test_without_a_tenants_culture_the_languages_are_the_servers() -> None:
    server = {"LANG": "en_US.UTF-8", "LC_ALL": "C.UTF-8"}
    launch = Launch(Path("pwsh"), culture=read_environment(server, Path("/unused")).culture)
    environment = child_environment(launch, kernel_environment(server))
    assert {name: environment[name] for name in server} == server


@pytest.mark.parametrize(("ours", "port"), [({}, "0"), ({"DOTNET_EnableDiagnostics": "1"}, "1")])
def test_dotnets_diagnostics_are_off_unless_somebody_wants_them(
    ours: dict[str, str], port: str
) -> None:
    assert child_environment(Launch(Path("pwsh")), ours)["DOTNET_EnableDiagnostics"] == port
