"""PowerShell's own per-user things, and programs, inside a confined session: they work as in any
other PowerShell, in the session's HOME.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from pwsh_kernels.landlock import abi_version, not_enforced
from tests.fixtures.sandbox import AUTOMATION, CERTIFICATE_PASSWORD, make_certificate
from tests.fixtures.server import CONTOSO, Server

pytestmark = [
    pytest.mark.slow,
    pytest.mark.pwsh,
    pytest.mark.xdist_group("inside"),
    pytest.mark.skipif(
        bool(not_enforced(abi_version())),
        reason="NOT TESTED: what works in a confined session. The Linux kernel of this machine"
        f" lacks Landlock's {', '.join(not_enforced(abi_version()))}",
    ),
]
TENANT = "adatum.com"
WAIT_S = 80.0
"""A package is published, installed and updated in 2 s on a machine that does nothing else."""
PROBE = r"""
$folder = New-Item -ItemType Directory -Force "$HOME/FOLDER/Probe", "$HOME/FOLDER/feed"
Set-Content "$($folder[0])/Probe.psm1" 'function Get-Probe { "probed" }'
$manifest = @{
    Path = "$($folder[0])/Probe.psd1"; RootModule = 'Probe.psm1'; ModuleVersion = '1.0.0'
    FunctionsToExport = 'Get-Probe'; Author = 'A'; Description = 'D'
    HelpInfoUri = 'https://help.example/'
}
New-ModuleManifest @manifest
"""
"""A module of one function, in the folder FOLDER of HOME, beside an empty repository."""
FEED = (
    PROBE
    + r"""
