"""The Pods of all sessions, as one watch of the API server tells of them.

An API server that does not answer makes nothing dead: what was known stays true until it says
something else.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace

from pwsh_kernels.sessions.places.cluster import Cluster, ClusterError
from pwsh_kernels.sessions.places.pod_state import DELETED, PodState, read_pod

LOG = logging.getLogger(__name__)
PASS_S = 45.0
"""Then everything is listed again: a connection that died unnoticed says nothing more."""
FIRST_WAIT_S, IMPATIENT_S = 60.0, 0.5
"""Wait for the first answer of an API server: a server that begins before it would take its living
sessions for lost. Whoever asks later waits less.
"""
UNASKED = "it has not answered yet"
PAUSE_S = 1.0
"""Pause after an API server that did not answer."""


class PodWatch:
    """What is known of each Pod by its name, also after its end."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._known: dict[str, PodState] = {}
        self._listed = asyncio.Event()
        self._patient_until = asyncio.get_running_loop().time() + FIRST_WAIT_S
        self._changed = asyncio.Condition()
        self._problem = UNASKED
        self._task = asyncio.create_task(self._follow(), name="watch the Pods of sessions")

    async def stop(self) -> None:
        """End the watch; what is known stays."""
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    async def listed(self) -> Mapping[str, PodState]:
        """Return all Pods, once they were listed.

        Raises TimeoutError, which says why not; after the first wait was in vain, soon.
        """
        left = self._patient_until - asyncio.get_running_loop().time()
        try:
            await asyncio.wait_for(self._listed.wait(), max(left, IMPATIENT_S))
        except TimeoutError as error:
            raise TimeoutError(f"no answer from Kubernetes: {self._problem}") from error
        return self._known

    @property
    def problem(self) -> str:
        """What is wrong with its API server; "": it answers."""
        return self._problem

    def state(self, name: str) -> PodState | None:
        """Return what is known of a Pod."""
        return self._known.get(name)

    async def until(
        self, name: str, wanted: Callable[[PodState | None], bool], wait_s: float
    ) -> PodState | None:
        """Wait until a Pod is as wanted, and return what is known of it. Raises TimeoutError."""
        async with asyncio.timeout(wait_s), self._changed:
            await self._changed.wait_for(lambda: wanted(self.state(name)))
        return self.state(name)

    async def _follow(self) -> None:
        while True:
            try:
                async with asyncio.timeout(PASS_S):
                    await self._one_pass()
            except TimeoutError:
                continue
            except ClusterError as error:
                self._note_problem(str(error))
            await asyncio.sleep(PAUSE_S)

    def _note_answer(self) -> None:
        if self._problem:
            LOG.info("Pods are watched")
        self._problem = ""

    def _note_problem(self, problem: str) -> None:
        """Log it once, not with every attempt."""
        if problem != self._problem:
            LOG.warning("Pods are not watched, and are asked for again and again: %s", problem)
        self._problem = problem

    async def _one_pass(self) -> None:
        pods, version = await self._cluster.pods()
        there = {one["metadata"]["name"]: read_pod(one) for one in pods}
        gone = {name: deleted(one) for name, one in self._known.items() if name not in there}
        self._known = {**gone, **there}
        self._note_answer()
        self._listed.set()
        await self._tell()
        async for event, pod in self._cluster.watch(version):
            state = read_pod(pod)
            name = pod["metadata"]["name"]
            self._known[name] = deleted(state) if event == "DELETED" else state
            await self._tell()

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()


def deleted(state: PodState) -> PodState:
    """Return what is known of a Pod that is no more. Pure."""
    return replace(state, ended=state.ended or DELETED, ready=False)


def ending(state: PodState | None, uid: str) -> str:
    """Return how the Pod with a uid ended, by what is known under its name; "": it lives. Pure."""
    return DELETED if state is None or state.uid != uid else state.ended
