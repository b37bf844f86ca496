"""Which of the generated pages the node of the pipeline ``train`` learns from."""

import pytest

from invoicegen.modeling import TrainingData, TrainingFolders, TrainOptions
from invoicegen.pipelines.training.nodes import train
from invoicegen.schema.taxonomy import LabelSet
from invoicegen.tracking import TrackingOptions


@pytest.mark.parametrize(
    ("generations", "pages", "trained_on"), [("current", 2, ["new"]), ("all", 5, ["new", "old"])]
)
def test_training_reads_what_was_generated_last_or_all(
    generations, pages, trained_on, stock_checkpoint, fabricate_tables, tmp_path
):
    options = TrainOptions(
        init_from=str(stock_checkpoint),
        epochs=1,
        max_length=64,
        inference_max_length=64,
        progress=False,
        device="cpu",
    )
    folders = TrainingFolders(checkpoints=str(tmp_path / "state"), metrics=str(tmp_path / "metrics.jsonl"))
    current = {f"new/{name}": load for name, load in fabricate_tables(range(2)).items()}
    before = {f"old/{name}": load for name, load in fabricate_tables(range(2, 5)).items()}
    _, summary, _ = train(
        current,
        current | before,
        current,
        options,
        TrainingData(generations=generations),
        folders,
        TrackingOptions(),
        {"fingerprint": "new"},
        LabelSet(),
    )
    assert (summary["train_pages"], summary["validation_pages"]) == (pages, 2)
    assert summary["data"] == {"fingerprint": "new", "trained_on": trained_on}
