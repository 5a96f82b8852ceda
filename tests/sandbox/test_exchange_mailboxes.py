"""Mailboxes, rules and domains of the sandbox's ExchangeOnlineManagement, on a real PowerShell."""

import json
import re

import pytest

from tests.fixtures.sandbox import ADMIN, SandboxShell

pytestmark = pytest.mark.xdist_group("exchange")


def test_each_tenant_has_more_than_two_hundred_mailboxes_of_its_own(
    contoso_shell: SandboxShell, fabrikam_shell: SandboxShell
) -> None:
    script = "(Get-Mailbox -ResultSize Unlimited).PrimarySmtpAddress -join ' '"
    ours, theirs = (
        set(contoso_shell.ask(script).value.split()),
        set(fabrikam_shell.ask(script).value.split()),
    )
    assert len(ours) > 200
    assert len(theirs) > 1000
    assert not ours & theirs


def test_two_sessions_of_a_tenant_see_the_same_data(
    fabrikam_shell: SandboxShell, signed_out_shell: SandboxShell
) -> None:
    script = "Get-Mailbox -ResultSize 5 -WarningAction SilentlyContinue"
    signed_out_shell.connect("reader@fabrikam.example")
    assert signed_out_shell.ask(script).output == fabrikam_shell.ask(script).output


def test_mailboxes_print_as_the_real_table(contoso_shell: SandboxShell) -> None:
    text = contoso_shell.ask("Get-Mailbox aiko.hansen | Out-String -Width 120").value
    header, line, row = text.strip("\n").split("\n")[:3]
    assert header.split() == [
        "Name",
        "Alias",
        "Database",
        "ProhibitSendQuota",
        "ExternalDirectoryObjectId",
    ]
    assert line.startswith("----")
    assert row.startswith("Aiko Hansen ")


@pytest.mark.parametrize(
    "identity",
    [
        "Aiko Hansen",
        "aiko.hansen",
        "AIKO.HANSEN@contoso.example",
        "aiko.hansen@contoso.onmicrosoft.example",
    ],
)
def test_a_mailbox_is_found_by_each_of_its_names(
    contoso_shell: SandboxShell, identity: str
) -> None:
    assert (
        contoso_shell.ask("param($Who) (Get-Mailbox -Identity $Who).Alias", Who=identity).value
        == "aiko.hansen"
    )


def test_a_mailbox_is_found_by_its_guids(contoso_shell: SandboxShell) -> None:
    script = (
        "$m = Get-Mailbox aiko.hansen; ($m.Guid, $m.ExchangeGuid, $m.ExternalDirectoryObjectId |"
        " Get-Mailbox).Alias"
    )
    assert contoso_shell.ask(script).output == ["aiko.hansen"] * 3


def test_a_star_in_an_identity_stands_for_any_text(contoso_shell: SandboxShell) -> None:
    assert contoso_shell.ask("(Get-Mailbox room.oslo*).Count").value == 3


def test_an_unknown_identity_is_the_services_own_error(contoso_shell: SandboxShell) -> None:
    answer = contoso_shell.ask("Get-Mailbox nobody; 'went on'")
    error = answer.errors[0]
    assert error["message"].startswith(
        "Ex6F9304|Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException|"
        "The operation couldn't be performed because object 'nobody' couldn't be found on '"
    )
    assert (error["category"], error["activity"], error["reason"]) == (
        "NotSpecified",
        "Get-Mailbox",
        "ManagementObjectNotFoundException",
    )
    assert error["id"].startswith("[Server=")
    assert error["id"].endswith("],Write-ErrorMessage")
    assert answer.output == ["went on"]


