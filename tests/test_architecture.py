"""The fences of docs/architecture.md: who may import whom, which third-party library lives where,
and plainness of code.
"""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.fixtures.repository import ROOT

PACKAGE = ROOT / "pwsh_kernels"
LEAVES = {"errors", "escapes", "records", "screens", "settings", "messages"}
EVERY_LAYER = LEAVES | {
    "powershell",
    "kernel",
    "catalog",
    "modules",
    "sessions",
    "sandbox",
    "web",
    "discovery",
    "client",
    "mcp",
    "cli",
}
MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "escapes": set(),
    "records": set(),
    "screens": {"records"},
    "settings": set(),
    "messages": {"errors", "records"},
    "powershell": {"errors", "records"},
    "kernel": {"powershell", "messages", "records", "screens", "errors"},
    "catalog": {"errors"},
    "modules": {"catalog", "errors", "settings"},
    "sandbox": {"errors"},
    "sessions": {
        "catalog",
        "modules",
        "escapes",
        "messages",
        "records",
        "screens",
        "errors",
        "settings",
        "sandbox",
    },
    "web": EVERY_LAYER - {"kernel", "powershell", "cli"},
    "discovery": {"errors", "settings"},
    "client": {"discovery", "errors", "settings", "records"},
    "mcp": {"catalog", "client", "discovery", "errors", "escapes", "records", "settings"},
    "cli": EVERY_LAYER - {"kernel", "powershell"},
    "__main__": {"cli"},
    "__init__": set(),
}
LIBRARY_HOMES: dict[str, set[str]] = {
    "psrpcore": {"powershell"},
    "ipykernel": {"kernel"},
    "powershell_kernel": {"kernel", "powershell"},
    "powershell_engine": {"powershell"},
    "jupyter_client": {"sessions", "web"},
    "jupyter_server": {"sessions", "web"},
    "tornado": {"web", "sessions"},
    "zmq": {"sessions", "kernel"},
    "psutil": {"sessions", "client"},
    "pydantic_settings": {"settings"},
    "mcp": {"mcp"},
    "mcp_types": {"mcp"},
    "httpx": {"client"},
    "segno": {"sessions"},
    "tomlkit": {"catalog", "modules"},
    "typer": {"cli"},
}
BANNED_NAMES = {"helpers", "utils", "util", "misc", "common", "helper"}


Trees = Mapping[Path, ast.Module]


@pytest.fixture(scope="module")
def trees() -> Trees:
    """Every Python file of the package, parsed."""
    return {
        path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(PACKAGE.rglob("*.py"))
    }


def layer(path: Path) -> str:
    """Return the layer a file belongs to: its top folder or its own name inside the package."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return parts[0]


def imports(tree: ast.Module) -> Iterator[str]:
    """Yield the dotted names that a file imports, wherever in the file."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            if node.module == "pwsh_kernels":
                yield from (f"pwsh_kernels.{alias.name}" for alias in node.names)
            else:
                yield node.module


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Yield every function and method of a file."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def code_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the length of a function's body in lines, its docstring left out."""
    body = node.body[1:] if ast.get_docstring(node) else node.body
    return (node.end_lineno or node.lineno) - body[0].lineno + 1 if body else 0


def test_imports_point_one_way(trees: Trees) -> None:
    """A layer imports only what the table in docs/architecture.md lets it import."""
    for path, tree in trees.items():
        own = layer(path)
        ours = {name.split(".")[1] for name in imports(tree) if name.startswith("pwsh_kernels.")}
        assert ours - {"__version__"} <= MAY_IMPORT[own] | {own}, path


def test_a_third_party_library_is_used_only_where_it_lives(trees: Trees) -> None:
    """Each library has its folder, so that replacing one touches one folder."""
    for path, tree in trees.items():
        used = {name.split(".")[0] for name in imports(tree)}
        strangers = {
            name
            for name in used
            if name in LIBRARY_HOMES and layer(path) not in LIBRARY_HOMES[name]
        }
        assert not strangers, path


def test_every_file_opens_with_a_sentence_and_has_a_noun_for_a_name(trees: Trees) -> None:
    """A stranger finds a file by its name and knows by its first line what it is."""
    assert [path for path, tree in trees.items() if not ast.get_docstring(tree)] == []
    assert [path for path in trees if path.stem in BANNED_NAMES] == []


def test_a_docstring_says_more_than_the_name_does(trees: Trees) -> None:
    """One of one or two words (`End.`, `Return itself.`) is left out: ruff asks for none there."""
    documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    said = [
        (path, text)
        for path, tree in trees.items()
        for node in ast.walk(tree)
        if isinstance(node, documented) and (text := ast.get_docstring(node)) is not None
    ]
    assert [(path, text) for path, text in said if len(text.split()) < 3] == []


def test_functions_are_small(trees: Trees) -> None:
    """Half of all functions have at most eight lines, and few have more than 25."""
    sizes = sorted(code_lines(node) for tree in trees.values() for node in functions(tree))
    long = [size for size in sizes if size > 25]
    assert sizes[len(sizes) // 2] <= 8
    assert len(long) <= len(sizes) * 0.03


def test_no_module_changes_its_globals(trees: Trees) -> None:
    """`global` statements are shared state between sessions."""
    assert [
        path
        for path, tree in trees.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Global)
    ] == []


def test_no_file_names_a_place_of_the_machine_that_built_it(trees: Trees) -> None:
    """What we commit runs anywhere: no absolute paths of a builder, no package registry."""
    builders = (
        "/work" + "/",
        "/root" + "/",
        "files.pythonhosted" + ".org",
        "registry.npmjs" + ".org",
    )
    texts = [
        *trees,
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/*.md"),
        *ROOT.glob("tests/**/*.py"),
        ROOT / "Makefile",
        ROOT / ".ci/run",
    ]
    guilty = [
        f"{path.name}: {word}"
        for path in texts
        for word in builders
        if word in path.read_text(encoding="utf-8")
    ]
    assert not guilty
