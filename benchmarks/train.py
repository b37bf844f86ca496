"""A training step of ours, of stock ``LayoutLMv3ForTokenClassification``, and of the bare matrix products.

    python benchmarks/train.py [--documents 24] [--batches 6] [--rounds 3] [--threads 2] [--json figures.json]

All three take the same batches: documents of the base configuration, tokenised, in batches of windows of like length
as training makes them. Both models are the compact one (6 layers, width 384, warm-started alike) with one head of 73
labels, the same dropout (.1 on hidden states, none on attention), cross entropy, clipping at 1 and fused AdamW; text
and layout, no patches. They differ in what is ours: encoder, dropout and memory kept between steps.

The bare products are the forward and the two backward products of every linear layer and of the attention, at the same
shapes and in the same number format, with operands and results already in place: no step that computes every token in
every layer can be faster with them. Ours leaves out, in the last layer, the tokens that have no label.

Rounds alternate between the three in one process, and the time is CPU time of all threads, so that other load matters
little. Training time of an epoch follows from it for cores that have nothing else to do.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # a thread that waits shall not count as one that works
os.environ.setdefault("GOMP_SPINCOUNT", "0")

import argparse
import contextlib
import hashlib
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from torch import Tensor, nn

from invoicegen.modeling.encoding import EncodedPage, WordTokenizer, collate, page_windows, shuffled_batches
from invoicegen.modeling.memory import freed_memory_kept
from invoicegen.modeling.options import LayoutJitter, TrainOptions
from invoicegen.modeling.warm_start import COMPACT, StartingPoint, starting_point

ROOT = Path(__file__).resolve().parents[1]
Step = Callable[[dict[str, Tensor]], None]


def generated_pages(count: int, start: StartingPoint, tokenizer: WordTokenizer) -> list[EncodedPage]:
    """The pages of the first documents of the base configuration, with their labels."""
    from invoicegen.labeling import DocumentState, annotate_page
    from invoicegen.modeling.splits import read_split
    from invoicegen.pipelines.options import GenerateOptions
    from invoicegen.rendering import render_document
    from invoicegen.schema.rows import page_to_row, rows_to_table
    from invoicegen.synthesis import synthesise
    from invoicegen.templates import compose, plan_document

    given = yaml.safe_load((ROOT / "conf/base/parameters_generate.yml").read_text())["generate"]
    options = GenerateOptions.model_validate(given)
    rows = []
    for index in range(count):
        plan = plan_document(index, options)
        invoice = synthesise(plan)
        rendered = render_document(compose(invoice, plan), dpi=options.dpi)
        state = DocumentState()
        for true_page in rendered.pages:
            page, _ = annotate_page(
                true_page,
                None,
                plan,
                invoice,
                "page.jpg",
                hashlib.sha256(b"").hexdigest(),
                len(rendered.pages),
                dpi=options.dpi,
                state=state,
            )
            rows.append(page_to_row(page, b"", "clean"))
    return read_split("train", {"all": lambda: rows_to_table(rows)}, tokenizer, start.model.config)


def stock_model(start: StartingPoint) -> nn.Module:
    """``LayoutLMv3ForTokenClassification`` of the same shape with the same encoder weights."""
    from transformers import LayoutLMv3Config, LayoutLMv3ForTokenClassification

    settings = start.model.config.to_dict()
    for name in ("model_type", "architectures", "head_labels", "id2label", "label2id"):
        settings.pop(name, None)
    model = LayoutLMv3ForTokenClassification(LayoutLMv3Config(num_labels=73, **settings))
    outcome = model.load_state_dict(start.model.state_dict(), strict=False)
    lacking = [name for name in outcome.missing_keys if not name.startswith("classifier.")]
    if lacking:
        raise RuntimeError(f"the stock model lacks weights of ours: {lacking}")
    return model


def training_step(model: nn.Module, dtype: torch.dtype, labels: str) -> Step:
    """Forward, backward, clip and update."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5, weight_decay=0.01, fused=True)
    model.train()

    def step(inputs: dict[str, Tensor]) -> None:
        with torch.autocast("cpu", dtype=dtype, enabled=dtype != torch.float32):
            names = ("input_ids", "bbox", "attention_mask")
            output = model(**{name: inputs[name] for name in names}, **{labels: inputs["ner_labels"]})
        output.loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()

    return step


