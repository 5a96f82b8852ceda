"""A node of a cluster that plays the kernels of all its Pods in one process:
`python -m benchmarks.scale.node NAMESPACE NETWORK`, with KUBECONFIG.

It says `ready` to the API server of every Pod that is made, and ends a Pod that is to end.
"""

import asyncio
import base64
import json
import resource
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import zmq
from lightkube import ApiError
from lightkube.resources.core_v1 import Pod, Secret

from benchmarks.scale.played_kernel import PlayedKernel
from pwsh_kernels.sessions.places.pod import CONNECTION
from tests.sessions.places.kubernetes.node import Node

SOCKETS = 65_535
"""As many as ZeroMQ can have in one context."""
SECRET_WAIT_S, PAUSE_S = 20.0, 0.05


class PlayedNode:
    """Plays kubelet and kernels."""

    def __init__(self, node: Node, network: str) -> None:
        self._node = node
        self._addresses: Iterator[Any] = ip_network(network).hosts()
        self._context: zmq.Context[Any] = zmq.Context()
        self._context.set(zmq.MAX_SOCKETS, SOCKETS)
        self._kernels: dict[str, PlayedKernel] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self) -> None:
        """Serve until cancelled."""
        async for event, pod in self._node.client.watch(Pod):
            name = str(pod.metadata.name)
            if event == "ADDED":
                self._soon(self._run(name))
            elif event == "DELETED":
                self._end(name)
            elif pod.metadata.deletionTimestamp:
                self._end(name)
                self._soon(self._node.remove(name))

    def _soon(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, name: str) -> None:
        await self._node.take(name)
        facts, ip = await self._connection(name), str(next(self._addresses))
        self._kernels[name] = PlayedKernel(
            self._context, facts, ip, lambda: self._soon(self._node.remove(name))
        )
        await self._node.say_ready(name, ip)

    def _end(self, name: str) -> None:
        if kernel := self._kernels.pop(name, None):
            kernel.close()

    async def _connection(self, name: str) -> dict[str, Any]:
        async with asyncio.timeout(SECRET_WAIT_S):
            while True:
                with suppress(ApiError):
                    found = await self._node.client.get(Secret, name)
                    facts: dict[str, Any] = json.loads(base64.b64decode(found.data[CONNECTION]))
                    return facts
                await asyncio.sleep(PAUSE_S)


def raise_open_files() -> None:
    """Let this process have as many descriptors as it may."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


async def main(namespace: str, network: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        await PlayedNode(Node(namespace, Path(folder)), network).serve()


if __name__ == "__main__":
    raise_open_files()
    asyncio.run(main(*sys.argv[1:]))
