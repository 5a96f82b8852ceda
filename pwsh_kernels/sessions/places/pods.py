"""The Pods of sessions: begun, found again, watched and ended."""

import asyncio
import base64
import json
import logging
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

import zmq

from pwsh_kernels.sessions.key import SessionKey
from pwsh_kernels.sessions.places.cluster import CONFLICT, Cluster, ClusterError
from pwsh_kernels.sessions.places.pod import (
    CONNECTION,
    FACTS,
    GRANTS,
    PORTS,
    Contents,
    PodSettings,
    claim,
    claim_name,
    pod,
    pod_name,
    secret,
)
from pwsh_kernels.sessions.places.pod_state import PodState, read_pod
from pwsh_kernels.sessions.places.pod_watch import PodWatch, ending
from pwsh_kernels.shapes import ForeignJson

LOG = logging.getLogger(__name__)
CLAIM_LOOKS, CLAIM_PAUSE_S = 30, 0.5
"""How often a claim is looked for that Kubernetes is about to remove."""
SEEN_WAIT_S = 10.0
"""Wait until the watch knows what the API server has already answered."""


@dataclass(frozen=True, slots=True)
class Running:
    """A Pod whose kernel can be reached."""

    uid: str
    connection: ForeignJson
    """As jupyter_client takes it."""
    grants: str
    """The key with which a server grants its messages; "": it asks for none."""


