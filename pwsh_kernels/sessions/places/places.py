"""All places, and which of them a session goes to."""

from collections.abc import Callable, Iterator
from pathlib import Path

from pwsh_kernels.catalog import Tenant
from pwsh_kernels.sessions.key import SessionKey
from pwsh_kernels.sessions.places.kubernetes import KubernetesPlace
from pwsh_kernels.sessions.places.local import local_place
from pwsh_kernels.sessions.places.place import Place, PlaceName
from pwsh_kernels.settings import Settings


class Places:
    """Every place of a server, by its name."""

    def __init__(
        self, settings: Settings, connection_file: Callable[[SessionKey], Path], abi: int
    ) -> None:
        """`connection_file` returns the path of a session's connection file on this machine; `abi`
        is that of its Landlock.
        """
        self._usual = settings.place
        self.local = local_place(connection_file, settings, abi)
        self.kubernetes = KubernetesPlace(settings)
        self._places: dict[PlaceName, Place] = {
            "local": self.local,
            "kubernetes": self.kubernetes,
        }

    def __getitem__(self, name: PlaceName) -> Place:
        return self._places[name]

    def __iter__(self) -> Iterator[Place]:
        return iter(self._places.values())

    def chosen(self, tenant: Tenant, module: str) -> PlaceName:
        """Return the place for a new session: the one in its tenant's entry, otherwise the one in
        the settings.
        """
        return tenant.place_of(module) or self._usual
