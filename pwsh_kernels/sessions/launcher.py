"""How a session's kernel is started: its HOME, its environment, its log file."""

from collections.abc import Mapping
from pathlib import Path

from pwsh_kernels.sessions.manager import SessionLaunch
from pwsh_kernels.sessions.session import Session
from pwsh_kernels.settings import Settings


class Launcher:
    """Prepares folders (0700) and environments."""

    def __init__(self, settings: Settings, sandbox: Mapping[str, str]) -> None:
        """`sandbox`: environment variables that sessions of sandbox tenants get."""
        self._settings = settings
        self._sandbox = sandbox

    def launch(self, session: Session) -> SessionLaunch:
        """Return how to start a session's kernel; its folders then exist."""
        home = _private_folder(self._settings.homes / session.key.tenant / session.key.module)
        logs = _private_folder(self._settings.data_dir / "logs")
        return SessionLaunch(session.key, self._environment(session, home), home, logs / f"{session.key.kernelspec}.log")

    def _environment(self, session: Session, home: Path) -> dict[str, str]:
        environment = {"PWSH_KERNELS_HOME": str(home), "PWSH_MANAGER_PASS_ENV": ",".join(self._settings.pass_env)}
        if self._settings.pwsh:
            environment["PWSH_MANAGER_PWSH"] = self._settings.pwsh
        return {**environment, **self._sandbox} if session.tenant.sandbox else environment


def _private_folder(path: Path) -> Path:
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.chmod(0o700)
    return path
