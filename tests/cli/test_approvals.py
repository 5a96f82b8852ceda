"""`pwsh-kernels approvals`: what a person reads before they decide, and how they say so."""

import os
import pty

import httpx
import pytest

from tests.fixtures.approvals import ask, change, count, ended
from tests.fixtures.cli import LIMIT, child_command, run_command
from tests.fixtures.server import CONTOSO, FABRIKAM, Server

pytestmark = pytest.mark.xdist_group("approvals")

LETTER = "<U+00E5 LATIN SMALL LETTER A WITH RING ABOVE>"


def told(server: Server, *words: str) -> tuple[str, str, int]:
    """Run `pwsh-kernels approvals` without a terminal."""
    return run_command(server.environment, "approvals", *words)


def test_a_change_is_listed_shown_and_declined(asking: Server, agent: httpx.Client) -> None:
    spoof = "a move\nClass: read"
    run = ask(agent, "sl / ; Set-Mailbox åda -Office X", reason=spoof)
    approval_id = run["approval"]["id"]
    listed, steps, _ = told(asking, "list")
    assert "`pwsh-kernels approvals show ID`" in steps
    assert approval_id in listed
    assert "agent:claude-code of the owner" in listed
    shown, steps, code = told(asking, "show", approval_id)
    digest = asking.get(f"/approvals/{approval_id}")["digest"]
    for step in (
        f"approve {approval_id}\n",
        f"decline {approval_id} --reason",
        f"code {approval_id}",
        f"approve {approval_id} --digest {digest[:12]}",
    ):
        assert f"pwsh-kernels approvals {step}" in steps
    lines = shown.splitlines()
    assert code == 0
    assert (
        "  | Set-Location / ; Set-Mailbox <U+00E5 LATIN SMALL LETTER A WITH RING ABOVE>da" in shown
    )
    assert f"In {CONTOSO}:exo as admin@{CONTOSO} (run {run['run_id']})" in lines
    assert "For: a move Class: read" in lines
    assert "Class: read" not in lines
    said, _, code = told(asking, "decline", approval_id, "--reason", "Not like this.")
    assert (said.strip(), code) == (f"{approval_id}: declined", 0)
    assert "Not like this." in ended(asking, run)["error"]
    assert approval_id not in told(asking, "list")[0]
    assert approval_id in told(asking, "list", "--all")[0]


def test_without_a_terminal_only_what_was_read_is_approved(
    asking: Server, agent: httpx.Client
) -> None:
    run = ask(agent, change("Piped"))
    approval_id = run["approval"]["id"]
    digest = asking.get(f"/approvals/{approval_id}")["digest"]
    whole = f"`pwsh-kernels approvals approve {approval_id} --digest {digest[:12]}`"
    _, said, code = run_command(asking.environment, "approvals", "approve", approval_id, stdin="y")
    assert (code, whole in said) == (1, True)
    _, said, code = told(asking, "approve", approval_id, "--digest", "0" * 64)
    assert (code, "another change than the one that was shown" in said) == (1, True)
    said, _, code = told(asking, "approve", approval_id, "--digest", digest[:12])
    started = f"{CONTOSO}: Approved by the owner; run {run['run_id']} has started."
    assert (said.strip(), code) == (started, 0)
    assert ended(asking, run)["state"] == "succeeded"
    assert count(asking, "Piped") == "1"


def test_an_approval_that_nobody_knows_is_told_with_the_command_that_lists_them(
    asking: Server,
) -> None:
    _, said, code = told(asking, "show", "nosuch")
    assert (code, "`pwsh-kernels approvals list --all`" in said) == (1, True)


@pytest.mark.parametrize(("typed", "state"), [("y", "used"), ("", "pending")])
def test_at_a_terminal_a_person_sees_the_change_and_is_asked(
    asking: Server, agent: httpx.Client, typed: str, state: str
) -> None:
    run = ask(agent, change(f"Typed{typed}"))
    approval_id = run["approval"]["id"]
    ours, theirs = pty.openpty()
    with child_command(asking.environment, "approvals", "approve", approval_id, stdin=theirs) as it:
        os.write(ours, f"{typed}\n".encode())
        out, said = it.communicate(timeout=LIMIT)
    os.close(ours)
    os.close(theirs)
    assert "Set-Mailbox" in out
    assert "Approve this? [y/N]" in said
    assert asking.get(f"/approvals/{approval_id}")["state"] == state


