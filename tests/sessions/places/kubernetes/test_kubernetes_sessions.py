"""Sessions whose kernels are Pods: everything from the sign-in to the end, with a node of the test
that runs them on this machine.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from lightkube import ApiError
from lightkube.resources.core_v1 import PersistentVolumeClaim, Pod

from pwsh_kernels.sessions.key import SessionKey
from pwsh_kernels.sessions.places.pod import claim_name, pod_name
from tests.sessions.places.kubernetes.node import Node
from tests.sessions.world import CONTOSO, World

pytestmark = [pytest.mark.xdist_group("kubernetes"), pytest.mark.slow, pytest.mark.pwsh]
KEY = SessionKey(CONTOSO, "exo")
NAME = pod_name(KEY)


@pytest.fixture
async def serving(node: Node) -> AsyncIterator[Node]:
    """Play a node that runs kernels."""
    task = asyncio.create_task(node.serve())
    yield node
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def begun(folder: Path, node: Node, **settings: str) -> Any:
    """Begin a world whose sessions are Pods."""
    return World.begin(
        folder,
        PWSH_MANAGER_PLACE="kubernetes",
        PWSH_MANAGER_KUBERNETES_IMAGE="image:1",
        PWSH_MANAGER_KUBERNETES_NAMESPACE=node.namespace,
        PWSH_MANAGER_KUBERNETES_DATA_CLAIM="data",
        PWSH_MANAGER_CONFINE="off",
        **settings,
    )


@pytest.fixture
async def world(serving: Node, tmp_path: Path) -> AsyncIterator[World]:
    """Have a server whose sessions are Pods."""
    one = await begun(tmp_path, serving)
    yield one
    await one.end()


async def test_a_session_signs_in_runs_asks_is_cancelled_and_ends_as_on_one_machine(
    world: World, serving: Node
) -> None:
    status = await world.sign_in()
    assert (status["state"], status["place"]) == ("signed_in", "kubernetes")
    assert (await world.run("$x = 41; $HOME"))["result"].strip().endswith("/session/home")
    asked = await world.begin_run("Read-Host 'Name'")
    assert (await world.asked(asked))["state"] == "waiting_for_input"
    await world.sessions.answer(asked, "Ada")
    assert "Ada" in await world.output_of(asked, "Ada")
    long = await world.begin_run("Start-Sleep 60")
    await world.sessions.cancel(long, 20)
    assert (await world.run("$x + 1"))["result"].strip() == "42"
    assert "$x = 41" in (await world.run("(Get-SessionHistory).command -join ' '"))["result"]
    await world.sessions.disconnect(CONTOSO, "exo")
    with pytest.raises(ApiError):
        await serving.client.get(Pod, NAME)
    assert await serving.client.get(PersistentVolumeClaim, claim_name(KEY))


async def test_the_next_server_finds_a_pod_still_signed_in_and_a_deletion_loses_it(
    serving: Node, tmp_path: Path
) -> None:
    first = await begun(tmp_path, serving)
    await first.sign_in()
    await first.run("$x = 41")
    await first.stop()
    later = await begun(tmp_path, serving)
    try:
        assert (await later.status())["state"] == "signed_in"
        assert (await later.run("$x + 1"))["result"].strip() == "42"
        await serving.client.delete(Pod, NAME, grace_period=30)
        lost = await later.becomes(CONTOSO, "lost")
        assert lost["reason"] == "its kernel process has ended (its Pod was deleted)"
        await later.sign_in()
        assert (await later.run("$x"))["result"].strip() == ""
    finally:
        await later.end()


async def test_a_pod_is_found_without_any_note_of_it(serving: Node, tmp_path: Path) -> None:
    first = await begun(tmp_path, serving)
    await first.sign_in()
    await first.stop()
    for note in (tmp_path / "data" / "sessions").iterdir():
        note.unlink()
    later = await begun(tmp_path, serving)
    try:
        assert (await later.status())["state"] == "signed_in"
        await later.sessions.disconnect(CONTOSO, "exo", forget=True)
        claim = await serving.client.get(PersistentVolumeClaim, claim_name(KEY))
        assert claim.metadata.deletionTimestamp  # what removes it then is no part of an API server
    finally:
        await later.end()


async def test_a_pod_that_does_not_start_ends_the_session_with_what_kubernetes_said(
    node: Node, tmp_path: Path
) -> None:
    world = await begun(tmp_path, node, PWSH_MANAGER_KUBERNETES_START="2")
    try:
        await world.login()
        lost = await world.becomes(CONTOSO, "lost")
        assert lost["reason"].startswith(
            "its kernel did not start: its Pod was not ready after 2 s: its node has not begun"
        )
    finally:
        await world.end()
