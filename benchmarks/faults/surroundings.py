"""Where a server may have to live: places, limits, clocks, other servers next to it."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from benchmarks.faults.disks import workout
from benchmarks.faults.fault import Fault
from benchmarks.faults.trial import ANSWER_S, BYSTANDER, HIT, Skipped, Subject, Trial, sleep, until
from pwsh_kernels.sessions.places.ports import free_ports

LONG = "d" * 60
SHELL = ("sh", "-c")


@dataclass(frozen=True)
class Place:
    """Settings and what the server is started with."""

    settings: dict[str, str] = field(default_factory=dict)
    prefix: tuple[str, ...] = ()
    refused: str = ""
    """What the sentence names with which the server does not start there."""


def within(line: str) -> Place:
    """Return the place that a shell makes."""
    return Place(prefix=(*SHELL, f'{line}; exec "$@"', "sh"))


def without(*names: str) -> Place:
    """Return a place without variables."""
    return Place(prefix=("env", *(part for name in names for part in ("-u", name))))


PLACES = {
    "locale_C": Place({"LC_ALL": "C", "LANG": "C"}),
    "locale_POSIX": Place({"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}),
    "locale_missing": Place({"LC_ALL": "xx_YY.UTF-8"}),
    "locale_none": without("LC_ALL", "LANG"),
    "zone_Kathmandu": Place({"TZ": "Asia/Kathmandu"}),
    "zone_unknown": Place({"TZ": "Not/AZone"}),
    "umask_0": within("umask 0"),
    "umask_777": within("umask 0777"),
    "warnings_are_errors": Place({"PYTHONWARNINGS": "error"}),
    "development_mode": Place({"PYTHONDEVMODE": "1", "PYTHONASYNCIODEBUG": "1"}),
    "optimized": Place({"PYTHONOPTIMIZE": "1"}),
    "no_docstrings": Place({"PYTHONOPTIMIZE": "2"}, refused="PYTHONOPTIMIZE"),
    "no_HOME": without("HOME"),
    "no_PATH": Place({"PATH": ""}),
    "no_TERM": without("TERM"),
    "proxies": Place({"HTTP_PROXY": "http://127.0.0.1:9", "ALL_PROXY": "socks5://127.0.0.1:9"}),
    "no_culture_data": Place({"DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1"}),
    "nice_19": Place(prefix=("nice", "-n", "19")),
    "host_unknown": Place(
        prefix=("unshare", "--uts", *SHELL, 'hostname no-such.invalid; exec "$@"', "sh")
    ),
    "no_stdin": within("exec 0<&-"),
    "few_processes_512": Place(prefix=("prlimit", "--nproc=512:512")),
}


def lives_at(place: Place, trial: Trial) -> None:
    """Everything works there, or the start is refused with a sentence."""
    trial.server.settings |= place.settings
    trial.server.prefix = place.prefix
    if place.refused:
        trial.check(not trial.server.starts(), "wrong", "the server starts all the same")
        said = place.refused in "".join(trial.server.log)
        trial.check(said, "wrong", f"does not name {place.refused}")
        return
    trial.server.start()
    workout(trial)


def long_paths(trial: Trial) -> None:
    """Folders longer than the 108 characters that a socket's name may have."""
    deep = trial.server.folder / LONG / LONG / LONG / "ü mit Leerzeichen"
    deep.mkdir(parents=True)
    server = Subject(deep, {"TMPDIR": str(deep / "tmp")})
    (deep / "tmp").mkdir()
    trial.server = server
    try:
        server.start()
        workout(trial)
    finally:
        server.close()


def port_taken(trial: Trial) -> None:
    """Another program has the port: the server says so and ends, and sessions live on."""
    (port,) = free_ports("127.0.0.1", 1, ())
    trial.server.settings["PWSH_MANAGER_PORT"] = str(port)
    trial.server.start()
    trial.both_signed_in()
    trial.server.stop()
    with closing(socket.create_server(("127.0.0.1", port))):
        trial.check(not trial.server.starts(), "wrong", "started on a port that is taken")
        trial.check(str(port) in "".join(trial.server.log), "wrong", "does not name the port")
        trial.read_log()
    if trial.comes_back():
        trial.survived()
        trial.serves()


def second_server(trial: Trial) -> None:
    """A second server on the same data folder is refused, and the first one serves on."""
    trial.server.start()
    trial.both_signed_in()
    second = Subject(trial.server.folder)
    trial.check(not second.starts(), "wrong", "two servers have one data folder")
    second.stop()
    trial.survived()
    trial.serves()


