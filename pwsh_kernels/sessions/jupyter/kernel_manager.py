"""The kernel manager of the server: a session's kernel outlives clients, servers and mistakes;
other kernels behave as usual.
"""

import asyncio
import logging
import os
import sys
from collections.abc import Iterable
from concurrent.futures import Future
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import zmq
from jupyter_client.ioloop.restarter import AsyncIOLoopKernelRestarter
from jupyter_client.session import Session as Codec
from jupyter_server.services.kernels.kernelmanager import ServerKernelManager
from tornado.web import HTTPError
from traitlets import Bool, Dict, Instance, List, Unicode, default

from pwsh_kernels.grants import Signer
from pwsh_kernels.messages import ending_metadata
from pwsh_kernels.sessions.jupyter.death_watch import DeathWatch
from pwsh_kernels.sessions.jupyter.jupyter_server_compat import (
    KernelManagerCompat,
    give_kernel_info,
)
from pwsh_kernels.sessions.jupyter.kernel_specs import SessionKernelSpecManager
from pwsh_kernels.sessions.jupyter.sessions_owner import Nobody, SessionsOwner
from pwsh_kernels.sessions.key import SessionKey
from pwsh_kernels.sessions.places.environment import ordinary_environment
from pwsh_kernels.sessions.places.jupyter_client_compat import close_control_socket
from pwsh_kernels.sessions.places.place import Nothing, Place, Remains, SessionLaunch
from pwsh_kernels.sessions.senders import Senders
from pwsh_kernels.sessions.tasks import Tasks
from pwsh_kernels.shapes import ForeignJson

LOG = logging.getLogger(__name__)
MOST_SOCKETS = 16_384
"""ZeroMQ's own limit of 1,023 is that of some 120 sessions on Kubernetes; docs/scale.md has how
many sockets each takes.
"""


class NoRestart(AsyncIOLoopKernelRestarter):
    """Reports a death instead of restarting: a silent one would lose the sign-in unseen (decision
    0009, 7).
    """

    @default("restart_limit")
    def _restart_limit(self) -> int:
        return 0

    def start(self) -> None:
        """Be watched together with the others: a timer for each kernel costs ten times as much."""
        self._deaths.add(self)

    def stop(self) -> None:
        self._deaths.remove(self)

    def looks_dead(self) -> bool:
        """Return whether its kernel has probably ended."""
        provisioner = self.kernel_manager.provisioner
        return provisioner is None or provisioner.looks_dead()

    @property
    def _deaths(self) -> DeathWatch:
        watch: DeathWatch = self.kernel_manager.parent.deaths
        return watch


class SessionKernel(ServerKernelManager):
    """Manages one kernel; jupyter_server makes one for every kernel, session or not."""

    @default("restarter_class")
    def _restarter_class(self) -> type[AsyncIOLoopKernelRestarter]:
        manager: Any = self.parent
        return NoRestart if manager.session_key(self.kernel_name) else AsyncIOLoopKernelRestarter

    @default("transport_encryption")
    def _encrypts_sessions(self) -> str:
        """Without CurveZMQ another user of the machine reads every output from iopub."""
        manager: Any = self.parent
        return "required" if manager.session_key(self.kernel_name) else "disabled"

    @default("session")
    def _codec_of_the_owner(self) -> Codec:
        """Sign our messages as the kernel's owner: a shared kernel accepts a shutdown from nobody
        else.
        """
        return Codec(parent=self, metadata=ending_metadata())

    signer: Signer | None = None
    """Grants the messages to a session's kernel; its provisioner sets it. None: a kernel that asks
    for no grants, of no session or of an older version.
    """
    is_let_go = Bool(default_value=False, help="Its kernel is not ours to end (any more).")

    async def shutdown_kernel(  # type: ignore[override]
        self, now: bool = False, restart: bool = False
    ) -> None:
        """End the kernel; when only letting go, release what this process holds of it."""
        if self.is_let_go:
            self.stop_restarter()
            close_control_socket(self)
        else:
            await super().shutdown_kernel(now=now, restart=restart)


