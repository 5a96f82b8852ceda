"""The kernel provisioner of the place `kubernetes`: kernels are Pods, which outlive the server."""

import signal
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

from jupyter_client.connect import KernelConnectionInfo

from pwsh_kernels.grants import Signer
from pwsh_kernels.sessions.key import SessionKey
from pwsh_kernels.sessions.places.grant_key import PUBLIC
from pwsh_kernels.sessions.places.kubernetes import KubernetesPlace
from pwsh_kernels.sessions.places.place import Provisioner, SessionLaunch
from pwsh_kernels.sessions.places.pod import GRACE_S
from pwsh_kernels.shapes import ForeignJson

if TYPE_CHECKING:
    from pwsh_kernels.sessions.places.pods import Pods

END_WAIT_S = GRACE_S + 5.0
"""Wait for a Pod that was told to end."""
UNKNOWN_STATUS = -1
"""Of a kernel that has ended, where Kubernetes tells no exit status."""


class PodProvisioner(Provisioner):
    """Starts the Pod of a session, or takes over the one that an earlier server left."""

    parent: Any
    _pods: "Pods | None" = None
    _key: SessionKey
    _uid = ""

    @property
    def has_process(self) -> bool:
        return bool(self._uid)

    async def pre_launch(self, **kwargs: Any) -> ForeignJson:
        """Leave the command as the kernelspec says it: the image has one of its own."""
        return {**await super().pre_launch(**kwargs), "cmd": self.kernel_spec.argv}

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:  # noqa: ARG002 - see above
        """Take over the Pod that runs, else start one; return how to reach its kernel."""
        key, place = self._launch.key, self._place
        self._key = key
        self._pods = await place.pods()
        running = await self._pods.take_over(key)
        if running is None:
            signer = Signer.new()
            environment = {**kwargs["env"], PUBLIC: signer.public}
            contents = await place.contents(self._launch.needs, environment)
            running = await self._pods.start(key, contents, signer.private)
        self._uid = running.uid
        self.parent.signer = Signer(running.grants) if running.grants else None
        self.connection_info = cast(KernelConnectionInfo, running.connection)
        # jupyter_client loads nothing where the file of an earlier server says the same.
        for name in (one for one in running.connection if one.endswith("_port")):
            setattr(self.parent, name, 0)
        self.parent.load_connection_info(running.connection)
        return running.connection

    async def poll(self) -> int | None:
        """Return None while it lives; the watch knows, so nobody is asked."""
        if not self._pods or not self.looks_dead():
            return None
        status = self._pods.exit_status(self._key)
        return UNKNOWN_STATUS if status is None else status

    def looks_dead(self) -> bool:
        return not self._pods or bool(self._pods.ending(self._key, self._uid))

    async def wait(self) -> int | None:
        """Wait (bounded) until it has ended, and return its exit status."""
        if self._pods:
            with suppress(TimeoutError):
                await self._pods.until_ended(self._key, self._uid, END_WAIT_S)
        return await self.poll()

    async def send_signal(self, signum: int) -> None:
        """An interrupt is a message (`interrupt_mode`), and no other signal has a way into a Pod;
        what would end it does.
        """
        if signum in (signal.SIGTERM, signal.SIGKILL):
            await self.kill()

    async def kill(self, restart: bool = False) -> None:  # noqa: ARG002 - jupyter_client's signature
        if self._pods:
            await self._pods.end(self._key)

    async def terminate(self, restart: bool = False) -> None:  # noqa: ARG002 - likewise
        if self._pods:
            await self._pods.end(self._key, GRACE_S)

    async def cleanup(self, restart: bool = False) -> None:
        """Remove the Pod, with the Secret that it owns, and the connection file."""
        if self._pods and not restart:
            await self._pods.end(self._key)
            self.parent.cleanup_connection_file()

    def death(self) -> str:
        """Return how its Pod ended."""
        return self._pods.ending(self._key, self._uid) if self._pods else ""

    @property
    def _launch(self) -> SessionLaunch:
        launch: SessionLaunch = self.parent.parent.launches[self.parent.kernel_name]
        return launch

    @property
    def _place(self) -> KubernetesPlace:
        place = self._launch.place
        if not isinstance(place, KubernetesPlace):
            raise TypeError(f"{self._launch.key} does not live on Kubernetes")
        return place
