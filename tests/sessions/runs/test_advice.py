"""What an error of a command advises: where a missing command is, what a code means, whether to
repeat.
"""

from typing import Any

import pytest

from pwsh_kernels.catalog import Catalog, CommandIndex
from pwsh_kernels.records import Record
from pwsh_kernels.sessions.runs.advice import Advice, Advisor

ADVISOR = Advisor(CommandIndex(Catalog.load()))
COMMANDS = {
    "exo": (
        "Get-Mailbox Set-CASMailbox Get-MailboxPermission New-TransportRule Get-EXOMailbox"
        " Get-MessageTraceV2"
    ),
    "graph": (
        "Get-MgUser Get-MgBetaUser New-MgGroup Get-MgSubscribedSku Update-MgDevice"
        " Get-MgAuditLogSignIn"
    ),
    "azure": "Get-AzVM Get-AzResourceGroup Get-AzADUser Set-AzKeyVaultSecret Get-AzNetworkWatcher",
    "pnp": "Get-PnPList Set-PnPTenantSite Get-PnPFile Add-PnPListItem Get-PnPWebTemplates",
    "teams": (
        "Get-Team New-TeamChannel Get-CsOnlineUser Grant-CsTeamsMeetingPolicy"
        " Set-CsPhoneNumberAssignment"
    ),
    "powerplatform": "Get-PowerPlatformEnvironment Get-PowerPlatformApp Invoke-PowerPlatformApi",
}
UNREACHED = {
    "Security & Compliance": (
        "Get-ComplianceSearch New-DlpCompliancePolicy Connect-IPPSSession Get-Label"
    ),
    "SharePoint Online Management Shell": (
        "Get-SPOSite Set-SPOTenant Connect-SPOService Add-SPOUser"
    ),
}


def missing(name: str, own: str = "exo", **where: Any) -> Advice:
    kind = "System.Management.Automation.CommandNotFoundException"
    return ADVISOR.advise(
        own,
        Record("error", f"The term '{name}' is not recognized", target=name, exception_type=kind),
        **where,
    )


@pytest.mark.parametrize(
    ("key", "name"), [(key, name) for key, names in COMMANDS.items() for name in names.split()]
)
def test_a_missing_command_names_the_module_that_has_it(key: str, name: str) -> None:
    own = "exo" if key != "exo" else "graph"
    title = Catalog.load().module(key).title
    assert missing(name, own) == Advice(
        f"{name} belongs to module {key} ({title}): call with module {key}.", "fix_command"
    )


@pytest.mark.parametrize(
    ("title", "name"),
    [(title, name) for title, names in UNREACHED.items() for name in names.split()],
)
def test_a_command_of_a_service_that_cannot_be_reached_says_what_to_use_instead(
    title: str, name: str
) -> None:
    found = missing(name)
    assert found.action == "do_not_retry"
    assert f"{name} belongs to {title}" in found.suggestion
    assert "Use " in found.suggestion


@pytest.mark.parametrize(
    ("name", "own", "instead"),
    [
        ("Get-MsolUser", "exo", "use Get-MgUser in module graph (Microsoft Graph)."),
        ("Get-AzureADUser", "graph", "use Get-MgUser."),
        (
            "Get-AzureADContact",
            "azure",
            "use Microsoft Graph (Find-MgGraphCommand finds its command) in module graph",
        ),
        ("Get-AzureRmVM", "azure", "use the same name with Az instead of AzureRm."),
        ("Get-AdminPowerApp", "powerplatform", "use Get-PowerPlatformApp."),
    ],
)
def test_a_retired_command_names_what_has_taken_its_place(
    name: str, own: str, instead: str
) -> None:
    found = missing(name, own)
    assert found.action == "fix_command"
    assert instead in found.suggestion


@pytest.mark.parametrize(
    ("name", "own", "meant"),
    [
        ("Get-Maibox", "exo", "Get-Mailbox"),
        ("Get-MailboxStatistic", "exo", "Get-MailboxStatistics"),
        ("Get-Maibox", "graph", "Get-Mailbox (module exo)"),
        ("Get-MgUsers", "graph", "Get-MgUser"),
        ("Get-PnPListItems", "pnp", "Get-PnPListItem"),
    ],
)
def test_a_misspelt_command_names_the_nearest(name: str, own: str, meant: str) -> None:
    found = missing(name, own)
    assert (found.action, meant in found.suggestion) == ("fix_command", True)


def test_a_command_of_the_session_s_own_service_that_is_not_there_asks_the_person() -> None:
    found = missing("Get-TransportRule")
    assert found.action == "ask_person"
    assert "the signed-in account's roles do not have it" in found.suggestion
    submodule = missing("Get-MgDeviceManagementDeviceCategory", "graph")
    assert "`pwsh-kernels modules install graph`, or the module's own name" in submodule.suggestion