def few_descriptors(limit: int, trial: Trial) -> None:
    """Connections use up the descriptors while output outgrows the memory: then they are free."""
    trial.server.prefix = ("prlimit", f"--nofile={limit}:{limit}")
    trial.server.start()
    trial.both_signed_in()
    where = urlsplit(trial.server.url)
    with ExitStack() as opened:
        for _ in range(limit):
            with suppress(OSError):
                address = (str(where.hostname), int(where.port or 0))
                opened.enter_context(socket.create_connection(address, timeout=1))
        sleep(1)
        with suppress(httpx.HTTPError):
            count = 'foreach ($n in 1..100000) { "MARK $n" }'
            text = "".join(f"MARK {n}\n" for n in range(1, 100001))
            trial.claim(count, text, ("succeeded", "failed"))
    alive = trial.server.process.poll() is None
    if trial.check(alive, "wrong", "the server ended"):
        answers = until(lambda: serves_again(trial.server), pause_s=0.5)
        trial.check(answers, "hang", "does not answer once connections are closed")
        trial.settle()
        trial.serves()
        trial.survived()


def serves_again(server: Subject) -> bool:
    """Return whether a server answers."""
    try:
        return bool(server.get("/health"))
    except httpx.HTTPError:
        return False


def clock_between(seconds: int, trial: Trial) -> None:
    """The clock is set between two servers: the time of the boot moves, and with it processes'."""
    trial.server.start()
    trial.both_signed_in()
    trial.server.stop()
    stat = moved_clock(trial, seconds)
    trial.server.prefix = (
        *("unshare", "-m"),
        *SHELL,
        f'mount --bind {stat} /proc/stat; exec "$@"',
        "sh",
    )
    if trial.comes_back():
        trial.survived()
        trial.serves()
        trial.no_orphans()


def moved_clock(trial: Trial, seconds: int) -> Path:
    """Write what /proc/stat says after the clock was set."""
    if os.geteuid() != 0:
        raise Skipped("only root can show another /proc/stat")
    text = Path("/proc/stat").read_text(encoding="utf-8")
    old = int(text.split("btime ")[1].split()[0])
    file = trial.server.folder / "stat"
    file.write_text(text.replace(f"btime {old}", f"btime {old + seconds}"), encoding="utf-8")
    return file


def clock_then_kill(trial: Trial) -> None:
    """The clock is set under a running server, and a session is killed: its processes are gone."""
    stat = moved_clock(trial, 5)
    trial.server.prefix = ("unshare", "-m")
    trial.server.start()
    trial.both_signed_in()
    inside = ["nsenter", "-t", str(trial.server.process.pid), "-m"]
    moved = subprocess.run([*inside, "mount", "--bind", str(stat), "/proc/stat"], check=False)
    if moved.returncode:
        raise Skipped("this machine shows no other /proc/stat")
    trial.server.post("/kill", tenant=HIT[0], module=HIT[1])
    gone = until(lambda: len(trial.server.powershells()) == 1)
    trial.check(gone, "wrong", "said to be killed, and lives")
    trial.serves()


def clock_jumps(jump: str, trial: Trial) -> None:
    """The server's clock jumps while it runs (libfaketime): no session, no wait ends by it."""
    named = os.environ.get("FAULT_LIBFAKETIME", "")
    places = [Path(named), *Path("/usr/lib").glob("*/faketime/libfaketime.so.1")]
    library = next((one for one in places if one.is_file()), None)
    if library is None:
        raise Skipped("no libfaketime; FAULT_LIBFAKETIME names it")
    offset = trial.server.folder / "offset"
    offset.write_text("+0", encoding="utf-8")
    trial.server.settings |= {
        "LD_PRELOAD": str(library),
        "FAKETIME_TIMESTAMP_FILE": str(offset),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "DONT_FAKE_MONOTONIC": "1",
        "PWSH_WATCHDOG_INTERVAL": "1",
    }
    trial.server.start()
    trial.both_signed_in()
    trial.claimed("Start-Sleep 6; 'MARK x'", "MARK x\n")
    offset.write_text(jump, encoding="utf-8")
    sleep(4)
    trial.serves()
    trial.settle()
    trial.survived()


