"""The places that there are, and which of them a session is to live in."""

from collections.abc import Callable, Iterator
from pathlib import Path

from pwsh_kernels.catalog import Tenant
from pwsh_kernels.sessions.key import SessionKey
from pwsh_kernels.sessions.places.homes import Homes
from pwsh_kernels.sessions.places.kubernetes import KubernetesPlace
from pwsh_kernels.sessions.places.local import LocalPlace
from pwsh_kernels.sessions.places.place import Place, PlaceName
from pwsh_kernels.settings import Settings


class Places:
    """Every place of a server, by its name."""

    def __init__(
        self, settings: Settings, connection_file: Callable[[SessionKey], Path], abi: int
    ) -> None:
        """`connection_file` returns where that of a session's kernel is on this machine, whose
        Landlock has this `abi`.
        """
        self._usual = settings.place
        self._places: dict[PlaceName, Place] = {
            "local": LocalPlace(Homes(settings.homes), connection_file, settings, abi),
            "kubernetes": KubernetesPlace(settings),
        }

    def __getitem__(self, name: PlaceName) -> Place:
        return self._places[name]

    def __iter__(self) -> Iterator[Place]:
        return iter(self._places.values())

    def chosen(self, tenant: Tenant, module: str) -> PlaceName:
        """Return where a session that begins is to live: as its tenant's entry says, else the
        settings.
        """
        return tenant.place_of(module) or self._usual