@pytest.mark.parametrize("name", ["Get-MailboxPermission", "Get-MailboxWhatever"])
def test_in_a_simulated_tenant_a_command_that_is_not_there_is_not_simulated(name: str) -> None:
    assert missing(name, simulated=True) == Advice(
        f"The sandbox does not simulate {name} (docs/sandbox.md).", "fix_command"
    )
    assert "belongs to module exo" in missing(name, "graph", simulated=True).suggestion


@pytest.mark.parametrize(
    "script",
    [
        "1..2 | ForEach-Object -Parallel { Get-TransportRule }",
        "Start-Job { Get-TransportRule } | Receive-Job -Wait",
        "Start-ThreadJob { Get-TransportRule }",
        "receive-job $job",
        "Get-TransportRule &",
    ],
)
@pytest.mark.parametrize("simulated", [False, True])
def test_a_command_that_a_job_does_not_have_is_for_the_session_itself(
    script: str, simulated: bool
) -> None:
    assert missing("Get-TransportRule", script=script, simulated=simulated) == Advice(
        "A parallel runspace (a job) has no Exchange Online connection: use ForEach-Object without"
        " -Parallel.",
        "fix_command",
    )


@pytest.mark.parametrize("script", ["Get-Job; Get-TransportRule", "$x -and (a && b)", "& x", ""])
def test_a_script_that_starts_no_job_is_told_nothing_of_jobs(script: str) -> None:
    assert missing("Get-TransportRule", script=script).action == "ask_person"


@pytest.mark.parametrize("name", ["gti", "Get-Nothing", "x" * 500, "C:\\x.ps1", ""])
def test_of_a_name_that_nobody_has_nothing_is_made_up(name: str) -> None:
    assert missing(name).suggestion == ""


@pytest.mark.parametrize(
    ("message", "error_id", "action", "said"),
    [
        ("AADSTS50076: you must use MFA", "", "sign_in", "Multifactor authentication is required"),
        ("AADSTS53003: Access has been blocked", "", "ask_person", "blocked the sign-in. The sign-in log"),  # noqa: E501
        ("AADSTS65001: consent", "", "ask_person", "An administrator of the tenant must grant consent"),  # noqa: E501
        ("AADSTS70020: expired", "", "sign_in", "Sign in again for a new code."),
        ("Insufficient privileges to complete the operation", "Authorization_RequestDenied", "ask_person", "may not"),  # noqa: E501
        ("You must call the Connect-ExchangeOnline cmdlet before", "", "sign_in", "sign in again"),
        ("Response status code: 429 (Too Many Requests). Retry-After: 17", "", "retry", "wait 17 s"),  # noqa: E501
        ("The server is too busy. Server Busy Exception", "", "retry", "wait 30 s"),
        ("Micro delay applied", "", "retry", "throttling"),
        ("Access is denied.", "UnauthorizedAccess", "ask_person", "role or permission"),
        ("(403) Forbidden", "", "ask_person", "role or permission"),
        ("It couldn't be performed because object 'x' couldn't be found on 'y'.", "", "fix_command", "list what there is"),  # noqa: E501
        ("Resource 'x' does not exist", "Request_ResourceNotFound", "fix_command", "list what there is"),  # noqa: E501
        ("The proxy address is already being used by", "ProxyAddressExists", "fix_command", "exists already"),  # noqa: E501
        ("A parameter cannot be found that matches 'Nme'.", "NamedParameterNotFound,X", "fix_command", "-Syntax"),  # noqa: E501
        ("Missing closing '}'", "MissingEndCurlyBrace", "fix_command", "none of it was run"),
        ("A task was canceled: the operation has timed out.", "", "retry", "repeat the command once"),  # noqa: E501
        ("Attempted to divide by zero.", "RuntimeException", "", ""),
    ],
)  # fmt: skip
def test_an_error_says_whether_to_repeat_to_ask_or_to_correct(
    message: str, error_id: str, action: str, said: str
) -> None:
    found = ADVISOR.advise("exo", Record("error", message, error_id=error_id))
    assert found.action == action
    assert said in found.suggestion


