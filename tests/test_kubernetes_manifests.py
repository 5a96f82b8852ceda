"""What deploy/kubernetes and the Helm chart make, read without a cluster."""

from collections.abc import Iterator
from typing import Any

from pwsh_kernels import __version__
from pwsh_kernels.sessions.places.pod import APP, PORTS, SESSION_APP
from pwsh_kernels.settings import setting_rows
from tests.fixtures.manifests import CHART, chart, documents, printed
from tests.fixtures.repository import ROOT

KUBERNETES = ROOT / "deploy" / "kubernetes"
BASE = KUBERNETES / "base"


def resources() -> Iterator[dict[str, Any]]:
    """Yield the objects that the kustomization names."""
    for name in documents((BASE / "kustomization.yaml").read_text())[0]["resources"]:
        yield from documents((BASE / name).read_text())


def one(kind: str, name: str = "pwsh-kernels") -> dict[str, Any]:
    """Return an object of the kustomization."""
    [found] = [one for one in resources() if (one["kind"], one["metadata"]["name"]) == (kind, name)]
    return found


def by_name(objects: list[dict[str, Any]]) -> dict[tuple[str, str], dict[str, Any]]:
    """Return objects by kind and name."""
    return {(one["kind"], one["metadata"]["name"]): one for one in objects}


def environment(deployment: dict[str, Any]) -> dict[str, str]:
    """Return the variables of the server."""
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    return {one["name"]: one["value"] for one in container["env"]}


def test_the_server_is_one_that_is_replaced_and_never_doubled() -> None:
    spec = one("Deployment")["spec"]
    assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})


def test_all_names_agree() -> None:
    deployment = one("Deployment")["spec"]
    template = deployment["template"]
    assert one("ServiceAccount")["metadata"]["name"] == template["spec"]["serviceAccountName"]
    labels = template["metadata"]["labels"]
    selectors = [deployment["selector"]["matchLabels"], one("Service")["spec"]["selector"]]
    policy = one("NetworkPolicy", "pwsh-kernels-server")["spec"]["podSelector"]["matchLabels"]
    assert [*selectors, policy] == [labels] * 3
    volumes = {volume["name"]: volume for volume in template["spec"]["volumes"]}
    assert one("PersistentVolumeClaim", volumes["data"]["persistentVolumeClaim"]["claimName"])
    mounted = {mount["name"] for mount in template["spec"]["containers"][0]["volumeMounts"]}
    assert mounted == set(volumes)
    binding = one("RoleBinding")
    assert binding["roleRef"]["name"] == one("Role")["metadata"]["name"]
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "pwsh-kernels"}]


def test_the_network_lets_the_server_alone_to_the_ports_of_sessions() -> None:
    spec = one("NetworkPolicy", "pwsh-kernels-sessions")["spec"]
    assert spec["podSelector"] == {"matchLabels": {APP: SESSION_APP}}
    [rule] = spec["ingress"]
    assert [port["port"] for port in rule["ports"]] == sorted(PORTS.values())
    server = one("Deployment")["spec"]["template"]["metadata"]["labels"]
    assert rule["from"] == [{"podSelector": {"matchLabels": server}}]
    [out] = spec["egress"]
    assert sorted({port["port"] for port in out["ports"]}) == [53, 443]


def test_the_probes_ask_what_each_is_for() -> None:
    [container] = one("Deployment")["spec"]["template"]["spec"]["containers"]
    paths = {
        name: container[f"{name}Probe"]["httpGet"]["path"] for name in ("liveness", "readiness")
    }
    assert paths == {"liveness": "/health/live", "readiness": "/health/ready"}


def test_the_server_gets_settings_that_there_are_and_a_token_from_a_secret() -> None:
    given = environment(one("Deployment"))
    assert set(given) <= {row.env for row in setting_rows()}
    assert given["PWSH_MANAGER_PLACE"] == "kubernetes"
    mounts = one("Deployment")["spec"]["template"]["spec"]["containers"][0]["volumeMounts"]
    assert any(given["PWSH_MANAGER_TOKEN_FILE"].startswith(one["mountPath"]) for one in mounts)


def test_the_chart_has_the_version_of_the_package() -> None:
    [named] = documents((CHART / "Chart.yaml").read_text())
    assert {named["version"], named["appVersion"]} == {__version__}


def test_kustomize_gives_sessions_the_image_of_the_server() -> None:
    made = by_name(printed("kubectl", "kustomize", str(BASE)))
    deployment = made["Deployment", "pwsh-kernels"]
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    assert environment(deployment)["PWSH_MANAGER_KUBERNETES_IMAGE"] == container["image"]
    assert {one["metadata"].get("namespace") for one in made.values()} == {"pwsh-kernels", None}


def test_a_shared_data_folder_is_named_and_can_be_mounted_by_many_nodes() -> None:
    made = by_name(printed("kubectl", "kustomize", str(KUBERNETES / "shared-data")))
    claim = environment(made["Deployment", "pwsh-kernels"])["PWSH_MANAGER_KUBERNETES_DATA_CLAIM"]
    assert made["PersistentVolumeClaim", claim]["spec"]["accessModes"] == ["ReadWriteMany"]


def test_the_chart_makes_what_the_kustomization_makes() -> None:
    helm = by_name(chart())
    plain = by_name([one for one in resources() if one["kind"] != "Namespace"])
    assert set(helm) == set(plain)
    deployment = helm["Deployment", "pwsh-kernels"]
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    assert environment(deployment)["PWSH_MANAGER_KUBERNETES_IMAGE"] == container["image"]
    [plainly] = plain["Deployment", "pwsh-kernels"]["spec"]["template"]["spec"]["containers"]
    for changed in (container, plainly):
        changed.pop("image")
        changed["env"] = [one["name"] for one in changed["env"]]
    assert helm == plain


def test_the_chart_has_an_ingress_a_shared_folder_and_more_settings_for_whoever_wants_them() -> (
    None
):
    wanted = ("ingress.enabled=true", "data.shared=true", "settings.PWSH_MANAGER_LOG_LEVEL=DEBUG")
    made = by_name(chart(*wanted))
    assert ("Ingress", "pwsh-kernels") in made
    given = environment(made["Deployment", "pwsh-kernels"])
    assert given["PWSH_MANAGER_LOG_LEVEL"] == "DEBUG"
    claim = made["PersistentVolumeClaim", given["PWSH_MANAGER_KUBERNETES_DATA_CLAIM"]]
    assert claim["spec"]["accessModes"] == ["ReadWriteMany"]
