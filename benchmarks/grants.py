"""What grants cost: the start of a kernel and the round trip of `1+1`, as a session's, whose every
cell is granted and checked, and as a kernel of nobody's, in turn.

`python benchmarks/grants.py [STARTS [CELLS]]` prints a table (docs/governance.md).
"""

import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from pwsh_kernels.grants import Signer
from tests.fixtures.kernel import Client, connected, running_kernel

STARTS, CELLS, WARM_UP = 10, 400, 40
KINDS = "no session", "session"


@contextmanager
def started(kind: str, folder: Path, times: list[float]) -> Iterator[Client]:
    """Give a client of a new kernel; add the milliseconds to its first cell's end."""
    signer, home = Signer.new(), folder / kind.replace(" ", "-")
    shared: Mapping[str, str] = (
        {"PWSH_KERNELS_SHARED": "1", "PWSH_KERNELS_GRANTS": signer.public}
        if kind == "session"
        else {}
    )
    home.mkdir(exist_ok=True)
    begin = time.perf_counter()
    with running_kernel(home, **shared) as manager, connected(manager, signer=signer) as client:
        client.run("1+1")
        times.append((time.perf_counter() - begin) * 1000)
        yield client


def cell(client: Client, times: list[float]) -> None:
    """Run `1+1`; add the milliseconds from the request to the end of its output."""
    begin = time.perf_counter()
    text = client.run("1+1", {}).text()
    times.append((time.perf_counter() - begin) * 1000)
    if text.strip() != "2":
        raise ValueError(f"1+1 gave {text!r}")


def in_turn(count: int, act: Callable[[str], None]) -> None:
    """Do something for both kinds, each first every other time."""
    for number in range(count):
        for kind in KINDS if number % 2 else reversed(KINDS):
            act(kind)


def row(what: str, times: Mapping[str, list[float]], skip: int = 0) -> str:
    """Return a line of the table: minimum and median of both kinds."""
    kept = [one[skip:] for one in times.values()]
    figures = [f"{pick(one):9.2f}" for pick in (min, statistics.median) for one in kept]
    return f"{what:14}" + "".join(figures)


def measure(folder: Path, starts: int, cells: int) -> None:
    """Measure and print."""
    begun: dict[str, list[float]] = {kind: [] for kind in KINDS}
    answered: dict[str, list[float]] = {kind: [] for kind in KINDS}

    def start(kind: str) -> None:
        with started(kind, folder, begun[kind]):
            pass

    in_turn(starts + 1, start)
    with ExitStack() as stack:
        clients = {kind: stack.enter_context(started(kind, folder, [])) for kind in KINDS}
        in_turn(WARM_UP + cells, lambda kind: cell(clients[kind], answered[kind]))
    print(f"{'ms':14}" + "".join(f"{name:>9}" for name in ("min", "session", "median", "session")))
    print(row(f"start ({starts})", begun, 1))
    print(row(f"1+1 ({cells})", answered, WARM_UP))


if __name__ == "__main__":
    given = [int(one) for one in sys.argv[1:]]
    with TemporaryDirectory() as made:
        measure(Path(made), *[*given, *(STARTS, CELLS)[len(given) :]])
