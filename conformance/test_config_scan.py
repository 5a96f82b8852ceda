"""mcp-scan, a lint of MCP clients' configurations, on what `pwsh-kernels mcp-config` prints; it
opens no connection.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from node_packages import node_command, pinned_version

from tests.fixtures.server import server_environment

PACKAGE = "mcp-scan"
COMMAND_WAIT = 60
LOOPBACK_HTTP = {"http-transport-no-auth"}
"""What it says of any http:// address; ours is one of this machine, and the header is there."""

Prove = Callable[[str], None]


def findings(config: str, folder: Path) -> set[str]:
    """Return the ids of what the scanner finds in a configuration."""
    file = folder / "mcp.json"
    file.write_text(config, encoding="utf-8")
    command = [
        *node_command(PACKAGE, "dist/index.js"),
        "scan",
        "--config",
        str(file),
        "--offline",
        "--json",
    ]
    environment = {**os.environ, "HOME": str(folder)}
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=COMMAND_WAIT, check=True
    )
    report: dict[str, Any] = json.loads(done.stdout)
    assert report["totalScanned"] == 1
    return {one["id"] for server in report["results"] for one in server["findings"]}


def printed(folder: Path, *options: str) -> str:
    """Return what our command prints for any client."""
    command = [sys.executable, "-m", "pwsh_kernels", "mcp-config", "generic", *options]
    environment = server_environment(folder)
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=COMMAND_WAIT, check=True
    ).stdout


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param(
            options,
            expected,
            marks=pytest.mark.proof(f"{PACKAGE} --offline", pinned_version(PACKAGE), against),
        )
        for options, expected, against in (
            ([], set(), "mcp-config generic"),
            (["--http"], LOOPBACK_HTTP, "mcp-config generic --http"),
        )
    ],
)
def test_the_scanner_finds_nothing_in_our_configuration(
    tmp_path: Path, prove: Prove, options: list[str], expected: set[str]
) -> None:
    found = findings(printed(tmp_path, *options), tmp_path)
    prove(
        "no findings"
        if not found
        else f"no findings but {', '.join(sorted(found))} (the address is of this machine)"
    )
    assert found == expected


def test_the_scanner_would_find_a_secret(tmp_path: Path) -> None:
    config = json.loads(printed(tmp_path))
    config["mcpServers"]["pwsh"]["env"] = {"PWSH_MANAGER_TOKEN": "ghp_" + "a1B2" * 9}
    assert findings(json.dumps(config), tmp_path)
