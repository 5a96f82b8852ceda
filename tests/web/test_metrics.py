"""GET /metrics: what Prometheus reads, for whom, and what no label tells."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from pwsh_kernels.audit.event import Door, Event, Kind
from pwsh_kernels.principals.principal import EVERY
from pwsh_kernels.principals.verbs import Verb
from pwsh_kernels.web.metrics import Metrics
from tests.fixtures.principals import Principals, grant
from tests.fixtures.server import CONTOSO, Server

Samples = dict[str, float]


def samples(text: str) -> Samples:
    """Return every sample by its name and labels."""
    return {
        one.name + "".join(f",{name}={value}" for name, value in sorted(one.labels.items())): (
            one.value
        )
        for family in text_string_to_metric_families(text)
        for one in family.samples
    }


@pytest.fixture(scope="module")
def scraper(tmp_path_factory: pytest.TempPathFactory) -> Principals:
    """A principal that may see everything, and one that may see one tenant."""
    known = Principals(tmp_path_factory.mktemp("principals") / "principals.toml")
    known.add("prometheus", grant(Verb.SEE, tenant=EVERY))
    known.add("guest", grant(Verb.SEE))
    return known


@pytest.fixture(scope="module")
def counted(
    powershell_path: Path, tmp_path_factory: pytest.TempPathFactory, scraper: Principals
) -> Iterator[Server]:
    """A server with metrics, signed in."""
    settings = {"PWSH_MANAGER_PRINCIPALS": str(scraper.file), "PWSH_MANAGER_METRICS": "true"}
    one = Server(tmp_path_factory.mktemp("server"), settings).start()
    assert one.sign_in()["state"] == "signed_in"
    yield one
    one.close()


def scraped(server: Server, who: Principals) -> Samples:
    with who.client(server, "prometheus") as http:
        answer = http.get("/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    return samples(answer.text)


def test_runs_sign_ins_sessions_and_prompts_are_counted(
    counted: Server, scraper: Principals
) -> None:
    before = scraped(counted, scraper)
    counted.run("'counted'")
    counted.run("throw 'no'")
    asking = counted.run("Read-Host 'Which'", wait_s=0)
    page = f"/runs/{asking['run_id']}"
    counted.until(lambda: counted.get(page)["state"] == "waiting_for_input")
    during = scraped(counted, scraper)
    counted.post(f"{page}/input", value="x", for_other=True)
    counted.until(lambda: counted.get(page)["state"] == "succeeded")
    after = scraped(counted, scraper)
    runs = "pwsh_kernels_runs_total,door=rest,outcome="
    assert before["pwsh_kernels_sign_ins_total,outcome=signed_in"] == 1
    assert during["pwsh_kernels_sessions,state=signed_in"] == 1
    assert during["pwsh_kernels_open_runs,state=waiting_for_input"] == 1
    assert after["pwsh_kernels_open_runs,state=waiting_for_input"] == 0
    assert after[f"{runs}succeeded"] - before.get(f"{runs}succeeded", 0) == 2
    assert after[f"{runs}failed"] - before.get(f"{runs}failed", 0) == 1
    assert after["pwsh_kernels_prompts_answered_total,door=rest"] == 1
    assert after["pwsh_kernels_run_seconds_count,door=rest"] >= 3
    assert after["pwsh_kernels_audit_up"] == 1
    assert after["process_resident_memory_bytes"] > 0


def test_only_who_may_see_the_whole_server_reads_it(counted: Server, scraper: Principals) -> None:
    with scraper.client(counted, "guest") as http:
        assert (http.get("/metrics").status_code, http.post("/metrics").status_code) == (403, 403)
    with scraper.client(counted, "prometheus", Authorization="") as http:
        assert http.get("/metrics").status_code == 401
        assert http.get(f"/metrics?token={counted.token}").status_code == 401
    refused = samples(counted.http().get("/metrics").text)
    assert refused["pwsh_kernels_denials_total,door=rest,outcome=forbidden"] == 2
    assert refused["pwsh_kernels_denials_total,door=rest,outcome=unauthorized"] == 2


def test_no_label_tells_of_tenants_people_or_commands(counted: Server, scraper: Principals) -> None:
    run = counted.run("'very-special-command'")
    text = counted.http().get("/metrics").text
    for told in (CONTOSO, "token", 'prometheus"', "very-special", run["run_id"], "admin@"):
        assert told not in text
    assert set(re.findall(r"[{,](\w+)=", text)) == {"door", "outcome", "state", "le"}


def test_labels_have_few_values_whatever_is_sent() -> None:
    metrics = Metrics()
    for number in range(100):
        who, client = f"person:p{number}", f"client{number}"
        metrics.heard(Event(Kind.DENIED, Door.REST, who, client, f"t{number}", outcome="forbidden"))
        metrics.heard(Event(Kind.EXPORTED, Door.REST, who, client, run_id=f"r-{number}"))
    counted = samples(metrics.text().decode())
    denied = [name for name in counted if name.startswith("pwsh_kernels_denials_total")]
    assert denied == ["pwsh_kernels_denials_total,door=rest,outcome=forbidden"]
    assert counted[denied[0]] == 100


def test_without_the_setting_the_page_stays_jupyters(server: Server) -> None:
    text = server.http().get("/metrics").text
    assert "pwsh_kernels_" not in text
