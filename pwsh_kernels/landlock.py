"""Landlock: how far this machine's Linux can confine a process, and a program that confines itself
(to a user of its own, where it is told one) and then becomes another one.

`python -I -S landlock.py RULES PROGRAM [ARGUMENT ...]` is that program. It runs at each start of a
session, before PowerShell, so this file imports little and nothing of ours. The numbers are those
of linux/landlock.h; https://docs.kernel.org/userspace-api/landlock.html explains them.
"""

import ctypes
import json
import os
import resource
import signal
import stat
import struct
import sys
from collections.abc import Iterable

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
ASK_VERSION = 1
PATH_BENEATH, NET_PORT = 1, 2
NO_NEW_PRIVS = 38
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1, 2, 4, 8
REFER, TRUNCATE, IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15
MAKE_DEVICES = 1 << 6 | 1 << 11
READ = EXECUTE | READ_FILE | READ_DIR
OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV
"""What may be granted on a file that is not a folder."""
BIND_PORT, CONNECT = 1, 2
ABSTRACT_SOCKETS, SIGNALS = 1, 2
FILES_SINCE, TCP_SINCE, SIGNALS_SINCE = 1, 4, 6
"""The ABI that brought each part: Linux 5.13, 6.7, 6.12."""
DROP_FROM_BOUNDING_SET, AMBIENT, CLEAR_ALL = 24, 47, 4
KEPT_CAPABILITIES = frozenset({0, 1, 3, 4})
"""CHOWN, DAC_OVERRIDE, FOWNER, FSETID: root in a container writes to files of other users. The rest
would let root's programs look into processes (PERFMON) and at packets (NET_RAW) all the same.
"""
CAPABILITIES = 64
NOT_CONFINED = 126
"""Exit status of a program that could not confine itself."""
NEW_MOUNTS = 0x20000
BIND, RECURSIVE, FROM_OUTSIDE = 1 << 12, 1 << 14, 1 << 19
FOLDER = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
MUTEXES, MEMORY = ("/tmp", ".dotnet"), "shm"  # noqa: S108 - where .NET has them
OF_EVERYBODY = 0o1777
OURS = "pwsh-kernels"
"""File that marks a folder of mutexes as ours; it also keeps others from removing the folder."""
MOST_SWEPT = 100
"""Folders of ended sessions that one start removes."""


def abi_version() -> int:
    """Return the version of Landlock's ABI on this machine; 0 if it has none."""
    if sys.platform != "linux":
        return 0
    libc = ctypes.CDLL(None)
    return max(0, int(libc.syscall(CREATE_RULESET, None, ctypes.c_size_t(0), ASK_VERSION)))


def not_enforced(abi: int) -> list[str]:
    """Return which parts of a confinement an ABI lacks: "files", "tcp", "signals"."""
    parts = {"files": FILES_SINCE, "tcp": TCP_SINCE, "signals": SIGNALS_SINCE}
    return [name for name, since in parts.items() if abi < since]


def command(rules: str, program: list[str]) -> list[str]:
    """Return the command line that runs a program confined; `rules`: see `confine`."""
    return [sys.executable, "-I", "-S", __file__, rules, *program]


def file_accesses(abi: int) -> int:
    """Return every access to files that an ABI knows."""
    newer = (REFER, 2), (TRUNCATE, 3), (IOCTL_DEV, 5)
    return (REFER - 1) | sum(access for access, since in newer if abi >= since)


def become(user: int, group: int, folders: list[str]) -> None:
    """Make this process, for good, one of a user with the group of the same number and one more
    group; its folders are made if they are missing. Raises OSError.

    The pipes become the user's too: programs open /dev/stderr by its name.
    """
    for descriptor in range(3):
        os.fchown(descriptor, user, user)
    _refuse_new_rights(but=())
    os.setgroups([group])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)
    for folder in folders:
        os.makedirs(folder, mode=0o700, exist_ok=True)  # noqa: PTH103 - pathlib takes long to import


