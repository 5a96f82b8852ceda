"""`pwsh-kernels modules install`, `update` and `remove`: change the PowerShell modules for
sessions.
"""

import asyncio
import signal
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from pwsh_kernels.cli.console import ExitCode, error_line, note, say
from pwsh_kernels.cli.modules import NAMES_HELP, Names, installed, rules_of, store_of
from pwsh_kernels.discovery import read_settings
from pwsh_kernels.errors import InvalidRequest, ProductError
from pwsh_kernels.settings import Settings

if TYPE_CHECKING:
    from pwsh_kernels.modules.installation import Installation
    from pwsh_kernels.modules.lock import LockedModule
    from pwsh_kernels.modules.source import Source

From = Annotated[
    str,
    typer.Option(
        "--from", metavar="REPOSITORY|FOLDER", help="Where to get packages. Default: PSGallery."
    ),
]
Version = Annotated[str, typer.Option(help="Version (3.2.0), or a range: '[3.0,4.0)'.")]
Result = TypeVar("Result")
Force = Annotated[
    bool,
    typer.Option("--force", help="Include versions known not to work, or in use by a session."),
]


def install(
    names: Names = None,
    version: Version = "",
    source: From = "",
    prerelease: Annotated[
        bool, typer.Option("--prerelease", help="Accept prerelease versions.")
    ] = False,
    locked: Annotated[
        bool, typer.Option("--locked", help="Install exactly what a lock file says.")
    ] = False,
    lock: Annotated[
        Path | None,
        typer.Option("--lock", help="The lock file. Default: the one in the data folder."),
    ] = None,
    force: Force = False,
) -> None:
    """Install PowerShell modules for sessions.

    Dependencies are installed too. New sessions get the modules; running ones keep what they began
    with.
    """
    if bool(names) == locked or (lock and not locked):
        raise InvalidRequest(
            "modules install", "needs the modules to install, or --locked (with --lock FILE) alone"
        )
    settings = read_settings()
    installation = _installation(settings, force=force)
    if locked:
        done = _run(_locked(settings, installation, source, lock))
    else:
        done = _run(
            _install(settings, installation, names or [], version, source, prerelease=prerelease)
        )
    _tell(settings, done)


async def _locked(
    settings: Settings, installation: "Installation", source: str, lock: Path | None
) -> "list[LockedModule]":
    from pwsh_kernels.modules.source import source_of

    return await installation.install_locked(
        lock or store_of(settings).lock_file, source_of(source) if source else None
    )


async def _install(
    settings: Settings,
    installation: "Installation",
    names: Sequence[str],
    version: str,
    source: str,
    *,
    prerelease: bool,
) -> "list[LockedModule]":
    from pwsh_kernels.modules.source import GALLERY, Source, source_of
    from pwsh_kernels.modules.wanted import every_wanted

    wanted = every_wanted(rules_of(settings), names, version, prerelease=prerelease)
    return await installation.install(wanted, source_of(source) if source else Source(GALLERY))


def update(names: Names = None, source: From = "", force: Force = False) -> None:
    """Install the newest versions.

    Updates the named modules, or all that somebody asked for, each from its original source. The
    old version is kept; `modules remove --unused` removes what nobody uses any more.
    """
    settings = read_settings()
    store, rules = store_of(settings), rules_of(settings)
    before = {one for one in store.installed() if not store.differences(one)}
    named = (
        installed(store, rules, names)
        if names
        else [one for one in store.installed() if one.requested]
    )
    selected = [one for one in named if one.selected]
    done, failed = _run(_update(settings, selected, source, force=force))
    new = [one for one in done if one not in before]
    _tell(settings, new)
    if failed:
        raise typer.Exit(ExitCode.FAILED)
    if not new:
        note("Everything is up to date.")


async def _update(
    settings: Settings, modules: "Sequence[LockedModule]", source: str, *, force: bool
) -> "tuple[list[LockedModule], list[LockedModule]]":
    """Return what new sessions get now, and the failures: one failing source does not keep others
    from being updated.
    """
    from pwsh_kernels.modules.source import source_of

    place = source_of(source) if source else None
    done: list[LockedModule] = []
    failed: list[LockedModule] = []
    for mine in _by_place(modules, one_place=bool(place)):
        try:
            done += await _update_from(settings, mine, place, force=force)
        except ProductError as problem:
            failed += mine
            names = ", ".join(one.name for one in mine)
            note(f"pwsh-kernels: {names}: {error_line(problem)}")
    return done, failed


async def _update_from(
    settings: Settings, modules: "Sequence[LockedModule]", place: "Source | None", *, force: bool
) -> "list[LockedModule]":
    from pwsh_kernels.modules.source import noted_source

    rules = rules_of(settings)
    newer = [(one.name, f"[{one.package_version}, )") for one in modules]
    wanted = [found for name, version in newer for found in rules.wanted(name, version)]
    known = place or noted_source(modules[0].source, modules[0].address)
    return await _installation(settings, force=force).install(wanted, known)


def _by_place(modules: "Sequence[LockedModule]", *, one_place: bool) -> "list[list[LockedModule]]":
    groups: dict[object, list[LockedModule]] = {}
    for one in modules:
        groups.setdefault("" if one_place else (one.source, one.address), []).append(one)
    return list(groups.values())


def _run(work: Coroutine[Any, Any, Result]) -> Result:
    """Run a change to its end. SIGTERM ends it as Ctrl+C does: PowerShell ends, and fetched files
    are removed.
    """
    try:
        return asyncio.run(_until_terminated(work))
    except asyncio.CancelledError:
        raise typer.Exit(ExitCode.INTERRUPTED) from None


async def _until_terminated(work: Coroutine[Any, Any, Result]) -> Result:
    task = asyncio.ensure_future(work)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await task


def remove(
    names: Annotated[list[str] | None, typer.Argument(help=NAMES_HELP)] = None,
    version: Annotated[str, typer.Option(help="Only this version.")] = "",
    unused: Annotated[
        bool,
        typer.Option(
            "--unused", help="All versions that no session uses and no new one would get."
        ),
    ] = False,
    force: Force = False,
) -> None:
    """Remove installed modules.

    Refused while a session uses one, or another module needs it.
    """
    from pwsh_kernels.modules.changes import changing, drop
    from pwsh_kernels.modules.removal import check_removal, unused_versions

    if bool(names) == unused:
        raise InvalidRequest("modules remove", "needs the modules to remove, or --unused")
    settings = read_settings()
    store = store_of(settings)
    with changing(store):
        going = (
            installed(store, rules_of(settings), names, version)
            if names
            else unused_versions(store)
        )
        if not force:
            check_removal(store, going)
        drop(store, going)
    for one in going:
        say(f"{one.name} {one.package_version} is removed.")


def _installation(settings: Settings, *, force: bool) -> "Installation":
    from pwsh_kernels.modules.installation import Installation

    return Installation(store_of(settings), rules_of(settings), note, force=force)


def _tell(settings: Settings, done: "Sequence[LockedModule]") -> None:
    store = store_of(settings)
    for one in done:
        say(f"{one.name} {one.package_version} is in {store.folder(one.name, one.version)}")
    if any(
        store.pinned_by(one)
        for new in done
        for one in store.versions(new.name)
        if one.version != new.version
    ):
        note("Running sessions keep the versions that they began with.")
