"""Which installed versions may be removed, and which are unused."""

from collections.abc import Sequence

from pwsh_kernels.catalog.versions import Version
from pwsh_kernels.errors import PackagePinned
from pwsh_kernels.modules.lock import LockedModule
from pwsh_kernels.modules.packages import check_together
from pwsh_kernels.modules.store import ModuleStore


def check_removal(store: ModuleStore, going: Sequence[LockedModule]) -> None:
    """Raise PackagePinned for a version that a session uses, and PackageConflict for one that
    another module needs.
    """
    for one in going:
        if sessions := store.pinned_by(one):
            raise PackagePinned(one.name, one.package_version, sessions)
    left = [one for one in store.installed() if one not in going]
    names = {one.name.casefold() for one in going if one.selected}
    newest = {
        one.name.casefold(): one
        for one in sorted(left, key=lambda one: Version.parse(one.package_version))
    }
    selected = [one for one in left if one.selected]
    check_together(
        [*selected, *(one for name, one in newest.items() if name in names and one not in selected)]
    )


def unused_versions(store: ModuleStore) -> list[LockedModule]:
    """Return the versions that new sessions do not get and no session uses, including those that
    are in no lock file.
    """
    places = [one.partition("/") for one in store.strangers()]
    unlisted = [LockedModule(name, version, selected=False) for name, _, version in places]
    unselected = [one for one in store.installed() if not one.selected]
    return [one for one in (*unselected, *unlisted) if not store.pinned_by(one)]