def limit(limits: dict[str, int]) -> None:
    """Lower this process' limits, by their numbers, for good. A machine's own lower one stays.

    Where the machine does not let us, it runs without: better than not.
    """
    for kind, most in limits.items():
        upper = resource.getrlimit(int(kind))[1]
        lower = most if upper == resource.RLIM_INFINITY else min(most, upper)
        try:
            resource.setrlimit(int(kind), (lower, lower))
        except (OSError, ValueError) as problem:
            sys.stderr.write(f"The limit {kind} of resources was not set: {problem}\n")


def confine(rules: dict[str, list[str]], abi: int) -> None:
    """Confine this process, and everything that it becomes or starts, to what the rules grant.

    `read` and `write` name files and folders with what is beneath them, `devices` files to read and
    write, `ports` TCP ports to connect to. Paths that do not exist grant nothing. `temporary` and
    `mutexes` (names with `Global` or only `Local` ones): see `mutexes`. Raises OSError.
    """
    known = file_accesses(abi)
    handled = [known, BIND_PORT | CONNECT, ABSTRACT_SOCKETS | SIGNALS]
    parts = 1 + (abi >= TCP_SINCE) + (abi >= SIGNALS_SINCE)
    attributes = struct.pack(f"{parts}Q", *handled[:parts])
    ruleset = _call(CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), 0)
    for path in rules["read"]:
        _grant(ruleset, path, READ & known)
    for path in rules["devices"]:
        _grant(ruleset, path, (READ | WRITE_FILE | IOCTL_DEV) & known)
    for path in rules["write"]:
        _grant(ruleset, path, known & ~MAKE_DEVICES)
    for place, access in mutexes(*rules["temporary"], shared="Global" in rules["mutexes"]):
        _grant_open(ruleset, place, access & known)
    for port in rules["ports"] if abi >= TCP_SINCE else ():
        _call(ADD_RULE, ruleset, NET_PORT, struct.pack("QQ", CONNECT, int(port)), 0)
    _refuse_new_rights()
    _call(RESTRICT_SELF, ruleset, 0)
    os.close(ruleset)


def _refuse_new_rights(but: Iterable[int] = KEPT_CAPABILITIES) -> None:
    """Let no program that this process becomes have more rights than it, nor capabilities but a
    few of root's. Raises OSError.
    """
    libc = ctypes.CDLL(None)
    if libc.prctl(NO_NEW_PRIVS, 1, 0, 0, 0):
        raise OSError("prctl(PR_SET_NO_NEW_PRIVS) failed")
    libc.prctl(AMBIENT, CLEAR_ALL, 0, 0, 0)
    for number in set(range(CAPABILITIES)).difference(but):
        libc.prctl(DROP_FROM_BOUNDING_SET, number, 0, 0, 0)


