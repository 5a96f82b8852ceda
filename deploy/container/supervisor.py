"""Keep a server running in a container: python supervisor.py [OPTIONS OF `pwsh-kernels serve`].

A container ends with its first process, and its sessions with it. This program is that process's
child instead of the server: a server that crashes is started again and finds its sessions. One that
refuses to start (a wrong setting, no token) ends the container, with its exit code.
"""

import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

SERVER = ("pwsh-kernels", "serve")
STOP_LIMIT = 15.0
"""Seconds that a server may take to stop; `docker stop` in docker-compose.yml waits for 20."""
STEADY_S = 60.0
"""Seconds after which a server counts as one that had started."""
LONGEST_PAUSE = 30.0
"""Seconds between two servers, at most: one that crashes at once must not keep the CPU busy."""
STOPS = {signal.SIGTERM, signal.SIGINT}
TOKEN_SETTINGS = (
    "PWSH_MANAGER_TOKEN",
    "PWSH_MANAGER_TOKEN_FILE",
    "JUPYTER_TOKEN",
    "JUPYTER_TOKEN_FILE",
)


def pause_before_next(crashes_in_a_row: int) -> float:
    """Return the seconds until the next server starts: 1, 2, 4 and so on."""
    return min(LONGEST_PAUSE, 2.0 ** (crashes_in_a_row - 1))


def refused_to_start(code: int, lived_s: float, *, first: bool) -> bool:
    """Tell whether a server ended because it cannot run like this: no session depends on it yet."""
    return first and code > 0 and lived_s < STEADY_S


def how_it_ended(code: int) -> str:
    """Return the end of a process in words."""
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"


def with_token(env: Mapping[str, str]) -> dict[str, str]:
    """Return the server's environment. Where it names no token, one is made and kept with the data:
    it stays the same when the container is made again.
    """
    if any(env.get(name) for name in TOKEN_SETTINGS):
        return dict(env)
    file = Path(env["PWSH_MANAGER_DATA_DIR"]) / "token"
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as new:
            new.write(secrets.token_hex(24) + "\n")
    except FileExistsError:
        pass
    except OSError as problem:
        sys.exit(
            f"pwsh-kernels: {file.parent} cannot be written ({problem.strerror}): the volume there"
            f" must belong to user {os.getuid()}."
        )
    return {**env, "PWSH_MANAGER_TOKEN_FILE": str(file)}


def start(command: Sequence[str], env: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start a server that takes signals as usual, though this process holds them back."""
    return subprocess.Popen(command, env=env, preexec_fn=_take_signals)  # noqa: PLW1509 - one thread


def _take_signals() -> None:
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def wait(server: subprocess.Popen[bytes]) -> bool:
    """Wait until the server has ended, and return whether this container was told to stop."""
    while server.poll() is None:
        if signal.sigwait({*STOPS, signal.SIGCHLD}) in STOPS:
            stop(server)
            return True
    return False


def stop(server: subprocess.Popen[bytes]) -> None:
    """End a server: kindly, and after STOP_LIMIT not."""
    server.terminate()
    deadline = time.monotonic() + STOP_LIMIT
    while server.poll() is None and (left := deadline - time.monotonic()) > 0:
        signal.sigtimedwait({signal.SIGCHLD}, left)
    if server.poll() is None:
        say(f"the server did not stop within {STOP_LIMIT:.0f} s and is killed")
        server.kill()
    server.wait()


def say(text: str) -> None:
    """Write a line to the container's log."""
    sys.stderr.write(f"[supervisor] {text}\n")
    sys.stderr.flush()


def supervise(command: Sequence[str], env: Mapping[str, str]) -> int:
    """Run servers, one after another, until this process is told to stop; return its exit code."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {*STOPS, signal.SIGCHLD})
    first, crashes = True, 0
    while True:
        began = time.monotonic()
        server = start(command, env)
        if wait(server):
            return 0
        lived_s = time.monotonic() - began
        if refused_to_start(server.returncode, lived_s, first=first):
            return server.returncode
        crashes = 1 if lived_s >= STEADY_S else crashes + 1
        pause, first = pause_before_next(crashes), False
        say(f"the server {how_it_ended(server.returncode)}; the next one starts in {pause:.0f} s")
        if signal.sigtimedwait(STOPS, pause):
            return 0


if __name__ == "__main__":
    sys.exit(supervise([*SERVER, *sys.argv[1:]], with_token(os.environ)))
