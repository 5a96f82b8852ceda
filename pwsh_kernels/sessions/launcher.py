"""How a session's kernel is started: its HOME, its environment, its log file."""

import json
import logging
import os
import shutil
import stat
from collections.abc import Callable, Mapping
from pathlib import Path

from pwsh_kernels.catalog import ending_errors
from pwsh_kernels.errors import BrokenFile, FolderNotWritable, UnsafeFolder
from pwsh_kernels.sessions.evidence.history import MODULES, VARIABLE, SessionHistory
from pwsh_kernels.sessions.jupyter.kernel_manager import SessionLaunch
from pwsh_kernels.sessions.jupyter.kernel_process import HOME_VARIABLE
from pwsh_kernels.sessions.jupyter.pinned_modules import Pins
from pwsh_kernels.sessions.key import SessionKey
from pwsh_kernels.sessions.session import Session
from pwsh_kernels.settings import Settings

MODULE_PATH = "PWSH_KERNELS_MODULE_PATH"
MACHINE_MODULES = "PWSH_KERNELS_MACHINE_MODULES"
"""Variable of the kernel: with `off` its PowerShell finds no module that is installed on this
machine.
"""
SANDBOX_TENANT = "PWSH_KERNELS_SANDBOX_TENANT"
SHARED = "PWSH_KERNELS_SHARED"
"""Variable of the kernel: a shutdown_request of a front end does not end it."""
WORKING_FOLDER = "PWSH_KERNELS_WORKING_FOLDER"
"""Variable of the kernel: where its PowerShell's commands begin. Not the folder of the process:
libraries put tokens there when they find no place of their own, and HOME is private.
"""
LOG = "PWSH_KERNELS_LOG"
LOG_SIZE = "PWSH_KERNELS_LOG_SIZE"
KEPT_OBJECTS = "PWSH_KERNELS_KEPT_OBJECTS"
KEPT_IN_ALL = "PWSH_KERNELS_KEPT_OBJECTS_IN_ALL"
CULTURE = "PWSH_KERNELS_CULTURE"
FINGERPRINT = "PWSH_KERNELS_FINGERPRINT"
"""Variable of the kernel: the script by which it sees that the module's connection has changed."""
SIGN_IN_HINT = "PWSH_KERNELS_SIGN_IN_HINT"
"""Variable of the kernel, JSON: which errors in a person's cell may mean that nobody is signed in,
and what to do then.
"""
SESSION_ENVIRONMENT = "PWSH_KERNELS_ENVIRONMENT"
"""Variable of the kernel that holds, as JSON, the variables which only its PowerShell gets."""


_log = logging.getLogger(__name__)