class Pods:
    """The Pods of one namespace; they live on when this object ends."""

    def __init__(self, cluster: Cluster, settings: PodSettings, start_s: float) -> None:
        self._cluster = cluster
        self._settings = settings
        self._start_s = start_s
        self.watch = PodWatch(cluster)

    async def close(self) -> None:
        """Stop watching and close the connections."""
        await self.watch.stop()
        await self._cluster.close()

    async def start(self, key: SessionKey, contents: Contents, grants: str = "") -> Running:
        """Make the objects of a session and wait until its kernel listens; `grants`: the key that
        only servers see.

        Raises ConnectionError, which says what Kubernetes said.
        """
        facts = new_connection()
        texts = {CONNECTION: json.dumps(facts), FACTS: contents.facts, GRANTS: grants}
        try:
            await self._clear(key)
            await self._ensure_claim(key)
            made = await self._cluster.create(pod(key, self._settings, contents.carried))
            uid = made["metadata"]["uid"]
            await self._cluster.create(secret(key, uid, texts, contents.files))
        except ClusterError as error:
            raise ConnectionError(f"Kubernetes refused it: {error}") from error
        state = await self._until_ready(key, uid)
        return Running(uid, client_connection(facts, state.ip), grants)

    async def take_over(self, key: SessionKey) -> Running | None:
        """Return the Pod of a session that runs, or None.

        Raises ConnectionError for one that nobody can reach.
        """
        try:
            found = await self._cluster.get("Pod", pod_name(key))
            state = read_pod(found) if found else None
            if state is None or state.ended or not state.ready:
                return None
            facts, grants = await self._facts(key)
        except ClusterError as error:
            raise ConnectionError(f"Kubernetes cannot be asked for it: {error}") from error
        await self._until_seen(key, state.uid)
        return Running(state.uid, client_connection(facts, state.ip), grants)

    async def _facts(self, key: SessionKey) -> tuple[ForeignJson, str]:
        """Return what the Secret of a session says of its connection, and the key of its grants: ""
        where an older server made it. Raises ConnectionError.
        """
        try:
            found = await self._cluster.get("Secret", pod_name(key)) or {}
            facts: ForeignJson = json.loads(base64.b64decode(found["data"][CONNECTION]))
            grants = base64.b64decode(found["data"].get(GRANTS, "")).decode()
        except (KeyError, ValueError) as error:
            raise ConnectionError(
                f"its Secret {pod_name(key)} was gone or damaged, so that nobody could reach its"
                " Pod, which was ended"
            ) from error
        return facts, grants

    async def listed(self) -> Mapping[str, PodState]:
        """Return every Pod that is known, by its name. Raises ConnectionError."""
        try:
            return await self.watch.listed()
        except TimeoutError as error:
            raise ConnectionError(str(error)) from error

    async def check(self, key: SessionKey) -> None:
        """Raise ConnectionError for a Pod that nobody can reach; it is then ended."""
        try:
            await self._facts(key)
        except ClusterError as error:
            raise ConnectionError(f"Kubernetes cannot be asked for it: {error}") from error
        except ConnectionError:
            await self.end(key)
            raise

    def ending(self, key: SessionKey, uid: str) -> str:
        """Return how the Pod with a uid ended; "": it lives, as far as is known."""
        return ending(self.watch.state(pod_name(key)), uid)

    def exit_status(self, key: SessionKey) -> int | None:
        """Return the exit status of a kernel that has ended, where Kubernetes tells one."""
        state = self.watch.state(pod_name(key))
        return state.status if state else None

    async def until_ended(self, key: SessionKey, uid: str, wait_s: float) -> None:
        """Wait until a Pod has ended. Raises TimeoutError."""
        await self.watch.until(pod_name(key), lambda state: bool(ending(state, uid)), wait_s)

    async def end(self, key: SessionKey, grace_s: int = 0) -> None:
        """End a Pod, if there is one; where Kubernetes does not do it, the log says so."""
        try:
            await self._cluster.delete("Pod", pod_name(key), grace_s)
        except ClusterError as error:
            LOG.warning("The Pod %s was not ended: %s", pod_name(key), error)

    async def forget_home(self, key: SessionKey) -> bool:
        """Delete the claim of a session's HOME; return whether there was one."""
        try:
            return await self._cluster.delete("PersistentVolumeClaim", claim_name(key))
        except ClusterError as error:
            LOG.warning("The claim %s was not deleted: %s", claim_name(key), error)
            return False

    async def _clear(self, key: SessionKey) -> None:
        """Delete what an earlier Pod of this session left; its claim stays."""
        await self._cluster.delete("Pod", pod_name(key), 0)
        await self._cluster.delete("Secret", pod_name(key))

    async def _ensure_claim(self, key: SessionKey) -> None:
        """Have a claim: that of an earlier Pod, unless it is on its way out (`disconnect
        --forget`).
        """
        for _ in range(CLAIM_LOOKS):
            if await self._make_claim(key):
                return
            there = await self._cluster.get("PersistentVolumeClaim", claim_name(key))
            if there and not there["metadata"].get("deletionTimestamp"):
                return
            await asyncio.sleep(CLAIM_PAUSE_S)
        raise ClusterError(f"the claim {claim_name(key)} of a HOME to be forgotten is still there")

    async def _make_claim(self, key: SessionKey) -> bool:
        """Make a claim; return whether there was none."""
        try:
            await self._cluster.create(claim(key, self._settings))
        except ClusterError as error:
            if error.code != CONFLICT:
                raise
            return False
        return True

    async def _until_ready(self, key: SessionKey, uid: str) -> PodState:
        def decided(state: PodState | None) -> bool:
            mine = state is not None and state.uid == uid
            return mine and bool(state and (state.ready or state.ended or state.hopeless))

        name = pod_name(key)
        try:
            state = await self.watch.until(name, decided, self._start_s)
        except TimeoutError as error:
            said = self.watch.state(name)
            waits = said.waits if said else "Kubernetes told nothing of it"
            raise ConnectionError(
                f"its Pod was not ready after {self._start_s:.0f} s: {waits}"
            ) from error
        if state is None or state.ended:
            raise ConnectionError(f"its Pod ended: {state.ended if state else 'deleted'}")
        if state.hopeless:
            raise ConnectionError(state.waits)
        return state

    async def _until_seen(self, key: SessionKey, uid: str) -> None:
        def seen(state: PodState | None) -> bool:
            return state is not None and state.uid == uid

        try:
            await self.watch.until(pod_name(key), seen, SEEN_WAIT_S)
        except TimeoutError as error:
            raise ConnectionError("the watch of Pods does not tell of it") from error


def new_connection() -> ForeignJson:
    """Return a connection file's content for a new kernel in a Pod: keys that nobody else knows."""
    public, private = zmq.curve_keypair()
    return {
        "transport": "tcp",
        "ip": "0.0.0.0",  # noqa: S104 - of its Pod, where CurveZMQ and a network policy guard it
        "signature_scheme": "hmac-sha256",
        "key": secrets.token_hex(32),
        "curve_publickey": public.decode(),
        "curve_secretkey": private.decode(),
        **PORTS,
    }


def client_connection(facts: ForeignJson, ip: str) -> ForeignJson:
    """Return how to reach a kernel, as jupyter_client compares it: the key as bytes, Curve's as
    text.
    """
    return {**facts, "ip": ip, "key": str(facts["key"]).encode()}
