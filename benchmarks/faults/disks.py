"""Disks that are full or cannot be written: small file systems in memory (needs root)."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from benchmarks.faults.fault import Fault
from benchmarks.faults.phases import ASKS, answer
from benchmarks.faults.trial import ANSWER_S, HIT, LINES, Skipped, Trial, sleep, until

COUNT = 'foreach ($n in 1..200000) { "MARK $n" }'
COUNTED = "".join(f"MARK {number}\n" for number in range(1, 200001))
EITHER = ("succeeded", "failed")


@contextmanager
def small_disk(place: Path, *options: str) -> Iterator[Path]:
    """Have a folder on a disk of its own."""
    if os.geteuid() != 0:
        raise Skipped("only root mounts disks")
    place.mkdir(parents=True, exist_ok=True)
    made = ["mount", "-t", "tmpfs", "-o", ",".join(("mode=0700", *options)), "tmpfs", str(place)]
    if subprocess.run(made, capture_output=True, check=False).returncode:
        raise Skipped("this machine lets nobody mount a disk")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=False)


def fill(place: Path) -> Path:
    """Fill a disk to its last byte; return the ballast, which can be removed."""
    ballast = place / "ballast"
    with suppress(OSError), ballast.open("wb", buffering=0) as file:
        while file.write(b"\0" * 4096) == 4096:
            pass
    return ballast


def workout(trial: Trial) -> None:
    """What works in any surroundings: output, a prompt, a server that comes back."""
    trial.both_signed_in()
    trial.claim()
    trial.claim(
        COUNT.replace("200000", "20000"), "".join(COUNTED.splitlines(keepends=True)[:20000])
    )
    trial.settle()
    one = trial.claimed(ASKS, "MARK grün\n", wait_s=ANSWER_S)
    answer(trial, one.run_id, "grün")
    trial.settle()
    if trial.restart():
        trial.survived()
        trial.serves()
        trial.no_orphans()


def full_at_sign_in(trial: Trial) -> None:
    """The data folder is full when somebody signs in: once there is room, it works."""
    with small_disk(trial.server.data_dir, "size=3m") as place:
        trial.server.start()
        trial.both_signed_in()
        names = {"tenant": HIT[0], "module": "graph"}
        ballast = fill(place)
        with trial.server.http() as http:
            said = http.post("/login", json={**names, "wait_s": 15})
        trial.check(said.status_code < 500, "wrong", f"/login: {said.text[:300]}")
        trial.serves()
        trial.survived()
        ballast.unlink()
        key = (HIT[0], "graph")
        there = until(lambda: trial.server.signed_in(key)["state"] == "signed_in", pause_s=0.5)
        trial.check(there, "hang", f"stays {trial.server.session(key)['state']}")
        close(trial)


def full_while_running(trial: Trial) -> None:
    """The data folder fills up during runs: they go on, and sessions too."""
    with small_disk(trial.server.data_dir, "size=3m") as place:
        trial.server.start()
        trial.both_signed_in()
        trial.claimed("Start-Sleep 2; 'MARK x'", "MARK x\n")
        ballast = fill(place)
        trial.claim()
        trial.settle()
        trial.serves()
        trial.survived()
        ballast.unlink()
        if trial.restart():
            trial.serves()
            trial.survived()
        close(trial)


def full_by_output(trial: Trial) -> None:
    """A run's own output fills the disk: it is said what could not be kept."""
    trial.server.settings["PWSH_MANAGER_RUN_MEMORY"] = "20000"
    with small_disk(trial.server.data_dir, "size=2m"):
        trial.server.start()
        trial.both_signed_in()
        one = trial.claimed(COUNT, COUNTED, EITHER)
        trial.settle()
        for path in (
            f"/runs/{one.run_id}/lines?search=7$&count=5",
            "/sessions/contoso.example:exo/notebook",
        ):
            with trial.server.http() as http:
                said = http.get(path)
            trial.check(said.status_code < 500, "wrong", f"{path}: {said.text[:200]}")
        trial.claim('1..20 | ForEach-Object { "MARK $_" }', LINES, EITHER)
        trial.settle()
        trial.serves()
        trial.survived()
        close(trial)


def read_only(which: str, trial: Trial) -> None:
    """A folder cannot be written: everything works, or the start is refused with a sentence."""
    place = trial.server.folder / which
    if which == "tmp":
        trial.server.settings["TMPDIR"] = str(place)
    with small_disk(place, "size=1m", "ro"):
        if trial.server.starts():
            workout(trial)
        else:
            trial.check(which in {"data", "runtime"}, "wrong", f"no start: {trial.server.log[-3:]}")
            trial.check(
                place.name in "".join(trial.server.log), "wrong", "does not name the folder"
            )
        close(trial)


def no_room_for_temporary_files(trial: Trial) -> None:
    """TMPDIR is full."""
    with small_disk(trial.server.folder / "tmp", "size=64k") as place:
        fill(place)
        trial.server.settings["TMPDIR"] = str(place)
        trial.server.start()
        workout(trial)
        close(trial)


def close(trial: Trial) -> None:
    """End everything while its disk is there; the log was read before."""
    trial.read_log()
    if trial.server.process.poll() is None:
        sleep(0.1)
    trial.server.close()


def faults() -> dict[str, Fault]:
    """Return each disk in each state."""
    folders = {
        f"disk/read_only/{which}": Fault(partial(read_only, which), 2, own=True)
        for which in ("data", "runtime", "home", "tmp")
    }
    return {
        "disk/full/sign_in": Fault(full_at_sign_in, 4, own=True),
        "disk/full/running": Fault(full_while_running, 4, own=True),
        "disk/full/output": Fault(full_by_output, 4, own=True),
        "disk/full/temporary": Fault(no_room_for_temporary_files, 2, own=True),
        **folders,
    }
