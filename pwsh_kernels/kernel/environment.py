"""What the kernel's environment says about the PowerShell to start (docs/architecture.md, kernel/).

Pure.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pwsh_kernels.kernel.display.sign_in_hint import SignInHint, read_hint
from pwsh_kernels.kernel.log_file import VARIABLE
from pwsh_kernels.limits import Limits
from pwsh_kernels.powershell import MAX_KEPT, MAX_KEPT_IN_ALL
from pwsh_kernels.reading import Shown

SESSION_ENVIRONMENT = "PWSH_KERNELS_ENVIRONMENT"
"""Variable that holds, as a JSON object, further variables for PowerShell."""
RICH_OUTPUT = "PWSH_KERNELS_RICH_OUTPUT"
KEPT_OBJECTS = "PWSH_KERNELS_KEPT_OBJECTS"
KEPT_IN_ALL = "PWSH_KERNELS_KEPT_OBJECTS_IN_ALL"
MACHINE_MODULES = "PWSH_KERNELS_MACHINE_MODULES"
WORKING_FOLDER = "PWSH_KERNELS_WORKING_FOLDER"
CULTURE = "PWSH_KERNELS_CULTURE"
FINGERPRINT = "PWSH_KERNELS_FINGERPRINT"
CONFINED = "PWSH_KERNELS_CONFINED"
LIMITS = "PWSH_KERNELS_LIMITS"
SIGN_IN_HINT = "PWSH_KERNELS_SIGN_IN_HINT"
GRANTS = "PWSH_KERNELS_GRANTS"
SHOWN = "PWSH_KERNELS_SHOWN"
HOME = "PWSH_KERNELS_HOME"
"""Variable that a session's kernel has: PowerShell's HOME."""
SERVER = ("PWSH_MANAGER_URL", "JUPYTER_RUNTIME_DIR")
"""Where the command line finds the server, for the PowerShell of a kernel without a session."""
_OFF = {"0", "false", "no", "off"}
_PLACES = re.compile(r"HOME|XDG_[A-Z_]+")
"""Variables that say where token caches are: only the session's HOME may decide, or sessions would
share sign-ins.
"""


@dataclass(frozen=True, slots=True)
class KernelEnvironment:
    """The requested PowerShell ("": the first found), its HOME, the folders first on PSModulePath,
    its extra variables.
    """

    pwsh: str
    home: Path
    module_path: str
    machine_modules: bool
    """Whether PSModulePath continues with the modules that are installed on this machine."""
    given: Mapping[str, str]
    rich_output: bool
    """Whether clients that do not ask get tables and pictures as such."""
    kept_objects: int
    """Output objects of one run that PowerShell keeps."""
    kept_in_all: int
    """Output objects of all runs that it keeps."""
    log_file: str
    """Where the kernel's log is."""
    working_folder: str
    """Where PowerShell's commands begin; "": in the kernel's own folder, the notebook's."""
    culture: str
    """The culture of PowerShell, such as "de-CH"; "": the environment's."""
    fingerprint: str
    """Script that shows whether the module's connection has changed; "": not checked."""
    shown: Shown | None
    """The only commands that the PowerShell of the read tier finds; None: it is no reader's."""
    confined: str
    """The rules that confine PowerShell (`pwsh_kernels.landlock`); "": it is not confined."""
    limits: Limits
    """What PowerShell and everything that it starts may have."""
    grants: str
    """The public half of the key with which a session's server grants messages."""
    sign_in_hint: SignInHint
    """The hint after an error in a person's cell that may mean that nobody is signed in."""


def read_environment(env: Mapping[str, str], own_home: Path) -> KernelEnvironment:
    """Return what the environment says; `own_home` is PowerShell's HOME when none is named."""
    asked = [name.strip() for name in env.get("PWSH_MANAGER_PASS_ENV", "").split(",")]
    named = [name for name in asked if not _PLACES.fullmatch(name)]
    named += () if env.get(HOME) else SERVER
    return KernelEnvironment(
        pwsh=env.get("PWSH_MANAGER_PWSH", ""),
        home=Path(env.get(HOME) or own_home),
        module_path=env.get("PWSH_KERNELS_MODULE_PATH", ""),
        machine_modules=_is_on(env.get(MACHINE_MODULES, "")),
        rich_output=_is_on(env.get(RICH_OUTPUT, "")),
        kept_objects=int(env.get(KEPT_OBJECTS) or MAX_KEPT),
        kept_in_all=int(env.get(KEPT_IN_ALL) or MAX_KEPT_IN_ALL),
        log_file=env.get(VARIABLE, "the kernel's log"),
        working_folder=env.get(WORKING_FOLDER, ""),
        culture=env.get(CULTURE, ""),
        fingerprint=env.get(FINGERPRINT, ""),
        shown=Shown.read(env.get(SHOWN, "")),
        confined=env.get(CONFINED, ""),
        limits=Limits.read(env.get(LIMITS, "")),
        grants=env.get(GRANTS, ""),
        sign_in_hint=read_hint(env.get(SIGN_IN_HINT, "")),
        given={**{name: env[name] for name in named if name in env}, **_session_environment(env)},
    )


def _is_on(value: str) -> bool:
    """Return whether a variable is not switched off; one that is not set is on."""
    return value.strip().casefold() not in _OFF


def _session_environment(env: Mapping[str, str]) -> dict[str, str]:
    facts = json.loads(env.get(SESSION_ENVIRONMENT) or "{}")
    return {str(name): str(value) for name, value in facts.items()}
