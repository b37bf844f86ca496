"""Rules, alerts and dashboards: sound by promtool, and answered by a real Prometheus that scrapes the real service."""

from __future__ import annotations

import functools
import http.server
import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families
from service import free_port, running_service

from invoicegen.run_metrics import RunMetrics
from invoicegen.serving.metrics import ExtractionMetrics

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy" / "prometheus"
DASHBOARDS = sorted((ROOT / "deploy" / "grafana" / "dashboards").glob("*.json"))
PROMTOOL = Path("/usr/bin/promtool")
PROMETHEUS = Path("/usr/bin/prometheus")
DOCS = ROOT / "docs" / "monitoring.md"


def promtool(*arguments: object) -> None:
    assert PROMTOOL.is_file(), (
        "promtool is not there: run `make setup-browser`, which installs Debian's Prometheus"
    )
    done = subprocess.run([PROMTOOL, *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def rules() -> list[dict[str, Any]]:
    files = sorted((DEPLOY / "rules").glob("*.yml"))
    groups = [group for file in files for group in yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]]
    return [rule for group in groups for rule in group["rules"]]


def panel_queries() -> dict[str, str]:
    """PromQL by dashboard and panel, with Grafana's variables filled in."""
    found = {}
    for file in DASHBOARDS:
        for panel in json.loads(file.read_text(encoding="utf-8"))["panels"]:
            for target in panel.get("targets", []):
                query = target["expr"].replace("$job", "invoicegen").replace("$__rate_interval", "1m")
                name = f"{file.stem}: {panel['title']} {target['refId']}"
                found[name] = query.replace("$__range", "1h")
    return found


def run_metrics() -> RunMetrics:
    """What a generation, a training and an evaluation leave."""
    metrics = RunMetrics("generate")
    metrics.finish(12.5, succeeded=True)
    counts = {"pages": 9, "labelled_words": 100, "labelled_kept": 98}
    metrics.add_labels({"by_engine": {"pdf_text": counts}})
    metrics.add_splits({"splits": {"train": {"documents": 6}}})
    metrics.add_quarantined("rendering", 1)
    best = {"train_loss": 0.2, "validation_loss": 0.3, "validation_f1": 0.9}
    metrics.add_training({"best": best, "epochs": 2, "steps": 20, "seconds": 60.0})
    micro = {"micro": {"f1": 0.9}}
    metrics.add_evaluation({"entities": micro, "fields": {**micro, "line_items": {"f1": 0.8}}})
    return metrics


def test_configuration_rules_and_their_unit_tests_pass():
    promtool("check", "config", DEPLOY / "prometheus.yml")
    tests = yaml.safe_load((DEPLOY / "tests" / "alerts.yml").read_text(encoding="utf-8"))["tests"]
    tested = {check["alertname"] for test in tests for check in test["alert_rule_test"]}
    assert tested == {rule["alert"] for rule in rules() if "alert" in rule}
    promtool("test", "rules", DEPLOY / "tests" / "alerts.yml")


def test_every_alert_has_a_runbook():
    sections = {
        line[4:].strip() for line in DOCS.read_text(encoding="utf-8").splitlines() if line[:4] == "### "
    }
    for rule in rules():
        if "alert" in rule:
            assert rule["annotations"]["runbook_url"] == f"docs/monitoring.md#{rule['alert'].lower()}"
            assert rule["alert"] in sections, (
                f"docs/monitoring.md does not say what to do about {rule['alert']}"
            )


def test_the_operator_gets_the_same_rules():
    component = ROOT / "deploy" / "kubernetes" / "components" / "monitoring"
    given = yaml.safe_load((component / "rules.yaml").read_text(encoding="utf-8"))
    taken = [rule for group in given["spec"]["groups"] for rule in group["rules"]]
    assert taken == rules(), "run `.venv/bin/python scripts/prometheus_rule.py`"
    assert "rules.yaml" in yaml.safe_load((component / "kustomization.yaml").read_text())["resources"]


def test_dashboards_are_what_the_script_writes(tmp_path):
    subprocess.run([sys.executable, ROOT / "scripts" / "dashboards.py", tmp_path], check=True)
    assert {file.name: file.read_text() for file in DASHBOARDS} == {
        file.name: file.read_text() for file in tmp_path.iterdir()
    }, "run `.venv/bin/python scripts/dashboards.py`"


def test_the_documentation_lists_every_metric():
    registries = (ExtractionMetrics().registry, run_metrics().registry)
    ours = [
        metric
        for registry in registries
        for metric in registry.collect()
        if metric.name.startswith("invoicegen_")
    ]
    expected = {
        f"{metric.name}_total" if metric.type == "counter" else metric.name: metric.type for metric in ours
    }
    rows = re.findall(r"^\| `(invoicegen_\w+)` \| (\w+) \|", DOCS.read_text(encoding="utf-8"), re.MULTILINE)
    assert dict(rows) == expected


@pytest.fixture(scope="module")
def prometheus(
    tmp_path_factory: pytest.TempPathFactory, scan: bytes
) -> Iterator[tuple[httpx.Client, set[str]]]:
    """Prometheus with our rules over a service that read a document and refused one; and the names that both give."""
    assert PROMETHEUS.is_file(), "Prometheus is not there: run `make setup-browser`, which installs Debian's"
    folder = tmp_path_factory.mktemp("prometheus")
    port = free_port()
    with (
        running_service(folder / "service.jsonl") as service,
        running_service(folder / "ocr.jsonl", ("serve-ocr",)) as ocr,
        _served(run_metrics(), folder / "textfile") as node,
    ):
        config = yaml.safe_load((DEPLOY / "prometheus.yml").read_text(encoding="utf-8"))
        config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
        targets = {"invoicegen": service.port, "annotation": ocr.port, "prometheus": port}
        config["scrape_configs"] = [
            {
                "job_name": job["job_name"],
                "static_configs": [{"targets": [f"127.0.0.1:{targets[job['job_name']]}"]}],
            }
            for job in config["scrape_configs"]
        ]
        config["scrape_configs"].append({"job_name": "node", "static_configs": [{"targets": [node]}]})
        (folder / "prometheus.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
        (folder / "rules").mkdir()
        for file in (DEPLOY / "rules").glob("*.yml"):
            text = file.read_text(encoding="utf-8").replace("interval: 1m", "interval: 1s")
            (folder / "rules" / file.name).write_text(text, encoding="utf-8")
        process = subprocess.Popen(
            [
                PROMETHEUS,
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
                "--log.level=warn",
            ]
        )
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
                _wait(client, "sum(invoicegen_ready) == 2")  # the counters stand at zero
                with service.client() as api:
                    assert api.post("/v1/extract", files={"file": ("a.jpg", scan)}).status_code == 200
                    assert api.post("/v1/extract", files={"file": ("a.pdf", b"none")}).status_code == 415
                    exposed = api.get("/metrics").text + httpx.get(f"http://{node}/metrics").text
                _wait(client, 'increase(invoicegen_problems_total{kind="unsupported-media-type"}[1m]) >= 0')
                _wait(client, "sum(job:invoicegen_documents_read:increase1h) > 0")
                _wait(client, "job_phase:invoicegen_phase_seconds:p95_rate5m > 0")
                names = {
                    sample.name
                    for family in text_string_to_metric_families(exposed)
                    for sample in family.samples
                }
                yield client, names
        finally:
            process.terminate()
            process.wait(30)


class _served:  # noqa: N801 - a context manager
    """The metrics of runs over HTTP, as a node exporter passes on what lies in its folder."""

    def __init__(self, metrics: RunMetrics, folder: Path) -> None:
        metrics.write(folder).rename(folder / "metrics")
        handler = functools.partial(_Quiet, directory=str(folder))
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)

    def __enter__(self) -> str:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return f"127.0.0.1:{self._server.server_port}"

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    extensions_map = {"": "text/plain"}  # noqa: RUF012

    def log_message(self, *_: object) -> None:
        pass


def _query(client: httpx.Client, query: str) -> list[dict[str, Any]]:
    answer = client.get("/api/v1/query", params={"query": query}).json()
    assert answer["status"] == "success", f"{query}: {answer.get('error')}"
    return answer["data"]["result"]


def _wait(client: httpx.Client, query: str) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            if client.get("/-/ready").is_success and _query(client, query):
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    raise AssertionError(f"after 60 s nothing answers {query}")


def test_every_rule_and_panel_is_answered_by_what_the_service_counts(prometheus, tmp_path):
    client, exposed = prometheus
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    queries = {**panel_queries(), **{rule.get("alert", rule.get("record")): rule["expr"] for rule in rules()}}
    asked = {"groups": [{"name": "panels", "rules": [{"record": "x", "expr": q} for q in queries.values()]}]}
    (tmp_path / "panels.yml").write_text(yaml.safe_dump(asked), encoding="utf-8")
    promtool("check", "rules", "--lint=none", tmp_path / "panels.yml")
    for where, query in queries.items():
        names = set(re.findall(r"\b[a-z_]+:[\w:]+|\b(?:invoicegen|process|python|up)[a-z_]*\b", query))
        used = {name for name in names if name not in ("invoicegen", "up")}
        assert used <= exposed | recorded, f"{where} asks for {used - exposed - recorded}"
        result = _query(client, query)
        if not where.startswith("Invoicegen"):  # alerts are silent where all is well
            assert result, f"{where} gives nothing: {query}"
    assert _query(client, 'ALERTS{alertstate="firing"}') == []
    groups = client.get("/api/v1/rules").json()["data"]["groups"]
    assert {rule["health"] for group in groups for rule in group["rules"]} == {"ok"}


def test_prometheus_has_what_the_service_did(prometheus):
    client, _ = prometheus

    def value(query: str) -> float:
        (found,) = _query(client, query)
        return float(found["value"][1])

    assert value('invoicegen_documents_total{job="invoicegen",outcome="read"}') == 1
    assert value('invoicegen_workers{job="annotation"}') == 1
    assert value('invoicegen_problems_total{kind="unsupported-media-type"}') == 1
    assert (
        value('invoicegen_field_documents_total{entity_type="INVOICE_NUMBER",document_type="invoice"}') == 1
    )
    assert value('invoicegen_phase_seconds_count{job="invoicegen",phase="ocr"}') == 1
    assert 0.5 < value('job_field:invoicegen_field_confidence:mean1d{entity_type="INVOICE_NUMBER"}') <= 1
    assert value('job_field:invoicegen_field_presence:expected1d{entity_type="INVOICE_NUMBER"}') > 0.9
    assert value("sum(invoicegen_worker_resident_memory_bytes)") > 50e6


def test_panels_are_drawn_where_there_is_no_grafana(prometheus, tmp_path):
    client, _ = prometheus
    script = ROOT / "scripts" / "panels.py"
    subprocess.run([sys.executable, script, str(client.base_url), "1", tmp_path], check=True)
    drawn = {file.name: file.read_bytes()[:4] for file in tmp_path.iterdir()}
    assert drawn == {f"dashboard-{file.stem}.png": b"\x89PNG" for file in DASHBOARDS}
