"""How a PowerShell process is started: its arguments and its environment, pure."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pwsh_kernels.landlock import command
from pwsh_kernels.limits import Limits, limited_command
from pwsh_kernels.reading import Shown

ALLOWED = (
    "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TMPDIR",
    "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY",
    "http_proxy", "https_proxy", "no_proxy", "all_proxy",
    "SSL_CERT_FILE", "SSL_CERT_DIR", "LD_LIBRARY_PATH",
)  # fmt: skip
"""Variables that PowerShell inherits from our process; all others are dropped, so that no unrelated
secret enters a session.
"""

ALLOWED_PREFIXES = ("LC_", "DOTNET_")
"""Languages; the .NET runtime's settings, such as where it is and how much memory it may take."""

QUIET = {
    "POWERSHELL_TELEMETRY_OPTOUT": "1",
    "POWERSHELL_UPDATECHECK": "Off",
    "DOTNET_CLI_TELEMETRY_OPTOUT": "1",
    "POWERSHELL_DIAGNOSTICS_OPTOUT": "1",
}
"""No telemetry, no update checks, and no pipe through which another process could enter a session
(Enter-PSHostProcess).
"""

USUAL = {
    "DOTNET_EnableDiagnostics": "0",
    "DOTNET_GCLOHThreshold": "400000",
    "TERM": "xterm-256color",
}
"""Unless our own environment says otherwise: no port of .NET's diagnostics, which reads the memory
of a session; opening takes 0.1 s less (measured).

A text of a megabyte is not yet a large object (4 MiB, hexadecimal): .NET collects all its memory
for every few large ones, twice for each such text (20 of 55 ms, measured).

The terminal is not the one that started us: front ends of Jupyter behave like an xterm.
"""

ASSEMBLY = Path(__file__).parents[1] / "assembly" / "PwshKernels.dll"
COMMANDS = Path(__file__).parents[1] / "scripts" / "commands"
"""Scripts that every session finds at the end of its PATH: Out-Html and its siblings.

PowerShell's completion of `Get-Command -Noun Json -Verb` fails on functions of such names, but not
on scripts.
"""

MAX_KEPT = 100_000
MAX_KEPT_IN_ALL = 500_000


@dataclass(frozen=True, slots=True)
class Launch:
    """What to start.

    `home` None: our own HOME; `environment` is added to what the allow-list lets through.
    """

    executable: Path
    home: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    cwd: Path | None = None
    location: str = ""
    """The folder in which commands begin; "": `cwd`."""
    width: int = 120
    """Columns of the window that scripts see."""
    culture: str = ""
    """Culture such as "de-CH", instead of the one in our own environment."""
    kept_objects: int = MAX_KEPT
    """Output objects of one run that PowerShell keeps (the first ones).

    They live as long as the run is kept.
    """
    fingerprint: str = ""
    """Script whose output changes when a module's connection changes; it runs after every run, so
    it must be quick.
    """
    kept_in_all: int = MAX_KEPT_IN_ALL
    """Output objects of all runs that it keeps; those of the newest run are always kept."""
    module_path: str = ""
    """Folders that come first on PSModulePath."""
    machine_modules: bool = True
    """False: only PowerShell's own modules follow them, none that is installed on this machine or
    inherited.
    """
    shown: Shown | None = None
    """The only commands that it finds; it then takes no text but the server's own. None: all."""
    takes_assembly: bool = True
    """False: its .NET is older than that of our assembly, and would not start with it."""
    confined: str = ""
    """Rules of `pwsh_kernels.landlock` that confine it, besides those for its own files."""
    limits: Limits = field(default_factory=Limits)
    """What it and everything that it starts may have."""
    pass_env: tuple[str, ...] = ()
    """Names of our own variables that the child inherits besides the allow-list."""

    @property
    def argv(self) -> list[str]:
        """The command line: PSRP over stdin and stdout."""
        own = [str(self.executable), "-NoLogo", "-NoProfile", "-s"]
        whole = confined_command(self.confined, own, self.limits) if self.confined else own
        return limited_command(self.limits, whole)


def confined_command(rules: str, own: list[str], limits: Limits) -> list[str]:
    """Return the command line that limits and confines a PowerShell, which may also read its own
    files.
    """
    facts = {**json.loads(rules), "limits": limits.of_resources()}
    if "read" in facts:
        facts["read"] += engine_files(Path(own[0]), os.environ.get("DOTNET_ROOT", ""))
    return command(json.dumps(facts), own)


def engine_files(executable: Path, dotnet_root: str) -> list[str]:
    """Return where the files of a PowerShell are: its folder; for a .NET tool, the folders of tools
    and of the runtime; for anything else, only the program.
    """
    program = executable.resolve()
    if (program.parent / "System.Management.Automation.dll").exists():
        return [str(program.parent)]
    if (executable.parent / ".store").is_dir():
        return [str(executable.parent), dotnet_root or str(executable.parent.parent)]
    return [str(executable), str(program)]


def closed_module_path(launch: Launch, environment: Mapping[str, str]) -> str:
    """Return what modulepath.ps1 would make of PowerShell's usual folders, so that it has nothing
    to do (measured: 25 ms).

    PowerShell adds none of them, because all are named. Where its settings name others, it adds
    these, and the script runs.
    """
    data = environment.get("XDG_DATA_HOME") or f"{environment.get('HOME', '')}/.local/share"
    usual = (f"{data}/powershell/Modules", "/usr/local/share/powershell/Modules")
    named = [name for name in map(str.upper, usual) if not Path(name).is_dir()]
    return os.pathsep.join(
        filter(None, (launch.module_path, f"{launch.executable.resolve().parent}/Modules", *named))
    )


def child_environment(launch: Launch, ours: Mapping[str, str]) -> dict[str, str]:
    """Return the whole environment of the child: usual, allowed names of `ours`, its HOME, given
    values, quiet, COMMANDS.
    """
    allowed = {*ALLOWED, *launch.pass_env}
    inherited = {
        name: value
        for name, value in ours.items()
        if name in allowed or name.startswith(ALLOWED_PREFIXES)
    }
    home = {"HOME": str(launch.home)} if launch.home else {}
    whole = {**USUAL, **inherited, **home, **launch.environment, **QUIET}
    if not launch.machine_modules:
        whole["PSModulePath"] = closed_module_path(launch, whole)
    if launch.shown and launch.takes_assembly:
        whole["DOTNET_STARTUP_HOOKS"] = os.pathsep.join(
            filter(None, (whole.get("DOTNET_STARTUP_HOOKS"), str(ASSEMBLY)))
        )
    whole["PATH"] = os.pathsep.join(filter(None, (whole.get("PATH"), str(COMMANDS))))
    return _with_culture(whole, launch.culture) if launch.culture else whole


def _with_culture(environment: Mapping[str, str], culture: str) -> dict[str, str]:
    """.NET asks LC_ALL, LC_MESSAGES and LANG, in this order; the C library need not have the
    language.
    """
    others = {
        name: value
        for name, value in environment.items()
        if name != "LANGUAGE" and not name.startswith("LC_")
    }
    return {**others, "LANG": f"{culture.replace('-', '_')}.UTF-8"}