def _grant(ruleset: int, path: str, access: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not stat.S_ISDIR(os.fstat(place).st_mode):
            access &= OF_FILES
        _grant_open(ruleset, place, access)
    finally:
        os.close(place)


def _grant_open(ruleset: int, place: int, access: int) -> None:
    _call(ADD_RULE, ruleset, PATH_BENEATH, struct.pack("=Qi", access, place), 0)


def mutexes(temporary: str, *, shared: bool) -> list[tuple[int, int]]:
    """Prepare the folder of .NET's named mutexes, and return what to grant of it: open folders,
    each with accesses; nothing where it cannot be made.

    .NET keeps them in /tmp/.dotnet, whatever TMPDIR is, as memory that all processes share which
    know the name. It holds pointers of the C library, so whoever writes into it can make another
    process write anywhere. Therefore a process that may mount gets a folder of its own there.
    Elsewhere it gets the folder of its own process session, for names without `Global\\`, and the
    one for names with it only if `shared`.
    """
    every, usual_mask = ~MAKE_DEVICES, os.umask(0)
    may_mount = _has_mounts_of_its_own()  # before any folder is opened: it has another one then
    try:
        dotnet = _enter(os.open(MUTEXES[0], FOLDER), MUTEXES[1], OF_EVERYBODY)
        if may_mount and (own := _mounted(temporary, dotnet)):
            return [(own, every)]
        memory = _enter(dotnet, MEMORY, OF_EVERYBODY)
        _sweep(memory)
        session = _marked(memory, f"session{os.getsid(0)}")
        if os.fstat(session).st_uid != os.geteuid():
            return []
        grants = [(memory, READ_DIR), (session, every)]
        return [*grants, (_marked(memory, "global"), every)] if shared else grants
    except OSError:
        return []
    finally:
        os.umask(usual_mask)


def _enter(folder: int, name: str, mode: int) -> int:
    """Open a folder in an open folder, and make it if it is missing. Raises OSError for a link."""
    try:  # noqa: SIM105 - contextlib would have to be loaded
        os.mkdir(name, mode, dir_fd=folder)
    except FileExistsError:
        pass
    return os.open(name, FOLDER, dir_fd=folder)


def _marked(memory: int, name: str) -> int:
    """Open a folder of mutexes, as `_enter` does, and mark it as ours."""
    folder = _enter(memory, name, 0o777)
    os.close(os.open(OURS, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o600, dir_fd=folder))
    return folder


def _has_mounts_of_its_own() -> bool:
    """Give this process, and what it starts, mounts that nobody else sees; return whether it may
    have them. It still sees what is mounted outside.
    """
    libc = ctypes.CDLL(None)
    if libc.unshare(NEW_MOUNTS):
        return False
    return not int(libc.mount(None, b"/", None, RECURSIVE | FROM_OUTSIDE, None))


def _mounted(temporary: str, place: int) -> int:
    """Put a folder of our own in the place of an open one and return it opened; 0 if that fails."""
    try:
        own = _enter(os.open(temporary, FOLDER), MUTEXES[1], 0o777)
        _enter(own, MEMORY, 0o777)
    except OSError:
        return 0
    what, where = (f"/proc/self/fd/{one}".encode() for one in (own, place))
    return 0 if ctypes.CDLL(None).mount(what, where, None, BIND, None) else own


def _sweep(memory: int) -> None:
    """Remove what ended sessions have left behind."""
    listed = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=memory)
    numbers = [name.removeprefix("session") for name in os.listdir(listed)]  # noqa: PTH208
    ended = [one for one in numbers if one.isdigit() and not os.path.exists(f"/proc/{one}")]  # noqa: PTH110
    os.close(listed)
    for number in ended[:MOST_SWEPT]:
        try:
            _remove(memory, f"session{number}")
        except OSError:
            continue


def _remove(memory: int, name: str) -> None:
    """Remove a folder of mutexes if it is ours. Raises OSError."""
    folder = os.open(
        name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=memory
    )
    try:
        os.stat(OURS, dir_fd=folder)
        for file in os.listdir(folder):  # noqa: PTH208 - pathlib takes long to load
            os.unlink(file, dir_fd=folder)
    finally:
        os.close(folder)
    os.rmdir(name, dir_fd=memory)


def _call(*arguments: object) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    result = int(libc.syscall(*arguments))
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def main(arguments: list[str]) -> None:
    """Confine this process as far as this machine can, then become the program.

    Rules with a user and without `read` ask for that user only.
    """
    rules, program = json.loads(arguments[0]), arguments[1:]
    abi = 0 if "user" in rules and "read" not in rules else abi_version()
    lacking = not_enforced(abi)
    if lacking and rules.get("required"):
        sys.stderr.write(f"Landlock cannot confine here: {', '.join(lacking)}\n")
        sys.exit(NOT_CONFINED)
    try:
        limit(rules.get("limits", {}))
        if user := rules.get("user"):
            become(user["id"], user["group"], user["folders"])
        if abi:
            confine(rules, abi)
        # Python ignores it, and so would the program: `yes | head -1` would end in an error.
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        os.execv(program[0], program)  # noqa: S606 - no shell stands between: the program is what was asked for
    except OSError as problem:
        where = f"{program[0]}, to be confined by Landlock"
        sys.stderr.write(f"{where}, as user {os.geteuid()}: {problem}\n")
        sys.exit(NOT_CONFINED)


if __name__ == "__main__":
    main(sys.argv[1:])
