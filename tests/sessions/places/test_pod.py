"""The objects of a session on Kubernetes, and what its Pod is given."""

import base64
import json
import re
from pathlib import Path
from typing import Any

import pytest

from pwsh_kernels.errors import OutOfReach, PlaceUnavailable
from pwsh_kernels.kernel import pod_start
from pwsh_kernels.sessions.key import SessionKey
from pwsh_kernels.sessions.places import kubernetes, pod
from pwsh_kernels.sessions.places.confinement import PACKAGE, Needs
from pwsh_kernels.sessions.places.kubernetes import KubernetesPlace, pod_facts
from pwsh_kernels.sessions.places.pod import Carried, Mount, PodSettings
from pwsh_kernels.settings import Settings

KEY = SessionKey("contoso.com", "exo")
LIMITED = PodSettings(
    "image:1", {"memory": "1Gi", "exo.memory": "2Gi"}, {"cpu": "1", "azure.memory": "4Gi"}
)

NOTHING = Carried()


def made(carried: Carried = NOTHING) -> dict[str, Any]:
    """Return the Pod of a session, and its only container beside it."""
    manifest = pod.pod(KEY, LIMITED, carried)
    [container] = manifest["spec"]["containers"]
    return {**manifest["spec"], "container": container, "metadata": manifest["metadata"]}


def place(folder: Path, **settings: str) -> KubernetesPlace:
    """Return a place whose server has its data in the folder."""
    given = {"PWSH_MANAGER_DATA_DIR": str(folder), "PWSH_MANAGER_KUBERNETES_IMAGE": "image:1"}
    return KubernetesPlace(Settings.model_validate({**given, **settings}))


def test_a_pod_has_no_token_no_root_no_privilege_and_can_change_nothing_of_its_image() -> None:
    spec = made()
    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] == 10001
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    rights = spec["container"]["securityContext"]
    assert (rights["allowPrivilegeEscalation"], rights["privileged"]) == (False, False)
    assert rights["readOnlyRootFilesystem"] is True
    assert rights["capabilities"] == {"drop": ["ALL"]}


def test_a_module_asks_for_its_own_amount_where_one_is_named_and_else_for_everybodys() -> None:
    assert pod.resources(LIMITED, "exo") == {"requests": {"memory": "2Gi"}, "limits": {"cpu": "1"}}
    azure = pod.resources(LIMITED, "azure")
    assert azure == {"requests": {"memory": "1Gi"}, "limits": {"cpu": "1", "memory": "4Gi"}}


def test_a_session_outlasts_a_node_that_is_out_of_reach_for_as_long_as_the_settings_say() -> None:
    waits = {one["key"]: one["tolerationSeconds"] for one in made()["tolerations"]}
    assert waits == {"node.kubernetes.io/not-ready": 900, "node.kubernetes.io/unreachable": 900}


def test_names_are_such_as_kubernetes_takes_whatever_the_tenant_is_called() -> None:
    long = SessionKey(f"{'a' * 60}.{'b' * 60}.example", "exo")
    for name in (pod.pod_name(long), pod.claim_name(long)):
        assert re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", name)
    assert pod.session_of(pod.pod(long, LIMITED, Carried())["metadata"]) == long
    assert pod.session_of({"name": "something-else"}) is None


def test_a_certificate_is_at_its_own_path_in_a_volume_without_the_connection() -> None:
    spec = made(Carried(files=(Path("/etc/exo.pfx"),)))
    [mount] = [one for one in spec["container"]["volumeMounts"] if one["name"] == "files"]
    assert (mount["mountPath"], mount["readOnly"]) == ("/etc/exo.pfx", True)
    [volume] = [one["secret"] for one in spec["volumes"] if one["name"] == "files"]
    assert [one["key"] for one in volume["items"]] == [mount["subPath"]]
    secret = pod.secret(KEY, "uid", {"connection.json": "{}"}, {Path("/etc/exo.pfx"): b"\x00pfx"})
    assert base64.b64decode(secret["data"][mount["subPath"]]) == b"\x00pfx"