class Launcher:
    """Prepares folders (0700) and environments."""

    def __init__(self, settings: Settings, sandbox: Callable[[], Mapping[str, str]]) -> None:
        """`sandbox` returns the environment variables that a session of a sandbox tenant gets."""
        self._settings = settings
        self._sandbox = sandbox
        self.history = SessionHistory(settings.data_dir / "history")
        self.pins = Pins(settings.data_dir)

    def launch(self, session: Session) -> SessionLaunch:
        """Return how to start a session's kernel; its folders then exist.

        Raises UnsafeFolder, FolderNotWritable.
        """
        home = self.prepare_home(session.key)
        session.begin_in(str(self._prepare_files(session.key)))
        log_file = self.log_file(session.key)
        _private_folder(log_file.parent)
        return SessionLaunch(session.key, self._environment(session, home), home, log_file)

    def log_file(self, key: SessionKey) -> Path:
        """Return the log of a session's kernel."""
        return self._settings.data_dir / "logs" / f"{key.kernelspec}.log"

    def pin(self, session: Session) -> dict[str, str]:
        """Let a session that begins have the module versions that are selected now; return them.

        Raises BrokenFile for a real tenant.

        One of a simulated tenant has no module that the sandbox plays, nor what needs one: it would
        reach for the service.
        """
        if not session.tenant.sandbox:
            return self.pins.pin(session.key)
        try:
            return self.pins.pin(session.key, _modules_in(self._sandbox().get(MODULE_PATH, "")))
        except BrokenFile as problem:  # it has what it needs without any installed module
            _log.warning("%s has no installed module: %s", session.key, problem.text())
            return {}

    def pin_again(self, session: Session) -> bool:
        """Let a session have what is selected now; return whether that is something else.

        Raises BrokenFile.
        """
        return session.pin(self.pin(session))

    def home(self, key: SessionKey) -> Path:
        """Return the folder that is a session's HOME, which holds what its module keeps of a
        sign-in.
        """
        return self._settings.homes / key.tenant / key.module

    def key_of(self, home: Path) -> SessionKey | None:
        """Return the session whose HOME a folder is; None: it is none of ours."""
        if home.parent.parent != self._settings.homes:
            return None
        return SessionKey(home.parent.name, home.name)

    def prepare_home(self, key: SessionKey) -> Path:
        """Make a session's HOME (0700).

        Raises UnsafeFolder when the folder of all HOMEs is open to everybody.
        """
        check_private(self._settings.homes)
        for folder in (self._settings.homes, self._settings.homes / key.tenant):
            _private_folder(folder)
        return _private_folder(self.home(key))

    def _prepare_files(self, key: SessionKey) -> Path:
        """Make the folder in which a session's commands begin (0700); not in its HOME, which is
        removed with a sign-in.
        """
        files = self._settings.data_dir / "files"
        for folder in (files, files / key.tenant):
            _private_folder(folder)
        return _private_folder(files / key.tenant / key.module)

    def forget(self, key: SessionKey) -> bool:
        """Remove a session's HOME with all that its module kept in it; return whether there was
        one.
        """
        home = self.home(key)
        if not home.exists():
            return False
        shutil.rmtree(home)
        return True

    def _environment(self, session: Session, home: Path) -> dict[str, str]:
        environment = {
            HOME_VARIABLE: str(home),
            "PWSH_MANAGER_PASS_ENV": ",".join(self._settings.pass_env),
            WORKING_FOLDER: session.working_folder,
            SHARED: "1",
            KEPT_OBJECTS: str(self._settings.kept_objects),
            LOG: str(self.log_file(session.key)),
            LOG_SIZE: str(self._settings.kernel_log),
            SIGN_IN_HINT: _sign_in_hint(session),
            KEPT_IN_ALL: str(self._settings.kept_objects_in_all),
        }
        if culture := session.tenant.culture_of(session.key.module):
            environment[CULTURE] = culture
        if session.module.fingerprint:
            environment[FINGERPRINT] = session.module.fingerprint.text
        if self._settings.pwsh:
            environment["PWSH_MANAGER_PWSH"] = self._settings.pwsh
        if session.tenant.sandbox or not self._settings.machine_modules:
            environment[MACHINE_MODULES] = "off"
        own = {**session.module.environment, VARIABLE: str(self.history.file(session.key))}
        folders = [str(MODULES), str(self.pins.folder(session.key))]
        if session.tenant.sandbox:
            sandbox = self._sandbox()
            folders[1:1] = filter(None, [sandbox.get(MODULE_PATH)])
            own |= {name: value for name, value in sandbox.items() if name != MODULE_PATH}
            own[SANDBOX_TENANT] = session.tenant.name
        environment[MODULE_PATH] = os.pathsep.join(folders)
        return {**environment, SESSION_ENVIRONMENT: json.dumps(own)}


def _sign_in_hint(session: Session) -> str:
    name = f"{session.key.tenant} {session.key.module}"
    hint = (
        f"If nobody is signed in any more: `pwsh-kernels login {name}` in a terminal signs in,"
        f" `pwsh-kernels status {name}` says who is."
    )
    errors = [*ending_errors(), *(one.pattern for one in session.module.ended)]
    return json.dumps({"errors": errors, "hint": hint})


def _modules_in(module_path: str) -> list[str]:
    """Return the names of the modules in the folders of a path."""
    return [
        module.name
        for folder in module_path.split(os.pathsep)
        if folder
        for module in Path(folder).iterdir()
    ]


def check_private(folder: Path) -> None:
    """Raise UnsafeFolder for a folder that every user of the machine can read or enter."""
    if folder.exists() and stat.S_IMODE(folder.stat().st_mode) & stat.S_IRWXO:
        raise UnsafeFolder(folder=str(folder))


def _private_folder(path: Path) -> Path:
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.chmod(0o700)
    except OSError as error:
        raise FolderNotWritable(folder=str(path), problem=error.strerror or str(error)) from error
    return path
