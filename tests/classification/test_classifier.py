"""The classifier: its process, its bounds, what it says of commands."""

import asyncio
import os
import signal
from pathlib import Path

import psutil
import pytest

from pwsh_kernels.catalog import Catalog
from pwsh_kernels.classification import Class, Classifier
from pwsh_kernels.classification.prescan import MAX_TEXT
from pwsh_kernels.classification.tables import engine
from pwsh_kernels.landlock import abi_version
from tests.classification.conftest import Judge

DEEP = 20_000
"""Brackets in brackets, of which PowerShell's parser dies."""


def test_each_command_is_named_with_its_class_place_and_service(judge: Judge) -> None:
    found = judge("Get-Mailbox ada |\n  ? { Set-PnPList x; $_.Name }").commands
    assert [(one.name, one.kind, one.service, one.place.line) for one in found] == [
        ("Get-Mailbox", Class.READ, "exo", 1),
        ("Where-Object", Class.READ, "powershell", 2),
        ("Set-PnPList", Class.WRITE, "pnp", 2),
    ]


def test_a_reason_says_what_to_write_instead(judge: Judge) -> None:
    (reason,) = judge('Get-Mailbox\n& ("Set" + "-Mailbox") ada').reasons
    assert (reason.code, reason.place.line, reason.place.column) == ("dynamic_command", 2, 1)
    assert reason.place.piece == '& ("Set" + "-Mailbox") ada'
    assert reason.instead == "Write the name of the command itself."


def test_the_variables_that_come_from_the_session_are_named(judge: Judge) -> None:
    text = '$a = 1; foreach ($one in $All) { Set-Mailbox "$one $env:X" -Name $name$a -Force:$true }'
    assert judge(text).variables == ("All", "env:X", "name")
    assert judge("Get-Mailbox | Where-Object { $_.Name -eq 'x' }").variables == ()


def test_a_service_of_ones_own_says_what_its_commands_do(tmp_path: Path) -> None:
    """The catalog's files are the tables; a command that none lists is not read."""
    (tmp_path / "crm.toml").write_text(
        """
title = "CRM"
powershell_module = "Contoso.Crm"
minimum_version = "1.0"
purpose = "Customers."
commands = ["*-Crm*"]
check = { script = "3" }
disconnect = { script = "4" }
[classes]
writes = ["Get-CrmTicket"]
reads = ["Ping-Crm*"]
secrets = ["Get-CrmKey"]
[routes.device_code]
script = "2"
""",
        encoding="utf-8",
    )

    async def kinds() -> list[str]:
        classifier = Classifier(Catalog.load(extra=tmp_path))
        texts = ("Get-CrmCustomer", "Get-CrmTicket", "Ping-CrmHost", "Get-CrmKey", "Get-Erp")
        found = [(await classifier.classify(text, "crm")).kind.value for text in texts]
        await classifier.stop()
        return found

    assert asyncio.run(kinds()) == ["read", "write", "read", "unknown", "unknown"]


@pytest.mark.parametrize(
    "text", ['"$(' * 8000, "{" * 10_000 + "}" * 10_000, "|".join(["gm"] * 9000), "1;" * 9000]
)
def test_a_text_that_would_keep_the_parser_busy_is_not_parsed(judge: Judge, text: str) -> None:
    assert judge(text).reasons[0].code == "tangled"


def test_a_text_that_is_too_long_is_not_parsed(judge: Judge) -> None:
    assert judge("1" * (MAX_TEXT + 1)).reasons[0].code == "too_long"
    assert judge(f"'{'x' * (MAX_TEXT - 2)}'").kind is Class.READ


def test_odd_characters_are_no_reason_to_fail(judge: Judge) -> None:
    assert judge("'\x00\ud800\u2028'").kind in (Class.READ, Class.UNKNOWN)
    assert judge("\ufeffGet-Mailbox").kind in (Class.READ, Class.UNKNOWN)


def test_aliases_are_those_of_the_engine(powershell_path: Path) -> None:
    """The fixed table names what PowerShell itself names: nothing is asked of a session."""
    script = "Get-Alias | ForEach-Object { $_.Name + '=' + $_.Definition }"

    async def listed() -> str:
        options = ("-NoLogo", "-NoProfile", "-NonInteractive", "-Command", script)
        asked = await asyncio.create_subprocess_exec(
            powershell_path, *options, stdout=asyncio.subprocess.PIPE
        )
        return (await asyncio.wait_for(asked.communicate(), 60))[0].decode()

    lines = (line.partition("=") for line in asyncio.run(listed()).splitlines())
    assert engine().aliases == {name.lower(): command for name, _, command in lines}


@pytest.mark.parametrize("how", ["killed", "of a text"])
async def test_a_parser_that_dies_is_started_again(powershell_path: Path, how: str) -> None:
    classifier = Classifier(Catalog.load())
    assert (await classifier.classify("Get-Mailbox")).kind is Class.READ
    first = classifier.pid
    assert first is not None
    if how == "killed":
        os.kill(first, signal.SIGKILL)
        # The text that comes first may be the one that finds out.
        assert (await classifier.classify("Get-Mailbox")).kind in (Class.READ, Class.UNKNOWN)
    else:
        assert (await classifier.classify("(" * DEEP)).kind is Class.UNKNOWN
    assert (await classifier.classify("Set-Mailbox ada")).kind is Class.WRITE
    await classifier.stop()


async def test_nothing_runs_after_the_end(powershell_path: Path) -> None:
    classifier = Classifier(Catalog.load())
    assert classifier.pid is None
    await classifier.classify("1")
    pid = classifier.pid
    assert pid is not None
    await classifier.stop()
    assert classifier.pid is None
    assert not psutil.pid_exists(pid)
    assert (await classifier.classify("1")).kind is Class.UNKNOWN


async def test_texts_at_the_same_time_get_their_own_answers(powershell_path: Path) -> None:
    classifier = Classifier(Catalog.load())
    texts = [f"{verb}-Mailbox" for verb in ("Get", "Set", "Remove")] * 5
    found = await asyncio.gather(*(classifier.classify(text) for text in texts))
    await classifier.stop()
    assert [one.kind.value for one in found] == ["read", "write", "destructive"] * 5


def facts_of(pid: int | None) -> tuple[str, bytes]:
    """Return the status and the environment of a process."""
    process = Path(f"/proc/{pid}")
    return (process / "status").read_text(encoding="ascii"), (process / "environ").read_bytes()


@pytest.mark.skipif(abi_version() < 1, reason="this machine has no Landlock")
async def test_the_parser_is_confined(
    powershell_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has given up rights for good, as a session does; and it has none of our secrets."""
    monkeypatch.setenv("PWSH_KERNELS_TEST_SECRET", "hidden")
    classifier = Classifier(Catalog.load())
    await classifier.classify("1")
    status, environment = facts_of(classifier.pid)
    await classifier.stop()
    assert "NoNewPrivs:\t1" in status
    assert b"SECRET" not in environment


async def test_what_a_text_names_is_not_loaded(powershell_path: Path, tmp_path: Path) -> None:
    """PowerShell's parser reads a module that `using` names; such a text is not given to it."""
    module = tmp_path / "planted.psm1"
    module.write_text(f"Set-Content {tmp_path}/loaded x", encoding="utf-8")
    classifier = Classifier(Catalog.load(), confined=False)
    for text in (f"using module {module}", f"configuration X {{ Import-DscResource {module} }}"):
        assert [one.code for one in (await classifier.classify(text)).reasons] == ["loads"]
    assert classifier.pid is None
    await classifier.stop()
