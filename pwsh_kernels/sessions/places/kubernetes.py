"""The place `kubernetes`: a session's kernel is a Pod, its HOME a claim."""

import asyncio
import json
import logging
import os
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pwsh_kernels import shapes
from pwsh_kernels.errors import OutOfReach, PlaceUnavailable
from pwsh_kernels.limits import Limits
from pwsh_kernels.sessions.key import SessionKey
from pwsh_kernels.sessions.places.confinement import PACKAGE, Confined, Needs, pod_rules
from pwsh_kernels.sessions.places.environment import pod_environment
from pwsh_kernels.sessions.places.place import Nothing, PlaceName, Remains, file_limits
from pwsh_kernels.sessions.places.pod import (
    FILES,
    HOME,
    LOG,
    MEMORY,
    OWN,
    Carried,
    Contents,
    Mount,
    PodSettings,
    pod_name,
)
from pwsh_kernels.sessions.places.pod_state import PodState
from pwsh_kernels.settings import Settings

if TYPE_CHECKING:
    from pwsh_kernels.sessions.places.cluster import Cluster
    from pwsh_kernels.sessions.places.pods import Pods

TEMPORARY = HOME / ".tmp"
PACKAGE_MARK = "@PWSH_KERNELS_PACKAGE@"
"""Stands for the folder of this package, which an image may have elsewhere."""
NOT_INSTALLED = (
    "lightkube is not installed here: `pip install 'pwsh-kernels[kubernetes]'` in the server's"
    " environment, then start it again"
)
NO_IMAGE = "PWSH_MANAGER_KUBERNETES_IMAGE names no image for its Pod"
ANSWER_WAIT_S = 5.0
"""How long `pwsh-kernels doctor` waits for the API server."""
OWN_VARIABLES = ("PWSH_MANAGER_PWSH",)
"""What the environment of a session says of this machine alone."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PodRemains:
    """The Pod of a session, with all that it has started."""

    pods: "Pods"
    key: SessionKey

    async def kill(self) -> None:
        await self.pods.end(self.key)


class KubernetesPlace:
    """Sessions as Pods of a namespace that no other server uses; see Place."""

    name: Final[PlaceName] = "kubernetes"
    provisioner: Final = "pwsh-kernels-kubernetes"
    """The entry point's name in pyproject.toml."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._pods: Pods | None = None
        self._turn = asyncio.Lock()

    @property
    def shares_data(self) -> bool:
        return bool(self._settings.kubernetes_data_claim)

    def environment(self, given: Mapping[str, str], pass_env: Iterable[str]) -> dict[str, str]:
        return pod_environment(given, pass_env)

    def choose_user(self, key: SessionKey, *, simulated: bool) -> None:
        """Each has a machine of its own."""

    def user(self, key: SessionKey) -> None:  # noqa: ARG002 - as above
        return None

    async def hand_over(self, key: SessionKey) -> None:
        """Its Pod makes its folders."""

    async def lend(self, key: SessionKey, file: Path) -> Path:  # noqa: ARG002 - its Secret has it
        return file

    def prepare_home(self, key: SessionKey) -> Path:  # noqa: ARG002 - its Pod makes it
        return HOME

    def prepare_files(self, key: SessionKey) -> Path:  # noqa: ARG002 - its Pod makes it
        return FILES

    def log_file(self, key: SessionKey) -> Path:  # noqa: ARG002 - each Pod has its own
        return LOG

    async def forget_home(self, key: SessionKey) -> bool:
        pods = await self._reachable()
        return pods is not None and await pods.forget_home(key)

    def confine(self, key: SessionKey, needs: Needs) -> Confined | None:  # noqa: ARG002 - alike
        """Whether there is a Landlock to do it, only the node of its Pod knows."""
        wanted = self._settings.confine
        if wanted == "off":
            return None
        own = Needs(
            read=tuple(one for one in needs.read if one.is_file() or self._is_shared(one)),
            write=(HOME, FILES, *filter(self._is_shared, needs.write)),
            addresses=needs.addresses,
        )
        ports = self._settings.confine_ports
        rules = pod_rules(own, os.environ, ports, TEMPORARY, required=wanted == "required")
        return Confined(rules, TEMPORARY)

    async def tidy(self, key: SessionKey) -> None:
        """Only its next Pod will see its HOME."""

    def limits(self, key: SessionKey) -> Limits:  # noqa: ARG002 - alike
        """Leave memory to its Pod, and who goes first to its node."""
        return file_limits(self._settings)

    def excess(self, key: SessionKey) -> str:  # noqa: ARG002 - what ended its Pod says so
        return ""

    async def memory(self, keys: Collection[SessionKey]) -> Mapping[SessionKey, int]:  # noqa: ARG002 - its Pod's limit holds
        return {}

    def check(self, needs: Needs) -> None:
        """Also refuse what would begin, and then not find what it needs."""
        if not self._settings.kubernetes_image:
            raise PlaceUnavailable(place=self.name, problem=NO_IMAGE)
        if find_spec("lightkube") is None:
            raise PlaceUnavailable(place=self.name, problem=NOT_INSTALLED)
        for path in needs.write:
            if not path.is_relative_to(OWN) and not self._is_shared(path):
                raise OutOfReach(folder=str(path))

    async def alive(self, key: SessionKey) -> str | None:
        state = (await self._known()).get(pod_name(key))
        return state.uid if state and not state.ended else None

    async def find(self, key: SessionKey) -> str | None:
        """One that began, and that no server has waited for, is ended."""
        if not self._is_set_up():
            return None
        pods = await self.pods()
        state = (await pods.listed()).get(pod_name(key))
        if state is None or state.ended:
            return None
        if not state.ready:
            await pods.end(key)
            return None
        await pods.check(key)
        return state.uid

    async def living(self) -> list[SessionKey]:
        states = (await self._known()).values()
        return [one.session for one in states if one.session and one.ready]

    async def remains(self, key: SessionKey) -> Remains:
        pods = await self._reachable()
        return PodRemains(pods, key) if pods else Nothing()

    @asynccontextmanager
    async def yielding(self, key: SessionKey) -> AsyncIterator[None]:  # noqa: ARG002 - Kubernetes' own limits hold
        yield

    async def stop_yielding(self, key: SessionKey) -> None:
        """There is nothing to undo."""

    async def close(self) -> None:
        pods, self._pods = self._pods, None
        if pods:
            await pods.close()

    def state(self) -> shapes.KubernetesState:
        """Return whether its API server answers, as far as is known without asking it."""
        if not self._is_set_up():
            return "not set up"
        if self._pods is None:
            return "not asked"
        return "silent" if self._pods.watch.problem else "answers"

    async def pods(self) -> "Pods":
        """Return the Pods of the namespace; the first call begins to watch them.

        Raises ConnectionError where Kubernetes cannot be found.
        """
        async with self._turn:
            if self._pods is None:
                self._pods = await self._open()
            return self._pods

    async def contents(self, needs: Needs, environment: Mapping[str, str]) -> Contents:
        """Return what the Pod of a session is given. Raises OSError for a file that is gone."""
        carried = self._carried(needs)
        files = {path: await asyncio.to_thread(path.read_bytes) for path in carried.files}
        return Contents(pod_facts(environment), carried, files)

    async def _open(self) -> "Pods":
        kind, cluster = await asyncio.to_thread(_connect, self._settings.kubernetes_namespace)
        return kind(cluster, pod_settings(self._settings), self._settings.kubernetes_start)

    async def _reachable(self) -> "Pods | None":
        """Return the Pods; None where there are none, or nobody can know."""
        if not self._is_set_up():
            return None
        try:
            return await self.pods()
        except ConnectionError as error:
            _log.warning("No Pod was looked for: %s", error)
            return None

    async def _known(self) -> Mapping[str, PodState]:
        try:
            pods = await self._reachable()
            return await pods.listed() if pods else {}
        except ConnectionError as error:
            _log.warning("No Pod was looked for: %s", error)
            return {}

    async def reachable(self) -> str:
        """Ask the API server once, and return which one answers; for whoever looks for faults.

        Raises ConnectionError, which says why none does.
        """
        _, cluster = await asyncio.to_thread(_connect, self._settings.kubernetes_namespace)
        where = cluster.address()
        try:
            pods, _ = await asyncio.wait_for(cluster.pods(), ANSWER_WAIT_S)
        except TimeoutError as error:
            problem = f"no answer within {ANSWER_WAIT_S:.0f} s"
            raise ConnectionError(f"{where}: {problem}") from error
        except Exception as error:  # what lightkube is told, and by whom, is not ours to foresee
            raise ConnectionError(f"{where}: {error}") from error
        finally:
            await cluster.close()
        return f"{where} (Pods of sessions: {len(pods)})"

    def _is_set_up(self) -> bool:
        installed = find_spec("lightkube") is not None
        return bool(self._settings.kubernetes_image) and installed

    def _carried(self, needs: Needs) -> Carried:
        """Return what comes along: folders of the shared data folder, and files."""
        return Carried(
            mounts=(
                *(self._mount(path, read_only=True) for path in needs.read if self._is_dir(path)),
                *(
                    self._mount(path, read_only=False)
                    for path in needs.write
                    if self._is_shared(path)
                ),
            ),
            files=tuple(path for path in needs.read if path.is_file()),
        )

    def _mount(self, path: Path, *, read_only: bool) -> Mount:
        return Mount(path, path.relative_to(self._data), read_only)

    def _is_dir(self, path: Path) -> bool:
        return self._is_shared(path) and path.is_dir()

    def _is_shared(self, path: Path) -> bool:
        return self.shares_data and path.is_relative_to(self._data)

    @property
    def _data(self) -> Path:
        return self._settings.data_dir.absolute()


