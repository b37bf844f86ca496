"""A trained model in every runtime, and the stock model: time, memory, and whether the labels stay the same.

    python benchmarks/infer.py data/06_models/model data/05_model_input/test_pages [--pages 48] [--rounds 2]

Each variant runs in a process of its own, once on one thread and once on two, on the same pages: one by one, as
``extract`` gives a one-page document, and in batches of 16. Encoding and OCR are not in the times, decoding is. Times
are the least of the rounds: CPU time of all threads, which other load on the machine changes little, and wall time,
which is an upper bound. Memory is the largest resident set of the process, the runtime and Python included.

``stock`` is ``LayoutLMv3ForTokenClassification`` of transformers in the same size with random weights: its time only.
Fields are those that ``assemble`` makes of the predictions, against the labels' values.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # a thread that waits shall not count as one that works
os.environ.setdefault("GOMP_SPINCOUNT", "0")

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from invoicegen.modeling.network import CPU_BATCH_TOKENS

VARIANTS = {
    "stock": "stock transformers, fp32",
    "torch": "torch fp32",
    "torch-bf16": "torch bf16 (autocast)",
    "ort": "ONNX Runtime fp32",
    "ort-dynamic": "ONNX Runtime, dynamic int8, one scale a tensor",
    "ort-dynamic-channel": "ONNX Runtime, dynamic int8, one scale an output",
    "ort-static": "ONNX Runtime, static int8, one scale an output, calibrated on 16 pages",
    "ort-int8": "ONNX Runtime, int8 by blocks (`--precision int8`)",
    "openvino-f32": "OpenVINO fp32",
    "openvino-bf16": "OpenVINO bf16 (`--precision fp16` where the processor has bf16)",
    "openvino-bf16-w8a16": "OpenVINO bf16, weights of 8 bits (`--precision w8a16`)",
}


def tables_of(folder: Path) -> dict[str, Any]:
    import pyarrow.parquet as pq

    return {str(file): partial(pq.read_table, file) for file in sorted(folder.rglob("*.parquet"))}


def prepare(model: Path, work: Path) -> None:
    """The ONNX files of all variants, without the comparison that ``export-model`` makes."""
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from safetensors.numpy import save_file

    from invoicegen.modeling import ModelLoader
    from invoicegen.modeling.onnx_export import quantise, safetensors_layout, share_weights, write_onnx
    from invoicegen.modeling.packing import pack

    trained = ModelLoader(runtime="torch").load_model(model)
    (work / "inputs.json").write_text(trained.inputs.model_dump_json())
    network = trained.network.model
    write_onnx(network, work / "fp32.onnx")
    for name, by_channel in (("ort-dynamic", False), ("ort-dynamic-channel", True)):
        quantize_dynamic(
            work / "fp32.onnx",
            work / f"{name}.onnx",
            weight_type=QuantType.QInt8,
            per_channel=by_channel,
            op_types_to_quantize=["MatMul"],
            extra_options={"MatMulConstBOnly": True},
        )
    originals = {name: tensor.numpy().copy() for name, tensor in network.state_dict().items()}
    network.half().save_pretrained(work / "weights")
    shutil.move(work / "weights" / "model.safetensors", work / "model.safetensors")
    for name in ("fp16", "ort-int8"):
        shutil.copyfile(work / "fp32.onnx", work / f"{name}.onnx")
        if name == "ort-int8":
            quantise(work / f"{name}.onnx")
        share_weights(work / f"{name}.onnx", work / "model.safetensors", originals)
    (work / "w8a16").mkdir()
    shutil.copyfile(work / "fp32.onnx", work / "w8a16/model.onnx")
    names = safetensors_layout(work / "model.safetensors")
    save_file(pack({name: originals[name] for name in names}), work / "w8a16/model.safetensors")
    share_weights(work / "w8a16/model.onnx", work / "w8a16/model.safetensors", originals)


def prepare_static(arguments: argparse.Namespace, work: Path) -> None:
    """A statically quantised file, activations calibrated on pages that are not timed."""
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

    from invoicegen.modeling.encoding import collate, page_windows

    predictor = predictor_of("ort", arguments.model, work, 1)
    encoded = [predictor.encode(page) for page in read_pages(work)[-16:]]
    windows = page_windows(encoded, predictor.settings.max_length, predictor.settings.overlap_words)

    class Reader(CalibrationDataReader):
        batches = iter([collate(encoded, [window], predictor.tokenizer).inputs for window in windows])

        def get_next(self) -> Any:
            return next(self.batches, None)

    quantize_static(
        work / "fp32.onnx",
        work / "ort-static.onnx",
        Reader(),
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        weight_type=QuantType.QInt8,
        activation_type=QuantType.QUInt8,
        op_types_to_quantize=["MatMul"],
        extra_options={"MatMulConstBOnly": True},
    )


def predictor_of(variant: str, model: Path, work: Path, threads: int) -> Any:
    """A predictor of the variant; runtimes other than torch get their process free of it."""
    from invoicegen.modeling.encoding import FileTokenizer, WordTokenizer
    from invoicegen.modeling.inference import Predictor
    from invoicegen.modeling.settings import InputFormat, read_settings

    inputs = InputFormat.model_validate_json((work / "inputs.json").read_text())
    network: Any
    if variant in ("stock", "torch", "torch-bf16"):
        from invoicegen.modeling import ModelLoader

        network = ModelLoader(threads=threads, runtime="torch").load_model(model).network
        if variant == "stock":
            network = stock_network(network.model.config)
        elif variant == "torch-bf16":
            network = autocast(network)
    elif variant.startswith("ort"):
        from invoicegen.modeling.onnx_network import OnnxNetwork

        network = OnnxNetwork(work / ("fp32.onnx" if variant == "ort" else f"{variant}.onnx"), threads)
    else:
        from invoicegen.modeling.openvino_network import OpenVinoNetwork

        precision, _, packed = variant.removeprefix("openvino-").partition("-")
        path = work / (f"{packed}/model.onnx" if packed else "fp16.onnx")
        network = OpenVinoNetwork(path, threads, precision)
    tokenizer = WordTokenizer(FileTokenizer.from_folder(model), inputs.max_subwords_per_word)
    return Predictor(network, tokenizer, inputs, read_settings(model))


class Called:
    """A network out of a function."""

    batch_tokens = CPU_BATCH_TOKENS

    def __init__(self, run: Callable[[Any], Any]) -> None:
        self.run = run

    def __call__(self, inputs: Any) -> Any:
        return self.run(inputs)


def autocast(network: Any) -> Any:
    import torch

    def run(inputs: Any) -> Any:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return network(inputs)

    return Called(run)


def stock_network(config: Any) -> Any:
    """The stock model with an NER head of as many labels; zeros stand for the heads that it lacks."""
    import numpy as np
    import torch
    from transformers import LayoutLMv3Config, LayoutLMv3ForTokenClassification

    known = LayoutLMv3Config().to_dict()
    settings = {name: value for name, value in config.to_dict().items() if name in known}
    settings |= {"id2label": dict(enumerate(config.head_labels["ner"])), "label2id": None}
    model = LayoutLMv3ForTokenClassification(LayoutLMv3Config(**settings)).eval()

    @torch.inference_mode()
    def run(inputs: Any) -> Any:
        logits = model(**{name: torch.from_numpy(array) for name, array in inputs.items()}).logits.numpy()
        absent = np.zeros((*logits.shape[:2], 3), dtype=np.float32)
        return {"ner": logits, "table": absent, "cell": absent}

    return Called(run)


def peak_memory() -> float:
    """Largest resident set of this process, MB; unlike ``ru_maxrss`` it knows nothing of the parent's."""
    status = Path("/proc/self/status").read_text()
    return float(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024


def measure(arguments: argparse.Namespace, work: Path) -> dict[str, Any]:
    """What one process finds out of one variant."""
    begun = time.perf_counter()
    predictor = predictor_of(arguments.variant, arguments.model, work, arguments.threads)
    figures: dict[str, Any] = {"load_s": time.perf_counter() - begun}
    encoded = [predictor.encode(page) for page in read_pages(work)[: arguments.pages]]
    by_one = [[page] for page in encoded]
    by_16 = [encoded[i : i + 16] for i in range(0, len(encoded), 16)]
    for name, batches in (("one", by_one), ("sixteen", by_16)):
        best: dict[str, float] = {}
        for _ in range(arguments.rounds + 1):  # the first warms up
            cpu, wall = time.process_time(), time.perf_counter()
            for batch in batches:
                for scores in predictor.score_pages(batch):
                    predictor.decode(scores)
            spent = {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall}
            best = {key: min(value, best.get(key, value)) for key, value in spent.items()}
        figures |= {f"{name}_{key}_ms": 1000 * value / len(encoded) for key, value in best.items()}
    figures["rss_mb"] = peak_memory()
    decoded = [predictor.decode(scores) for scores in predictor.score_pages(encoded)]
    figures["labels"] = [[page.ner_tags, page.table_tags, page.cell_tags] for page in decoded]
    if arguments.threads == 1 and arguments.variant != "stock":
        from invoicegen.evaluation.options import EvaluateOptions
        from invoicegen.evaluation.run import evaluate

        tables = tables_of(arguments.pages_folder)
        scores = evaluate(tables, predictor, EvaluateOptions(progress=False)).scores
        figures["entity_f1"] = scores["entities"]["micro"]["f1"]
        figures["field_f1"] = scores["fields"]["micro"]["f1"]
        figures["line_item_f1"] = scores["fields"]["line_items"]["f1"]
    return figures


def write_pages(arguments: argparse.Namespace, work: Path) -> None:
    from invoicegen.schema.rows import row_to_page

    tables = tables_of(arguments.pages_folder).values()
    pages = [row_to_page(row) for table in tables for row in table().to_pylist()]
    (work / "pages.json").write_text(json.dumps([p.model_dump(mode="json") for p in pages if p.words]))


def read_pages(work: Path) -> list[Any]:
    from invoicegen.modeling.inference import PageInput
    from invoicegen.schema.annotation import Word

    return [
        PageInput(p["page"], p["width"], p["height"], [Word.model_validate(word) for word in p["words"]])
        for p in json.loads((work / "pages.json").read_text())
    ]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path, help="folder of a trained model")
    parser.add_argument("pages_folder", type=Path, help="labelled pages, Parquet; scores are of all of them")
    parser.add_argument("--pages", type=int, default=48, help="pages that are timed")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--variants", nargs="*", choices=VARIANTS, default=list(VARIANTS))
    parser.add_argument("--json", type=Path)
    parser.add_argument("--variant", help=argparse.SUPPRESS)
    parser.add_argument("--threads", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.variant:
        found = measure(arguments, arguments.work)
        (arguments.work / "figures.json").write_text(json.dumps(found))
        return
    figures: dict[str, dict[int, dict[str, Any]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        prepare(arguments.model, work)
        write_pages(arguments, work)
        if "ort-static" in arguments.variants:
            prepare_static(arguments, work)
        for variant in arguments.variants:
            for threads in (1, 2):
                command = [sys.executable, __file__, *sys.argv[1:], "--variant", variant, "--work", str(work)]
                subprocess.run([*command, "--threads", str(threads)], check=True)
                figures.setdefault(variant, {})[threads] = json.loads((work / "figures.json").read_text())
    report(figures)
    if arguments.json:
        for runs in figures.values():
            for run in runs.values():
                del run["labels"]
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n")


def report(figures: dict[str, dict[int, dict[str, Any]]]) -> None:
    """A Markdown table; labels are compared with those of torch in fp32."""
    reference = figures["torch"][1]["labels"] if "torch" in figures else None
    columns = (
        "CPU ms a page, 1 / 2 threads",
        "wall ms a page, 1 / 2 threads",
        "batches of 16: CPU ms a page",
        "pages a minute, 2 threads",
        "load, s",
        "memory, MB",
        "words labelled alike",
        "pages alike",
        "F1 of entities / fields / line items",
    )
    print(f"| | {' | '.join(columns)} |\n|{'--|' * (len(columns) + 1)}")
    for variant, runs in figures.items():
        one, two = runs[1], runs[2]
        words = pages = scores = "–"
        if reference is not None and variant != "stock":
            pairs = list(zip(reference, one["labels"], strict=True))
            pages = f"{sum(a == b for a, b in pairs) / len(pairs):.2f}"
            alike = [
                first == second
                for a, b in pairs
                for first, second in zip(zip(*a, strict=True), zip(*b, strict=True), strict=True)
            ]
            words = f"{sum(alike) / len(alike):.4f}"
        if "entity_f1" in one:
            scores = " / ".join(f"{one[key]:.3f}" for key in ("entity_f1", "field_f1", "line_item_f1"))
        cells = (
            f"{one['one_cpu_ms']:.0f} / {two['one_cpu_ms']:.0f}",
            f"{one['one_wall_ms']:.0f} / {two['one_wall_ms']:.0f}",
            f"{one['sixteen_cpu_ms']:.0f}",
            f"{60_000 / two['sixteen_wall_ms']:.0f}",
            f"{one['load_s']:.1f}",
            f"{one['rss_mb']:.0f}",
            words,
            pages,
            scores,
        )
        print(f"| {VARIANTS[variant]} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
