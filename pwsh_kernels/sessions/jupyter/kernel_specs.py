"""Kernelspecs: the installed ones, and one per known session, so that a notebook can choose a
session.
"""

import sys
from collections.abc import Callable
from typing import Any

from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from traitlets import Dict

from pwsh_kernels.sessions.key import SessionKey

PWSH_SPEC = "pwsh"
NO_FOLDER = "/nonexistent"


class SessionKernelSpecManager(KernelSpecManager):
    """Adds the kernelspec `tenant.module` of every known session to those that are installed."""

    session_keys = Dict(help="Known sessions by kernelspec name.")
    provisioners = Dict(help="The entry point that starts their kernels, by kernelspec name.")

    def __init__(self, **kwargs: Any) -> None:
        """Take jupyter_client's arguments."""
        super().__init__(**kwargs)
        self._title: Callable[[SessionKey], str] = str

    def name_sessions(self, title: Callable[[SessionKey], str]) -> None:
        """Let `title` provide the sessions' names for people."""
        self._title = title

    def title(self, key: SessionKey) -> str:
        """Return a session's name for people."""
        return self._title(key)

    def add_session(self, key: SessionKey, provisioner: str) -> None:
        """Make a session's kernelspec known; `provisioner` is that of the place where it lives."""
        self.provisioners = {**self.provisioners, key.kernelspec: provisioner}
        self.session_keys = {**self.session_keys, key.kernelspec: key}

    def remove_session(self, key: SessionKey) -> None:
        """Forget a session's kernelspec."""
        self.session_keys = {name: one for name, one in self.session_keys.items() if one != key}

    def session_key(self, kernel_name: str | None) -> SessionKey | None:
        """Return the session that a kernelspec stands for, or None for an installed kernelspec."""
        key: SessionKey | None = self.session_keys.get(kernel_name or "")
        return key

    def find_kernel_specs(self) -> dict[str, str]:
        """Return every kernelspec's name and folder; sessions show the logos of the installed
        `pwsh` kernelspec.
        """
        installed: dict[str, str] = super().find_kernel_specs()
        return {
            **installed,
            **dict.fromkeys(self.session_keys, installed.get(PWSH_SPEC, NO_FOLDER)),
        }

    def get_kernel_spec(self, kernel_name: str) -> Any:
        """Return a kernelspec. Raises NoSuchKernel."""
        key = self.session_key(kernel_name)
        return (
            session_kernelspec(key, self.title(key), self.provisioners[key.kernelspec])
            if key
            else super().get_kernel_spec(kernel_name)
        )


def session_kernelspec(key: SessionKey, title: str, provisioner: str) -> Any:
    """Return the kernelspec of a session; `title` is what Jupyter shows."""
    return KernelSpec(
        argv=[sys.executable, "-m", "pwsh_kernels.kernel", "-f", "{connection_file}"],
        display_name=title,
        language="powershell",
        interrupt_mode="message",
        resource_dir=NO_FOLDER,
        metadata={
            "kernel_provisioner": {"provisioner_name": provisioner, "config": {}},
            "pwsh": {"session": str(key)},
            "supported_encryption": "curve",
        },
    )
