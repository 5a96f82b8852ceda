"""The documentation names every setting, route, tool, command and module, and says the same as the
code.
"""

import json
import re
from pathlib import Path
from typing import Any, get_args

import pytest

from pwsh_kernels.catalog import Catalog
from pwsh_kernels.errors import ProductError
from pwsh_kernels.sandbox import Company, module_path
from pwsh_kernels.sessions.session import SignInCode
from pwsh_kernels.sessions.states import SESSION_STATES
from pwsh_kernels.settings import SettingRow, setting_rows
from tests.fixtures.documentation import page, rows, words
from tests.fixtures.repository import ROOT
from tests.fixtures.sandbox import exported

README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "SECURITY.md",
    ROOT / "vendor" / "README.md",
    *sorted(ROOT.glob("docs/**/*.md")),
]
SOURCES = [
    ROOT / "Makefile",
    ROOT / "pyproject.toml",
    *(
        file
        for folder in (
            *("pwsh_kernels", "tests", "benchmarks", "conformance", "deploy", "engine", "vendor"),
        )
        for file in sorted((ROOT / folder).rglob("*"))
        if file.suffix in {".py", ".ps1", ".psm1", ".psd1", ".toml", ".mjs", ".sh", ".md"}
    ),
]
LONGEST_LINE = 120
MOST_PICTURE_BYTES = 1_500_000
"""Characters of a line outside tables. Text is wrapped at 100; code and pictures may need more."""
DECISIONS = {file.name[:4]: file for file in sorted(ROOT.glob("docs/decisions/[0-9]*.md"))}


def settings_line(row: SettingRow) -> str:
    """Return the row of the README's settings table for one setting."""
    return (
        f"| `{row.env}` | {f'`{row.default}`' if row.default else ''} | {row.unit} | {row.text} |"
    )


@pytest.mark.parametrize("row", setting_rows(), ids=lambda row: row.env)
def test_the_readme_shows_each_setting_as_the_code_has_it(row: SettingRow) -> None:
    assert settings_line(row) in README.splitlines()


def test_the_readme_shows_no_setting_that_is_gone() -> None:
    shown = set(re.findall(r"^\| `([A-Z_]+)`", README, re.MULTILINE))
    assert shown == {row.env for row in setting_rows()}


def test_every_route_is_documented() -> None:
    from pwsh_kernels.web.rest.routes import ROUTES

    table = page("rest.md")
    missing = [
        f"{route.method} {route.path}"
        for route in ROUTES
        if f"`{route.method} {route.path}`" not in table
    ]
    assert not missing


def test_the_page_says_which_verb_each_route_needs() -> None:
    from pwsh_kernels.web.rest.routes import ROUTES

    needed = {
        f"{one.method} {one.path}": [
            verb.value for verb in (one.permission.verb, one.permission.of_others) if verb
        ]
        for one in ROUTES
    }
    assert {words(cells[0])[0]: words(cells[1]) for cells in rows(page("rest.md"), "Route")} == (
        needed
    )


def test_every_verb_and_what_it_includes_is_documented() -> None:
    from pwsh_kernels.principals.verbs import IMPLIED

    told = {
        words(cells[0])[0]: set(words(cells[2])) for cells in rows(page("governance.md"), "verb")
    }
    assert told == {verb: {one.value for one in more} for verb, more in IMPLIED.items()}


def test_every_tool_is_documented() -> None:
    from pwsh_kernels.mcp.tools import TOOL_NAMES

    assert [
        name
        for name in TOOL_NAMES
        if f"`{name}`" not in page("mcp.md") or f"`{name}`" not in README
    ] == []


def test_every_module_is_documented() -> None:
    for key in Catalog.load().modules:
        assert f"`{key}`" in README
        assert f"`{key}`" in page("modules.md")


def test_the_readme_has_the_routes_of_every_module_and_no_others() -> None:
    shown = {words(cells[0])[0]: cells[2] for cells in rows(README, "Key")}
    modules = Catalog.load().modules
    assert shown.keys() == modules.keys()
    assert shown.pop("powerplatform") == "as `azure`"
    assert list(modules["powerplatform"].routes) == list(modules["azure"].routes)
    for key, said in shown.items():
        assert said.removesuffix(" (two)").replace(" ", "_").split(",_") == list(
            modules[key].routes
        ), key


def test_it_is_said_which_real_modules_ran_and_against_what() -> None:
    stand_in = "against a stand-in of the identity service"
    assert "None of this was tried against a live tenant." in README
    assert stand_in in " ".join(README.split())
    assert stand_in in " ".join(page("modules.md").split())
    assert "Nothing here was run against a live tenant." in page("modules.md")


