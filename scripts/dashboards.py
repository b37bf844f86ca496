"""Writes the Grafana dashboards of deploy/grafana/dashboards: `.venv/bin/python scripts/dashboards.py [FOLDER]`."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path

from grafana_foundation_sdk.builders import bargauge, common, dashboard, prometheus, stat, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import (
    BigValueColorMode,
    BigValueGraphMode,
    BigValueTextMode,
    GraphThresholdsStyleMode,
    StackingMode,
    VisibilityMode,
    VizOrientation,
)
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DataSourceRef,
    Threshold,
    ThresholdsMode,
    VariableRefresh,
    VariableSort,
)
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

FOLDER = Path(__file__).parents[1] / "deploy" / "grafana" / "dashboards"
SOURCE = DataSourceRef(type_val="prometheus", uid="prometheus")
JOB = '{job=~"$job"}'
BUILDERS = {
    "lines": timeseries.Panel,
    "areas": timeseries.Panel,
    "number": stat.Panel,
    "name": stat.Panel,
    "bars": bargauge.Panel,
}


@dataclass(frozen=True)
class Panel:
    """A panel: its queries are PromQL with the legend of their series."""

    title: str
    unit: str
    queries: tuple[tuple[str, str], ...]
    kind: str = "lines"
    width: int = 8
    limits: tuple[float, ...] = ()
    text: str = ""
    buckets: bool = False
    height: int = 8


def one(title: str, unit: str, query: str, legend: str = "", **more: object) -> Panel:
    return Panel(title, unit, ((query, legend),), **more)


SERVICE = {
    "Is it well?": (
        one("Ready", "bool_yes_no", f"min(invoicegen_ready{JOB})", kind="number", width=4),
        one("Workers alive", "none", f"sum(invoicegen_workers{JOB})", kind="number", width=4),
        one("Workers wanted", "none", f"sum(invoicegen_workers_wanted{JOB})", kind="number", width=4),
        one(
            "Error budget left, 30 days",
            "percentunit",
            '1 - sum(increase(invoicegen_requests_total{job=~"$job",route=~"/v1/.*",status=~"5.."}[30d]))'
            ' / (0.005 * sum(increase(invoicegen_requests_total{job=~"$job",route=~"/v1/.*"}[30d]))) or vector(1)',
            kind="number",
            width=4,
            text="Of the objective: 99.5 % of requests are not answered with 5xx.",
        ),
        one(
            "Version and model",
            "none",
            f"count by (version, model) (invoicegen_build_info{JOB})",
            "{{version}}, model {{model}}",
            kind="name",
            width=8,
        ),
    ),
    "Requests": (
        one(
            "Requests by status",
            "reqps",
            'sum by (status) (rate(invoicegen_requests_total{job=~"$job",route=~"/v1/.*"}[$__rate_interval]))',
            "{{status}}",
            kind="areas",
        ),
        one(
            "Share answered with 5xx",
            "percentunit",
            f"job:invoicegen_request_errors:ratio_rate5m{JOB}",
            "{{job}}",
            limits=(0.005, 0.072),
            text="Alerts burn at 6 and 14.4 times the budget of 0.5 %.",
        ),
        one(
            "Refused and failed by kind",
            "reqps",
            f"sum by (kind) (rate(invoicegen_problems_total{JOB}[$__rate_interval]))",
            "{{kind}}",
            kind="areas",
        ),
        one(
            "95 of 100 requests take at most",
            "s",
            f"job_route:invoicegen_request_seconds:p95_rate5m{JOB}",
            "{{route}}",
            limits=(15,),
        ),
        one(
            "95 of 100 documents take at most, by phase",
            "s",
            f"job_phase:invoicegen_phase_seconds:p95_rate5m{JOB}",
            "{{phase}}",
        ),
        one(
            "Pages by what read them",
            "ops",
            f"sum by (engine) (rate(invoicegen_pages_total{JOB}[$__rate_interval]))",
            "{{engine}}",
            kind="areas",
        ),
    ),
    "Queue and workers": (
        one("Tasks", "none", f"sum by (state) (invoicegen_tasks{JOB})", "{{state}}", kind="areas"),
        one(
            "Documents of requests in hand",
            "none",
            f"sum by (instance) (invoicegen_documents_in_hand{JOB})",
            "{{instance}}",
        ),
        one(
            "Longest wait",
            "s",
            f"max by (job) (invoicegen_oldest_task_wait_seconds{JOB})",
            "{{job}}",
            limits=(120,),
        ),
        one(
            "Workers replaced in half an hour",
            "none",
            f"sum by (reason) (increase(invoicegen_worker_restarts_total{JOB}[30m]))",
            "{{reason}}",
            limits=(3,),
        ),
        Panel(
            "Memory of workers",
            "bytes",
            (
                (f"invoicegen_worker_resident_memory_bytes{JOB}", "{{instance}} {{worker}}"),
                (f"max(invoicegen_worker_memory_limit_bytes{JOB})", "limit of data"),
            ),
        ),
        Panel(
            "The server's own process",
            "bytes",
            ((f"process_resident_memory_bytes{JOB}", "{{instance}}"),),
        ),
        one(
            "Processor of the server's own process",
            "percentunit",
            f"rate(process_cpu_seconds_total{JOB}[$__rate_interval])",
            "{{instance}}",
        ),
        one("Open files", "none", f"process_open_fds{JOB}", "{{instance}}"),
        one(
            "Requests that Redis did not count",
            "reqps",
            f"sum by (job) (rate(invoicegen_rate_storage_failures_total{JOB}[$__rate_interval]))",
            "{{job}}",
        ),
    ),
    "Batches": (
        one(
            "Documents by state",
            "none",
            f"sum by (state) (invoicegen_batch_documents{JOB})",
            "{{state}}",
            kind="areas",
            width=6,
        ),
        Panel(
            "Batches",
            "none",
            ((f"sum by (state) (invoicegen_batches{JOB})", "{{state}}"),),
            width=6,
        ),
        one(
            "Age of the oldest unfinished batch",
            "s",
            f"max by (instance) (invoicegen_oldest_batch_seconds{JOB})",
            "{{instance}}",
            width=6,
            limits=(3600,),
        ),
        one(
            "Webhooks by outcome, an hour",
            "none",
            f"sum by (outcome) (increase(invoicegen_webhooks_total{JOB}[1h]))",
            "{{outcome}}",
            width=6,
        ),
        one(
            "Disk of batches, free",
            "percentunit",
            f"invoicegen_state_free_bytes{JOB} / invoicegen_state_size_bytes{JOB}",
            "{{instance}}",
            width=6,
        ),
        one(
            "Documents by what became of them",
            "ops",
            f"sum by (outcome) (rate(invoicegen_documents_total{JOB}[$__rate_interval]))",
            "{{outcome}}",
            width=18,
            kind="areas",
        ),
    ),
}

QUALITY = {
    "Documents": (
        one(
            "Documents by type",
            "ops",
            f"sum by (document_type) (rate(invoicegen_documents_read_total{JOB}[$__rate_interval]))",
            "{{document_type}}",
            kind="areas",
        ),
        Panel(
            "Share that needs review",
            "percentunit",
            (
                (f"job:invoicegen_review:ratio1h{JOB}", "{{job}}, an hour"),
                (f"job:invoicegen_review:ratio1d{JOB}", "{{job}}, a day"),
                (
                    f"max by (document_type) (invoicegen_baseline_review_ratio{JOB})",
                    "{{document_type}} when measured",
                ),
            ),
        ),
        one(
            "Reasons for review",
            "ops",
            f"sum by (reason) (rate(invoicegen_review_reasons_total{JOB}[$__rate_interval]))",
            "{{reason}}",
            kind="areas",
        ),
        one(
            "Checks that fail, share of a day",
            "percentunit",
            f"job_rule:invoicegen_checks_failed:ratio1d{JOB}",
            "{{rule}}",
            width=24,
        ),
    ),
    "Drift: what the model gives now, less what it gave when it was measured": (
        one(
            "Presence of fields, a day: found less expected",
            "percentunit",
            f"job_field:invoicegen_field_presence:ratio1d{JOB} - job_field:invoicegen_field_presence:expected1d{JOB}",
            "{{entity_type}}",
            kind="bars",
            width=12,
            height=16,
            text="Expected for the same mix of invoices, credit notes and receipts.",
        ),
        one(
            "Mean confidence, a day: now less expected",
            "percentunit",
            f"job_field:invoicegen_field_confidence:mean1d{JOB} - job_field:invoicegen_field_confidence:expected{JOB}",
            "{{entity_type}}",
            kind="bars",
            width=12,
            height=16,
        ),
        one(
            "Presence over time",
            "percentunit",
            f"job_field:invoicegen_field_presence:ratio1d{JOB}",
            "{{entity_type}}",
            width=12,
        ),
        one(
            "Mean confidence over time",
            "percentunit",
            f"job_field:invoicegen_field_confidence:mean1d{JOB}",
            "{{entity_type}}",
            width=12,
        ),
    ),
    "Confidence": (
        one(
            "Values by band of confidence",
            "none",
            f"sum by (le) (increase(invoicegen_field_confidence_ratio_bucket{JOB}[$__range]))",
            "{{le}}",
            kind="bars",
            width=12,
            height=16,
            buckets=True,
        ),
        one(
            "Values of a day by entity type",
            "none",
            f"job_field:invoicegen_field_values:increase1d{JOB}",
            "{{entity_type}}",
            kind="bars",
            width=12,
            height=16,
        ),
    ),
}

GENERATION = {
    "Last runs": (
        one("Succeeded", "bool_yes_no", "invoicegen_run_succeeded", "{{pipeline}}", kind="number"),
        one(
            "Ended before",
            "s",
            "time() - invoicegen_run_completed_timestamp_seconds",
            "{{pipeline}}",
            kind="number",
        ),
        one("Took", "s", "invoicegen_run_duration_seconds", "{{pipeline}}", kind="number"),
    ),
    "Generated documents": (
        one(
            "Documents by split", "none", "invoicegen_generated_documents", "{{split}}", kind="bars", width=6
        ),
        one(
            "Pages by what read them",
            "none",
            "invoicegen_generated_pages",
            "{{engine}}",
            kind="bars",
            width=6,
        ),
        one(
            "Labels that survive reading",
            "percentunit",
            "invoicegen_generated_labels_kept_ratio",
            "{{engine}}",
            kind="bars",
            width=6,
        ),
        one(
            "Documents that failed",
            "none",
            "invoicegen_quarantined_documents",
            "{{stage}}",
            kind="bars",
            width=6,
        ),
    ),
    "Training and evaluation": (
        one(
            "Entity F1 on the validation split",
            "percentunit",
            "invoicegen_training_validation_f1_ratio",
            "{{pipeline}}",
        ),
        one("Loss of the best epoch", "none", "invoicegen_training_loss", "{{split}}"),
        one("F1 on the test split", "percentunit", "invoicegen_evaluation_f1_ratio", "{{score}}"),
        one("Epochs", "none", "invoicegen_training_epochs", "{{pipeline}}", kind="number"),
        one("Steps", "none", "invoicegen_training_steps", "{{pipeline}}", kind="number"),
        one("Trained for", "s", "invoicegen_training_duration_seconds", "{{pipeline}}", kind="number"),
    ),
}
DASHBOARDS = {
    "service": ("InvoiceGen: service", SERVICE, "now-6h"),
    "quality": ("InvoiceGen: model quality", QUALITY, "now-7d"),
    "generation": ("InvoiceGen: generation and training", GENERATION, "now-30d"),
}


def built(panel: Panel):
    made = BUILDERS[panel.kind]().title(panel.title).unit(panel.unit).datasource(SOURCE)
    made = (
        made.span(panel.width)
        .height(4 if panel.kind in ("number", "name") else panel.height)
        .description(panel.text)
    )
    for place, (expr, legend) in enumerate(panel.queries):
        query = prometheus.Dataquery().expr(expr).legend_format(legend).ref_id("ABCDEF"[place])
        query = query.instant() if panel.kind not in ("lines", "areas") else query.range()
        made = made.with_target(query.format(PromQueryFormat.HEATMAP) if panel.buckets else query)
    if panel.kind in ("lines", "areas"):
        made = (
            made.min(0).show_points(VisibilityMode.AUTO).legend(common.VizLegendOptions().show_legend(True))
        )
    if panel.kind == "areas":
        made = made.fill_opacity(20).stacking(common.StackingConfig().mode(StackingMode.NORMAL))
    if panel.kind in ("number", "name", "bars"):
        made = made.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    if panel.kind == "bars":
        made = made.orientation(VizOrientation.HORIZONTAL)
    if panel.kind in ("number", "name"):
        made = made.color_mode(BigValueColorMode.NONE).graph_mode(BigValueGraphMode.NONE)
    if panel.kind == "name":
        made = made.text_mode(BigValueTextMode.NAME)
    if panel.limits:
        steps = [Threshold(color="green"), *(Threshold(value=limit, color="red") for limit in panel.limits)]
        made = made.thresholds(dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps))
        lines = common.GraphThresholdsStyleConfig().mode(GraphThresholdsStyleMode.LINE)
        made = made.thresholds_style(lines)
    return made


def board(name: str) -> str:
    title, rows, since = DASHBOARDS[name]
    made = (
        dashboard.Dashboard(title)
        .uid(f"invoicegen-{name}")
        .tags(["invoicegen"])
        .time(since, "now")
        .refresh("1m")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .readonly()
    )
    if name != "generation":
        made = made.with_variable(
            dashboard.QueryVariable("job")
            .label("Job")
            .query("label_values(invoicegen_build_info, job)")
            .datasource(SOURCE)
            .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
            .sort(VariableSort.ALPHABETICAL_ASC)
            .multi(True)
            .include_all(True)
        )
    for row, panels in rows.items():
        made = made.with_row(dashboard.Row(row))
        for panel in panels:
            made = made.with_panel(built(panel))
    return json.dumps(made.build(), cls=JSONEncoder, indent=2, sort_keys=True) + "\n"


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    for name in DASHBOARDS:
        (folder / f"{name}.json").write_text(board(name), encoding="utf-8")


if __name__ == "__main__":
    main()
