"""What a run made, as a file of metrics that Prometheus' node exporter picks up (its textfile collector)."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from invoicegen.tracking import TrackingError

if TYPE_CHECKING:
    from prometheus_client import Gauge


class RunMetrics:
    """The metrics of one run; every series has the pipeline's name.

    Args:
        pipeline: Its name.

    Raises:
        TrackingError: If ``prometheus-client`` is not installed.
    """

    def __init__(self, pipeline: str) -> None:
        try:
            from prometheus_client import CollectorRegistry
        except ModuleNotFoundError as error:
            raise TrackingError(
                "tracking.textfile is set and prometheus-client is not installed: `pip install 'invoicegen[serve]'`, "
                "or set tracking.textfile to null"
            ) from error
        self._pipeline = pipeline
        self.registry = CollectorRegistry()
        self._succeeded = self._gauge("run_succeeded", "Whether the last run went to its end.")
        self._completed = self._gauge("run_completed_timestamp_seconds", "When the last run ended.")
        self._seconds = self._gauge("run_duration_seconds", "How long the last run took.")
        self._pages = self._gauge("generated_pages", "Labelled pages, by what read them.", "engine")
        self._kept = self._gauge(
            "generated_labels_kept_ratio",
            "Share of the labelled words on the page that have their label after reading.",
            "engine",
        )
        self._documents = self._gauge("generated_documents", "Documents, by split.", "split")
        self._quarantined = self._gauge(
            "quarantined_documents", "Documents that failed, by the stage they failed in.", "stage"
        )
        self._epochs = self._gauge("training_epochs", "Epochs trained.")
        self._steps = self._gauge("training_steps", "Steps of the optimiser.")
        self._training_seconds = self._gauge("training_duration_seconds", "Seconds trained.")
        self._losses = self._gauge("training_loss", "Loss of the best epoch, by split.", "split")
        self._validation = self._gauge(
            "training_validation_f1_ratio", "Entity F1 of the best epoch on the validation split."
        )
        self._scores = self._gauge(
            "evaluation_f1_ratio", "Micro F1 on the test split, by what is scored.", "score"
        )

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        from prometheus_client import Gauge

        return Gauge(f"invoicegen_{name}", text, ("pipeline", *labels), registry=self.registry)

    def finish(self, seconds: float, *, succeeded: bool) -> None:
        """Say how the run ended, just now."""
        self._succeeded.labels(self._pipeline).set(succeeded)
        self._completed.labels(self._pipeline).set(time.time())
        self._seconds.labels(self._pipeline).set(seconds)

    def add_labels(self, report: Mapping[str, Any]) -> None:
        """Add what the dataset ``labeling_report`` says."""
        for engine, counts in report["by_engine"].items():
            self._pages.labels(self._pipeline, engine).set(counts["pages"])
            if counts["labelled_words"]:
                kept = counts["labelled_kept"] / counts["labelled_words"]
                self._kept.labels(self._pipeline, engine).set(kept)

    def add_splits(self, manifest: Mapping[str, Any]) -> None:
        """Add what the dataset ``model_input_manifest`` says."""
        for split, counts in manifest["splits"].items():
            self._documents.labels(self._pipeline, split).set(counts["documents"])

    def add_quarantined(self, stage: str, documents: int) -> None:
        """Add how many documents failed in a stage."""
        self._quarantined.labels(self._pipeline, stage).set(documents)

    def add_training(self, summary: Mapping[str, Any]) -> None:
        """Add what the dataset ``training_summary`` says."""
        best = summary["best"]
        self._epochs.labels(self._pipeline).set(summary["epochs"])
        self._steps.labels(self._pipeline).set(summary["steps"])
        self._training_seconds.labels(self._pipeline).set(summary["seconds"])
        self._losses.labels(self._pipeline, "train").set(best["train_loss"])
        self._losses.labels(self._pipeline, "validation").set(best["validation_loss"])
        self._validation.labels(self._pipeline).set(best["validation_f1"])

    def add_evaluation(self, scores: Mapping[str, Any]) -> None:
        """Add what the dataset ``evaluation_scores`` says."""
        fields = scores["fields"]
        for score, f1 in (
            ("entities", scores["entities"]["micro"]["f1"]),
            ("fields", fields["micro"]["f1"]),
            ("line_items", fields["line_items"]["f1"]),
        ):
            self._scores.labels(self._pipeline, score).set(f1)

    def write(self, folder: Path) -> Path:
        """Put the metrics into a folder, as a whole; the file."""
        from prometheus_client import write_to_textfile

        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"invoicegen_{self._pipeline}.prom"
        write_to_textfile(str(path), self.registry)
        return path