TESTS = "\n".join(one.read_text(encoding="utf-8") for one in (ROOT / "tests").rglob("test_*.py"))


def test_each_row_that_was_held_against_a_real_module_names_tests_that_exist_or_a_reason() -> None:
    held = list(rows(page("sandbox.md"), "the real module"))
    named = [name for cells in held for name in words(cells[1]) if name.startswith("test_")]
    assert len(held) > 20
    assert [name for name in named if f"def {name}(" not in TESTS] == []
    assert [
        cells[0]
        for cells in held
        if "`test_" not in cells[1] and not cells[1].startswith("not simulated: ")
    ] == []


@pytest.mark.parametrize("key", Catalog.load().modules)
def test_the_page_says_what_is_left_of_a_device_code_as_the_route_has_it(key: str) -> None:
    said = {"nothing": "a person signs in again", "cache": "nobody is asked"}
    row = next(
        cells
        for cells in rows(page("modules.md"), "sign-in")
        if re.search(rf"device_code of .*\b{key}\b", cells[0])
    )
    assert row[1] == said[Catalog.load().module(key).routes["device_code"].survives]


def test_every_end_of_a_sign_in_is_documented() -> None:
    documented = [
        word
        for cells in rows(page("rest.md"), "`code` | what happened")
        for word in words(cells[0])
    ]
    assert sorted(documented) == sorted(get_args(SignInCode))


def test_the_refusals_are_documented_with_their_status() -> None:
    statuses = {one.code: str(one.status) for one in ProductError.__subclasses__()}
    for cells in rows(page("rest.md"), "`code` | status | why"):
        codes = words(cells[0])
        given = (cells[1].split(", ") * len(codes))[: len(codes)]
        assert dict(zip(codes, given, strict=True)) == {code: statuses[code] for code in codes}


@pytest.mark.parametrize(
    "code",
    [
        "unknown_tenant",
        "bad_secret",
        "unsafe_folder",
        "route_not_configured",
        "unknown_sign_in_route",
    ],
)
def test_a_mistake_in_what_is_configured_is_a_documented_refusal(code: str) -> None:
    assert f"`{code}`" in page("rest.md")


def test_every_state_of_a_session_and_every_change_of_it_is_in_the_picture() -> None:
    picture = {
        words(cells[0])[0]: set(words(cells[1])) for cells in rows(page("architecture.md"), "state")
    }
    assert picture == {state: set(following) for state, following in SESSION_STATES.items()}


def test_every_trap_of_the_sandbox_is_documented_in_its_own_words() -> None:
    documented = {words(cells[0])[0]: cells[2] for cells in rows(page("sandbox.md"), "trap")}
    assert documented == Company.load().traps
    where = {
        word.split(" = ")[0]
        for cells in rows(page("sandbox.md"), "traps")
        for word in words(cells[0])
    }
    assert where == documented.keys()


def test_every_cmdlet_of_the_simulated_services_is_documented() -> None:
    services = [one for one in module_path().iterdir() if not one.name.startswith("Sandbox")]
    text = page("sandbox.md")
    missing = [name for one in services for name in exported(one) if f"`{name}`" not in text]
    assert len(services) == 8
    assert missing == []


def test_every_command_and_option_of_the_command_line_is_documented() -> None:
    import typer.main

    from pwsh_kernels.cli.app import app

    text = page("cli.md")
    root = typer.main.get_command(app)
    commands: dict[str, Any] = vars(root)["commands"]
    for name, command in commands.items():
        assert f"`pwsh-kernels {name}" in text, name
        options = [
            one
            for option in command.params
            for one in (*option.opts, *option.secondary_opts)
            if one.startswith("--")
        ]
        # `--wait` is what happens without `--no-wait`.
        assert [one for one in options if one != "--wait" and one not in text] == [], name


def test_every_argument_of_a_tool_is_documented() -> None:
    from pwsh_kernels.mcp.tools import build_tools

    text = page("mcp.md")
    for tool in build_tools(NoBackend()):  # type: ignore[arg-type]
        row = next(line for line in text.splitlines() if line.startswith(f"| `{tool.name}` |"))
        assert [name for name in tool.parameters["properties"] if f"`{name}`" not in row] == []


class NoBackend:
    """The tools are only described."""


def test_every_link_to_a_file_leads_somewhere() -> None:
    broken = [
        f"{one.name}: {target}"
        for one in PAGES
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", one.read_text(encoding="utf-8"))
        if not (one.parent / target).exists()
    ]
    assert not broken


