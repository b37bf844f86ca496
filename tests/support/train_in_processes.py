"""Trains as a file says; torchrun starts it in each process of a test.

    torchrun … train_in_processes.py FOLDER

FOLDER holds ``runs.json``, the shards, and a Kedro project, whose pipeline ``train`` runs first. Each process has an
output folder of its own, as on machines without a common store, and leaves what each run gave in ``<run>-<rank>.json``.
"""

import json
import os
import signal
import sys
from pathlib import Path

import pyarrow.parquet as pq
from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project

from invoicegen.modeling import TrainOptions, train_model
from invoicegen.modeling import training as training_module

FOLDER = Path(sys.argv[1])
RANK = int(os.environ["RANK"])
STEP = training_module._Training._train_step


def shards(split):
    return {file.stem: lambda file=file: pq.read_table(file) for file in (FOLDER / split).glob("*.parquet")}


def faulty_step(fault, at_step):
    """A training step in which something happens to process 1 alone."""

    def train_step(self, *arguments):
        if RANK == 1 and self.progress.step == at_step:
            if fault == "interrupt":
                os.kill(os.getpid(), signal.SIGINT)
            elif fault == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            elif fault == "nan":
                self.model.heads["table"].weight.data[0, 0] = float("nan")
        return STEP(self, *arguments)

    return train_step


project = FOLDER / "project"
os.chdir(project)
bootstrap_project(project)
with KedroSession.create(
    project, runtime_params=json.loads((FOLDER / "parameters.json").read_text())
) as session:
    session.run(pipeline_names=["train"])

for run in json.loads((FOLDER / "runs.json").read_text()):
    options = TrainOptions.model_validate(run["options"])
    if run["fault"] == "other seed":
        options = options.model_copy(update={"seed": RANK})
    training_module._Training._train_step = faulty_step(run["fault"], at_step=3)
    output = FOLDER / run["output"] / f"rank-{RANK}"
    try:
        trained = train_model(
            shards("train"), shards("validation"), options, output, output / "metrics.jsonl"
        )
        said = {"path": str(trained.path), "history": trained.history}
    except (Exception, KeyboardInterrupt) as error:
        said = {"error": type(error).__name__, "message": str(error)}
    (FOLDER / f"{run['name']}-{RANK}.json").write_text(json.dumps(said))
