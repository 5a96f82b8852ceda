"""Users, groups and requests of the sandbox's Microsoft.Graph modules, on a real PowerShell."""

import json

import pytest

from tests.fixtures.sandbox import ADMIN, SandboxShell, sign_in_as
from tests.sandbox.graph import DEVICE, READER, TENANT, TENANT_ID, message

pytestmark = pytest.mark.xdist_group("graph")


@pytest.mark.parametrize(
    "command",
    [
        "Get-MgUser",
        "Update-MgUser -UserId x -City y",
        "Get-MgGroup",
        "Invoke-MgGraphRequest GET /v1.0/me",
    ],
)
def test_without_a_sign_in_a_cmdlet_says_so(graph: SandboxShell, command: str) -> None:
    assert message(graph.ask(command)) == "Authentication needed. Please call Connect-MgGraph."


def test_users_are_the_people_of_the_tenant(directory: SandboxShell) -> None:
    assert directory.ask(
        "(Get-MgUser).Count; (Get-MgUser -All).Count; (Get-MgUser -Top 7).Count"
    ).output == [100, 207, 7]
    user = directory.ask(
        "Get-MgUser -UserId aiko.hansen@contoso.example | Select DisplayName, GivenName, Mail,"
        " Department"
    ).value
    assert user == {
        "DisplayName": "Aiko Hansen",
        "GivenName": "Aiko",
        "Mail": "aiko.hansen@contoso.example",
        # Not among the properties that Graph answers unasked.
        "Department": None,
    }


def test_users_print_as_the_real_table(directory: SandboxShell) -> None:
    header = (
        directory.ask("Get-MgUser -Top 1 | Out-String -Width 200").value.strip("\n").split("\n")[0]
    )
    assert header.split() == ["DisplayName", "Id", "Mail", "UserPrincipalName"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (
            "-Filter \"department eq 'Sales' and startsWith(displayName,'Ad')\"",
            ["Adele Gupta", "Adele Nakamura"],
        ),
        ("-Filter \"mail in ('aiko.hansen@contoso.example','nobody')\"", ["Aiko Hansen"]),
        (
            "-Filter \"not(startsWith(mail,'a'))\" -Top 1 -ConsistencyLevel eventual",
            ["Beatriz Kaya"],
        ),
        ("-Search '\"displayName:quinn\"' -ConsistencyLevel eventual -Top 1", ["Imani Quinn"]),
        ("-Filter \"surname eq 'Quinn'\" -Sort 'displayName desc' -Top 1", ["Imani Quinn"]),
    ],
)
def test_users_are_found_by_a_query(directory: SandboxShell, query: str, found: list[str]) -> None:
    assert (
        directory.ask(
            f"Get-MgUser {query} -Property DisplayName | ForEach-Object DisplayName"
        ).output
        == found
    )


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        (
            "-Filter \"endsWith(mail,'x')\"",
            "[Request_UnsupportedQuery] : Operator 'endswith' is not supported",
        ),
        (
            "-Search '\"mail:x\"'",
            "[Request_UnsupportedQuery] : Request with $search query parameter only works",
        ),
        (
            "-Filter \"shoeSize eq '44'\"",
            "[BadRequest] : Invalid filter clause: Could not find a property named 'shoeSize'",
        ),
        (
            '-Filter "mail eq \'x"',
            "[BadRequest] : Invalid filter clause: There is an unterminated string literal.",
        ),
        ("-Property shoeSize", "[BadRequest] : Parsing OData Select and Expand failed:"),
    ],
)
def test_a_query_that_graph_would_refuse_is_refused(
    directory: SandboxShell, query: str, problem: str
) -> None:
    assert message(directory.ask(f"Get-MgUser {query}")).startswith(problem)


def test_an_unknown_user_is_the_services_own_error_and_does_not_end_the_script(
    directory: SandboxShell,
) -> None:
    answer = directory.ask('Get-MgUser -UserId nobody; "$($Error[0].ErrorDetails)"')
    error = answer.errors[0]
    assert (
        error["message"] == "[Request_ResourceNotFound] : Resource 'nobody' does not exist "
        "or one of its queried reference-property objects are not present."
    )
    assert (error["category"], error["activity"]) == ("InvalidOperation", "Get-MgUser_Get")
    assert error["id"].startswith(
        "Request_ResourceNotFound,Microsoft.Graph.PowerShell.Cmdlets.GetMgUser_Get"
    )
    assert "Status: 404 (NotFound)\nErrorCode: Request_ResourceNotFound\nDate: " in answer.output[0]


def test_a_user_is_changed_in_this_session_and_a_preview_changes_nothing(
    directory: SandboxShell,
) -> None:
    read = "(Get-MgUser -UserId ben.keller@contoso.example).JobTitle"
    answer = directory.ask(
        f"Update-MgUser -UserId ben.keller@contoso.example -JobTitle Pilot -WhatIf; {read} -eq"
        " 'Pilot'"
    )
    assert (answer.value, len(answer.console)) == (False, 1)
    assert answer.console[0].startswith(
        'What if: Performing the operation "Update-MgUser_UpdateExpanded" on target '
    )
    assert (
        directory.ask(
            f"Update-MgUser -UserId ben.keller@contoso.example -JobTitle Pilot; {read}"
        ).value
        == "Pilot"
    )


def test_a_new_user_needs_a_password_a_domain_of_the_tenant_and_a_free_name(
    directory: SandboxShell,
) -> None:
    script = (
        "param($Name) New-MgUser -DisplayName New -AccountEnabled -MailNickname new"
        " -UserPrincipalName $Name"
    )
    password = " -PasswordProfile @{ Password = 'Sesame-7' }"
    assert "A password must be specified" in message(
        directory.ask(script, Name="new@contoso.example")
    )
    assert "verified domain names" in message(
        directory.ask(script + password, Name="new@elsewhere.example")
    )
    made = directory.ask(
        script + password + " | ConvertTo-Json -Compress", Name="new@contoso.example"
    ).value
    assert json.loads(made)["UserPrincipalName"] == "new@contoso.example"
    assert "Sesame-7" not in made
    assert "already exists" in message(directory.ask(script + password, Name="new@contoso.example"))


def test_groups_have_the_members_and_owners_that_the_company_says(directory: SandboxShell) -> None:
    script = """
        $group = Get-MgGroup -Filter "groupTypes/any(c:c eq 'Unified') and displayName eq 'Finance'"
        $group.MailNickname
        (Get-MgGroupOwner -GroupId $group.Id).AdditionalProperties.displayName
        $ids = (Get-MgGroupMember -GroupId $group.Id -All).Id
        (Get-MgUser -All -Property id, department | Where-Object Id -In $ids).Department | Sort-Object -Unique
    """  # noqa: E501
    assert directory.ask(script).output == [
        "finance",
        "Avery Admin",
        "Finance",
        "Information Technology",
    ]


def test_a_new_group_exists_afterwards(directory: SandboxShell) -> None:
    script = """
        $group = New-MgGroup -DisplayName Pilots -MailNickname pilots -MailEnabled:$false -SecurityEnabled
        (Get-MgGroup -GroupId $group.Id).DisplayName
    """  # noqa: E501
    assert directory.ask(script).value == "Pilots"


def test_without_the_permission_graph_denies(graph: SandboxShell) -> None:
    graph.ask(f"{DEVICE} -ClientId 0c0ffee0-0000-4000-8000-000000000001", sign_in_as(ADMIN))
    denied = "[Authorization_RequestDenied] : Insufficient privileges to complete the operation."
    assert message(graph.ask("Get-MgUser")) == denied
    assert graph.ask("(Invoke-MgGraphRequest GET /v1.0/me).userPrincipalName").value == ADMIN


def test_a_global_reader_reads_and_does_not_write(graph: SandboxShell) -> None:
    graph.ask(f"{DEVICE} -Scopes User.ReadWrite.All", sign_in_as(READER))
    answer = graph.ask(
        "(Get-MgUser -Top 2).Count; Update-MgUser -UserId adele.gupta@contoso.example -City Rome"
    )
    assert answer.output == [2]
    assert (
        message(answer)
        == "[Authorization_RequestDenied] : Insufficient privileges to complete the operation."
    )


def test_a_request_gives_a_hashtable_an_object_or_json(directory: SandboxShell) -> None:
    uri = "'/v1.0/organization?$select=id,verifiedDomains'"
    kinds = directory.ask(f"""
        (Invoke-MgGraphRequest GET {uri}).value[0].id
        $answer = Invoke-MgGraphRequest -Uri https://graph.microsoft.com/v1.0/organization -OutputType PSObject
        $answer.value[0].verifiedDomains[0].name
        Invoke-MgGraphRequest -Uri {uri} -OutputType Json
    """).output  # noqa: E501
    assert kinds[:2] == [TENANT_ID, TENANT]
    assert list(json.loads(kinds[2])["value"][0]) == ["id", "verifiedDomains"]


def test_a_long_answer_comes_in_pages(directory: SandboxShell) -> None:
    script = """
        $uri, $pages, $names = '/v1.0/users?$top=90&$select=userPrincipalName', 0, @()
        while ($uri) {
            $page = Invoke-MgGraphRequest GET $uri
            $uri = $page.'@odata.nextLink'; $pages++; $names += $page.value.userPrincipalName
        }
        $pages, ($names | Sort-Object -Unique).Count, (Get-MgUser -All).Count
    """
    pages, seen, all_of_them = directory.ask(script).output
    assert (pages, seen) == (3, all_of_them)


def test_a_page_size_that_graph_does_not_have_is_refused(directory: SandboxShell) -> None:
    script = (
        "Invoke-MgGraphRequest GET '/v1.0/users?$top=5000' -SkipHttpErrorCheck | ForEach-Object {"
        " $_.error.message }"
    )
    assert (
        directory.ask(script).value
        == "Invalid page size specified: '5000'. Must be between 1 and 999 inclusive."
    )


def test_a_request_that_graph_refuses_throws_with_the_services_answer(
    directory: SandboxShell,
) -> None:
    answer = directory.ask(
        'try { Invoke-MgGraphRequest GET /v1.0/users/nobody } catch { "$($_.ErrorDetails)";'
        " $_.Exception.Message }"
    )
    details, text = answer.output
    assert text == "Response status code does not indicate success: NotFound (Not Found)."
    assert details.startswith(
        "GET https://graph.microsoft.com/v1.0/users/nobody\nHTTP/1.1 404 Not Found\n"
    )
    assert json.loads(details.split("\n")[-1])["error"]["code"] == "Request_ResourceNotFound"


def test_requests_change_the_directory_too(directory: SandboxShell) -> None:
    script = """
        Invoke-MgGraphRequest PATCH /v1.0/users/carla.kim@contoso.example -Body '{"jobTitle": "Diver"}'
        (Get-MgUser -UserId carla.kim@contoso.example).JobTitle
        $wrong = @{ Method = 'PATCH'; Uri = '/v1.0/users/carla.kim@contoso.example'; Body = @{ shoeSize = 44 } }
        Invoke-MgGraphRequest @wrong -SkipHttpErrorCheck -StatusCodeVariable status | Out-Null
        $status
    """  # noqa: E501
    answer = directory.ask(script)
    assert answer.output == ["Diver", 400]


def test_a_list_has_as_many_rows_as_the_trap_says(directory: SandboxShell) -> None:
    directory.authority.set_traps(TENANT, {"many_rows": 500})
    assert directory.ask(
        "$all = Get-MgUser -All; $all.Count; ($all.Id | Sort-Object -Unique).Count"
    ).output == [500, 500]


def test_throttling_warns(directory: SandboxShell) -> None:
    directory.authority.set_traps(TENANT, {"throttling": True})
    assert len(directory.ask("Get-MgUser -Top 1").warnings) == 1