def anchors(file: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    text = re.sub(r"(?ms)^```.*?^```", "", file.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", one.lower()).replace(" ", "-") for one in headings}


def test_every_link_to_a_heading_leads_to_one() -> None:
    broken = [
        f"{one.name}: {target}#{anchor}"
        for one in PAGES
        for target, anchor in re.findall(
            r"\]\((?!https?:)([^)#]*)#([^)]+)\)", one.read_text(encoding="utf-8")
        )
        if anchor not in anchors(one.parent / target if target else one)
    ]
    assert not broken


def long_lines(file: Path) -> list[int]:
    """Return the numbers of the lines outside tables that are too long to read in a terminal."""
    lines = enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
    return [number for number, one in lines if len(one) > LONGEST_LINE and not one.startswith("|")]


@pytest.mark.parametrize(
    "file",
    PAGES,
    ids=lambda one: str(one.relative_to(ROOT)),
)
def test_no_line_outside_tables_is_too_long(file: Path) -> None:
    assert long_lines(file) == []


def test_every_picture_of_the_page_is_shown_and_they_stay_small() -> None:
    files = sorted((ROOT / "docs" / "images" / "page").glob("*.png"))
    shown = set(re.findall(r"images/page/([\w-]+\.png)", page("page.md")))
    assert {one.name for one in files} == shown
    assert sum(one.stat().st_size for one in files) < MOST_PICTURE_BYTES


def missing_pages(file: Path) -> list[str]:
    """Return the pages and decisions that a file names and that are not there."""
    text = file.read_text(encoding="utf-8")
    pages = re.findall(r"(?<![\w/{*.-])((?:[\w-]+/)*[\w-]+\.md)\b", text)
    places = (file.parent, ROOT, ROOT / "docs")
    lost = [name for name in pages if not any((place / name).is_file() for place in places)]
    return lost + sorted(set(re.findall(r"\bdecision (\d{4})\b", text)) - DECISIONS.keys())


def test_every_page_and_decision_that_is_named_is_there() -> None:
    missing = {str(file.relative_to(ROOT)): missing_pages(file) for file in (*SOURCES, *PAGES)}
    assert {file: names for file, names in missing.items() if names} == {}


def test_every_attempt_of_the_red_team_has_tests_that_exist() -> None:
    attempts = list(rows(page("governance.md"), "attempt"))
    assert len(attempts) >= 15
    for _, cell in attempts:
        told = re.findall(r"`(tests/[\w/]+\.py)`: ((?:`test_\w+`(?:, )?)+)", cell)
        assert told, cell
        for file, names in told:
            text = (ROOT / file).read_text(encoding="utf-8")
            assert [one for one in words(names) if f"def {one}(" not in text] == []


def contributing() -> str:
    return (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def test_every_file_and_folder_that_contributors_are_shown_is_there() -> None:
    named = re.findall(
        r"(?<![\w/:{*.-])(\.?[\w-]+/[\w./-]*\w|(?:[\w-]+/)+|[\w-]+\.(?:json|lock|md|py|toml))(?![\w/])",
        contributing().replace(".venv/bin/", ""),
    )
    places = (ROOT, ROOT / "pwsh_kernels")
    assert len(set(named)) > 80
    assert [name for name in named if not any((place / name).exists() for place in places)] == []


def test_the_map_answers_twelve_questions_with_files_of_the_folders_that_it_names() -> None:
    answers = list(rows(contributing(), "behaviour"))
    assert len(answers) == 12
    for _, folders, files in answers:
        assert {f"{Path(file).parent}/" for file in words(files)} == set(words(folders))


def test_contributors_are_shown_every_target_of_the_makefile() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert phony
    parts = {"lint", "types"}  # `make check` is both
    shown = set(re.findall(r"`make ([\w-]+)", contributing()))
    assert set(phony[1].split()) == shown | parts


def test_the_list_of_decisions_has_every_page_with_its_title() -> None:
    listed = {cells[0]: cells[1] for cells in rows(page("decisions/README.md"), "page")}
    titles = {file: file.read_text(encoding="utf-8").splitlines()[0] for file in DECISIONS.values()}
    assert {f"[{file.name[:4]}]({file.name})" for file in titles} == listed.keys()
    assert all(
        titles[DECISIONS[cell[1:5]]] == f"# {cell[1:5]} {rule}" for cell, rule in listed.items()
    )


def test_every_json_example_is_json() -> None:
    for one in PAGES:
        for block in re.findall(r"```json\n(.*?)```", one.read_text(encoding="utf-8"), re.DOTALL):
            json.loads(block.replace("…", "x"))


def test_the_changelog_has_the_version_of_the_package() -> None:
    from pwsh_kernels import __version__

    assert f"## [{__version__}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
