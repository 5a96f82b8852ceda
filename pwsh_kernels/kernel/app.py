"""The kernel's process: sockets, threads and signals as ipykernel makes them, without what this
kernel must not have.
"""

import logging
import os
import signal
import sys
from pathlib import Path
from typing import Any

import zmq
from ipykernel.kernelapp import IPKernelApp

from pwsh_kernels.kernel.half_characters import unpack
from pwsh_kernels.kernel.kernel import PwshKernel
from pwsh_kernels.kernel.log_file import VARIABLE, write_log

IOPUB_MESSAGES = 50_000
"""Output messages that may wait for one slow client; ZeroMQ drops further ones for this client."""

CONTROL_WAIT_S = 5.0


class KernelApp(IPKernelApp):
    """`python -m pwsh_kernels.kernel -f CONNECTION_FILE`."""

    name = "pwsh-kernel"
    kernel_class = PwshKernel
    # Python's own stdout is nobody's output here, and dup2 on fd 1 and 2 can hang (ipykernel issue
    # 847).
    capture_fd_output = False
    outstream_class = None  # type: ignore[assignment]

    def init_control(self, context: zmq.Context[Any]) -> None:
        """Do without the shell channel's thread: it would advertise subshells and run cells in
        parallel.
        """
        super().init_control(context)
        self.shell_channel_thread.io_loop.close()
        self.shell_channel_thread = None

    def init_iopub(self, context: zmq.Context[Any]) -> None:
        """Let a client fall behind by more than ZeroMQ's 1,000 messages before it loses some, and
        greet every client.

        ZeroMQ reports a subscription only if no other client has the same: the second one waited
        for ever (measured).
        """
        context.setsockopt(
            zmq.SNDHWM, IOPUB_MESSAGES
        )  # of sockets to come: it must be set before the bind
        context.setsockopt(zmq.XPUB_VERBOSE, 1)
        super().init_iopub(context)
        del context.sndhwm
        del context.xpub_verbose

    def init_sockets(self) -> None:
        """Let a question to a client that is gone fail instead of vanishing, and read clients'
        messages so that their content can be sent back.
        """
        self.session.unpack = unpack
        super().init_sockets()
        self.stdin_socket.router_mandatory = True

    def init_io(self) -> None:
        """Begin the log, and keep Python's streams away from clients and from a terminal that may
        be closed while the kernel lives on.

        ipykernel flushes sys.stdout and sys.stderr after every request; a broken pipe there would
        cost the reply.
        """
        super().init_io()
        os.environ[VARIABLE] = str(write_log(self.log, os.environ, self.abs_connection_file))
        sys.stdout = sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - open as long as the process

    def init_signal(self) -> None:
        """Ignore SIGINT: an interrupt is a message on the control channel."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    def init_pdb(self) -> None:
        """No Python debugger: no Python code of users runs here."""

    def start(self) -> None:
        """Serve until shut down; the process then ends with the kernel's exit status."""
        super().start()
        self._end_control()
        if self.kernel.exit_status:
            logging.getLogger(__name__).error("PowerShell has died: the kernel ends with it")
            sys.exit(self.kernel.exit_status)

    def _end_control(self) -> None:
        """Let the control thread finish its last message before the sockets close.

        ipykernel closes iopub first: a shutdown then ended, now and then, in an abort of libzmq or
        in a hang (measured).
        """
        self.control_thread.stop()
        self.control_thread.join(CONTROL_WAIT_S)


def main() -> None:
    """Run one kernel."""
    KernelApp.launch_instance()
