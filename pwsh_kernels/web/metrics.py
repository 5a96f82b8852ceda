"""GET /metrics for Prometheus: counts and durations, without commands, runs, tenants or people."""

from collections.abc import Callable, Iterable

from jupyter_server.auth.decorator import allow_unauthenticated
from jupyter_server.utils import url_path_join
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from tornado.routing import PathMatches, Rule

from pwsh_kernels.audit.event import Event, Kind
from pwsh_kernels.principals.principal import SERVER
from pwsh_kernels.principals.verbs import Verb
from pwsh_kernels.shapes import OPEN
from pwsh_kernels.web.product import Backend
from pwsh_kernels.web.rest.handlers import JsonHandler

PREFIX = "pwsh_kernels_"
SECONDS = (0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600)
MB = 1024 * 1024


class Metrics:
    """Counts what the audit trail hears. Every label has few values, whatever callers send."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._runs = self._counter("runs", "Ended runs.", "outcome", "door")
        self._cells = self._counter("cells", "Executions that notebooks asked for.")
        self._sign_ins = self._counter("sign_ins", "Ended sign-ins.", "outcome")
        self._denials = self._counter("denials", "Refused requests.", "outcome", "door")
        self._answers = self._counter("prompts_answered", "Answered prompts.", "door")
        self._told = self._counter("notifications", "Messages of approvals.", "channel", "outcome")
        self._lost = self._counter("sessions_lost", "Sessions whose kernel or PowerShell ended.")
        self._seconds = Histogram(
            f"{PREFIX}run_seconds",
            "Durations of runs that began.",
            ["door"],
            registry=self.registry,
            buckets=SECONDS,
        )
        ProcessCollector(registry=self.registry)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"{PREFIX}{name}", text, labels, registry=self.registry)

    def heard(self, event: Event) -> None:
        """Count an event."""
        door = event.door.value
        match event.kind:
            case Kind.RUN_ENDED:
                self._runs.labels(event.outcome, door).inc()
                if "duration_ms" in event.more:
                    self._seconds.labels(door).observe(int(event.more["duration_ms"]) / 1000)
            case Kind.CELL_ACCEPTED:
                self._cells.inc()
            case Kind.SIGN_IN_ENDED:
                self._sign_ins.labels(event.outcome).inc()
            case Kind.DENIED:
                self._denials.labels(event.outcome, door).inc()
            case Kind.PROMPT_ANSWERED:
                self._answers.labels(door).inc()
            case Kind.NOTIFICATION_SENT | Kind.NOTIFICATION_FAILED:
                self._told.labels(event.more["channel"], event.kind.value.rpartition(".")[2]).inc()
            case Kind.SESSION_LOST:
                self._lost.inc()
            case _:
                pass

    def watch(self, backend: Backend) -> None:
        """Report, at each call, how many sessions and runs there are as well."""
        self.registry.register(Present(lambda: gauges(backend)))

    def text(self) -> bytes:
        """Return everything in Prometheus' own format."""
        return generate_latest(self.registry)


class Present(Collector):
    """What is measured at the moment of the call."""

    def __init__(self, measure: Callable[[], Iterable[Metric]]) -> None:
        self._measure = measure

    def collect(self) -> Iterable[Metric]:
        """Measure it now."""
        return self._measure()

    def describe(self) -> Iterable[Metric]:
        """Say nothing beforehand: nothing else has these names."""
        return []


def gauges(backend: Backend) -> Iterable[Metric]:
    """Yield what there is now: sessions and open runs by state, memory, the audit log."""
    counts, audit = backend.sessions.health(), backend.audit
    views = backend.sessions.views()
    yield _by_state("sessions", "Sessions by state.", counts["sessions"].items())
    open_runs = {state: counts["runs"].get(state, 0) for state in OPEN}
    yield _by_state(
        "open_runs",
        "Runs that have not ended; some wait for a person.",
        open_runs.items(),
    )
    memory = sum(one["memory_mb"] or 0 for one in views) * MB
    yield _gauge("sessions_memory_bytes", "Memory of all sessions' processes.", memory)
    yield _gauge("audit_failures", "Records of the audit log that failed.", audit.failures)
    yield _gauge("audit_up", "1 while the audit log is written.", audit.state == "on")


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"{PREFIX}{name}", text, value=float(value))


def _by_state(name: str, text: str, counts: Iterable[tuple[str, int]]) -> Metric:
    family = GaugeMetricFamily(f"{PREFIX}{name}", text, labels=["state"])
    for state, count in sorted(counts):
        family.add_metric([state], float(count))
    return family


class MetricsHandler(JsonHandler):
    """Answers who may see the whole server."""

    def initialize(self, backend: Backend, metrics: Metrics | None = None) -> None:
        """Take what is counted."""
        super().initialize(backend)
        self.metrics = metrics or Metrics()

    async def prepare(self, *, _redirect_to_login: bool = True) -> None:
        """Check the token, and what its holder may see."""
        await super().prepare()
        self.require_caller()
        if self.caller is not None:
            self.backend.guard.require(self.caller, Verb.SEE, SERVER)

    # `prepare` has checked the caller; the mark tells Jupyter that this is on purpose.
    @allow_unauthenticated
    async def get(self) -> None:
        """Answer in Prometheus' own format."""
        self.set_header("Content-Type", CONTENT_TYPE_LATEST)
        self.finish(self.metrics.text())


def metrics_rules(backend: Backend, metrics: Metrics | None, base_url: str) -> list[Rule]:
    """Return Tornado's rule; none if nothing is counted: Jupyter's own page is there then."""
    if metrics is None:
        return []
    given = {"backend": backend, "metrics": metrics}
    path = PathMatches(url_path_join(base_url, "/metrics") + "$")
    return [Rule(path, MetricsHandler, given)]