def test_a_secret_goes_with_its_pod_and_a_claim_stays() -> None:
    secret = pod.secret(KEY, "uid-1", {}, {})
    [owner] = secret["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["name"], owner["uid"]) == ("Pod", pod.pod_name(KEY), "uid-1")
    claim = pod.claim(KEY, PodSettings("image:1", storage_class="fast", home_size="5Gi"))
    assert "ownerReferences" not in claim["metadata"]
    assert claim["spec"]["storageClassName"] == "fast"
    assert claim["spec"]["resources"]["requests"]["storage"] == "5Gi"
    assert "storageClassName" not in pod.claim(KEY, PodSettings("image:1"))["spec"]


def test_a_part_of_the_data_folder_is_at_the_same_path() -> None:
    mount = Mount(Path("/data/state/history/x"), Path("history/x"), read_only=True)
    spec = made(Carried(mounts=(mount,)))
    [seen] = [one for one in spec["container"]["volumeMounts"] if one["name"] == "data"]
    assert (seen["mountPath"], seen["subPath"]) == ("/data/state/history/x", "history/x")
    assert seen["readOnly"] is True


async def test_what_is_a_sessions_own_of_the_data_folder_comes_along_with_a_claim_of_it(
    tmp_path: Path,
) -> None:
    history, sandbox = tmp_path / "history" / "x", tmp_path / "sandbox"
    for folder in (history, sandbox):
        folder.mkdir(parents=True)
    certificate = tmp_path / "exo.pfx"
    certificate.write_bytes(b"pfx")
    needs = Needs(read=(history, certificate, Path("/elsewhere")), write=(sandbox,))
    shared = place(tmp_path, PWSH_MANAGER_KUBERNETES_DATA_CLAIM="state")
    shared.check(needs)
    contents = await shared.contents(needs, {})
    assert contents.carried.mounts == (
        Mount(history, Path("history/x"), read_only=True),
        Mount(sandbox, Path("sandbox"), read_only=False),
    )
    assert contents.files == {certificate: b"pfx"}
    alone = await place(tmp_path).contents(needs, {})
    assert (alone.carried.mounts, alone.files) == ((), {certificate: b"pfx"})


def test_a_simulated_tenant_is_refused_where_its_authority_cannot_come_along(
    tmp_path: Path,
) -> None:
    with pytest.raises(OutOfReach, match=r"sandbox.*PWSH_MANAGER_KUBERNETES_DATA_CLAIM"):
        place(tmp_path).check(Needs(write=(Path("/session/files"), tmp_path / "sandbox")))
    place(tmp_path).check(Needs(write=(Path("/session/files"),)))


def test_without_an_image_no_session_begins_and_nobody_is_asked_for_one(tmp_path: Path) -> None:
    with pytest.raises(PlaceUnavailable, match="PWSH_MANAGER_KUBERNETES_IMAGE names no image"):
        place(tmp_path, PWSH_MANAGER_KUBERNETES_IMAGE="").check(Needs())


async def test_without_lightkube_the_error_says_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kubernetes, "find_spec", lambda _: None)
    with pytest.raises(PlaceUnavailable, match=r"pip install 'pwsh-kernels\[kubernetes\]'"):
        place(tmp_path).check(Needs())
    assert await place(tmp_path).living() == []
    assert await place(tmp_path).find(KEY) is None


async def test_of_a_place_that_is_not_set_up_nothing_lives_and_nothing_is_asked(
    tmp_path: Path,
) -> None:
    idle = place(tmp_path, PWSH_MANAGER_KUBERNETES_IMAGE="")
    assert (await idle.alive(KEY), await idle.find(KEY), await idle.living()) == (None, None, [])
    assert await idle.forget_home(KEY) is False
    await (await idle.remains(KEY)).kill()
    async with idle.yielding(KEY):
        await idle.stop_yielding(KEY)
    await idle.close()


async def test_a_cluster_that_is_not_to_be_found_is_said_to_whoever_needs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    lost = place(tmp_path)
    with pytest.raises(ConnectionError, match="no Kubernetes is to be found from here"):
        await lost.find(KEY)
    assert (await lost.alive(KEY), await lost.living()) == (None, [])


def test_a_confined_session_reads_its_image_and_writes_what_is_its_own(tmp_path: Path) -> None:
    shared = place(tmp_path, PWSH_MANAGER_KUBERNETES_DATA_CLAIM="state")
    needs = Needs(read=(tmp_path / "modules",), write=(Path("/session/files"), tmp_path / "s"))
    confined = shared.confine(KEY, needs)
    assert confined
    rules = json.loads(confined.rules)
    assert rules["write"] == ["/session/home", "/session/files", f"{tmp_path}/s"]
    assert {"/usr", "/opt", str(PACKAGE), f"{tmp_path}/modules"} <= set(rules["read"])
    assert not any(path.startswith("/run/session") for path in rules["read"] + rules["write"])
    assert place(tmp_path, PWSH_MANAGER_CONFINE="off").confine(KEY, needs) is None


def test_paths_of_this_machine_stay_here_and_the_package_is_found_where_the_image_has_it() -> None:
    given = {"PWSH_MANAGER_PWSH": "/here/pwsh", "PATHS": f"{PACKAGE}/sandbox:/data"}
    facts = json.loads(pod_facts(given))
    assert facts["environment"] == {
        "PATHS": f"{kubernetes.PACKAGE_MARK}/sandbox:/data",
        "HOME": str(pod.MEMORY),
    }


def test_a_pod_gets_neither_paths_nor_secrets_of_the_servers_environment(tmp_path: Path) -> None:
    given = {"PATH": "/bin", "HOME": "/root", "TZ": "UTC", "https_proxy": "http://p:1", "A": "b"}
    environment = place(tmp_path).environment({**given, "PWSH_MANAGER_TOKEN": "t"}, ["A"])
    assert environment == {"TZ": "UTC", "https_proxy": "http://p:1", "A": "b"}


def test_the_pod_and_what_starts_in_it_name_the_same_things() -> None:
    assert (pod_start.GIVEN, pod_start.MEMORY) == (pod.GIVEN, pod.MEMORY)
    assert (pod_start.CONNECTION, pod_start.FACTS) == (pod.CONNECTION, pod.FACTS)
    assert pod_start.PACKAGE_MARK == kubernetes.PACKAGE_MARK
    assert pod_start.PACKAGE == PACKAGE
    assert pod.START[-1] == pod_start.__name__
