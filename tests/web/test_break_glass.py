"""The owner, and nobody else, runs a command in spite of what a tenant says of changes; everybody
who could have approved it learns of it.
"""

import json
from collections.abc import Iterator

import httpx
import pytest

from pwsh_kernels.audit.files import named_lines
from pwsh_kernels.audit.trail import AuditTrail
from pwsh_kernels.catalog import Catalog
from pwsh_kernels.classification import Classifier
from pwsh_kernels.errors import BreakGlassRefused
from pwsh_kernels.principals.principal import OWNER
from pwsh_kernels.web.access import Caller
from pwsh_kernels.web.break_glass import BreakGlass
from tests.fixtures.approvals import AGENT, RULES, Json, change, hears_of
from tests.fixtures.browser import signed_in
from tests.fixtures.cli import run_command
from tests.fixtures.principals import Principals
from tests.fixtures.receivers import Hook
from tests.fixtures.server import CONTOSO, FABRIKAM, Server

pytestmark = pytest.mark.xdist_group("approvals")


@pytest.fixture(scope="module")
def forbidding(asking: Server) -> Iterator[Server]:
    """Give the server while it allows nobody a change in one of its tenants."""
    file = asking.folder / "tenants.toml"
    file.write_text(RULES.replace('{ agent = "ask" }', '"never"', 1), encoding="utf-8")
    yield asking
    file.write_text(RULES, encoding="utf-8")


def broken(http: httpx.Client, name: str, **more: object) -> tuple[int, Json]:
    """Run a change with the glass broken; return status and answer."""
    body = {"tenant": CONTOSO, "command": change(name), "break_glass": "the\nbuilding burns"}
    answer = http.post("/run", json={**body, "format": "text", **more})
    return answer.status_code, answer.json()


def ran(server: Server, name: str) -> str:
    """Return how often a change has run; to look breaks the glass too."""
    look = {"command": f"[int]$global:{name}", "break_glass": "a look", "format": "text"}
    return str(server.post("/run", tenant=CONTOSO, **look)["result"]).strip()


def test_it_runs_where_nothing_may_and_is_recorded_before_it_begins(forbidding: Server) -> None:
    assert forbidding.run(change("Glass"))["code"] == "changes_refused"
    with forbidding.http() as owner:
        status, run = broken(owner, "Glass")
    assert (status, run["state"], run["break_glass"]) == (200, "succeeded", "the building burns")
    assert (run["class"], run["approval"]) == ("unknown", None)
    folder = forbidding.data_dir / "audit"
    found = [json.loads(line) for _, lines in named_lines(folder) for line in lines]
    ours = [one for one in found if one.get("run_id") == run["run_id"]]
    assert [one["kind"] for one in ours] == ["glass.broken", "run.accepted", "run.ended"]
    assert ours[0]["reason"] == ours[1]["break_glass"] == "the building burns"
    listed = forbidding.get("/runs", break_glass=True)["runs"]
    assert run["run_id"] in [one["run_id"] for one in listed]
    assert all(one["break_glass"] for one in listed)


def test_nobody_but_the_owner_breaks_it(forbidding: Server, deciders: Principals) -> None:
    with (
        forbidding.http(**AGENT) as agent,
        deciders.client(forbidding, "ada") as ada,
        deciders.client(forbidding, "robot") as robot,
    ):
        for nobody in (agent, ada, robot):
            status, answer = broken(nobody, "Nobody")
            assert (status, answer["code"]) == (403, "break_glass_refused")
    with forbidding.http() as owner:
        for wrong in ({"break_glass": " "}, {"tier": "read"}):
            status, answer = broken(owner, "Nobody", **wrong)
            assert (status, answer["code"]) == (400, "invalid_request")
    assert ran(forbidding, "Nobody") == "0"


def test_who_may_approve_is_told_and_sees_it_for_a_day(
    forbidding: Server, deciders: Principals, hears: Hook
) -> None:
    with forbidding.http() as owner:
        run = broken(owner, "Told")[1]
    told = hears_of(hears, "glass_broken")
    while not told["link"].endswith(run["run_id"]):
        told = hears_of(hears, "glass_broken")
    assert (told["requester"], told["tenants"], told["reason"]) == (
        "token",
        [CONTOSO],
        "the building burns",
    )
    assert told["link"] == f"{forbidding.url}/runs/{run['run_id']}"
    with signed_in(forbidding, deciders.tokens["contosos"]) as browser:
        assert "broke the glass" in browser.open("/").text
        assert "the building burns" in browser.open(f"/runs/{run['run_id']}").text
        assert "break-glass" in browser.open("/runs").text
    with signed_in(forbidding, deciders.tokens["reader"]) as browser:
        assert "broke the glass" not in browser.open("/").text


def test_it_works_from_the_command_line_in_several_tenants(forbidding: Server) -> None:
    words = ("run", f"{CONTOSO},{FABRIKAM}", "exo", change("Line"), "--break-glass", "a fire")
    _, said, code = run_command(forbidding.environment, *words)
    assert code == 0, said
    assert ran(forbidding, "Line") == "1"


def test_the_command_line_says_that_it_is_recorded(forbidding: Server) -> None:
    words = ("run", CONTOSO, "exo", change("Told"), "--break-glass", "a fire")
    _, said, code = run_command(forbidding.environment, *words)
    assert (code, "is recorded with its reason" in said) == (0, True)


def test_it_is_not_broken_where_nothing_is_recorded() -> None:
    glass = BreakGlass(Classifier(Catalog.load(), confined=False), AuditTrail())
    with pytest.raises(BreakGlassRefused, match="the audit log is off"):
        glass.judging(Caller(OWNER, "curl"), ["Get-Date"])