@pytest.mark.parametrize(
    "command",
    [
        "Get-Mailbox nobody",
        "Get-MailboxStatistics nobody",
        "Set-Mailbox nobody -CustomAttribute1 x",
        "Get-TransportRule nothing",
    ],
)
def test_an_error_stands_in_the_module_that_a_sign_in_generates_as_with_the_real_one(
    contoso_shell: SandboxShell, command: str
) -> None:
    script = f"{command} -ErrorAction SilentlyContinue -ErrorVariable caught"
    place = contoso_shell.ask(f"{script}; $caught[0].InvocationInfo.PositionMessage").value
    assert re.match(r"At \S+/(tmpEXO_\w+\.\w+)/\1\.psm1:\d+ char:\d+\n", place)
    assert "Write-ErrorMessage" in place


def test_error_action_and_error_variable_reach_the_services_errors(
    contoso_shell: SandboxShell,
) -> None:
    script = """
        Get-Mailbox nobody -ErrorAction SilentlyContinue -ErrorVariable kept; $kept.Count
        try { Get-Mailbox nobody -ErrorAction Stop } catch { 'caught' }
    """
    answer = contoso_shell.ask(script)
    assert (answer.output, answer.errors) == ([1, "caught"], [])


def test_an_unknown_identity_of_the_rest_cmdlet_carries_the_services_answer(
    contoso_shell: SandboxShell,
) -> None:
    error = contoso_shell.ask("Get-EXOMailbox nobody").errors[0]
    answer = json.loads(error["message"].split("ErrorMessage=")[1])["error"]
    assert error["message"].startswith(
        "Error while querying REST service. HttpStatusCode=404 ErrorMessage="
    )
    assert answer["code"] == "NotFound"
    assert "object 'nobody' couldn't be found" in answer["details"][0]["message"]


def test_a_result_size_below_the_count_warns(contoso_shell: SandboxShell) -> None:
    answer = contoso_shell.ask("(Get-Mailbox -ResultSize 3).Count")
    assert answer.value == 3
    assert (
        " ".join(answer.warnings)
        == "There are more results available than are currently displayed. "
        "To view them, increase the value for the ResultSize parameter."
    )


def test_more_than_a_thousand_mailboxes_are_cut_with_the_default_warning(
    fabrikam_shell: SandboxShell,
) -> None:
    answer = fabrikam_shell.ask("(Get-Mailbox).Count")
    assert answer.value == 1000
    assert answer.warnings[0].startswith(
        "By default, only the first 1000 items are returned. Use the ResultSize parameter"
    )


def test_a_result_size_that_is_no_number_is_refused(contoso_shell: SandboxShell) -> None:
    answer = contoso_shell.ask("Get-Mailbox -ResultSize many")
    assert answer.thrown
    assert (
        "Cannot process argument transformation on parameter 'ResultSize'"
        in answer.errors[0]["message"]
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Alias -eq 'aiko.hansen'", ["aiko.hansen"]),
        ("Name -like 'Aiko H*' -and RecipientTypeDetails -eq 'UserMailbox'", ["aiko.hansen"]),
        ("Alias -eq 'aiko.hansen' -or Alias -eq 'ahmed.haddad'", ["ahmed.haddad", "aiko.hansen"]),
        (
            "(Alias -eq 'aiko.hansen' -or Alias -eq 'nobody') -and -not (Office -eq 'Atlantis')",
            ["aiko.hansen"],
        ),
        ("Alias -eq 'aiko.hansen' -and HiddenFromAddressListsEnabled -eq $false", ["aiko.hansen"]),
        ("EmailAddresses -like '*aiko.hansen@contoso.onmicrosoft*'", ["aiko.hansen"]),
        ("Alias -eq 'nobody'", []),
    ],
)
def test_a_filter_selects_mailboxes(
    contoso_shell: SandboxShell, text: str, expected: list[str]
) -> None:
    assert (
        contoso_shell.ask(
            "param($Text) Get-Mailbox -Filter $Text | ForEach-Object Alias", Text=text
        ).output
        == expected
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("Foo -eq 'x'", '"Foo" is not a recognized filterable property'),
        ("Name -eq 'x", "a quotation mark is not closed"),
        ("Name like 'x'", '"like" is not an operator'),
        ("(Name -eq 'x'", "a parenthesis is not closed"),
        ("Name -eq", "a value must follow -eq"),
        ("Name -eq 'x' Alias", '"Alias" was not expected'),
    ],
)
def test_a_wrong_filter_is_refused_with_its_place(
    contoso_shell: SandboxShell, text: str, problem: str
) -> None:
    answer = contoso_shell.ask("param($Text) Get-Mailbox -Filter $Text", Text=text)
    assert problem in answer.errors[0]["message"]
    assert text in answer.errors[0]["message"]


