"""What the audit log costs: the round trip of `1+1` over REST on two servers, one with the log and
one without, in turn, so that whatever else the machine does concerns both alike.

`python -m benchmarks.audit [ROUND_TRIPS]` prints a table, with what one record and its verification
take (docs/governance.md).
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from pwsh_kernels.audit.event import Door, Event, Kind
from pwsh_kernels.audit.files import named_lines
from pwsh_kernels.audit.log import AuditLog
from pwsh_kernels.audit.verification import verify
from pwsh_kernels.sessions.audit_events import command_facts
from tests.fixtures.server import CONTOSO, Server

ROUND_TRIPS = 500
WARM_UP = 30
RECORDS = 5000
COMMAND = "Get-Mailbox -ResultSize 10 | Select-Object Name"
BODY = {"tenant": CONTOSO, "command": "1+1", "format": "text"}


def round_trip(http: httpx.Client) -> float:
    """Run `1+1` and return the milliseconds that it took."""
    begin = time.perf_counter()
    answer = http.post("/run", json=BODY).json()
    took = (time.perf_counter() - begin) * 1000
    if answer["result"] != "2\n":
        raise ValueError(f"1+1 gave {answer!r}")
    return took


def measure_runs(folder: Path, count: int) -> None:
    """Print minimum, median and 90th percentile of both."""
    servers = [
        Server(folder / kind, {"PWSH_MANAGER_AUDIT": kind}).start() for kind in ("off", "on")
    ]
    try:
        times: list[list[float]] = [[], []]
        clients = [one.http() for one in servers]
        for one in servers:
            one.sign_in()
        for number in range(WARM_UP + count):
            for which in (0, 1) if number % 2 else (1, 0):
                times[which].append(round_trip(clients[which]))
    finally:
        for one in servers:
            one.close()
    print(f"{f'1+1 ({count}), ms':24}{'min':>9}{'median':>9}{'p90':>9}")
    for kind, found in zip(("without", "with the log"), times, strict=True):
        kept = found[WARM_UP:]
        nineties = statistics.quantiles(kept, n=10)[8]
        print(f"{kind:24}{min(kept):9.2f}{statistics.median(kept):9.2f}{nineties:9.2f}")


def microseconds(act: Callable[[], object], count: int) -> float:
    """Return what one call takes."""
    begin = time.perf_counter()
    for _ in range(count):
        act()
    return (time.perf_counter() - begin) * 1e6 / count


def measure_records(folder: Path) -> None:
    """Print what the parts of a record take."""
    log = AuditLog(folder / "records")
    facts = command_facts(COMMAND)
    who = ("token", "", CONTOSO, "exo", "")
    event = Event(Kind.RUN_ACCEPTED, Door.REST, *who, facts["command_sha256"], facts["command"])
    print(f"redacting a command: {microseconds(lambda: command_facts(COMMAND), RECORDS):.0f} µs")
    print(f"writing a record: {microseconds(lambda: log.append(event), RECORDS):.0f} µs")
    begin = time.perf_counter()
    records = verify(named_lines(log.folder)).records
    print(f"verifying a record: {(time.perf_counter() - begin) * 1e6 / records:.0f} µs")


def main(arguments: list[str]) -> None:
    """Measure in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        measure_records(Path(folder))
        measure_runs(Path(folder), int(arguments[0]) if arguments else ROUND_TRIPS)


if __name__ == "__main__":
    main(sys.argv[1:])
