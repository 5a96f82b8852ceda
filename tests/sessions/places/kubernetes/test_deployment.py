"""deploy/kubernetes at a real API server: it takes every object, and lets the server do what it
needs and no more.
"""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from lightkube import ApiError, AsyncClient
from lightkube.codecs import load_all_yaml
from lightkube.models.authentication_v1 import TokenRequestSpec
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import (
    ConfigMap,
    Namespace,
    PersistentVolumeClaim,
    Pod,
    Secret,
    ServiceAccount,
    ServiceAccountToken,
)
from lightkube.resources.rbac_authorization_v1 import Role

from tests.fixtures.manifests import chart
from tests.fixtures.repository import ROOT
from tests.sessions.places.kubernetes.node import Node
from tests.sessions.places.kubernetes.test_pods import KEY, NAME, open_pods, started

pytestmark = [pytest.mark.xdist_group("kubernetes"), pytest.mark.slow]
DEPLOY = ROOT / "deploy" / "kubernetes"
FILES = ["base/rights.yaml", "base/server.yaml", "base/network.yaml", "ingress-example.yaml"]
FORBIDDEN = 403


def token_request() -> ServiceAccountToken:
    """Return what asks for a token of a service account."""
    return ServiceAccountToken(metadata=ObjectMeta(), spec=TokenRequestSpec(audiences=[]))


@pytest.fixture
async def server(
    node: Node, kubeconfig: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Any]:
    """Be the server's service account: KUBECONFIG is its own, and the client that is returned."""
    for made in load_all_yaml((DEPLOY / "base" / "rights.yaml").read_text()):
        await node.client.create(made, namespace=node.namespace)
    asked = token_request()
    answer = await node.client.create(asked, "pwsh-kernels")
    config = yaml.safe_load(kubeconfig.read_text())  # noqa: ASYNC240 - a small file
    for user in config["users"]:
        user["user"] = {"token": answer.status.token}
    file = tmp_path / "server.yaml"
    file.write_text(yaml.safe_dump(config))
    monkeypatch.setenv("KUBECONFIG", str(file))
    client = AsyncClient(namespace=node.namespace)
    yield client
    await client.close()


@pytest.mark.parametrize("name", FILES)
async def test_the_api_server_takes_every_object(node: Node, name: str) -> None:
    for made in load_all_yaml((DEPLOY / name).read_text()):
        if made.metadata:
            made.metadata.namespace = None
        await node.client.create(made, namespace=node.namespace, dry_run=True)


async def test_the_api_server_takes_every_object_of_the_chart(node: Node) -> None:
    made = chart("ingress.enabled=true", "data.shared=true")
    assert {"Deployment", "Ingress", "Role"} <= {one["kind"] for one in made}
    for one in load_all_yaml(yaml.safe_dump_all(made)):
        if one.metadata:
            one.metadata.namespace = None
        await node.client.create(one, namespace=node.namespace, dry_run=True)


async def test_the_namespace_is_taken_as_well(node: Node) -> None:
    [made] = load_all_yaml((DEPLOY / "base" / "namespace.yaml").read_text())
    await node.client.create(made, dry_run=True)


async def test_the_servers_account_may_do_all_that_a_session_needs(server: Any, node: Node) -> None:
    assert server.namespace == node.namespace
    pods = open_pods(node)
    try:
        running = await started(pods, node)
        assert await pods.take_over(KEY) == running
        await pods.check(KEY)
        await pods.end(KEY)
        await pods.until_ended(KEY, running.uid, 3)
        assert await pods.forget_home(KEY)
    finally:
        await pods.close()


async def test_the_servers_account_may_do_nothing_else(server: Any, node: Node) -> None:
    pods = open_pods(node)
    try:
        await started(pods, node)
    finally:
        await pods.close()
    other = {"namespace": "default"}
    changed = {"metadata": {"labels": {"a": "b"}}}
    attempts = {
        "read other namespaces": server.get(Pod, NAME, **other),
        "read Secrets of other namespaces": server.get(Secret, "x", **other),
        "change a Pod": server.patch(Pod, NAME, changed),
        "say what became of a Pod": server.patch(Pod.Status, NAME, changed),
        "change a Secret": server.patch(Secret, NAME, changed),
        "change a claim": server.patch(PersistentVolumeClaim, NAME, changed),
        "evict a Pod": server.create(Pod.Eviction(metadata=ObjectMeta(name=NAME)), NAME),
        "read settings": server.get(ConfigMap, "x"),
        "read what is deployed": server.get(Deployment, "x"),
        "read its rights": server.get(Role, "pwsh-kernels"),
        "take another account": server.create(token_request(), "default"),
        "read accounts": server.get(ServiceAccount, "default"),
        "read namespaces": server.get(Namespace, "default"),
    }
    codes = {}
    for what, attempt in attempts.items():
        with pytest.raises(ApiError) as refusal:
            await attempt
        codes[what] = refusal.value.status.code
    assert codes == dict.fromkeys(attempts, FORBIDDEN)
    with pytest.raises(ApiError, match="cannot list resource"):
        [one async for one in server.list(Secret)]
