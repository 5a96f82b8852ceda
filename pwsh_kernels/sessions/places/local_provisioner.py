"""The kernel provisioner of the place `local`: kernels outlive the server, and a later one adopts
them by their process.
"""

import os
import signal
import subprocess
from pathlib import Path
from typing import IO, Any

from jupyter_client.connect import LocalPortCache
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from pwsh_kernels.grants import Signer
from pwsh_kernels.sessions.places.grant_key import (
    PUBLIC,
    grant_key,
    read_grant_key,
    write_grant_key,
)
from pwsh_kernels.sessions.places.jupyter_client_compat import leave_connection_file
from pwsh_kernels.sessions.places.local_process import (
    PORTS,
    ForeignProcess,
    living_process,
    process_note,
    write_process_note,
)
from pwsh_kernels.sessions.places.place import Provisioner
from pwsh_kernels.sessions.places.ports import free_ports
from pwsh_kernels.shapes import ForeignJson

PRIVATE = 0o077
"""umask of sessions: nobody else may read what a module keeps of a sign-in, often as plain text
(files 0600).
"""


def _append(path: str) -> IO[bytes]:
    """Open a log for a kernel. If it inherited the server's stdout, it would hold a pipe that
    outlives its reader.
    """
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")


def _remove_files(connection_file: str) -> None:
    process_note(connection_file).unlink(missing_ok=True)
    grant_key(connection_file).unlink(missing_ok=True)
    Path(connection_file).unlink(missing_ok=True)


class AdoptingProvisioner(LocalProvisioner, Provisioner):
    """Starts a kernel that outlives us, or takes over the one that an earlier server started with
    the same connection file.
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
        signer = self.parent.signer = Signer.new()
        write_grant_key(self.parent.connection_file, signer)
        kwargs["env"] = {**kwargs["env"], PUBLIC: signer.public}
        with _append(kwargs.pop("log_file", os.devnull)) as log:
            info = await super().launch_kernel(
                cmd, independent=True, stdout=log, stderr=log, umask=PRIVATE, **kwargs
            )
        leave_connection_file(self.parent)
        write_process_note(self.parent.connection_file, self.process.pid)
        return info

    def looks_dead(self) -> bool:
        return self.process is None or self.process.poll() is not None

    def death(self) -> str:
        """Return the signal or the exit status; "" for a kernel that an earlier server started, as
        the system reports it to nobody.
        """
        status = self.process.poll() if isinstance(self.process, subprocess.Popen) else None
        if status is None:
            return ""
        return signal.Signals(-status).name if status < 0 else f"exit status {status}"

    async def cleanup(self, restart: bool = False) -> None:
        """Remove this kernel's files from the runtime folder."""
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
        self.parent.signer = read_grant_key(self.parent.connection_file)
        self.process, self.pid, self.pgid = process, process.pid, os.getpgid(process.pid)
        self.connection_info = self.parent.get_connection_info()
        self.ports_cached = True  # a restart keeps these ports, which its clients know
