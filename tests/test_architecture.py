"""The fences of docs/architecture.md: who may import whom, which third-party library lives where,
and plainness of code.
"""

import ast
import re
from collections.abc import Iterator, Mapping
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from tests.fixtures.repository import ROOT

PACKAGE = ROOT / "pwsh_kernels"
LEAVES = {
    "command_state",
    "preview_text",
    "errors",
    "escapes",
    "grants",
    "landlock",
    "limits",
    "reading",
    "records",
    "screens",
    "settings",
    "messages",
    "shapes",
} | {
    "powershell_search",
    "prompt_answers",
    "script_text",
    "watcher",
    "writer",
}
EVERY_LAYER = LEAVES | {
    "audit",
    "tracing",
    "powershell",
    "kernel",
    "catalog",
    "principals",
    "approvals",
    "notifications",
    "classification",
    "modules",
    "sessions",
    "sandbox",
    "web",
    "discovery",
    "port_owners",
    "mcp_clients",
    "client",
    "mcp",
    "cli",
}
MAY_IMPORT: dict[str, set[str]] = {
    "command_state": set(),
    "preview_text": {"shapes"},
    "errors": set(),
    "escapes": set(),
    "grants": {"errors"},
    "landlock": set(),
    "limits": set(),
    "records": set(),
    "screens": {"records"},
    "script_text": {"errors"},
    "settings": set(),
    "watcher": set(),
    "writer": set(),
    "shapes": {"records"},
    "messages": {"errors", "records"},
    "prompt_answers": {"errors", "records"},
    "reading": {"errors"},
    "powershell": {"errors", "landlock", "limits", "prompt_answers", "reading", "records"}
    | {"watcher"},
    "kernel": {"powershell", "messages", "prompt_answers", "records", "screens", "errors"}
    | {"command_state", "grants", "limits", "reading", "script_text"},
    "catalog": {"errors"},
    "principals": {"catalog", "errors"},
    "audit": {"errors"},
    "tracing": {"errors", "settings"},
    "powershell_search": set(),
    "approvals": {"catalog", "classification", "errors", "principals"},
    "notifications": {"audit", "discovery", "errors", "escapes", "settings"},
    "classification": {"catalog", "errors", "landlock", "powershell_search", "reading", "watcher"}
    | {"writer"},
    "modules": {"catalog", "errors", "powershell_search", "settings", "watcher"},
    "sandbox": {"errors"},
    "sessions": {
        "audit",
        "catalog",
        "reading",
        "command_state",
        "modules",
        "escapes",
        "grants",
        "landlock",
        "limits",
        "messages",
        "prompt_answers",
        "records",
        "screens",
        "errors",
        "settings",
        "sandbox",
        "shapes",
        "tracing",
        "writer",
    },
    "web": EVERY_LAYER - {"kernel", "powershell", "cli"},
    "discovery": {"errors", "settings"},
    "port_owners": set(),
    "mcp_clients": {"errors", "shapes"},
    "client": {"discovery", "errors", "port_owners", "settings", "shapes", "tracing"},
    "mcp": {"catalog", "client", "discovery", "errors", "escapes", "principals", "records"}
    | {"preview_text", "settings", "shapes", "tracing"},
    "cli": EVERY_LAYER - {"kernel", "powershell"},
    "__main__": {"cli"},
    "__init__": set(),
}
LIBRARY_HOMES: dict[str, set[str]] = {
    "authlib": {"web"},
    "joserfc": {"web"},
    "webauthn": {"web"},
    "cryptography": {"catalog", "grants"},
    "websocket": {"cli"},
    "psrpcore": {"powershell"},
    "ipykernel": {"kernel"},
    "powershell_kernel": {"kernel", "powershell"},
    "powershell_engine": {"powershell"},
    "jupyter_client": {"sessions", "web", "cli"},
    "jupyter_console": {"cli"},
    "jupyter_server": {"sessions", "web"},
    "tornado": {"web", "sessions"},
    "zmq": {"sessions", "kernel"},
    "lightkube": {"sessions"},
    "httpx2": {"sessions"},
    "psutil": {"sessions", "client"},
    "pydantic_settings": {"settings"},
    "mcp": {"mcp"},
    "opentelemetry": {"mcp", "tracing"},
    "mcp_types": {"mcp"},
    "httpx": {"client", "notifications"},
    "aiosmtplib": {"notifications"},
    "segno": {"sessions"},
    "prometheus_client": {"web"},
    "rfc8785": {"approvals", "audit"},
    "tomlkit": {"catalog", "modules", "principals"},
    "typer": {"cli"},
}
BANNED_NAMES = {"helpers", "utils", "util", "misc", "common", "helper"}
ROOMS: dict[str, set[str]] = {
    "sessions": {"sessions/evidence", "sessions/jupyter", "sessions/places", "sessions/queries"}
    | {"sessions/runs", "sessions/sign_in", "sessions/views"},
    "sessions/evidence": {"sessions", "sessions/places", "sessions/runs", "sessions/views"},
    "sessions/jupyter": {"sessions", "sessions/places"},
    "sessions/places": {"sessions"},
    "sessions/queries": {"sessions", "sessions/runs"},
    "sessions/runs": {"sessions"},
    "sessions/sign_in": {"sessions", "sessions/places", "sessions/runs"},
    "sessions/views": {"sessions", "sessions/queries", "sessions/runs", "sessions/sign_in"},
    "mcp": {"mcp/answers", "mcp/calls", "mcp/offers"},
    "mcp/answers": set(),
    "mcp/calls": {"mcp", "mcp/answers"},
    "mcp/offers": {"mcp", "mcp/answers"},
    "powershell": {"powershell/host", "powershell/wire"},
    "powershell/host": {"powershell"},
    "powershell/wire": set(),
    "kernel": {"kernel/display", "kernel/language"},
    "kernel/display": set(),
    "kernel/language": {"kernel"},
    "web": {
        "web/jupyter",
        "web/mcp",
        "web/oidc",
        "web/pages",
        "web/passkeys",
        "web/rest",
        "web/sandbox",
    },
    "web/oidc": {"web", "web/pages"},
    "web/jupyter": {"web"},
    "web/mcp": {"web", "web/rest"},
    "web/pages": {"web", "web/jupyter", "web/passkeys", "web/rest"},
    "web/passkeys": set(),
    "web/rest": {"web"},
    "web/sandbox": set(),
    "catalog": {"catalog/tenants"},
    "catalog/tenants": {"catalog"},
}
"""Which rooms of its layer a room may import from; docs/architecture.md shows the same table."""
KNOW_VIEWS = {"facade", "lifecycle", "notebook"}
"""Files of sessions/ that may import its views: the facade answers with them; the other two show a
session's title.
"""


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


