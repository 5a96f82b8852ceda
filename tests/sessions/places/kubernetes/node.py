"""A node that plays kubelet: it says what Pods do, and can run their kernels on this machine, each
on a loopback address of its own.
"""

import asyncio
import base64
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
from lightkube import ApiError, AsyncClient
from lightkube.models.core_v1 import ObjectReference
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.core_v1 import Namespace, Pod, Secret, ServiceAccount
from lightkube.types import PatchType
from msgspec import ValidationError

NODE = "played"
START = (
    "import sys; from pathlib import Path; from pwsh_kernels.kernel.pod_start import main;"
    " main(Path(sys.argv[1]), Path(sys.argv[2]))"
)
SECRET_WAIT = 20.0
PAUSE = 0.05
ADDRESSES = count(2)


@asynccontextmanager
async def namespace() -> AsyncIterator[str]:
    """Have a namespace for one test."""
    client: Any = AsyncClient()
    name = f"pwsh-kernels-test-{uuid4().hex[:8]}"
    await client.create(Namespace(metadata=ObjectMeta(name=name)))
    with suppress(ApiError):  # a cluster with controllers makes it itself
        account = ServiceAccount(metadata=ObjectMeta(name="default", namespace=name))
        await client.create(account, namespace=name)
    try:
        yield name
    finally:
        await client.delete(Namespace, name)
        await client.close()


@dataclass
class Node:
    """Says to the API server what a kubelet would say."""

    namespace: str
    folder: Path
    kernels: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.client: Any = AsyncClient(namespace=self.namespace, timeout=httpx2.Timeout(30))

    async def close(self) -> None:
        """End every kernel."""
        for name in list(self.kernels):
            self.end(name)
        await self.client.close()

    async def pod(self, name: str) -> dict[str, Any]:
        """Return a Pod."""
        found: dict[str, Any] = (await self.client.get(Pod, name)).to_dict()
        return found

    async def take(self, name: str) -> None:
        """Take a Pod, as the scheduler has decided."""
        target = ObjectReference(kind="Node", name=NODE)
        binding = Pod.Binding(metadata=ObjectMeta(name=name), target=target)
        with suppress(ValidationError):  # the answer is a Status, which lightkube does not expect
            await self.client.create(binding, name)

    async def say(self, name: str, **status: Any) -> None:
        """Say what has become of a Pod."""
        await self.client.patch(Pod.Status, name, {"status": status}, patch_type=PatchType.MERGE)

    async def say_of_container(self, name: str, phase: str, more: Any = None, **state: Any) -> None:
        """Say what has become of a Pod's container."""
        facts = {"name": "kernel", "image": "image:1", "imageID": "", "ready": False}
        counts = {"restartCount": 0, "state": state}
        await self.say(name, phase=phase, containerStatuses=[{**facts, **counts, **(more or {})}])

    async def say_ready(self, name: str, ip: str = "127.0.0.1") -> None:
        """Say that a Pod's kernel listens."""
        await self.say(name, podIP=ip)
        await self.say_of_container(name, "Running", {"started": True, "ready": True}, running={})

    async def remove(self, name: str) -> None:
        """Say that nothing is left of a Pod that was to end."""
        with suppress(ApiError):  # somebody else was faster
            await self.client.delete(Pod, name, grace_period=0)

    # -- with kernels

    async def serve(self) -> None:
        """Run the kernel of every Pod that is made, until this is cancelled."""
        async for event, pod in self.client.watch(Pod):
            name = str(pod.metadata.name)
            if event == "ADDED":
                await self.run(name)
            elif event == "DELETED":
                self.end(name)
            elif pod.metadata.deletionTimestamp:
                self.end(name)
                await self.remove(name)

    async def run(self, name: str) -> None:
        """Run the kernel of a Pod."""
        await self.take(name)
        given, memory = self.folder / name / "given", self.folder / name / "memory"
        shutil.rmtree(self.folder / name, ignore_errors=True)
        given.mkdir(parents=True)
        memory.mkdir()
        address = f"127.1.{next(ADDRESSES)}.1"
        for key, content in (await self._secret(name)).items():
            text = content.replace(b"0.0.0.0", address.encode())
            (given / key).write_bytes(text.replace(b"/session/", b"%s/" % bytes(self._claim(name))))
        kernel = subprocess.Popen(  # noqa: ASYNC220 - it goes on without this test
            [sys.executable, "-c", START, str(given), str(memory)],
            cwd=Path(__file__).parents[4],
            env={"PATH": os.environ["PATH"], "PYTHONUNBUFFERED": "1"},
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        self.kernels[name] = kernel
        await self.say_ready(name, address)

    def _claim(self, name: str) -> Path:
        folder = self.folder / "claims" / name / "session"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def end(self, name: str) -> None:
        """Kill the kernel of a Pod, with what it has started."""
        kernel = self.kernels.pop(name, None)
        if kernel:
            with suppress(ProcessLookupError):
                os.killpg(kernel.pid, signal.SIGKILL)
            kernel.wait()

    async def _secret(self, name: str) -> dict[str, bytes]:
        async with asyncio.timeout(SECRET_WAIT):
            while True:
                with suppress(ApiError):
                    found = await self.client.get(Secret, name)
                    return {
                        key: base64.b64decode(value) for key, value in (found.data or {}).items()
                    }
                await asyncio.sleep(PAUSE)
