"""`pwsh-kernels principals` as a person uses it: tokens shown once, decisions explained, and a file
that is never left broken.
"""

import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pwsh_kernels.catalog import file_turns
from pwsh_kernels.catalog.file_turns import turn
from pwsh_kernels.errors import FileNotWritten
from pwsh_kernels.principals.roll import Roll
from pwsh_kernels.principals.tokens import hash_of
from pwsh_kernels.principals.watched_file import load_principals
from tests.fixtures.cli import run_command

COMMAND_WAIT_S = 60
Command = Callable[..., tuple[str, str, int]]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return the place of the principals file; there is none yet."""
    return tmp_path / "pwsh-kernels" / "principals.toml"


@pytest.fixture
def principals(file: Path, tmp_path: Path) -> Command:
    """Run `pwsh-kernels principals ...` in this process."""
    environment = {"XDG_CONFIG_HOME": str(tmp_path), "HOME": str(tmp_path)}
    return lambda *arguments: run_command(environment, "principals", *arguments)


def roll(file: Path) -> Roll:
    return load_principals(file)


def test_a_new_principal_gets_a_token_that_is_shown_once_and_kept_as_a_hash(
    principals: Command, file: Path
) -> None:
    out, err, code = principals("add", "agent:claude", "--verb", "read", "--tenant", "*")
    token = out.strip()
    assert (code, len(token)) == (0, 47)
    assert "The token of agent:claude, valid until" in err
    assert "it is written to stdout" in err
    assert token not in err
    assert roll(file).by_id["agent:claude"].token_hash == hash_of(token)
    assert token not in file.read_text(encoding="utf-8")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    listed, _, _ = principals("list")
    assert "agent:claude  until " in listed
    assert listed.rstrip().endswith("read in *:*")
    assert token not in listed + principals("list", "--json")[0]


def test_a_second_add_gives_one_more_grant_and_no_new_token(
    principals: Command, file: Path
) -> None:
    principals("add", "script:nightly", "--verb", "read", "--tenant", "contoso.example")
    before = roll(file).by_id["script:nightly"]
    out, err, code = principals(
        *("add", "script:nightly", "--verb", "write", "--verb", "answer"),
        *("--tag", "lab", "--module", "exo"),
    )
    after = roll(file).by_id["script:nightly"]
    assert (out, code) == ("", 0)
    assert "one more grant" in err
    assert (after.token_hash, len(after.grants)) == (before.token_hash, 2)
    (listed,) = json.loads(principals("list", "--json")[0])
    assert listed["grants"][1] == {
        "verbs": ["answer", "write"],
        "tenants": [],
        "tags": ["lab"],
        "modules": ["exo"],
    }


def test_rotating_makes_the_old_token_nobodys(principals: Command, file: Path) -> None:
    old, _, _ = principals("add", "person:ada", "--verb", "see", "--tenant", "*", "--days", "1")
    ends = roll(file).by_id["person:ada"].expires
    new, _, code = principals("rotate", "person:ada", "--days", "30")
    assert code == 0
    assert roll(file).holder(old.strip()) is None
    holder = roll(file).holder(new.strip())
    assert holder is not None
    assert holder.expires is not None
    assert ends is not None
    assert holder.expires > ends


def test_who_is_revoked_stays_in_the_file_and_gets_no_token_again(
    principals: Command, file: Path
) -> None:
    principals("add", "person:ada", "--verb", "see", "--tenant", "*")
    assert principals("revoke", "person:ada")[2] == 0
    since = roll(file).by_id["person:ada"].revoked
    assert since is not None
    assert principals("revoke", "person:ada")[2] == 0
    assert roll(file).by_id["person:ada"].revoked == since
    out, err, code = principals("rotate", "person:ada")
    assert (out, code) == ("", 2)
    assert "was revoked and stays so" in err
    assert f"revoked {since.astimezone():%Y-%m-%d %H:%M:%S}" in principals("list")[0]
    out, _, code = principals("test", "person:ada", "see", "contoso.example")
    assert (out, code) == (f"person:ada was revoked at {since} and may do nothing.\n", 1)


def test_a_decision_is_explained_and_no_text_gives_a_right(
    principals: Command,
) -> None:
    principals(
        *("add", "agent:claude", "--verb", "read"),
        *("--tenant", "contoso.example", "--module", "exo"),
    )
    for command in ("Get-Mailbox", "Set-Mailbox x -Name y"):
        out, _, code = principals("test", "agent:claude", "run", "contoso.example", "exo", command)
        assert (out, code) == (
            (
                "agent:claude may not write in contoso.example:exo: no grant says so. There it may:"
                " read, see.\n"
            ),
            1,
        )
    out, _, code = principals("test", "agent:claude", "read", "contoso.example")
    assert (out, code) == ("agent:claude may read in contoso.example:exo: by grant 1.\n", 0)
    out, _, code = principals("test", "token", "kill")
    assert (out, code) == ("The owner may do everything.\n", 0)
    facts = json.loads(principals("test", "agent:claude", "approve", "--json")[0])
    assert (facts["allowed"], facts["reason"]) == (False, "never_for_agents")


@pytest.fixture
def ruled(principals: Command, file: Path) -> Command:
    """An agent that may write in a tenant that asks before changes, and has a reader."""
    file.parent.mkdir(parents=True)
    (file.parent / "tenants.toml").write_text(
        '[[tenant]]\nname = "adatum.com"\nchanges = { agent = "ask", script = "never" }\n'
        '[tenant.read.exo]\nexpected_account = "reader@adatum.com"\n',
        encoding="utf-8",
    )
    for kind in ("agent:claude", "script:night"):
        principals("add", kind, "--verb", "write", "--tenant", "adatum.com")
    return principals


@pytest.mark.pwsh
@pytest.mark.parametrize(
    ("who", "arguments", "code", "said"),
    [
        ("agent:claude", ("Get-Mailbox",), 0, 'Its class is read. For agent, changes = "ask"'),
        ("agent:claude", ("Set-Mailbox x",), 1, "Its class is write."),
        ("agent:claude", ("Set-Mailbox x",), 1, "it needs a person's approval."),
        ("script:night", ("Remove-Mailbox x",), 1, "it is refused."),
        ("agent:claude", ("Get-Mailbox", "--read"), 0, "the read tier runs it."),
        ("agent:claude", ("if ($true) { Get-Mailbox }", "--read"), 1, "and line 1, column 1"),
        ("agent:claude", ("Set-Mailbox x", "--read"), 1, "the read tier refuses it. Line 1,"),
    ],
)
def test_what_becomes_of_a_text_is_told_by_its_class_and_the_tenants_rule(
    ruled: Command, who: str, arguments: tuple[str, ...], code: int, said: str
) -> None:
    out, _, status = ruled("test", who, "run", "adatum.com", "exo", *arguments)
    assert (status, said in out) == (code, True), out


def test_without_a_text_the_rule_is_told(ruled: Command) -> None:
    out, _, code = ruled("test", "script:night", "run", "adatum.com")
    assert code == 0
    assert 'For script, changes = "never" there: only what only reads runs.' in out
    facts = json.loads(ruled("test", "agent:claude", "run", "adatum.com", "--json")[0])
    assert (facts["allowed"], facts["changes"]) == (True, "ask")
    out, _, code = ruled("test", "agent:claude", "run", "adatum.com", "graph", "--read")
    assert code == 1
    assert "nobody reads in adatum.com:graph:read" in out


def test_the_owner_and_an_agent_that_acts_for_it_can_be_asked_about_without_a_file(
    principals: Command, file: Path
) -> None:
    assert not file.exists()
    assert principals("list")[1].endswith("names nobody: only the owner's token is valid.\n")
    assert principals("test", "token", "administer")[2] == 0
    out, _, code = principals("test", "token/agent:claude-code", "administer")
    assert (out, code) == (
        "token/agent:claude-code may not administer: no grant gives that to an agent.\n",
        1,
    )


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("add", "claude"), "is not an id: write person:NAME"),
        (("add", "owner:me"), "is not an id"),
        (("add", "agent:a", "--verb", "look", "--tenant", "*"), "look is none of see, sign_in"),
        (("add", "agent:a", "--verb", "read"), "needs --verb, and --tenant or --tag"),
        (("add", "agent:a", "--verb", "approve", "--tenant", "*"), "an agent can never approve"),
        (("add", "agent:a", "--verb", "read", "--tenant", "a_b"), "is not a tenant"),
        (
            ("add", "agent:a", "--verb", "read", "--tenant", "*", "--module", "nope"),
            "nope",
        ),
        (("rotate", "agent:a"), "is not a principal; known: none"),
        (("revoke", "agent:a"), "is not a principal; known: none"),
        (("test", "agent:a", "run"), "is not a principal; known: none"),
        (("test", "token", "fly"), "must be one of see, sign_in"),
    ],
)
def test_a_mistake_changes_nothing_and_says_what_to_write(
    principals: Command, file: Path, arguments: tuple[str, ...], problem: str
) -> None:
    out, err, code = principals(*arguments)
    assert (out, code) == ("", 2)
    assert problem in err
    assert not file.exists()


def test_a_broken_file_is_never_overwritten(principals: Command, file: Path) -> None:
    file.parent.mkdir()
    file.touch(mode=0o600)
    file.write_text("[[principal]]\n", encoding="utf-8")
    out, err, code = principals("add", "agent:claude", "--verb", "see", "--tenant", "*")
    assert (out, code) == ("", 1)
    assert "name is missing" in err
    assert file.read_text(encoding="utf-8") == "[[principal]]\n"


def test_nobody_is_added_twice_with_other_rights_to_jupyter(principals: Command) -> None:
    principals("add", "person:ada", "--verb", "see", "--tenant", "*")
    _, err, code = principals("add", "person:ada", "--jupyter")
    assert code == 2
    assert "exists already" in err
    _, err, code = principals("add", "person:new")
    assert code == 0
    assert "may do nothing yet" in err


def test_commands_at_the_same_time_lose_none_of_their_changes(file: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "XDG_CONFIG_HOME": str(tmp_path), "HOME": str(tmp_path)}
    command = [sys.executable, "-m", "pwsh_kernels", "principals", "add"]
    asked = [
        subprocess.Popen(
            [*command, f"agent:a{number}", "--verb", "read", "--tenant", "*"],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for number in range(4)
    ]
    assert [one.wait(COMMAND_WAIT_S) for one in asked] == [0] * 4
    assert set(roll(file).by_id) == {f"agent:a{number}" for number in range(4)}


def test_a_command_waits_for_its_turn_and_gives_up_one_that_never_comes(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_turns, "TURN_WAIT_S", 0.1)
    with turn(file):
        with pytest.raises(FileNotWritten, match="another command has held it"), turn(file):
            pytest.fail("two commands have the file")
        assert not file.exists()
    with turn(file):
        assert not file.exists()