def room(path: Path) -> str:
    """Return the folder of a file inside the package; a file of the package itself is its own."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return "/".join(parts[:-1]) or parts[0]


def file_of(name: str) -> Path | None:
    """Return the file of one of our dotted names; of a name in a file, that file."""
    place = PACKAGE.joinpath(*name.split(".")[1:])
    candidates = (place.with_suffix(".py"), place / "__init__.py")
    ours = name.startswith("pwsh_kernels.")
    return next((one for one in candidates if ours and one.is_file()), None)


def names(tree: ast.Module) -> Iterator[str]:
    """Yield what a file imports with the names that it takes: these may be modules."""
    yield from imports(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def last_name(node: ast.expr) -> str:
    """Return `c` of `a.b.c`, or of `c`."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


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


def test_a_room_imports_only_the_rooms_that_it_may(trees: Trees) -> None:
    """Inside a layer, too, imports point one way."""
    for path, tree in trees.items():
        own = room(path)
        if own not in ROOMS or path.stem == "__init__":
            continue
        used = {room(place) for name in imports(tree) if (place := file_of(name))}
        inside = {one for one in used - {own} if one.split("/")[0] == layer(path)}
        assert inside <= ROOMS[own], path


def test_every_folder_of_python_is_a_room_of_the_table() -> None:
    """A new room is entered in the table, and a room that is gone leaves it."""
    folders = {path.parent for path in PACKAGE.rglob("__init__.py")} - {PACKAGE}
    names = {str(one.relative_to(PACKAGE)) for one in folders}
    lone = {
        "approvals",
        "audit",
        "classification",
        "cli",
        "errors",
        "modules",
        "notifications",
        "principals",
        "sandbox",
        "tracing",
    }
    assert names == set(ROOMS) | lone


