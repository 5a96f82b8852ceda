"""The documentation names every setting, route, tool, command and module, and says the same as the code."""

import json
import re
from pathlib import Path

import pytest

from pwsh_kernels.catalog import Catalog
from pwsh_kernels.settings import SettingRow, setting_rows

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    ROOT / "SECURITY.md",
    ROOT / "vendor" / "README.md",
    *sorted(ROOT.glob("docs/*.md")),
]


def page(name: str) -> str:
    """Return the text of a page under docs/."""
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def settings_line(row: SettingRow) -> str:
    """Return the row of the README's settings table for one setting."""
    return f"| `{row.env}` | {f'`{row.default}`' if row.default else ''} | {row.unit} | {row.text} |"


@pytest.mark.parametrize("row", setting_rows(), ids=lambda row: row.env)
def test_the_readme_shows_each_setting_as_the_code_has_it(row: SettingRow) -> None:
    assert settings_line(row) in README.splitlines()


def test_the_readme_shows_no_setting_that_is_gone() -> None:
    shown = set(re.findall(r"^\| `([A-Z_]+)`", README, re.MULTILINE))
    assert shown == {row.env for row in setting_rows()}


def test_every_route_is_documented() -> None:
    from pwsh_kernels.web.routes import ROUTES

    table = page("rest.md")
    missing = [f"{route.method} {route.path}" for route in ROUTES if f"`{route.method} {route.path}`" not in table]
    assert not missing


def test_every_tool_is_documented() -> None:
    from pwsh_kernels.mcp.tools import TOOL_NAMES

    assert [name for name in TOOL_NAMES if f"`{name}`" not in page("mcp.md") or f"`{name}`" not in README] == []


def test_every_module_is_documented() -> None:
    for key in Catalog.load().modules:
        assert f"`{key}`" in README
        assert f"`{key}`" in page("modules.md")


def test_every_link_to_a_file_leads_somewhere() -> None:
    broken = [
        f"{one.name}: {target}"
        for one in PAGES
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", one.read_text(encoding="utf-8"))
        if not (one.parent / target).exists()
    ]
    assert not broken


def test_every_json_example_is_json() -> None:
    for one in PAGES:
        for block in re.findall(r"```json\n(.*?)```", one.read_text(encoding="utf-8"), re.DOTALL):
            json.loads(block.replace("…", "x"))


def test_the_changelog_has_the_version_of_the_package() -> None:
    from pwsh_kernels import __version__

    assert f"## [{__version__}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
