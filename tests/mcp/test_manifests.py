"""mcpjungle-config.json, server.json and manifest.json: their form, and that they say
what is so.
"""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field

from pwsh_kernels import __version__
from pwsh_kernels.mcp.tools import TOOL_NAMES
from pwsh_kernels.settings import SettingRow, setting_rows
from tests.fixtures.cli import run_command
from tests.fixtures.initialize import INITIALIZE
from tests.fixtures.repository import ROOT
from tests.fixtures.server import server_environment

SETTINGS: dict[str, SettingRow] = {row.env: row for row in setting_rows()}
SECRETS = {"PWSH_MANAGER_TOKEN"}
Json = dict[str, Any]


class Strict(BaseModel):
    """Part of a file, with all that may stand in it."""

    model_config = ConfigDict(extra="forbid")


class Variable(Strict):
    """An environment variable of server.json."""

    name: str
    description: Annotated[str, Field(min_length=1)]
    format: Literal["string", "number", "boolean", "filepath"]
    default: str | None = None
    isSecret: bool = False  # noqa: N815 - the file's name


class Positional(Strict):
    """An argument of server.json."""

    type: Literal["positional"]
    value: str


class Package(Strict):
    """A package of server.json."""

    registryType: Literal["pypi"]  # noqa: N815
    identifier: str
    version: str
    runtimeHint: Literal["uvx"]  # noqa: N815
    transport: dict[Literal["type"], Literal["stdio"]]
    packageArguments: list[Positional]  # noqa: N815
    environmentVariables: list[Variable]  # noqa: N815


class Registration(Strict):
    """server.json by the schema of 2025-12-11, as far as we use it; conformance/ has the schema
    itself.
    """

    schema_: Annotated[
        Literal["https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json"],
        Field(alias="$schema"),
    ]
    name: Annotated[str, Field(pattern=r"^[a-zA-Z0-9.-]+/[a-zA-Z0-9._-]+$", max_length=200)]
    title: Annotated[str, Field(max_length=100)]
    description: Annotated[str, Field(max_length=100)]
    version: str
    packages: list[Package]


class McpConfig(Strict):
    """How the client starts the bundle."""

    command: Literal["uv"]
    args: list[str]
    env: dict[str, str]


class BundleServer(Strict):
    """The server of a bundle."""

    type: Literal["uv"]
    entry_point: str
    mcp_config: McpConfig


class UserValue(Strict):
    """What the client asks its user; one without a default would reach us as `${user_config.…}`."""

    type: Literal["string", "boolean"]
    title: str
    description: str
    default: str | bool
    sensitive: bool = False


class Bundle(Strict):
    """manifest.json, version 0.4, as far as we use it; conformance/ asks mcpb itself."""

    manifest_version: Literal["0.4"]
    name: str
    display_name: str
    version: str
    description: str
    long_description: str
    author: dict[Literal["name"], str]
    license: Literal["MIT"]
    keywords: list[str]
    server: BundleServer
    tools: list[dict[Literal["name", "description"], str]]
    prompts_generated: Literal[True]
    compatibility: dict[str, Any]
    user_config: dict[str, UserValue]


def read(name: str) -> Json:
    """Return a JSON file of the repository."""
    found: Json = json.loads((ROOT / name).read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module")
def registration() -> Registration:
    return Registration.model_validate(read("server.json"))


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return Bundle.model_validate(read("manifest.json"))


@pytest.fixture(scope="module")
def project() -> Json:
    """The project's own facts."""
    found: Json = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return found


def test_all_have_the_version_of_the_package(
    registration: Registration, bundle: Bundle, project: Json
) -> None:
    [package] = registration.packages
    versions = {registration.version, package.version, bundle.version, project["version"]}
    assert versions == {__version__}


def test_the_registry_s_name_is_in_the_readme_that_pypi_shows(
    registration: Registration, project: Json
) -> None:
    readme = (ROOT / project["readme"]).read_text(encoding="utf-8")
    assert re.findall(r"<!-- mcp-name: (\S+) -->", readme) == [registration.name]
    assert registration.packages[0].identifier == project["name"]


def test_every_variable_is_a_setting_with_its_default_and_secrets_are_marked(
    registration: Registration,
) -> None:
    variables = registration.packages[0].environmentVariables
    assert {one.name for one in variables} <= SETTINGS.keys()
    assert {one.name for one in variables if one.isSecret} == SECRETS & {
        one.name for one in variables
    }
    for one in variables:
        assert one.default in (None, SETTINGS[one.name].default)
        assert not (one.isSecret and one.default)


def test_every_variable_of_the_bundle_is_a_setting_that_the_user_gives(bundle: Bundle) -> None:
    given = bundle.server.mcp_config.env
    assert given.keys() <= SETTINGS.keys()
    names = {
        variable: re.fullmatch(r"\$\{user_config\.(\w+)\}", value)
        for variable, value in given.items()
    }
    asked = {variable: bundle.user_config[match[1]] for variable, match in names.items() if match}
    assert asked.keys() == given.keys()
    assert len(asked) == len(bundle.user_config)
    assert {variable for variable, one in asked.items() if one.sensitive} == SECRETS
    for variable, one in asked.items():
        assert json.dumps(one.default).strip('"') == SETTINGS[variable].default


def test_the_bundle_names_the_tools_and_its_own_files(bundle: Bundle, project: Json) -> None:
    assert {one["name"] for one in bundle.tools} == set(TOOL_NAMES)
    assert (ROOT / bundle.server.entry_point).is_file()
    assert bundle.compatibility["runtimes"]["python"] == project["requires-python"]
    kept = [
        line
        for line in (ROOT / ".mcpbignore").read_text(encoding="utf-8").splitlines()
        if line.startswith("!/")
    ]
    assert all((ROOT / line[2:]).exists() for line in kept)
    assert {
        "!/manifest.json",
        f"!/{bundle.server.entry_point}",
        "!/pyproject.toml",
        "!/pwsh_kernels",
    } <= set(kept)


def test_mcpjungle_s_file_is_what_the_command_prints(tmp_path: Path) -> None:
    printed, _, code = run_command(server_environment(tmp_path), "mcp-config", "mcpjungle")
    made, kept = json.loads(printed), read("mcpjungle-config.json")
    assert code == 0
    assert [Path(one).name for one in kept["args"]] == [Path(one).name for one in made["args"]]
    assert Path(kept["command"]).name == "python"
    assert {**kept, "command": "", "args": []} == {**made, "command": "", "args": []}


def test_the_file_for_mcpjungle_beside_a_container_is_what_the_command_prints(
    tmp_path: Path,
) -> None:
    environment = server_environment(tmp_path, PWSH_MANAGER_URL="http://pwsh-kernels:5100")
    printed, _, code = run_command(environment, "mcp-config", "mcpjungle", "--http")
    assert code == 0
    assert json.loads(printed) == read("deploy/container/mcpjungle.json")


def test_the_command_that_both_name_serves_mcp(
    registration: Registration, bundle: Bundle, tmp_path: Path
) -> None:
    words = [one.value for one in registration.packages[0].packageArguments]
    assert bundle.server.mcp_config.args == [
        "tool",
        "run",
        "--from",
        "${__dirname}",
        "pwsh-kernels",
        *words,
    ]
    said = subprocess.run(
        [sys.executable, "-m", "pwsh_kernels", *words],
        input=json.dumps(INITIALIZE) + "\n",
        env=server_environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout
    assert json.loads(said.splitlines()[0])["result"]["serverInfo"]["version"] == __version__
