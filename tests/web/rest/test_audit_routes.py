"""GET /audit and GET /audit/head: what the server itself tells of its audit log."""

import json

import pytest

from pwsh_kernels.audit.files import named_lines
from pwsh_kernels.principals.verbs import Verb
from tests.fixtures.principals import Principals, grant
from tests.fixtures.server import Server

pytestmark = pytest.mark.xdist_group("principals")


def test_records_come_in_pages_from_the_first_to_the_last(guarded: Server) -> None:
    written = [
        json.loads(line) for _, lines in named_lines(guarded.data_dir / "audit") for line in lines
    ]
    found: list[dict[str, object]] = []
    after, more = 0, True
    while more:
        page = guarded.get("/audit", after=after, limit=7)
        found += page["records"]
        after, more = page["next"], page["more"]
    assert found[: len(written)] == written
    only = guarded.get("/audit", kind="sign_in.ended", since="2026-01-01T00:00:00Z")["records"]
    assert {one["kind"] for one in only} == {"sign_in.ended"}
    assert guarded.get("/audit", since="2999-01-01T00:00:00Z")["records"] == []
    assert guarded.get("/audit", after=10**9)["next"] == 10**9


def test_the_head_is_the_hash_of_the_last_record(guarded: Server) -> None:
    head = guarded.get("/audit/head")
    [last] = guarded.get("/audit", after=head["seq"] - 1, limit=1)["records"]
    assert (head["state"], head["hash"]) == ("on", last["hash"])


def test_the_newest_records_come_first_by_class_and_run(guarded: Server) -> None:
    run = guarded.run("'looked for'")["run_id"]
    page = guarded.get("/audit", newest=True, limit=3)
    numbers = [one["seq"] for one in page["records"]]
    assert numbers == sorted(numbers, reverse=True)
    assert page["more"]
    older = guarded.get("/audit", newest=True, before=page["next"], limit=1)["records"]
    assert older[0]["seq"] == numbers[-1] - 1
    ended, accepted = guarded.get("/audit", newest=True, run=run)["records"]
    assert (accepted["kind"], ended["kind"]) == ("run.accepted", "run.ended")
    assert guarded.get("/audit", **{"class": "destructive", "run": run})["records"] == []


def test_the_server_verifies_its_log_and_remembers_what_it_found(guarded: Server) -> None:
    head = guarded.post("/audit/verify")
    found = head["verified"]
    assert (found["first"], found["last"], found["problems"]) == (1, head["seq"], [])
    assert guarded.get("/audit/head")["verified"] == found
    assert head["anchor"] is None


def test_who_administers_one_tenant_does_not_see_the_log_of_all(
    guarded: Server, principals: Principals
) -> None:
    principals.add("local-admin", grant(Verb.ADMINISTER))
    with principals.client(guarded, "local-admin") as http:
        assert http.get("/audit").status_code == 403
    with principals.client(guarded, "admin") as http:
        assert http.get("/audit").status_code == 200
