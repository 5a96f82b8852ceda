"""Commands found by words: which comes first, and how a command is described in a few lines."""

import pytest

from pwsh_kernels.sessions.queries.command_ranking import (
    SYNTAX_CHARS,
    Command,
    command_view,
    rank,
    singular,
    syntax_line,
)

EXCHANGE = (
    "Get-Mailbox Get-MailboxStatistics Get-MailboxPermission Set-Mailbox New-Mailbox Remove-Mailbox"
    " Disable-Mailbox Get-MailboxAutoReplyConfiguration Set-MailboxAutoReplyConfiguration"
    " Get-EXOMailbox Get-EXOMailboxStatistics Get-TransportRule New-TransportRule"
    " Get-DistributionGroup Get-DistributionGroupMember Add-DistributionGroupMember"
    " Add-MailboxPermission Get-InboxRule Get-MessageTrace Get-AcceptedDomain Get-RetentionPolicy"
)
ENGINE = (
    "Get-Process Get-ChildItem Remove-Item New-Item Get-Member Get-Date Measure-Object Stop-Process"
    " Get-Command"
)
GRAPH = (
    "Get-MgUser Update-MgUser New-MgUser Get-MgGroup Get-MgGroupMember Get-MgSubscribedSku"
    " Get-MgUserLicenseDetail"
)
COMMANDS = [
    *(Command(one, "ExchangeOnlineManagement", own=True) for one in EXCHANGE.split()),
    *(Command(one, "Microsoft.PowerShell.Management") for one in ENGINE.split()),
]


def names(words: str, commands: list[Command] = COMMANDS) -> list[str]:
    return [one.name for one in rank(words, commands)]


@pytest.mark.parametrize(
    ("words", "first"),
    [
        ("mailbox", "Get-Mailbox"),
        ("mailboxes", "Get-Mailbox"),
        ("list all mailboxes", "Get-Mailbox"),
        ("largest mailboxes", "Get-MailboxStatistics"),
        ("size of a mailbox", "Get-MailboxStatistics"),
        ("statistics mailbox", "Get-MailboxStatistics"),
        ("create a mailbox", "New-Mailbox"),
        ("mailbox create", "New-Mailbox"),
        ("delete mailboxes", "Remove-Mailbox"),
        ("change mailbox", "Set-Mailbox"),
        ("who has access to a mailbox", "Get-MailboxPermission"),
        ("give permission on mailbox", "Add-MailboxPermission"),
        ("mail flow rules", "Get-TransportRule"),
        ("create mail flow rule", "New-TransportRule"),
        ("members of a distribution group", "Get-DistributionGroupMember"),
        ("add members distribution group", "Add-DistributionGroupMember"),
        ("set out of office", "Set-MailboxAutoReplyConfiguration"),
        ("trace messages", "Get-MessageTrace"),
        ("domains", "Get-AcceptedDomain"),
        ("retention policies", "Get-RetentionPolicy"),
        ("kill process", "Get-Process"),
        ("stop process", "Stop-Process"),
        ("GET-EXOMAILBOX", "Get-EXOMailbox"),
        ("syntax of Remove-Item please", "Remove-Item"),
        ("MailboxStatistics", "Get-MailboxStatistics"),
    ],
)
def test_words_in_any_order_and_number_find_the_command(words: str, first: str) -> None:
    assert names(words)[:1] == [first]


@pytest.mark.parametrize(
    ("words", "first"),
    [
        ("licenses", "Get-MgUserLicenseDetail"),
        ("list users", "Get-MgUser"),
        ("edit user", "Update-MgUser"),
    ],
)
def test_the_prefix_of_a_service_s_nouns_does_not_matter(words: str, first: str) -> None:
    assert (
        names(words, [Command(one, "Microsoft.Graph.Users", own=True) for one in GRAPH.split()])[0]
        == first
    )


@pytest.mark.parametrize("words", ["zebra", "list zebras", "the of a", "", "🦓"])
def test_words_that_mean_no_command_find_none(words: str) -> None:
    assert names(words) == []


def test_the_service_s_own_commands_come_before_others_that_fit_as_well() -> None:
    commands = [Command("Get-Item", "A"), Command("Get-Item", "B", own=True)]
    assert [one.module for one in rank("items", commands)] == ["B", "A"]


def test_five_thousand_commands_are_ranked() -> None:
    many = [
        Command(f"{verb}-Mg{noun}{number}", "Microsoft.Graph")
        for verb in ("Get", "New")
        for noun in ("Alpha", "Beta")
        for number in range(1300)
    ]
    found = names("create user", [*many, Command("New-MgUser", "Microsoft.Graph.Users")])
    assert found == ["New-MgUser"]


def test_plurals_lose_their_ending() -> None:
    found = [
        singular(one)
        for one in (
            "mailboxes",
            "policies",
            "users",
            "access",
            "status",
            "statistics",
            "licenses",
            "vms",
        )
    ]
    assert found == ["mailbox", "policy", "user", "access", "status", "statistic", "license", "vm"]
    assert singular("license") == "license"


def test_syntax_is_one_line_without_what_all_commands_have() -> None:
    parameters = (
        "[[-Identity] <string>] [-Filter <string>]\n [-WhatIf] [-Confirm] [<CommonParameters>]"
    )
    assert (
        syntax_line("Get-X", parameters, 400)
        == "Get-X [[-Identity] <string>] [-Filter <string>] [-WhatIf]"
    )
    assert syntax_line("Get-X", "[<CommonParameters>]", 400) == "Get-X"
    long = syntax_line(
        "Get-X", " ".join(f"[-Parameter{number} <string>]" for number in range(100)), SYNTAX_CHARS
    )
    assert len(long) <= SYNTAX_CHARS + 20
    shown = long.count("[-Parameter")
    assert long.endswith(f"… ({100 - shown} more parameters)")
    assert syntax_line("Set-X", "[-Long <string>] " * 100 + "[-WhatIf]", 100).endswith(
        " more parameters) [-WhatIf]"
    )


def test_the_syntax_that_help_shows_is_no_synopsis() -> None:
    command = Command("Get-X", "M")
    sets = ["[-A]", "[-B]", "[-C]"]
    generated = command_view(
        command, {"synopsis": "\nGet-X [-A] [<CommonParameters>]\n", "sets": sets}, exact=False
    )
    assert generated == {
        "name": "Get-X",
        "module": "M",
        "synopsis": "",
        "syntax": ["Get-X [-A]", "Get-X [-B]"],
    }
    real = command_view(command, {"synopsis": "Get-X lists\n  things.", "sets": sets}, exact=True)
    assert (real["synopsis"], len(real["syntax"])) == ("Get-X lists things.", 3)
    assert command_view(command, None, exact=False)["syntax"] == []
