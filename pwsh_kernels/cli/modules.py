"""`pwsh-kernels modules list` and `verify`: which PowerShell modules sessions get, and whether they
are as installed.
"""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, TypedDict

import typer

from pwsh_kernels.cli.console import ExitCode, note, say, say_json, table
from pwsh_kernels.discovery import read_settings
from pwsh_kernels.errors import PackageNotInstalled
from pwsh_kernels.settings import Settings

if TYPE_CHECKING:
    from pwsh_kernels.modules.lock import LockedModule
    from pwsh_kernels.modules.store import ModuleStore
    from pwsh_kernels.modules.wanted import Rules

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
STRANGERS = (
    "For a module that is not in the lock file: `pwsh-kernels modules install NAME --version V`"
    " adds it again, `pwsh-kernels modules remove --unused` removes it."
)
NAMES_HELP = "Services (exo, graph …) or names of PowerShell modules."
Names = Annotated[list[str] | None, typer.Argument(help=NAMES_HELP)]


class Installed(TypedDict):
    """What `modules list --json` says about an installed module."""

    name: str
    version: str
    selected: bool
    requested: bool
    source: str
    sha256: str
    serves: list[str]
    pinned_by: list[str]
    problem: str
    folder: str


def list_modules(as_json: AsJson = False) -> None:
    """List the installed modules.

    Shows which version new sessions get, where it came from, which services it serves, and which
    sessions use it.
    """
    settings = read_settings()
    store, rules = store_of(settings), rules_of(settings)
    rows = [_facts(one, store, rules) for one in store.installed()]
    if as_json:
        say_json(rows)
    elif rows:
        headings = ("POWERSHELL MODULE", "VERSION", "NEW SESSIONS", "FROM", "SERVES", "IN USE BY")
        say(table(headings, [_row(one) for one in rows]))
    else:
        note(
            "No module is installed yet. `pwsh-kernels modules install exo` installs the one for"
            " Exchange Online."
        )
    if strangers := store.strangers():
        note(
            f"{', '.join(strangers)}: not in the lock file, so no new session gets it. {STRANGERS}"
        )


def _facts(one: "LockedModule", store: "ModuleStore", rules: "Rules") -> Installed:
    return {
        "name": one.name,
        "version": one.package_version,
        "selected": one.selected,
        "requested": one.requested,
        "source": one.source,
        "sha256": one.sha256,
        "serves": rules.keys(one.name),
        "pinned_by": store.pinned_by(one),
        "problem": rules.problem(one.name, one.package_version),
        "folder": str(store.folder(one.name, one.version)),
    }


def _row(facts: Installed) -> Sequence[object]:
    selected = "yes" if facts["selected"] else ""
    return (
        facts["name"],
        facts["version"],
        selected,
        facts["source"],
        ", ".join(facts["serves"]),
        ", ".join(facts["pinned_by"]),
    )


def verify(names: Names = None, as_json: AsJson = False) -> None:
    """Compare installed files with their SHA-256.

    Checks the named modules, or all of them. The exit code is 1 if a file is changed, missing or
    extra.
    """
    settings = read_settings()
    store = store_of(settings)
    modules = installed(store, rules_of(settings), names) if names else store.installed()
    found = [(one, store.differences(one)) for one in modules]
    strangers = [] if names else store.strangers()
    if as_json:
        rows = [
            {
                "name": one.name,
                "version": one.package_version,
                "sha256": one.sha256,
                "intact": not wrong,
                "differences": [asdict(difference) for difference in wrong],
            }
            for one, wrong in found
        ]
        say_json({"modules": rows, "strangers": strangers})
    else:
        for one, wrong in found:
            about = f"{one.name} {one.package_version}"
            say(
                "\n".join(f"{about}: {two.file} is {two.kind}" for two in wrong)
                or f"{about}: as installed"
            )
        for stranger in strangers:
            say(f"{stranger}: is not in the lock file")
    if strangers:
        note(STRANGERS)
    if any(wrong for _, wrong in found):
        note(
            "Find out who changed this. `pwsh-kernels modules install --locked` fetches again"
            " whatever differs."
        )
    if strangers or any(wrong for _, wrong in found):
        raise typer.Exit(ExitCode.FAILED)


def installed(
    store: "ModuleStore", rules: "Rules", names: Sequence[str], version: str = ""
) -> "list[LockedModule]":
    """Return the installed versions of keys and names.

    Companions of a service may be absent. Raises PackageNotInstalled.
    """
    found: list[LockedModule] = []
    for name in names:
        first, *companions = rules.names(name)
        there = [
            one
            for one in store.versions(first)
            if version in ("", one.version, one.package_version)
        ]
        if not there:
            raise PackageNotInstalled(
                name, version, [f"{one.name} {one.package_version}" for one in store.installed()]
            )
        others = (
            [one for other in companions for one in store.versions(other)] if not version else []
        )
        found += [one for one in (*there, *others) if one not in found]
    return found


def store_of(settings: Settings) -> "ModuleStore":
    """Return the installed modules of the data folder."""
    from pwsh_kernels.modules.store import ModuleStore

    return ModuleStore(settings.data_dir.absolute())


def rules_of(settings: Settings) -> "Rules":
    """Return the catalog's rules for PowerShell modules."""
    from pwsh_kernels.catalog import Catalog
    from pwsh_kernels.modules.wanted import Rules

    return Rules(Catalog.load(extra=settings.modules_dir))
