"""How a session's kernel is started: its folders, its environment, its log file."""

import json
import logging
import os
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from pwsh_kernels.catalog import ending_errors, reading_commands
from pwsh_kernels.errors import BrokenFile
from pwsh_kernels.reading import ENGINE, Shown
from pwsh_kernels.sessions.evidence.history import MODULES, VARIABLE, SessionHistory
from pwsh_kernels.sessions.jupyter.pinned_modules import Pins
from pwsh_kernels.sessions.places import managed_identity
from pwsh_kernels.sessions.places.confinement import Needs, is_proxy
from pwsh_kernels.sessions.places.homes import private_folder
from pwsh_kernels.sessions.places.local_process import HOME_VARIABLE
from pwsh_kernels.sessions.places.place import Place, SessionLaunch
from pwsh_kernels.sessions.places.places import Places
from pwsh_kernels.sessions.session import Session
from pwsh_kernels.settings import Settings

MODULE_PATH = "PWSH_KERNELS_MODULE_PATH"
MACHINE_MODULES = "PWSH_KERNELS_MACHINE_MODULES"
"""Variable of the kernel: with `off` its PowerShell finds no module that is installed on this
machine.
"""
SANDBOX_FOLDER = "PWSH_KERNELS_SANDBOX"
SANDBOX_TENANT = "PWSH_KERNELS_SANDBOX_TENANT"
SHARED = "PWSH_KERNELS_SHARED"
"""Variable of the kernel: a shutdown_request of a front end does not end it."""
WORKING_FOLDER = "PWSH_KERNELS_WORKING_FOLDER"
"""Variable of the kernel: where its PowerShell's commands begin. The process itself starts in HOME,
which is private: libraries that find no place of their own put tokens into the current folder.
"""
SAFE_PATH = "PYTHONSAFEPATH"
"""Variable of Python: a kernel begins in HOME, and must import nothing that its session has put
there.
"""
LOG = "PWSH_KERNELS_LOG"
LOG_SIZE = "PWSH_KERNELS_LOG_SIZE"
CONFINED = "PWSH_KERNELS_CONFINED"
"""Variable of the kernel: the rules that keep its PowerShell to itself."""
LIMITS = "PWSH_KERNELS_LIMITS"
"""Variable of the kernel, JSON: what its PowerShell may have (`pwsh_kernels.limits`)."""
KEPT_OBJECTS = "PWSH_KERNELS_KEPT_OBJECTS"
KEPT_IN_ALL = "PWSH_KERNELS_KEPT_OBJECTS_IN_ALL"
CULTURE = "PWSH_KERNELS_CULTURE"
FINGERPRINT = "PWSH_KERNELS_FINGERPRINT"
"""Variable of the kernel: the script that shows whether the module's connection has changed."""
SHOWN = "PWSH_KERNELS_SHOWN"
"""Variable of a reader's kernel: the only commands that its PowerShell finds."""
SIGN_IN_HINT = "PWSH_KERNELS_SIGN_IN_HINT"
"""Variable of the kernel, JSON: which errors in a person's cell may mean that nobody is signed in,
and what to do then.
"""
SESSION_ENVIRONMENT = "PWSH_KERNELS_ENVIRONMENT"
"""Variable of the kernel, JSON: variables for its PowerShell alone."""


_log = logging.getLogger(__name__)