def table(columns: int) -> list[list[str]]:
    """Return the rows of docs/architecture.md's tables of so many columns, their cells stripped."""
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rows = [line.strip("|").split("|") for line in page.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in row] for row in rows if len(row) == columns]


def quoted(cell: str) -> list[str]:
    """Return the names of files and folders in a cell, without their endings."""
    return [
        one.strip("/").removesuffix(".py") for one in re.findall("`([a-z_/]+(?:\\.py)?)`", cell)
    ]


def test_the_page_shows_which_layer_may_import_which() -> None:
    """docs/architecture.md is what a stranger reads: its table is that of the fences."""
    rows = table(4)
    shown = {quoted(row[0])[0]: set(quoted(row[2])) for row in rows if "all but" not in row[2]}
    leaves, *own = [quoted(row[0]) for row in rows]
    assert {one for names in [leaves, *own] for one in names} == EVERY_LAYER
    assert {name: MAY_IMPORT[name] for name in shown if name not in leaves} == {
        name: allowed for name, allowed in shown.items() if name not in leaves
    }
    excluded = {quoted(row[0])[0]: set(quoted(row[2])) for row in rows if "all but" in row[2]}
    assert {name: EVERY_LAYER - MAY_IMPORT[name] for name in excluded} == excluded


def test_the_page_shows_which_room_may_import_which() -> None:
    """The same of the rooms inside a layer."""
    rows = [row for row in table(3) if quoted(row[0])[0] in ROOMS]
    shown = {quoted(row[0])[0]: set(quoted(row[2])) for row in rows}
    assert shown == {
        own: {one.removeprefix(f"{own.split('/')[0]}/") for one in inside}
        for own, inside in ROOMS.items()
    }


def test_the_domain_knows_no_views(trees: Trees) -> None:
    """Sign-ins, runs and admission decide; what callers see of it is made at the end."""
    users = {
        path.stem
        for path, tree in trees.items()
        if layer(path) == "sessions" and room(path) != "sessions/views"
        for name in imports(tree)
        if name.startswith("pwsh_kernels.sessions.views")
    }
    assert users <= KNOW_VIEWS


def test_no_modules_import_each_other(trees: Trees) -> None:
    """A circle of imports has no first file to read."""
    arrows = {
        path: {place for name in names(tree) if (place := file_of(name))} - {path}
        for path, tree in trees.items()
        if path.stem != "__init__"
    }
    list(TopologicalSorter(arrows).static_order())


def test_sessions_and_runs_change_through_their_methods_only(trees: Trees) -> None:
    """What Session and Run say of themselves: nobody else assigns to their attributes."""
    owned = {"session", "run"}
    guilty = [
        f"{path.name}:{node.lineno}"
        for path, tree in trees.items()
        if layer(path) == "sessions"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.ctx, ast.Store)
        and last_name(node.value) in owned
    ]
    assert guilty == []


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


def test_private_names_of_a_library_stand_in_its_compat_module() -> None:
    """What may go with any release of a library stands in one place, with its reason and a test
    (tests/test_compat.py, which looks at subclasses too).
    """
    exemption = "noqa: " + "SLF001"
    places = ("pwsh_kernels", "tests", "benchmarks", "conformance", "vendor")
    files = [
        ROOT / "mcp_server.py",
        *(path for one in places for path in (ROOT / one).rglob("*.py")),
    ]
    guilty = [path for path in files if exemption in path.read_text(encoding="utf-8")]
    assert [path for path in guilty if not path.stem.endswith("_compat")] == []


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