def bare_products(config: Any, dtype: torch.dtype, batches: list[dict[str, Tensor]]) -> Step:
    """The matrix products of a step and nothing else; operands are made beforehand, by shape."""
    size, inner, heads = config.hidden_size, config.intermediate_size, config.num_attention_heads
    linear = [(size, size)] * 4 + [(size, inner), (inner, size)]

    def operand(*shape: int) -> Tensor:
        return torch.randn(shape).to(dtype)

    def triple(left: Tensor, right: Tensor) -> list[tuple[Tensor, Tensor, Tensor]]:
        """``left @ right`` and the two products of its gradient: operands and result of each."""
        result = torch.matmul(left, right)
        return [
            (left, right, result),
            (torch.randn_like(result), right.mT, torch.empty_like(left)),
            (left.mT, torch.randn_like(result), torch.empty_like(right)),
        ]

    weights = {
        shape: operand(shape[1], shape[0]).T for shape in {*linear, (size, 73)}
    }  # as nn.Linear keeps them
    products: dict[tuple[int, int], list[list[tuple[Tensor, Tensor, Tensor]]]] = {}
    for batch in batches:
        rows, length = batch["input_ids"].shape
        width = size // heads
        layer = [triple(operand(rows * length, shape[0]), weights[shape]) for shape in linear]
        layer.append(triple(operand(rows * heads, length, width), operand(rows * heads, width, length)))
        layer.append(triple(operand(rows * heads, length, length), operand(rows * heads, length, width)))
        head = triple(operand(rows * length, size), weights[size, 73])
        products[rows, length] = layer * config.num_hidden_layers + [head]

    def step(inputs: dict[str, Tensor]) -> None:
        for three in products[tuple(inputs["input_ids"].shape)]:
            for left, right, result in three:
                torch.matmul(left, right, out=result)

    return step


def measure(steps: dict[str, Step], batches: list[dict[str, Tensor]], rounds: int) -> dict[str, float]:
    """CPU seconds of one pass over the batches: the median of the rounds, which alternate."""
    spent: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(rounds):
        for name, step in steps.items():
            with contextlib.nullcontext() if name == "stock" else freed_memory_kept():
                step(batches[0])
                start = time.process_time()
                for batch in batches:
                    step(batch)
                spent[name].append(time.process_time() - start)
    return {name: statistics.median(values) for name, values in spent.items()}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--documents", type=int, default=24)
    parser.add_argument("--batches", type=int, default=6)
    parser.add_argument("--batch-size", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)

    options = TrainOptions()
    changes = {
        "visual_embed": False,
        "hidden_dropout_prob": options.dropout,
        "attention_probs_dropout_prob": 0.0,
    }
    start = starting_point(COMPACT, 0, **changes)
    tokenizer = WordTokenizer(start.tokenizer, options.max_subwords_per_word)
    pages = generated_pages(arguments.documents, start, tokenizer)
    windows = page_windows(pages, options.max_length, options.overlap_words)
    rng = np.random.default_rng(0)
    chosen = shuffled_batches(windows, arguments.batch_size, rng)[: arguments.batches]
    jitter = [
        [np.random.default_rng([i, row]) for row in range(len(batch))] for i, batch in enumerate(chosen)
    ]
    batches = [
        {
            name: torch.from_numpy(array)
            for name, array in collate(pages, batch, tokenizer, (LayoutJitter(), rngs)).inputs.items()
        }
        for batch, rngs in zip(chosen, jitter, strict=True)
    ]
    lengths = [window.length for window in windows]
    padded = sum(batch["input_ids"].numel() for batch in batches)
    real = sum(int(batch["attention_mask"].sum()) for batch in batches)
    seen = sum(len(batch) for batch in chosen)
    quartiles = [round(float(q)) for q in np.percentile(lengths, [25, 50, 75])]
    print(f"{len(pages)} pages, {len(windows)} windows, quartiles of their length {quartiles} subwords")
    padding = 1 - real / padded
    print(
        f"{len(batches)} batches of {arguments.batch_size}, {padding:.1%} padding; {arguments.threads} threads"
    )
    figures: dict[str, Any] = {"windows_per_page": len(windows) / len(pages), "quartiles": quartiles}
    for name, dtype in (("fp32", torch.float32), ("bf16", torch.bfloat16)):
        steps = {
            "ours": training_step(starting_point(COMPACT, 0, **changes).model, dtype, "ner_labels"),
            "stock": training_step(stock_model(start), dtype, "labels"),
            "products": bare_products(start.model.config, dtype, batches),
        }
        spent = measure(steps, batches, arguments.rounds)
        a_window = {key: seconds / seen for key, seconds in spent.items()}
        epoch = a_window["ours"] * figures["windows_per_page"] * 10_000 / 2 / 60
        figures[name] = {
            "ms_a_window": {key: round(1000 * seconds) for key, seconds in a_window.items()},
            "stock_over_ours": round(spent["stock"] / spent["ours"], 2),
            "ours_over_products": round(spent["ours"] / spent["products"], 2),
            "minutes_for_10000_pages_on_two_cores": round(epoch, 1),
        }
        print(name, json.dumps(figures[name]))
    ours_bf16, stock_fp32 = (figures["bf16"]["ms_a_window"]["ours"], figures["fp32"]["ms_a_window"]["stock"])
    figures["stock_fp32_over_ours_bf16"] = round(stock_fp32 / ours_bf16, 2)
    print("stock fp32 over ours bf16", figures["stock_fp32_over_ours_bf16"])
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