Register-PSResourceRepository -Name FOLDER -Uri "$HOME/FOLDER/feed" -Trusted
Publish-PSResource -Path "$HOME/FOLDER/Probe" -Repository FOLDER
"""
)
MSAL = r"""
Add-Type -Path $PSHOME/Modules/Microsoft.PowerShell.PSResourceGet/dependencies/*.Msal.dll
$msal = 'Microsoft.Identity.Client.Extensions.Msal'
"""
"""The library with which Az, PnP and Graph keep tokens; it comes with PowerShell."""
HELP_INFO = """<?xml version="1.0" encoding="utf-8"?>
<HelpInfo xmlns="http://schemas.microsoft.com/powershell/help/2010/05">
<HelpContentURI>https://help.example/</HelpContentURI><SupportedUICultures><UICulture>
<UICultureName>en-US</UICultureName><UICultureVersion>1.0.0.0</UICultureVersion>
</UICulture></SupportedUICultures></HelpInfo>"""

WORKS = {
    "a module installed from a repository that is a folder": (
        FEED.replace("FOLDER", "installed")
        + r"""
        Install-PSResource -Name Probe -Repository installed
        Get-Probe
        (Get-Module Probe).Path.StartsWith("$HOME/.local/share/powershell/Modules")
        (Get-InstalledPSResource Probe).Version.ToString()
        Update-PSModuleManifest -Path "$HOME/installed/Probe/Probe.psd1" -ModuleVersion 1.1.0
        Publish-PSResource -Path "$HOME/installed/Probe" -Repository installed
        Update-PSResource -Name Probe -Repository installed
        (Get-InstalledPSResource Probe).Version -join ' '
        Remove-Module Probe
        Uninstall-PSResource Probe -Version '*'
        $null -eq (Get-InstalledPSResource Probe -ErrorAction Ignore)
        Unregister-PSResourceRepository installed
        """,
        "probed True 1.0.0 1.1.0 1.0.0 True",
    ),
    "a module saved into a folder": (
        FEED.replace("FOLDER", "saved")
        + r"""
        Save-PSResource -Name Probe -Repository saved -Path "$HOME/saved"
        (Get-ChildItem $HOME/saved/Probe/1.0.0 -File).Name | Sort-Object
        Unregister-PSResourceRepository saved
        """,
        "Probe.psd1 Probe.psm1",
    ),
    "help from a folder": (
        PROBE.replace("FOLDER", ".local/share/powershell/Modules")
        + f"$info = '{HELP_INFO}'"
        + r"""
        $base = "$HOME/help/Probe_$((Get-Module -ListAvailable Probe).Guid)"
        $null = New-Item -ItemType Directory $HOME/help/text
        Set-Content "$($base)_HelpInfo.xml" $info
        Set-Content $HOME/help/text/about_Probe.help.txt 'What it probes'
        Compress-Archive $HOME/help/text/* "$($base)_en-US_HelpContent.zip"
        $from = @{ SourcePath = "$HOME/help"; UICulture = 'en-US'; Scope = 'CurrentUser' }
        Update-Help -Module Probe @from
        $kept = Get-ChildItem $HOME/.local/share/powershell/Help -Recurse -Filter about_Probe*
        Get-Content $kept
        Remove-Item -Recurse $folder
        """,
        "What it probes",
    ),
    "the cache of what is in modules": (
        r"""
        pwsh -NoProfile -c @'
        Get-Command Compress-Archive > $null
        $cache = "$HOME/.cache/powershell/ModuleAnalysisCache-*"
        for ($look = 0; $look -lt 300 -and -not (Test-Path $cache); $look++) {
            Start-Sleep -Milliseconds 100
        }
        Test-Path $cache
'@
        """,
        "True",
    ),
    "temporary files": (
        r"""
        $files = (New-TemporaryFile).FullName, [IO.Path]::GetTempFileName(), (/bin/sh -c mktemp)
        @($files -notlike "$HOME/.tmp/*").Count
        """,
        "0",
    ),
    "a type that is compiled": (
        r"""
        Add-Type 'public class InMemory { public static int F() { return 42; } }'
        [InMemory]::F()
        $code = 'public class Kept { public static int F() { return 43; } }'
        Add-Type -OutputAssembly $HOME/kept.dll $code
        Add-Type -Path $HOME/kept.dll
        [Kept]::F()
        """,
        "42 43",
    ),
    "a shell": ("/bin/sh -c 'cat << END\nfrom a shell\nEND'", "from a shell"),
    "jobs and parallel runspaces": (
        r"""
        Start-Job { 1 } | Receive-Job -Wait
        Start-ThreadJob { 2 } | Receive-Job -Wait
        3, 3 | ForEach-Object -Parallel { $_ }
        $job = Write-Output 4 &
        $job | Receive-Job -Wait
        """,
        "1 2 3 3 4",
    ),
    "a profile": (
        r"""
        $null = New-Item -Force $PROFILE -Value 'function Get-Mine { "mine" }'
        . $PROFILE
        Get-Mine
        pwsh -c Get-Mine
        Remove-Item $PROFILE
        """,
        "mine mine",
    ),
    "the history of a console": (
        "Import-Module PSReadLine; (Get-PSReadLineOption).HistorySavePath.StartsWith($HOME)",
        "True",
    ),
    "a transcript": (
        r"""
        $null = Start-Transcript
        'it was said'
        $file = (Stop-Transcript) -replace '.* '
        $file.StartsWith($HOME)
        (Select-String -Path $file -Pattern '^it was said').Count
        """,
        "it was said True 1",
    ),
    "secrets in files": (
        r"""
        $secret = ConvertTo-SecureString 'Sesame' -AsPlainText -Force
        [pscredential]::new('somebody', $secret) | Export-Clixml $HOME/credential.xml
        (Import-Clixml $HOME/credential.xml).GetNetworkCredential().Password.Length
        ($secret | ConvertFrom-SecureString | ConvertTo-SecureString).Length
        """,
        "6 6",
    ),
    "a cache of tokens and its lock": (
        MSAL
        + r"""
        $where = @('msal.cache', "$HOME/.local/share/.IdentityService")
        $how = (New-Object "$msal.StorageCreationPropertiesBuilder" $where).WithUnprotectedFile()
        $helper = "$msal.MsalCacheHelper" -as [type]
        $cache = $helper::CreateAsync($how.Build()).GetAwaiter().GetResult()
        $cache.VerifyPersistence()
        $cache.SaveUnencryptedTokenCache([byte[]] (123, 125))
        -join [char[]] $cache.LoadUnencryptedTokenCache()
        $null = New-Item -ItemType Directory $HOME/.m365pnppowershell
        $lock = New-Object "$msal.CrossPlatLock" "$HOME/.m365pnppowershell/pnp.msal.cache.lockfile"
        Test-Path $HOME/.m365pnppowershell/pnp.msal.cache.lockfile
        $lock.Dispose()
        """,
        "{} True",
    ),
    "a store of certificates": (
        r"""
        $key = [Security.Cryptography.ECDsa]::Create()
        $names = 'CN=probe', $key, [Security.Cryptography.HashAlgorithmName]::SHA256
        $request = [Security.Cryptography.X509Certificates.CertificateRequest]::new.Invoke($names)
        $own = $request.CreateSelfSigned((Get-Date), (Get-Date).AddDays(1))
        $store = [Security.Cryptography.X509Certificates.X509Store]::new('My', 'CurrentUser')
        $store.Open('ReadWrite')
        $store.Add($own)
        $store.Certificates[0].HasPrivateKey
        $store.Remove($own)
        """,
        "True",
    ),
    "pipes with a name": (
        r"""
        $server = [IO.Pipes.NamedPipeServerStream]::new('probe')
        $client = [IO.Pipes.NamedPipeClientStream]::new('probe')
        $waiting = $server.WaitForConnectionAsync()
        $client.Connect(5000)
        $waiting.Wait(5000)
        $client.Dispose()
        $server.Dispose()
        """,
        "True",
    ),
    "a mutex that its jobs share": (
        r"""
        $mutex = [Threading.Mutex]::new($true, 'probe')
        Start-Job { [Threading.Mutex]::new($false, 'probe').WaitOne(0) } | Receive-Job -Wait
        $mutex.ReleaseMutex()
        $mutex.Dispose()
        """,
        "False",
    ),
}
PROGRAMS = {
    "git": (
        r"""
        git init -q $HOME/one
        Set-Content $HOME/one/file 'text'
        git -C $HOME/one add file
        git -C $HOME/one -c user.name=A -c user.email=a@b.example commit -qm first
        git clone -q $HOME/one $HOME/two
        git -C $HOME/two log --format=%s
        """,
        "first",
    ),
    "ssh-keygen": (
        "ssh-keygen -q -t ed25519 -N '' -f $HOME/key; (Get-ChildItem $HOME/key*).Name",
        "key key.pub",
    ),
    "openssl": (
        r"""
        $names = '-keyout', "$HOME/k.pem", '-out', "$HOME/c.pem", '-subj', '/CN=probe'
        openssl req -x509 -newkey ed25519 -nodes @names 2> $null
        (openssl x509 -in $HOME/c.pem -noout -subject) -replace ' '
        """,
        "subject=CN=probe",
    ),
    "curl": ("curl -s http://127.0.0.1:81/; $LASTEXITCODE", "7"),
}
"""Programs that a machine may have."""
REFUSED = {
    "a port": ("Invoke-WebRequest http://127.0.0.1:81/", "PWSH_MANAGER_CONFINE_PORTS"),
    "a mail server": (
        "Send-MailMessage a@b.example x -From a@b.example -SmtpServer 127.0.0.1 3> $null",
        "PWSH_MANAGER_CONFINE_PORTS",
    ),
    "a listener": (
        "[Net.Sockets.TcpListener]::new([Net.IPAddress]::Loopback, 0).Start()",
        "No session may listen",
    ),
    "another folder": ("Set-Content /srv/probe 1", "write to its working folder"),
}


@pytest.fixture(scope="module")
def server(powershell_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose sessions are confined, and find the modules of their HOME."""
    settings = {
        "PWSH_MANAGER_CONFINE": "required",
        "PWSH_MANAGER_CONFINE_FOLDERS": "",
        "PWSH_MANAGER_MACHINE_MODULES": "true",
        "PWSH_MANAGER_RUN_SIGNED_OUT": "true",
    }
    one = Server(tmp_path_factory.mktemp("inside"), settings).start()
    yield one
    one.close()


def result(server: Server, script: str) -> str:
    """Run a script in the session and return its output, words between single spaces."""
    answer = server.run(script, TENANT, format="text")
    run = f"/runs/{answer['run_id']}"
    ended = server.until(lambda: server.get(run)["ended_at"] and server.get(run), WAIT_S)
    assert ended["success"], ended
    text = "".join(one["text"] for one in ended["entries"] if one["stream"] == "stdout")
    return " ".join(text.split())


@pytest.mark.parametrize("what", WORKS)
def test_a_confined_session_has(server: Server, what: str) -> None:
    script, expected = WORKS[what]
    assert result(server, script) == expected


@pytest.mark.parametrize("program", PROGRAMS)
def test_in_a_confined_session_works(server: Server, program: str) -> None:
    if not shutil.which(program):
        pytest.skip(f"NOT TESTED: this machine has no {program}")
    script, expected = PROGRAMS[program]
    assert result(server, script) == expected


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_refused_is_explained(server: Server, what: str) -> None:
    script, words = REFUSED[what]
    answer = server.run(script, TENANT, wait_s=60)
    assert words in answer["errors"][0]["suggestion"], answer


def test_temporary_files_of_an_earlier_session_are_removed_and_the_rest_of_home_stays(
    server: Server,
) -> None:
    result(server, "Set-Content $env:TMPDIR/left, $HOME/kept 1")
    server.post("/kill", tenant=TENANT, module="exo")
    assert result(server, "Test-Path $env:TMPDIR/left, $HOME/kept") == "False True"


def test_a_replaced_certificate_is_explained_and_read_by_a_new_session(
    powershell_path: Path, tmp_path: Path
) -> None:
    certificate = make_certificate(tmp_path)
    (tmp_path / "password").write_text(CERTIFICATE_PASSWORD)
    (tmp_path / "password").chmod(0o600)
    tenants = tmp_path / "tenants.toml"
    tenants.write_text(
        f'''
        [[tenant]]
        name = "{CONTOSO}"
        organization = "contoso.onmicrosoft.example"
        [tenant.exo]
        client_id = "{AUTOMATION["contoso"]}"
        certificate_file = "{certificate.name}"
        certificate_password = {{ file = "password" }}
        '''
    )
    settings = {
        "PWSH_MANAGER_CONFINE_FOLDERS": "",
        "PWSH_MANAGER_RUN_SIGNED_OUT": "true",
        "PWSH_MANAGER_TENANTS": str(tenants),
    }
    server = Server(tmp_path / "server", settings)
    (tmp_path / "server").mkdir()
    server.start()
    try:
        assert server.run("1", CONTOSO, wait_s=50)["success"]
        copy = certificate.with_suffix(".new")
        copy.write_bytes(certificate.read_bytes())
        copy.rename(certificate)
        refused = server.sign_in(route="certificate")["sign_in"]
        assert refused["explanation"]["code"] == "certificate_out_of_reach", refused
        server.post("/disconnect", tenant=CONTOSO, module="exo")
        assert server.sign_in(route="certificate")["state"] == "signed_in"
    finally:
        server.close()