def test_type_anr_and_sort_select_and_order(contoso_shell: SandboxShell) -> None:
    rooms = contoso_shell.ask(
        "(Get-Mailbox -RecipientTypeDetails RoomMailbox -SortBy Name).Name"
    ).output
    assert rooms == sorted(rooms)
    assert len(rooms) == 12
    assert set(contoso_shell.ask("(Get-Mailbox -Anr Hansen).Alias").output) >= {"aiko.hansen"}


def test_statistics_take_mailboxes_from_the_pipeline(contoso_shell: SandboxShell) -> None:
    rows = contoso_shell.ask(
        "'aiko.hansen', 'ahmed.haddad' | Get-Mailbox | Get-MailboxStatistics | Select-Object"
        " DisplayName, TotalItemSize"
    ).output
    assert [row["DisplayName"] for row in rows] == ["Aiko Hansen", "Ahmed Haddad"]
    assert all(row["TotalItemSize"].endswith(" bytes)") for row in rows)


def test_statistics_of_nobody_are_an_error(contoso_shell: SandboxShell) -> None:
    assert (
        'The specified mailbox Identity:"nobody" doesn\'t exist.'
        in contoso_shell.ask("Get-MailboxStatistics nobody").errors[0]["message"]
    )


def test_the_rest_cmdlet_gives_the_minimum_and_what_was_asked_for(
    contoso_shell: SandboxShell,
) -> None:
    few = contoso_shell.ask("(Get-EXOMailbox aiko.hansen).PSObject.Properties.Name").output
    more = contoso_shell.ask(
        "(Get-EXOMailbox aiko.hansen -PropertySets Quota -Properties"
        " Office).PSObject.Properties.Name"
    ).output
    assert len(few) == 15
    assert set(more) - set(few) == {
        "Office",
        "IssueWarningQuota",
        "ProhibitSendQuota",
        "ProhibitSendReceiveQuota",
        "RecoverableItemsQuota",
        "UseDatabaseQuotaDefaults",
    }


def test_each_tenant_has_its_own_rules_and_domains(
    contoso_shell: SandboxShell, fabrikam_shell: SandboxShell
) -> None:
    script = "(Get-TransportRule).Name; (Get-AcceptedDomain).DomainName"
    ours, theirs = contoso_shell.ask(script).output, fabrikam_shell.ask(script).output
    assert "Mark external mail" in ours
    assert "contoso.example" in ours
    assert not set(ours) & set(theirs)


def test_a_change_is_seen_afterwards(contoso_shell: SandboxShell) -> None:
    contoso_shell.ask(
        "Set-Mailbox ida.petrov -ProhibitSendQuota 45GB -IssueWarningQuota '44 GB'"
        " -CustomAttribute7 x"
    )
    mailbox = contoso_shell.ask(
        "Get-Mailbox ida.petrov | Select-Object ProhibitSendQuota, IssueWarningQuota,"
        " CustomAttribute7"
    ).value
    assert mailbox == {
        "ProhibitSendQuota": "45 GB (48,318,382,080 bytes)",
        "IssueWarningQuota": "44 GB (47,244,640,256 bytes)",
        "CustomAttribute7": "x",
    }


def test_changing_what_a_cmdlet_gave_does_not_change_the_tenant(
    contoso_shell: SandboxShell,
) -> None:
    assert (
        contoso_shell.ask(
            "$m = Get-Mailbox aiko.hansen; $m.Alias = 'x'; (Get-Mailbox aiko.hansen).Alias"
        ).value
        == "aiko.hansen"
    )


