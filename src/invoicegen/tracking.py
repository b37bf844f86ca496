"""Runs logged to MLflow, where ``tracking.mlflow`` asks for it: parameters, metrics, files and figures."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from mlflow import MlflowClient

_LOCAL_STORE: Final = Path("data/08_reporting/mlflow")
_LONGEST_PARAMETER: Final = 6000
"""Characters; what MLflow takes."""
_MOST_METRICS: Final = 1000
"""In one call; what MLflow takes."""
_FORBIDDEN: Final = re.compile(r"[^\w\-. :/]")
"""What MLflow does not take in the name of a metric."""


class TrackingError(Exception):
    """Runs cannot be logged: MLflow is not installed."""


class TrackingOptions(BaseModel):
    """Where runs are logged beside the files that they write anyway."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    mlflow: bool = Field(
        False, description="log training and evaluation to MLflow (needs the extra: invoicegen[mlflow])"
    )
    uri: str | None = Field(
        None,
        description="of the tracking server or store; default: what MLFLOW_TRACKING_URI says, else "
        f"sqlite:///{_LOCAL_STORE}/runs.db in the project's folder",
    )
    experiment: str = Field("invoicegen", min_length=1, description="the runs are grouped under this name")
    textfile: Path | None = Field(
        None,
        description="folder of the node exporter's textfile collector: each run writes its metrics there "
        "(needs the extra: invoicegen[serve])",
    )


class MlflowRun:
    """A run in MLflow, made when something is logged first, and taken up again while ``run_file`` names it.

    Args:
        options: Where.
        name: Of the run.
        parameters: Nested values of what is run; logged under dotted names.
        run_file: Keeps the run's id until it is finished, so that a process that goes on with the work goes on with
            the run; None where work that was cut off begins anew.

    Raises:
        TrackingError: If MLflow is not installed.
    """

    def __init__(
        self, options: TrackingOptions, name: str, parameters: Mapping[str, Any], run_file: Path | None = None
    ) -> None:
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # it reports usage to its maker by default
        try:
            import mlflow
        except ModuleNotFoundError as error:
            raise TrackingError(
                "tracking.mlflow is true and MLflow is not installed: `pip install 'invoicegen[mlflow]'`, or set "
                "tracking.mlflow to false"
            ) from error
        self._client: MlflowClient | None = None
        self._mlflow = mlflow
        self._options = options
        self._name = name
        self._parameters = parameters
        self._file = run_file
        self._run_id = ""

    def log_epochs(self, history: Sequence[Mapping[str, Any]]) -> None:
        """Log the numbers of each epoch that the run does not have yet.

        Args:
            history: One record an epoch, with its number under ``epoch``.
        """
        client = self._started()
        names = [
            key for key, value in history[-1].items() if isinstance(value, int | float) and key != "epoch"
        ]
        logged = {metric.step for metric in client.get_metric_history(self._run_id, names[0])}
        for record in history:
            if record["epoch"] in logged:
                continue
            for name in names:
                client.log_metric(self._run_id, name, float(record[name]), step=record["epoch"])

    def log_scores(self, scores: Mapping[str, Any]) -> None:
        """Log every number in nested scores under its dotted name; lists, and what cannot be said, are left out."""
        from mlflow.entities import Metric

        client = self._started()
        now = int(time.time() * 1000)
        metrics = [
            Metric(_FORBIDDEN.sub("", name), float(value), now, 0)
            for name, value in _flat(scores).items()
            if isinstance(value, int | float)
        ]
        for start in range(0, len(metrics), _MOST_METRICS):
            client.log_batch(self._run_id, metrics=metrics[start : start + _MOST_METRICS])

    def finish(
        self, files: Sequence[Path], figures: Mapping[str, Figure], texts: Mapping[str, str] = {}
    ) -> None:
        """Log ``files``, and ``figures`` and ``texts`` under their file names, and end the run."""
        client = self._started()
        for file in files:
            client.log_artifact(self._run_id, str(file))
        for name, text in texts.items():
            client.log_text(self._run_id, text, name)
        for name, figure in figures.items():
            client.log_figure(self._run_id, figure, name)
        client.set_terminated(self._run_id)
        if self._file is not None:
            self._file.unlink()

    def _started(self) -> MlflowClient:
        if self._client is None:
            self._client = self._mlflow.MlflowClient(self._uri())
            if self._file is not None and self._file.exists():
                self._run_id = self._file.read_text(encoding="utf-8")
            else:
                self._run_id = self._begin(self._client)
                if self._file is not None:
                    self._file.parent.mkdir(parents=True, exist_ok=True)
                    self._file.write_text(self._run_id, encoding="utf-8")
        return self._client

    def _begin(self, client: MlflowClient) -> str:
        experiment = client.get_experiment_by_name(self._options.experiment)
        if experiment is None:
            local = self._uri().startswith("sqlite:///")
            location = (_LOCAL_STORE / "files").resolve().as_uri() if local else None
            identifier = client.create_experiment(self._options.experiment, artifact_location=location)
        else:
            identifier = experiment.experiment_id
        run_id: str = client.create_run(identifier, run_name=self._name).info.run_id
        for name, value in _flat(self._parameters).items():
            client.log_param(run_id, name, str(value)[:_LONGEST_PARAMETER])
        return run_id

    def _uri(self) -> str:
        given = self._options.uri or os.environ.get("MLFLOW_TRACKING_URI")
        if given:
            return given
        _LOCAL_STORE.mkdir(parents=True, exist_ok=True)
        return f"sqlite:///{_LOCAL_STORE.resolve()}/runs.db"


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Leaves of nested mappings by dotted name."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat
