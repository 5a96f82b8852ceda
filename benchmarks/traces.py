"""What traces cost: a request while nothing is exported, a run's spans while they are, and the SDK
that exports them, in the server once and in each kernel if kernels had it.

`python -m benchmarks.traces` prints it (docs/governance.md).
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tornado.httputil import HTTPHeaders

from pwsh_kernels.records import Summary
from pwsh_kernels.sessions.key import SessionKey
from pwsh_kernels.sessions.runs.output_log import OutputLog
from pwsh_kernels.sessions.runs.run import Run
from pwsh_kernels.tracing.context import current_trace, read_trace
from pwsh_kernels.web.rest.routes import ROUTES
from pwsh_kernels.web.spans import begin_route, end_route, export_run

TIMES = 20_000
RUNS = 100
"""Fewer than the SDK sends at once: nothing is sent."""
SDK = (
    "import time, psutil; rss = lambda: psutil.Process().memory_info().rss;"
    " memory, begin = rss(), time.process_time(); import pwsh_kernels.tracing.otlp;"
    " print(time.process_time() - begin, (rss() - memory) / 1024 ** 2)"
)


def microseconds(act: Callable[[], object], count: int) -> float:
    """Return the processor's time of one call."""
    begin = time.process_time()
    for _ in range(count):
        act()
    return (time.process_time() - begin) * 1e6 / count


def request(headers: HTTPHeaders) -> None:
    """Do for traces what a request and its run do while nothing is exported."""
    end_route(begin_route(None, ROUTES[0], read_trace(headers)), 200)
    current_trace()


def ended_run(folder: Path) -> Run:
    """Return a run with all its spans."""
    run = Run("r-1", SessionKey("contoso.example", "exo"), "1+1", OutputLog(folder / "log", 1000))
    run.become("running")
    run.finish("succeeded", Summary("completed", duration_s=0.1, began_at=time.time()))
    return run


def main() -> None:
    """Measure everything."""
    plain = HTTPHeaders({"Host": "127.0.0.1", "Authorization": "Bearer x"})
    print(f"off, a request: {microseconds(lambda: request(plain), TIMES):.2f} µs")
    told = HTTPHeaders({"traceparent": f"00-{'1' * 32}-{'2' * 16}-01"})
    print(f"off, a request with a traceparent: {microseconds(lambda: request(told), TIMES):.2f} µs")
    done = subprocess.run([sys.executable, "-c", SDK], check=True, capture_output=True, text=True)
    seconds, megabytes = map(float, done.stdout.split())
    print(f"the SDK: {seconds * 1000:.0f} ms to load, {megabytes:.0f} MB")
    from pwsh_kernels.tracing.otlp import Exporter  # noqa: PLC0415 - it is what was measured

    with tempfile.TemporaryDirectory() as folder:
        run, traces = ended_run(Path(folder)), Exporter()
        spans = microseconds(lambda: export_run(traces, run), RUNS)
        print(f"on, the spans of a run: {spans:.0f} µs")


if __name__ == "__main__":
    main()
