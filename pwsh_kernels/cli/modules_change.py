"""`pwsh-kernels modules install`, `update` and `remove`: which PowerShell modules there are for
sessions.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pwsh_kernels.cli.console import note, say
from pwsh_kernels.cli.modules import NAMES_HELP, Names, installed, rules_of, store_of
from pwsh_kernels.discovery import read_settings
from pwsh_kernels.errors import InvalidRequest
from pwsh_kernels.settings import Settings

if TYPE_CHECKING:
    from pwsh_kernels.modules.installation import Installation
    from pwsh_kernels.modules.lock import LockedModule

From = Annotated[
    str,
    typer.Option(
        "--from", metavar="REPOSITORY|FOLDER", help="Where to get packages. Default: PSGallery."
    ),
]
Version = Annotated[str, typer.Option(help="Version (3.2.0), or a range: '[3.0,4.0)'.")]
Force = Annotated[
    bool, typer.Option("--force", help="Include what is known not to work, or what a session uses.")
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
        done = asyncio.run(_locked(settings, installation, source, lock))
    else:
        done = asyncio.run(
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
    before = set(store.installed())
    named = (
        installed(store, rules, names)
        if names
        else [one for one in store.installed() if one.requested]
    )
    done = asyncio.run(
        _update(settings, [one for one in named if one.selected], source, force=force)
    )
    new = [one for one in done if one not in before]
    _tell(settings, new)
    if not new:
        note("Everything is up to date.")


async def _update(
    settings: Settings, modules: "Sequence[LockedModule]", source: str, *, force: bool
) -> "list[LockedModule]":
    from pwsh_kernels.modules.source import noted_source, source_of

    installation = _installation(settings, force=force)
    done: list[LockedModule] = []
    places = {
        one: source_of(source) if source else noted_source(one.source, one.address)
        for one in modules
    }
    for place in dict.fromkeys(places.values()):
        mine = [one for one in modules if places[one] == place]
        newer = [(one.name, f"[{one.package_version}, )") for one in mine]
        wanted = [
            found for name, version in newer for found in rules_of(settings).wanted(name, version)
        ]
        done += await installation.install(wanted, place)
    return done


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
