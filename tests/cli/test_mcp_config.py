"""`pwsh-kernels mcp-config` writes what a client can start, changes nothing else in its file, and
reveals no secret.
"""

import json
import subprocess
import sys
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import get_args

import pytest

from pwsh_kernels.errors import FileNotWritten, InvalidRequest
from pwsh_kernels.mcp_clients import Client, Place, configuration, file_of, merged
from tests.fixtures.cli import run_command
from tests.fixtures.initialize import INITIALIZE
from tests.fixtures.server import server_environment

pytestmark = pytest.mark.xdist_group("commands")

CLIENTS: tuple[Client, ...] = get_args(Client)
PROGRAM = Place("/opt/python", "/opt/mcp_server.py", "http://127.0.0.1:5100/mcp")
HTTP = Place("/opt/python", "/opt/mcp_server.py", "http://127.0.0.1:5100/mcp", http=True)


@pytest.mark.parametrize("client", CLIENTS)
def test_the_program_is_named_by_absolute_paths(client: Client) -> None:
    text = json.dumps(configuration(client, PROGRAM))
    assert "/opt/python" in text
    assert "/opt/mcp_server.py" in text
    assert "token" not in text.lower()


@pytest.mark.parametrize("client", [one for one in CLIENTS if one != "claude-desktop"])
def test_over_http_the_token_is_the_clients_to_find(client: Client) -> None:
    text = json.dumps(configuration(client, HTTP))
    assert HTTP.url in text
    assert "${" in text
    assert HTTP.program not in text


def test_claude_desktop_is_told_that_its_file_knows_no_http() -> None:
    with pytest.raises(InvalidRequest, match="leave --http out"):
        configuration("claude-desktop", HTTP)


def test_merging_keeps_every_other_server_and_setting() -> None:
    before = {
        "theme": "dark",
        "mcpServers": {"other": {"command": "x"}, "pwsh": {"command": "old"}},
    }
    after = merged(json.dumps(before), configuration("cursor", PROGRAM), "mcp.json")
    assert after["theme"] == "dark"
    assert after["mcpServers"]["other"] == {"command": "x"}
    assert after["mcpServers"]["pwsh"]["command"] == "/opt/python"


def test_merging_twice_is_merging_once() -> None:
    added = configuration("vscode", HTTP)
    once = merged("", added, "mcp.json")
    assert merged(json.dumps(once), added, "mcp.json") == once == added


@pytest.mark.parametrize("existing", ["{ // a comment\n}", "[]", '{"mcpServers": []}'])
def test_a_file_of_another_form_is_refused(existing: str) -> None:
    with pytest.raises(FileNotWritten, match="nothing was changed"):
        merged(existing, configuration("cursor", PROGRAM), "mcp.json")


@pytest.mark.parametrize(
    ("client", "platform", "place"),
    [
        (
            "claude-desktop",
            "darwin",
            "/home/ada/Library/Application Support/Claude/claude_desktop_config.json",
        ),
        ("claude-desktop", "linux", "/home/ada/.config/Claude/claude_desktop_config.json"),
        ("cursor", "linux", "/home/ada/.cursor/mcp.json"),
        ("claude-code", "linux", "/project/.mcp.json"),
        ("vscode", "darwin", "/project/.vscode/mcp.json"),
        ("mcpjungle", "linux", "/project/mcpjungle-config.json"),
    ],
)
def test_each_client_has_its_file(client: Client, platform: str, place: str) -> None:
    assert file_of(
        client, PurePosixPath("/home/ada"), PurePosixPath("/project"), platform, {}
    ) == Path(place)


def test_windows_has_its_own_place_for_claude_desktop() -> None:
    folder = PureWindowsPath("C:/project")
    found = file_of(
        "claude-desktop",
        PureWindowsPath("C:/Users/ada"),
        folder,
        "win32",
        {"APPDATA": "C:/Users/ada/AppData"},
    )
    assert PureWindowsPath(found).parts[-2:] == ("Claude", "claude_desktop_config.json")
    assert "AppData" in str(found)


def test_what_is_printed_starts_a_server_that_answers(tmp_path: Path) -> None:
    environment = server_environment(tmp_path)
    printed, _, code = run_command(environment, "mcp-config", "generic")
    assert code == 0
    server = json.loads(printed)["mcpServers"]["pwsh"]
    assert server["command"] == sys.executable
    said = subprocess.run(
        [server["command"], *server["args"]],
        input=json.dumps(INITIALIZE) + "\n",
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout
    assert json.loads(said.splitlines()[0])["result"]["serverInfo"]["name"] == "pwsh-kernels"


def test_a_file_that_cannot_be_merged_stays_as_it_was_and_one_that_can_keeps_the_rest(
    tmp_path: Path,
) -> None:
    environment = {**server_environment(tmp_path), "PWSH_MANAGER_URL": "http://127.0.0.1:5999"}
    file = tmp_path / "home" / ".cursor" / "mcp.json"
    file.parent.mkdir(parents=True)
    file.write_text("{ no json", encoding="utf-8")
    _, error, code = run_command(environment, "mcp-config", "cursor", "--write")
    assert code != 0
    assert "nothing was changed" in error
    assert file.read_text(encoding="utf-8") == "{ no json"
    file.write_text('{"mcpServers": {"other": {}}}', encoding="utf-8")
    _, told, code = run_command(environment, "mcp-config", "cursor", "--write")
    servers = json.loads(file.read_text(encoding="utf-8"))["mcpServers"]
    assert (code, sorted(servers)) == (0, ["other", "pwsh"])
    assert servers["pwsh"]["env"] == {"PWSH_MANAGER_URL": "http://127.0.0.1:5999"}
    assert str(file) in told
    assert [one.name for one in file.parent.iterdir()] == ["mcp.json"]


def test_the_port_of_the_settings_is_enough_for_a_client_to_find_or_start_the_server(
    tmp_path: Path,
) -> None:
    environment = server_environment(tmp_path, PWSH_MANAGER_PORT="5999")
    printed, _, code = run_command(environment, "mcp-config", "generic")
    (pwsh,) = json.loads(printed)["mcpServers"].values()
    assert (code, pwsh["env"]) == (0, {"PWSH_MANAGER_URL": "http://localhost:5999"})
    started, _, code = run_command(environment, "mcp-config", "generic", "--http")
    assert json.loads(started)["mcpServers"]["pwsh"]["url"] == "http://localhost:5999/mcp"
