"""What a training shows of itself: curves and a model card."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from invoicegen.modeling.configuration import LayoutLMv3MultiHeadConfig
from invoicegen.modeling.labels import HEADS
from invoicegen.modeling.options import TrainOptions

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_curves(history: Sequence[dict[str, Any]]) -> Figure:
    """Losses, entity scores and head accuracies by epoch.

    Args:
        history: One record an epoch, as in the metrics file.
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(12, 3.6), layout="constrained")
    epochs = [record["epoch"] for record in history]
    panels = [
        ("loss", [("train", "train_loss"), ("validation", "validation_loss")]),
        ("entities (validation)", [(name, f"validation_{name}") for name in ("f1", "precision", "recall")]),
        ("accuracy of words (validation)", [(head, f"validation_{head}_accuracy") for head in HEADS]),
    ]
    for axes, (title, lines) in zip(figure.subplots(1, len(panels)), panels, strict=True):
        for label, key in lines:
            axes.plot(epochs, [record[key] for record in history], marker="o", markersize=3, label=label)
        axes.set(title=title, xlabel="epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_ylim(bottom=0, top=None if title == "loss" else 1)
        axes.grid(alpha=0.3)
        axes.legend()
    return figure


def licence_of(origin: str) -> str:
    """The licence identifier (of Hugging Face model cards) that weights grown from ``origin`` carry."""
    if "MiniLM" in origin:
        return "apache-2.0"
    if "multilingual-e5" in origin:
        return "mit"
    if origin.startswith("microsoft/layoutlmv3"):
        return "cc-by-nc-sa-4.0"
    return "other"


def model_card(
    config: LayoutLMv3MultiHeadConfig,
    options: TrainOptions,
    record: dict[str, Any],
    *,
    n_train: int,
    n_validation: int,
    n_parameters: int,
) -> str:
    """A model card in Markdown: what the model is, what it saw, how it scores, what one may do with it."""
    licence = licence_of(config.initialised_from)
    extra = config.label_set.extra_entities
    added = "" if not extra else " and " + ", ".join(f"`{entity.name}`" for entity in extra)
    terms = {
        "apache-2.0": "Apache-2.0, as the weights it started from.",
        "mit": "MIT, as the weights it started from.",
        "cc-by-nc-sa-4.0": "CC BY-NC-SA 4.0, as the weights it started from: no commercial use.",
        "other": f"That of the weights it started from: {config.initialised_from}.",
    }[licence]
    return f"""---
license: {licence}
library_name: invoicegen
pipeline_tag: token-classification
tags: [layoutlmv3, invoices, receipts, document-ai]
---

# InvoiceGen extractor

Labels each word of an invoice, credit note or receipt: entity ({len(config.head_labels["ner"])} BIO labels,
taxonomy {config.taxonomy}{added}), place in the line-item table (3 labels) and role of its cell (3 labels).

| | |
|--|--|
| architecture | LayoutLMv3 encoder, {config.num_hidden_layers} layers x {config.hidden_size}, \
{n_parameters:,} parameters, \
{"text, layout and image patches" if config.visual_embed else "text and layout"} |
| started from | {config.initialised_from} |
| trained on | {n_train} pages (InvoiceGen's training split), seed {options.seed}, {record["epoch"]} epochs, \
{record["step"]} steps |
| validated on | {n_validation} pages of other layouts |
| entity F1 | {record["validation_f1"]:.3f} (precision {record["validation_precision"]:.3f}, \
recall {record["validation_recall"]:.3f}; unbroken runs of words, exact) |
| table head, cell head | accuracy {record["validation_table_accuracy"]:.3f}, \
{record["validation_cell_accuracy"]:.3f} |
| confidences | expected calibration error of the NER head {record["validation_ner_ece"]:.4f}, \
{record["validation_ner_ece_before"]:.4f} before temperature scaling |

Scores on synthetic validation pages say little about real documents; measure on your own with the evaluation
pipeline. The model reads the words it is given: what OCR misses, it cannot find.

## Use

```python
from invoicegen.modeling import PageInput, Predictor

predictor = Predictor.from_pretrained("path/of/this/folder")
(prediction,) = predictor.predict_pages([PageInput(page=0, width=1240, height=1754, words=words)])
```

## Licence

{terms}
"""
