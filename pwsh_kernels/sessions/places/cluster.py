"""The API server of Kubernetes, with plain mappings in and out.

The only file that knows lightkube, which is installed with `pwsh-kernels[kubernetes]` and takes a
second to import.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Literal

from httpx2 import HTTPError
from lightkube import ApiError, AsyncClient
from lightkube.core.exceptions import ConfigError
from lightkube.resources.core_v1 import PersistentVolumeClaim, Pod, Secret

from pwsh_kernels.sessions.places.pod import APP, SESSION_APP, Manifest

Kind = Literal["Pod", "Secret", "PersistentVolumeClaim"]
KINDS: Mapping[str, Any] = {
    "Pod": Pod,
    "Secret": Secret,
    "PersistentVolumeClaim": PersistentVolumeClaim,
}
NOT_FOUND, CONFLICT = 404, 409
LABELS: Any = {APP: SESSION_APP}


class ClusterError(Exception):
    """The API server refused something, or does not answer; the text says what it said."""

    def __init__(self, text: str, code: int = 0) -> None:
        super().__init__(text)
        self.code = code
        """HTTP status of its answer; 0: there was none."""


class Cluster:
    """Pods, Secrets and claims of one namespace."""

    def __init__(self, namespace: str) -> None:
        """`namespace` "": that of the service account or of KUBECONFIG. Raises ClusterError."""
        try:
            self._client = AsyncClient(namespace=namespace or None)
        except (ConfigError, OSError, ValueError, AssertionError) as error:  # a file without a user
            raise ClusterError(str(error)) from error

    def address(self) -> str:
        """Return which API server it is, and which namespace."""
        found = self._client.config.cluster
        return f"{found.server}, namespace {self._client.namespace}"

    async def get(self, kind: Kind, name: str) -> Manifest | None:
        """Return an object, or None when there is none. Raises ClusterError."""
        async with _answer(NOT_FOUND):
            found: Manifest = (await self._client.get(KINDS[kind], name)).to_dict()
            return found
        return None

    async def create(self, manifest: Manifest) -> Manifest:
        """Make an object and return it. Raises ClusterError."""
        async with _answer():
            made = await self._client.create(KINDS[manifest["kind"]].from_dict(manifest))
            answer: Manifest = made.to_dict()
        return answer

    async def delete(self, kind: Kind, name: str, grace_s: int | None = None) -> bool:
        """Delete an object; return whether there was one. Raises ClusterError."""
        async with _answer(NOT_FOUND):
            await self._client.delete(KINDS[kind], name, grace_period=grace_s)
            return True
        return False

    async def pods(self) -> tuple[list[Manifest], str]:
        """Return the Pods of sessions, and the version from which to watch on.

        Raises ClusterError.
        """
        async with _answer():
            listed = self._client.list(KINDS["Pod"], labels=LABELS)
            found = [one.to_dict() async for one in listed]
        return found, listed.resourceVersion

    async def watch(self, version: str) -> AsyncIterator[tuple[str, Manifest]]:
        """Yield what becomes of the Pods of sessions: "ADDED", "MODIFIED" or "DELETED", and the
        Pod. Raises ClusterError.
        """
        async with _answer():
            events = self._client.watch(KINDS["Pod"], labels=LABELS, resource_version=version)
            async for event, one in events:
                yield event, one.to_dict()

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()


@asynccontextmanager
async def _answer(*expected: int) -> AsyncIterator[None]:
    """Turn what goes wrong into ClusterError, but for the statuses that are expected."""
    try:
        yield
    except ApiError as error:
        code = int(error.status.code or 0)
        if code not in expected:
            raise ClusterError(str(error.status.message or error), code) from error
    except (HTTPError, OSError) as error:
        said = str(error) or type(error).__name__
        raise ClusterError(f"its API server does not answer ({said})") from error
