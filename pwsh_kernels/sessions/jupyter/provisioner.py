"""The kernel provisioner of sessions: kernels outlive the server, and a later server adopts them by
their process.
"""

import json
import os
from pathlib import Path
from typing import IO, Any

import psutil
from jupyter_client.connect import LocalPortCache
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from pwsh_kernels.sessions.jupyter.jupyter_client_compat import leave_connection_file
from pwsh_kernels.sessions.jupyter.ports import free_ports
from pwsh_kernels.shapes import ForeignJson

PORTS = ("shell_port", "iopub_port", "stdin_port", "hb_port", "control_port")
SAME_START_S = 1.0
"""Two readings of one process' start time differ less; a reused process id differs more."""
PRIVATE = 0o077
"""umask of sessions: what a module keeps of a sign-in, often as plain text, is for nobody else
(files 0600).
"""


class ForeignProcess(psutil.Process):
    """A process that is not our child, with the part of Popen's interface that LocalProvisioner
    uses.
    """

    stdin = stdout = stderr = None

    def poll(self) -> int | None:
        """Return None while it runs; its exit status is its parent's to know, so -1 stands for any
        end.
        """
        try:
            return None if self.is_running() and self.status() != psutil.STATUS_ZOMBIE else -1
        except psutil.NoSuchProcess:
            return -1

    def wait(self, timeout: float | None = None) -> int:  # noqa: ARG002 - Popen's signature
        """Return at once: LocalProvisioner asks only after `poll` has said that it ended."""
        return -1


def _append(path: str) -> IO[bytes]:
    """Open a log for a kernel: with the server's own stdout it would hold a pipe that outlives its
    reader.
    """
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")


def _remove_files(connection_file: str) -> None:
    process_note(connection_file).unlink(missing_ok=True)
    Path(connection_file).unlink(missing_ok=True)


def process_note(connection_file: str | Path) -> Path:
    """Return the file beside a connection file that names the kernel's process."""
    return Path(connection_file).with_suffix(".pid")


def living_process(connection_file: str | Path) -> ForeignProcess | None:
    """Return the running process of the kernel of a connection file, or None when there is none any
    more.
    """
    try:
        pid, started = json.loads(process_note(connection_file).read_text())
        process = ForeignProcess(pid)
        same = abs(process.create_time() - started) < SAME_START_S
    except (OSError, ValueError, TypeError, psutil.Error):
        return None
    return process if same and process.poll() is None and Path(connection_file).is_file() else None


class AdoptingProvisioner(LocalProvisioner):
    """Starts a kernel that outlives us, or takes over the one that an earlier server left under the
    same file.
    """

    parent: Any
    process: Any

    async def pre_launch(self, **kwargs: Any) -> ForeignJson:
        """Take over a living kernel (its `cmd` is then empty), else prepare to start one."""
        living = living_process(self.parent.connection_file)
        if living is None:
            self._choose_ports()
            return await super().pre_launch(**kwargs)
        self._adopt(living)
        return {"cmd": [], "env": kwargs.get("env", {})}

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
        """Start the kernel, independent of this process, and note which process it is."""
        if not cmd:
            return self.connection_info
        with _append(kwargs.pop("log_file", os.devnull)) as log:
            info = await super().launch_kernel(
                cmd, independent=True, stdout=log, stderr=log, umask=PRIVATE, **kwargs
            )
        leave_connection_file(self.parent)
        self._write_note()
        return info

    async def cleanup(self, restart: bool = False) -> None:
        """Remove what this kernel left in the runtime folder."""
        await super().cleanup(restart=restart)
        if not restart:
            _remove_files(self.parent.connection_file)

    def _choose_ports(self) -> None:
        if self.ports_cached or self.parent.transport != "tcp":
            return
        reserved = LocalPortCache.instance().currently_used_ports
        ports = free_ports(self.parent.ip, len(PORTS), reserved)
        reserved.update(ports)
        for name, port in zip(PORTS, ports, strict=True):
            setattr(self.parent, name, port)
        self.ports_cached = True

    def _adopt(self, process: ForeignProcess) -> None:
        self.parent.load_connection_file()
        self.process, self.pid, self.pgid = process, process.pid, os.getpgid(process.pid)
        self.connection_info = self.parent.get_connection_info()
        self.ports_cached = True  # a restart keeps these ports, which its clients know

    def _write_note(self) -> None:
        note = process_note(self.parent.connection_file)
        descriptor = os.open(note, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as stream:
            json.dump([self.pid, psutil.Process(self.pid).create_time()], stream)
