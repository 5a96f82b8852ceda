"""What the doctor says of the places of sessions: their users, their limits, and the cluster."""

import os
from pathlib import Path
from typing import cast

import pytest
import yaml

from pwsh_kernels.cli.doctor import kubernetes, limits, users
from pwsh_kernels.settings import Settings
from pwsh_kernels.shapes import Health, LimitsInForce
from tests.fixtures.session_users import SWITCHES, USERS, passable_folder

CONTEXT = {"cluster": "here", "user": "me", "namespace": "sessions"}


def settings(**given: str) -> Settings:
    """Return settings as the environment would give them."""
    return Settings.model_validate(given)


def kubeconfig(folder: Path, port: int) -> Path:
    """Write a file that names a cluster on a port of this machine."""
    file = folder / "kubeconfig"
    facts = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "contexts": [{"name": "here", "context": CONTEXT}],
        "users": [{"name": "me", "user": {"token": "none"}}],
        "clusters": [{"name": "here", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
    }
    file.write_text(yaml.safe_dump(facts))
    return file


async def test_of_a_cluster_nothing_is_said_where_no_session_lives_there() -> None:
    assert await kubernetes(settings()) == []


async def test_a_cluster_that_does_not_answer_is_named(
    tmp_path: Path, free_tcp_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig(tmp_path, free_tcp_port)))
    (said,) = await kubernetes(settings(PWSH_MANAGER_KUBERNETES_IMAGE="image"))
    assert said.verdict == "wrong"
    assert f"http://127.0.0.1:{free_tcp_port}, namespace sessions" in said.text
    assert "does not answer" in said.text


async def test_where_there_is_no_cluster_the_doctor_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    (said,) = await kubernetes(settings(PWSH_MANAGER_PLACE="kubernetes"))
    assert (said.verdict, "no Kubernetes is to be found" in said.text) == ("wrong", True)


@pytest.mark.parametrize(
    ("there", "says"),
    [
        (
            {"memory": "watch", "processes": "none"},
            "memory by a look every 2 s, no limit of processes",
        ),
        (
            {"memory": "cgroup", "processes": "cgroup"},
            "memory by a cgroup each, processes by the cgroup",
        ),
        ({"memory": "none", "processes": "user"}, "no limit of memory, processes by their user"),
    ],
)
def test_the_limits_are_those_that_the_server_tells(there: LimitsInForce, says: str) -> None:
    assert says in limits(cast("Health", {"limits": there})).text


def test_without_users_of_their_own_sessions_have_the_servers() -> None:
    (said,) = users(settings())
    assert (said.verdict, "the server's user" in said.text) == ("ok", True)


@pytest.mark.skipif(os.geteuid() != 0, reason="NOT TESTED: only root may switch users")
def test_users_that_cannot_pass_to_the_data_folder_are_told_of(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    given = {"PWSH_MANAGER_SESSION_USERS": USERS, "PWSH_MANAGER_DATA_DIR": f"{tmp_path}/data"}
    (said,) = users(settings(**given))
    assert said.verdict == "wrong"
    assert f"chmod o+x {tmp_path}" in said.text


@SWITCHES
def test_users_that_can_be_had_are_named() -> None:
    with passable_folder() as folder:
        given = {"PWSH_MANAGER_SESSION_USERS": USERS, "PWSH_MANAGER_DATA_DIR": f"{folder}/data"}
        (said,) = users(settings(**given))
    assert (said.verdict, USERS in said.text) == ("ok", True)