def pod_settings(settings: Settings) -> PodSettings:
    """Return what the settings say about Pods."""
    return PodSettings(
        settings.kubernetes_image,
        settings.kubernetes_requests,
        settings.kubernetes_limits,
        settings.kubernetes_storage_class,
        settings.kubernetes_home_size,
        settings.kubernetes_data_claim,
        settings.kubernetes_node_wait,
    )


def pod_facts(environment: Mapping[str, str]) -> str:
    """Return what `pwsh_kernels.kernel.pod_start` makes of a Pod, as JSON. Pure."""
    kept = {
        name: value.replace(str(PACKAGE), PACKAGE_MARK)
        for name, value in environment.items()
        if name not in OWN_VARIABLES
    }
    folders = [str(folder) for folder in (HOME, TEMPORARY, FILES)]
    return json.dumps({"folders": folders, "environment": {**kept, "HOME": str(MEMORY)}})


def _connect(namespace: str) -> "tuple[type[Pods], Cluster]":
    """Import what knows Kubernetes, and find it. Raises ConnectionError."""
    from pwsh_kernels.sessions.places.cluster import Cluster, ClusterError  # noqa: PLC0415 - optional, slow
    from pwsh_kernels.sessions.places.pods import Pods  # noqa: PLC0415 - imports the same

    try:
        return Pods, Cluster(namespace)
    except ClusterError as error:
        raise ConnectionError(f"no Kubernetes is to be found from here: {error}") from error
