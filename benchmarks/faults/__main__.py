"""Try faults, several at a time, report each, and print the table of docs/reliability.md."""

import argparse
import fnmatch
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from queue import Empty, Queue
from threading import Lock, Thread
from typing import Any

import pytest

from benchmarks.faults.families import every_fault
from benchmarks.faults.fault import Fault, Result, end, try_alone, try_fault
from benchmarks.faults.table import table
from benchmarks.faults.trial import Subject

GOOD = {"ok", "skipped"}


class Report:
    """What the workers tell, one line a trial; `out` has them as JSON."""

    def __init__(self, out: Path | None) -> None:
        self.results: list[Result] = []
        self.out = out
        self.lock = Lock()

    def add(self, one: Result) -> None:
        """Take in a result, and tell of it."""
        with self.lock:
            self.results.append(one)
            print(f"{one.outcome:7} {one.seconds:5.1f} s  {one.fault}  {one.problem}", flush=True)
            if self.out:
                with self.out.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(asdict(one)) + "\n")


class Worker(Thread):
    """Tries one fault after another; those that allow it share a server until one goes wrong."""

    def __init__(self, faults: dict[str, Fault], names: "Queue[str]", report: Report) -> None:
        super().__init__()
        self.faults, self.names, self.report = faults, names, report

    def run(self) -> None:
        """Try until nothing is left."""
        while self.names.qsize():
            try:
                with shared_server() as server:
                    self._share(server)
            except pytest.fail.Exception as error:  # a machine too busy to start one
                for name in islice(self._next(), 1):
                    self.report.add(Result(name, "void", 0.0, str(error)))

    def _share(self, server: Subject) -> None:
        for name in self._next():
            fault = self.faults[name]
            result = try_alone(name, fault) if fault.own else try_fault(name, fault, server)
            self.report.add(result)
            if not fault.own and result.outcome not in GOOD:
                return

    def _next(self) -> Iterator[str]:
        while True:
            try:
                yield self.names.get_nowait()
            except Empty:
                return


@contextmanager
def shared_server() -> Iterator[Subject]:
    """Run a server for several trials."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        server = Subject(Path(folder)).start()
        try:
            yield server
        finally:
            end(server)


def chosen(faults: dict[str, Fault], only: Sequence[str], trials: int | None) -> list[str]:
    """Return the name of each trial that is to be tried."""
    names = [name for name in faults if any(fnmatch.fnmatch(name, one) for one in only or ["*"])]
    return [name for name in names for _ in range(trials or faults[name].trials)]


def earlier(files: Sequence[Path]) -> list[Result]:
    """Return results that were written before."""
    lines = [line for one in files for line in one.read_text(encoding="utf-8").splitlines()]
    return [Result(**json.loads(line)) for line in lines]


def main(arguments: Sequence[str]) -> int:
    """Try what the command line names; 1 when anything was not as it should be."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.faults", description=__doc__)
    parser.add_argument("--only", action="append", default=[], help="names, with * and ?")
    parser.add_argument("--trials", type=int, help="of each, instead of its own number")
    parser.add_argument("--jobs", type=int, default=2, help="servers at a time")
    parser.add_argument("--out", type=Path, help="file for the results, one JSON a line")
    parser.add_argument("--list", action="store_true", help="name the faults")
    parser.add_argument("--report", type=Path, nargs="+", help="only the table of such files")
    asked: Any = parser.parse_args(arguments)
    faults, report = every_fault(), Report(asked.out)
    names = chosen(faults, asked.only, asked.trials)
    if asked.list:
        print("\n".join(f"{count:3} {name}" for name, count in Counter(names).items()))
    elif asked.report:
        report.results = earlier(asked.report)
    else:
        try_all(faults, names, report, asked.jobs)
    print(table(report.results))
    return 1 if any(one.outcome not in GOOD for one in report.results) else 0


def try_all(faults: dict[str, Fault], names: list[str], report: Report, jobs: int) -> None:
    """Let some workers try every name."""
    queue: Queue[str] = Queue()
    for name in names:
        queue.put(name)
    workers = [Worker(faults, queue, report) for _ in range(jobs)]
    for one in workers:
        one.start()
    for one in workers:
        one.join()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