def test_a_command_that_waits_says_for_whom_and_how_it_ended(asking: Server) -> None:
    """The owner is asked too by then."""
    file = asking.folder / "tenants.toml"
    rules = file.read_text(encoding="utf-8")
    file.write_text(rules.replace('agent = "ask"', 'owner = "ask"'), encoding="utf-8")

    words = ("run", CONTOSO, "exo", change("Own"), "--reason", "a move")
    with child_command(asking.environment, *words) as run:
        assert run.stderr
        waits = run.stderr.readline()
        [one] = asking.get("/approvals", waiting=True)["approvals"]
        asking.post(f"/approvals/{one['id']}/decline", reason="Not now.")
        out, said = run.communicate(timeout=LIMIT)
    file.write_text(rules, encoding="utf-8")
    assert "Waiting for an approval by the owner, person:ada or person:" in waits
    assert one["id"] in waits
    assert "the owner has declined it: Not now." in said
    assert (one["reason"], out, run.returncode) == ("a move", "", 1)


def test_a_command_for_several_tenants_says_once_whose_approval_it_waits_for(
    asking: Server,
) -> None:
    """The owner is asked too by then."""
    file = asking.folder / "tenants.toml"
    rules = file.read_text(encoding="utf-8")
    file.write_text(rules.replace('agent = "ask"', 'owner = "ask"'), encoding="utf-8")
    words = ("run", f"{CONTOSO},{FABRIKAM}", "exo", change("Many"), "--detach")
    out, said, _ = run_command(asking.environment, *words)
    file.write_text(rules, encoding="utf-8")
    assert said.count("Waiting for an approval by the owner") == 1
    first, second = (line.split()[1] for line in out.splitlines())
    assert asking.post(f"/runs/{first}/cancel")["state"] == "cancelled"
    assert asking.post(f"/runs/{second}/cancel")["approval"]["state"] == "withdrawn"


def test_a_change_that_is_left_waiting_says_so_in_words(asking: Server) -> None:
    """The owner is asked too by then."""
    file = asking.folder / "tenants.toml"
    rules = file.read_text(encoding="utf-8")
    file.write_text(rules.replace('agent = "ask"', 'owner = "ask"'), encoding="utf-8")
    words = ("run", CONTOSO, "exo", change("Left"), "--wait-s", "0")
    _, said, code = run_command(asking.environment, *words)
    file.write_text(rules, encoding="utf-8")
    [run] = asking.get("/runs", state="waiting_for_approval")["runs"]
    told = f"{run['run_id']} waits for an approval: `pwsh-kernels follow {run['run_id']}`"
    assert (code, told in said) == (5, True)
    asking.post(f"/runs/{run['run_id']}/cancel")


def test_a_change_that_waits_in_every_tenant_has_the_code_of_one_that_waits(
    asking: Server, agent: httpx.Client
) -> None:
    body = {"tenants": [CONTOSO, FABRIKAM], "module": "exo", "command": change("Both")}
    answer = agent.post("/run", json={**body, "format": "text", "wait_s": 0}).json()
    assert (answer["success"], answer["code"]) == (False, "waiting_for_approval")
    assert answer["error"].startswith("Nothing has run yet: ")
    for one in answer["results"]:
        asking.post(f"/runs/{one['run_id']}/cancel")


def test_a_freeze_says_how_many_requests_it_took_back(asking: Server, agent: httpx.Client) -> None:
    ask(agent, change("Frozen"))
    _, said, code = run_command(asking.environment, "freeze", CONTOSO)
    run_command(asking.environment, "thaw", CONTOSO)
    assert (code, "1 request for approval withdrawn: after `thaw`" in said) == (0, True)