class SessionKernelManager(KernelManagerCompat):
    """Maps kernel ids to kernels.

    A session's id is fixed, starting it twice gives one process, shutting it down detaches.

    Each deviation from jupyter_server answers a measured way of losing a shared session: decision
    0009.
    """

    kernel_spec_manager: Any = Instance(SessionKernelSpecManager)
    pass_env = List(
        Unicode(),
        help="Environment variables that kernels inherit besides those of the allow-list.",
        config=True,
    )
    launches = Dict(help="SessionLaunch by kernelspec name.")

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.context.set(zmq.MAX_SOCKETS, MOST_SOCKETS)  # before the first socket
        self.deaths = DeathWatch()
        self.senders = Senders()
        self._locks: WeakValueDictionary[SessionKey, asyncio.Lock] = WeakValueDictionary()
        self._most_others = sys.maxsize
        self._info_channels: ForeignJson = {}
        self._tasks = Tasks()
        self._owner: SessionsOwner = Nobody()

    def serve(
        self, owner: SessionsOwner, pass_env: Iterable[str] = (), most_others: int = sys.maxsize
    ) -> None:
        """Serve the owner of the sessions; `pass_env` names variables that every kernel inherits;
        `most_others` limits the kernels without a session.
        """
        self._most_others = most_others
        self._owner = owner
        self.pass_env = list(pass_env)
        self.kernel_spec_manager.name_sessions(owner.title)

    @default("kernel_manager_class")
    def _kernel_manager_class(self) -> str:
        return f"{SessionKernel.__module__}.{SessionKernel.__name__}"

    @default("buffer_offline_messages")
    def _no_buffers(self) -> bool:
        return False

    # -- sessions ------------------------------------------------------------------------------

    def add_session(self, launch: SessionLaunch) -> None:
        """Make a session known: its kernelspec, and how its kernel starts."""
        self.launches = {**self.launches, launch.key.kernelspec: launch}
        self.kernel_spec_manager.add_session(launch.key, launch.place.provisioner)

    def remove_session(self, key: SessionKey) -> None:
        """Forget a session."""
        self.launches = {name: one for name, one in self.launches.items() if one.key != key}
        self.kernel_spec_manager.remove_session(key)

    def session_key(self, kernel_name: str | None) -> SessionKey | None:
        """Return the session that a kernelspec name stands for."""
        launch: SessionLaunch | None = self.launches.get(kernel_name or "")
        return launch.key if launch else None

    def session_of(self, kernel_id: str) -> SessionKey | None:
        """Return the session that a running kernel belongs to."""
        if kernel_id not in self:
            return None
        return self.session_key(self.get_kernel(kernel_id).kernel_name)

    def connection_file(self, key: SessionKey) -> Path:
        """Return where the connection file of a session's kernel is."""
        return Path(self.connection_dir) / f"kernel-{key.kernel_id}.json"

    def signer(self, key: SessionKey) -> Signer | None:
        """Return who grants the messages to a session's running kernel; None: it asks for none."""
        kernel: Any = self.get_kernel(key.kernel_id)
        signer: Signer | None = kernel.signer
        return signer

    async def alive(self, key: SessionKey) -> str | None:
        """Return which kernel of a session is alive, or None (see Place)."""
        place = self._place(key)
        return await place.alive(key) if place else None

    async def close_session(self, key: SessionKey) -> None:
        """Really end a session's kernel: ask, wait (bounded), terminate, kill, with everything that
        it started.
        """
        async with self._lock(key):
            remains = await self._remains(key)
            if key.kernel_id in self:
                await super().shutdown_kernel(key.kernel_id)
            await remains.kill()

    async def kill_session(self, key: SessionKey) -> None:
        """Kill a session's kernel and everything that it started, without waiting for any of it."""
        async with self._lock(key):
            await (await self._remains(key)).kill()
            await self._bury(key.kernel_id)

    async def release_session(self, key: SessionKey) -> None:
        """Let go of a session's kernel, which keeps running: close every socket to it."""
        async with self._lock(key):
            if await self._let_go(key.kernel_id):
                LOG.info("The kernel of %s lives on; this server no longer watches it", key)

    # -- jupyter_server's interface ------------------------------------------------------------

    async def start_kernel(  # type: ignore[override]
        self, *, kernel_id: str | None = None, kernel_name: str | None = None, **kwargs: Any
    ) -> str:
        """Start a kernel, or return the running one when that session or id has one."""
        launch: SessionLaunch | None = self.launches.get(kernel_name or "")
        given = kwargs.get("env") or os.environ
        if launch is None:
            self._refuse_too_many(kernel_id)
            kwargs["env"] = ordinary_environment(given, self.pass_env)
            started: str = await super().start_kernel(
                kernel_id=kernel_id, kernel_name=kernel_name, **kwargs
            )
            return started
        # A caller that goes away in the middle must not leave an unknown process behind.
        start = self._tasks.start(
            self._start_session(launch, launch.place.environment(given, self.pass_env)),
            f"start the kernel of {launch.key}",
        )
        await asyncio.shield(start)
        return launch.key.kernel_id

    async def shutdown_kernel(  # type: ignore[override]
        self, kernel_id: str, now: bool = False, restart: bool = False
    ) -> None:
        """Shut a kernel down; if it is a session's, only detach the caller (decision 0009: 1, 2, 3,
        8).
        """
        self.get_kernel(kernel_id)  # HTTPError 404 for an unknown one
        if self.session_of(kernel_id) is None:
            await super().shutdown_kernel(kernel_id, now=now, restart=restart)

    async def shutdown_all(self, now: bool = False) -> None:  # type: ignore[override]
        """Shut down every kernel without a session: sessions outlive the server."""
        others = [
            kernel_id for kernel_id in self.list_kernel_ids() if self.session_of(kernel_id) is None
        ]
        await asyncio.gather(*(self.shutdown_kernel(kernel_id, now=now) for kernel_id in others))

    def kernel_model(self, kernel_id: str) -> ForeignJson:
        """Return what Jupyter's routes say about a kernel; for a session also its key and its name
        for people.
        """
        model: ForeignJson = super().kernel_model(kernel_id)
        key = self.session_of(kernel_id)
        return {**model, "pwsh": {"session": str(key), "title": self.title(key)}} if key else model

    def title(self, key: SessionKey) -> str:
        """Return a session's name for people."""
        title: str = self.kernel_spec_manager.title(key)
        return title

    def session_kernels(self) -> list[tuple[SessionKey, str]]:
        """Return the running kernels of sessions, with their ids."""
        found = [(self.session_of(kernel_id), kernel_id) for kernel_id in self.list_kernel_ids()]
        return [(key, kernel_id) for key, kernel_id in found if key]

    def refuse_restart(self, kernel_id: str) -> None:
        """Raise HTTPError 409 when a restart would end a sign-in, 404 for an unknown kernel."""
        self.get_kernel(kernel_id)  # HTTPError 404 for an unknown one
        key = self.session_of(kernel_id)
        if key and (refusal := self._owner.restart_refusal(key)):
            raise HTTPError(409, refusal)

    async def restart_kernel(self, kernel_id: str, now: bool = False) -> Any:  # type: ignore[override]
        """Restart a kernel because somebody asked for it.

        Raises HTTPError 409 where that would end a sign-in.
        """
        self.refuse_restart(kernel_id)
        key = self.session_of(kernel_id)
        if key:
            self._owner.ended(key, "its kernel was restarted by a Jupyter client")
        restarted = await super().restart_kernel(kernel_id, now=now)
        if key:
            self._preset_kernel_info(kernel_id)
            self._owner.started_elsewhere(key)
        return restarted

    def kernel_died(self, kernel_id: str) -> None:
        """Tell the owner that a session's kernel has died, and clean up after it."""
        key = self.session_of(kernel_id)
        if key is None:
            super().kernel_died(kernel_id)
            return
        dead: Any = self.get_kernel(kernel_id)
        how = dead.provisioner.death() if dead.provisioner else ""
        LOG.warning("The kernel of %s has died%s", key, f" ({how})" if how else "")
        self._tasks.start(self._clean_up(key, dead), f"clean up after {key}")
        self._owner.ended(key, f"its kernel process has ended{f' ({how})' if how else ''}")

    # -- inside --------------------------------------------------------------------------------

    def _place(self, key: SessionKey) -> Place | None:
        launch: SessionLaunch | None = self.launches.get(key.kernelspec)
        return launch.place if launch else None

    async def _remains(self, key: SessionKey) -> Remains:
        place = self._place(key)
        return await place.remains(key) if place else Nothing()

    def _refuse_too_many(self, kernel_id: str | None) -> None:
        """Raise HTTPError 429 when the limit of kernels without a session is reached."""
        others = [one for one in self.list_kernel_ids() if self.session_of(one) is None]
        if kernel_id not in others and len(others) >= self._most_others:
            raise HTTPError(
                429,
                f"There are {len(others)} kernels besides the sessions, which is the limit"
                " (PWSH_MANAGER_KERNELS). Shut one down, then try again.",
            )

    def _lock(self, key: SessionKey) -> asyncio.Lock:
        return self._locks.setdefault(key, asyncio.Lock())

    async def _start_session(self, launch: SessionLaunch, env: dict[str, str]) -> None:
        """Start the kernel unless it runs; concurrent starts of one id would give several processes
        (decision 0009, 15).
        """
        async with self._lock(launch.key):
            if launch.key.kernel_id in self:
                return
            if not await launch.place.alive(launch.key):
                await launch.place.hand_over(launch.key)
            await super().start_kernel(
                kernel_id=launch.key.kernel_id,
                kernel_name=launch.key.kernelspec,
                env={**env, **launch.environment},
                cwd=str(launch.cwd),
                log_file=str(launch.log_file),
            )
        # Opened again when it is needed, once in a session's life.
        close_control_socket(self.get_kernel(launch.key.kernel_id))
        self._preset_kernel_info(launch.key.kernel_id)
        self._owner.started_elsewhere(launch.key)

    def _preset_kernel_info(self, kernel_id: str) -> None:
        """Ask for kernel_info on control, before a WebSocket does on shell: a busy cell would hold
        it (decision 0009, 5).
        """
        kernel: Any = self.get_kernel(kernel_id)
        answer: Future[ForeignJson] = Future()
        channel = self._info_channels[kernel_id] = kernel.connect_control()
        give_kernel_info(kernel, answer)

        def on_reply(parts: list[bytes]) -> None:
            _, message = kernel.session.feed_identities(parts)
            if not answer.done():
                answer.set_result(kernel.session.deserialize(message)["content"])
            channel.close()

        channel.on_recv(on_reply)
        kernel.session.send(channel, "kernel_info_request")

    async def _clean_up(self, key: SessionKey, dead: Any) -> None:
        """Clean up after a dead kernel, unless another one has its id by now."""
        async with self._lock(key):
            if key.kernel_id in self and self.get_kernel(key.kernel_id) is dead:
                await self._bury(key.kernel_id)

    async def _bury(self, kernel_id: str) -> None:
        """Drop a kernel whose process has ended or is ending, with the files that it left."""
        kernel = await self._let_go(kernel_id)
        if kernel is not None:
            await kernel.cleanup_resources()

    async def _let_go(self, kernel_id: str) -> Any:
        """Remove a kernel from everything that jupyter_server keeps, without ending its process;
        return it.
        """
        if kernel_id not in self:
            return None
        kernel: Any = self.get_kernel(kernel_id)
        kernel.is_let_go = True
        channel = self._info_channels.pop(kernel_id, None)
        if channel and not channel.closed():
            channel.close()
        if kernel.ready.done():
            await super().shutdown_kernel(kernel_id)
        else:  # its shutdown was begun and abandoned: jupyter_client would raise for it
            await kernel.shutdown_kernel()
            self.remove_kernel(kernel_id)
        return kernel