def test_a_preview_says_what_would_happen_and_changes_nothing(contoso_shell: SandboxShell) -> None:
    answer = contoso_shell.ask(
        "Set-Mailbox aiko.hansen -Office Rome -WhatIf; (Get-Mailbox aiko.hansen).Office -eq 'Rome'"
    )
    assert answer.value is False
    assert answer.console == ['What if: Setting mailbox Identity:"Aiko Hansen".']


def test_setting_nothing_new_warns(contoso_shell: SandboxShell) -> None:
    answer = contoso_shell.ask("Set-Mailbox aiko.hansen -Name 'Aiko Hansen'")
    assert answer.warnings == [
        "The command completed successfully but no settings of 'Aiko Hansen' have been modified."
    ]


def test_quotas_that_contradict_each_other_are_refused(contoso_shell: SandboxShell) -> None:
    error = contoso_shell.ask("Set-Mailbox aiko.hansen -ProhibitSendQuota 1GB").errors[0]
    assert (
        "'ProhibitSendQuota' must be greater than or equal to that of property 'IssueWarningQuota'"
        in error["message"]
    )


def test_a_new_address_finds_the_mailbox_and_cannot_be_taken_twice(
    contoso_shell: SandboxShell,
) -> None:
    script = (
        "Set-Mailbox ben.keller -EmailAddresses @{ Add = 'bk@contoso.example' }; (Get-Mailbox"
        " bk@contoso.example).Alias"
    )
    assert contoso_shell.ask(script).value == "ben.keller"
    error = contoso_shell.ask(
        "Set-Mailbox aiko.hansen -EmailAddresses @{ Add = 'bk@contoso.example' }"
    ).errors[0]
    assert 'The proxy address "SMTP:bk@contoso.example" is already being used' in error["message"]


def test_a_new_shared_mailbox_exists_afterwards_and_its_name_is_taken(
    contoso_shell: SandboxShell,
) -> None:
    made = contoso_shell.ask(
        "New-Mailbox -Shared -Name 'Front Desk' | Select-Object RecipientTypeDetails,"
        " PrimarySmtpAddress"
    ).value
    assert made == {
        "RecipientTypeDetails": "SharedMailbox",
        "PrimarySmtpAddress": "FrontDesk@contoso.example",
    }
    assert contoso_shell.ask("(Get-Mailbox 'Front Desk').Alias").value == "FrontDesk"
    assert (
        contoso_shell.ask("New-Mailbox -Shared -Name 'Front Desk'").errors[0]["reason"]
        == "ProxyAddressExistsException"
    )


def test_a_new_user_mailbox_takes_a_password_and_never_shows_it(
    contoso_shell: SandboxShell,
) -> None:
    script = """
        $password = ConvertTo-SecureString -AsPlainText -Force 'Sesame-7'
        New-Mailbox -Name 'Nia New' -MicrosoftOnlineServicesID nia.new@contoso.example -Password $password | ConvertTo-Json
    """  # noqa: E501
    text = contoso_shell.ask(script).value
    assert json.loads(text)["UserPrincipalName"] == "nia.new@contoso.example"
    assert "Sesame-7" not in text


def test_a_change_stays_in_its_own_session(
    contoso_shell: SandboxShell, signed_out_shell: SandboxShell
) -> None:
    contoso_shell.ask("Set-Mailbox aiko.hansen -MailTip Hello")
    signed_out_shell.connect(ADMIN)
    assert signed_out_shell.ask("(Get-Mailbox aiko.hansen).MailTip").output == [None]


def test_the_account_that_signs_in_has_a_mailbox(contoso_shell: SandboxShell) -> None:
    answer = contoso_shell.ask("(Get-Mailbox admin@contoso.example).DisplayName")
    assert answer.value == "Avery Admin"
