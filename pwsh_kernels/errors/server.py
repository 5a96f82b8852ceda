"""Servers that do not start, or are not ready."""

import errno
from dataclasses import dataclass
from typing import ClassVar

from pwsh_kernels.errors.product_error import ProductError

_EXHAUSTED = {errno.EMFILE, errno.ENFILE, errno.ENOSPC, errno.EDQUOT, errno.ENOMEM}


def is_exhausted(error: OSError) -> bool:
    """Return whether something failed because a resource is exhausted."""
    return error.errno in _EXHAUSTED


@dataclass(eq=False)
class ServerStarting(ProductError):
    """The server is listening, but has not yet found the sessions of an earlier server."""

    code: ClassVar[str] = "server_starting"
    status: ClassVar[int] = 503

    def text(self) -> str:
        return "The server is still starting. Try again in a few seconds."


@dataclass(eq=False)
class ServerExhausted(ProductError):
    """The machine has no more file descriptors, disk or memory for the server."""

    code: ClassVar[str] = "server_exhausted"
    status: ClassVar[int] = 503
    problem: str

    def text(self) -> str:
        return (
            f"The server cannot do this now: {self.problem}. Sessions and runs go on. Try again"
            " when others have ended, or give the server's process more (files: `ulimit -n`)."
        )


@dataclass(eq=False)
class InvalidSetting(ProductError):
    """A setting has a value that the product cannot use."""

    code: ClassVar[str] = "invalid_setting"
    status: ClassVar[int] = 400
    setting: str
    problem: str

    def text(self) -> str:
        return (
            f"{self.setting}: {self.problem}. `pwsh-kernels settings` lists every setting with its"
            " unit."
        )


@dataclass(eq=False)
class BadTokenFile(ProductError):
    """The file that should hold the token does not."""

    code: ClassVar[str] = "bad_token_file"
    file: str
    problem: str
    user: int

    def text(self) -> str:
        return (
            f"The token file {self.file} cannot be used: {self.problem}. Write a token into it that"
            f" user {self.user} can read (`openssl rand -hex 24` makes one), or name no file: the"
            " server then makes its own token."
        )


@dataclass(eq=False)
class NotReady(ProductError):
    """The server is running, but no session can start on this machine."""

    code: ClassVar[str] = "not_ready"
    status: ClassVar[int] = 503
    reason: str

    def text(self) -> str:
        return f"The server is not ready ({self.reason}): `pwsh-kernels doctor` says what is wrong."


@dataclass(eq=False)
class ServerStartFailed(ProductError):
    """A server that was started in the background did not become ready."""

    code: ClassVar[str] = "server_start_failed"
    status: ClassVar[int] = 503
    reason: str
    log: str

    def text(self) -> str:
        return (
            f"The server that was started in the background did not start ({self.reason}). "
            f"Its log is {self.log}; `pwsh-kernels doctor` checks the installation."
        )


@dataclass(eq=False)
class LabNotInstalled(ProductError):
    """`pwsh-kernels lab` needs JupyterLab."""

    code: ClassVar[str] = "lab_not_installed"
    where: str

    def text(self) -> str:
        return (
            f"JupyterLab is not installed {self.where}. Install it there (in a clone of the"
            " repository: `make lab`, elsewhere: `pip install 'pwsh-kernels[lab]'`) and restart the"
            " server; or attach your own JupyterLab: `jupyter lab"
            " --gateway-url ADDRESS` (docs/notebooks.md)."
        )


@dataclass(eq=False)
class ConsoleNotInstalled(ProductError):
    """`pwsh-kernels console` needs jupyter_console."""

    code: ClassVar[str] = "console_not_installed"

    def text(self) -> str:
        return (
            "jupyter_console is not installed in this environment. Run `pip install"
            " jupyter_console` there."
        )


@dataclass(eq=False)
class ConsoleRefused(ProductError):
    """The server does not open a notebook's connection to who holds this token."""

    code: ClassVar[str] = "console_refused"
    http_status: int

    def text(self) -> str:
        return (
            f"The server does not open the console ({self.http_status}): it needs a principal with"
            " `jupyter = true` and `read` in this session. Who owns the server sets that in the"
            " principals file (docs/governance.md). `pwsh-kernels run` needs none."
        )


@dataclass(eq=False)
class DataFolderInUse(ProductError):
    """Another server holds the data folder and its sessions."""

    code: ClassVar[str] = "data_folder_in_use"
    status: ClassVar[int] = 409
    folder: str
    pid: str

    def text(self) -> str:
        return (
            f"A pwsh-kernels server (process {self.pid or 'unknown'}) already has the sessions in"
            f" {self.folder}. Use that one, or give this one another folder with"
            " PWSH_MANAGER_DATA_DIR."
        )


@dataclass(eq=False)
class AuditUnavailable(ProductError):
    """The audit log cannot be written."""

    code: ClassVar[str] = "audit_unavailable"
    status: ClassVar[int] = 503
    folder: str
    problem: str

    def text(self) -> str:
        return (
            f"The audit log in {self.folder} cannot be written ({self.problem}), and what is not"
            " recorded is not done. Make room, or let the server write there; it tries again by"
            " itself. States and outputs can be read meanwhile, and `cancel`, `disconnect` and kill"
            " work."
        )