class Launcher:
    """Prepares folders (0700) and environments."""

    def __init__(
        self,
        settings: Settings,
        sandbox: Callable[[], Mapping[str, str]],
        places: Places,
        secret_files: Callable[[], Collection[Path]],
    ) -> None:
        """`sandbox` returns the environment variables that a session of a sandbox tenant gets,
        `secret_files` those of all tenants.
        """
        self._secret_files = secret_files
        self._settings = settings
        self._sandbox = sandbox
        self.places = places
        self.history = SessionHistory(settings.data_dir / "history")
        self.pins = Pins(settings.data_dir)

    def launch(self, session: Session) -> SessionLaunch:
        """Return how to start a session's kernel, after making its folders.

        Raises UnsafeFolder, FolderNotWritable, NoSessionUserLeft.
        """
        place = self.places[session.place]
        place.choose_user(session.key, simulated=session.tenant.sandbox)
        home = place.prepare_home(session.key)
        session.begin_in(str(place.prepare_files(session.key)))
        needs = self._needs(session)
        environment = self._environment(session, place, needs, home)
        return SessionLaunch(
            session.key, place, environment, home, place.log_file(session.key), needs
        )

    def log_file(self, session: Session) -> Path:
        """Return where the log of a session's kernel is, as the kernel sees it."""
        return self.places[session.place].log_file(session.key)

    def pin(self, session: Session) -> dict[str, str]:
        """Pin the module versions that are selected now for a session that begins; return them.

        Raises BrokenFile for a real tenant.

        One that does not share the data folder has the modules of its image. A simulated tenant's
        session gets no module that the sandbox simulates, and none that needs one of them: it would
        contact the real service.
        """
        if not self.places[session.place].shares_data:
            return {}
        user = self.places[session.place].user(session.key)
        everyone = user.everyone if user else None
        if not session.tenant.sandbox:
            return self.pins.pin(session.key, everyone=everyone)
        try:
            without = _modules_in(self._sandbox().get(MODULE_PATH, ""))
            return self.pins.pin(session.key, without, everyone)
        except BrokenFile as problem:  # it needs no installed module
            _log.warning("%s has no installed module: %s", session.key, problem.text())
            return {}

    def pin_again(self, session: Session) -> bool:
        """Give a session the versions that are selected now; return whether anything changed.

        Raises BrokenFile.
        """
        return session.pin(self.pin(session))

    def _environment(
        self, session: Session, place: Place, needs: Needs, home: Path
    ) -> dict[str, str]:
        environment = {
            SAFE_PATH: "1",
            HOME_VARIABLE: str(home),
            "PWSH_MANAGER_PASS_ENV": ",".join(self._settings.pass_env),
            WORKING_FOLDER: session.working_folder,
            SHARED: "1",
            KEPT_OBJECTS: str(self._settings.kept_objects),
            LOG: str(place.log_file(session.key)),
            LOG_SIZE: str(self._settings.kernel_log),
            SIGN_IN_HINT: _sign_in_hint(session),
            KEPT_IN_ALL: str(self._settings.kept_objects_in_all),
            LIMITS: place.limits(session.key).text(),
        }
        if culture := session.tenant.culture_of(session.key.module):
            environment[CULTURE] = culture
        if session.key.reads:
            environment[SHOWN] = Shown(*reading_commands(session.module), ENGINE).text()
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
        own |= managed_identity.variables(_machine(session))
        environment[MODULE_PATH] = os.pathsep.join(folders)
        if confined := place.confine(session.key, needs):
            environment[CONFINED] = confined.rules
            own["TMPDIR"] = str(confined.temporary)
        return {**environment, SESSION_ENVIRONMENT: json.dumps(own)}

    def _needs(self, session: Session) -> Needs:
        """Return what its PowerShell needs on this machine; the folders that it may read are
        created if they are missing.
        """
        data = self._settings.data_dir.absolute()
        user = self.places[session.place].user(session.key)
        everyone = user.everyone if user else None
        modules = tuple(private_folder(data / name, everyone) for name in ("pins", "modules"))
        history = self.history.prepare(session.key, user)
        certificate = session.tenant.access(session.key.module).certificate_file
        sandbox = dict(self._sandbox()) if session.tenant.sandbox else {}
        challenges = [managed_identity.CHALLENGES] if _as_machine(session) else []
        files = filter(None, [certificate, self._settings.modules_dir, *challenges])
        return Needs(
            read=(*modules, history, *files),
            write=(
                Path(session.working_folder),
                *(Path(value) for name, value in sandbox.items() if name == SANDBOX_FOLDER),
            ),
            addresses=tuple(value for value in sandbox.values() if "://" in value)
            + _addresses(session),
            private=(
                *(data, self._settings.homes, self._settings.tenants_path.parent),
                *self._secret_files(),
            ),
            machine_mutexes=session.module.machine_mutexes,
        )


def _sign_in_hint(session: Session) -> str:
    read = " --read" if session.key.reads else ""
    name = f"{session.key.tenant} {session.key.module}{read}"
    hint = (
        f"If nobody is signed in any more: `pwsh-kernels login {name}` in a terminal signs in,"
        f" `pwsh-kernels status {name}` says who is."
    )
    errors = [*ending_errors(), *(one.pattern for one in session.module.ended)]
    return json.dumps({"errors": errors, "hint": hint})


def _addresses(session: Session) -> tuple[str, ...]:
    """Return the addresses that the module declares: its routes' hosts, and a proxy of its own; and
    where the machine's identity is to be had, if it signs in with that.
    """
    module, facts = session.module, session.facts()
    hosts = {one for route in module.routes.values() for one in module.hosts_of(route, facts)}
    proxies = (value for name, value in module.environment.items() if is_proxy(name))
    machine = [managed_identity.endpoint(_machine(session))] if _as_machine(session) else []
    return (*(f"https://{host}" for host in sorted(hosts)), *proxies, *machine)


def _as_machine(session: Session) -> bool:
    """Return whether the tenants file says that a session signs in as the machine it is on."""
    route = session.tenant.access(session.key.module).route
    return route == "managed_identity" and not session.tenant.sandbox


def _machine(session: Session) -> Mapping[str, str]:
    """Return the environment in which the machine's identity of a session is described, which is
    nothing for any other session, and for one on another machine.
    """
    return os.environ if _as_machine(session) and session.place == "local" else {}


def _modules_in(module_path: str) -> list[str]:
    """Return the names of the modules in the folders of a path."""
    return [
        module.name
        for folder in module_path.split(os.pathsep)
        if folder
        for module in Path(folder).iterdir()
    ]