@pytest.mark.parametrize(
    ("message", "error_id", "action", "said"),
    [
        ("Cannot find path '/nope' because it does not exist.", "PathNotFound,Microsoft.PowerShell.Commands.GetItemCommand", "fix_command", "does not have the caller's files"),  # noqa: E501
        ("Access to the path '/etc/x' is denied.", "", "fix_command", "read or write this path"),
        ("The system cannot open the device or file specified. : 'Global\\x'. One or more system calls failed: open(\"/tmp/.dotnet/shm\", 0x80000, 0x0) == -1; errno == EACCES;", "IOException", "fix_command", "without Global"),  # noqa: E501
        ("Permission denied", "WebCmdletWebResponseException,Microsoft.PowerShell.Commands.InvokeWebRequestCommand", "ask_person", "PWSH_MANAGER_CONFINE_PORTS"),  # noqa: E501
        ("Exception calling \".ctor\" with \"2\" argument(s): \"Permission denied [::ffff:127.0.0.1]:81\"", "SocketException", "ask_person", "PWSH_MANAGER_CONFINE_PORTS"),  # noqa: E501
        ("Permission denied (smtp.example:587)", "", "ask_person", "PWSH_MANAGER_CONFINE_PORTS"),
        ("Exception calling \"Start\" with \"0\" argument(s): \"Permission denied\"", "SocketException", "do_not_retry", "may listen"),  # noqa: E501
        ("Cannot find drive. A drive with the name 'Q' does not exist.", "DriveNotFound,Microsoft.PowerShell.Commands.GetChildItemCommand", "fix_command", "at this path"),  # noqa: E501
        ("Could not find file '/tmp/nope.csv'.", "FileOpenFailure,Microsoft.PowerShell.Commands.ImportCsvCommand", "fix_command", "at this path"),  # noqa: E501
        ("Exception calling \"ReadAllText\": \"Could not find a part of the path '/a/b'.\"", "DirectoryNotFoundException", "fix_command", "at this path"),  # noqa: E501
        ("The specified module 'Nope' was not loaded because no valid module file was found in any module directory.", "Modules_ModuleNotFound,Microsoft.PowerShell.Commands.ImportModuleCommand", "ask_person", "pwsh-kernels modules install"),  # noqa: E501
        ("Could not load file or assembly 'X'. The system cannot find the file specified.", "System.IO.FileNotFoundException", "ask_person", "library of a module"),  # noqa: E501
        ("Method invocation failed because [System.String] does not contain a method named 'Foo'.", "MethodNotFound", "fix_command", "Get-Member"),  # noqa: E501
        ("Cannot find an overload for \"Substring\" and the argument count: \"3\".", "MethodCountCouldNotFindBest", "fix_command", "Get-Member"),  # noqa: E501
        ("The property 'zz' cannot be found on this object.", "PropertyNotFoundStrict", "fix_command", "Get-Member"),  # noqa: E501
        ("Property \"zz\" cannot be found.", "ExpandPropertyNotFound,Microsoft.PowerShell.Commands.SelectObjectCommand", "fix_command", "Get-Member"),  # noqa: E501
        ("Unable to find type [Nope].", "TypeNotFound", "fix_command", "No such .NET type"),
        ("Cannot find a process with the name \"nope\".", "NoProcessFoundForGivenName,X", "fix_command", "list what there is"),  # noqa: E501
    ],
)  # fmt: skip
def test_what_is_not_found_is_called_what_it_is(
    message: str, error_id: str, action: str, said: str
) -> None:
    found = ADVISOR.advise("exo", Record("error", message, error_id=error_id))
    assert (found.action, said in found.suggestion) == (action, True)


def test_the_reason_is_looked_for_in_the_causes_too() -> None:
    bare = Record(
        "error",
        "ClientSecretCredential authentication failed: ",
        causes=("invalid_client: AADSTS7000222: expired",),
    )
    assert "client secret is wrong or has expired" in ADVISOR.advise("azure", bare).suggestion


def test_a_command_of_another_service_that_is_installed_here_is_sent_there() -> None:
    record = Record(
        "error", "Authentication needed. Please call Connect-MgGraph.", command="Get-MgUser"
    )
    assert "belongs to module graph" in ADVISOR.advise("exo", record).suggestion
    assert ADVISOR.advise("graph", record).action == "sign_in"


def test_the_syntax_that_is_named_is_the_failed_command_s() -> None:
    record = Record(
        "error", "Cannot bind", error_id="NamedParameterNotFound", command="Get-Mailbox"
    )
    assert "Get-Command Get-Mailbox -Syntax" in ADVISOR.advise("exo", record).suggestion


def test_every_listed_command_leads_to_its_own_service() -> None:
    index = CommandIndex(Catalog.load())
    for key, module in index.catalog.modules.items():
        assert module.commands, key
        for pattern in module.commands:
            if "*" not in pattern:
                verb, _, noun = pattern.partition("-")
                home = index.home(f"{verb.split(',')[0]}-{noun}", key)
                assert home
                assert home.module.key == key
                assert home.by == "name", pattern


@pytest.mark.parametrize(
    ("name", "own"), [("Out-GridView", "exo"), ("Get-Service", "azure"), ("Show-Command", "graph")]
)
def test_a_command_that_needs_a_screen_or_windows_is_not_looked_for_in_modules(
    name: str, own: str
) -> None:
    found = missing(name, own)
    assert found.action == "fix_command"
    assert found.suggestion.startswith(f"{name} ")
    assert "module" not in found.suggestion
