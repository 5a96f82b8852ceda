"""What others say of our files: the registry's own schema, mcpb's own check, and a bundle that was
packed and started.
"""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from mcp import Client, StdioServerParameters

from tests.fixtures.server import Server

ROOT = Path(__file__).parent.parent
MCPB = ("npx", "-y", "@anthropic-ai/mcpb@2.1.2")
LIMIT = 170
"""Seconds for npm or uv to get what they need."""
Json = dict[str, Any]


def read(path: Path) -> Json:
    """Return a JSON file."""
    found: Json = json.loads(path.read_text(encoding="utf-8"))
    return found


def mcpb(*arguments: str | Path) -> str:
    """Run mcpb; return what it says."""
    done = subprocess.run(
        [*MCPB, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=LIMIT, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_server_json_has_the_form_of_the_registry_s_schema() -> None:
    """The schema is in a linter's package: the registry itself publishes it on its site only."""
    described = read(ROOT / "server.json")
    schema = json.loads(
        files("skillsaw")
        .joinpath("schemas/mcp_registry/v2025_12_11/server.schema.json")
        .read_text()
    )
    assert schema["$id"] == described["$schema"]
    jsonschema.validate(described, schema, format_checker=jsonschema.FormatChecker())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**described, "description": "x" * 101}, schema)


def test_mcpb_takes_the_manifest() -> None:
    assert "passes" in mcpb("validate", "manifest.json")


def test_a_packed_bundle_starts_and_speaks_to_the_server(server: Server, tmp_path: Path) -> None:
    stranger = ROOT / "somebody-s.secret"
    stranger.write_text("not ours", encoding="utf-8")
    try:
        mcpb("pack", ROOT, tmp_path / "pwsh-kernels.mcpb")
    finally:
        stranger.unlink()
    mcpb("unpack", tmp_path / "pwsh-kernels.mcpb", tmp_path / "bundle")
    packed = {one.name for one in (tmp_path / "bundle").iterdir()}
    assert packed == {
        "LICENSE",
        "README.md",
        "kernelspecs",
        "manifest.json",
        "mcp_server.py",
        "pwsh_kernels",
        "pyproject.toml",
    }
    asyncio.run(
        speak(started(tmp_path, {"url": server.url, "token": server.token, "autostart": "false"}))
    )


def started(folder: Path, values: Mapping[str, str]) -> StdioServerParameters:
    """Return how a client starts the bundle: its manifest's own words, with what the user gave."""
    config = read(folder / "bundle" / "manifest.json")["server"]["mcp_config"]
    uv = shutil.which(
        "uv", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    )
    assert uv
    arguments = [one.replace("${__dirname}", str(folder / "bundle")) for one in config["args"]]
    given = {
        name: values[value.removeprefix("${user_config.").removesuffix("}")]
        for name, value in config["env"].items()
    }
    own = {
        "UV_CACHE_DIR": str(folder / "cache"),
        "UV_PYTHON": sys.executable,
        "UV_LINK_MODE": "copy",
    }
    return StdioServerParameters(command=uv, args=arguments, env={**os.environ, **own, **given})


async def speak(command: StdioServerParameters) -> None:
    """Ask for the sessions of the server."""
    async with asyncio.timeout(LIMIT), Client(command) as client:
        names = [tool.name for tool in (await client.list_tools()).tools]
        assert set(names) <= {one["name"] for one in read(ROOT / "manifest.json")["tools"]}
        answer = await client.call_tool("pwsh_sessions", {})
        assert not answer.is_error, answer
        [content] = (await client.read_resource("pwsh://sessions")).contents
        assert "sessions" in json.loads(content.model_dump()["text"])