def at_once(trial: Trial) -> None:
    """Thirty calls of one session at once each get their own answer."""
    trial.server.settings["PWSH_MANAGER_QUEUED_RUNS"] = "40"
    trial.server.start()
    trial.both_signed_in()
    one_of_many = '1..50 | ForEach-Object { "MARK $_" }'
    text = "".join(f"MARK {n}\n" for n in range(1, 51))
    with trial.meanwhile(*[partial(trial.claim, one_of_many, text, wait_s=ANSWER_S)] * 30):
        pass
    trial.check(len(trial.claims) == 30, "wrong", f"{len(trial.claims)} of 30 were taken")
    trial.settle()
    trial.survived()
    trial.serves()


def storm_of_stops(trial: Trial) -> None:
    """Commands are stopped at random moments: the session stays signed in, and says which ended."""
    trial.both_signed_in()
    for turn in range(20):
        begun = time.monotonic()
        body = 'foreach ($n in 1..2000) { "MARK $n" }; Start-Sleep 5'
        text = "".join(f"MARK {n}\n" for n in range(1, 2001))
        claims = [trial.claim(body, text, ("cancelled", "succeeded")) for _ in range(2)]
        sleep((turn % 5) * 0.05 + (begun % 0.01))
        for one in filter(None, claims):
            trial.server.post(f"/runs/{one.run_id}/cancel", wait_s=0)
    trial.settle()
    trial.survived()
    trial.serves(BYSTANDER)


FLOODS: dict[str, tuple[str, Callable[[], str | None]]] = {
    "lines": (
        "foreach ($n in 1..300000) { 'MARK' }",
        lambda: "MARK\n" * 300_000,
    ),
    "one_line": ("'MARK ' + 'y' * 20000000", lambda: f"MARK {'y' * 20_000_000}\n"),
    "errors": (
        'foreach ($n in 1..20000) { Write-Error "MARK $n" -ErrorAction Continue }',
        lambda: None,
    ),
    "progress": (
        "foreach ($n in 1..20000) { Write-Progress 'MARK' -PercentComplete ($n % 100) }; 'MARK'",
        lambda: "MARK\n",
    ),
    "console_bytes": (
        (
            "$o = [Console]::OpenStandardOutput(); $b = [byte[]]::new(65536);"
            " foreach ($n in 1..50) { [Random]::Shared.NextBytes($b); $o.Write($b, 0, $b.Length) };"
            " $o.Flush(); 'MARK'"
        ),
        lambda: None,
    ),
    "console_frames": (
        (
            '$o = [Console]::OpenStandardOutput(); $b = [Text.Encoding]::UTF8.GetBytes("<Data'
            " Stream='Default' PSGuid='00000000-0000-0000-0000-000000000000'>AAAA</Data>`n\");"
            " foreach ($n in 1..50) { $o.Write($b, 0, $b.Length) }; $o.Flush(); 'MARK'"
        ),
        lambda: None,
    ),
}


def flood(command: str, text: Callable[[], str | None], trial: Trial) -> None:
    """More output than anybody wants: all of it is there, and others are answered meanwhile."""
    trial.both_signed_in()
    trial.claimed(command, text(), ("succeeded", "failed"))
    while trial.server.session()["busy"]:
        began = time.monotonic()
        trial.serves()
        took = time.monotonic() - began
        trial.check(took < ANSWER_S, "hang", f"others waited {took:.0f} s")
    trial.settle()
    trial.survived()
    trial.serves()


def faults() -> dict[str, Fault]:
    """Return places, limits, clocks, and much at once."""
    missing = [one for one in ("unshare", "nsenter", "prlimit", "nice") if not shutil.which(one)]
    places: dict[str, Any] = {} if missing else PLACES
    clocks: dict[str, Callable[[Trial], None]] = {
        **{f"step/{seconds}s": partial(clock_between, seconds) for seconds in (3600, -3600, 2)},
        **{f"jump/{jump}": partial(clock_jumps, jump) for jump in ("+2d", "-1d")},
        "step/then_kill": clock_then_kill,
    }
    return {
        **{
            f"place/{name}": Fault(partial(lives_at, one), 1, own=True)
            for name, one in places.items()
        },
        "place/long_paths": Fault(long_paths, 2, own=True),
        "place/port_taken": Fault(port_taken, 2, own=True),
        "place/second_server": Fault(second_server, 2, own=True),
        **{
            f"limit/descriptors_{n}": Fault(partial(few_descriptors, n), 3, own=True)
            for n in (256, 512)
        },
        **{f"clock/{name}": Fault(act, 3, own=True) for name, act in clocks.items()},
        "load/at_once": Fault(at_once, 3, own=True),
        "load/storm_of_stops": Fault(storm_of_stops, 3),
        **{f"flood/{name}": Fault(partial(flood, *one), 2) for name, one in FLOODS.items()},
    }
